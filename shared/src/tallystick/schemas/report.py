"""Reports: named arrangements of metrics. Every number in them is one that `GET /v1/metrics` answers too."""

from datetime import date
from typing import Literal

from tallystick.schemas.base import Wire
from tallystick.schemas.metric import Difference, Interval, Measure, Number, Period, Row, Scope, View


class TrendPoint(Wire):
    """One week of a trend on its control chart."""

    week: date
    """Its Monday."""
    complete: bool
    """Whether all seven days belong to the period."""
    number: Number
    centre: float | None
    lower: float | None
    upper: float | None
    """Laney's p' limits, from the weeks before; `null` where there are too few."""
    z: float | None
    """Distance from the centre in sigmas of the chart."""
    signals: tuple[str, ...]
    """The Western Electric rules that the week breaks."""


class TargetStanding(Wire):
    """A target beside what was reached. The interval decides: while it holds the target, nothing is claimed."""

    measure: Measure
    target: float
    number: Number
    standing: Literal["met", "missed", "undecided", "no_data"]


class QualitySummary(Wire):
    """How good the decisions were."""

    scope: Scope
    previous_period: Period | None
    overall: dict[View, dict[str, Number]]
    """By view, by measure."""
    previous: dict[str, Number] | None
    """The period of the same length before, in the view of the scope."""
    change: dict[str, Difference] | None
    targets: tuple[TargetStanding, ...]
    vendors: tuple[Row, ...]
    """By vendor, the most accurate first; rows with overlapping intervals are tied."""
    sites: tuple[Row, ...]
    """By vendor and site, likewise."""
    trend: tuple[TrendPoint, ...]
    """Accuracy by week."""


class ParetoBar(Wire):
    """One error code among all errors."""

    error_code: str | None
    name: str | None
    errors: Number
    share: Number
    """Of all errors."""
    cumulative_share: float
    """Of this code and all more frequent ones."""
    rate: Number
    """Of all audits."""
    change: Difference | None
    """Of the rate, since the period of the same length before."""


class ErrorTrend(Wire):
    """How often one error code occurred, week by week."""

    error_code: str | None
    name: str | None
    points: tuple[TrendPoint, ...]
    signals: int
    """Weeks that break a rule."""


class Turn(Wire):
    """An error code that has appeared or vanished."""

    error_code: str | None
    name: str | None
    errors_before: int
    errors_since: int
    since: date
    """The Monday that the recent weeks begin with."""
    chance: float
    """How probable it would be with an unchanged rate."""


class SegmentSignal(Wire):
    """A lasting change of the rate of an error code in one segment."""

    error_code: str | None
    name: str | None
    segment: dict[str, str | None]
    """The value of each dimension that makes the segment."""
    since: date
    """The Monday of the first week of the change."""
    direction: Literal["up", "down"]
    before: Number
    after: Number
    difference: Difference
    z: float
    points: tuple[TrendPoint, ...]


class SegmentConcentration(Wire):
    """A segment in which an error code is more frequent than elsewhere."""

    error_code: str | None
    name: str | None
    segment: dict[str, str | None]
    share: Number
    """Of all errors of this code."""
    rate: Number
    elsewhere: Number
    ratio: float | None
    """The rate over that elsewhere; `null` where the error never occurs elsewhere."""
    interval: Interval | None
    """Of the ratio."""
    z: float
    signal: bool
    """Whether the same segment is among the signals: it has changed. Otherwise it was so throughout the period."""


class TopErrorTrends(Wire):
    """Which errors there are most of, which way they go, and where."""

    scope: Scope
    previous_period: Period | None
    errors: Number
    pareto: tuple[ParetoBar, ...]
    trends: tuple[ErrorTrend, ...]
    appeared: tuple[Turn, ...]
    vanished: tuple[Turn, ...]
    signals: tuple[SegmentSignal, ...]
    concentrations: tuple[SegmentConcentration, ...]
