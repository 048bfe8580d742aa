"""Cutting a sample to what may be spent, so that as little precision as possible is lost."""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush, heapreplace
from math import inf

from audit_api.sampling.strata import Stratum, not_negative, squares

_ROUNDING = 1e-9
"""Minutes that are rounding."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be spent in a period; None: any amount."""

    audits: int | None = None
    minutes: float | None = None


def within_budget(strata: Sequence[Stratum], numbers: Sequence[int], budget: Budget) -> list[int]:
    """Take audits away until the budget suffices, always the one whose loss makes the overall rate least uncertain.

    Nothing goes below a minimum before all strata are at theirs, and no stratum is left without any audit before all have one.
    With a budget of audits the result is the best there is; with one of minutes, where it is the loss per minute that counts and
    audits that still fit are given back, it is near it: the best may differ by the length of an audit.

    Raises:
        ValueError: If the budget is negative.
    """
    for limit in (budget.audits, budget.minutes):
        not_negative(limit or 0)
    left = list(numbers)
    if budget.audits is not None:
        _shrink(strata, left, budget.audits, [1.0] * len(strata))
    if budget.minutes is not None:
        _shrink(strata, left, budget.minutes, [each.minutes for each in strata])
    return left


def _shrink(strata: Sequence[Stratum], numbers: list[int], limit: float, costs: Sequence[float]) -> None:
    """Cut `numbers` in place until their cost is within the limit."""
    weights = squares(strata)
    spent = sum(number * cost for number, cost in zip(numbers, costs, strict=True))
    before = list(numbers)

    def loss(place: int) -> tuple[float, float, int]:
        number, weight = numbers[place], weights[place] / costs[place]
        return (inf if number == 1 else weight / (number * (number - 1))), weight, place

    for floors in ([min(each.least, number) for each, number in zip(strata, numbers, strict=True)], [0] * len(strata)):
        heap = [loss(place) for place, cost in enumerate(costs) if cost > 0 and numbers[place] > floors[place]]
        heapify(heap)
        while heap and spent > limit + _ROUNDING:
            place = heap[0][-1]
            numbers[place] -= 1
            spent -= costs[place]
            if numbers[place] > floors[place]:
                heapreplace(heap, loss(place))
            else:
                heappop(heap)
    _give_back(numbers, before, limit - spent, costs, weights)


def _give_back(numbers: list[int], before: Sequence[int], left: float, costs: Sequence[float], weights: Sequence[float]) -> None:
    """Spend what the last cut took too much, in place."""
    heap: list[tuple[float, float, int]] = []

    def offer(place: int) -> None:
        number, cost = numbers[place], costs[place]
        if number < before[place]:
            gain = weights[place] / cost
            heappush(heap, (-inf if number == 0 else -gain / (number * (number + 1)), -gain, place))

    for place in range(len(numbers)):
        offer(place)
    while heap:
        place = heappop(heap)[-1]
        if costs[place] <= left + _ROUNDING:
            numbers[place] += 1
            left -= costs[place]
            offer(place)
