"""The forms of the page of sampling: preview a plan, draft it, change it, publish it, retire it."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from audit_api.pages.head import OfProgramme
from audit_api.pages.plan_form import read_plan
from audit_api.pages.sampling import BELOW, Changed, sampling_page
from audit_api.sampling.routes import (
    Planning,
    create_publication,
    create_retirement,
    create_sampling_plan,
    previewed,
    put_sampling_plan,
)
from tallystick.schemas.sampling import PlanPreview
from tallystick.service.auth import Principal, enter
from tallystick.service.database import Database
from tallystick.service.forms import FromOurPage
from tallystick.service.pages.forms import Act, Fields, Kept, Refused, kept, taken
from tallystick.service.pages.navigation import home
from tallystick.service.pages.page import TAG

router = APIRouter(prefix=f"/programmes/{{programme}}{BELOW}", tags=[TAG], include_in_schema=False, dependencies=[FromOurPage])


async def _answer(request: Request, principal: Principal, programme: str, act: Act, *, changed: UUID | None = None) -> Response:
    enter(principal, programme)

    async def show(refused: Refused) -> Response:
        return await sampling_page(request, principal, programme, refused, changed=changed)

    return await taken(request, act, f"{home(programme)}{BELOW}#plans", show)


@router.post("/previews")
async def preview_plan(request: Request, programme: OfProgramme, principal: Planning, plan: Changed = None) -> Response:
    """Show what the plan would come to; the form stays as it was filled in, and nothing is kept."""
    enter(principal, programme)
    database: Database = request.app.state.database
    found: list[PlanPreview] = []

    async def act(fields: Fields) -> None:
        new = read_plan(fields)
        async with database.reading(principal) as session:
            found.append(await previewed(request, session, programme, new))

    async def show(shown: Refused | Kept) -> Response:
        return await sampling_page(request, principal, programme, shown, next(iter(found), None), changed=plan)

    return await kept(request, act, show)


@router.post("/plans")
async def draft_plan(request: Request, programme: OfProgramme, principal: Planning) -> Response:
    """Draft the plan."""
    database: Database = request.app.state.database

    async def act(fields: Fields) -> None:
        new = read_plan(fields)
        async with database.writing(principal) as session:
            await create_sampling_plan(request, new, principal, session, programme, fields.key)

    return await _answer(request, principal, programme, act)


@router.post("/plans/{plan_id}/changes")
async def change_plan(request: Request, programme: OfProgramme, plan_id: UUID, principal: Planning) -> Response:
    """Change a plan. A published one becomes the draft of its next version."""
    database: Database = request.app.state.database

    async def act(fields: Fields) -> None:
        new = read_plan(fields)
        async with database.writing(principal) as session:
            await put_sampling_plan(request, plan_id, new, programme, principal, session, fields.if_match)

    return await _answer(request, principal, programme, act, changed=plan_id)


@router.post("/plans/{plan_id}/publication")
async def publish_plan(request: Request, programme: OfProgramme, plan_id: UUID, principal: Planning) -> Response:
    """Publish a plan as it stands, and commit its draws."""
    database: Database = request.app.state.database

    async def act(fields: Fields) -> None:
        async with database.writing(principal) as session:
            await create_publication(request, plan_id, programme, principal, session, fields.if_match)

    return await _answer(request, principal, programme, act)


@router.post("/plans/{plan_id}/retirement")
async def retire_plan(request: Request, programme: OfProgramme, plan_id: UUID, principal: Planning) -> Response:
    """End a plan."""
    database: Database = request.app.state.database

    async def act(fields: Fields) -> None:
        async with database.writing(principal) as session:
            await create_retirement(request, plan_id, programme, principal, session, fields.if_match)

    return await _answer(request, principal, programme, act)
