"""From sums to numbers: values, intervals, differences and ranks."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Protocol

from reporting_api.metrics.definitions import FORMULAS, Formula
from reporting_api.metrics.samples import Sample
from reporting_api.metrics.sums import Sums
from reporting_api.statistics.intervals import LEVEL, difference_of, wilson
from tallystick.schemas.metric import Difference, Interval, Measure, Number, Rank

_NOTHING = "There are no audits to divide by."
_UNSCORED = "No audit has a scorecard."
_UNTIMED = "No audit has a handling time."
_UNDECIDED = "No appeal has been decided."
_REASONS = {"audits": _NOTHING, "scored": _UNSCORED, "timed": _UNTIMED, "decided": _UNDECIDED}


def number(measure: Measure, sums: Sums, all_audits: Sums, minimum_sample: int) -> Number:
    """A measure of a group.

    Args:
        measure: which.
        sums: of the audits that the group selects; where it is one by error dimensions, of those with such an error.
        all_audits: the sums of the same group without its error dimensions: what shares of audits are divided by.
        minimum_sample: from which denominator on a number is called sufficient.
    """
    formula = FORMULAS[measure]
    if formula.denominator is None:
        return counted(sums[formula.numerator])
    size = (all_audits if formula.of_audits else sums)[formula.denominator]
    hits = sums[formula.numerator]
    top: float = size - hits if formula.shape == "rest" else hits / formula.scale if formula.scale != 1 else hits
    bounds = None if formula.definition.interval is None else wilson(top, size)
    return Number(
        value=top / size if size else None,
        numerator=top,
        denominator=size,
        interval=None if bounds is None else interval(bounds, _method(formula)),
        sufficient=size >= minimum_sample,
        reason=None if size else _REASONS[formula.denominator],
    )


def weighted_number(measure: Measure, sums: Sums, all_audits: Sums, sample: Sample, minimum_sample: int) -> Number:
    """A measure that takes how audits were drawn.

    Args:
        measure: which.
        sums: of the audits that the group selects.
        all_audits: the sums of the same group without its error dimensions.
        sample: of the group.
        minimum_sample: from how many drawn audits on a share is called sufficient.
    """
    formula, estimate = FORMULAS[measure], sample.estimate
    if formula.denominator is None:
        return counted(sums["audits"] - sample.selected)
    value, bounds, top = estimate.rate, estimate.interval, estimate.wrong
    if formula.shape == "rest" and value is not None and bounds is not None:
        value, bounds, top = 1 - value, (1 - bounds[1], 1 - bounds[0]), estimate.decisions - top
    return Number(
        value=value,
        numerator=top,
        denominator=round(estimate.decisions),
        interval=None if bounds is None else interval(bounds, "wilson-effective"),
        sufficient=estimate.audits >= minimum_sample,
        reason=estimate.reason if all_audits["audits"] else _NOTHING,
    )


def counted(count: int) -> Number:
    """A count."""
    return Number(value=count, numerator=count, denominator=None, interval=None, sufficient=True, reason=None)


def proportion(hits: int, size: int, minimum_sample: int, otherwise: str) -> Number:
    """A share that is no measure of the metrics, with Wilson's interval; `otherwise` says why there is none."""
    bounds = wilson(hits, size)
    return Number(
        value=hits / size if size else None,
        numerator=hits,
        denominator=size,
        interval=None if bounds is None else interval(bounds, "wilson"),
        sufficient=size >= minimum_sample,
        reason=None if size else otherwise,
    )


def interval(bounds: tuple[float, float], method: str, level: float = LEVEL) -> Interval:
    """Bounds at the level of all reported intervals, or at one of their own."""
    return Interval(low=bounds[0], high=bounds[1], level=level, method=method)


def _method(formula: Formula) -> str:
    return "wilson" if formula.definition.kind == "proportion" else "wilson-conservative"


def difference(now: Number, before: Number) -> Difference:
    """By how much a number differs from an earlier one, with Newcombe's interval where both have one."""
    if now.value is None or before.value is None:
        return Difference(value=None, interval=None, clear=None, reason=now.reason or before.reason)
    bounds = None
    if now.interval is not None and before.interval is not None:
        own, other = ((each.low, each.high) for each in (now.interval, before.interval))
        bounds = difference_of(now.value, own, before.value, other)
    return Difference(
        value=now.value - before.value,
        interval=None if bounds is None else interval(bounds, "newcombe"),
        clear=None if bounds is None else bounds[0] > 0 or bounds[1] < 0,
    )


class Bounded(Protocol):
    """What has an interval, or none."""

    @property
    def interval(self) -> Interval | None:
        """The interval."""


def ranks(numbers: Sequence[Bounded], *, greatest_first: bool) -> list[Rank | None]:
    """Between which places each number may truly stand; None for those that have no interval.

    A number can be overtaken by every other whose interval overlaps with its own.
    """
    bounded = [each.interval for each in numbers if each.interval is not None]
    lows, highs = sorted(each.low for each in bounded), sorted(each.high for each in bounded)
    found: list[Rank | None] = []
    for each in numbers:
        if each.interval is None:
            found.append(None)
            continue
        surely_greater = len(lows) - bisect_right(lows, each.interval.high)
        surely_smaller = bisect_left(highs, each.interval.low)
        ahead, behind = (surely_greater, surely_smaller) if greatest_first else (surely_smaller, surely_greater)
        highest, lowest = 1 + ahead, len(bounded) - behind
        found.append(Rank(highest=highest, lowest=lowest, tied=highest < lowest))
    return found
