"""The routes of audits."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response
from sqlalchemy import literal, literal_column, tuple_

from audit_api.appeals.records import erase_appeals
from audit_api.audits.filters import Filtered
from audit_api.audits.judging import Rules
from audit_api.audits.records import (
    REVISERS,
    document,
    documents,
    erase,
    find_audit,
    get_audit,
    get_first_version,
    get_revisions,
    hiding,
    revise,
)
from audit_api.audits.tables import audits
from audit_api.batches.routes import take_one
from audit_api.calibration import golden, items
from audit_api.metadata import idempotency_keys, streams
from audit_api.programmes.records import get_programme, put_programme
from tallystick.schemas.audit import (
    Audit,
    AuditPage,
    AuditRevisions,
    Erasure,
    NewAudit,
    NewRevision,
    RowError,
    RowVerdict,
)
from tallystick.schemas.principal import Role
from tallystick.schemas.problem import ProblemError
from tallystick.schemas.programme import Programme
from tallystick.service.auth import Principal, allowed, enter
from tallystick.service.clock import now
from tallystick.service.database import Reading, ReadSession, Writing
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
    Problem,
    RequestInProgress,
    responses,
)
from tallystick.service.replies import IfMatch, created_at, links, not_modified, reply, require_match, revision_etag

router = APIRouter(tags=["audits"], responses=responses(*COMMON))

READERS = (Role.SERVICE, Role.ADMIN, Role.QUALITY_MANAGER, Role.AUDITOR, Role.VENDOR_POC, Role.VENDOR_SYSTEM)
"""Who may read audits, one by one or on the feed."""

_ONE = {"audit_id": "$response.body#/id", "programme": "$request.query.programme"}
_LINKS = links(_ONE, "read_audit", "read_revisions", changing=("create_revision", "create_erasure"))

AuditsRead = Annotated[Principal, allowed(*READERS)]
AuditsWrite = Annotated[Principal, allowed(Role.ADMIN, Role.QUALITY_MANAGER, Role.AUDITOR, Role.VENDOR_SYSTEM)]
AuditsRevise = Annotated[Principal, allowed(*REVISERS)]
AuditsErase = Annotated[Principal, allowed(Role.ADMIN, Role.QUALITY_MANAGER)]
AuditId = Annotated[UUID, Path(description="The audit's id.")]
_NOTHING_CREATED = 0  # the position in the outcome of a request that found its audit there already


class AuditConflict(Problem):
    """The vendor has used this external id before, for an audit that says something else.

    An audit is never edited: to change a judgement, append a revision to the audit that `audit_id` names.
    `errors` name what differs.
    """

    status, title = 409, "The external id belongs to another audit"


class AuditRefused(Problem):
    """The audit has the right shape, and the programme does not take it.

    `errors` name the words that the programme does not know, a judgement that contradicts itself, or times that cannot be.
    """

    status, title = 409, "The programme does not take this audit"


class AuditErased(Problem):
    """The audit was erased: nothing that names a person is left of it, and it does not change any more."""

    status, title = 409, "The audit was erased"


@router.post(
    "/v1/audits",
    response_model=Audit,
    status_code=201,
    responses={
        200: {"model": Audit, "description": "The same audit was recorded before", "links": _LINKS},
        201: {"links": _LINKS},
        **responses(AuditConflict, AuditRefused, RequestInProgress, IdempotencyKeyReused, InvalidRequest),
    },
    summary="Record an audit",
)
async def create_audit(
    request: Request,
    new: NewAudit,
    principal: AuditsWrite,
    session: Writing,
    programme: ProgrammeQuery,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Record one audit, by the same rules as a batch: the same audit again answers 200 and names the same id."""
    enter(principal, programme)
    once = Once(idempotency_keys, session, programme, "create_audit", idempotency_key, new.model_dump_json().encode())
    if (earlier := await once.earlier()) is not None:
        return await _replayed(session, programme, earlier)
    result = await take_one(session, programme, new, now(request))
    if result.verdict is RowVerdict.REJECTED:
        raise AuditRefused("The programme does not take this audit.", errors=_problem_errors(result.errors))
    if result.audit_id is None or result.verdict is RowVerdict.CONFLICT:
        raise AuditConflict(
            "The audit recorded under this external id differs.",
            errors=_problem_errors(result.errors),
            audit_id=result.audit_id,
        )
    audit = await get_audit(session, programme, UUID(result.audit_id))
    if result.verdict is RowVerdict.DUPLICATE:
        await once.keep(Outcome(audit["id"], _NOTHING_CREATED))
        return _answer(audit, status=200)
    await once.keep(Outcome(audit["id"], audit["position"]))
    return _answer(audit, status=201)


async def _replayed(session: ReadSession, programme: str, earlier: Outcome) -> Response:
    """The first answer again: the audit as it was created, or as it stands where the first request found it there already."""
    if earlier.position == _NOTHING_CREATED:
        return _answer(await get_audit(session, programme, earlier.id), status=200, headers=REPLAYED)
    return _answer(await get_first_version(session, programme, earlier), status=201, headers=REPLAYED)


def _answer(audit: dict[str, Any], *, status: int, headers: dict[str, str] | None = None) -> Response:
    location = created_at("audits", audit["id"], audit["programme"]) if status == HTTPStatus.CREATED else {}
    return reply(audit, status=status, etag=_etag(audit), headers={**location, **(headers or {})})


def _etag(audit: dict[str, Any]) -> str:
    """Of the revision, and of the form that it has for those who must not know whose work it is."""
    return revision_etag(audit["revision"], *(["blind"] if audit["recorded_by"] is None else []))


