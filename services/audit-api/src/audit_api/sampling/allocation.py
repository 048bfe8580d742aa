"""How many decisions of each stratum are audited: whole numbers by rule, raised to minimums, cut to a budget.

All functions are pure and answer in the order of the strata they are given.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heapreplace
from math import ceil, floor, inf, sqrt
from statistics import NormalDist
from typing import Literal

from audit_api.sampling.budget import Budget, within_budget
from audit_api.sampling.strata import LEVEL, Stratum, deviations, not_negative, positive, rates, squares, two_sided

FEWEST = 2
"""Audits in a stratum from which its spread can be estimated."""

_ROUNDING = 1e-9
"""Audits that are rounding."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """As many audits in every stratum."""

    number: int


@dataclass(frozen=True, slots=True)
class Proportional:
    """A total, spread like the decisions."""

    total: int


@dataclass(frozen=True, slots=True)
class Neyman:
    """A total, spread so that the overall rate is known best: more where there are more decisions and where they differ more."""

    total: int


@dataclass(frozen=True, slots=True)
class Precision:
    """As many as the wanted half width of an interval takes, of the overall rate or of each stratum's."""

    half_width: float
    level: float = LEVEL
    of: Literal["each", "all"] = "all"


@dataclass(frozen=True, slots=True)
class Power:
    """As many in each stratum as it takes to find that its rate has changed by a difference from one period to the next."""

    difference: float
    power: float = 0.8
    level: float = LEVEL


Rule = Fixed | Proportional | Neyman | Precision | Power


@dataclass(frozen=True, slots=True)
class Allocation:
    """How many audits there are in each stratum, and how that came about. All tuples are in the order of the strata."""

    numbers: tuple[int, ...]
    """Audits."""
    wanted: tuple[int, ...]
    """By the rule and the minimums, before the budget."""
    missing: tuple[int, ...]
    """What the rule or the minimum asked for beyond what there is to audit."""
    minutes: float
    """What all audits take."""

    @property
    def cut(self) -> tuple[int, ...]:
        """What the budget took away."""
        return tuple(wanted - number for wanted, number in zip(self.wanted, self.numbers, strict=True))

    def below_minimum(self, strata: Sequence[Stratum]) -> tuple[int, ...]:
        """By how much the budget cut below each stratum's minimum."""
        return tuple(max(each.least - number, 0) for each, number in zip(strata, self.numbers, strict=True))


def allocate(strata: Sequence[Stratum], rule: Rule, budget: Budget | None = None) -> Allocation:
    """Apply the rule, raise to the minimums, cut to the budget.

    A total includes the minimums; where these alone are more than the total, they win.

    Raises:
        ValueError: If a number of the rule or of the budget is out of range.
    """
    numbers, asked = _by_rule(strata, rule)
    wanted = [max(number, each.least) for number, each in zip(numbers, strata, strict=True)]
    cut = within_budget(strata, wanted, budget or Budget())
    missing = tuple(
        max(number, each.minimum) - min(max(number, each.minimum), each.size) for number, each in zip(asked, strata, strict=True)
    )
    return Allocation(tuple(cut), tuple(wanted), missing, _minutes(strata, cut))


def _by_rule(strata: Sequence[Stratum], rule: Rule) -> tuple[list[int], list[int]]:
    """What the rule gives, and what it asked of strata that may have less."""
    match rule:
        case Fixed(number):
            asked = [number] * len(strata)
            return fixed(strata, number), asked
        case Proportional(total):
            numbers = proportional(strata, total)
        case Neyman(total):
            numbers = neyman(strata, total)
        case Precision(half_width, level, "all"):
            numbers = precise_overall(strata, half_width, level)
        case Precision(half_width, level, _):
            numbers = precise_each(strata, half_width, level)
        case Power(difference, power, level):
            asked = [change_sample(rate, difference, power, level) for rate in rates(strata)]
            return [min(number, each.size) for number, each in zip(asked, strata, strict=True)], asked
    return numbers, numbers


