"""Numbers in words: rounded without lying, and signed as they are."""

from datetime import date

import pytest

from tallystick.schemas.metric import Period
from tallystick.service.pages import words


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.9056, "90.6"), (0.0, "0.0"), (1.0, "100.0"), (0.9996, "99.96"), (0.0004, "0.04"), (0.00004, "0.004"), (0.9995, "99.95")],
)
def test_a_share_is_called_all_or_nothing_only_where_it_is(value: float, shown: str) -> None:
    """Close to 0 and to 100 % it gets more decimals."""
    assert words.share(value) == f"{shown}{words.THIN}%"


def test_a_missing_share_is_a_dash() -> None:
    """Never a zero."""
    assert words.share(None) == "\N{EN DASH}"


@pytest.mark.parametrize(("value", "shown"), [(0.012, "+1.2"), (-0.012, "\N{MINUS SIGN}1.2"), (0, "±0"), (0.0003, "+0.03")])
def test_a_difference_carries_its_sign(value: float, shown: str) -> None:
    """In percentage points, with a true minus."""
    assert words.points(value) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0 minutes"), (5400, "90 minutes"), (113_400, "31.5 hours"), (207_360, "2.4 days"), (None, "-")]
)
def test_a_time_is_in_the_unit_that_reads_best(seconds: float | None, shown: str) -> None:
    """Minutes up to two hours, hours up to two days, then days."""
    assert words.duration(seconds) == shown.replace("-", "\N{EN DASH}")


@pytest.mark.parametrize(
    ("start", "end", "shown"),
    [
        (date(2026, 6, 29), date(2026, 9, 28), "29 Jun 2026 to 27 Sep 2026 (13 weeks)"),
        (date(2026, 9, 1), date(2026, 9, 2), "1 Sep 2026"),
        (date(2026, 9, 1), date(2026, 10, 1), "1 Sep 2026 to 30 Sep 2026 (30 days)"),
    ],
)
def test_a_period_is_named_by_its_first_and_last_day(start: date, end: date, shown: str) -> None:
    """Both included, as people count."""
    period = words.period(Period(from_=start, to=end, time_zone="UTC"))

    assert period.replace("\N{NO-BREAK SPACE}", " ") == shown
