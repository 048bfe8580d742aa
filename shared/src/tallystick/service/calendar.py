"""The business calendar of a programme: which days it works on, and when so many of them are over."""

from datetime import date, datetime, timedelta
from functools import lru_cache

import holidays

from tallystick.schemas.problem import ProblemError
from tallystick.schemas.programme import Calendar, Weekday
from tallystick.service.days import day_of, midnight

_DAY = timedelta(days=1)
_WEEK = tuple(Weekday)


def calendar_faults(calendar: Calendar) -> list[ProblemError]:
    """What is wrong with the place whose public holidays a programme's document names; empty where they are known."""
    if calendar.country is None:
        if calendar.subdivision is None:
            return []
        return [_fault("subdivision", "without_country", "A part of a country needs the country.")]
    if not _is_known(calendar.country, None):
        return [_fault("country", "unknown_country", "The holidays of no such country are known.")]
    if not _is_known(calendar.country, calendar.subdivision):
        return [_fault("subdivision", "unknown_subdivision", "The holidays of no such part of the country are known.")]
    return []


def _is_known(country: str, subdivision: str | None) -> bool:
    try:
        _public_holidays(country, subdivision)
    except NotImplementedError:  # what the library says of a place that it does not know
        return False
    return True


def add_working_days(calendar: Calendar, zone: str, start: datetime, days: int) -> datetime:
    """The end of the working day that is so many working days after the day of `start`.

    Days begin and end at midnight in `zone`. The day of `start` itself does not count, whenever in it `start` is, so whoever has
    five working days has five whole ones. The answer is the moment at which the last of them is over, in UTC.
    """
    return _end(calendar, zone, day_of(start, zone), days)


def working_time(calendar: Calendar, zone: str, start: datetime, end: datetime) -> float:
    """How many working days lie between two moments; a day of which a part does counts for that part. 0 where the end is before.

    Days begin and end at midnight in `zone`.
    """
    day, found = day_of(start, zone), 0.0
    while (begins := midnight(day, zone)) < end:
        day += _DAY
        ends = midnight(day, zone)
        if works(calendar, day - _DAY) and ends > start:
            found += (min(ends, end) - max(begins, start)) / (ends - begins)
    return found


def days_back(calendar: Calendar, zone: str, moment: datetime, days: int) -> datetime:
    """The midnight in `zone` from which on, up to the day of a moment and without it, there are so many working days; in UTC."""
    day = day_of(moment, zone)
    while days:
        day -= _DAY
        days -= works(calendar, day)
    return midnight(day, zone)


def works(calendar: Calendar, day: date) -> bool:
    """Whether a day is a working day."""
    free = _public_holidays(calendar.country, calendar.subdivision)
    return _WEEK[day.weekday()] in calendar.working_days and day not in calendar.closed and day not in free


@lru_cache(4096)
def _end(calendar: Calendar, zone: str, day: date, days: int) -> datetime:
    while days:
        day += _DAY
        days -= works(calendar, day)
    return midnight(day + _DAY, zone)


@lru_cache(256)
def _public_holidays(country: str | None, subdivision: str | None) -> holidays.HolidayBase | frozenset[date]:
    """The library's own collection, which fills itself year by year as it is asked."""
    return frozenset() if country is None else holidays.country_holidays(country, subdiv=subdivision)


def _fault(field: str, code: str, detail: str) -> ProblemError:
    return ProblemError(pointer=f"/calendar/{field}", code=code, detail=detail)
