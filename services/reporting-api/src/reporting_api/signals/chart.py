"""The chart of a signal: its measure in its scope, week by week, as a Vega-Lite specification like the others."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import Row

from reporting_api.dashboard.charts import Spec, share_over_time
from reporting_api.metrics.answer import answer
from reporting_api.metrics.definitions import FORMULAS
from reporting_api.metrics.question import Question
from reporting_api.metrics.routes import NumbersRead, numbers_etag
from reporting_api.metrics.standing import Standing, read_standing
from reporting_api.reports.periods import monday, weeks
from reporting_api.reports.trend import trend
from reporting_api.signals.calibration import read_alignments
from reporting_api.signals.overturns import overturn_rate, read_decisions
from reporting_api.signals.records import get_signal
from tallystick.schemas.base import Slug
from tallystick.schemas.metric import Dimension, Measure
from tallystick.schemas.report import TrendPoint
from tallystick.schemas.signal import Detector
from tallystick.service.auth import enter
from tallystick.service.database import Reading, ReadSession
from tallystick.service.problems import COMMON, responses
from tallystick.service.replies import not_modified, reply

WEEKS_BEFORE = 13
"""A quarter: what is shown of the time before."""

router = APIRouter(prefix="/v1/charts", tags=["charts"], responses=responses(*COMMON))


@router.get("/signal", response_model=Spec, summary="Read the chart of a signal")
async def read_signal_chart(
    request: Request,
    principal: NumbersRead,
    session: Reading,
    programme: Annotated[Slug, Query(description="Whose signal.")],
    signal: Annotated[UUID, Query(description="The signal's id.")],
) -> Response:
    """A Vega-Lite specification: the signal's measure in its scope by week, with intervals and the limits of a Laney p' chart.

    The weeks that show the signal are marked.
    """
    row = await get_signal(session, enter(principal, programme), signal)
    standing = await read_standing(session, programme)
    etag = numbers_etag(standing, principal, {"chart": "signal", "signal": signal, "revision": row.revision})
    return not_modified(request, etag) or reply(await _chart(session, standing, row), etag=etag)


async def _chart(session: ReadSession, standing: Standing, row: Row[Any]) -> Spec:
    if row.detector == Detector.CALIBRATION_BELOW_TARGET:
        return await _of_calibration(session, standing, row)
    if row.detector == Detector.OVERTURN_SPIKE:
        return await _of_decisions(session, standing, row)
    measure, question = Measure(row.measure), _question(row)
    found = await answer(session, standing, replace(question, measures=(measure,), by=(Dimension.WEEK,), limit=10_000))
    numbers = {date.fromisoformat(each.dimensions[Dimension.WEEK] or ""): each.numbers[measure] for each in found.rows}
    points = _marked(trend(question, weeks(question), numbers, measure), row)
    target = getattr(standing.targets, measure, None)
    return share_over_time(row.summary, points, (str(measure), _label(measure)), ("audits", "Audits"), target)


async def _of_decisions(session: ReadSession, standing: Standing, row: Row[Any]) -> Spec:
    """By the week of the decision, as the detector sees it."""
    measure, question, minimum = Measure.OVERTURN_RATE, _question(row), standing.targets.minimum_sample
    decided = await read_decisions(session, row.programme, standing.time_zone, row.until, (), question.filters)
    numbers = {week: overturn_rate(changed, size, minimum) for week, size, changed in decided}
    points = _marked(trend(question, weeks(question), numbers, measure), row)
    return share_over_time(row.summary, points, (str(measure), _label(measure)), ("decided", "Decided appeals"))


async def _of_calibration(session: ReadSession, standing: Standing, row: Row[Any]) -> Spec:
    """One concluded session after the other."""
    targets = standing.targets
    alignments = await read_alignments(
        session, row.programme, standing.time_zone, row.until, targets.agreement, targets.minimum_sample
    )
    points = tuple(
        TrendPoint(week=each.day, complete=True, number=each.number, centre=None, lower=None, upper=None, z=None, signals=())
        for each in alignments
        if each.vendor == row.vendor
    )
    target = next((each.target for each in reversed(alignments) if each.vendor == row.vendor), None)
    return share_over_time(row.summary, _marked(points, row), ("alignment", "Alignment"), ("ratings", "Ratings"), target)


def _question(row: Row[Any]) -> Question:
    """The scope of a signal, from a quarter before it to its end."""
    return Question(
        row.programme,
        filters={name: tuple(values) for name, values in row.scope.items()},
        start=monday(row.since) - timedelta(weeks=WEEKS_BEFORE),
        end=row.until,
    )


def _label(measure: Measure) -> str:
    return FORMULAS[measure].definition.label


def _marked(points: Sequence[TrendPoint], row: Row[Any]) -> tuple[TrendPoint, ...]:
    """The points of the period that shows the signal are marked with its rule, and no others."""
    return tuple(
        point.model_copy(update={"signals": (row.rule,) if row.since <= point.week < row.until else ()}) for point in points
    )
