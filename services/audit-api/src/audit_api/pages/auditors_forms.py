"""The forms of the page of auditors: somebody is added or changed, and a staffing plan is asked for."""

import orjson
from fastapi import APIRouter, Request, Response

from audit_api.pages.auditor_form import read_auditor
from audit_api.pages.auditors import BELOW, PERSON, auditors_page
from audit_api.pages.head import OfProgramme
from audit_api.staffing.auditors import find_auditor
from audit_api.staffing.plan_routes import create_staffing_plan
from audit_api.staffing.problems import AuditorRefused
from audit_api.staffing.routes import Managing, put_auditor
from tallystick.schemas.base import Reference, Wire
from tallystick.schemas.problem import ProblemError
from tallystick.schemas.staffing import NewStaffingPlan
from tallystick.service.auth import Principal, enter
from tallystick.service.database import Database
from tallystick.service.forms import FromOurPage
from tallystick.service.pages.forms import Act, Fields, Refused, decimal, taken, typed, written
from tallystick.service.pages.navigation import home
from tallystick.service.pages.page import TAG

router = APIRouter(prefix=f"/programmes/{{programme}}{BELOW}", tags=[TAG], include_in_schema=False, dependencies=[FromOurPage])


class _Whom(Wire):
    """Whom a form is about."""

    auditor: Reference


async def _answer(request: Request, principal: Principal, programme: str, act: Act) -> Response:
    enter(principal, programme)

    async def show(refused: Refused) -> Response:
        changes = refused.form == PERSON and refused.fields.get("revision") is not None
        return await auditors_page(request, principal, programme, refused, refused.fields.get("auditor") if changes else None)

    return await taken(request, act, f"{home(programme)}{BELOW}#people", show)


@router.post("/people")
async def put_person(request: Request, programme: OfProgramme, principal: Managing) -> Response:
    """Add somebody to those who audit, or change what is said of them."""
    database: Database = request.app.state.database

    async def act(fields: Fields) -> None:
        auditor = written(_Whom, auditor=fields.get("auditor")).auditor
        new = read_auditor(fields)
        async with database.writing(principal) as session:
            if fields.if_match is None and (known := await find_auditor(session, programme, auditor)) is not None:
                if known.document != new.model_dump(mode="json"):  # and not the same form, sent twice
                    raise _known()
                return
            await put_auditor(request, auditor, new, programme, principal, session, fields.if_match)

    return await _answer(request, principal, programme, act)


def _known() -> AuditorRefused:
    detail = "They are among the auditors already: change them in the list."
    return AuditorRefused("", errors=[ProblemError(pointer="/auditor", code="known_auditor", detail=detail)])


@router.post("/plans")
async def ask_for_plan(request: Request, programme: OfProgramme, principal: Managing) -> Response:
    """Make a staffing plan, and lead to it."""
    database: Database = request.app.state.database

    async def act(fields: Fields) -> str:
        days = {name: fields.get(name) for name in ("first_day", "last_day")}
        asked = written(NewStaffingPlan, **days, fair=typed(decimal, fields.get("fair")))
        async with database.writing(principal) as session:
            made = await create_staffing_plan(request, asked, principal, session, programme, fields.key)
        return f"{home(programme)}{BELOW}/plans/{orjson.loads(made.body)['id']}"

    return await _answer(request, principal, programme, act)
