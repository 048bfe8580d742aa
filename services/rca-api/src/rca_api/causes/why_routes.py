"""The routes of a case's tree of whys."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response
from sqlalchemy import Row

from rca_api.cases.history import Event, record
from rca_api.cases.problems import CaseClosed
from rca_api.cases.records import get_case, get_unfinished
from rca_api.cases.routes import CaseId, CasesAnswer, CasesRead
from rca_api.causes.problems import CauseParty, CauseRefused, InternalCause
from rca_api.causes.whys import add_why, change_why, document, get_why, list_whys
from rca_api.metadata import idempotency_keys, streams
from tallystick.schemas.case import Audience, CaseEventKind
from tallystick.schemas.cause import NewWhy, Why, WhyChange, WhyTree
from tallystick.service.auth import Principal, enter
from tallystick.service.clock import now
from tallystick.service.database import Reading, Writing
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

WhyId = Annotated[UUID, Path(description="The why's id.")]


def require_own(principal: Principal, row: Row[Any]) -> None:
    """Refuse a vendor's people what the other side wrote."""
    if principal.vendor is not None and row.by_vendor != principal.vendor:
        raise CauseParty("The client's people wrote this.")


def require_audience(principal: Principal, audience: Audience) -> None:
    """Refuse a vendor's people what the client's keep among themselves."""
    if principal.vendor is not None and audience is Audience.INTERNAL:
        raise InternalCause("A vendor's people write for both sides.")


_ONE = {"case_id": "$request.path.case_id", "why_id": "$response.body#/id", "programme": "$request.query.programme"}
_LINKS = links(_ONE, changing=("update_why",))


@router.post(
    "/v1/cases/{case_id}/whys",
    response_model=Why,
    status_code=201,
    responses={
        201: {"links": _LINKS},
        **responses(CauseRefused, InternalCause, CaseClosed, RequestInProgress, IdempotencyKeyReused),
    },
    summary="Answer a why",
)
async def create_why(
    request: Request,
    case_id: CaseId,
    new: NewWhy,
    programme: ProgrammeQuery,
    principal: CasesAnswer,
    session: Writing,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Say why: of the case itself, which begins a branch, or of an earlier answer. Evidence goes with it, by reference."""
    enter(principal, programme)
    require_audience(principal, new.audience)
    payload = f"{case_id}\x1f{new.model_dump_json()}".encode()
    once = Once(idempotency_keys, session, programme, "create_why", idempotency_key, payload)
    if (earlier := await once.earlier()) is not None:
        why = await get_why(session, programme, case_id, earlier.id)
        return reply(document(why), status=201, etag=revision_etag(why.revision), headers=REPLAYED)
    position = await take_positions(session, streams, programme, 1)
    case, moment = await get_unfinished(session, programme, case_id), now(request)
    why = await add_why(session, case, new, position, moment)
    event = Event(CaseEventKind.WHY, moment, position, about=why.id, changed={"text": why.text}, audience=new.audience)
    await record(session, case, event)
    await once.keep(Outcome(why.id, position))
    return reply(document(why), status=201, etag=revision_etag(1))


@router.get("/v1/cases/{case_id}/whys", response_model=WhyTree, summary="Read a case's tree of whys")
async def read_whys(case_id: CaseId, programme: ProgrammeQuery, principal: CasesRead, session: Reading) -> Response:
    """The whole tree, parents before their children. A vendor's people see what was written for both sides."""
    enter(principal, programme)
    await get_case(session, programme, case_id)
    return reply({"items": [document(row) for row in await list_whys(session, programme, case_id)]})


@router.patch(
    "/v1/cases/{case_id}/whys/{why_id}",
    response_model=Why,
    responses=responses(CauseParty, CaseClosed, PreconditionFailed, PreconditionRequired, InvalidRequest),
    summary="Change a why",
)
async def update_why(
    request: Request,
    case_id: CaseId,
    why_id: WhyId,
    change: WhyChange,
    programme: ProgrammeQuery,
    principal: CasesAnswer,
    session: Writing,
    if_match: IfMatch = None,
) -> Response:
    """Give a why another text, category or evidence, or strike it out: what was found wrong stays readable.

    A vendor's people change what their own vendor's people wrote.
    """
    enter(principal, programme)
    position = await take_positions(session, streams, programme, 1)
    case = await get_unfinished(session, programme, case_id)
    current = await get_why(session, programme, case_id, why_id)
    require_own(principal, current)
    require_match(if_match, revision_etag(current.revision))
    why = await change_why(session, current, change, position)
    changed = change.model_dump(mode="json", include=change.model_fields_set)
    audience = Audience(why.audience)
    event = Event(CaseEventKind.WHY, now(request), position, about=why.id, changed=changed, audience=audience)
    await record(session, case, event)
    return reply(document(why), etag=revision_etag(why.revision))
