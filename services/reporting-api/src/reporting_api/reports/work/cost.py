"""What cases cost in errors while they were open, by the sums that metrics answer with."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from math import sqrt
from zoneinfo import ZoneInfo

import numpy as np

from reporting_api.metrics.answer import groups
from reporting_api.metrics.definitions import FORMULAS
from reporting_api.metrics.numbers import interval, number
from reporting_api.metrics.question import Question
from reporting_api.metrics.standing import Standing
from reporting_api.metrics.sums import NOTHING
from reporting_api.reports.work.moves import spans, state_at
from reporting_api.reports.work.records import KnownCase
from reporting_api.statistics.effects import Series, log_ratio
from reporting_api.statistics.intervals import newcombe
from tallystick.schemas.case import CaseState
from tallystick.schemas.metric import Dimension, Measure, Number, Period
from tallystick.schemas.rca_report import CaseCost, Cost
from tallystick.service.database import ReadSession

METHOD = "newcombe-overdispersed"
"""Of the interval of a case's errors: `docs/rca-report.md` says how it is made."""

MOST = 100
"""Cases whose cost is looked up: the ones opened last."""

_ERRORS = frozenset({"errors", "critical_errors", "false_positives", "false_negatives"})
"""The sums that measures of errors count."""

Days = tuple[date, date]
Counts = dict[date, tuple[int, int]]
"""Errors and audits by week."""


async def cost_of(session: ReadSession, standing: Standing, cases: Iterable[KnownCase], as_of: datetime) -> Cost:
    """What cases cost up to a moment, the dearest first."""
    newest = sorted(cases, key=lambda case: case.moves[0].at, reverse=True)
    costs = [await _case_cost(session, standing, case, as_of) for case in newest[:MOST]]
    dearest = sorted(costs, key=lambda cost: (cost.errors.value is None, -(cost.errors.value or 0), str(cost.case_id)))
    return Cost(
        errors=_together([cost.errors for cost in costs], standing.targets.minimum_sample),
        counted=sum(cost.errors.value is not None for cost in costs),
        cases=tuple(dearest),
        left_out=len(newest[MOST:]),
    )


async def _case_cost(session: ReadSession, standing: Standing, case: KnownCase, as_of: datetime) -> CaseCost:
    zone = ZoneInfo(standing.time_zone)
    days = _days([(begin.astimezone(zone).date(), end.astimezone(zone).date()) for begin, end in spans(case.moves, as_of)])
    asked = Measure.ERROR_RATE if case.measure is Measure.ERRORS else case.measure
    measure = asked if FORMULAS[asked].numerator in _ERRORS else None
    open_: Counts = {}
    baseline: Counts = {}
    if measure is not None:
        for each in days:
            open_ = _added(open_, await _by_week(session, standing, case, measure, each))
        baseline = await _by_week(session, standing, case, measure, case.baseline)
    minimum = standing.targets.minimum_sample
    return CaseCost(
        case_id=case.case_id,
        title=case.title,
        vendor=case.vendor,
        state=state_at(case.moves, as_of) or CaseState.OPEN,
        measure=case.measure,
        days=tuple(Period(from_=begin, to=end, time_zone=standing.time_zone) for begin, end in days),
        open=_rate(measure, open_, minimum),
        baseline=_rate(measure, baseline, minimum),
        errors=_beyond(measure, open_, baseline, minimum),
    )


def _days(found: Sequence[Days]) -> list[Days]:
    """Days on which a case was open, each span at least one day, and no day twice."""
    joined: list[Days] = []
    for begin, end in found:
        first, last = max(begin, joined[-1][1]) if joined else begin, max(end, begin + timedelta(days=1))
        if first < last:
            joined.append((first, last))
    return joined


async def _by_week(session: ReadSession, standing: Standing, case: KnownCase, measure: Measure, days: Days) -> Counts:
    """Errors and audits in a case's scope, by week."""
    question = Question(standing.programme, (measure,), (Dimension.WEEK,), dict(case.scope), *days)
    formula = FORMULAS[measure]
    return {
        date.fromisoformat(week): (
            selected[formula.numerator],
            (whole if formula.of_audits else selected)[formula.denominator or ""],
        )
        for (week,), (selected, whole) in (await groups(session, question)).items()
    }


def _added(one: Counts, other: Counts) -> Counts:
    both = ({week: counts.get(week, (0, 0)) for week in {*one, *other}} for counts in (one, other))
    first, second = both
    return {week: (first[week][0] + second[week][0], first[week][1] + second[week][1]) for week in first}


def _summed(counts: Counts) -> tuple[int, int]:
    return sum(errors for errors, _ in counts.values()), sum(audits for _, audits in counts.values())


def _rate(measure: Measure | None, counts: Counts, minimum: int) -> Number:
    if measure is None:
        return _none("The measure of the case counts no errors.")
    errors, audits = _summed(counts)
    formula = FORMULAS[measure]
    sums = {**NOTHING, formula.numerator: errors, formula.denominator or "": audits}
    return number(measure, sums, sums, minimum)


def _beyond(measure: Measure | None, open_: Counts, baseline: Counts, minimum: int) -> Number:
    """The errors beyond those that the rate before would have brought.

    The interval is Newcombe's of the difference of both rates, times the audits, its arms longer by the root of the dispersion
    of the weeks within each of the two times.
    """
    if measure is None:
        return _none("The measure of the case counts no errors.")
    (errors, audits), (errors_before, audits_before) = _summed(open_), _summed(baseline)
    if not audits or not audits_before:
        return _none(f"There are no audits in its scope {'while it was open' if not audits else 'in its baseline'}.")
    value = errors - audits * errors_before / audits_before
    bounds = newcombe(errors, audits, errors_before, audits_before)
    assert bounds is not None  # noqa: S101 - there are audits in both
    wider = audits * sqrt(_dispersion(open_, baseline))
    middle = value / audits
    low, high = value + (bounds[0] - middle) * wider, value + (bounds[1] - middle) * wider
    return Number(
        value=value,
        numerator=errors,
        denominator=audits,
        interval=interval((low, high), METHOD),
        sufficient=min(audits, audits_before) >= minimum,
    )


def _dispersion(open_: Counts, baseline: Counts) -> float:
    """By how much the weekly rates vary beyond chance, within each of the two times: a variance ratio, at least 1."""
    weeks = [(counts[week], after) for counts, after in ((baseline, False), (open_, True)) for week in sorted(counts)]
    counted = np.array([pair for pair, _ in weeks], dtype=np.int64).reshape(-1, 2)
    series = Series(counted[:, 0], counted[:, 1], np.array([after for _, after in weeks], dtype=bool))
    return float(log_ratio(series).dispersion)


def _together(costs: Sequence[Number], minimum: int) -> Number:
    """The sum of what cases cost, as if they were independent: the arms of the intervals add up by their squares."""
    known = [(cost.value, cost) for cost in costs if cost.value is not None]
    if not known:
        return _none("No case has a cost that could be counted.")
    value = sum(each for each, _ in known)
    arms = [
        sqrt(sum((getattr(cost.interval, side) - each) ** 2 for each, cost in known if cost.interval is not None))
        for side in ("low", "high")
    ]
    audits = sum(cost.denominator or 0 for _, cost in known)
    return Number(
        value=value,
        numerator=sum(cost.numerator or 0 for _, cost in known),
        denominator=audits,
        interval=interval((value - arms[0], value + arms[1]), METHOD),
        sufficient=audits >= minimum and all(cost.sufficient for _, cost in known),
    )


def _none(reason: str) -> Number:
    return Number(value=None, numerator=None, denominator=None, interval=None, sufficient=False, reason=reason)
