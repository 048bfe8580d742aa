"""The routes of links between cases."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response

from rca_api.cases.history import Event, record
from rca_api.cases.problems import CaseRefused
from rca_api.cases.records import get_case
from rca_api.cases.routes import CaseId, CasesRead, CasesWrite
from rca_api.links.records import audience_of, document, find_link, get_link, list_links, make_link, remove_link
from rca_api.metadata import idempotency_keys, streams
from tallystick.schemas.case import CaseEventKind, CaseLink, CaseLinks, NewCaseLink
from tallystick.schemas.problem import ProblemError
from tallystick.service.auth import enter
from tallystick.service.clock import now
from tallystick.service.database import Reading, Writing
from tallystick.service.feed import take_positions
from tallystick.service.idempotency import REPLAYED, IdempotencyKey, Once, Outcome
from tallystick.service.parameters import ProgrammeQuery
from tallystick.service.problems import (
    COMMON,
    IdempotencyKeyReused,
    NotFound,
    RequestInProgress,
    responses,
)
from tallystick.service.replies import links, reply

router = APIRouter(tags=["cases"], responses=responses(*COMMON))

LinkId = Annotated[UUID, Path(description="The link's id.")]


_ONE = {"case_id": "$request.path.case_id", "link_id": "$response.body#/id", "programme": "$request.query.programme"}
_LINKS = links(_ONE, "delete_link")


@router.post(
    "/v1/cases/{case_id}/links",
    response_model=CaseLink,
    status_code=201,
    responses={201: {"links": _LINKS}, **responses(CaseRefused, RequestInProgress, IdempotencyKeyReused)},
    summary="Link a case to another",
)
async def create_link(
    request: Request,
    case_id: CaseId,
    new: NewCaseLink,
    programme: ProgrammeQuery,
    principal: CasesWrite,
    session: Writing,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Say that a case is related to another, a duplicate of it, or caused by it. The same link again answers the one there is."""
    enter(principal, programme)
    payload = f"{case_id}\x1f{new.model_dump_json()}".encode()
    once = Once(idempotency_keys, session, programme, "create_link", idempotency_key, payload)
    if (earlier := await once.earlier()) is not None:
        return reply(document(await get_link(session, programme, earlier.id)), status=201, headers=REPLAYED)
    position = await take_positions(session, streams, programme, 1)
    case = await get_case(session, programme, case_id)
    try:
        other = await get_case(session, programme, new.to)
    except NotFound:
        raise _refused("unknown_case", "There is no such case.") from None
    if other.id == case.id:
        raise _refused("same_case", "This is the case itself.")
    link = await find_link(session, case, new)
    if link is None:
        moment = now(request)
        link = await make_link(session, case, other, new, position, moment)
        event = Event(
            CaseEventKind.LINK, moment, position, about=link.id, changed={"kind": new.kind, "to": str(new.to)},
            audience=audience_of(link),
        )  # fmt: skip
        await record(session, case, event)
    await once.keep(Outcome(link.id, link.position))
    return reply(document(link), status=201)


def _refused(code: str, detail: str) -> CaseRefused:
    return CaseRefused("The case cannot be linked so.", errors=[ProblemError(pointer="/to", code=code, detail=detail)])


@router.get("/v1/cases/{case_id}/links", response_model=CaseLinks, summary="List a case's links")
async def read_links(case_id: CaseId, programme: ProgrammeQuery, principal: CasesRead, session: Reading) -> Response:
    """The links from a case and to it, oldest first. A vendor's people see those between cases that are both theirs."""
    enter(principal, programme)
    await get_case(session, programme, case_id)
    return reply({"items": [document(row) for row in await list_links(session, programme, case_id)]})


@router.delete("/v1/cases/{case_id}/links/{link_id}", status_code=204, summary="Take a link away")
async def delete_link(
    request: Request, case_id: CaseId, link_id: LinkId, programme: ProgrammeQuery, principal: CasesWrite, session: Writing
) -> Response:
    """The link is gone from lists; the history and the feed keep that it was there. Once more changes nothing."""
    enter(principal, programme)
    position = await take_positions(session, streams, programme, 1)
    case = await get_case(session, programme, case_id)
    link = await get_link(session, programme, link_id)
    if link.case_id != case.id:
        raise NotFound("There is no such link.")
    if not link.removed:
        await remove_link(session, link, position)
        event = Event(CaseEventKind.UNLINK, now(request), position, about=link.id, audience=audience_of(link))
        await record(session, case, event)
    return Response(status_code=204)
