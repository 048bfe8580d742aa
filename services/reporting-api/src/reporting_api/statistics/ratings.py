"""Ratings of items by several raters, how they fell, and how much categories have in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.integer]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

MISSING = -1
"""Stands where a rater did not rate an item."""


class Weighting(StrEnum):
    """How much two categories of an ordered scale agree: 1 where they are the same, 0 at its two ends."""

    IDENTITY = "identity"
    """Nothing but the same category agrees: for scales without an order."""
    LINEAR = "linear"
    """By the steps between them."""
    QUADRATIC = "quadratic"
    """By the square of the steps between them."""
    ORDINAL = "ordinal"
    """By the pairs of categories that lie from one to the other. It is not Krippendorff's ordinal metric, which follows how often
    categories were used; this knows their order alone. Source: Gwet, Handbook of Inter-Rater Reliability, 4th ed. 2014, ch. 3."""


def agreement_weights(weighting: Weighting, categories: int) -> Floats:
    """The weights of all pairs of categories, as a symmetric matrix with 1 on its diagonal."""
    steps = np.abs(np.subtract.outer(np.arange(categories), np.arange(categories)))
    match weighting:
        case Weighting.IDENTITY:
            return np.eye(categories)
        case Weighting.LINEAR:
            return np.asarray(1 - steps / (categories - 1))
        case Weighting.QUADRATIC:
            return np.asarray(1 - (steps / (categories - 1)) ** 2)
        case Weighting.ORDINAL:
            return np.asarray(1 - steps * (steps + 1) / (categories * (categories - 1)))


@dataclass(frozen=True)
class Tally:
    """In which ways ratings fell on items, whoever gave them, and how often each way occurred.

    Whatever does not ask who rated is computed from the ways: there are far fewer of them than items.
    """

    counts: Floats
    """Ways x categories: how many raters chose each. Every way has a rating."""
    times: Floats
    """How many items fell in each way."""
    raters: int
    """How many have rated anything."""

    @cached_property
    def sizes(self) -> Floats:
        """Ratings of an item, by way."""
        return np.asarray(self.counts.sum(axis=1))

    @cached_property
    def paired(self) -> Flags:
        """The ways in which at least two raters rated an item."""
        return self.sizes > 1

    @cached_property
    def shares(self) -> Floats:
        """Ways x categories: the share of an item's ratings in each."""
        return np.asarray(self.counts / self.sizes[:, None])

    def agreeing(self, weights: Floats) -> Floats:
        """The share of an item's pairs of ratings that agree, by way; 0 where there is no pair."""
        pairs = (self.counts * (self.counts @ weights - 1)).sum(axis=1)
        return np.asarray(pairs / np.where(self.paired, self.sizes * (self.sizes - 1), 1))


@dataclass(frozen=True)
class Ratings:
    """Which category each rater put each item into.

    Args:
        codes: items x raters; categories are counted from 0 in the order of the scale, with `MISSING` for no rating.
        categories: how many the scale has, used or not.

    Raises:
        ValueError: if that is not so.
    """

    codes: Codes
    categories: int

    def __post_init__(self) -> None:
        """Refuse what is not a matrix of ratings on the scale."""
        if self.categories < 2:  # noqa: PLR2004 - one category is no choice
            raise ValueError("a scale has at least two categories")
        if self.codes.ndim != 2:  # noqa: PLR2004 - rows and columns
            raise ValueError("ratings are a matrix of items and raters")
        if self.codes.size and not MISSING <= self.codes.min() <= self.codes.max() < self.categories:
            raise ValueError("a rating is not on the scale")

    def of_items(self, rows: Sequence[int] | Codes | Flags) -> "Ratings":
        """The ratings of some of the items."""
        return Ratings(self.codes[list(rows)], self.categories)

    def of_raters(self, columns: Sequence[int] | Codes | Flags) -> "Ratings":
        """The ratings by some of the raters."""
        return Ratings(self.codes[:, list(columns)], self.categories)

    @cached_property
    def counts(self) -> Floats:
        """Items x categories: how many raters chose each."""
        items = len(self.codes)
        rows, columns = np.nonzero(self.codes != MISSING)
        places = rows * self.categories + self.codes[rows, columns]
        return np.bincount(places, minlength=items * self.categories).reshape(items, self.categories).astype(np.float64)

    @cached_property
    def tally(self) -> Tally:
        """In which ways the ratings fell."""
        rated = self.counts[self.counts.any(axis=1)]
        ways, times = np.unique(rated, axis=0, return_counts=True)
        return Tally(ways, times.astype(np.float64), int((self.codes != MISSING).any(axis=0).sum()))
