"""The forms of actions, of a case's plan, and of coaching: on the page of their case, and on that of one's own actions."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from rca_api.actions.records import get_action
from rca_api.actions.routes import create_action, create_action_step, update_action
from rca_api.cases.routes import CasesAnswer, CasesWrite
from rca_api.coaching.routes import CoachingTakesPart
from rca_api.pages.actions import BELOW, actions_page
from rca_api.pages.case import OfCase, case_page
from rca_api.pages.documents import seen
from rca_api.pages.head import OfProgramme
from rca_api.pages.people_forms import answering
from rca_api.pages.references import evidence
from rca_api.pages.say import day_value
from rca_api.plans.routes import create_extension, put_plan
from tallystick.schemas.action import ActionChange, ActionMove, NewAction
from tallystick.schemas.effect import EffectPlan
from tallystick.schemas.metric import MetricFilter
from tallystick.schemas.plan import Extension
from tallystick.service.auth import Principal, enter
from tallystick.service.database import Database
from tallystick.service.forms import FromOurPage
from tallystick.service.pages.forms import Fields, Refused, share, taken, written
from tallystick.service.pages.navigation import home
from tallystick.service.pages.page import TAG

router = APIRouter(prefix="/programmes/{programme}", tags=[TAG], include_in_schema=False, dependencies=[FromOurPage])

_CASE = "/cases/{case_id}"


def _move(request: Request, programme: str, action_id: UUID, principal: Principal) -> Callable[[Fields], Awaitable[None]]:
    """Take a step of an action."""

    async def act(fields: Fields) -> None:
        asked = written(ActionMove, step=fields.get("step"), note=fields.get("note"), evidence=evidence(fields))
        database: Database = request.app.state.database
        async with database.writing(principal) as session:
            await create_action_step(request, action_id, asked, programme, principal, session, fields.if_match)

    return act


def _change(request: Request, programme: str, action_id: UUID, principal: Principal) -> Callable[[Fields], Awaitable[None]]:
    """Give an action another owner or due date: what the form shows otherwise than the action has it."""

    async def act(fields: Fields) -> None:
        document = await seen(request, principal, programme)
        database: Database = request.app.state.database
        async with database.reading(principal) as session:
            current = await get_action(session, programme, action_id)
        given: dict[str, Any] = {}
        owner = fields.get("owner"), fields.get("owner_vendor")
        if owner != (current.owner, current.owner_vendor):
            given |= {"owner": owner[0], "owner_vendor": owner[1]}
        if fields.get("due_at") != day_value(current.due_at, document.time_zone):
            given["due_at"] = fields.end_of_day("due_at", document.time_zone)
        asked = ActionChange.model_validate(given)
        await update_action(request, action_id, asked, programme, principal, fields.if_match)

    return act


@router.post(f"{_CASE}/actions")
async def agree(at: OfCase, principal: CasesWrite) -> Response:
    """Agree on an action."""
    enter(principal, at.programme)

    async def act(fields: Fields) -> None:
        document = await seen(at.request, principal, at.programme)
        given = {name: fields.get(name) for name in ("kind", "title", "description", "owner", "owner_vendor")}
        due_at, depends = fields.end_of_day("due_at", document.time_zone), fields.all("depends_on")
        asked = written(NewAction, **given, due_at=due_at, depends_on=depends)
        await create_action(at.request, at.case_id, asked, at.programme, principal, fields.key)

    return await taken(at.request, act, f"{at.path}#actions", lambda refused: case_page(at, principal, refused))


@router.post(f"{_CASE}/actions/{{action_id}}/steps")
async def move_on_case(at: OfCase, action_id: UUID, principal: CasesAnswer) -> Response:
    """Take a step of an action, on the page of its case."""
    enter(principal, at.programme)
    act = _move(at.request, at.programme, action_id, principal)
    return await taken(at.request, act, f"{at.path}#actions", lambda refused: case_page(at, principal, refused))


@router.post(f"{_CASE}/actions/{{action_id}}/changes")
async def change_on_case(at: OfCase, action_id: UUID, principal: CasesWrite) -> Response:
    """Give an action another owner or due date, on the page of its case."""
    enter(principal, at.programme)
    act = _change(at.request, at.programme, action_id, principal)
    return await taken(at.request, act, f"{at.path}#actions", lambda refused: case_page(at, principal, refused))


@router.post(f"{_CASE}/plan")
async def register(at: OfCase, principal: CasesWrite) -> Response:
    """Register how the effect will be judged."""
    enter(principal, at.programme)

    async def act(fields: Fields) -> None:
        document = await seen(at.request, principal, at.programme)
        zone = {"time_zone": document.time_zone}
        windows = {
            name: {"from": fields.get(f"{name}_from"), "to": fields.get(f"{name}_to"), **zone}
            for name in ("baseline", "verification")
        }
        scope = {name: fields.listed(name) for name in MetricFilter.model_fields}
        given = {"measure": fields.get("measure"), "minimum_sample": fields.get("minimum_sample")}
        asked = written(EffectPlan, scope=scope, wanted=share(fields.get("wanted")), **given, **windows)
        await put_plan(at.request, at.case_id, asked, at.programme, principal, fields.if_match)

    return await taken(at.request, act, f"{at.path}#plan", lambda refused: case_page(at, principal, refused))


@router.post(f"{_CASE}/plan/extensions")
async def extend(at: OfCase, principal: CasesWrite) -> Response:
    """Put off the end of the verification window."""
    enter(principal, at.programme)

    async def act(fields: Fields) -> None:
        asked = written(Extension, to=fields.get("to"), reason=fields.get("reason"))
        async with at.database.writing(principal) as session:
            await create_extension(at.request, at.case_id, asked, at.programme, principal, session, fields.if_match)

    return await taken(at.request, act, f"{at.path}#plan", lambda refused: case_page(at, principal, refused))


@router.post(f"{BELOW}/{{action_id}}/steps")
async def move(request: Request, programme: OfProgramme, action_id: UUID, principal: CasesAnswer) -> Response:
    """Take a step of an action, on the page of one's own."""
    enter(principal, programme)

    async def show(refused: Refused) -> Response:
        return await actions_page(request, principal, programme, refused)

    return await taken(request, _move(request, programme, action_id, principal), f"{home(programme)}{BELOW}", show)


@router.post(f"{BELOW}/{{action_id}}/changes")
async def change(request: Request, programme: OfProgramme, action_id: UUID, principal: CasesWrite) -> Response:
    """Give an action another owner or due date, on the page of one's own."""
    enter(principal, programme)

    async def show(refused: Refused) -> Response:
        return await actions_page(request, principal, programme, refused)

    return await taken(request, _change(request, programme, action_id, principal), f"{home(programme)}{BELOW}", show)


@router.post(f"{BELOW}/coaching/{{coaching_id}}/answer")
async def answer(request: Request, programme: OfProgramme, coaching_id: UUID, principal: CoachingTakesPart) -> Response:
    """Say what one thinks of what was written down of one's own coaching session."""
    enter(principal, programme)
    act = answering(request, programme, coaching_id, principal)

    async def show(refused: Refused) -> Response:
        return await actions_page(request, principal, programme, refused)

    return await taken(request, act, f"{home(programme)}{BELOW}#coaching", show)
