"""The quality summary: overall, against targets, by vendor and site, over time."""

from dataclasses import replace
from datetime import date
from typing import Literal

from reporting_api.metrics.answer import answer
from reporting_api.metrics.definitions import FORMULAS
from reporting_api.metrics.question import Question
from reporting_api.metrics.standing import Standing
from reporting_api.reports.periods import weeks
from reporting_api.reports.trend import trend
from tallystick.schemas.metric import Dimension, Measure, Number, View
from tallystick.schemas.programme import Targets
from tallystick.schemas.report import QualitySummary, TargetStanding, TrendPoint
from tallystick.service.database import ReadSession

_ALL = tuple(measure for measure in Measure if not FORMULAS[measure].of_appeals and not FORMULAS[measure].of_samples)
TARGETS = (Measure.ACCURACY, Measure.CRITICAL_ACCURACY, Measure.QUALITY_SCORE)
_TABLE = (Measure.AUDITS, Measure.ERRORS, Measure.ACCURACY, Measure.CRITICAL_ACCURACY, Measure.QUALITY_SCORE)


async def quality_summary(session: ReadSession, standing: Standing, question: Question) -> QualitySummary:
    """The summary of the audits that a question with a settled period is about. Its measures and dimensions are not looked at."""
    whole = replace(question, measures=_ALL, by=(), order=None, totals=False, limit=10_000)
    compare: Literal["previous_period"] | None = "previous_period" if question.start and question.end else None
    overall = await answer(session, standing, replace(whole, compare=compare))
    views = {question.view: overall.rows[0].numbers}
    for view in View:
        if view != question.view:
            views[view] = (await answer(session, standing, replace(whole, view=view))).rows[0].numbers
    table = replace(whole, measures=_TABLE, order=f"-{Measure.ACCURACY}")
    vendors = await answer(session, standing, replace(table, by=(Dimension.VENDOR,)))
    sites = await answer(session, standing, replace(table, by=(Dimension.VENDOR, Dimension.SITE)))
    return QualitySummary.model_construct(
        scope=overall.scope,
        previous_period=overall.previous_period,
        overall={view: views[view] for view in View},
        previous=overall.rows[0].previous,
        change=overall.rows[0].change,
        targets=against(standing.targets, views[question.view]),
        vendors=vendors.rows,
        sites=sites.rows,
        trend=await accuracy_by_week(session, standing, question),
    )


async def accuracy_by_week(session: ReadSession, standing: Standing, question: Question) -> tuple[TrendPoint, ...]:
    """Accuracy week by week on its control chart."""
    asked = replace(question, measures=(Measure.ACCURACY,), by=(Dimension.WEEK,), order=None, totals=False, limit=10_000)
    by_week = await answer(session, standing, asked)
    points = {date.fromisoformat(row.dimensions[Dimension.WEEK] or ""): row.numbers[Measure.ACCURACY] for row in by_week.rows}
    return trend(question, weeks(question), points)


def against(targets: Targets, numbers: dict[str, Number]) -> tuple[TargetStanding, ...]:
    """Each target that is set, beside its number."""
    return tuple(
        TargetStanding(measure=measure, target=target, number=numbers[measure], standing=judged(target, numbers[measure]))
        for measure in TARGETS
        if (target := getattr(targets, measure)) is not None
    )


def judged(target: float, number: Number) -> Literal["met", "missed", "undecided", "no_data"]:
    """A number beside its target, by its interval."""
    if number.interval is None:
        return "no_data"
    if number.interval.low >= target:
        return "met"
    return "missed" if number.interval.high < target else "undecided"
