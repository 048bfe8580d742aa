"""The chart of a signal: its measure in its scope, week by week, as a Vega-Lite specification like the others."""

from dataclasses import asdict, replace
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
from reporting_api.signals.records import get_signal
from tallystick.schemas.base import Slug
from tallystick.schemas.metric import Dimension, Measure
from tallystick.schemas.report import TrendPoint
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
    question = _question(row)
    etag = numbers_etag(standing, principal, {"chart": "signal", "signal": signal, "revision": row.revision, **asdict(question)})
    return not_modified(request, etag) or reply(await _chart(session, standing, question, row), etag=etag)


def _question(row: Row[Any]) -> Question:
    return Question(
        row.programme,
        measures=(Measure(row.measure),),
        by=(Dimension.WEEK,),
        filters={name: tuple(values) for name, values in row.scope.items()},
        start=monday(row.since) - timedelta(weeks=WEEKS_BEFORE),
        end=row.until,
    )


async def _chart(session: ReadSession, standing: Standing, question: Question, row: Row[Any]) -> Spec:
    [measure] = question.measures
    found = await answer(session, standing, replace(question, limit=10_000))
    numbers = {date.fromisoformat(each.dimensions[Dimension.WEEK] or ""): each.numbers[measure] for each in found.rows}
    points = tuple(_marked(point, row) for point in trend(question, weeks(question), numbers, measure))
    label = FORMULAS[measure].definition.label
    target = getattr(standing.targets, measure, None)
    return share_over_time(row.summary, points, (str(measure), label), ("audits", "Audits"), target)


def _marked(point: TrendPoint, row: Row[Any]) -> TrendPoint:
    """The weeks that show the signal are marked with its rule, and no others."""
    return point.model_copy(update={"signals": (row.rule,) if row.since <= point.week < row.until else ()})
