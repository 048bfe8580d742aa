"""Staffing: who audits what, in which time, and what a period's work comes to."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, NonNegativeInt, model_validator

from tallystick.schemas.base import Code, Instant, Name, Reference, Slug, Wire
from tallystick.schemas.programme import Weekday

Minutes = Annotated[int, Field(ge=0, le=1_440)]
_FULL_DAY = 360
_LONGEST_DAYS = 31


class Absence(Wire):
    """Days on which somebody does not audit. Why is nobody's business."""

    first_day: date
    last_day: date

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.last_day < self.first_day:
            raise ValueError("it ends before it begins")
        return self


class Conflicts(Wire):
    """Whose decisions somebody must not audit: their own, those of people they coach, of a site they come from."""

    moderators: Annotated[tuple[Reference, ...], Field(max_length=1_000)] = ()
    sites: Annotated[tuple[Reference, ...], Field(max_length=100)] = ()
    """As `vendor/site`."""
    vendors: Annotated[tuple[Slug, ...], Field(max_length=100)] = ()


class NewAuditor(Wire):
    """Somebody who audits, and what they can do."""

    name: Name
    team: Code | None = None
    languages: Annotated[tuple[Code, ...], Field(max_length=100)] = ()
    """All where none is named."""
    policies: Annotated[tuple[Code, ...], Field(max_length=500)] = ()
    """All where none is named."""
    minutes: dict[Weekday, Minutes] = Field(default_factory=lambda: dict.fromkeys(list(Weekday)[:5], _FULL_DAY))
    """For audits, by day of the week."""
    absences: Annotated[tuple[Absence, ...], Field(max_length=100)] = ()
    conflicts: Conflicts = Conflicts()
    active: bool = True


class Auditor(NewAuditor):
    """An auditor as they stand. `auditor` is the `sub` of their token."""

    programme: Slug
    auditor: Reference
    revision: int
    changed_by: str
    changed_at: Instant


class AuditorPage(Wire):
    """A page of auditors, by name; the next page is in the `Link` header."""

    items: tuple[Auditor, ...]


class Uncovered(StrEnum):
    """Why work cannot be covered."""

    NO_SKILL = "no_skill"
    """Nobody who is there may audit it."""
    NO_TIME = "no_time"
    """Those who may have no room for it."""
    EXPOSURE = "exposure"
    """Those who may would be shown too much. Told where five people or more may; otherwise it is `no_time`."""
    TOO_LATE = "too_late"
    """It is due before there is time for it."""


class NewStaffingPlan(Wire):
    """A period to arrange people for."""

    first_day: date
    last_day: date
    fair: Annotated[float, Field(ge=1, le=10)] = 1.5
    """How many times the mean share of load and of harm anybody should get at most, where no item less is covered for it."""

    @model_validator(mode="after")
    def _is_a_period(self) -> Self:
        if not 0 <= (self.last_day - self.first_day).days < _LONGEST_DAYS:
            raise ValueError("a plan is for 1 to 31 days")
        return self


class StaffingAssignment(Wire):
    """What somebody is to audit on a day."""

    auditor: Reference
    day: date
    draw_id: UUID
    stratum: Code
    items: NonNegativeInt


class StaffingGap(Wire):
    """Work that cannot be covered."""

    draw_id: UUID
    stratum: Code
    items: NonNegativeInt
    reason: Uncovered


class StaffingHelp(Wire):
    """What would help most."""

    what: str
    """A sentence: `2 h more of people who audit policy HARASS in pl`."""
    language: Code | None
    policy: Code | None
    hours: float | None
    items: NonNegativeInt
    """Items more that would be covered."""


class CapCost(Wire):
    """What a rule costs: the items more that would be covered without it."""

    rule: str
    """`daily_cap`, `weekly_cap`, or both."""
    items: NonNegativeInt


class StaffingLoad(Wire):
    """How much somebody is given over the period."""

    auditor: Reference
    items: NonNegativeInt
    minutes: float
    capacity: float
    """Minutes."""


class StaffingGround(Wire):
    """What a plan was made of: what waited and who was there when it was made."""

    people: NonNegativeInt
    """Active auditors."""
    present: NonNegativeInt
    """Those of them with any time in the period."""
    strata: NonNegativeInt
    items: NonNegativeInt
    hours_needed: float
    hours_there: float
    """Less what golden items and repeats take."""
    seconds_per_item: int
    daily_cap: float | None
    weekly_cap: float | None


class StaffingPlan(NewStaffingPlan):
    """People arranged for a period. Nobody's exposure is in it, and nobody's opt-outs."""

    programme: Slug
    id: UUID
    made_by: str
    made_at: Instant
    optimal: bool
    """Whether no plan covers more."""
    in_time: bool
    """Whether the solver came to its end; otherwise a plan may exist that is much better."""
    gap: Annotated[float, Field(ge=0, le=1)]
    """Of all weight that a plan might cover, at most so much is not covered by this one. An item weighs 10 less its priority."""
    ground: StaffingGround
    items: NonNegativeInt
    covered: NonNegativeInt
    assignments: tuple[StaffingAssignment, ...]
    loads: tuple[StaffingLoad, ...]
    gaps: tuple[StaffingGap, ...]
    helps: tuple[StaffingHelp, ...]
    """The most helpful first; what one person more would add comes before hours that are missing."""
    costs: tuple[CapCost, ...]
    """Worked out without the caps, in parts of items. Empty where time ran out."""


class StaffingPlanHead(NewStaffingPlan):
    """A staffing plan without its parts."""

    programme: Slug
    id: UUID
    made_by: str
    made_at: Instant
    items: NonNegativeInt
    covered: NonNegativeInt


class StaffingPlanPage(Wire):
    """A page of staffing plans, newest first; the next page is in the `Link` header."""

    items: tuple[StaffingPlanHead, ...]
