"""What is said of agreement: an estimate with its standard error and interval, or the reason why there is none."""

from dataclasses import dataclass
from enum import StrEnum
from math import sqrt

from reporting_api.statistics.intervals import t_quantile
from reporting_api.statistics.ratings import Flags, Floats

ROUNDING = 1e-12
"""Standard errors and differences from 1 that are smaller are rounding, not data."""


class Reason(StrEnum):
    """Why there is no estimate, or no error of it."""

    NO_RATINGS = "Nothing has been rated."
    ONE_RATER = "There is only one rater, who has nobody to agree with."
    NO_PAIRS = "No item has been rated by two of the raters."
    ONE_CATEGORY = "All ratings are in one category: chance would agree as often, and there is nothing left to measure."
    UNUSED_CATEGORY = "Nobody chose this category."
    ONE_ITEM = "There is only one item: how much items differ is not known, and so there is no error."
    NO_SPREAD = "No item differs from the others in how raters agree on it, so there is nothing to estimate an error from."
    NO_BENCHMARK = "Nothing that this rater rated has a benchmark."
    NO_REPEATS = "This rater has rated nothing twice."
    RARELY_DEFINED = "Too many of the resampled sessions have no value."


@dataclass(frozen=True, slots=True)
class Estimate:
    """A coefficient of agreement as estimated from a sample of items.

    There is a `reason` where there is no value, or a value without an error, and only there.
    """

    value: float | None
    """At most 1. Below 0 raters agree less than by chance."""
    error: float | None
    """The standard error."""
    interval: tuple[float, float] | None
    """At the level of all intervals, by Student's t, cut off where the coefficient ends."""
    observed: float | None
    """The share of pairs of ratings that agree, near categories in part where the coefficient has weights or a metric."""
    expected: float | None
    """The share that would agree by chance, as the coefficient sees it. The value is (observed - expected) / (1 - expected)."""
    items: int
    """That at least two raters rated."""
    reason: Reason | None


def nothing(reason: Reason, items: float = 0) -> Estimate:
    """No estimate, and why."""
    return Estimate(None, None, None, None, None, int(items), reason)


def estimated(value: float, variance: float, sample: float, items: float, observed: float, expected: float) -> Estimate:
    """An estimate with the interval value +- t(sample - 1) error, cut off at 1 and at the value without any agreement.

    Args:
        value: of the coefficient.
        variance: of the value.
        sample: items that the variance was estimated from.
        items: that at least two raters rated.
        observed: share of agreeing pairs.
        expected: share of pairs that would agree by chance.
    """
    value = min(value, 1.0)
    error = sqrt(max(variance, 0.0))
    if sample < 2:  # noqa: PLR2004 - one item has no spread
        return Estimate(value, None, None, observed, expected, int(items), Reason.ONE_ITEM)
    if error < ROUNDING:
        return Estimate(value, None, None, observed, expected, int(items), Reason.NO_SPREAD)
    reach = t_quantile(int(sample) - 1) * error
    least = min(-expected / (1 - expected), value)
    bounds = max(value - reach, least), min(value + reach, 1.0)
    return Estimate(value, error, bounds, observed, expected, int(items), None)


def corrected(agreeing: Floats, by_chance: Floats, times: Floats, paired: Flags, *, two_raters: bool) -> Estimate:
    """(observed - expected) / (1 - expected), the form that all coefficients but Krippendorff's have in common.

    The variance is that of the coefficient's linear part in each item,
    ((n / n') (a - e [paired]) - 2 (1 - coefficient) (c - e)) / (1 - e),
    where the item's pairs agree with share a, and c is what its ratings contribute to the expected agreement e.
    Source: Gwet, Handbook of Inter-Rater Reliability, 4th ed. 2014, ch. 5, with the divisor n - 1. For two raters who both rated
    all items the divisor is n, as published for them: Gwet 2008, British Journal of Mathematical and Statistical Psychology
    61:29; for Cohen's kappa Fleiss, Cohen and Everitt 1969, Psychological Bulletin 72:323.

    Args:
        agreeing: the share of agreeing pairs of ratings, by kind of item; 0 where there is no pair.
        by_chance: what an item's ratings contribute to the expected agreement, which is their mean.
        times: how many items there are of each kind.
        paired: which of them have a pair of ratings.
        two_raters: whether two raters have rated all items.
    """
    items, pairs = float(times.sum()), float(times[paired].sum())
    observed, expected = float(times @ agreeing) / pairs, float(times @ by_chance) / items
    if 1 - expected < ROUNDING:
        return nothing(Reason.ONE_CATEGORY, pairs)
    value = (observed - expected) / (1 - expected)
    scores = items / pairs * (agreeing - expected * paired) - 2 * (1 - value) * (by_chance - expected)
    deviations = scores / (1 - expected) - value
    variance = float(times @ deviations**2) / items / max(items if two_raters else items - 1, 1)
    return estimated(value, variance, items, pairs, observed, expected)
