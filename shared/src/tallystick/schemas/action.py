"""Actions: what is done about a root cause, by whom and until when."""

from enum import StrEnum
from typing import Annotated, NamedTuple, Self
from uuid import UUID

from pydantic import Field, model_validator

from tallystick.schemas.base import Instant, Name, Reference, Slug, Text, Wire
from tallystick.schemas.case import EvidenceReference, Evidences


class ActionKind(StrEnum):
    """What an action is for."""

    IMMEDIATE = "immediate"
    """Containment: it stops the harm now."""
    CORRECTIVE = "corrective"
    PREVENTIVE = "preventive"
    IMPROVEMENT = "improvement"


class ActionState(StrEnum):
    """Where an action stands."""

    OPEN = "open"
    IN_PROGRESS = "in_progress"
    DONE = "done"
    """By its owner's word; somebody else has yet to verify it."""
    VERIFIED = "verified"
    CANCELLED = "cancelled"


SETTLED = frozenset({ActionState.VERIFIED, ActionState.CANCELLED})
"""Nothing is left to do."""


class ActionStep(StrEnum):
    """What moves an action."""

    START = "start"
    COMPLETE = "complete"
    VERIFY = "verify"
    REJECT = "reject"
    CANCEL = "cancel"


class ActionTransition(NamedTuple):
    """From which states a step leads where, and whose it is: its owner's, somebody else's, or a manager's."""

    step: ActionStep
    sources: frozenset[ActionState]
    target: ActionState
    by: str


_OWNER = "the owner, people of the owner's vendor, or a manager"
_OTHER = "a manager who neither owns it nor said that it is done"
_MANAGER = "a manager"

ACTION_TRANSITIONS: tuple[ActionTransition, ...] = (
    ActionTransition(ActionStep.START, frozenset({ActionState.OPEN}), ActionState.IN_PROGRESS, _OWNER),
    ActionTransition(ActionStep.COMPLETE, frozenset({ActionState.OPEN, ActionState.IN_PROGRESS}), ActionState.DONE, _OWNER),
    ActionTransition(ActionStep.VERIFY, frozenset({ActionState.DONE}), ActionState.VERIFIED, _OTHER),
    ActionTransition(ActionStep.REJECT, frozenset({ActionState.DONE}), ActionState.IN_PROGRESS, _OTHER),
    ActionTransition(
        ActionStep.CANCEL,
        frozenset({ActionState.OPEN, ActionState.IN_PROGRESS, ActionState.DONE}),
        ActionState.CANCELLED,
        _MANAGER,
    ),
)
"""All there are. An action that depends on others completes when they are settled."""


class Station(StrEnum):
    """The chain along which an action that is overdue is escalated."""

    OWNER = "owner"
    TEAM_LEAD = "team_lead"
    QUALITY_MANAGER = "quality_manager"
    GPM = "gpm"


class NewAction(Wire):
    """An action to agree on."""

    kind: ActionKind
    title: Name
    description: Text | None = None
    owner: Reference
    """The `sub` of the person who does it."""
    owner_vendor: Slug | None = None
    """The vendor that the owner belongs to, which has to be the case's; `null` for the client's people."""
    due_at: Instant | None = None
    """Unless given: by the programme's business calendar, so many working days from now as `due_days`."""
    due_days: Annotated[int, Field(ge=1, le=365)] | None = None
    depends_on: Annotated[tuple[UUID, ...], Field(max_length=20)] = ()
    """Actions of the same case that have to be settled before this one is done."""


class Action(Wire):
    """An action as it stands."""

    programme: Slug
    id: UUID
    case_id: UUID
    vendor: Slug | None
    """With whom the case is shared."""
    revision: int
    position: int
    kind: ActionKind
    title: Name
    description: Text | None
    owner: Reference
    owner_vendor: Slug | None
    due_at: Instant
    depends_on: tuple[UUID, ...]
    state: ActionState
    overdue: bool
    escalated_to: Station | None
    """The last station of the chain that was told that it is overdue; `null` again once it is due later."""
    evidence: tuple[EvidenceReference, ...]
    """Where it can be seen that it is done: references."""
    note: Text | None
    """What the owner said when it was done."""
    opened_by: str
    opened_at: Instant
    done_by: str | None
    done_at: Instant | None
    verified_by: str | None
    verified_at: Instant | None
    on_time: bool | None
    """Whether it was done before it was due; `null` until then, and where it was cancelled."""
    possible: tuple[ActionStep, ...]


class ActionChange(Wire):
    """What of an action is to be changed: the fields that are given, and no others."""

    owner: Reference | None = None
    owner_vendor: Slug | None = None
    """Goes with `owner`: the vendor that the new owner belongs to; `null` for the client's people."""
    due_at: Instant | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self.owner is None and self.due_at is None:
            raise ValueError("nothing is to be changed")
        if self.owner is None and "owner_vendor" in self.model_fields_set:
            raise ValueError("whose an owner is goes with the owner")
        return self


class ActionPage(Wire):
    """A page of actions; the next page is in the `Link` header."""

    items: tuple[Action, ...]


class ActionMove(Wire):
    """A step of an action. Completing it needs evidence or a note, rejecting and cancelling it a note."""

    step: ActionStep
    note: Text | None = None
    evidence: Evidences = ()

    @model_validator(mode="after")
    def _says_what_it_needs(self) -> Self:
        if self.step is ActionStep.COMPLETE and not self.evidence and self.note is None:
            raise ValueError("to complete an action takes evidence, or a note")
        if self.step in {ActionStep.REJECT, ActionStep.CANCEL} and self.note is None:
            raise ValueError(f"to {self.step} an action takes a note")
        return self
