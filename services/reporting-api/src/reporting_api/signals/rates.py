"""Rates that have become worse: the control chart, cumulative sums and the moving average.

`reporting_api.statistics.watch` does the finding; here the programme's numbers become its counts, and its episodes findings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import Literal

import numpy as np

from reporting_api.metrics.numbers import number
from reporting_api.metrics.sums import NOTHING
from reporting_api.signals.findings import Finding, by_scope, errors_called, percent, place
from reporting_api.signals.ground import MOST_PLACES, Ground, Leaves, Weeks, cells_of, leaves_of, weeks_of
from reporting_api.statistics.cells import segments_of
from reporting_api.statistics.watch import Chart, Counts, Episode, Plan, Run, watch
from tallystick.schemas.metric import Dimension, Measure, MetricFilter, Number
from tallystick.schemas.programme import Detectors
from tallystick.schemas.signal import Detector, SignalState

_WEEKS_A_YEAR = 52
_OWNERS = (Dimension.VENDOR, Dimension.SITE)

_CHARTS = {Chart.SHEWHART: Detector.CONTROL_CHART, Chart.CUSUM: Detector.CUSUM, Chart.EWMA: Detector.EWMA}
_HOW = {
    Run.ONE: "beyond the limit of the control chart",
    Run.TWO: "high in two of three weeks",
    Run.FOUR: "high in four of five weeks",
    Run.EIGHT: "above the level before in eight weeks in a row",
    "upper_sum": "a slow drift that adds up",
    "upper_average": "a slow drift of the moving average",
}

Family = tuple[str, ...]
"""A kind of error: none for all of them, an error class, or a class and a code."""


@dataclass(frozen=True, slots=True)
class Rates:
    """How episodes of one replay are told."""

    measure: Measure
    detectors: Mapping[Chart, Detector]
    families: Sequence[Family]
    leaves: Leaves
    weeks: Weeks
    counts: Counts
    minimum_sample: int


def share_of_alarms(detectors: Detectors) -> float:
    """False alarms a week for each detector that weighs chance."""
    weighing = (
        detectors.control_chart.on,
        detectors.cusum.on,
        detectors.ewma.on,
        detectors.critical_error.on and not detectors.critical_error.any,
        detectors.recurring_error.on,
        detectors.overturn_spike.on,
    )
    return detectors.false_alarms_per_year / _WEEKS_A_YEAR / max(sum(weighing), 1)


def error_rates(ground: Ground) -> list[Finding]:
    """What the control chart, cumulative sums and the moving average find in error rates."""
    detectors, weeks = ground.document.detectors, weeks_of(ground.audits)
    alarms = share_of_alarms(detectors)
    switches = {
        Chart.SHEWHART: detectors.control_chart.on,
        Chart.CUSUM: detectors.cusum.on,
        Chart.EWMA: detectors.ewma.on,
    }
    plan = Plan({chart: alarms for chart, on in switches.items() if on}, detectors.cusum.allowance, detectors.ewma.weight)
    if weeks is None or not plan.alarms:
        return []
    leaves = leaves_of(ground.audits, ground.by)
    families = _families(ground, leaves, weeks)
    counts = _counted(ground, leaves, weeks, families)
    rates = Rates(Measure.ERROR_RATE, _CHARTS, families, leaves, weeks, counts, ground.document.targets.minimum_sample)
    return [_error_finding(rates, episode) for episode in watch(counts, plan)]


def _families(ground: Ground, leaves: Leaves, weeks: Weeks) -> list[Family]:
    """All kinds of error; where that is more than can be watched, codes are left to their classes."""
    width = 1 + len(ground.by)
    found = {(str(row[width]), str(row[width + 1])) for row in ground.errors}
    classes: list[Family] = [(each,) for each in sorted({error_class for error_class, _ in found})]
    codes: list[Family] = [each for each in sorted(found) if each[1]]
    series = (1 + len(classes) + len(codes)) * len(segments_of(leaves.codes).codes)
    return [(), *classes, *(codes if series * weeks.count <= MOST_PLACES else ())]


def _counted(ground: Ground, leaves: Leaves, weeks: Weeks, families: Sequence[Family]) -> Counts:
    width = 1 + len(ground.by)
    errors = cells_of(ground.errors, leaves, weeks)
    kinds = {(place, name): errors.having(width + place, name) for family in families for place, name in enumerate(family)}
    everything = np.ones(len(ground.errors), dtype=bool)
    hits = np.stack(
        [errors.table(width + 2, reduce(and_, (kinds[each] for each in enumerate(family)), everything)) for family in families]
    )
    kin = np.array([[one[: len(other)] == other or other[: len(one)] == one for other in families] for one in families])
    broad = np.array([len(family) <= 1 for family in families])
    cases = cells_of(ground.audits, leaves, weeks).table(width)
    return Counts(leaves.codes, cases, hits, kin, broad, owners(ground))


def owners(ground: Ground) -> tuple[int, ...]:
    """The dimensions that are named for a segment wherever all of its audits have the same value."""
    return tuple(place for place, dimension in enumerate(ground.by) if dimension in _OWNERS)


def scope_of(rates: Rates, episode: Episode) -> MetricFilter:
    """Where an episode is, and of which kind of error."""
    family = rates.families[episode.family]
    kind = dict(zip(("error_class", "error_code"), family, strict=False))
    return by_scope({**rates.leaves.filters(episode.codes), **kind})


def _error_finding(rates: Rates, episode: Episode) -> Finding:
    scope = scope_of(rates, episode)
    observed, expected = numbers(rates, episode, "errors")
    summary = (
        f"{errors_called(scope)} {place(scope)}: {percent(observed)} of audits since the week of"
        f" {rates.weeks.of(episode.since)}, {percent(expected)} before; {_HOW[episode.rule]}."
    )
    return finding(rates, episode, scope, "up", observed, expected, summary)


def numbers(rates: Rates, episode: Episode, hits: str) -> tuple[Number, Number]:
    """The measure over the period of an episode, and over the calm weeks before it; `hits` is the sum that its hits are."""
    period, before = in_weeks(rates, episode)

    def told(k: float, n: float) -> Number:
        sums = {**NOTHING, hits: round(k), "audits": round(n)}
        return number(rates.measure, sums, sums, rates.minimum_sample)

    return told(*period), told(*before)


def in_weeks(rates: Rates, episode: Episode) -> tuple[tuple[float, float], tuple[float, float]]:
    """Hits and cases of all that is in an episode's scope: over its period, and over the calm weeks before it."""
    hits, cases = rates.counts.hits[episode.family, episode.inside], rates.counts.cases[episode.inside]
    period = slice(episode.since, episode.last + 1)
    return (
        (float(hits[:, period].sum()), float(cases[:, period].sum())),
        (float(hits[:, episode.level].sum()), float(cases[:, episode.level].sum())),
    )


def finding(
    rates: Rates,
    episode: Episode,
    scope: MetricFilter,
    direction: Literal["up", "down"],
    observed: Number,
    expected: Number,
    summary: str,
) -> Finding:
    """An episode as a finding."""
    return Finding(
        detector=rates.detectors[episode.chart],
        rule=str(episode.rule),
        measure=rates.measure,
        scope=scope,
        direction=direction,
        since=rates.weeks.of(episode.since),
        raised_on=rates.weeks.after(episode.raised),
        until=rates.weeks.after(episode.last),
        state=SignalState.ACTIVE if episode.ended is None else SignalState.ENDED,
        strength=round(episode.strength, 3),
        observed=observed,
        expected=expected,
        summary=summary,
    )
