"""The routes by which cases move on, and by which their history is read."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from rca_api.cases.history import list_events
from rca_api.cases.problems import CaseIncomplete, CaseState
from rca_api.cases.records import get_case
from rca_api.cases.routes import CaseId, CasesRead, CasesWrite, answered
from rca_api.cases.steps import close, move, reopen, require_possible, start, verify
from rca_api.metadata import streams
from rca_api.programmes import get_programme
from tallystick.schemas.case import Case, CaseHistory, CaseMove, CaseStep, Closure
from tallystick.service.auth import enter
from tallystick.service.clock import now
from tallystick.service.database import Database, Reading
from tallystick.service.feed import take_positions
from tallystick.service.paging import Paged
from tallystick.service.parameters import ProgrammeQuery
from tallystick.service.problems import (
    COMMON,
    InvalidCursor,
    InvalidRequest,
    PreconditionFailed,
    PreconditionRequired,
    responses,
)
from tallystick.service.replies import IfMatch, links, reply, require_match, revision_etag

router = APIRouter(tags=["cases"], responses=responses(*COMMON))

_ONE = {"case_id": "$response.body#/id", "programme": "$request.query.programme"}
_CHANGES = {
    200: {"links": links(_ONE, "read_case", "read_steps", changing=("create_step", "create_closure"))},
    **responses(CaseState, CaseIncomplete, PreconditionFailed, PreconditionRequired, InvalidRequest),
}


@router.post("/v1/cases/{case_id}/steps", response_model=Case, responses=_CHANGES, summary="Move a case on")
async def create_step(
    request: Request, case_id: CaseId, step: CaseMove, programme: ProgrammeQuery, principal: CasesWrite, if_match: IfMatch = None
) -> Response:
    """Take a step of the table of transitions. What is missing for it is in the refusal, and so is what can be done instead."""
    enter(principal, programme)
    database: Database = request.app.state.database
    taken, moment = CaseStep(step.step), now(request)
    # Before the transaction: no connection waits while audit-api is asked.
    configured = await get_programme(request.app.state.neighbours, programme) if taken is CaseStep.REOPEN else None
    async with database.writing(principal) as session:
        position = await take_positions(session, streams, programme, 1)
        current = await get_case(session, programme, case_id)
        require_match(if_match, revision_etag(current.revision))
        await require_possible(session, current, taken)
        if configured is not None:
            row = await reopen(session, current, position, moment, configured, note=step.note or "")
        elif taken is CaseStep.START:
            row = await start(session, current, position, moment, note=step.note)
        elif taken is CaseStep.VERIFY:
            row = await verify(session, current, position, moment, note=step.note)
        else:
            row = await move(session, current, taken, position, moment, note=step.note)
        return answered(row, moment)


@router.post("/v1/cases/{case_id}/closure", response_model=Case, responses=_CHANGES, summary="Close a case")
async def create_closure(
    request: Request,
    case_id: CaseId,
    closure: Closure,
    programme: ProgrammeQuery,
    principal: CasesWrite,
    if_match: IfMatch = None,
) -> Response:
    """Close a case with what was concluded, and watch from then on whether the error comes back.

    With `override`, a reason that stays on record, it closes although actions are open or their effect is not shown. A closed
    case and its conversation stay readable, and change no more unless it is opened again.
    """
    enter(principal, programme)
    database: Database = request.app.state.database
    moment = now(request)
    configured = await get_programme(request.app.state.neighbours, programme)
    async with database.writing(principal) as session:
        position = await take_positions(session, streams, programme, 1)
        current = await get_case(session, programme, case_id)
        require_match(if_match, revision_etag(current.revision))
        await require_possible(session, current, CaseStep.CLOSE if closure.override is None else CaseStep.OVERRIDE)
        return answered(await close(session, current, closure, position, moment, configured), moment)


@router.get(
    "/v1/cases/{case_id}/steps", response_model=CaseHistory, responses=responses(InvalidCursor), summary="Read a case's history"
)
async def read_steps(
    case_id: CaseId, programme: ProgrammeQuery, principal: CasesRead, session: Reading, paging: Paged
) -> Response:
    """Everything that happened on a case, oldest first. A vendor's people read what is not internal."""
    enter(principal, programme)
    await get_case(session, programme, case_id)
    after = (int(paging.after[0]), UUID(paging.after[1])) if paging.after else None
    events = await list_events(session, programme, case_id, after, paging.limit + 1)
    page = events[: paging.limit]
    more = len(events) > len(page)
    return reply({"items": page}, headers=paging.headers([page[-1]["position"], page[-1]["id"]] if more else None))
