"""The routes of reports on work."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from reporting_api.metrics.question import EARLIEST, LATEST, MANY
from reporting_api.metrics.routes import NumbersRead, numbers_etag
from reporting_api.metrics.standing import Standing, read_document, read_standing
from reporting_api.reports.periods import WEEKS, monday
from reporting_api.reports.work.records import WorkStanding, read_work, read_work_standing
from reporting_api.reports.work.report import Asked, rca_report, work_scope
from reporting_api.reports.work.sentences import markdown
from reporting_api.reports.work.weekly import WEEK, weekly_summary
from tallystick.schemas.base import Day, Slug
from tallystick.schemas.rca_report import RcaReport, WorkScope
from tallystick.schemas.weekly import WeeklySummary
from tallystick.service.auth import Principal
from tallystick.service.clock import now
from tallystick.service.database import Database, Reading
from tallystick.service.days import day_of
from tallystick.service.parameters import in_order
from tallystick.service.problems import COMMON, NotFound, responses
from tallystick.service.replies import not_modified, reply

MARKDOWN = "text/markdown"
_NOBODY = "There is no such programme, or no such vendor in it."

router = APIRouter(prefix="/v1/reports", tags=["reports"], responses=responses(*COMMON))


class WorkAsked:
    """What a report on work is asked about over HTTP."""

    def __init__(
        self,
        programme: Annotated[Slug, Query(description="Whose cases.")],
        vendor: Annotated[list[Slug], MANY] = [],  # noqa: B006 - FastAPI copies defaults
        from_: Annotated[
            Day | None, Query(alias="from", ge=EARLIEST, le=LATEST, description="The first day, in the programme's time zone.")
        ] = None,
        to: Annotated[Day | None, Query(ge=EARLIEST, le=LATEST, description="The day after the last.")] = None,
    ) -> None:
        in_order(from_, to)
        self.programme = programme
        self.vendors = tuple(sorted(set(vendor)))
        self.start = from_
        self.end = to

    def settled(self, standing: Standing, moment: datetime) -> Asked:
        """With both ends of its period: by default the quarter that ends with the present day."""
        today = day_of(moment, standing.time_zone)
        end = self.end or max(today, self.start or today) + timedelta(days=1)
        return Asked(self.programme, self.vendors, self.start or end - timedelta(weeks=WEEKS), end)


OfWork = Annotated[WorkAsked, Depends()]


@router.get("/rca", response_model=RcaReport, summary="Read how root causes are found, and whether what is done about them works")
async def read_rca_report(request: Request, principal: NumbersRead, asked: OfWork, session: Reading) -> Response:
    """Cases by state, age and cause; what was ready in time; effects; recurrence; cost in errors; overdue actions.

    Without `from` and `to` it covers the thirteen weeks up to today. What goes on, how old and overdue, is told as of the end of
    the period, or as of now, to the minute. A vendor's people read of their own vendor's cases.
    """
    standing = await read_standing(session, asked.programme)
    work = await read_work_standing(session, standing)
    settled, as_of = as_of_end(request, standing, asked)
    etag = asked_etag(standing, work, principal, "rca", settled, as_of)
    if (known := not_modified(request, etag)) is not None:
        return known
    document = await read_document(session, asked.programme)
    found = await read_work(session, asked.programme, settled.vendors)
    scope: WorkScope = work_scope(standing, work, settled, principal.vendor, as_of)
    return reply(await rca_report(session, standing, document, found, settled, scope), etag=etag)


@router.get(
    "/weekly-summary",
    response_model=WeeklySummary,
    responses={200: {"content": {MARKDOWN: {"schema": {"type": "string"}}}, "description": "In the form that `Accept` prefers."}},
    summary="Read what happened in a week, ready to be sent",
)
async def read_weekly_summary(
    request: Request,
    principal: NumbersRead,
    programme: Annotated[Slug, Query(description="Whose week.")],
    week: Annotated[
        Day | None,
        Query(ge=EARLIEST, le=LATEST, description="A day of the week, which begins on Monday; the last whole one without it."),
    ] = None,
    vendor: Annotated[Slug | None, Query(description="For this vendor; without it for the client.")] = None,
) -> Response:
    """Accuracy and its change, signals, cases, actions, effects and appeals of one week, with sentences, as JSON or Markdown.

    With `vendor` it is what that vendor may read: it is read as the vendor's own people would, so it can be sent as it is. A
    vendor's people read their own.
    """
    whose = principal.vendor if vendor is None else vendor
    if principal.vendor not in {None, whose}:
        raise NotFound(_NOBODY)
    database: Database = request.app.state.database
    as_markdown = prefers_markdown(request)
    async with database.reading(replace(principal, vendor=whose)) as session:
        try:
            standing = await read_standing(session, programme)
        except NotFound:
            raise NotFound(_NOBODY) from None
        work = await read_work_standing(session, standing)
        today = day_of(now(request), standing.time_zone)
        first = monday(week or today - WEEK)
        asked = Asked(programme, (), first, first + WEEK)
        as_of = min(minute_of(request), asked.moments(standing)[1])
        form = {"report": "weekly-summary", "as_of": as_of, "vendor": whose, "markdown": as_markdown, "question": asked}
        etag = work_etag(standing, work, principal, form)
        if (known := not_modified(request, etag)) is not None:
            return by_form(known)
        document = await read_document(session, programme)
        scope = work_scope(standing, work, asked, whose, as_of)
        found = await read_work(session, programme, ())
        summary = await weekly_summary(session, standing, found, asked, scope, whose)
    if as_markdown:
        return by_form(Response(markdown(summary, document.name), headers={"ETag": etag} if etag else {}, media_type=MARKDOWN))
    return by_form(reply(summary, etag=etag))


def by_form(answer: Response) -> Response:
    """The answer, which is another one for a request that prefers another form."""
    answer.headers["Vary"] = "Accept"
    return answer


def prefers_markdown(request: Request) -> bool:
    """Whether Markdown, or plain text, is asked for before JSON."""
    asked = [part.split(";")[0].strip() for part in request.headers.get("accept", "").split(",")]
    return next(
        (each in {MARKDOWN, "text/plain"} for each in asked if each in {MARKDOWN, "text/plain", "application/json"}), False
    )


def as_of_end(request: Request, standing: Standing, asked: WorkAsked) -> tuple[Asked, datetime]:
    """What is asked about, and the moment as of which it is told: the end of its period, or now where that is earlier."""
    settled = asked.settled(standing, now(request))
    return settled, min(minute_of(request), settled.moments(standing)[1])


def asked_etag(
    standing: Standing, work: WorkStanding, principal: Principal, report: str, asked: Asked, as_of: datetime
) -> str | None:
    """The version of the answer to what is asked about work."""
    return work_etag(standing, work, principal, {"report": report, "as_of": as_of, "question": asked})


def minute_of(request: Request) -> datetime:
    """The end of the present minute: what is told as of it holds all that is known, and is the same for a minute."""
    return now(request).replace(second=0, microsecond=0) + timedelta(minutes=1)


def work_etag(standing: Standing, work: WorkStanding, principal: Principal, asked: dict[str, object]) -> str | None:
    """The version of an answer about work: of the numbers in it, and of where rca-api's feed is read."""
    return numbers_etag(standing, principal, {**asked, "work": [work.begun_at, str(work.epoch), work.position]})
