"""Each rater by itself, and each item: who agrees with the benchmark and with themselves, and what divides raters."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from reporting_api.statistics.agreement import PERCENT_AGREEMENT
from reporting_api.statistics.estimates import Estimate, Reason
from reporting_api.statistics.intervals import wilson
from reporting_api.statistics.ratings import MISSING, Codes, Flags, Ratings

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Share:
    """How many of so many ratings agree, with Wilson's interval; without any there is a `reason`."""

    agreed: int
    rated: int
    value: float | None
    interval: tuple[float, float] | None
    reason: Reason | None


def alignment(ratings: Ratings, benchmark: Codes) -> list[Share]:
    """How often each rater chose what the benchmark is, where there is one. A missing rating does not count.

    Args:
        ratings: of the items.
        benchmark: of each item its category, or `MISSING`.
    """
    truth = np.asarray(benchmark)[:, None]
    return _shares((ratings.codes != MISSING) & (truth != MISSING), ratings.codes == truth, Reason.NO_BENCHMARK)


def repeatability(ratings: Ratings, repeats: Sequence[tuple[int, int]]) -> list[Share]:
    """How often each rater judged an item that was shown again as it did before.

    Args:
        ratings: of the items, repeats among them.
        repeats: the rows of an item and of its repeat. A repeat is no item of its own where agreement among raters is estimated.
    """
    first, again = (ratings.codes[[pair[side] for pair in repeats]] for side in (0, 1))
    return _shares((first != MISSING) & (again != MISSING), first == again, Reason.NO_REPEATS)


def _shares(counted: Flags, agreed: Flags, reason: Reason) -> list[Share]:
    """The share of agreed ones among the counted ones, by column."""
    hits, sizes = (counted & agreed).sum(axis=0).tolist(), counted.sum(axis=0).tolist()
    return [Share(k, n, k / n if n else None, wilson(k, n), None if n else reason) for k, n in zip(hits, sizes, strict=True)]


@dataclass(frozen=True, slots=True)
class Division:
    """How divided raters are over an item."""

    item: int
    """Its row."""
    ratings: int
    disagreement: float
    """The share of pairs of its ratings that differ."""
    entropy: float
    """Of its ratings over the categories, as a share of the greatest that they could have: 1 where all are chosen alike.
    -sum of p log p / log q. Source: Shannon 1948."""


def divisive(ratings: Ratings, most: int = 20) -> list[Division]:
    """The items that divide raters the most, those without any disagreement left out."""
    counts = ratings.counts
    sizes = counts.sum(axis=1)
    disagreement = 1 - (counts * (counts - 1)).sum(axis=1) / np.maximum(sizes * (sizes - 1), 1)
    shares = counts / np.maximum(sizes, 1)[:, None]
    entropy = -(shares * np.log(np.where(shares > 0, shares, 1))).sum(axis=1) / np.log(ratings.categories)
    divided = np.flatnonzero((sizes > 1) & (disagreement > 0))
    order = divided[np.lexsort((divided, -entropy[divided], -disagreement[divided]))][:most]
    return [Division(int(row), int(sizes[row]), float(disagreement[row]), float(entropy[row])) for row in order]


def divisive_groups(ratings: Ratings, groups: Sequence[Key | None]) -> list[tuple[Key, Estimate]]:
    """Percent agreement within groups of items, such as those of one policy clause, the most divided group first.

    Args:
        ratings: of the items.
        groups: of each item; None belongs to no group.
    """
    rows: dict[Key, list[int]] = {}
    for row, group in enumerate(groups):
        if group is not None:
            rows.setdefault(group, []).append(row)
    found = [(group, PERCENT_AGREEMENT.estimate(ratings.of_items(members).tally)) for group, members in rows.items()]
    return sorted(found, key=lambda each: (each[1].value is None, each[1].value or 0, -each[1].items))
