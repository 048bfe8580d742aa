"""Exposure: what looking at harmful content adds up to for a person, and what protects them from too much of it.

A dose is harm severity (of the policy) times minutes times the weight of the modality.
It is nobody's performance, and in no report of it.
"""

from datetime import date
from typing import Annotated

from pydantic import Field, NonNegativeInt

from tallystick.schemas.base import Code, Instant, Slug, Wire


class ExposureDay(Wire):
    """A person's day."""

    day: date
    dose: float
    minutes: float
    items: NonNegativeInt


class Exposure(Wire):
    """A person's own ledger. Nobody else can read it."""

    programme: Slug
    today: float
    daily_cap: float | None
    week: float
    """Since Monday."""
    weekly_cap: float | None
    break_due_at: Instant | None
    break_until: Instant | None
    """Of the break that is under way."""
    opted_out: tuple[Code, ...]
    """Policies that the person is not handed work of."""
    days: tuple[ExposureDay, ...]
    """Newest first, as far back as the ledger is kept by day."""
    weeks: tuple[ExposureDay, ...]
    """What has been thinned out to weeks, by their Monday, newest first."""


class OptOuts(Wire):
    """Policies that a person is not handed work of. No reason is asked."""

    policies: Annotated[tuple[Code, ...], Field(max_length=500)]


class NewBreak(Wire):
    """A break, from now."""

    minutes: Annotated[int, Field(ge=1, le=240)] = 15


class ExposureGroup(Wire):
    """Exposure of five people or more together."""

    team: Code | None
    """`null` for everybody, and for teams too small to be shown, together."""
    week: date
    """Its Monday."""
    people: Annotated[int, Field(ge=5)]
    mean_dose: float
    """A person and week."""
    mean_minutes: float


class ExposureSummary(Wire):
    """What managers may know: groups of five people or more, by week, newest first."""

    items: tuple[ExposureGroup, ...]
    hidden: bool
    """Whether there is more, of fewer people, that is not shown."""
