"""Agreement between two sides: two raters (Cohen), or two groups of raters such as client and vendor."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from reporting_api.statistics.agreement import Chance, fleiss_chance, gwet_chance, no_chance
from reporting_api.statistics.estimates import Estimate, Reason, corrected, nothing
from reporting_api.statistics.ratings import MISSING, Codes, Floats, Ratings, Weighting, agreement_weights


@dataclass(frozen=True, slots=True)
class Pair:
    """How two raters agree on the items that both rated."""

    raters: tuple[int, int]
    """Their columns."""
    percent_agreement: Estimate
    cohen: Estimate


@dataclass(frozen=True, slots=True)
class Between:
    """How two groups agree on the items that both have ratings of: as two raters would, drawn by chance, one of each."""

    percent_agreement: Estimate
    kappa: Estimate
    """Chance goes by each group's own shares of the categories. Source: Schouten 1982, Statistica Neerlandica 36:45; with one
    rater in each group it is Cohen's."""
    ac1: Estimate
    """Or AC2, by weights."""
    confusion: Floats
    """Categories x categories: how many items the first group put into one (rows) and the second into another (columns). An item
    counts once; where a group is divided, its parts."""


def cohen_pairs(ratings: Ratings, weighting: Weighting = Weighting.IDENTITY) -> list[Pair]:
    """Percent agreement and Cohen's kappa of all pairs of raters, weighted for ordered scales.

    Source: Cohen 1960, Educational and Psychological Measurement 20:37, and 1968, Psychological Bulletin 70:213.
    """
    categories = ratings.categories
    first, second = np.divmod(np.arange(categories**2), categories)
    one, other = np.eye(categories)[first], np.eye(categories)[second]
    pairs = []
    for a, b in combinations(range(ratings.codes.shape[1]), 2):
        times = confusion(ratings.codes[:, a], ratings.codes[:, b], categories).ravel().astype(np.float64)
        percent, kappa = (_estimate(one, other, times, weighting, chance) for chance in (no_chance, fleiss_chance))
        pairs.append(Pair((a, b), percent, kappa))
    return pairs


def between(ratings: Ratings, group: Sequence[int], other: Sequence[int], weighting: Weighting = Weighting.IDENTITY) -> Between:
    """How the raters of two groups (columns of the ratings) agree, not among themselves but with each other."""
    one, two = ratings.of_raters(group).counts, ratings.of_raters(other).counts
    both = one.any(axis=1) & two.any(axis=1)
    one, two = (each[both] / each[both].sum(axis=1, keepdims=True) for each in (one, two))
    times = np.ones(len(one))
    percent, kappa, ac1 = (_estimate(one, two, times, weighting, chance) for chance in (no_chance, fleiss_chance, gwet_chance))
    return Between(percent, kappa, ac1, one.T @ two)


def confusion(truth: Codes, given: Codes, categories: int) -> Codes:
    """Categories x categories: how often an item of one (rows) was put into another (columns). Missing ones do not count."""
    known = (truth != MISSING) & (given != MISSING)
    places = truth[known].astype(np.intp) * categories + given[known]
    return np.bincount(places, minlength=categories**2).reshape(categories, categories)


def _estimate(one: Floats, other: Floats, times: Floats, weighting: Weighting, chance: Chance) -> Estimate:
    """The coefficient of two sides, given the shares of the categories on each side in each kind of item.

    Cohen's chance draws from each side's own shares, Gwet's from what both have in common.
    """
    items = times.sum()
    if not items:
        return nothing(Reason.NO_PAIRS)
    weights = agreement_weights(weighting, one.shape[1])
    shares, other_shares = times @ one / items, times @ other / items
    if chance is gwet_chance:
        shares = other_shares = (shares + other_shares) / 2
    by_chance = (one @ chance(other_shares, weights) + other @ chance(shares, weights)) / 2
    agreeing = (one @ weights * other).sum(axis=1)
    return corrected(agreeing, by_chance, times, np.ones(len(times), dtype=bool), two_raters=True)
