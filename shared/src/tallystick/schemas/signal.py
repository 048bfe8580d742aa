"""Signals: what detectors found in the metrics of a programme that somebody should look into.

The same fault is one signal for as long as it lasts: a signal is known by its `key`, which names detector, measure, scope and the
day on which it began. Detectors judge facts alone, so signals that are found anew after a rebuild have the same keys and ids.
"""

from datetime import date
from enum import StrEnum
from typing import Literal
from uuid import UUID

from tallystick.schemas.base import Slug, Wire
from tallystick.schemas.metric import Measure, MetricFilter, Number, Period


class Detector(StrEnum):
    """What looks for signals."""

    CONTROL_CHART = "control_chart"
    """Western Electric rules on Laney's p' chart, week by week."""
    CUSUM = "cusum"
    """Cumulative sums: a slow drift."""
    EWMA = "ewma"
    """An exponentially weighted moving average: a slow drift."""
    TARGET_MISSED = "target_missed"
    """A target of the programme was missed for several periods in a row."""
    CRITICAL_ERROR = "critical_error"
    """Errors of critical severity."""
    RECURRING_ERROR = "recurring_error"
    """The same error code among the most frequent for several periods in a row."""
    OVERTURN_SPIKE = "overturn_spike"
    """Appeals change more verdicts than before."""
    CALIBRATION_BELOW_TARGET = "calibration_below_target"
    """A concluded calibration session in which raters fall short of the target."""


class SignalState(StrEnum):
    """Whether the fault goes on."""

    ACTIVE = "active"
    ENDED = "ended"
    """The periods since are calm."""
    WITHDRAWN = "withdrawn"
    """Revised or erased facts no longer show it."""


class Signal(Wire):
    """One finding. To a vendor those alone are there that are about its own audits and nobody else's."""

    programme: Slug
    id: UUID
    """Made from the programme and the key."""
    key: str
    revision: int
    position: int
    vendor: Slug | None
    """The one vendor that it is about; `null` where it is about several or none."""
    detector: Detector
    rule: str
    """Which rule of the detector, such as `one_beyond_limit`."""
    measure: Measure | None
    """`null` for calibration, whose numbers are no metrics."""
    scope: MetricFilter
    state: SignalState
    direction: Literal["up", "down"] | None
    since: date
    """The first day of the period in which it began."""
    raised_on: date
    """The day after the last day of the data that first showed it."""
    period: Period
    """From `since` to the end of the last period that showed it."""
    strength: float
    """How far from what was expected, in sigmas of the detector, in the period that showed it most."""
    observed: Number
    """The measure in the scope over `period`."""
    expected: Number | None
    """The same before; `null` where there is nothing to compare with."""
    summary: str
    """In a sentence, for people."""
    chart: str
    """Where the chart that shows it is served: a Vega-Lite document."""


class SignalPage(Wire):
    """A page of signals, the newest first; the next page is in the `Link` header."""

    items: tuple[Signal, ...]
