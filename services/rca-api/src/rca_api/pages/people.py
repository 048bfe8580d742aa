"""The page of people: how they are coached, and what they, sites and vendors are to reach."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy import Row

from rca_api.cases.records import list_cases, titles_of
from rca_api.cases.routes import CasesRead
from rca_api.coaching.records import list_coaching
from rca_api.objectives.records import READERS, list_objectives
from rca_api.objectives.records import document as shown_objective
from rca_api.objectives.standing import read_standing
from rca_api.pages import board_view, people_view, say
from rca_api.pages.documents import seen
from rca_api.pages.head import OfProgramme, head
from tallystick.client import Tallystick
from tallystick.schemas.case import UNFINISHED
from tallystick.schemas.coaching import CoachingState
from tallystick.schemas.objective import Objective, ObjectiveRead
from tallystick.schemas.principal import Role
from tallystick.service.auth import Principal
from tallystick.service.clock import now
from tallystick.service.database import Database, ReadSession
from tallystick.service.pages.forms import Forms, Refused
from tallystick.service.pages.navigation import home
from tallystick.service.pages.page import TAG, page
from tallystick.service.problems import Unavailable

router = APIRouter(tags=[TAG], include_in_schema=False)

BELOW = "/people"
MOST_SESSIONS, ENDED_SHOWN, MOST_OBJECTIVES, MOST_CASES = 200, 30, 60, 200
_AT_ONCE = 6
"""Questions to the metrics at a time."""

_GOING = (CoachingState.ARRANGED, CoachingState.HELD)
_ENDED = (CoachingState.AGREED, CoachingState.DISPUTED, CoachingState.CANCELLED)


@router.get("/programmes/{programme}/people")
async def show_people(request: Request, principal: CasesRead, programme: OfProgramme) -> Response:
    """Coaching and objectives, as far as they are the viewer's to see."""
    return await people_page(request, principal, programme)


async def people_page(request: Request, principal: Principal, programme: str, refused: Refused | None = None) -> Response:
    """The page, with a form that was refused as it was sent."""
    document = await seen(request, principal, programme)
    database: Database = request.app.state.database
    async with database.reading(principal) as session:
        going = await _coaching(session, programme, _GOING, MOST_SESSIONS)
        ended = await _coaching(session, programme, _ENDED, ENDED_SHOWN)
        narrowed: dict[str, Sequence[Any]] = {}
        held = await list_objectives(session, programme, narrowed, ended=False, before=None, limit=MOST_OBJECTIVES)
        objectives = [Objective.model_validate(shown_objective(row)) for row in held]
        open_cases = await list_cases(
            session, programme, {"state": sorted(UNFINISHED)}, overdue=None, before=None, limit=MOST_CASES
        )
        about = {row.case_id for row in (*going, *ended)} | {each.case_id for each in objectives}
        titles = await titles_of(session, programme, about)
    neighbours: Tallystick = request.app.state.neighbours
    standings = await _standings(neighbours, objectives)
    return page(
        request,
        "people.html",
        status=200 if refused is None else refused.status,
        **head(request, principal, document, BELOW),
        say=say,
        view=people_view,
        going=people_view.sessions(going, principal),
        ended=people_view.sessions(ended, principal),
        objectives=list(zip(objectives, standings, strict=True)),
        reads_objectives=principal.holds(*READERS),
        arranges=principal.holds(Role.ADMIN, Role.QUALITY_MANAGER, Role.VENDOR_POC),
        cases=[(each.id, each.title) for each in open_cases],
        titles=titles,
        today=_today(now(request), document.time_zone),
        scopes=board_view.scopes(document),
        subject=principal.subject,
        own_vendor=principal.vendor,
        refused=refused,
        forms=Forms(f"{home(programme)}{BELOW}", refused),
        board=f"{home(programme)}/cases",
    )


async def _coaching(session: ReadSession, programme: str, states: Sequence[CoachingState], limit: int) -> Sequence[Row[Any]]:
    return await list_coaching(session, programme, mine=False, persons=[], states=states, cases=[], before=None, limit=limit)


def _today(moment: datetime, zone: str) -> str:
    return say.local(moment, zone).date().isoformat()


async def _standings(neighbours: Tallystick, objectives: Sequence[Objective]) -> list[ObjectiveRead | None]:
    """How each objective stands by the metrics of now; None where that cannot be read, and is then not asked again and again."""
    places = asyncio.Semaphore(_AT_ONCE)
    unanswered = False

    async def standing(objective: Objective) -> ObjectiveRead | None:
        nonlocal unanswered
        async with places:
            if unanswered:
                return None
            try:
                return await read_standing(neighbours, objective)
            except Unavailable:
                unanswered = True
                return None

    return list(await asyncio.gather(*map(standing, objectives)))
