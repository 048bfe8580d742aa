"""Days by the clocks of a programme: which one a moment is of, and when one begins.

Python alone tells them. PostgreSQL has a database of time zones of its own, which may know other rules, so that no statement
takes a zone by its name: it is handed the moments at which days begin.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ARRAY, ColumnElement, Date, DateTime, func, literal

_DAY = timedelta(days=1)


def day_of(moment: datetime, zone: str) -> date:
    """The day that a moment is of in a time zone."""
    return moment.astimezone(ZoneInfo(zone)).date()


def midnight(day: date, zone: str) -> datetime:
    """The moment at which a day begins in a time zone, in UTC: days on which clocks change are longer or shorter than others."""
    return datetime.combine(day, time.min, ZoneInfo(zone)).astimezone(UTC)


def day_in_sql(moment: ColumnElement[Any], first: date, last: date, zone: str, step: timedelta = _DAY) -> ColumnElement[date]:
    """Of the days from a first to a last one, step by step, the latest that has begun at a moment in a statement.

    A moment before the first day is of it too.
    """
    begins = [midnight(first + number * step, zone) for number in range(1, (last - first) // step + 1)]
    place = func.width_bucket(moment, literal(begins, ARRAY(DateTime(timezone=True))))
    return literal(first, Date) + place * step.days
