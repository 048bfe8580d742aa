"""Control charts of proportions: the p-chart, Laney's p' chart, and the Western Electric rules."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from math import sqrt

BASELINE = 6
"""Points that a chart's limits are first made from."""

_D2 = 1.128
"""The mean range of two values from a normal distribution, in its standard deviations."""


class Rule(StrEnum):
    """The Western Electric rules. Source: Statistical Quality Control Handbook, Western Electric 1956, p. 25."""

    BEYOND_3_SIGMA = "beyond_3_sigma"
    """One point beyond 3 sigma."""
    TWO_OF_THREE = "two_of_three_beyond_2_sigma"
    """Two of three points in a row beyond 2 sigma on one side, this one among them."""
    FOUR_OF_FIVE = "four_of_five_beyond_1_sigma"
    """Four of five points in a row beyond 1 sigma on one side, this one among them."""
    EIGHT_IN_A_ROW = "eight_on_one_side"
    """Eight points in a row on one side of the centre."""


_RUNS = ((Rule.TWO_OF_THREE, 2, 3, 2.0), (Rule.FOUR_OF_FIVE, 4, 5, 1.0), (Rule.EIGHT_IN_A_ROW, 8, 8, 0.0))


@dataclass(frozen=True, slots=True)
class Limits:
    """The centre and the limits of one point of a chart of proportions, all between 0 and 1."""

    centre: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a monitored series. Without limits where there is nothing to judge it by."""

    share: float | None
    limits: Limits | None
    z: float | None
    """Distance from the centre in sigmas of the chart, overdispersion included."""
    rules: tuple[Rule, ...]


def p_limits(hits: int, size: int, point_size: int, *, sigma_z: float = 1.0) -> Limits | None:
    """The limits of a point of `point_size` cases around the proportion `hits / size`; None where either size is 0.

    p +- 3 sigma_z sqrt(p (1 - p) / n), cut off at 0 and 1. With `sigma_z` = 1 it is Shewhart's p-chart.
    """
    if size <= 0 or point_size <= 0:
        return None
    centre = hits / size
    reach = 3 * sigma_z * sqrt(centre * (1 - centre) / point_size)
    return Limits(centre, max(centre - reach, 0.0), min(centre + reach, 1.0))


def z_scores(hits: Sequence[int], sizes: Sequence[int], centre: float) -> list[float | None]:
    """How many binomial standard deviations each proportion is away from `centre`; None where that has no meaning."""
    spread = centre * (1 - centre)
    return [(k / n - centre) / sqrt(spread / n) if n > 0 and spread > 0 else None for k, n in zip(hits, sizes, strict=True)]


def sigma_z(scores: Sequence[float | None]) -> float | None:
    """By how much proportions vary beyond what their sizes explain: the mean moving range of z over 1.128, in time order.

    None with fewer than two scores. Source: Laney, Quality Engineering 14 (2002) 531-537.
    """
    known = [score for score in scores if score is not None]
    if len(known) < 2:  # noqa: PLR2004 - a range takes two
        return None
    return sum(abs(later - earlier) for earlier, later in pairwise(known)) / (len(known) - 1) / _D2


def western_electric(scores: Sequence[float | None]) -> list[tuple[Rule, ...]]:
    """Which rules each point breaks, given its distance from the centre in sigmas. Points without a score break none."""
    return [
        (
            *((Rule.BEYOND_3_SIGMA,) if score is not None and abs(score) > 3 else ()),  # noqa: PLR2004
            *(rule for rule, needed, window, distance in _RUNS if _runs(scores[: place + 1][-window:], needed, window, distance)),
        )
        for place, score in enumerate(scores)
    ]


def _runs(window: Sequence[float | None], needed: int, length: int, distance: float) -> bool:
    last = window[-1]
    if last is None or len(window) < min(needed, length) or abs(last) <= distance:
        return False
    side = 1 if last > 0 else -1
    return sum(score is not None and score * side > distance for score in window) >= needed


def monitor(hits: Sequence[int], sizes: Sequence[int], *, baseline: int = BASELINE) -> list[Point]:
    """Judge a series of proportions as it would have been judged week by week, by Laney's p' chart.

    The first `baseline` points make the first limits and are judged by them. Every later point is judged by the limits of
    all points before it that were not themselves beyond 3 sigma, so a lasting change stays a signal instead of becoming the
    new normal. `sigma_z` below 1 counts as 1: a handful of points must not make limits tighter than chance.
    """
    judged: list[Point] = []
    first = [place for place in range(min(baseline, len(hits))) if sizes[place] > 0]
    calm: list[int] = []
    for place in range(len(hits)):
        point = _judge(hits, sizes, first if place < baseline else calm, place)
        judged.append(point)
        if sizes[place] > 0 and not (point.z is not None and abs(point.z) > 3):  # noqa: PLR2004
            calm.append(place)
    rules = western_electric([point.z for point in judged])
    return [Point(point.share, point.limits, point.z, broken) for point, broken in zip(judged, rules, strict=True)]


def _judge(hits: Sequence[int], sizes: Sequence[int], base: Sequence[int], place: int) -> Point:
    share = hits[place] / sizes[place] if sizes[place] > 0 else None
    base_hits, base_sizes = [hits[each] for each in base], [sizes[each] for each in base]
    total = sum(base_sizes)
    if len(base) < 2 or share is None:  # noqa: PLR2004 - one point has no spread
        return Point(share, None, None, ())
    centre = sum(base_hits) / total
    spread = max(sigma_z(z_scores(base_hits, base_sizes, centre)) or 1.0, 1.0)
    score = z_scores([hits[place]], [sizes[place]], centre)[0]
    limits = p_limits(sum(base_hits), total, sizes[place], sigma_z=spread)
    return Point(share, limits, None if score is None else score / spread, ())