def fixed(strata: Sequence[Stratum], number: int) -> list[int]:
    """The same number everywhere, or all that there is.

    Raises:
        ValueError: If the number is negative.
    """
    not_negative(number)
    return [min(number, each.size) for each in strata]


def proportional(strata: Sequence[Stratum], total: int) -> list[int]:
    """A total in proportion to the decisions, by largest remainder, from each stratum's minimum to all of it.

    Raises:
        ValueError: If the total is negative.
    """
    not_negative(total)
    exact = _spread([float(each.size) for each in strata], strata, total)
    whole = [floor(share + _ROUNDING) for share in exact]
    left = max(min(total, sum(each.size for each in strata)) - sum(whole), 0)
    largest = sorted(range(len(strata)), key=lambda place: (whole[place] - exact[place], -strata[place].size, place))
    for place in [place for place in largest if whole[place] < strata[place].size][:left]:
        whole[place] += 1
    return whole


def neyman_exact(strata: Sequence[Stratum], total: float) -> list[float]:
    """The numbers, not rounded, that make the variance of the overall rate least: in proportion to N S, within the bounds.

    What does not fit into a stratum spills over to the others in the same proportion.
    Source: Neyman 1934, Journal of the Royal Statistical Society 97:558; Cochran 1977, 5.5 and 5.8.

    Raises:
        ValueError: If the total is negative.
    """
    not_negative(total)
    return _spread([each.size * spread for each, spread in zip(strata, deviations(strata), strict=True)], strata, total)


def neyman(strata: Sequence[Stratum], total: int) -> list[int]:
    """The whole numbers that make the variance of the overall rate least, from each stratum's minimum to all of it.

    One audit after the other goes where it takes most off Σ N² S²/n, that is N² S²/(n (n + 1)), the first ones to strata without
    any. This is exact, where rounding `neyman_exact` is not. Source: Wright 2012, The American Statistician 66:217, and 2017,
    Statistics and Probability Letters 129:50. Takes time in proportion to the total and the logarithm of the number of strata.

    Raises:
        ValueError: If the total is negative.
    """
    not_negative(total)
    numbers = [each.least for each in strata]
    left = min(total, sum(each.size for each in strata)) - sum(numbers)
    return _grown(strata, numbers, lambda given, _gain: given < left)


def precise_each(strata: Sequence[Stratum], half_width: float, level: float = LEVEL) -> list[int]:
    """The fewest audits with which each stratum's interval has the wanted half width: n₀ / (1 + n₀/N) with n₀ = (z S / d)².

    Source: Cochran 1977, 4.4 and 4.6.

    Raises:
        ValueError: If the half width is not positive or the level is no share.
    """
    z = two_sided(level)
    positive(half_width)
    numbers = []
    for each, spread in zip(strata, deviations(strata), strict=True):
        wanted = (z * spread / half_width) ** 2
        number = ceil(wanted / (1 + wanted / each.size) - _ROUNDING) if each.size else 0
        numbers.append(min(max(number, FEWEST), each.size))
    return numbers


def precise_overall(strata: Sequence[Stratum], half_width: float, level: float = LEVEL) -> list[int]:
    """The fewest audits with which the overall interval has the wanted half width, allocated as `neyman` does.

    Every stratum gets at least two, so that all decisions are covered and every spread can be estimated.

    Raises:
        ValueError: If the half width is not positive or the level is no share.
    """
    target = (half_width / two_sided(level) * sum(each.size for each in strata)) ** 2
    positive(half_width)
    spreads = deviations(strata)
    numbers = [min(max(each.least, FEWEST), each.size) for each in strata]
    squares = [(each.size * spread) ** 2 for each, spread in zip(strata, spreads, strict=True)]
    corrected = sum(each.size * spread**2 for each, spread in zip(strata, spreads, strict=True))
    variance = sum(square / number for square, number in zip(squares, numbers, strict=True) if number) - corrected

    def further(_given: int, gain: float) -> bool:
        nonlocal variance
        if variance <= target * (1 + 1e-12):
            return False
        variance -= gain
        return True

    return _grown(strata, numbers, further)


