"""The page of one's own actions: one's own, those of one's vendor, what is to be verified or late, and what one was told."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy import Row

from rca_api.actions.records import list_actions
from rca_api.cases.records import titles_of
from rca_api.cases.routes import CasesRead
from rca_api.coaching.records import document as shown_coaching
from rca_api.coaching.records import list_coaching
from rca_api.coaching.routes import may_answer
from rca_api.notices.records import list_notices
from rca_api.pages import action_view, say
from rca_api.pages.documents import seen
from rca_api.pages.head import OfProgramme, head
from tallystick.schemas.action import ActionState
from tallystick.schemas.coaching import CoachingState
from tallystick.schemas.principal import Role
from tallystick.service.auth import Principal
from tallystick.service.clock import now
from tallystick.service.database import Database
from tallystick.service.pages.forms import Forms, Refused
from tallystick.service.pages.navigation import home
from tallystick.service.pages.page import TAG, page

router = APIRouter(tags=[TAG], include_in_schema=False)

BELOW = "/actions"
MOST, NOTICES = 200, 20

_UNDONE = [ActionState.OPEN, ActionState.IN_PROGRESS]


@router.get("/programmes/{programme}/actions")
async def show_actions(request: Request, principal: CasesRead, programme: OfProgramme) -> Response:
    """What the viewer has to do in a programme."""
    return await actions_page(request, principal, programme)


async def actions_page(request: Request, principal: Principal, programme: str, refused: Refused | None = None) -> Response:
    """The page, with a form that was refused as it was sent."""
    document = await seen(request, principal, programme)
    database: Database = request.app.state.database
    moment = now(request)
    manages = principal.holds(Role.ADMIN, Role.QUALITY_MANAGER)
    async with database.reading(principal) as session:

        async def listed(
            *states: ActionState, mine: bool = False, vendor: str | None = None, overdue: datetime | None = None
        ) -> Sequence[Row[Any]]:
            narrowed: dict[str, list[str]] = {"state": list(states), "owner_vendor": [vendor] if vendor else []}
            return await list_actions(session, programme, narrowed, mine=mine, overdue=overdue, before=None, limit=MOST)

        mine = await listed(*_UNDONE, mine=True)
        of_vendor = await listed(*_UNDONE, vendor=principal.vendor) if principal.vendor else []
        done = await listed(ActionState.DONE) if manages else []
        late = await listed(*_UNDONE, overdue=moment) if manages else []
        notices = await list_notices(session, programme, mine=True, case_id=None, kinds=[], before=None, limit=NOTICES)
        held = await list_coaching(
            session, programme, mine=False, persons=[], states=[CoachingState.HELD], cases=[], before=None, limit=MOST
        )
        everything = [*mine, *of_vendor, *done, *late]
        cases = await titles_of(session, programme, {each.case_id for each in everything} | {each.case_id for each in notices})
    own = {each.id for each in mine}
    known = {each.id: each for each in everything}
    others = [each for each in of_vendor if each.id not in own]
    to_verify = [item for item in action_view.items(done, principal, moment, known) if item.steps]
    return page(
        request,
        "actions.html",
        status=200 if refused is None else refused.status,
        **head(request, principal, document, BELOW),
        say=say,
        mine=action_view.items(mine, principal, moment, known),
        of_vendor=action_view.items(others, principal, moment, known),
        to_verify=to_verify,
        late=action_view.items([each for each in late if each.id not in own], principal, moment, known),
        notices=notices,
        coaching=[shown_coaching(each) for each in held if may_answer(principal, each)],
        titles=cases,
        refused=refused,
        forms=Forms(f"{home(programme)}{BELOW}", refused),
        board=f"{home(programme)}/cases",
    )
