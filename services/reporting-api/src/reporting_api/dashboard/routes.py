"""The pages with numbers on them: the choice of a programme, its dashboard, and what the numbers mean."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import RedirectResponse

from reporting_api.dashboard import view
from reporting_api.dashboard.head import charts, head, seen
from reporting_api.metrics.answer import permitted
from reporting_api.metrics.definitions import DEFINITIONS
from reporting_api.metrics.question import Filtered, Question
from reporting_api.metrics.routes import READERS, NumbersRead
from reporting_api.metrics.standing import read_standing
from reporting_api.projection.cursors import find_cursor, list_cursors
from reporting_api.reports.periods import settled
from reporting_api.reports.quality_summary import quality_summary
from reporting_api.reports.top_error_trends import top_error_trends
from tallystick.schemas.base import Slug
from tallystick.schemas.metric import Measure, View
from tallystick.schemas.principal import Role
from tallystick.service.auth import Principal, allowed
from tallystick.service.database import Reading
from tallystick.service.pages.address import tidied
from tallystick.service.pages.navigation import entrance
from tallystick.service.pages.page import TAG, page
from tallystick.service.problems import NotFound

router = APIRouter(tags=[TAG], include_in_schema=False)

PagesRead = Annotated[Principal, allowed(*READERS, Role.AUDITOR)]
"""Auditors choose a programme, too: its cases are for them, its numbers are not."""

_SORT = f"^-?({'|'.join(view.SORTED)})$"


@router.get("/")
async def choose_programme(request: Request, principal: PagesRead, session: Reading) -> Response:
    """The programmes that the viewer may enter; where there is one alone, the first of its pages."""
    documents = [seen(row, principal) for row in await list_cursors(session)]
    documents = [document for document in documents if document.vendors]
    if len(documents) == 1:
        return RedirectResponse(entrance(principal, documents[0].slug), 303, {"Cache-Control": "no-store"})
    programmes = [(each, entrance(principal, each.slug)) for each in documents]
    return page(request, "programmes.html", programmes=programmes)


@router.get("/programmes/{programme}", dependencies=[Depends(tidied)])
async def show_dashboard(
    request: Request,
    principal: NumbersRead,
    programme: Annotated[Slug, Path()],
    filtered: Filtered,
    session: Reading,
    judged: Annotated[View, Query(alias="view")] = View.ADJUDICATED,
    sort: Annotated[str, Query(pattern=_SORT)] = "-accuracy",
) -> Response:
    """How good the decisions of a programme were, and which errors were made where."""
    question = Question(programme, filters=filtered.filters, start=filtered.start, end=filtered.end, view=judged, limit=20)
    question = permitted(question, principal)
    standing = await read_standing(session, programme)
    cursor = await find_cursor(session, programme)
    if cursor is None:
        raise NotFound("There is no such programme.")
    question = settled(standing, question)
    summary = await quality_summary(session, standing, question)
    errors = await top_error_trends(session, standing, question)
    return page(
        request,
        "dashboard.html",
        **head(request, principal, cursor, filtered, ""),
        scope=summary.scope,
        previous_period=summary.previous_period,
        tiles=view.tiles(summary, standing.targets.minimum_sample),
        minimum=standing.targets.minimum_sample,
        summary=summary,
        audits=summary.overall[judged][Measure.AUDITS].value,
        vendors=view.sorted_rows(summary.vendors, sort),
        sites=view.sorted_rows(summary.sites, sort),
        sort=sort,
        scale=view.scale(
            (row.numbers[Measure.ACCURACY] for row in (*summary.vendors, *summary.sites)), standing.targets.accuracy
        ),
        target=standing.targets.accuracy,
        errors=errors,
        view=view,
        charts=charts(request, question, "accuracy-over-time", "error-pareto", view=judged),
    )


@router.get("/definitions")
async def show_definitions(request: Request, _principal: PagesRead) -> Response:
    """What the numbers mean."""
    return page(request, "definitions.html", definitions=DEFINITIONS)
