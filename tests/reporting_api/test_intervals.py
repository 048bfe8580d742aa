"""Intervals of proportions, against published tables and an independent implementation."""

import numpy as np
import pytest
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from reporting_api.statistics.intervals import newcombe, t_quantile, two_sided, wilson


def test_wilson_reproduces_newcombe_1998() -> None:
    """81 of 263 gives .2553 to .3662, and 0 of 20 gives 0 to .1611 (Newcombe 1998, table I)."""
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0, 0.1611), abs=5e-5)


def test_newcombe_reproduces_newcombe_1998() -> None:
    """56 of 70 less 48 of 80 is .2, between .0524 and .3339 (Newcombe 1998, table II)."""
    assert newcombe(56, 70, 48, 80) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_wilson_agrees_with_statsmodels() -> None:
    chance = np.random.default_rng(1)
    for _ in range(500):
        size = int(chance.integers(1, 100_000))
        hits = int(chance.integers(0, size + 1))

        assert wilson(hits, size) == pytest.approx(proportion_confint(hits, size, method="wilson"), abs=1e-12)


def test_newcombe_agrees_with_statsmodels() -> None:
    chance = np.random.default_rng(2)
    for _ in range(200):
        size, other = (int(each) for each in chance.integers(1, 10_000, 2))
        hits, other_hits = int(chance.integers(0, size + 1)), int(chance.integers(0, other + 1))
        theirs = confint_proportions_2indep(hits, size, other_hits, other, method="newcomb")

        assert newcombe(hits, size, other_hits, other) == pytest.approx(theirs, abs=1e-9)


def test_intervals_stay_between_0_and_1_and_hold_the_proportion() -> None:
    for size in (1, 2, 30, 1_000_000):
        for hits in (0, 1, size - 1, size):
            bounds = wilson(hits, size)

            assert bounds is not None
            assert 0 <= bounds[0] <= hits / size <= bounds[1] <= 1


def test_nothing_to_divide_by_has_no_interval() -> None:
    assert wilson(0, 0) is None
    assert newcombe(0, 0, 1, 2) is None
    assert newcombe(1, 2, 0, 0) is None


def test_the_probability_of_1_96_sigmas_is_5_percent() -> None:
    assert two_sided(1.959964) == pytest.approx(0.05, abs=1e-7)
    assert two_sided(-1.959964) == pytest.approx(0.05, abs=1e-7)


@pytest.mark.parametrize(
    ("freedom", "expected"), [(1, 12.706), (2, 4.303), (3, 3.182), (10, 2.228), (30, 2.042), (99, 1.984), (1000, 1.962)]
)
def test_quantiles_of_students_t_are_those_of_the_table(freedom: int, expected: float) -> None:
    """The two-sided ones of .95, and of .99 with one degree of freedom 63.657."""
    assert t_quantile(freedom) == pytest.approx(expected, abs=5e-4)
    assert t_quantile(1, 0.99) == pytest.approx(63.657, abs=5e-4)
    assert t_quantile(100_000) == pytest.approx(1.959964, abs=1e-4)
