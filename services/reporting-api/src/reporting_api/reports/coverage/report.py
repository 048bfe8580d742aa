"""The report on coverage, made of the strata as they are known."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import reduce
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Row

from reporting_api.metrics.numbers import interval
from reporting_api.metrics.standing import Standing
from reporting_api.reports.coverage.records import Asked, read_audits_by_day, read_strata
from reporting_api.statistics.intervals import wilson
from reporting_api.statistics.weighted import Drawn, Weighted, weighted
from tallystick.schemas.coverage import (
    CoverageCounts,
    CoverageDay,
    CoverageReport,
    CoverageScope,
    DrawCoverage,
    Forecast,
    Precision,
    StratumCoverage,
)
from tallystick.schemas.metric import Number, Period
from tallystick.schemas.programme import Calendar, Programme
from tallystick.schemas.sampling import DrawState, StratumDimension
from tallystick.service.calendar import days_back, working_time
from tallystick.service.database import ReadSession
from tallystick.service.days import day_of

PACE_DAYS = 5
"""Working days that the pace is measured on, besides the present one."""

_ROUNDING = 1e-9
_NOT_DRAWN = "It is not drawn yet."
_NOT_PLANNED = "Nothing of it was to be audited."
_TOO_EARLY = "Less than a working day has passed since it was drawn."
_NOT_AUDITED = "Nothing is audited yet."
_OF_DRAW = ("plan_id", "draw_id", "title", "state", "first_day", "last_day", "due_at")
_COUNTED = ("decisions", "planned", "drawn", "waiting", "claimed", "audited", "void", "missing", "gap")


async def coverage_report(
    session: ReadSession, standing: Standing, document: Programme, asked: Asked, as_of: datetime, limit: int
) -> CoverageReport:
    """The coverage of the draws asked about, as it is known by now; forecasts are made as of a moment. `limit` is of strata."""
    since = days_back(document.calendar, standing.time_zone, as_of, PACE_DAYS)
    rows = sorted(await read_strata(session, asked, since), key=lambda row: (row.first_day, row.draw_id), reverse=True)
    work = _Work(document.calendar, standing, since, as_of)
    strata = [work.stratum(row) for row in rows]
    drawn = [row for row in rows if _is_drawn(row)]
    return CoverageReport(
        scope=CoverageScope(
            programme=asked.programme,
            plans=asked.plans,
            draws=asked.draws,
            vendors=asked.vendors if (own := session.principal.vendor) is None else (own,),
            period=Period(from_=asked.start, to=asked.end, time_zone=standing.time_zone),
            as_of=as_of,
            pace_days=PACE_DAYS,
            epoch=standing.epoch,
            position=standing.shown,
        ),
        target=standing.targets.coverage,
        overall=work.counts(drawn),
        precision=work.precision(drawn),
        draws=tuple(work.draw(list(of_draw)) for _, of_draw in groupby(rows, attrgetter("draw_id"))),
        strata=tuple(sorted(strata, key=_urgency)[:limit]),
        strata_count=len(strata),
        late=sum(each.forecast.late is True for each in strata),
        days=await work.days(session, asked, rows),
    )


def _is_drawn(row: Row[Any]) -> bool:
    return bool(row.state != DrawState.COMMITTED)


def _urgency(each: StratumCoverage) -> tuple[bool, int, float, str, str]:
    return not each.forecast.late, -each.counts.gap, -each.first_day.toordinal(), str(each.draw_id), each.stratum


@dataclass(frozen=True, slots=True)
class _Work:
    calendar: Calendar
    standing: Standing
    since: datetime
    as_of: datetime

    def stratum(self, row: Row[Any]) -> StratumCoverage:
        counts = self.counts([row])
        return StratumCoverage(
            **{name: row._mapping[name] for name in (*_OF_DRAW, "stratum", "vendor")},
            values={name: row._mapping["values"][name] for name in StratumDimension if name in row._mapping["values"]},
            counts=counts,
            forecast=self.forecast(row, counts, row.lately),
            precision=self.precision([row]),
        )

    def draw(self, rows: Sequence[Row[Any]]) -> DrawCoverage:
        """One draw: its strata together, and how many of them will not be covered in time."""
        counts, first = self.counts(rows), rows[0]
        return DrawCoverage(
            **{name: first._mapping[name] for name in _OF_DRAW},
            strata=len(rows),
            late=sum(self.forecast(row, self.counts([row]), row.lately).late is True for row in rows),
            counts=counts,
            forecast=self.forecast(first, counts, sum(row.lately for row in rows)),
            precision=self.precision(rows),
        )

    def counts(self, rows: Sequence[Row[Any]]) -> CoverageCounts:
        """The sums of strata. Coverage is of those that are drawn."""
        total: Counter[str] = reduce(lambda sums, row: sums + Counter(_counted(row)), rows, Counter())
        planned, audited = total["of_drawn"], total["audited"]
        coverage = Number(
            value=audited / planned if planned else None,
            numerator=audited,
            denominator=planned,
            interval=None,
            sufficient=True,
            reason=None if planned else _NOT_PLANNED if any(map(_is_drawn, rows)) else _NOT_DRAWN,
        )
        return CoverageCounts(**{name: total[name] for name in _COUNTED}, coverage=coverage)

    def forecast(self, row: Row[Any], counts: CoverageCounts, lately: int) -> Forecast:
        """What comes of it by the due date at the present pace."""
        if row.drawn_at is None or row.due_at is None or not _is_drawn(row):
            return Forecast(pace=None, days_left=None, audited=None, coverage=None, late=None, reason=_NOT_DRAWN)
        left, zone = counts.waiting + counts.claimed, self.standing.time_zone
        days_left = working_time(self.calendar, zone, self.as_of, row.due_at)
        passed = working_time(self.calendar, zone, max(self.since, row.drawn_at), self.as_of)
        pace = lately / passed if passed >= 1 - _ROUNDING else None
        if pace is None and left and days_left:
            return Forecast(pace=None, days_left=days_left, audited=None, coverage=None, late=None, reason=_TOO_EARLY)
        more = min(left, int((pace or 0) * days_left + _ROUNDING))
        audited = counts.audited + more
        covered = audited / counts.planned if counts.planned else None
        return Forecast(pace=pace, days_left=days_left, audited=audited, coverage=covered, late=more < left)

    def precision(self, rows: Sequence[Row[Any]]) -> Precision:
        """How well the error rate is known: the audits of a stratum are a sample of its decisions, however far they have come."""
        known = [row for row in rows if row.judged and row.decisions]
        estimate = weighted([_sample(row, row.judged, row.errors) for row in known])
        bounds = estimate.interval
        minimum = self.standing.targets.minimum_sample
        asked = rows[0].wanted if len(rows) == 1 else None
        return Precision(
            error_rate=Number(
                value=estimate.rate,
                numerator=estimate.wrong,
                denominator=round(estimate.decisions),
                interval=None if bounds is None else interval(bounds, "wilson-effective"),
                sufficient=estimate.audits >= minimum,
                reason=None if known else _NOT_AUDITED,
            ),
            half_width=None if bounds is None else (bounds[1] - bounds[0]) / 2,
            planned=_expected(rows, estimate) if asked is None else asked,
            wanted=asked is not None,
        )

    async def days(self, session: ReadSession, asked: Asked, rows: Sequence[Row[Any]]) -> tuple[CoverageDay, ...]:
        """Day by day, what was planned of the draws made by then, and audited of it."""
        zone = self.standing.time_zone
        planned: Counter[date] = Counter()
        for row in filter(_is_drawn, rows):
            planned[day_of(row.drawn_at, zone)] += row.planned
        if not planned:
            return ()
        moments = [moment for row in rows for moment in (row.first_audited_at, row.last_audited_at) if moment is not None]
        first, last = (day_of(moment, zone) for moment in (min(moments, default=self.as_of), max(moments, default=self.as_of)))
        audited = await read_audits_by_day(session, asked, first, last, zone)
        today = day_of(self.as_of - timedelta(microseconds=1), zone)
        found: list[CoverageDay] = []
        of_plan = done = 0
        for day in sorted({*planned, *audited, today}):
            of_plan, done = of_plan + planned[day], done + audited.get(day, 0)
            found.append(CoverageDay(day=day, planned=of_plan, audited=done, coverage=done / of_plan if of_plan else None))
        return tuple(found)


def _counted(row: Row[Any]) -> dict[str, int]:
    """Where the audits of a stratum stand."""
    counts = {name: row._mapping[name] for name in _COUNTED[:-2]}
    if _is_drawn(row):
        left = row.planned - row.audited
        counts |= {"of_drawn": row.planned, "gap": max(left, 0), "missing": max(left - row.waiting - row.claimed, 0)}
    return counts


def _sample(row: Row[Any], audits: int, errors: int) -> Drawn:
    return Drawn(min(audits / row.decisions, 1.0), audits, audits, errors)


def _expected(rows: Sequence[Row[Any]], found: Weighted) -> float | None:
    """The half width of the interval with all planned audits done, at the error rate found by now."""
    planned = sum(row.planned for row in rows)
    if found.rate is None or not planned:
        return None
    decisions = sum(row.decisions for row in rows)
    left_to_chance = 1 - min(planned / decisions, 1.0) if decisions else 1.0
    if left_to_chance < _ROUNDING:
        return 0.0
    size = planned / left_to_chance
    if found.effective is not None and found.audits:  # as far from an even sample as the audits by now
        size *= min(found.effective * max(1 - found.audits / max(found.decisions, 1), 0) / found.audits, 1.0)
    bounds = wilson(found.rate * size, size)
    return None if bounds is None else (bounds[1] - bounds[0]) / 2
