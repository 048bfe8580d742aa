"""Appeals: a vendor's challenge to an audit, how it is decided, and the notice that goes back.

Which action leads from which state to which other is in `TRANSITIONS`, once, for the service, its documents and its tests.
"""

from enum import StrEnum
from typing import Annotated, Literal, NamedTuple, Self
from uuid import UUID

from pydantic import Field, NonNegativeInt, model_validator

from tallystick.schemas.audit import Attribution, Judgement, RowError, Verdict
from tallystick.schemas.base import Code, Instant, Reference, Slug, Text, Wire
from tallystick.schemas.principal import Role
from tallystick.schemas.programme import ErrorClass, Severity


class AppealState(StrEnum):
    """Where an appeal stands. `upheld`, `overturned` and `amended` say what became of the audit's verdict."""

    SUBMITTED = "submitted"
    IN_REVIEW = "in_review"
    UPHELD = "upheld"
    OVERTURNED = "overturned"
    AMENDED = "amended"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


OPEN = frozenset({AppealState.SUBMITTED, AppealState.IN_REVIEW})
DECIDED = frozenset({AppealState.UPHELD, AppealState.OVERTURNED, AppealState.AMENDED})


class AppealStage(StrEnum):
    """Who decides: an adjudicator first; after an escalation arbitration, whose outcome is final."""

    REVIEW = "review"
    ARBITRATION = "arbitration"


class AppealAction(StrEnum):
    """What moves an appeal."""

    SUBMIT = "submit"
    CLAIM = "claim"
    RELEASE = "release"
    LAPSE = "lapse"
    UPHOLD = "uphold"
    OVERTURN = "overturn"
    AMEND = "amend"
    WITHDRAW = "withdraw"
    EXPIRE = "expire"
    ESCALATE = "escalate"


class Transition(NamedTuple):
    """From which states an action leads where, and who may take it: nobody where time itself does."""

    action: AppealAction
    sources: frozenset[AppealState]
    target: AppealState
    by: frozenset[Role]
    at: frozenset[AppealStage]


_ADJUDICATORS = frozenset({Role.ADMIN, Role.QUALITY_MANAGER, Role.AUDITOR})
_POC = frozenset({Role.VENDOR_POC})
_TIME: frozenset[Role] = frozenset()
_BOTH = frozenset(AppealStage)
_SUBMITTED, _IN_REVIEW = frozenset({AppealState.SUBMITTED}), frozenset({AppealState.IN_REVIEW})

TRANSITIONS: tuple[Transition, ...] = (
    Transition(AppealAction.SUBMIT, frozenset(), AppealState.SUBMITTED, _POC, frozenset({AppealStage.REVIEW})),
    Transition(AppealAction.CLAIM, _SUBMITTED, AppealState.IN_REVIEW, _ADJUDICATORS, _BOTH),
    Transition(AppealAction.RELEASE, _IN_REVIEW, AppealState.SUBMITTED, _ADJUDICATORS, _BOTH),
    Transition(AppealAction.LAPSE, _IN_REVIEW, AppealState.SUBMITTED, _TIME, _BOTH),
    Transition(AppealAction.UPHOLD, _IN_REVIEW, AppealState.UPHELD, _ADJUDICATORS, _BOTH),
    Transition(AppealAction.OVERTURN, _IN_REVIEW, AppealState.OVERTURNED, _ADJUDICATORS, _BOTH),
    Transition(AppealAction.AMEND, _IN_REVIEW, AppealState.AMENDED, _ADJUDICATORS, _BOTH),
    Transition(AppealAction.WITHDRAW, OPEN, AppealState.WITHDRAWN, _POC, _BOTH),
    Transition(AppealAction.EXPIRE, OPEN, AppealState.EXPIRED, _TIME, _BOTH),
    Transition(
        AppealAction.ESCALATE,
        frozenset({AppealState.UPHELD, AppealState.AMENDED}),
        AppealState.SUBMITTED,
        _POC,
        frozenset({AppealStage.REVIEW}),
    ),
)
"""All there are. Arbitration is for quality managers and admins, and never for who decided first."""


class Proposal(Wire):
    """The judgement that the vendor proposes. A field that is left out stays as it was judged.

    With `verdict` `correct` the error goes, and the benchmark is what the moderator decided unless the proposal names another.
    """

    verdict: Verdict | None = None
    error_class: ErrorClass | None = None
    error_code: Code | None = None
    severity: Severity | None = None
    attributable_to: Attribution | None = None
    benchmark_action: Code | None = None
    benchmark_policy: Code | None = None


