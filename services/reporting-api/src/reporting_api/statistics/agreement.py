"""Agreement among any number of raters, ratings missing or not: percent agreement, Fleiss, Gwet's AC1 and AC2, Krippendorff.

Each coefficient gives an estimate from a tally of ratings, and its bare values for many resampled tallies at once.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np

from reporting_api.statistics.estimates import ROUNDING, Estimate, Reason, corrected, estimated, nothing
from reporting_api.statistics.ratings import Floats, Tally, Weighting, agreement_weights


class Coefficient(Protocol):
    """Something that measures agreement."""

    def estimate(self, tally: Tally) -> Estimate:
        """The coefficient with its standard error and interval, or the reason why there is none."""

    def values(self, tally: Tally, times: Floats) -> Floats:
        """The coefficient for each row of `times`, which stand in place of the tally's own; NaN where it has none."""


Chance = Callable[[Floats, Floats], Floats]
"""Given the shares of the categories and the weights of their pairs: what a rating in each category adds to chance agreement.

With s the sum of the weights and q categories, expected agreement is the sum of share times this.
"""


def no_chance(shares: Floats, _weights: Floats) -> Floats:
    """Nobody agrees by chance: percent agreement."""
    return np.zeros_like(shares)


def fleiss_chance(shares: Floats, weights: Floats) -> Floats:
    """Two ratings drawn at random agree: e = sum of w p p'. Source: Fleiss 1971, Psychological Bulletin 76:378."""
    return np.asarray(shares @ weights)


def gwet_chance(shares: Floats, weights: Floats) -> Floats:
    """Ratings agree by chance on items that are hard: e = s / (q (q - 1)) * sum of p (1 - p). Source: Gwet 2008; 2014, ch. 4."""
    categories = len(weights)
    return np.asarray(weights.sum() / (categories * (categories - 1)) * (1 - shares))


@dataclass(frozen=True, slots=True)
class ChanceCorrected:
    """A coefficient (observed - expected) / (1 - expected).

    Observed agreement is the mean, over the items with at least two ratings, of the share of agreeing pairs. The shares of the
    categories, by which chance agrees, are means over all rated items of the shares among the item's own ratings.
    """

    chance: Chance
    weighting: Weighting = Weighting.IDENTITY

    def estimate(self, tally: Tally) -> Estimate:
        """With the standard error by linearisation (see `corrected`)."""
        if (reason := _unpaired(tally)) is not None:
            return nothing(reason)
        weights = agreement_weights(self.weighting, tally.counts.shape[1])
        shares = tally.times @ tally.shares / tally.times.sum()
        by_chance = tally.shares @ self.chance(shares, weights)
        return corrected(tally.agreeing(weights), by_chance, tally.times, tally.paired, two_raters=_two_raters(tally))

    def values(self, tally: Tally, times: Floats) -> Floats:
        """See `Coefficient`."""
        weights = agreement_weights(self.weighting, tally.counts.shape[1])
        sums = times @ np.column_stack((tally.agreeing(weights), tally.paired, tally.shares))
        observed = _quotient(sums[..., 0], sums[..., 1])
        shares = sums[..., 2:] / sums[..., 2:].sum(axis=-1, keepdims=True)
        expected = (shares * self.chance(shares, weights)).sum(axis=-1)
        return _quotient(observed - expected, 1 - expected)


class Metric(StrEnum):
    """How far apart Krippendorff's alpha sees two categories."""

    NOMINAL = "nominal"
    """1 where they differ."""
    ORDINAL = "ordinal"
    """The square of the ratings that lie between them, each category's own counted half. It follows how often categories were
    used, unlike Gwet's ordinal weights."""
    INTERVAL = "interval"
    """The square of the steps between them."""


