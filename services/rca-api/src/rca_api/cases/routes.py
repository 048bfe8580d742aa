"""The routes of cases."""

import hashlib
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Path, Query, Request, Response
from sqlalchemy import Row

from rca_api.cases.history import Event
from rca_api.cases.problems import CaseClosed, CaseRefused
from rca_api.cases.records import change_case, document, get_case, get_unfinished, list_cases, open_case
from rca_api.metadata import idempotency_keys, streams
from rca_api.programmes import get_programme, last_weeks, require_participants, require_taken, root_cause_due
from tallystick.schemas.base import Reference, Slug
from tallystick.schemas.case import Case, CaseChange, CaseEventKind, CasePage, CasePriority, CaseState, NewCase
from tallystick.schemas.principal import Role
from tallystick.service.auth import Principal, allowed, enter
from tallystick.service.clock import now
from tallystick.service.database import Database, Reading, WriteSession, Writing
from tallystick.service.feed import take_positions
from tallystick.service.idempotency import REPLAYED, IdempotencyKey, Once, Outcome
from tallystick.service.paging import Paged
from tallystick.service.parameters import ProgrammeQuery
from tallystick.service.problems import (
    COMMON,
    IdempotencyKeyReused,
    InvalidCursor,
    InvalidRequest,
    PreconditionFailed,
    PreconditionRequired,
    RequestInProgress,
    responses,
)
from tallystick.service.replies import IfMatch, created_at, links, not_modified, reply, require_match, revision_etag

router = APIRouter(tags=["cases"], responses=responses(*COMMON))

READERS = (Role.SERVICE, Role.ADMIN, Role.QUALITY_MANAGER, Role.AUDITOR, Role.ANALYST, Role.VENDOR_POC)
"""Who may read cases, one by one or on the feed.

A case explains the errors that auditors find and the numbers that analysts read, so both read it, its internal conversation
included. A vendor's counterpart reads the cases that are shared with its vendor; a vendor's system has no part in them.
"""

CasesRead = Annotated[Principal, allowed(*READERS)]
CasesWrite = Annotated[Principal, allowed(Role.ADMIN, Role.QUALITY_MANAGER)]
"""Opening a case and moving it on are decisions about the vendor, and so the quality manager's."""

CasesAnswer = Annotated[Principal, allowed(Role.ADMIN, Role.QUALITY_MANAGER, Role.AUDITOR, Role.VENDOR_POC)]
"""Who speaks on a case and looks for its causes: those who steer it, auditors on what they found, the vendor's counterpart."""

_ONE = {"case_id": "$response.body#/id", "programme": "$request.query.programme"}
_LINKS = {
    **links(
        _ONE,
        "read_case", "read_steps", "create_link", "read_links", "create_why", "read_whys", "create_cause", "read_causes",
        "read_evidence", "create_message", "read_messages", "put_plan", "read_plan", "create_action", "read_actions",
        "read_notices", "read_coaching_sessions", "read_objectives",
        changing=("change_case", "create_step", "create_closure", "create_evidence"),
    ),
    **links(
        {"programme": "$request.query.programme"},
        "create_coaching", "create_objective",
        body={"case_id": "$response.body#/id", "vendor": "$response.body#/vendor"},
    ),
}  # fmt: skip
_FIRST = {"case_id": "$response.body#/items/0/id", "programme": "$request.query.programme"}
_MANY = Query(description="Repeat it for several: any of them.")

CaseId = Annotated[UUID, Path(description="The case's id.")]


