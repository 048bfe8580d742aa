"""The top errors: how they add up, which way each goes, and where it happens."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from reporting_api.metrics.answer import answer
from reporting_api.metrics.numbers import number
from reporting_api.metrics.question import Question
from reporting_api.metrics.standing import Standing
from reporting_api.metrics.sums import NOTHING
from reporting_api.reports.periods import weeks
from reporting_api.reports.segments import read_population, search
from reporting_api.reports.trend import trend
from tallystick.schemas.metric import Dimension, Measure, Metrics, Number
from tallystick.schemas.report import ErrorTrend, ParetoBar, TopErrorTrends, TrendPoint, Turn
from tallystick.service.database import ReadSession

RECENT_WEEKS = 4
"""What "appeared" and "vanished" look back on."""

_CHANCE = 0.05


async def top_error_trends(session: ReadSession, standing: Standing, question: Question) -> TopErrorTrends:
    """The report on the audits that a question with a settled period is about; its `limit` is how many codes get a trend."""
    ranked = await ranked_codes(session, standing, question)
    whole = replace(question, measures=(Measure.ERRORS, Measure.ERROR_RATE), order=None, totals=False, limit=10_000)
    by_week = await answer(session, standing, replace(whole, by=(Dimension.WEEK, Dimension.ERROR_CODE)))
    mondays = weeks(question)
    trends = _trends(standing, question, mondays, ranked, by_week)
    population = await read_population(session, question, mondays)
    signals, concentrations = await search(population, standing, question)
    return TopErrorTrends.model_construct(
        scope=ranked.scope,
        previous_period=ranked.previous_period,
        errors=_all_errors(ranked),
        pareto=pareto(standing, ranked),
        trends=trends[: question.limit],
        appeared=tuple(_turns(question, trends, appeared=True)),
        vanished=tuple(_turns(question, trends, appeared=False)),
        signals=signals,
        concentrations=concentrations,
    )


async def ranked_codes(session: ReadSession, standing: Standing, question: Question) -> Metrics:
    """Errors by code, the most frequent first, beside the period before where the question's period is settled."""
    codes = replace(
        question,
        measures=(Measure.ERRORS, Measure.ERROR_RATE),
        by=(Dimension.ERROR_CODE,),
        compare="previous_period" if question.start is not None and question.end is not None else None,
        order=f"-{Measure.ERRORS}",
        limit=10_000,
        totals=True,
    )
    return await answer(session, standing, codes)


def pareto(standing: Standing, ranked: Metrics) -> tuple[ParetoBar, ...]:
    """The bars of the Pareto chart, from `ranked_codes`."""
    total = int(_all_errors(ranked).value or 0)
    bars: list[ParetoBar] = []
    so_far = 0
    for row in ranked.rows:
        errors = int(row.numbers[Measure.ERRORS].value or 0)
        if not errors:
            continue
        so_far += errors
        code = row.dimensions[Dimension.ERROR_CODE]
        bars.append(
            ParetoBar.model_construct(
                error_code=code,
                name=standing.names.get(code or ""),
                errors=row.numbers[Measure.ERRORS],
                share=number(
                    Measure.ERROR_RATE,
                    {**NOTHING, "errors": errors},
                    {**NOTHING, "audits": total},
                    standing.targets.minimum_sample,
                ),
                cumulative_share=so_far / total,
                rate=row.numbers[Measure.ERROR_RATE],
                change=row.change[Measure.ERROR_RATE] if row.change else None,
            )
        )
    return tuple(bars)


def _all_errors(ranked: Metrics) -> Number:
    return ranked.totals.numbers[Measure.ERRORS] if ranked.totals else number(Measure.ERRORS, NOTHING, NOTHING, 1)


def _trends(
    standing: Standing, question: Question, mondays: Sequence[date], ranked: Metrics, by_week: Metrics
) -> tuple[ErrorTrend, ...]:
    series: dict[str | None, dict[date, Number]] = {}
    for row in by_week.rows:
        monday = date.fromisoformat(row.dimensions[Dimension.WEEK] or "")
        series.setdefault(row.dimensions[Dimension.ERROR_CODE], {})[monday] = row.numbers[Measure.ERROR_RATE]
    found: list[ErrorTrend] = []
    for row in ranked.rows:
        code = row.dimensions[Dimension.ERROR_CODE]
        if code in series:
            points = trend(question, mondays, series[code])
            found.append(
                ErrorTrend.model_construct(
                    error_code=code,
                    name=standing.names.get(code or ""),
                    points=points,
                    signals=sum(bool(point.signals) for point in points),
                )
            )
    return tuple(found)


def _turns(question: Question, trends: Sequence[ErrorTrend], *, appeared: bool) -> list[Turn]:
    """The codes with errors on one side of the recent weeks alone, unless chance would do that too.

    With an unchanged rate, all of k errors lie on a side that holds the share s of the audits with probability s to the k.
    """
    if question.end is None:
        return []
    since = question.end - timedelta(weeks=RECENT_WEEKS)
    found: list[Turn] = []
    for each in trends:
        recent = [point for point in each.points if point.week >= since]
        earlier = [point for point in each.points if point.week < since]
        errors_since, errors_before = _errors(recent), _errors(earlier)
        audits_since, audits_before = _audits(recent), _audits(earlier)
        here, there = (errors_since, errors_before) if appeared else (errors_before, errors_since)
        audits_here, audits_there = (audits_since, audits_before) if appeared else (audits_before, audits_since)
        if there or not here or not audits_there:
            continue
        chance = (audits_here / (audits_here + audits_there)) ** here
        if chance < _CHANCE:
            found.append(
                Turn(
                    error_code=each.error_code,
                    name=each.name,
                    errors_before=errors_before,
                    errors_since=errors_since,
                    since=recent[0].week,
                    chance=chance,
                )
            )
    return found


def _errors(points: Sequence[TrendPoint]) -> int:
    return sum(int(point.number.numerator or 0) for point in points)


def _audits(points: Sequence[TrendPoint]) -> int:
    return sum(point.number.denominator or 0 for point in points)
