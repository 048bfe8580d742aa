"""The QA verdict on one decision of a moderator."""

from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, NonNegativeInt

from tallystick.schemas.base import Code, Instant, Reference, Slug, Text, Wire
from tallystick.schemas.programme import ErrorClass, Severity


class Verdict(StrEnum):
    """Was the decision right?"""

    CORRECT = "correct"
    INCORRECT = "incorrect"


class AuditParty(StrEnum):
    """Whose QA made the audit: a vendor's own is compared with the client's."""

    VENDOR = "vendor"
    CLIENT = "client"


class Attribution(StrEnum):
    """Whom or what an error is laid to."""

    MODERATOR = "moderator"
    POLICY = "policy"
    TOOLING = "tooling"
    TRAINING = "training"
    AUDITOR = "auditor"


class RenderHint(StrEnum):
    """How the audited content should be shown to people."""

    BLUR = "blur"
    GREYSCALE = "greyscale"
    MUTE = "mute"


class Criterion(Wire):
    """One line of a scorecard. A line that is not applicable gives its weight to the others in proportion."""

    code: Code
    weight: Annotated[float, Field(gt=0, le=1000)]
    rating: Annotated[float, Field(ge=0, le=1)] | None = None
    """Share of the points reached; `null` where the line is not applicable."""
    auto_fail: bool = False
    """A line that brings the whole score to 0 unless it is fully met."""


class Judgement(Wire):
    """What an audit says, and what a revision of it may change."""

    benchmark_action: Code
    benchmark_policy: Code
    verdict: Verdict
    error_class: ErrorClass | None = None
    error_code: Code | None = None
    severity: Severity | None = None
    attributable_to: Attribution | None = None
    scorecard: Annotated[tuple[Criterion, ...], Field(max_length=100)] | None = None
    comment: Text | None = None


class AuditFacts(Judgement):
    """What every audit says beside its judgement: which decision, in which context, judged when and by which sample."""

    external_id: Reference
    vendor: Slug
    site: Code
    queue: Code
    market: Code
    language: Code
    decided_at: Instant
    action: Code
    policy: Code
    automated_detection: bool = False
    automated_decision: bool = False
    render_hints: Annotated[tuple[RenderHint, ...], Field(max_length=3)] = ()
    audit_party: AuditParty = AuditParty.CLIENT
    claimed_at: Instant | None = None
    audited_at: Instant
    handling_time_s: Annotated[int, Field(ge=0, le=604_800)] | None = None
    """Seconds that the auditor spent."""
    stratum: Code | None = None
    inclusion_probability: Annotated[float, Field(gt=0, le=1)] | None = None


class NewAudit(AuditFacts):
    """An audit as it is pushed. Tallystick never stores content: only an opaque reference, and hints on rendering."""

    content_ref: Reference
    moderator: Reference
    auditor: Reference


class FirstScored(Wire):
    """The judgement as it was first recorded; kept beside the current one once a revision has changed it."""

    benchmark_action: Code
    benchmark_policy: Code
    verdict: Verdict
    error_class: ErrorClass | None
    error_code: Code | None
    severity: Severity | None
    attributable_to: Attribution | None
    quality_score: float | None


class Audit(AuditFacts):
    """An audit as it stands now (*as adjudicated*), with its judgement *as first scored* beside it where they differ.

    Once it is erased, nothing in it names a person any more: the fields that did are `null`.
    To auditors, `auditor`, `recorded_by` and `batch_id` of an audit that somebody else recorded are `null` while it is under
    appeal: they may have to decide it blind.
    """

    content_ref: Reference | None
    moderator: Reference | None
    auditor: Reference | None
    programme: Slug
    id: UUID
    revision: int
    position: int
    """Where in the programme's stream of changes this audit last changed."""
    policy_set_version: str
    error_taxonomy_version: str
    quality_score: Annotated[float, Field(ge=0, le=1)] | None
    batch_id: UUID | None
    recorded_by: str | None
    recorded_at: Instant
    first_scored: FirstScored | None
    erased: bool


class AuditPage(Wire):
    """A page of audits; the next page is in the `Link` header."""

    items: tuple[Audit, ...]


class NewRevision(Wire):
    """A changed judgement, and why."""

    judgement: Judgement
    reason: Text


class AuditRevision(Wire):
    """One version of an audit's judgement: revision 1 is the audit as first scored."""

    revision: int
    judgement: Judgement
    quality_score: float | None
    reason: str | None
    """Why; `null` for the first."""
    recorded_by: str | None
    """Who; `null` to auditors while the audit is under appeal, and to vendors where an appeal was decided."""
    recorded_at: Instant
    appeal_id: UUID | None = None
    """The appeal whose decision this is."""


class AuditRevisions(Wire):
    """Every version of an audit, oldest first."""

    items: tuple[AuditRevision, ...]


class Erasure(Wire):
    """A request to erase what can name a person: moderator, auditor, content reference and comments."""

    reason: Text


class RowVerdict(StrEnum):
    """What became of one row of a batch."""

    CREATED = "created"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    REJECTED = "rejected"
    REVISED = "revised"


class RowError(Wire):
    """Why a row was not taken: the field (JSON pointer), a stable code, and a sentence. Never the value."""

    pointer: str
    code: str
    detail: str


class RowResult(Wire):
    """The verdict on one row. `row` counts the data rows of the request from 1."""

    row: int
    verdict: RowVerdict
    external_id: str | None
    audit_id: UUID | None
    errors: tuple[RowError, ...] = ()


class BatchCounts(Wire):
    """How many rows got each verdict; they sum to `rows`."""

    rows: NonNegativeInt
    created: NonNegativeInt
    duplicate: NonNegativeInt
    conflict: NonNegativeInt
    rejected: NonNegativeInt
    revised: NonNegativeInt


class AuditBatch(Wire):
    """A batch of audits as it was taken in."""

    id: UUID
    programme: Slug
    vendor: Slug | None
    """The vendor whose system pushed it; `null` for the client's own."""
    profile: Slug | None
    atomicity: Literal["rows", "all"]
    on_conflict: Literal["reject", "revise"]
    dry_run: bool
    counts: BatchCounts
    recorded_by: str
    recorded_at: Instant


class AuditBatchResult(AuditBatch):
    """The answer to a push: the batch and the verdict on every row."""

    results: tuple[RowResult, ...]


class RowPage(Wire):
    """A page of a batch's row verdicts; the next page is in the `Link` header."""

    items: tuple[RowResult, ...]