def answered(row: Row[Any], moment: datetime, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """The answer that shows a case."""
    case = document(row, moment)
    return reply(case, status=status, etag=etag(case), headers=headers)


def etag(case: dict[str, Any]) -> str:
    """Of the revision, and of the form in which the case is seen at this time."""
    return revision_etag(case["revision"], hashlib.sha256(orjson.dumps(case, default=str)).hexdigest()[:12])


@router.post(
    "/v1/cases",
    response_model=Case,
    status_code=201,
    responses={201: {"links": _LINKS}, **responses(CaseRefused, RequestInProgress, IdempotencyKeyReused, InvalidRequest)},
    summary="Open a case",
)
async def create_case(
    request: Request, new: NewCase, principal: CasesWrite, programme: ProgrammeQuery, idempotency_key: IdempotencyKey = None
) -> Response:
    """Open a root-cause case on a part of the programme. With a vendor it is shared with that vendor; without one it is internal.

    Its evidence is gathered at once, beside the request. The same key and payload again answer the case as it stands.
    """
    enter(principal, programme)
    database: Database = request.app.state.database
    moment = now(request)

    def once(session: WriteSession) -> Once:
        return Once(idempotency_keys, session, programme, "create_case", idempotency_key, new.model_dump_json().encode())

    if idempotency_key is not None:
        async with database.writing(principal) as session:
            if (earlier := await once(session).earlier()) is not None:
                return _created(await get_case(session, programme, earlier.id), moment, REPLAYED)
    # Between the two transactions: no connection waits while audit-api is asked.
    configured = await get_programme(request.app.state.neighbours, programme)
    require_taken(configured, new)
    period, due_at = new.period or last_weeks(configured, moment), new.due_at or root_cause_due(configured, moment)
    async with database.writing(principal) as session:
        if (earlier := await once(session).earlier()) is not None:
            return _created(await get_case(session, programme, earlier.id), moment, REPLAYED)
        position = await take_positions(session, streams, programme, 1)
        case = await open_case(session, programme, new, position, moment, period=period, due_at=due_at)
        await once(session).keep(Outcome(case.id, position))
        return _created(case, moment)


def _created(case: Row[Any], moment: datetime, headers: dict[str, str] | None = None) -> Response:
    location = created_at("cases", case.id, case.programme)
    return answered(case, moment, status=201, headers={**location, **(headers or {})})


@router.get(
    "/v1/cases",
    response_model=CasePage,
    responses={200: {"links": links(_FIRST, "read_case")}, **responses(InvalidCursor)},
    summary="List cases",
)
async def read_cases(
    request: Request,
    programme: ProgrammeQuery,
    principal: CasesRead,
    session: Reading,
    paging: Paged,
    vendor: Annotated[list[Slug], _MANY] = [],  # noqa: B006 - FastAPI copies defaults
    state: Annotated[list[CaseState], _MANY] = [],  # noqa: B006
    priority: Annotated[list[CasePriority], _MANY] = [],  # noqa: B006
    owner: Annotated[list[Reference], _MANY] = [],  # noqa: B006
    overdue: Annotated[bool, Query(description="Those alone whose due date has passed.")] = False,
) -> Response:
    """Cases that match all filters, newest first."""
    enter(principal, programme)
    moment = now(request)
    before = UUID(paging.after[0]) if paging.after else None
    narrowed: dict[str, list[Any]] = {"vendor": vendor, "state": state, "priority": priority, "owner": owner}
    due = moment if overdue else None
    rows = await list_cases(session, programme, narrowed, overdue=due, before=before, limit=paging.limit + 1)
    page = [document(row, moment) for row in rows[: paging.limit]]
    return reply({"items": page}, headers=paging.headers([page[-1]["id"]] if len(rows) > len(page) else None))


@router.get("/v1/cases/{case_id}", response_model=Case, responses={200: {"links": _LINKS}}, summary="Read a case")
async def read_case(
    request: Request, case_id: CaseId, programme: ProgrammeQuery, principal: CasesRead, session: Reading
) -> Response:
    """The case as it stands, with the steps that lead on from there."""
    enter(principal, programme)
    case = document(await get_case(session, programme, case_id), now(request))
    tag = etag(case)
    return not_modified(request, tag) or reply(case, etag=tag)


@router.patch(
    "/v1/cases/{case_id}",
    response_model=Case,
    responses=responses(CaseClosed, CaseRefused, PreconditionFailed, PreconditionRequired, InvalidRequest),
    summary="Change a case",
    name="change_case",
)
async def update_case(
    request: Request,
    case_id: CaseId,
    change: CaseChange,
    programme: ProgrammeQuery,
    principal: CasesWrite,
    session: Writing,
    if_match: IfMatch = None,
) -> Response:
    """Give a case that goes on another owner, priority, title, description, due date or other participants."""
    enter(principal, programme)
    position = await take_positions(session, streams, programme, 1)
    current = await get_unfinished(session, programme, case_id)
    require_match(if_match, revision_etag(current.revision))
    require_participants(current.vendor, change.participants or ())
    moment = now(request)
    given = change.model_dump(mode="json", include=change.model_fields_set)
    values = given | ({"due_at": change.due_at} if "due_at" in given else {})
    row = await change_case(session, current, Event(CaseEventKind.CHANGE, moment, position, changed=given), **values)
    return answered(row, moment)
