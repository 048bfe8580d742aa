"""Working days: counted whole, in the programme's time zone, without weekends, holidays and days that are closed."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.schemas.programme import Calendar, Weekday
from tallystick.service.calendar import add_working_days

BERLIN = "Europe/Berlin"
_HOLIDAYS = holidays.country_holidays("DE", subdiv="BY")


@pytest.mark.parametrize(
    ("calendar", "zone", "start", "days", "end"),
    [
        # Thursday, one day: Friday's midnight, which is 22:00 UTC in summer.
        (Calendar(), BERLIN, "2026-07-02T09:00Z", 1, "2026-07-03T22:00Z"),
        # Friday in UTC is Saturday in Auckland already: Monday is the first whole day.
        (Calendar(), "Pacific/Auckland", "2026-07-03T13:00Z", 1, "2026-07-06T12:00Z"),
        # Over a weekend.
        (Calendar(), BERLIN, "2026-07-03T09:00Z", 1, "2026-07-06T22:00Z"),
        # Epiphany is free in Bavaria, and not in Berlin.
        (Calendar(country="DE", subdivision="BY"), BERLIN, "2026-01-05T09:00Z", 1, "2026-01-07T23:00Z"),
        (Calendar(country="DE", subdivision="BE"), BERLIN, "2026-01-05T09:00Z", 1, "2026-01-06T23:00Z"),
        # Over a new year: the library is asked for both.
        (Calendar(country="DE"), BERLIN, "2026-12-23T09:00Z", 3, "2026-12-29T23:00Z"),
        (Calendar(country="DE"), BERLIN, "2026-12-30T09:00Z", 2, "2027-01-04T23:00Z"),
        # A vendor that works on Sundays, and is closed on one.
        (
            Calendar(working_days=(Weekday.SUNDAY,), closed=(date(2026, 7, 5),)),
            "UTC",
            "2026-07-03T09:00Z",
            1,
            "2026-07-13T00:00Z",
        ),
        # The day has 25 hours when the clocks go back, and its end is an hour later.
        (Calendar(working_days=(Weekday.SUNDAY,)), BERLIN, "2026-10-23T09:00Z", 1, "2026-10-25T23:00Z"),
        # In Cairo summer time begins at midnight: that midnight does not exist, and the day begins at one.
        (Calendar(), "Africa/Cairo", "2026-04-22T09:00Z", 1, "2026-04-23T22:00Z"),
    ],
)
def test_so_many_working_days_end_with_the_last_of_them(calendar: Calendar, zone: str, start: str, days: int, end: str) -> None:
    """At midnight in the programme's zone, told in UTC."""
    assert add_working_days(calendar, zone, datetime.fromisoformat(start), days) == datetime.fromisoformat(end)


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)),  # noqa: DTZ001 - made UTC below
    st.integers(1, 40),
    st.sets(st.sampled_from(list(Weekday)), min_size=1),
    st.sampled_from(["UTC", BERLIN, "America/Santiago", "Pacific/Auckland", "Africa/Cairo", "Asia/Kathmandu"]),
)
def test_between_start_and_end_lie_that_many_whole_working_days(
    start: datetime, days: int, working: set[Weekday], zone: str
) -> None:
    """Counting them back gives the number that was asked for, and the last day before the end is one of them."""
    calendar = Calendar(working_days=tuple(working), country="DE", subdivision="BY")
    begun = start.replace(tzinfo=UTC)
    last = (add_working_days(calendar, zone, begun, days) - timedelta(seconds=1)).astimezone(ZoneInfo(zone)).date()
    first = begun.astimezone(ZoneInfo(zone)).date()
    span = [first + timedelta(number) for number in range(1, (last - first).days + 1)]
    worked = [day for day in span if list(Weekday)[day.weekday()] in working and day not in _HOLIDAYS]

    assert (len(worked), worked[-1]) == (days, last)
