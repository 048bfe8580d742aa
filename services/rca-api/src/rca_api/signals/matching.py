"""Which signals are about the same fault as a case: pure functions of what each is about."""

from tallystick.schemas.case import CasePriority
from tallystick.schemas.metric import Measure, MetricFilter
from tallystick.schemas.signal import Detector, Signal

_OF_APPEALS = frozenset({Measure.APPEALS, Measure.APPEAL_RATE, Measure.DECIDED_APPEALS, Measure.OVERTURN_RATE})
_STRONG = 4.0
"""Sigmas from which on a case is drafted as pressing."""


def same_kind(measure: Measure | None, other: Measure | None) -> bool:
    """Whether two measures tell of the same kind of fault: of decisions, of their appeals, or (None) of calibration.

    One fault of decisions shows in several measures: error rate, accuracy, a target, a class of errors.
    """
    return _kind(measure) == _kind(other)


def _kind(measure: Measure | None) -> str:
    if measure is None:
        return "calibration"
    return "appeals" if measure in _OF_APPEALS else "decisions"


def overlaps(one: MetricFilter, other: MetricFilter) -> bool:
    """Whether one of two parts of a programme contains the other, with the same error code or none named."""
    codes = {frozenset(each.error_code) for each in (one, other) if each.error_code}
    return len(codes) <= 1 and (_contains(one, other) or _contains(other, one))


def _contains(whole: MetricFilter, part: MetricFilter) -> bool:
    """Whether everything that passes the filter `part` passes `whole`, error codes left out."""
    within, given = part.given(), whole.given()
    return all(name in within and set(within[name]) <= set(values) for name, values in given.items() if name != "error_code")


def nearness(scope: MetricFilter, case: MetricFilter) -> tuple[bool, int]:
    """How near a case lies to a scope that it overlaps: the greatest is the nearest, the same part first, then the narrowest."""
    return scope.given() == case.given(), len(case.given())


def priority_of(signal: Signal) -> CasePriority:
    """How much the case of a signal presses."""
    if signal.detector is Detector.CRITICAL_ERROR:
        return CasePriority.CRITICAL
    return CasePriority.HIGH if signal.strength >= _STRONG else CasePriority.NORMAL
