"""The plan of a case: how the effect of its actions will be judged, registered before they start, and what was judged."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from tallystick.schemas.base import Instant, Slug, Text, Wire
from tallystick.schemas.effect import Effect, EffectPlan, EffectVerdict


class CasePlan(Wire):
    """A plan as it stands."""

    programme: Slug
    case_id: UUID
    vendor: Slug | None
    """With whom the case is shared."""
    revision: int
    position: int
    effect: EffectPlan
    """As it was registered, but for an extension of the verification window."""
    registered_by: str
    registered_at: Instant
    frozen: bool
    """Whether work has started on it: nothing but the end of the verification window changes any more."""
    judge_on: date
    """The day, in the programme's time zone, from which on the effect is judged: the first after the verification window."""
    over_at: Instant
    """When that day begins: the effect is judged as soon as all facts up to then are counted."""
    verdict: EffectVerdict | None
    """`null` until it has been judged."""
    judged: Effect | None
    """The last judgement, with the numbers that it stands on."""
    judged_at: Instant | None
    extensions: tuple["GivenExtension", ...]


class PlanVersions(Wire):
    """A page of the versions of a plan, the newest first; the next page is in the `Link` header."""

    items: tuple[CasePlan, ...]


class Extension(Wire):
    """A later end of the verification window, because the effect was not yet decidable."""

    to: Annotated[date, Field(ge=date(1990, 1, 1), le=date(2200, 1, 1))]
    """The day after the last of the window."""
    reason: Text


class GivenExtension(Extension):
    """An extension, whose it was, and what it came after."""

    before: date
    by: str
    at: Instant
