"""The pages with numbers on them: the choice of a programme, its dashboard, and what the numbers mean."""

from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Row

from reporting_api.dashboard import view
from reporting_api.dashboard.address import Address, tidied
from reporting_api.dashboard.fields import chips, fields, others
from reporting_api.dashboard.page import TAG, page
from reporting_api.metrics.answer import permitted
from reporting_api.metrics.definitions import DEFINITIONS
from reporting_api.metrics.question import Filtered, Question, only_known_parameters
from reporting_api.metrics.routes import NumbersRead
from reporting_api.metrics.standing import read_standing
from reporting_api.projection.cursors import find_cursor, list_cursors
from reporting_api.projection.routes import standing_of
from reporting_api.reports.periods import settled
from reporting_api.reports.quality_summary import quality_summary
from reporting_api.reports.top_error_trends import top_error_trends
from tallystick.schemas.base import Slug
from tallystick.schemas.metric import Measure, View
from tallystick.schemas.programme import Programme
from tallystick.service.auth import Principal
from tallystick.service.database import Reading
from tallystick.service.problems import NotFound

router = APIRouter(tags=[TAG], include_in_schema=False)

_SORT = f"^-?({'|'.join(view.SORTED)})$"


@router.get("/")
async def choose_programme(request: Request, principal: NumbersRead, session: Reading) -> Response:
    """The programmes that the viewer may enter; where there is one alone, its dashboard."""
    documents = [_seen(row, principal) for row in await list_cursors(session)]
    documents = [document for document in documents if document.vendors]
    if len(documents) == 1:
        return RedirectResponse(f"/programmes/{documents[0].slug}", 303, {"Cache-Control": "no-store"})
    return page(request, "programmes.html", programmes=documents)


@router.get("/programmes/{programme}", dependencies=[Depends(tidied), Depends(only_known_parameters)])
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
    question = await settled(session, question)
    summary = await quality_summary(session, standing, question)
    errors = await top_error_trends(session, standing, question)
    document = _seen(cursor, principal)
    address = Address(f"/programmes/{programme}", request.query_params.multi_items())
    form = fields(document, question.filters, principal.vendor)
    return page(
        request,
        "dashboard.html",
        document=document,
        vendor=next((each.name for each in document.vendors if each.slug == principal.vendor), principal.vendor),
        scope=summary.scope,
        previous_period=summary.previous_period,
        projection=standing_of(cursor, datetime.now(UTC)),
        address=address,
        asked=filtered,
        fields=form,
        others=others(address, form),
        chips=chips(address, filtered.filters),
        tiles=view.tiles(summary, standing.targets.minimum_sample),
        minimum=standing.targets.minimum_sample,
        summary=summary,
        audits=summary.overall[judged][Measure.AUDITS].value,
        vendors=view.sorted_rows(summary.vendors, sort),
        sites=view.sorted_rows(summary.sites, sort),
        sort=sort,
        scale=view.scale((*summary.vendors, *summary.sites), standing.targets.accuracy),
        target=standing.targets.accuracy,
        errors=errors,
        view=view,
        charts=_charts(request, question),
    )


@router.get("/definitions")
async def show_definitions(request: Request, _principal: NumbersRead) -> Response:
    """What the numbers mean."""
    return page(request, "definitions.html", definitions=DEFINITIONS)


def _seen(row: Row[Any], principal: Principal) -> Programme:
    """The programme as the feed last showed it and as the viewer may see it."""
    return Programme.model_validate(row.document).as_seen_by(principal.vendor)


def _charts(request: Request, question: Question) -> dict[str, str]:
    """Where the API serves the charts of a question, under the prefix that the gateway shows it by."""
    pairs = [("programme", question.programme), ("view", question.view.value)]
    pairs += [(name, value) for name, values in question.filters.items() for value in values]
    pairs += [("from", question.start.isoformat())] if question.start else []
    pairs += [("to", question.end.isoformat())] if question.end else []
    root: str = request.app.state.settings.root_path
    return {name: f"{root}/v1/charts/{name}?{urlencode(pairs)}" for name in ("accuracy-over-time", "error-pareto")}
