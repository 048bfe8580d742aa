"""Critical errors: where there are more of them than before, or each of them where a programme wants to know."""

from collections.abc import Sequence

import numpy as np

from reporting_api.metrics.numbers import number
from reporting_api.metrics.sums import NOTHING
from reporting_api.signals.findings import Finding, by_scope, percent, place
from reporting_api.signals.ground import Ground, Rows, Weeks, cells_of, leaves_of, weeks_of
from reporting_api.signals.rates import Rates, finding, numbers, owners, scope_of, share_of_alarms
from reporting_api.signals.runs import runs
from reporting_api.statistics.watch import Chart, Counts, Episode, Plan, watch
from tallystick.schemas.metric import Dimension, Measure
from tallystick.schemas.signal import Detector, SignalState


def critical_errors(ground: Ground) -> list[Finding]:
    """What the programme wants to know of critical errors."""
    return _each(ground) if ground.document.detectors.critical_error.any else _more_than_before(ground)


def _more_than_before(ground: Ground) -> list[Finding]:
    weeks = weeks_of(ground.audits)
    if weeks is None:
        return []
    leaves = leaves_of(ground.audits, ground.by)
    critical = cells_of(ground.errors, leaves, weeks).table(1 + len(ground.by) + 3)
    cases = cells_of(ground.audits, leaves, weeks).table(1 + len(ground.by))
    one = np.ones((1, 1), dtype=bool)
    counts = Counts(leaves.codes, cases, critical[None], one, one[0], owners(ground))
    minimum = ground.document.targets.minimum_sample
    rates = Rates(Measure.CRITICAL_ACCURACY, {Chart.SHEWHART: Detector.CRITICAL_ERROR}, [()], leaves, weeks, counts, minimum)
    plan = Plan({Chart.SHEWHART: share_of_alarms(ground.document.detectors)})
    return [_finding(rates, episode) for episode in watch(counts, plan)]


def _finding(rates: Rates, episode: Episode) -> Finding:
    scope = scope_of(rates, episode)
    observed, expected = numbers(rates, episode, "critical_errors")
    wrong = int((observed.denominator or 0) - (observed.numerator or 0))
    summary = (
        f"{wrong} critical errors in {observed.denominator} audits {place(scope)} since the week of"
        f" {rates.weeks.of(episode.since)}: critical accuracy {percent(observed)}, {percent(expected)} before."
    )
    return finding(rates, episode, scope, "down", observed, expected, summary)


def _each(ground: Ground) -> list[Finding]:
    """A signal for each vendor, site and code with critical errors, for as long as there are any every few weeks."""
    weeks = weeks_of(ground.audits)
    if weeks is None:
        return []
    width = 1 + len(ground.by)
    own = [1 + ground.by.index(dimension) for dimension in (Dimension.VENDOR, Dimension.SITE)]
    audits = _weekly(ground.audits, own, width, weeks)
    found: list[Finding] = []
    for key, errors in sorted(_weekly(ground.errors, [*own, width, width + 1], width + 3, weeks).items()):
        sizes = audits[key[:2]]
        names = dict(zip(("vendor", "site", "error_class", "error_code"), key, strict=True))
        scope = by_scope({name: value for name, value in names.items() if value})
        holds = [bool(errors[week]) if sizes[week] else None for week in range(weeks.count)]
        for run in runs(holds, 1):
            shown = slice(run.since, run.last + 1)
            wrong, size = sum(errors[shown]), sum(sizes[shown])
            selected, minimum = {**NOTHING, "critical_errors": wrong}, ground.document.targets.minimum_sample
            found.append(
                Finding(
                    detector=Detector.CRITICAL_ERROR,
                    rule="any",
                    measure=Measure.CRITICAL_ACCURACY,
                    scope=scope,
                    direction="down",
                    since=weeks.of(run.since),
                    raised_on=weeks.after(run.raised),
                    until=weeks.after(run.last),
                    state=SignalState.ENDED if run.ended else SignalState.ACTIVE,
                    strength=float(max(errors[shown])),
                    observed=number(Measure.CRITICAL_ACCURACY, selected, {**NOTHING, "audits": size}, minimum),
                    expected=None,
                    summary=f"{wrong} critical errors in {size} audits {place(scope)} since the week of {weeks.of(run.since)}.",
                )
            )
    return found


def _weekly(rows: Rows, columns: Sequence[int], summed: int, weeks: Weeks) -> dict[tuple[str, ...], list[int]]:
    """The sums of a column by week, for each combination of the values of other columns."""
    found: dict[tuple[str, ...], list[int]] = {}
    for row in rows:
        found.setdefault(tuple(str(row[each]) for each in columns), [0] * weeks.count)[weeks.place(row[0])] += int(row[summed])
    return found
