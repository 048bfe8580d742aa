"""Cumulative sums and moving averages, against published figures."""

import numpy as np
import pytest

from reporting_api.statistics.drift import cusum, cusum_limit, ewma, ewma_sigma


def test_cumulative_sums_are_the_published_ones() -> None:
    """With k = .5 and h = 1 they signal at the third and the sixth value."""
    upper, lower = cusum(np.array([1.5, 0.5, 0.6, -1.5, -0.5, -0.8]), 0.5)

    assert upper == pytest.approx([1, 1, 1.1, 0, 0, 0])
    assert lower == pytest.approx([0, 0, 0, -1, -1, -1.3])
    assert [place + 1 for place in range(6) if upper[place] > 1 or lower[place] < -1] == [3, 6]


def test_moving_averages_are_the_published_ones() -> None:
    """With a weight of .5 from a mean of 10."""
    assert ewma(np.array([11.0, 13.0, 12.0]), 0.5, 10.0) == pytest.approx([10.5, 11.75, 11.875])


def test_many_series_are_summed_at_once() -> None:
    """Time is the last axis."""
    scores = np.random.default_rng(1).normal(size=(3, 4, 20))
    upper, lower = cusum(scores, 0.5)

    for place in np.ndindex(3, 4):
        assert upper[place] == pytest.approx(cusum(scores[place], 0.5)[0])
        assert lower[place] == pytest.approx(cusum(scores[place], 0.5)[1])
        assert ewma(scores, 0.2)[place] == pytest.approx(ewma(scores[place], 0.2))


@pytest.mark.parametrize(("allowance", "limit", "length"), [(0.5, 4, 335.4), (0.5, 5, 930.9), (0.25, 8, 719.0)])
def test_the_limit_of_sums_gives_the_published_run_length(allowance: float, limit: float, length: float) -> None:
    """The mean number of scores to a false alarm of a one-sided sum: h 4 and 5 with k = .5, h 8 with k = .25."""
    assert cusum_limit(1 / length, allowance) == pytest.approx(limit, rel=0.02)


def test_the_average_varies_less_than_what_it_is_of() -> None:
    """Exactly so after the first values, and as √(w / (2 - w)) after many."""
    assert ewma_sigma(0.2, 0) == 0
    assert ewma_sigma(0.2, 1) == pytest.approx(0.2)
    assert ewma_sigma(0.2, 2) == pytest.approx((0.2**2 + 0.16**2) ** 0.5)
    assert ewma_sigma(0.2, 1000) == pytest.approx(1 / 3)
    assert ewma_sigma(1.0, 5) == 1