def change_sample(rate: float, difference: float, power: float = 0.8, level: float = LEVEL) -> int:
    """How many audits each of two periods needs for a two-sided test to find a rate that has changed by a difference.

    (z √(2 p̄ q̄) + z' √(p₁q₁ + p₂q₂))² / d², for a rate that rises, or one that falls where it cannot rise so far.
    Periods are taken as samples of what moderators do, so there is no correction for a finite number of decisions.
    Source: Fleiss, Levin and Paik, Statistical Methods for Rates and Proportions, 3rd ed. 2003, 4.14.

    Raises:
        ValueError: If the power or the level is no share, or a rate cannot change by the difference.
    """
    if not 0 < power < 1:
        raise ValueError("Power lies between 0 and 1, both excluded.")
    positive(difference)
    other = rate + difference if rate + difference <= 1 else rate - difference
    if not 0 <= other <= 1:
        raise ValueError("No error rate can change by so much.")
    mean = (rate + other) / 2
    under_none = two_sided(level) * sqrt(2 * mean * (1 - mean))
    under_change = NormalDist().inv_cdf(power) * sqrt(rate * (1 - rate) + other * (1 - other))
    return ceil(((under_none + under_change) / difference) ** 2 - _ROUNDING)


def _grown(strata: Sequence[Stratum], numbers: list[int], further: Callable[[int, float], bool]) -> list[int]:
    """Add one audit after the other where it takes most off the variance, as long as `further(given, gain)` says so."""
    weights = squares(strata)

    def gain(place: int) -> tuple[float, float, int]:
        number = numbers[place]
        return (-inf if number == 0 else -weights[place] / (number * (number + 1))), -weights[place], place

    heap = [gain(place) for place, each in enumerate(strata) if numbers[place] < each.size]
    heapify(heap)
    given = 0
    while heap and further(given, -heap[0][0]):
        place = heap[0][-1]
        numbers[place] += 1
        given += 1
        if numbers[place] < strata[place].size:
            heapreplace(heap, gain(place))
        else:
            heappop(heap)
    return numbers


def _spread(weights: Sequence[float], strata: Sequence[Stratum], total: float) -> list[float]:
    """Numbers in proportion to the weights that add up to the total, as far as the bounds of the strata let them.

    The multiplier is found among the points at which a number reaches one of its bounds. What only strata without a weight can
    take is spread over them by size.
    """
    low, high = [float(each.least) for each in strata], [float(each.size) for each in strata]
    weighty = [place for place, weight in enumerate(weights) if weight > 0]

    def at(multiplier: float) -> float:
        return sum(min(max(multiplier * weights[place], low[place]), high[place]) for place in weighty)

    numbers = list(low)
    left = total - sum(low[place] for place, weight in enumerate(weights) if weight <= 0)
    points = sorted({bound / weights[place] for place in weighty for bound in (low[place], high[place])})
    first, last = 0, len(points) - 1
    while first < last:
        middle = (first + last) // 2
        first, last = (first, middle) if at(points[middle]) >= left else (middle + 1, last)
    if weighty:
        end = points[first]
        start = points[first - 1] if first else 0.0
        below, above = at(start), at(end)
        share = min(max((left - below) / (above - below), 0.0), 1.0) if above > below else 1.0
        for place in weighty:
            numbers[place] = min(max((start + share * (end - start)) * weights[place], low[place]), high[place])
    others = [place for place, weight in enumerate(weights) if weight <= 0 and strata[place].size > 0]
    left = total - sum(numbers)
    if left > _ROUNDING and others:
        sizes = [float(strata[place].size) for place in others]
        rest = _spread(sizes, [strata[place] for place in others], left + sum(low[place] for place in others))
        for place, number in zip(others, rest, strict=True):
            numbers[place] = number
    return numbers


def _minutes(strata: Sequence[Stratum], numbers: Sequence[int]) -> float:
    return sum(each.minutes * number for each, number in zip(strata, numbers, strict=True))
