"""Root-cause cases, how they move, and their conversation.

Which step leads from which state to which other is in `CASE_TRANSITIONS`, once, for the service, its documents and its tests.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal, NamedTuple, Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from tallystick.schemas.base import Instant, Reference, Slug, Text, Wire
from tallystick.schemas.metric import Measure, MetricFilter
from tallystick.schemas.principal import MANAGERS, Role


class CaseState(StrEnum):
    """Where a case stands."""

    OPEN = "open"
    ANALYSIS = "analysis"
    ACTION_PLAN = "action_plan"
    IN_PROGRESS = "in_progress"
    VERIFICATION = "verification"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    REOPENED = "reopened"


FINISHED = frozenset({CaseState.CLOSED, CaseState.CANCELLED})
"""Nothing is added to a case any more."""

UNFINISHED = frozenset(CaseState) - FINISHED


class CaseStep(StrEnum):
    """What moves a case."""

    OPEN = "open"
    ANALYSE = "analyse"
    PLAN = "plan"
    START = "start"
    VERIFY = "verify"
    CLOSE = "close"
    OVERRIDE = "override"
    CANCEL = "cancel"
    REOPEN = "reopen"


class CaseTransition(NamedTuple):
    """From which states a step leads where, and whose it is. `service` is rca-api itself, when a signal says so."""

    step: CaseStep
    sources: frozenset[CaseState]
    target: CaseState
    by: frozenset[Role]


_MANAGERS_AND_SIGNALS = MANAGERS | {Role.SERVICE}
_PLANNED = frozenset({CaseState.ACTION_PLAN, CaseState.IN_PROGRESS, CaseState.VERIFICATION})

CASE_TRANSITIONS: tuple[CaseTransition, ...] = (
    CaseTransition(CaseStep.OPEN, frozenset(), CaseState.OPEN, _MANAGERS_AND_SIGNALS),
    CaseTransition(CaseStep.ANALYSE, _PLANNED | {CaseState.OPEN, CaseState.REOPENED}, CaseState.ANALYSIS, MANAGERS),
    CaseTransition(CaseStep.PLAN, frozenset({CaseState.ANALYSIS}), CaseState.ACTION_PLAN, MANAGERS),
    CaseTransition(CaseStep.START, frozenset({CaseState.ACTION_PLAN}), CaseState.IN_PROGRESS, MANAGERS),
    CaseTransition(CaseStep.VERIFY, frozenset({CaseState.IN_PROGRESS}), CaseState.VERIFICATION, MANAGERS),
    CaseTransition(CaseStep.CLOSE, frozenset({CaseState.VERIFICATION}), CaseState.CLOSED, MANAGERS),
    CaseTransition(CaseStep.OVERRIDE, _PLANNED, CaseState.CLOSED, MANAGERS),
    CaseTransition(CaseStep.CANCEL, UNFINISHED, CaseState.CANCELLED, MANAGERS),
    CaseTransition(CaseStep.REOPEN, frozenset({CaseState.CLOSED}), CaseState.REOPENED, _MANAGERS_AND_SIGNALS),
)
"""All there are. Some need more than the right state: what is missing then is in the refusal."""


class CasePriority(StrEnum):
    """How much a case presses."""

    CRITICAL = "critical"
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


class Audience(StrEnum):
    """Who may read something: everybody on the case, or the client's people alone."""

    VENDOR = "vendor"
    INTERNAL = "internal"


class EvidenceKind(StrEnum):
    """What a reference leads to."""

    AUDIT = "audit"
    """An audit's id."""
    SIGNAL = "signal"
    """A signal's key."""
    MESSAGE = "message"
    """The id of a message on the case."""
    DOCUMENT = "document"
    """A document, a chart or a file elsewhere: its name or address."""


class EvidenceReference(Wire):
    """Something that can be looked at: where it is found, never the thing itself."""

    kind: EvidenceKind = EvidenceKind.DOCUMENT
    reference: Reference
    note: Annotated[Reference | None, Field(description="What it shows, in a line.")] = None


Evidences = Annotated[tuple[EvidenceReference, ...], Field(max_length=20)]


class Participant(Wire):
    """Somebody who works on a case: of the vendor that it is shared with, or of the client (`vendor` null)."""

    subject: Reference
    vendor: Slug | None = None


Participants = Annotated[tuple[Participant, ...], Field(max_length=50)]


class CasePeriod(Wire):
    """The days that a case is about, in the programme's time zone: from the first up to, and not including, the last."""

    model_config = ConfigDict(populate_by_name=True, extra="forbid", frozen=True, serialize_by_alias=True)

    from_: Annotated[date, Field(alias="from", ge=date(1990, 1, 1), le=date(2200, 1, 1))]
    to: Annotated[date, Field(ge=date(1990, 1, 1), le=date(2200, 1, 1))]

    @model_validator(mode="after")
    def _has_days(self) -> Self:
        if self.to <= self.from_:
            raise ValueError("a period ends after it begins")
        return self


class NewCase(Wire):
    """A case to open. With a vendor it is shared with that vendor; without one it is internal."""

    vendor: Slug | None = None
    title: Annotated[Reference, Field(description="What the case is about, in a line.")]
    description: Text | None = None
    scope: MetricFilter = MetricFilter()
    """In which part of the programme. A case with a vendor is about that vendor, whether the scope names it or not."""
    measure: Measure | None = Measure.ERROR_RATE
    """`null` for calibration, whose numbers are no metrics."""
    priority: CasePriority = CasePriority.NORMAL
    owner: Reference | None = None
    """The `sub` of who answers for the case; whoever opens it, without one."""
    participants: Participants = ()
    period: CasePeriod | None = None
    """When it went wrong; the last four weeks, without one. Evidence compares it with the eight weeks before."""
    due_at: Instant | None = None
    """When the root cause is to be known; by the programme's `root_cause_days`, without one."""

    @model_validator(mode="after")
    def _scope_is_the_vendors(self) -> Self:
        if self.vendor is not None and self.scope.vendor not in {(), (self.vendor,)}:
            raise ValueError("a case that is shared with a vendor is about that vendor alone")
        return self


