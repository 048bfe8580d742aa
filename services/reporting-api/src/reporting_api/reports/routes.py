"""The routes of reports."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from reporting_api.metrics.answer import permitted
from reporting_api.metrics.question import Filtered, Question
from reporting_api.metrics.routes import NumbersRead, numbers_etag
from reporting_api.metrics.standing import read_document, read_standing
from reporting_api.reports.appeals import appeal_report
from reporting_api.reports.periods import settled
from reporting_api.reports.quality_summary import quality_summary
from reporting_api.reports.top_error_trends import top_error_trends
from tallystick.schemas.appeal_report import AppealReport
from tallystick.schemas.base import Slug
from tallystick.schemas.metric import View
from tallystick.schemas.report import QualitySummary, TopErrorTrends
from tallystick.service.clock import now
from tallystick.service.database import Reading
from tallystick.service.problems import COMMON, responses
from tallystick.service.replies import not_modified, reply

router = APIRouter(prefix="/v1/reports", tags=["reports"], responses=responses(*COMMON))


def _reported(
    programme: Annotated[Slug, Query(description="Whose audits.")],
    filtered: Filtered,
    view: Annotated[View, Query(description="Which judgement counts.")] = View.ADJUDICATED,
    limit: Annotated[int, Query(ge=1, le=100, description="Error codes that are looked at week by week, at most.")] = 20,
) -> Question:
    return Question(programme, filters=filtered.filters, start=filtered.start, end=filtered.end, view=view, limit=limit)


def _appealed(
    programme: Annotated[Slug, Query(description="Whose appeals.")],
    filtered: Filtered,
) -> Question:
    return Question(programme, filters=filtered.filters, start=filtered.start, end=filtered.end)


Appealed = Annotated[Question, Depends(_appealed)]
Reported = Annotated[Question, Depends(_reported)]


@router.get("/quality-summary", response_model=QualitySummary, summary="Read how good the decisions were")
async def read_quality_summary(request: Request, principal: NumbersRead, question: Reported, session: Reading) -> Response:
    """All measures of audits overall in both views, against the targets and the period before; accuracy by vendor, site and week.

    Without `from` and `to` the report covers the thirteen weeks that end with the last audit.
    """
    standing = await read_standing(session, question.programme)
    question = settled(standing, permitted(question, principal))
    etag = numbers_etag(standing, principal, {"report": "quality-summary", "question": question})
    return not_modified(request, etag) or reply(await quality_summary(session, standing, question), etag=etag)


@router.get("/top-error-trends", response_model=TopErrorTrends, summary="Read which errors there are most of, and where they go")
async def read_top_error_trends(request: Request, principal: NumbersRead, question: Reported, session: Reading) -> Response:
    """Errors by code with their cumulative share, week by week with control limits, new and vanished ones.

    Signals name segments in which the rate of an error has changed for good; concentrations name segments in which it is
    higher than elsewhere. Without `from` and `to` the report covers the thirteen weeks that end with the last audit.
    """
    standing = await read_standing(session, question.programme)
    question = settled(standing, permitted(question, principal))
    etag = numbers_etag(standing, principal, {"report": "top-error-trends", "question": question})
    return not_modified(request, etag) or reply(await top_error_trends(session, standing, question), etag=etag)


@router.get("/appeals", response_model=AppealReport, summary="Read how audits are appealed, and what becomes of it")
async def read_appeal_report(request: Request, principal: NumbersRead, question: Appealed, session: Reading) -> Response:
    """Volume, rate and outcomes by vendor, site, policy, error code and auditor; time to decision; what is open; patterns.

    Appeals count on the day of their audit. What is open, how old and overdue is told as of now, to the minute, for all days.
    Without `from` and `to` the report covers the thirteen weeks that end with the last audit.
    """
    standing = await read_standing(session, question.programme)
    question = settled(standing, permitted(question, principal))
    as_of = now(request).replace(second=0, microsecond=0)
    etag = numbers_etag(standing, principal, {"report": "appeals", "as_of": as_of, "question": question})
    if (known := not_modified(request, etag)) is not None:
        return known
    document = await read_document(session, question.programme)
    return reply(await appeal_report(session, standing, document, question, as_of), etag=etag)
