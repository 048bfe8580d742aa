"""Appeals that change more verdicts than before, by the week of the decision: what was decided then changes no more."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Select, func, select

from reporting_api.metrics.appeals import APPEALED, DECIDED_APPEALS, WITH_FACTS
from reporting_api.metrics.numbers import number
from reporting_api.metrics.sums import NOTHING
from reporting_api.reports.periods import monday
from reporting_api.signals.findings import Finding, percent, place
from reporting_api.signals.ground import Ground, Rows, cells_of, leaves_of, weeks_of
from reporting_api.signals.rates import Rates, finding, in_weeks, scope_of, share_of_alarms
from reporting_api.statistics.watch import Chart, Counts, Episode, Plan, watch
from reporting_api.tables import appeals
from tallystick.schemas.appeal import AppealState
from tallystick.schemas.metric import Dimension, Measure, Number
from tallystick.schemas.signal import Detector
from tallystick.service.database import ReadSession, scoped
from tallystick.service.days import day_in_sql, day_of, midnight

BY = (Dimension.VENDOR, Dimension.SITE, Dimension.QUEUE, Dimension.POLICY)
_WEEK = timedelta(days=7)
_CHANGED = appeals.c.state.in_([AppealState.OVERTURNED, AppealState.AMENDED])


async def read_decisions(
    session: ReadSession,
    programme: str,
    time_zone: str,
    today: date,
    by: Sequence[Dimension] = BY,
    filters: Mapping[str, Sequence[str]] | None = None,
) -> Rows:
    """Decided appeals, and those that changed the verdict, by the week of their decision that is over."""
    decided_at, this_week = appeals.c.decided_at, monday(today)
    earliest = scoped(select(func.min(decided_at)).where(DECIDED_APPEALS), appeals, programme, session.principal)
    if (first := (await session.execute(earliest)).scalar_one()) is None:
        return []
    week = day_in_sql(decided_at, monday(day_of(first, time_zone)), this_week - _WEEK, time_zone, step=_WEEK)
    columns: list[ColumnElement[str]] = [APPEALED.c[name] for name in by]
    counted: Select[Any] = select().add_columns(week, *columns, func.count(), func.count().filter(_CHANGED))
    statement = (
        counted.select_from(WITH_FACTS)
        .where(DECIDED_APPEALS, decided_at < midnight(this_week, time_zone))
        .group_by(week, *columns)
        .order_by(week)
    )
    for name, values in (filters or {}).items():
        statement = statement.where(APPEALED.c[name].in_(values))
    return (await session.execute(scoped(statement, appeals, programme, session.principal))).all()


def overturn_spikes(ground: Ground) -> list[Finding]:
    """Where the share of decided appeals that changed the verdict has risen."""
    weeks = weeks_of(ground.decisions)
    if weeks is None:
        return []
    leaves = leaves_of(ground.decisions, BY)
    cells = cells_of(ground.decisions, leaves, weeks)
    decided, changed = cells.table(1 + len(BY)), cells.table(2 + len(BY))
    one = np.ones((1, 1), dtype=bool)
    counts = Counts(leaves.codes, decided, changed[None], one, one[0], owners=(0, 1))
    minimum = ground.document.targets.minimum_sample
    rates = Rates(Measure.OVERTURN_RATE, {Chart.SHEWHART: Detector.OVERTURN_SPIKE}, [()], leaves, weeks, counts, minimum)
    plan = Plan({Chart.SHEWHART: share_of_alarms(ground.document.detectors)})
    return [_finding(rates, episode) for episode in watch(counts, plan)]


def overturn_rate(changed: float, decided: float, minimum_sample: int) -> Number:
    """The share of decided appeals that changed the verdict."""
    sums = {**NOTHING, "changed": round(changed), "decided": round(decided)}
    return number(Measure.OVERTURN_RATE, sums, sums, minimum_sample)


def _finding(rates: Rates, episode: Episode) -> Finding:
    observed, expected = (overturn_rate(*each, rates.minimum_sample) for each in in_weeks(rates, episode))
    scope = scope_of(rates, episode)
    summary = (
        f"Overturned or amended appeals {place(scope)}: {percent(observed)} of those decided since the week of"
        f" {rates.weeks.of(episode.since)}, {percent(expected)} before."
    )
    return finding(rates, episode, scope, "up", observed, expected, summary)
