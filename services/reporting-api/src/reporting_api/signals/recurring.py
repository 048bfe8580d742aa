"""Error codes that have come to be among the most frequent ones of a vendor, and stay there."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from reporting_api.metrics.numbers import number
from reporting_api.metrics.sums import NOTHING
from reporting_api.signals.findings import Finding, by_scope, percent
from reporting_api.signals.ground import Floats, Ground, Weeks, cells_of, leaves_of, weeks_of
from reporting_api.signals.rates import share_of_alarms
from reporting_api.signals.runs import Run, runs
from reporting_api.statistics.scores import roots
from reporting_api.statistics.watch import FEWEST_HITS
from tallystick.schemas.metric import Dimension, Measure, Number
from tallystick.schemas.signal import Detector, SignalState


@dataclass(frozen=True, slots=True)
class _Code:
    """A vendor's errors of one code, and its audits, by week."""

    vendor: str
    code: str
    weeks: Weeks
    hits: Floats
    cases: Floats
    minimum_sample: int

    def number(self, of: slice) -> Number:
        selected = {**NOTHING, "errors": round(float(self.hits[of].sum()))}
        return number(
            Measure.ERROR_RATE, selected, {**NOTHING, "audits": round(float(self.cases[of].sum()))}, self.minimum_sample
        )


def recurring_errors(ground: Ground) -> list[Finding]:
    """The codes that have entered the top of a vendor's errors, stay there for several weeks, and are more than before."""
    weeks = weeks_of(ground.audits)
    if weeks is None:
        return []
    rules, width = ground.document.detectors.recurring_error, len(ground.by)
    place = ground.by.index(Dimension.VENDOR)
    leaves = leaves_of(ground.audits, ground.by)
    audits, errors = cells_of(ground.audits, leaves, weeks).table(1 + width), cells_of(ground.errors, leaves, weeks)
    codes = sorted({str(row[2 + width]) for row in ground.errors} - {""})
    by_code = {code: errors.table(3 + width, errors.having(2 + width, code)) for code in codes}
    vendors = leaves.names[place]
    limit = NormalDist().inv_cdf(1 - min(share_of_alarms(ground.document.detectors) / max(len(codes) * len(vendors), 1), 0.5))
    found: list[Finding] = []
    for number_, vendor in enumerate(vendors):
        mine = leaves.codes[:, place] == number_
        cases = audits[mine].sum(axis=0)
        counts = np.array([by_code[code][mine].sum(axis=0) for code in codes]).reshape(len(codes), weeks.count)
        above = (counts[None, :, :] > counts[:, None, :]).sum(axis=1)
        leading = (above < rules.top) & (counts > 0)
        for code, hits, top in zip(codes, counts, leading, strict=True):
            holds = [bool(top[week]) if cases[week] > 0 else None for week in range(weeks.count)]
            for run in runs(holds, rules.periods):
                before = slice(max(run.since - rules.earlier, 0), run.since)
                new = run.since >= rules.earlier and not top[before].any()
                shown = _strength(hits, cases, slice(run.since, run.raised + 1), before)
                if new and shown > limit and hits[run.since : run.raised + 1].sum() >= FEWEST_HITS:
                    found.append(
                        _finding(
                            _Code(vendor, code, weeks, hits, cases, ground.document.targets.minimum_sample), run, before, shown
                        )
                    )
    return found


def _strength(hits: Floats, cases: Floats, now: slice, before: slice) -> float:
    sums = (np.asarray(each.sum()) for each in (hits[now], cases[now], hits[before], cases[before]))
    return float(roots(*sums))


def _finding(series: _Code, run: Run, before: slice, strength: float) -> Finding:
    observed, expected = series.number(slice(run.since, run.last + 1)), series.number(before)
    weeks = run.last + 1 - run.since
    return Finding(
        detector=Detector.RECURRING_ERROR,
        rule="new_among_the_most_frequent",
        measure=Measure.ERROR_RATE,
        scope=by_scope({"vendor": series.vendor, "error_code": series.code}),
        direction="up",
        since=series.weeks.of(run.since),
        raised_on=series.weeks.after(run.raised),
        until=series.weeks.after(run.last),
        state=SignalState.ENDED if run.ended else SignalState.ACTIVE,
        strength=round(strength, 3),
        observed=observed,
        expected=expected,
        summary=(
            f"Errors {series.code} at vendor {series.vendor} have been among the most frequent for {weeks} weeks, since that of"
            f" {series.weeks.of(run.since)}, and were not before: {percent(observed)} of audits, {percent(expected)} before."
        ),
    )
