"""The routes of cases."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from rca_api.cases.records import as_opened, close_case, document, get_case, list_cases, open_case
from rca_api.metadata import idempotency_keys, streams
from rca_api.programmes import CaseRefused, require_vendor
from tallystick.schemas.base import Slug
from tallystick.schemas.case import Case, CasePage, CaseState, Closure, NewCase
from tallystick.schemas.principal import Role
from tallystick.service.auth import Principal, allowed, enter
from tallystick.service.database import Database, Reading, WriteSession, Writing
from tallystick.service.feed import take_positions
from tallystick.service.idempotency import REPLAYED, IdempotencyKey, Once, Outcome
from tallystick.service.paging import Paged
from tallystick.service.problems import (
    COMMON,
    IdempotencyKeyReused,
    InvalidCursor,
    PreconditionFailed,
    PreconditionRequired,
    Problem,
    RequestInProgress,
    responses,
)
from tallystick.service.replies import IfMatch, created_at, not_modified, reply, require_match, revision_etag

router = APIRouter(tags=["cases"], responses=responses(*COMMON))

READERS = (Role.SERVICE, Role.ADMIN, Role.QUALITY_MANAGER, Role.AUDITOR, Role.ANALYST, Role.VENDOR_POC)
"""Who may read cases, one by one or on the feed.

A case explains the errors that auditors find and the numbers that analysts read, so both read it, its internal conversation
included. A vendor's counterpart reads the cases that are shared with its vendor; a vendor's system has no part in them.
"""

CasesRead = Annotated[Principal, allowed(*READERS)]
CasesWrite = Annotated[Principal, allowed(Role.ADMIN, Role.QUALITY_MANAGER)]
"""Opening and closing a case is a decision about the vendor, and so the quality manager's."""

_ONE = {"case_id": "$response.body#/id", "programme": "$request.query.programme"}
_LINKS = {
    operation: {"operationId": operation, "parameters": _ONE}
    for operation in ("read_case", "create_message", "read_messages", "create_closure")
}

ProgrammeQuery = Annotated[Slug, Query(description="The programme's slug.")]
CaseId = Annotated[UUID, Path(description="The case's id.")]


class CaseClosed(Problem):
    """The case is closed, and so is its conversation: what was concluded stands as it was read.

    Open another case where there is more to find out.
    """

    status, title = 409, "The case is closed"


@router.post(
    "/v1/cases",
    response_model=Case,
    status_code=201,
    responses={201: {"links": _LINKS}, **responses(CaseRefused, RequestInProgress, IdempotencyKeyReused)},
    summary="Open a case",
)
async def create_case(
    request: Request, new: NewCase, principal: CasesWrite, programme: ProgrammeQuery, idempotency_key: IdempotencyKey = None
) -> Response:
    """Open a root-cause case on a part of the programme. With a vendor it is shared with that vendor; without one it is internal.

    The same key and payload again answer the case as it was opened, whatever became of it since.
    """
    enter(principal, programme)
    database: Database = request.app.state.database

    def once(session: WriteSession) -> Once:
        return Once(idempotency_keys, session, programme, "create_case", idempotency_key, new.model_dump_json().encode())

    if idempotency_key is not None:
        async with database.writing(principal) as session:
            if (earlier := await once(session).earlier()) is not None:
                return await _replayed(session, programme, earlier)
    # Between the two transactions: no connection waits while audit-api is asked.
    await require_vendor(request.app.state.neighbours, programme, new.vendor)
    async with database.writing(principal) as session:
        if (earlier := await once(session).earlier()) is not None:
            return await _replayed(session, programme, earlier)
        position = await take_positions(session, streams, programme, 1)
        case = document(await open_case(session, programme, new, position))
        await once(session).keep(Outcome(case["id"], position))
        return _created(case)


async def _replayed(session: WriteSession, programme: str, first: Outcome) -> Response:
    case = document(await get_case(session, programme, first.id))
    return _created(as_opened(case, first.position), REPLAYED)


def _created(case: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    location = created_at("cases", case["id"], case["programme"])
    return reply(case, status=201, etag=revision_etag(1), headers={**location, **(headers or {})})


@router.get("/v1/cases", response_model=CasePage, responses=responses(InvalidCursor), summary="List cases")
async def read_cases(
    programme: ProgrammeQuery,
    principal: CasesRead,
    session: Reading,
    paging: Paged,
    vendor: Annotated[list[Slug], Query(description="Repeat it for several: any of them.")] = [],  # noqa: B006 - FastAPI copies defaults
    state: Annotated[list[CaseState], Query(description="Repeat it for several: any of them.")] = [],  # noqa: B006
) -> Response:
    """Cases that match all filters, newest first."""
    enter(principal, programme)
    before = UUID(paging.after[0]) if paging.after else None
    rows = await list_cases(session, programme, vendors=vendor, states=state, before=before, limit=paging.limit + 1)
    page = [document(row) for row in rows[: paging.limit]]
    return reply({"items": page}, headers=paging.headers([page[-1]["id"]] if len(rows) > len(page) else None))


@router.get("/v1/cases/{case_id}", response_model=Case, summary="Read a case")
async def read_case(
    request: Request, case_id: CaseId, programme: ProgrammeQuery, principal: CasesRead, session: Reading
) -> Response:
    """The case as it stands."""
    enter(principal, programme)
    row = await get_case(session, programme, case_id)
    etag = revision_etag(row.revision)
    return not_modified(request, etag) or reply(document(row), etag=etag)


@router.post(
    "/v1/cases/{case_id}/closure",
    response_model=Case,
    responses=responses(CaseClosed, PreconditionFailed, PreconditionRequired),
    summary="Close a case",
)
async def create_closure(
    case_id: CaseId,
    closure: Closure,
    programme: ProgrammeQuery,
    principal: CasesWrite,
    session: Writing,
    if_match: IfMatch = None,
) -> Response:
    """Close a case with what was concluded. A closed case and its conversation stay readable, and change no more."""
    enter(principal, programme)
    position = await take_positions(session, streams, programme, 1)
    current = await get_case(session, programme, case_id)
    if current.state == CaseState.CLOSED:
        raise CaseClosed("A case is closed once.")
    require_match(if_match, revision_etag(current.revision))
    row = await close_case(session, current, closure.conclusion, position)
    return reply(document(row), etag=revision_etag(row.revision))
