"""Working days: counted whole, in the programme's time zone, without weekends, holidays and days that are closed."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.schemas.programme import Calendar, Weekday
from tallystick.service.calendar import add_working_days, days_back, working_time

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


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        ("2026-07-02T22:00Z", "2026-07-03T22:00Z", 1.0),
        ("2026-07-03T10:00Z", "2026-07-06T04:00Z", 0.75),  # half of a Friday, a weekend, a quarter of a Monday
        ("2026-07-04T00:00Z", "2026-07-05T10:00Z", 0.0),
        ("2026-07-06T10:00Z", "2026-07-03T10:00Z", 0.0),
        ("2026-10-22T22:00Z", "2026-10-26T23:00Z", 2.0),  # the Sunday between has 25 hours
    ],
)
def test_working_time_is_counted_in_days_and_parts_of_them(start: str, end: str, days: float) -> None:
    """A part of a day counts for what it is of that day."""
    moments = [datetime.fromisoformat(each) for each in (start, end)]

    assert working_time(Calendar(), BERLIN, *moments) == pytest.approx(days)


def test_so_many_working_days_back_is_the_midnight_before_them() -> None:
    """The present day does not count."""
    wednesday = datetime(2026, 7, 8, 10, tzinfo=UTC)

    assert days_back(Calendar(), BERLIN, wednesday, 5) == datetime(2026, 6, 30, 22, tzinfo=UTC)
    assert working_time(Calendar(), BERLIN, days_back(Calendar(), BERLIN, wednesday, 5), wednesday) == pytest.approx(5.5)