@dataclass(frozen=True, slots=True)
class Alpha:
    """Krippendorff's alpha: 1 - observed / expected disagreement, over the items with at least two ratings.

    Observed: the sum over items, and over the pairs of an item's r ratings, of their distance, divided by r - 1.
    Expected: the sum over all pairs of the N ratings of their distance, divided by N - 1.
    Source: Krippendorff, Content Analysis, 3rd ed. 2013, ch. 12.
    """

    metric: Metric

    def estimate(self, tally: Tally) -> Estimate:
        """With the standard error by linearisation.

        For nominal and interval it is that of Gwet 2014, ch. 5: the derivatives of 1 - N observed / expected, and of the
        correction for small samples, N - 1 in place of N, where items differ in how many ratings they have. He holds the metric
        fixed; the ordinal one follows the data, and its derivative is added by the chain rule.
        """
        if (reason := _unpaired(tally)) is not None:
            return nothing(reason)
        counts, sizes, times = _paired(tally, tally.times)
        items, totals = float(times.sum()), times @ counts
        value = float(self.values(tally, tally.times))
        if np.isnan(value):
            return nothing(Reason.ONE_CATEGORY, items)
        ratings, positions = totals.sum(), self._positions(totals)
        observed, expected = self._observed(counts, sizes, positions), self._expected(totals, positions)
        disagreement = times @ observed
        apart = 2 * counts @ self._from_all(totals, positions)
        if self.metric is Metric.ORDINAL:
            moved = _midranks(counts) / ratings
            within = sizes[:, None] * positions - (counts @ positions)[:, None]
            observed = observed + 4 * moved @ ((times / (sizes - 1)) @ (counts * within))
            apart = apart + 4 * moved @ (totals * (ratings * positions - totals @ positions))
        correction = disagreement * (sizes / ratings - 1 / items)
        change = (ratings * (disagreement * apart / expected - observed) - sizes * disagreement - correction) / expected
        variance = float(times @ change**2) * items / (items if _two_raters(tally) else max(items - 1, 1))
        widest = 1 if self.metric is Metric.NOMINAL else (positions[-1] - positions[0]) ** 2
        shares = (1 - disagreement / ratings / widest, 1 - expected / (ratings * (ratings - 1)) / widest)
        return estimated(value, variance, items, items, *map(float, shares))

    def values(self, tally: Tally, times: Floats) -> Floats:
        """See `Coefficient`."""
        counts, sizes, times = _paired(tally, times)
        totals = times @ counts
        positions, ratings = self._positions(totals), totals.sum(axis=-1)
        observed = (times * self._observed(counts, sizes, positions)).sum(axis=-1)
        some = np.maximum(ratings, 1)
        return 1 - _quotient((ratings - 1) * observed / some**2, self._expected(totals, positions) / some**2)

    def _positions(self, totals: Floats) -> Floats:
        """Where the categories lie, between 0 and 1: distances are squares of differences. Nominal ones lie nowhere."""
        if self.metric is Metric.ORDINAL:
            return np.asarray(_midranks(totals) / np.maximum(totals.sum(axis=-1, keepdims=True), 1))
        return np.linspace(0, 1, totals.shape[-1])

    def _observed(self, counts: Floats, sizes: Floats, positions: Floats) -> Floats:
        """The distances of an item's pairs of ratings, divided by its ratings but one."""
        if self.metric is Metric.NOMINAL:
            return np.asarray((counts * (sizes[:, None] - counts)).sum(axis=1) / (sizes - 1))
        sums, squares = positions @ counts.T, positions**2 @ counts.T
        return np.asarray(2 * (sizes * squares - sums**2) / (sizes - 1))

    def _expected(self, totals: Floats, positions: Floats) -> Floats:
        """The distances of all pairs of ratings."""
        return np.asarray((totals * self._from_all(totals, positions)).sum(axis=-1))

    def _from_all(self, totals: Floats, positions: Floats) -> Floats:
        """The distances of each category from all ratings."""
        ratings = totals.sum(axis=-1, keepdims=True)
        if self.metric is Metric.NOMINAL:
            return np.asarray(ratings - totals)
        sums = (totals * positions).sum(axis=-1, keepdims=True)
        squares = (totals * positions**2).sum(axis=-1, keepdims=True)
        return np.asarray(ratings * positions**2 - 2 * positions * sums + squares)


PERCENT_AGREEMENT = ChanceCorrected(no_chance)
FLEISS = ChanceCorrected(fleiss_chance)
AC1 = ChanceCorrected(gwet_chance)
AC2 = ChanceCorrected(gwet_chance, Weighting.ORDINAL)
ALPHA_NOMINAL = Alpha(Metric.NOMINAL)
ALPHA_ORDINAL = Alpha(Metric.ORDINAL)
ALPHA_INTERVAL = Alpha(Metric.INTERVAL)

NOMINAL: Mapping[str, Coefficient] = {
    "percent_agreement": PERCENT_AGREEMENT,
    "fleiss": FLEISS,
    "ac1": AC1,
    "alpha_nominal": ALPHA_NOMINAL,
}
"""What is said of categories without an order."""
ORDINAL: Mapping[str, Coefficient] = {**NOMINAL, "ac2": AC2, "alpha_ordinal": ALPHA_ORDINAL}
"""What is said of ordered categories."""


def fleiss_by_category(tally: Tally) -> list[Estimate]:
    """Fleiss' kappa of each category against all others.

    1 - sum of r_k (r - r_k) / (n r (r - 1) p (1 - p)) where all items have r ratings. Source: Fleiss 1971.
    """
    return [
        FLEISS.estimate(Tally(np.column_stack((chosen, tally.sizes - chosen)), tally.times, tally.raters))
        if chosen.any()
        else nothing(Reason.UNUSED_CATEGORY)
        for chosen in tally.counts.T
    ]


def _unpaired(tally: Tally) -> Reason | None:
    """Why there is nothing that could agree."""
    if not len(tally.times):
        return Reason.NO_RATINGS
    if tally.raters == 1:
        return Reason.ONE_RATER
    return None if tally.paired.any() else Reason.NO_PAIRS


def _two_raters(tally: Tally) -> bool:
    """Whether two raters have rated all items."""
    return tally.raters == 2 and bool(tally.paired.all())  # noqa: PLR2004


def _paired(tally: Tally, times: Floats) -> tuple[Floats, Floats, Floats]:
    """Counts, sizes and times of the ways that have a pair of ratings."""
    return tally.counts[tally.paired], tally.sizes[tally.paired], times[..., tally.paired]


def _midranks(totals: Floats) -> Floats:
    """How many ratings lie before the middle of each category."""
    return np.asarray(np.cumsum(totals, axis=-1) - totals / 2)


def _quotient(numerator: Floats, denominator: Floats) -> Floats:
    """NaN where there is nothing to divide by."""
    defined = np.abs(denominator) > ROUNDING
    return np.asarray(np.where(defined, numerator / np.where(defined, denominator, 1), np.nan))
