"""The periods of a sampling plan: days, weeks from Monday on, or months, cut to the days that the plan is for."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from tallystick.schemas.sampling import NewSamplingPlan, SamplePeriod
from tallystick.service.days import midnight

_DAY = timedelta(days=1)
_WEEK = 7


@dataclass(frozen=True, slots=True)
class Period:
    """From the first day to the last, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many there are."""
        return (self.last - self.first).days + 1

    def begins(self, zone: str) -> datetime:
        """The moment at which the first day begins."""
        return midnight(self.first, zone)

    def ends(self, zone: str) -> datetime:
        """The moment at which the last day is over."""
        return midnight(self.last + _DAY, zone)


def period_of(kind: SamplePeriod, day: date) -> Period:
    """The whole period that holds a day."""
    match kind:
        case SamplePeriod.DAY:
            return Period(day, day)
        case SamplePeriod.WEEK:
            monday = day - timedelta(days=day.weekday())
            return Period(monday, monday + timedelta(days=_WEEK - 1))
        case SamplePeriod.MONTH:
            first = day.replace(day=1)
            return Period(first, (first + timedelta(days=31)).replace(day=1) - _DAY)


def before(kind: SamplePeriod, day: date, count: int) -> list[Period]:
    """The last whole periods that were over before a day, newest first."""
    found: list[Period] = []
    start = period_of(kind, day).first
    while len(found) < count:
        found.append(period_of(kind, start - _DAY))
        start = found[-1].first
    return found


def periods(plan: NewSamplingPlan, after: date) -> Iterator[Period]:
    """The periods of a plan that begin after a day, in their order; without an end where the plan has none.

    The first and the last may be cut to the plan's own days.
    """
    whole = period_of(plan.period, max(plan.starts_on, after))
    while plan.ends_on is None or whole.first <= plan.ends_on:
        first = max(whole.first, plan.starts_on)
        if first > after:
            yield Period(first, whole.last if plan.ends_on is None else min(whole.last, plan.ends_on))
        whole = period_of(plan.period, whole.last + _DAY)
