"""The demonstration: which weeks it tells of."""

from datetime import UTC, date, datetime

import pytest

from tallystick.cli.demo import weeks_until


@pytest.mark.parametrize(
    ("moment", "last_day"),
    [
        (datetime(2026, 12, 6, 22, 30, tzinfo=UTC), date(2026, 11, 29)),
        (datetime(2026, 12, 6, 23, 30, tzinfo=UTC), date(2026, 12, 6)),
        (datetime(2027, 1, 3, 23, 30, tzinfo=UTC), date(2027, 1, 3)),
        (datetime(2027, 6, 6, 21, 30, tzinfo=UTC), date(2027, 5, 30)),
        (datetime(2027, 6, 6, 22, 30, tzinfo=UTC), date(2027, 6, 6)),
    ],
)
def test_its_last_week_is_the_last_that_is_over_where_its_programme_is(moment: datetime, last_day: date) -> None:
    """It is drawn from that week, so there have to be decisions of it, also while Sunday goes on in UTC."""
    story, after = weeks_until(moment, 12)

    assert after.last_day == last_day
    assert (after.last_day - story.first_day).days == 16 * 7 - 1
