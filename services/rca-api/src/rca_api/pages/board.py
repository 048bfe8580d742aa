"""The board of a programme's cases: which there are, how far each is, and what presses."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from rca_api.actions.records import undone_by_case
from rca_api.cases.records import document as shown
from rca_api.cases.records import list_cases
from rca_api.cases.routes import CasesRead, CasesWrite, create_case
from rca_api.pages import board_view, say
from rca_api.pages.documents import seen
from rca_api.pages.head import OfProgramme, head
from tallystick.schemas.base import Reference, Slug
from tallystick.schemas.case import FINISHED, UNFINISHED, CasePriority, NewCase
from tallystick.schemas.metric import MetricFilter
from tallystick.service.auth import Principal
from tallystick.service.clock import now
from tallystick.service.database import Database
from tallystick.service.forms import FromOurPage
from tallystick.service.pages.address import tidied
from tallystick.service.pages.forms import Fields, Forms, Refused, taken, written
from tallystick.service.pages.navigation import home
from tallystick.service.pages.page import TAG, page

router = APIRouter(tags=[TAG], include_in_schema=False)

BELOW = "/cases"
MOST = 500
"""Cases on the board."""
FINISHED_SHOWN = 12
"""Finished ones below it: those opened last."""

_MANY = Query()


async def _narrowed(
    vendor: Annotated[list[Slug], _MANY] = [],  # noqa: B006 - FastAPI copies defaults
    owner: Annotated[list[Reference], _MANY] = [],  # noqa: B006
    priority: Annotated[list[CasePriority], _MANY] = [],  # noqa: B006
    overdue: Annotated[bool, Query()] = False,
) -> dict[str, Any]:
    return {"vendor": vendor, "owner": owner, "priority": priority, "overdue": overdue}


Narrowed = Annotated[dict[str, Any], Depends(_narrowed)]


@router.get("/programmes/{programme}/cases", dependencies=[Depends(tidied)])
async def show_board(request: Request, principal: CasesRead, programme: OfProgramme, narrowed: Narrowed) -> Response:
    """The cases by their states, those that press first."""
    return await _board(request, principal, programme, narrowed)


@router.post("/programmes/{programme}/cases", dependencies=[FromOurPage])
async def open_on_board(request: Request, principal: CasesWrite, programme: OfProgramme) -> Response:
    """Open a case."""

    async def act(fields: Fields) -> None:
        scope = {name: fields.all(name) for name in MetricFilter.model_fields if name != "vendor"}
        given = {name: fields.get(name) for name in ("vendor", "title", "description", "measure", "priority", "owner")}
        await create_case(request, written(NewCase, scope=scope, **given), principal, programme, fields.key)

    async def show(refused: Refused) -> Response:
        nothing = {"vendor": [], "owner": [], "priority": [], "overdue": False}
        return await _board(request, principal, programme, nothing, refused)

    return await taken(request, act, f"{home(programme)}{BELOW}", show)


async def _board(
    request: Request, principal: Principal, programme: str, narrowed: dict[str, Any], refused: Refused | None = None
) -> Response:
    document = await seen(request, principal, programme)
    moment = now(request)
    database: Database = request.app.state.database

    values = {name: narrowed[name] for name in ("vendor", "owner", "priority")}
    due = moment if narrowed["overdue"] else None
    async with database.reading(principal) as session:
        going, over = [
            await list_cases(session, programme, {**values, "state": sorted(states)}, overdue=due, before=None, limit=limit)
            for states, limit in ((UNFINISHED, MOST), (FINISHED, FINISHED_SHOWN))
        ]
        undone = await undone_by_case(session, programme, [row.id for row in going], moment)
    context = head(request, principal, document, BELOW)
    cases = [shown(row, moment) for row in going]
    owners = sorted({case["owner"] for case in cases if case["owner"]} | set(narrowed["owner"]))
    return page(
        request,
        "board.html",
        status=200 if refused is None else refused.status,
        **context,
        say=say,
        columns=board_view.columns(cases, moment),
        finished=[shown(row, moment) for row in over],
        undone=undone,
        overdue=sum(case["overdue"] for case in cases),
        truncated=len(cases) == MOST,
        total=len(cases),
        fields=board_view.fields(document, owners, narrowed, principal.vendor),
        only_overdue=narrowed["overdue"],
        refused=refused,
        forms=Forms(f"{home(programme)}{BELOW}", refused),
        scopes=board_view.scopes(document),
        measures=board_view.MEASURES,
    )
