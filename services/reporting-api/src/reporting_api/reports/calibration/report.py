"""The report on one session, and the trend over concluded ones."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from math import sqrt
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from reporting_api.metrics.answer import period
from reporting_api.metrics.numbers import interval
from reporting_api.metrics.standing import Standing
from reporting_api.reports.calibration import agreement, divides, people
from reporting_api.reports.calibration.golden import Met, golden, read_golden, with_golden
from reporting_api.reports.calibration.shares import against
from reporting_api.reports.calibration.sheets import (
    CalibrationQuestion,
    Sheet,
    concluded_sessions,
    count_raters,
    find_session,
    open_sessions,
    permitted,
    read_sheets,
)
from reporting_api.statistics.intervals import quantile
from tallystick.schemas.calibration import REVEALED
from tallystick.schemas.calibration_report import (
    Agreement,
    CalibrationReport,
    CalibrationScope,
    CalibrationTrend,
    Coefficient,
    SessionHead,
    TrendSession,
)
from tallystick.schemas.metric import Difference
from tallystick.service.auth import Principal
from tallystick.service.database import ReadSession
from tallystick.service.days import day_of
from tallystick.service.problems import NotFound

BEFORE_REVIEW = "Ratings are laid open when the session moves to review. Before that nothing is shown of them, to anybody."
NONE_CONCLUDED = "No session has been concluded that fits the question."


async def calibration(
    session: ReadSession, standing: Standing, asked: CalibrationQuestion, of: UUID | None
) -> CalibrationReport | CalibrationTrend:
    """The report on a session, or the trend.

    Raises:
        NotFound: there is no such session for the reader.
    """
    if of is None:
        return await calibration_trend(session, standing, asked)
    question = permitted(asked, session.principal)
    found = await find_session(session, question, of)
    if found is None or question is None:
        raise NotFound("There is no such session.")
    return await session_report(session, standing, question, found)


async def session_report(
    session: ReadSession, standing: Standing, question: CalibrationQuestion, found: Row[Any]
) -> CalibrationReport:
    """The report on a session that was found for a question that is permitted."""
    minimum = standing.targets.minimum_sample
    [sheet] = await read_sheets(session, standing, question, [found])
    met = await read_golden(session, question, [sheet])
    computed = await asyncio.to_thread(_computed, sheet, met, minimum, session.principal)
    divisive, items_reason = await divides.items(session, question, sheet, minimum)
    return CalibrationReport.model_construct(
        scope=scope(standing, question, session.principal),
        session=_head(found, sheet.target, len(sheet.raters)),
        reason=None if found.state in REVEALED else BEFORE_REVIEW,
        items=divisive,
        items_reason=items_reason,
        **computed,
    )


def _computed(sheet: Sheet, met: Sequence[Met] | None, minimum: int, principal: Principal) -> dict[str, Any]:
    """What is computed of a sheet, on a thread: it takes a while where there are many ratings."""
    records = people.records([sheet])
    pairs, pairs_reason = agreement.pairs(sheet)
    policies, policies_reason = divides.policies(sheet, records)
    repeatability, repeatability_overall = people.repeatability(sheet, minimum)
    return {
        "agreement": agreement.overall(sheet),
        "preferred": agreement.preferred(sheet),
        "preferred_because": agreement.because(sheet),
        "pairs": pairs,
        "pairs_reason": pairs_reason,
        "alignment": people.alignments(records, sheet.target, minimum),
        "parties": agreement.parties(sheet, minimum),
        "confusion": divides.confused(sheet),
        "policies": policies,
        "policies_reason": policies_reason,
        "repeatability": repeatability,
        "repeatability_overall": repeatability_overall,
        "golden": golden(met, records, sheet.target, minimum),
        "next": people.who_next(with_golden(records, met), sheet.target, minimum, principal.vendor),
    }


async def calibration_trend(session: ReadSession, standing: Standing, asked: CalibrationQuestion) -> CalibrationTrend:
    """Concluded sessions one after the other. People are judged by the target of the newest one."""
    question = permitted(asked, session.principal)
    minimum = standing.targets.minimum_sample
    concluded = await concluded_sessions(session, standing, question)
    sheets = await read_sheets(session, standing, question or asked, concluded)
    met = await read_golden(session, question or asked, sheets)
    opened = await open_sessions(session, question)
    raters = await count_raters(session, question, opened)
    target = sheets[-1].target if sheets else standing.targets.agreement
    points, records = await asyncio.to_thread(_points, sheets, minimum)
    return CalibrationTrend.model_construct(
        scope=scope(standing, _settled(standing, question or asked, concluded), session.principal),
        sessions=points,
        open=tuple(_head(row, _target(standing, row), raters.get(row.session_id, 0)) for row in opened),
        alignment=people.alignments(records, target, minimum),
        golden=golden(met, records, target, minimum),
        next=people.who_next(with_golden(records, met), target, minimum, session.principal.vendor),
        reason=None if sheets else NONE_CONCLUDED,
    )


def _settled(standing: Standing, question: CalibrationQuestion, concluded: Sequence[Row[Any]]) -> CalibrationQuestion:
    """The question with both ends of its period, where sessions have been concluded in it."""
    if not concluded:
        return question
    first, last = (day_of(row.concluded_at, standing.time_zone) for row in (concluded[0], concluded[-1]))
    return replace(question, start=question.start or first, end=question.end or last + timedelta(days=1))


def _points(sheets: Sequence[Sheet], minimum: int) -> tuple[tuple[TrendSession, ...], list[people.Record]]:
    points: list[TrendSession] = []
    for sheet in sheets:
        coefficients = agreement.overall(sheet)
        by_name = {each.coefficient: each for each in coefficients}
        coefficient = by_name[agreement.preferred(sheet)]
        alignment = agreement.aligned(sheet, range(len(sheet.raters))).number(minimum, agreement.NO_BENCHMARK)
        points.append(
            TrendSession.model_construct(
                session=_head(sheet.session, sheet.target, len(sheet.raters)),
                percent_agreement=by_name[Coefficient.PERCENT_AGREEMENT],
                agreement=coefficient,
                change=_change(coefficient, points[-1].agreement) if points else None,
                coefficients=coefficients,
                alignment=alignment,
                standing=against(sheet.target, alignment),
                parties=agreement.parties(sheet, minimum),
                policies=divides.policies(sheet, people.records([sheet]))[0],
                confusion=divides.confused(sheet),
                repeatability=people.repeatability(sheet, minimum)[1],
            )
        )
    return tuple(points), people.records(sheets)


def _change(now: Agreement, before: Agreement) -> Difference:
    """By how much a coefficient differs from that of other items: the variances of independent estimates add up."""
    if now.coefficient is not before.coefficient:
        return Difference(
            value=None, interval=None, clear=None, reason="The session before has another kind of scale, and another coefficient."
        )
    if now.value is None or before.value is None:
        return Difference(value=None, interval=None, clear=None, reason=now.reason or before.reason)
    value = now.value - before.value
    if now.standard_error is None or before.standard_error is None:
        return Difference(value=value, interval=None, clear=None, reason=now.reason or before.reason)
    reach = quantile() * sqrt(now.standard_error**2 + before.standard_error**2)
    return Difference(
        value=value, interval=interval((value - reach, value + reach), "normal"), clear=abs(value) > reach, reason=None
    )


def _target(standing: Standing, row: Row[Any]) -> float | None:
    return standing.targets.agreement if row.target is None else float(row.target)


def _head(row: Row[Any], target: float | None, raters: int) -> SessionHead:
    return SessionHead(
        id=row.session_id,
        title=row.title,
        question=row.question,
        state=row.state,
        level=row.level,
        categories=tuple(row.categories),
        target=target,
        items=row.items,
        raters=raters,
        deadline=row.deadline,
        reviewed_at=row.reviewed_at,
        concluded_at=row.concluded_at,
        conclusion=row.conclusion,
    )


def scope(standing: Standing, question: CalibrationQuestion, principal: Principal) -> CalibrationScope:
    """What the numbers are about, and over whose ratings."""
    if principal.vendor is not None:
        raters = f"The client's raters and those of {principal.vendor}; sessions may have others, who are not counted here."
    elif question.vendors:
        raters = f"The client's raters and those of {', '.join(question.vendors)}, in sessions that these take part in."
    else:
        raters = "All raters."
    return CalibrationScope(
        programme=standing.programme,
        vendors=question.vendors,
        policies=question.policies,
        period=period(standing, question.start, question.end),
        raters=raters,
        epoch=standing.epoch,
        position=standing.shown,
    )
