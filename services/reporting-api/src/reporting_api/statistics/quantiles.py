"""Quantiles of a sample, and what they say about the population."""

from collections.abc import Sequence
from math import ceil, exp, floor, lgamma, log, log1p, sqrt

from reporting_api.statistics.intervals import LEVEL


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value that a share of a sample lies below, interpolated between its neighbours.

    Source: definition 7 of Hyndman and Fan, The American Statistician 50 (1996) 361-365.

    Args:
        ordered: the sample, smallest first; not empty.
        share: between 0 and 1.
    """
    place = share * (len(ordered) - 1)
    below = floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def quantile_ranks(size: int, share: float, level: float = LEVEL) -> tuple[int, int] | None:
    """Between which values of an ordered sample the quantile of the population lies, counted from 1, whatever its distribution.

    How many of `size` values lie below the quantile is binomial. The lower rank is the greatest l with P(B < l) <= (1 - level)/2,
    the upper one the smallest u with P(B >= u) <= (1 - level)/2.
    Source: Conover, Practical Nonparametric Statistics, 3.2; David and Nagaraja, Order Statistics, 7.1.

    Returns:
        The two ranks; None where the sample is too small to have both.
    """
    tail = (1 - level) / 2
    lower = _largest_below(size, share, tail)
    upper = size + 1 - _largest_below(size, 1 - share, tail)
    return (lower, upper) if lower >= 1 and upper <= size else None


def _largest_below(size: int, share: float, tail: float) -> int:
    """The greatest l with P(B < l) <= tail for B binomial; 0 where there is none."""
    spread = ceil(10 * sqrt(size * share * (1 - share))) + 1
    hits = max(0, floor(size * share) - spread)  # what is further from the middle weighs nothing
    below = 0.0
    while hits <= size:
        below += exp(
            lgamma(size + 1) - lgamma(hits + 1) - lgamma(size - hits + 1) + hits * log(share) + (size - hits) * log1p(-share)
        )
        if below > tail:
            return hits
        hits += 1
    return hits
