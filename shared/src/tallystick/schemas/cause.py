"""Causes: a tree of whys with several branches, the fishbone's categories, and root causes from the programme's taxonomy."""

from enum import StrEnum
from typing import Annotated, Literal, Self, TypeVar
from uuid import UUID

from pydantic import Field, model_validator

from tallystick.schemas.base import Code, Instant, Text, Wire
from tallystick.schemas.case import Audience, EvidenceReference, Evidences
from tallystick.schemas.programme import CauseCategory, Share

Change = TypeVar("Change", bound=Wire)

MAX_WHYS = 200
"""Whys on one case."""
MAX_DEPTH = 10
"""Whys from the root of a tree to its deepest leaf."""
MAX_CAUSES = 50
"""Causes on one case."""


class NewWhy(Wire):
    """An answer to the question why: of the case itself, or of the answer `parent`."""

    parent: UUID | None = None
    text: Text
    category: CauseCategory | None = None
    evidence: Evidences = ()
    audience: Audience = Audience.VENDOR
    """What hangs from an internal why is internal, too."""


class WhyChange(Wire):
    """What of a why is to be changed: the fields that are given, and no others."""

    text: Text | None = None
    category: CauseCategory | None = None
    evidence: Evidences | None = None
    struck: bool | None = None
    """Found wrong; it stays readable."""

    @model_validator(mode="after")
    def _always_has_these(self) -> Self:
        return _with_all_but(self, "category")


class Why(Wire):
    """One why of a case's tree."""

    id: UUID
    case_id: UUID
    revision: int
    position: int
    parent: UUID | None
    text: str
    category: CauseCategory | None
    evidence: tuple[EvidenceReference, ...]
    audience: Audience
    struck: bool
    by: str
    at: Instant


class WhyTree(Wire):
    """All whys of a case, parents before their children."""

    items: tuple[Why, ...]


class CauseState(StrEnum):
    """Whether a cause is one."""

    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


class NewCause(Wire):
    """A root cause to propose."""

    code: Code
    """Of the programme's `cause_taxonomy`."""
    category: CauseCategory | None = None
    """Of the fishbone; that of the code, without one."""
    text: Text | None = None
    share: Annotated[Share | None, Field(description="How much of the error it explains, between 0 and 1.")] = None
    why: UUID | None = None
    """The why that it was found at."""
    evidence: Evidences = ()
    audience: Audience = Audience.VENDOR


class CauseChange(Wire):
    """What of a cause is to be changed: the fields that are given, and no others."""

    text: Text | None = None
    category: CauseCategory | None = None
    share: Share | None = None
    why: UUID | None = None
    evidence: Evidences | None = None

    @model_validator(mode="after")
    def _always_has_these(self) -> Self:
        return _with_all_but(self, "text", "share", "why")


class CauseDecision(Wire):
    """Whether a cause is taken for one. Rejecting it needs the reason."""

    outcome: Literal["accepted", "rejected"]
    reason: Text | None = None

    @model_validator(mode="after")
    def _has_its_reason(self) -> Self:
        if self.outcome == "rejected" and self.reason is None:
            raise ValueError("to reject a cause needs a reason")
        return self


class Cause(Wire):
    """A root cause of a case: proposed by either side, accepted by the client."""

    id: UUID
    case_id: UUID
    revision: int
    position: int
    code: Code
    category: CauseCategory
    text: str | None
    share: float | None
    why: UUID | None
    evidence: tuple[EvidenceReference, ...]
    audience: Audience
    state: CauseState
    proposed_by: str
    proposed_at: Instant
    decided_by: str | None
    decided_at: Instant | None
    reason: str | None


class CauseList(Wire):
    """The causes of a case, oldest first."""

    items: tuple[Cause, ...]


def _with_all_but(change: Change, *nullable: str) -> Change:
    """The change, which names something, and takes no field away but these."""
    if not change.model_fields_set:
        raise ValueError("nothing is to be changed")
    for name in change.model_fields_set - set(nullable):
        if getattr(change, name) is None:
            raise ValueError(f"{name} cannot be null")
    return change
