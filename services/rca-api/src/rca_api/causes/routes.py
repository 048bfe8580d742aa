"""The routes of root causes."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response

from rca_api.cases.history import Event, record
from rca_api.cases.problems import CaseClosed
from rca_api.cases.records import get_case, get_unfinished
from rca_api.cases.routes import CaseId, CasesAnswer, CasesRead, CasesWrite
from rca_api.causes.problems import CauseDecided, CauseParty, CauseRefused, InternalCause
from rca_api.causes.records import change_cause, decide_cause, document, get_cause, list_causes, propose_cause
from rca_api.causes.why_routes import require_audience, require_own
from rca_api.metadata import idempotency_keys, streams
from rca_api.programmes import get_programme
from tallystick.schemas.case import Audience, CaseEventKind
from tallystick.schemas.cause import Cause, CauseChange, CauseDecision, CauseList, CauseState, NewCause
from tallystick.service.auth import enter
from tallystick.service.clock import now
from tallystick.service.database import Database, Reading, WriteSession, Writing
from tallystick.service.feed import take_positions
from tallystick.service.idempotency import REPLAYED, IdempotencyKey, Once, Outcome
from tallystick.service.parameters import ProgrammeQuery
from tallystick.service.problems import (
    COMMON,
    IdempotencyKeyReused,
    InvalidRequest,
    PreconditionFailed,
    PreconditionRequired,
    RequestInProgress,
    responses,
)
from tallystick.service.replies import IfMatch, links, reply, require_match, revision_etag

router = APIRouter(tags=["causes"], responses=responses(*COMMON))

CauseId = Annotated[UUID, Path(description="The cause's id.")]
_ONE = {
    "case_id": "$request.path.case_id",
    "cause_id": "$response.body#/id",
    "programme": "$request.query.programme",
}
_LINKS = links(_ONE, changing=("update_cause", "create_cause_decision"))


@router.post(
    "/v1/cases/{case_id}/causes",
    response_model=Cause,
    status_code=201,
    responses={
        201: {"links": _LINKS},
        **responses(CauseRefused, InternalCause, CaseClosed, RequestInProgress, IdempotencyKeyReused),
    },
    summary="Propose a root cause",
)
async def create_cause(
    request: Request,
    case_id: CaseId,
    new: NewCause,
    programme: ProgrammeQuery,
    principal: CasesAnswer,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Propose a root cause from the programme's taxonomy, with the share of the error that it explains, and its evidence.

    Both sides propose; the client decides.
    """
    enter(principal, programme)
    require_audience(principal, new.audience)
    database: Database = request.app.state.database
    payload = f"{case_id}\x1f{new.model_dump_json()}".encode()

    def once(session: WriteSession) -> Once:
        return Once(idempotency_keys, session, programme, "create_cause", idempotency_key, payload)

    async with database.writing(principal) as session:
        if (earlier := await once(session).earlier()) is not None:
            return await _replayed(session, programme, case_id, earlier)
        await get_unfinished(session, programme, case_id)  # before anybody is asked on its behalf
    configured = await get_programme(request.app.state.neighbours, programme)
    async with database.writing(principal) as session:
        if (earlier := await once(session).earlier()) is not None:
            return await _replayed(session, programme, case_id, earlier)
        position = await take_positions(session, streams, programme, 1)
        case, moment = await get_unfinished(session, programme, case_id), now(request)
        cause = await propose_cause(session, case, new, configured, position, moment)
        changed = {"code": cause.code, "state": cause.state, "share": cause.share}
        await record(
            session, case, Event(CaseEventKind.CAUSE, moment, position, about=cause.id, changed=changed, audience=new.audience)
        )
        await once(session).keep(Outcome(cause.id, position))
        return reply(document(cause), status=201, etag=revision_etag(1))


async def _replayed(session: WriteSession, programme: str, case_id: UUID, first: Outcome) -> Response:
    cause = await get_cause(session, programme, case_id, first.id)
    return reply(document(cause), status=201, etag=revision_etag(cause.revision), headers=REPLAYED)


@router.get("/v1/cases/{case_id}/causes", response_model=CauseList, summary="List a case's root causes")
async def read_causes(case_id: CaseId, programme: ProgrammeQuery, principal: CasesRead, session: Reading) -> Response:
    """Those proposed, accepted and rejected, oldest first. A vendor's people see what was written for both sides."""
    enter(principal, programme)
    await get_case(session, programme, case_id)
    return reply({"items": [document(row) for row in await list_causes(session, programme, case_id)]})


@router.patch(
    "/v1/cases/{case_id}/causes/{cause_id}",
    response_model=Cause,
    responses=responses(
        CauseRefused, CauseParty, CauseDecided, CaseClosed, PreconditionFailed, PreconditionRequired, InvalidRequest
    ),
    summary="Change a root cause",
)
async def update_cause(
    request: Request,
    case_id: CaseId,
    cause_id: CauseId,
    change: CauseChange,
    programme: ProgrammeQuery,
    principal: CasesAnswer,
    session: Writing,
    if_match: IfMatch = None,
) -> Response:
    """Give a cause another text, category, share, why or evidence.

    A vendor's people change what their own vendor proposed, until it is decided about.
    """
    enter(principal, programme)
    position = await take_positions(session, streams, programme, 1)
    case = await get_unfinished(session, programme, case_id)
    current = await get_cause(session, programme, case_id, cause_id)
    require_own(principal, current)
    require_match(if_match, revision_etag(current.revision))
    if principal.vendor is not None and current.state != CauseState.PROPOSED:
        raise CauseDecided("The client has decided about this cause.")
    cause = await change_cause(session, case, current, change, position)
    changed = change.model_dump(mode="json", include=change.model_fields_set)
    audience = Audience(cause.audience)
    event = Event(CaseEventKind.CAUSE, now(request), position, about=cause.id, changed=changed, audience=audience)
    await record(session, case, event)
    return reply(document(cause), etag=revision_etag(cause.revision))


@router.post(
    "/v1/cases/{case_id}/causes/{cause_id}/decision",
    response_model=Cause,
    responses=responses(CauseRefused, CaseClosed, PreconditionFailed, PreconditionRequired, InvalidRequest),
    summary="Accept or reject a root cause",
)
async def create_cause_decision(
    request: Request,
    case_id: CaseId,
    cause_id: CauseId,
    decision: CauseDecision,
    programme: ProgrammeQuery,
    principal: CasesWrite,
    session: Writing,
    if_match: IfMatch = None,
) -> Response:
    """Take a cause for one, or not, with the reason. It can be decided about anew as long as the case goes on.

    The shares of accepted causes sum to 1 at most.
    """
    enter(principal, programme)
    position = await take_positions(session, streams, programme, 1)
    case = await get_unfinished(session, programme, case_id)
    current = await get_cause(session, programme, case_id, cause_id)
    require_match(if_match, revision_etag(current.revision))
    moment = now(request)
    cause = await decide_cause(session, current, decision, position, moment)
    changed, audience = {"code": cause.code, "state": cause.state}, Audience(cause.audience)
    event = Event(CaseEventKind.CAUSE, moment, position, note=decision.reason, about=cause.id, changed=changed, audience=audience)
    await record(session, case, event)
    return reply(document(cause), etag=revision_etag(cause.revision))
