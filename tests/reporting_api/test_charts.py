"""Control charts, against published tables."""

import pytest

from reporting_api.statistics.charts import Rule, monitor, p_limits, sigma_z, western_electric, z_scores

ORANGE_JUICE = [12, 15, 8, 10, 4, 7, 16, 9, 14, 10, 5, 6, 17, 12, 22, 8, 10, 5, 13, 11, 20, 18, 24, 15, 9, 12, 7, 13, 9, 6]
"""Defective cans in samples of 50 (Montgomery 1991, as `orangejuice` in the R package qcc)."""


def _breaking(scores: list[float], rule: Rule) -> list[int]:
    return [place for place, broken in enumerate(western_electric(scores), start=1) if rule in broken]


def test_the_p_chart_of_the_orange_juice_cans() -> None:
    """The centre is .231333, the limits .052428 and .410239; samples 15 and 23 are out of control."""
    limits = p_limits(sum(ORANGE_JUICE), 50 * 30, 50)
    scores = z_scores(ORANGE_JUICE, [50] * 30, sum(ORANGE_JUICE) / 1500)

    assert limits is not None
    assert (limits.centre, limits.lower, limits.upper) == pytest.approx((0.231333, 0.052428, 0.410239), abs=5e-7)
    assert _breaking([score or 0 for score in scores], Rule.BEYOND_3_SIGMA) == [15, 23]


@pytest.mark.parametrize(
    ("scores", "rule", "expected"),
    [
        ([0, 3.2, -3.5, 2.9], Rule.BEYOND_3_SIGMA, [2, 3]),
        ([0, 2.5, 1, 2.6, 0], Rule.TWO_OF_THREE, [4]),
        ([0, 1.2, 1.3, 0.2, 1.4, 1.5], Rule.FOUR_OF_FIVE, [6]),
        ([0.1] * 7 + [0.2, -0.1], Rule.EIGHT_IN_A_ROW, [8]),
        ([-0.1] * 9, Rule.EIGHT_IN_A_ROW, [8, 9]),
    ],
)
def test_the_western_electric_rules(scores: list[float], rule: Rule, expected: list[int]) -> None:
    assert _breaking(scores, rule) == expected


def test_points_on_different_sides_make_no_run() -> None:
    assert western_electric([2.5, -2.5, 1.5, -1.5, 1.5]) == [()] * 5


def test_a_week_without_a_score_breaks_no_rule() -> None:
    assert western_electric([2.5, None, 2.5])[1:] == [(), (Rule.TWO_OF_THREE,)]


def test_sigma_z_is_the_mean_moving_range_over_1_128() -> None:
    """Of the scores 0, 1, -1: moving ranges 1 and 2, so 1.5 / 1.128 (Laney 2002)."""
    assert sigma_z([0, 1, None, -1]) == pytest.approx(1.5 / 1.128)
    assert sigma_z([1.0]) is None
    assert sigma_z([]) is None


def test_overdispersion_widens_the_limits() -> None:
    """Proportions that wander by more than their sizes explain are no signal on Laney's chart, and would be on Shewhart's."""
    hits, sizes = [4800, 5300, 4700, 5200, 4900, 5350], [100_000] * 6
    shewhart = z_scores(hits, sizes, sum(hits) / sum(sizes))
    laney = monitor(hits, sizes)

    assert any(abs(score or 0) > 3 for score in shewhart)
    assert all(Rule.BEYOND_3_SIGMA not in point.rules for point in laney)


def test_underdispersion_does_not_tighten_the_limits() -> None:
    sizes = [1000] * 6
    for point, size in zip(monitor([100, 100, 100, 100, 100, 101], sizes), sizes, strict=True):
        assert point.limits == p_limits(601, 6000, size)


def test_a_lasting_change_stays_a_signal() -> None:
    """Weeks beyond 3 sigma do not join the limits that later weeks are judged by."""
    judged = monitor([10, 12, 9, 11, 10, 8, 11, 60, 62, 59, 61, 60], [1000] * 12)
    signalled = [place for place, point in enumerate(judged) if Rule.BEYOND_3_SIGMA in point.rules]

    assert signalled == [7, 8, 9, 10, 11]
    assert judged[-1].limits is not None
    assert judged[-1].limits.centre == pytest.approx(71 / 7000)


def test_a_point_is_not_judged_by_itself_or_by_later_ones() -> None:
    sizes = [500] * 9
    short, long = monitor([5, 6, 5, 4, 6, 5, 5, 6], sizes[:8]), monitor([5, 6, 5, 4, 6, 5, 5, 6, 90], sizes)

    assert long[:8] == short


def test_degenerate_series_have_no_limits_and_no_signals() -> None:
    """No weeks, one week, empty weeks, and no hits at all: None where there is nothing to judge by, and never NaN."""
    assert monitor([], []) == []
    assert monitor([3], [10])[0].limits is None
    empty = monitor([0, 1, 2], [0, 10, 10])
    none_at_all = monitor([0, 0, 0], [10, 10, 10])

    assert (empty[0].share, empty[0].limits, empty[0].z, empty[0].rules) == (None, None, None, ())
    assert [point.z for point in none_at_all] == [None, None, None]
    assert p_limits(0, 0, 5) is None
    assert p_limits(1, 5, 0) is None