class NewAppeal(Wire):
    """An appeal to raise. The audit is named by its id, or by the vendor's own external id."""

    audit_id: UUID | None = None
    external_id: Reference | None = None
    ground: Code
    """Of the grounds that the programme lists."""
    comment: Text
    evidence: Annotated[tuple[Reference, ...], Field(max_length=20)] = ()
    """Where the evidence is found: references, never the evidence itself."""
    proposed: Proposal

    @model_validator(mode="after")
    def _one_name_of_the_audit(self) -> Self:
        if (self.audit_id is None) == (self.external_id is None):
            raise ValueError("name the audit by audit_id or by external_id")
        return self


class Appeal(Wire):
    """An appeal as it stands.

    Who decides stays unnamed to the vendor. Whose audit it is stays unnamed to auditors until the appeal is decided.
    """

    programme: Slug
    id: UUID
    revision: int
    position: int
    vendor: Slug
    audit_id: UUID
    audit_revision: int
    """The revision of the audit that the vendor appeals."""
    site: Code
    queue: Code
    market: Code
    language: Code
    policy: Code
    error_class: ErrorClass | None
    error_code: Code | None
    severity: Severity | None
    """How the audit was wrong as it stood when it was appealed: what the appeal is about, whatever is decided."""
    auditor: Reference | None
    """Who recorded the audit; `null` for the vendor, and for auditors until the appeal is decided."""
    state: AppealState
    stage: AppealStage
    ground: Code
    comment: Text | None
    """`null` once the audit is erased."""
    evidence: tuple[Reference, ...]
    proposed: Judgement
    """The whole judgement that the proposal amounts to."""
    contested: tuple[str, ...]
    """The fields of the judgement in which the proposal differs."""
    submitted_by: str | None
    submitted_at: Instant
    due_at: Instant | None
    """When the programme promises a decision, by its business calendar; of the present stage."""
    expires_at: Instant | None
    """When it lapses undecided; the audit stands then."""
    overdue: bool
    claimed_by: str | None
    """`null` while nobody has it, and for the vendor."""
    claimed_until: Instant | None
    decided_by: str | None
    """`null` until then, and for the vendor."""
    decided_at: Instant | None
    on_time: bool | None
    """Whether the last decision came before it was due; `null` without a decision or a due date."""
    reason: Text | None
    """The reasons of the last decision, as the vendor reads them."""
    escalated_at: Instant | None
    escalate_until: Instant | None
    """Until when the vendor may escalate the decision; `null` where it cannot."""
    acknowledged_by: str | None
    acknowledged_at: Instant | None
    """When the vendor took note of the decision."""
    possible: tuple[AppealAction, ...]
    """What may be done with it now, by somebody whose part it is."""


class AppealPage(Wire):
    """A page of appeals; the next page is in the `Link` header."""

    items: tuple[Appeal, ...]


class AppealEvent(Wire):
    """One step of an appeal."""

    revision: int
    action: AppealAction
    state: AppealState
    stage: AppealStage
    by: str | None
    """Who; `null` where time did it, and for the other party's people to a vendor."""
    at: Instant
    note: Text | None


class AppealHistory(Wire):
    """Every step of an appeal, oldest first."""

    items: tuple[AppealEvent, ...]


class Decision(Wire):
    """How an adjudicator decides, and why.

    `overturned` puts what the vendor proposed in place of the judgement; `amended` puts `judgement` there; `upheld` leaves it.
    """

    outcome: Literal["upheld", "overturned", "amended"]
    reason: Text
    judgement: Judgement | None = None
    """With `amended` alone."""

    @model_validator(mode="after")
    def _judgement_goes_with_amended(self) -> Self:
        if (self.judgement is not None) != (self.outcome == "amended"):
            raise ValueError("a judgement goes with the outcome amended, and with no other")
        return self


class Note(Wire):
    """Why something is done."""

    note: Text


class AppealRowVerdict(StrEnum):
    """What became of one row of a batch of appeals."""

    CREATED = "created"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"


class AppealRowResult(Wire):
    """The verdict on one row. `row` counts the data rows of the request from 1."""

    row: int
    verdict: AppealRowVerdict
    appeal_id: UUID | None
    errors: tuple[RowError, ...] = ()


class AppealBatchCounts(Wire):
    """How many rows got each verdict; they sum to `rows`."""

    rows: NonNegativeInt
    created: NonNegativeInt
    duplicate: NonNegativeInt
    rejected: NonNegativeInt


class AppealBatchResult(Wire):
    """The answer to appeals that were raised in bulk."""

    counts: AppealBatchCounts
    results: tuple[AppealRowResult, ...]