class CaseChange(Wire):
    """What of a case is to be changed: the fields that are given, and no others."""

    title: Reference | None = None
    description: Text | None = None
    priority: CasePriority | None = None
    owner: Reference | None = None
    participants: Participants | None = None
    due_at: Instant | None = None

    @model_validator(mode="after")
    def _always_has_these(self) -> Self:
        for name in ("title", "priority", "participants"):
            if name in self.model_fields_set and getattr(self, name) is None:
                raise ValueError(f"{name} cannot be null")
        if not self.model_fields_set:
            raise ValueError("nothing is to be changed")
        return self


class TakenStep(Wire):
    """A step that a case took."""

    step: CaseStep
    state: CaseState
    """After it."""
    at: Instant
    due_at: Instant | None
    """When the case had been due until then."""


class Case(Wire):
    """A root-cause case as it stands."""

    programme: Slug
    id: UUID
    revision: int
    position: int
    vendor: Slug | None
    title: str
    description: str | None
    scope: MetricFilter
    measure: Measure | None
    priority: CasePriority
    owner: str | None
    participants: tuple[Participant, ...]
    state: CaseState
    opened_by: str
    """`rca-api` where a signal opened it."""
    opened_at: Instant
    origin: Literal["person", "signal"]
    signals: tuple[str, ...]
    """The keys of the signals that it is about."""
    period: CasePeriod
    baseline: CasePeriod
    """With what the evidence compares it."""
    due_at: Instant | None
    """When the root cause is to be known, and once it is, when the effect of what was done shall be."""
    overdue: bool
    evidence_at: Instant | None
    """When the evidence was gathered; `null` until then."""
    closed_by: str | None
    closed_at: Instant | None
    conclusion: str | None
    override: str | None
    """Why it was closed although something was missing."""
    watch_until: Instant | None
    """Until when a signal of the same kind opens it again; `null` unless it is closed."""
    reopened: int
    """How often."""
    moves: tuple[TakenStep, ...]
    """The steps that it took, oldest first; its history says whose they were and why."""
    possible: tuple[CaseStep, ...]
    """The steps that lead on from its state, for somebody whose part it is."""


class CasePage(Wire):
    """A page of cases; the next page is in the `Link` header."""

    items: tuple[Case, ...]


class CaseMove(Wire):
    """A step of a case, and why. Cancelling and opening again need the reason."""

    step: Literal["analyse", "plan", "start", "verify", "cancel", "reopen"]
    note: Text | None = None

    @model_validator(mode="after")
    def _has_its_reason(self) -> Self:
        if self.note is None and self.step in {CaseStep.CANCEL, CaseStep.REOPEN}:
            raise ValueError(f"to {self.step} a case needs a note")
        return self


class Closure(Wire):
    """Why a case is closed.

    `override` is the reason for which it is closed although actions are open or their effect is not shown. It stays on record.
    """

    conclusion: Text
    override: Text | None = None


class CaseEventKind(StrEnum):
    """What happened on a case."""

    STEP = "step"
    CHANGE = "change"
    """Fields of the case have other values."""
    SIGNAL = "signal"
    """A signal joined the case, or says something else than before."""
    EVIDENCE = "evidence"
    """The evidence was gathered."""
    LINK = "link"
    UNLINK = "unlink"
    WHY = "why"
    CAUSE = "cause"
    ACTION = "action"
    PLAN = "plan"


class CaseEvent(Wire):
    """One entry of a case's history."""

    id: UUID
    position: int
    kind: CaseEventKind
    step: CaseStep | None
    """With `step` alone."""
    state: CaseState
    """Of the case, after it."""
    by: str
    """`rca-api` where nobody did it."""
    at: Instant
    note: str | None
    about: str | None
    """The id or key of what it is about, where that is not the case itself."""
    changed: dict[str, Any]
    """The new values by field."""


class CaseHistory(Wire):
    """A page of a case's history, oldest first; the next page is in the `Link` header."""

    items: tuple[CaseEvent, ...]


class LinkKind(StrEnum):
    """How a case stands to another."""

    RELATED = "related"
    DUPLICATE = "duplicate"
    """This one is about the same as the other."""
    CAUSED_BY = "caused_by"
    """The other is where this one comes from."""


class NewCaseLink(Wire):
    """A link from a case to another one of the programme."""

    kind: LinkKind = LinkKind.RELATED
    to: UUID


class CaseLink(NewCaseLink):
    """A link between two cases. A vendor sees those between cases that are both shared with it."""

    id: UUID
    position: int
    revision: int
    case_id: UUID
    linked_by: str
    linked_at: Instant
    removed: bool
    """Whether the link was taken away since; lists leave those out."""


class CaseLinks(Wire):
    """The links from a case and to it, oldest first."""

    items: tuple[CaseLink, ...]


class NewMessage(Wire):
    """Something to say on a case."""

    audience: Audience = Audience.VENDOR
    text: Text
    mentions: Annotated[tuple[Reference, ...], Field(max_length=20)] = ()
    """The `sub` of those whom it is meant for."""
    attachments: Evidences = ()
    """What goes with it: references."""


class Message(NewMessage):
    """Something that was said on a case."""

    id: UUID
    case_id: UUID
    position: int
    author: str
    written_at: Instant


class MessagePage(Wire):
    """A page of a case's conversation, oldest first; the next page is in the `Link` header."""

    items: tuple[Message, ...]
