"""What a detector found, in the words of the wire."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID, uuid5

from tallystick.schemas.metric import Measure, MetricFilter, Number
from tallystick.schemas.programme import ErrorClass
from tallystick.schemas.signal import Detector, SignalState

_SIGNALS = UUID("8a6d2f0e-4f5b-5d8e-9d0b-6b1f3c1a7e21")
"""The namespace of their ids."""

_ERRORS = {
    ErrorClass.FALSE_POSITIVE: "False positives",
    ErrorClass.FALSE_NEGATIVE: "False negatives",
    ErrorClass.WRONG_SELECTION: "Wrong selections",
    ErrorClass.TECHNICAL: "Technical errors",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """A signal as the facts show it, before it has an identity."""

    detector: Detector
    rule: str
    measure: Measure | None
    scope: MetricFilter
    direction: Literal["up", "down"] | None
    since: date
    raised_on: date
    until: date
    """The day after the last period that showed it."""
    state: SignalState
    strength: float
    observed: Number
    expected: Number | None
    summary: str
    subject: str = ""
    """What tells it apart from another of the same scope and day; such as a target's measure where that is none of metrics."""

    @property
    def key(self) -> str:
        """Detector, measure, scope and the day on which it began."""
        return f"{self.detector}/{self.subject or self.measure or ''}/{scope_key(self.scope)}/{self.since}"

    @property
    def vendor(self) -> str | None:
        """The one vendor that it is about."""
        return self.scope.vendor[0] if len(self.scope.vendor) == 1 else None


def signal_id(programme: str, key: str) -> UUID:
    """The id of a signal: the same wherever and whenever it is found."""
    return uuid5(_SIGNALS, f"{programme}\n{key}")


def scope_key(scope: MetricFilter) -> str:
    """A scope in one line."""
    return "&".join(f"{name}={','.join(sorted(values))}" for name, values in scope.given().items())


def errors_called(scope: MetricFilter) -> str:
    """What the errors of a scope are called, as a sentence begins."""
    if scope.error_code:
        return f"Errors of code {', '.join(scope.error_code)}"
    return " and ".join(_ERRORS[each] for each in scope.error_class) or "Errors"


def place(scope: MetricFilter) -> str:
    """Where a scope is, for a sentence."""
    named = [f"{name} {', '.join(values)}" for name, values in scope.given().items() if name not in {"error_class", "error_code"}]
    return f"at {', '.join(named)}" if named else "in the whole programme"


def percent(number: Number | None) -> str:
    """A share, for a sentence."""
    if number is None or number.value is None:
        return "none"
    return f"{100 * number.value:.1f} %"


def by_scope(filters: Mapping[str, str]) -> MetricFilter:
    """The scope in which each dimension has one value."""
    return MetricFilter.model_validate({name: (value,) for name, value in filters.items()})
