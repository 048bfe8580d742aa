"""The forms of the page of people: coaching that is arranged, written down, answered; objectives that are set and taken back."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from fastapi import APIRouter, Request, Response

from rca_api.cases.routes import CasesWrite
from rca_api.coaching.routes import (
    CoachingArrange,
    CoachingTakesPart,
    create_answer,
    create_coaching,
    create_coaching_cancellation,
    create_notes,
)
from rca_api.objectives.routes import create_ending, create_objective
from rca_api.pages.documents import seen
from rca_api.pages.head import OfProgramme
from rca_api.pages.people import BELOW, people_page
from tallystick.schemas.coaching import CoachingAnswer, CoachingCancellation, CoachingNotes, NewCoaching
from tallystick.schemas.metric import MetricFilter
from tallystick.schemas.objective import NewObjective
from tallystick.service.auth import Principal, enter
from tallystick.service.database import Database
from tallystick.service.forms import FromOurPage
from tallystick.service.pages.forms import Fields, Refused, share, taken, written
from tallystick.service.pages.navigation import home
from tallystick.service.pages.page import TAG

router = APIRouter(prefix=f"/programmes/{{programme}}{BELOW}", tags=[TAG], include_in_schema=False, dependencies=[FromOurPage])


async def _answer(
    request: Request, principal: Principal, programme: str, act: Callable[[Fields], Awaitable[None]], part: str
) -> Response:
    """Do what a form asks for, and lead on to the part of the page that shows it."""
    enter(principal, programme)

    async def show(refused: Refused) -> Response:
        return await people_page(request, principal, programme, refused)

    return await taken(request, act, f"{home(programme)}{BELOW}#{part}", show)


@router.post("/coaching")
async def arrange(request: Request, programme: OfProgramme, principal: CoachingArrange) -> Response:
    """Arrange a session."""

    async def act(fields: Fields) -> None:
        document = await seen(request, principal, programme)
        names = ("kind", "title", "person", "subject", "coach", "case_id")
        given = {name: fields.get(name) for name in names}
        asked = written(
            NewCoaching,
            **given,
            vendor=principal.vendor or fields.get("vendor"),
            planned_for=fields.moment("planned_for", document.time_zone),
            audits=fields.listed("audits"),
        )
        await create_coaching(request, asked, programme, principal, fields.key)

    return await _answer(request, principal, programme, act, "coaching")


@router.post("/coaching/{coaching_id}/notes")
async def write_down(request: Request, programme: OfProgramme, coaching_id: UUID, principal: CoachingTakesPart) -> Response:
    """Say that a session was held, what was said, and to what the person commits."""
    database: Database = request.app.state.database

    async def act(fields: Fields) -> None:
        commitments = [line.strip() for line in (fields.get("commitments") or "").splitlines() if line.strip()]
        asked = written(CoachingNotes, notes=fields.get("notes"), commitments=commitments)
        async with database.writing(principal) as session:
            await create_notes(request, coaching_id, asked, programme, principal, session, fields.if_match)

    return await _answer(request, principal, programme, act, "coaching")


@router.post("/coaching/{coaching_id}/answer")
async def answer(request: Request, programme: OfProgramme, coaching_id: UUID, principal: CoachingTakesPart) -> Response:
    """Agree to what was written down of one's own session, or not."""
    act = answering(request, programme, coaching_id, principal)
    return await _answer(request, principal, programme, act, "coaching")


def answering(request: Request, programme: str, coaching_id: UUID, principal: Principal) -> Callable[[Fields], Awaitable[None]]:
    """What the form does that answers a session, on whichever page it stands."""
    database: Database = request.app.state.database

    async def act(fields: Fields) -> None:
        asked = written(CoachingAnswer, agreed=fields.get("agreed"), text=fields.get("text"))
        async with database.writing(principal) as session:
            await create_answer(request, coaching_id, asked, programme, principal, session, fields.if_match)

    return act


@router.post("/coaching/{coaching_id}/cancellation")
async def cancel(request: Request, programme: OfProgramme, coaching_id: UUID, principal: CoachingTakesPart) -> Response:
    """Say why a session does not take place."""
    database: Database = request.app.state.database

    async def act(fields: Fields) -> None:
        asked = written(CoachingCancellation, reason=fields.get("reason"))
        async with database.writing(principal) as session:
            await create_coaching_cancellation(coaching_id, asked, programme, principal, session, fields.if_match)

    return await _answer(request, principal, programme, act, "coaching")


@router.post("/objectives")
async def set_objective(request: Request, programme: OfProgramme, principal: CasesWrite) -> Response:
    """Set an objective."""

    async def act(fields: Fields) -> None:
        document = await seen(request, principal, programme)
        given = {name: fields.get(name) for name in ("title", "of", "name", "vendor", "measure", "case_id")}
        asked = written(
            NewObjective,
            **given,
            target=share(fields.get("target")),
            period={"from": fields.get("from"), "to": fields.get("to"), "time_zone": document.time_zone},
            scope={name: fields.all(name) for name in MetricFilter.model_fields if name not in ("vendor", "site")},
        )
        await create_objective(request, asked, programme, principal, fields.key)

    return await _answer(request, principal, programme, act, "objectives")


@router.post("/objectives/{objective_id}/end")
async def end(request: Request, programme: OfProgramme, objective_id: UUID, principal: CasesWrite) -> Response:
    """Take an objective back."""
    database: Database = request.app.state.database

    async def act(fields: Fields) -> None:
        async with database.writing(principal) as session:
            await create_ending(request, objective_id, programme, principal, session, fields.if_match)

    return await _answer(request, principal, programme, act, "objectives")
