"""Targets that a vendor has missed for several weeks in a row."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt

from reporting_api.cuboids import MEASURES
from reporting_api.metrics.definitions import FORMULAS
from reporting_api.metrics.numbers import number
from reporting_api.metrics.sums import NOTHING, Sums
from reporting_api.reports.quality_summary import TARGETS, judged
from reporting_api.signals.findings import Finding, by_scope, percent
from reporting_api.signals.ground import AUDIT_SUMS, Floats, Ground, Weeks, cells_of, leaves_of, weeks_of
from reporting_api.signals.runs import Run, runs
from tallystick.schemas.metric import Dimension, Measure, Number
from tallystick.schemas.signal import Detector, SignalState


@dataclass(frozen=True, slots=True)
class _Series:
    """A vendor's sums by week."""

    vendor: str
    weeks: Weeks
    sums: dict[str, Floats]
    minimum_sample: int

    def number(self, measure: Measure, weeks: slice) -> Number:
        counted: Sums = {**NOTHING, **{name: round(float(column[weeks].sum())) for name, column in self.sums.items()}}
        return number(measure, counted, counted, self.minimum_sample)

    @property
    def first(self) -> int:
        """The first week with audits."""
        return int(self.sums["audits"].nonzero()[0][0])


def missed_targets(ground: Ground) -> list[Finding]:
    """The targets that vendors have missed clearly, week after week."""
    rules, targets = ground.document.detectors.target_missed, ground.document.targets
    found: list[Finding] = []
    for series in _by_vendor(ground):
        for measure in TARGETS:
            target = getattr(targets, measure)
            if target is None:
                continue
            weekly = [series.number(measure, slice(week, week + 1)) for week in range(series.weeks.count)]
            holds = [
                judged(target, each) == "missed"
                if each.interval is not None and week >= series.first + rules.ramp_weeks
                else None
                for week, each in enumerate(weekly)
            ]
            found += [_finding(series, measure, target, weekly, run) for run in runs(holds, rules.periods)]
    return found


def _by_vendor(ground: Ground) -> Iterator[_Series]:
    weeks = weeks_of(ground.audits)
    if weeks is None:
        return
    leaves = leaves_of(ground.audits, ground.by)
    cells = cells_of(ground.audits, leaves, weeks)
    columns = {name: cells.table(1 + len(ground.by) + place) for place, name in enumerate(AUDIT_SUMS)}
    place = ground.by.index(Dimension.VENDOR)
    for code, vendor in enumerate(leaves.names[place]):
        mine = leaves.codes[:, place] == code
        sums = {name: column[mine].sum(axis=0) for name, column in columns.items() if name in MEASURES}
        yield _Series(vendor, weeks, sums, ground.document.targets.minimum_sample)


def _finding(series: _Series, measure: Measure, target: float, weekly: list[Number], run: Run) -> Finding:
    shown = weekly[run.since : run.last + 1]
    observed = series.number(measure, slice(run.since, run.last + 1))
    label = FORMULAS[measure].definition.label
    short = [
        (target - each.value) / sqrt(target * (1 - target) / each.denominator)
        for each in shown
        if each.value is not None and each.denominator and 0 < target < 1
    ]
    return Finding(
        detector=Detector.TARGET_MISSED,
        rule="missed_in_a_row",
        measure=measure,
        scope=by_scope({"vendor": series.vendor}),
        direction="down",
        since=series.weeks.of(run.since),
        raised_on=series.weeks.after(run.raised),
        until=series.weeks.after(run.last),
        state=SignalState.ENDED if run.ended else SignalState.ACTIVE,
        strength=round(max(short, default=0.0), 3),
        observed=observed,
        expected=series.number(measure, slice(run.since)) if run.since else None,
        summary=(
            f"{label} at vendor {series.vendor}: {percent(observed)} since the week of {series.weeks.of(run.since)},"
            f" below the target of {100 * target:g} % in {len([each for each in shown if each.denominator])} weeks."
        ),
    )