def _problem_errors(errors: tuple[RowError, ...]) -> list[ProblemError]:
    return [ProblemError(**error.model_dump()) for error in errors]


@router.get("/v1/audits", response_model=AuditPage, responses=responses(InvalidCursor), summary="List audits")
async def read_audits(
    programme: ProgrammeQuery, principal: AuditsRead, session: Reading, filters: Filtered, paging: Paged
) -> Response:
    """Audits that match all filters, by the time of the audit, newest first."""
    enter(principal, programme)
    c = audits.c
    time_zone = (await get_programme(session, programme)).document["time_zone"] if filters.names_days else "UTC"
    found = filters.narrow(documents(session, programme), time_zone, hiding(principal))
    statement = found.order_by(c.audited_at.desc(), c.id.desc())
    if paging.after:
        moment, audit_id = paging.after
        key = tuple_(literal(datetime.fromisoformat(moment)), literal(UUID(audit_id)))
        statement = statement.where(tuple_(c.audited_at, c.id) < key)
    rows = await session.rows(statement.limit(literal_column(f"{paging.limit + 1}")))  # a parameter is planned for each time anew
    page = [document(row) for row in rows[: paging.limit]]
    last = (page[-1]["audited_at"].isoformat(), page[-1]["id"]) if len(rows) > len(page) else None
    return reply({"items": page}, headers=paging.headers(last))


@router.get("/v1/audits/{audit_id}", response_model=Audit, summary="Read an audit")
async def read_audit(
    request: Request, audit_id: AuditId, programme: ProgrammeQuery, principal: AuditsRead, session: Reading
) -> Response:
    """The audit as adjudicated, with its judgement as first scored beside it where they differ."""
    enter(principal, programme)
    audit = await get_audit(session, programme, audit_id)
    etag = _etag(audit)
    return not_modified(request, etag) or reply(audit, etag=etag)


@router.get("/v1/audits/{audit_id}/revisions", response_model=AuditRevisions, summary="Read the history of an audit")
async def read_revisions(audit_id: AuditId, programme: ProgrammeQuery, principal: AuditsRead, session: Reading) -> Response:
    """Every version of the judgement, oldest first, with who recorded it, when and why."""
    enter(principal, programme)
    return reply({"items": await get_revisions(session, programme, audit_id)})


@router.post(
    "/v1/audits/{audit_id}/revisions",
    response_model=Audit,
    status_code=201,
    responses=responses(
        AuditErased,
        AuditRefused,
        RequestInProgress,
        PreconditionFailed,
        PreconditionRequired,
        InvalidRequest,
        IdempotencyKeyReused,
    ),
    summary="Revise an audit",
)
async def create_revision(
    request: Request,
    audit_id: AuditId,
    new: NewRevision,
    programme: ProgrammeQuery,
    principal: AuditsRevise,
    session: Writing,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Append a revision with its reason. The judgement as first scored stays readable for ever.

    The same key and payload again append nothing, and answer the audit as it stands.
    """
    enter(principal, programme)
    payload = new.model_dump_json().encode()
    once = Once(idempotency_keys, session, programme, "create_revision", idempotency_key, audit_id.bytes, payload)
    if (earlier := await once.earlier()) is not None:
        return _answer(await get_audit(session, programme, earlier.id), status=201, headers=REPLAYED)
    position = await take_positions(session, streams, programme, 1)
    current = await find_audit(session, programme, audit_id)
    require_match(if_match, revision_etag(current.revision))
    if current.erased:
        raise AuditErased("An erased audit does not change any more.")
    configured = await get_programme(session, programme)
    rules = Rules(Programme.model_validate(configured.document), principal.vendor)
    errors = rules.check_judgement(new.judgement)
    if errors:
        within = [error.model_copy(update={"pointer": f"/judgement{error.pointer}"}) for error in errors]
        raise AuditRefused("The programme does not take this judgement.", errors=_problem_errors(tuple(within)))
    await revise(session, current, new.judgement, new.reason, position, now(request))
    if (grown := rules.grown()) is not None:
        await put_programme(session, configured, grown)
    await once.keep(Outcome(audit_id, position))
    return _answer(await get_audit(session, programme, audit_id), status=201)


@router.post(
    "/v1/audits/{audit_id}/erasure",
    response_model=Audit,
    responses=responses(PreconditionFailed, PreconditionRequired, AuditErased),
    summary="Erase the personal fields of an audit",
)
async def create_erasure(
    request: Request,
    audit_id: AuditId,
    erasure: Erasure,
    programme: ProgrammeQuery,
    principal: AuditsErase,
    session: Writing,
    if_match: IfMatch = None,
) -> Response:
    """Erase moderator, auditor, content reference, comments and reasons. The judgement stays, and so do the numbers.

    What was said in appeals of the audit is erased with it, and an appeal that was open expires.

    The audit remains as a tombstone in the feed, so that every reader erases too.
    """
    enter(principal, programme)
    position = await take_positions(session, streams, programme, 1)
    current = await find_audit(session, programme, audit_id)
    require_match(if_match, revision_etag(current.revision))
    if current.erased:
        raise AuditErased("Nothing is left to erase.")
    await erase(session, current, erasure.reason, position, now(request))
    await erase_appeals(session, programme, audit_id, now(request))
    await golden.forget_audit(session, programme, audit_id)
    await items.forget_audit(session, programme, audit_id)
    return _answer(await get_audit(session, programme, audit_id), status=200)
