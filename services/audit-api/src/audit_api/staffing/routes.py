"""The routes of auditors."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from audit_api.metadata import streams
from audit_api.programmes.records import get_programme, read_document
from audit_api.staffing.auditors import change_auditor, create_auditor, document, find_auditor, get_auditor, list_auditors
from audit_api.staffing.problems import AuditorRefused
from tallystick.schemas.base import Reference
from tallystick.schemas.principal import MANAGERS, Role
from tallystick.schemas.problem import ProblemError
from tallystick.schemas.programme import Programme
from tallystick.schemas.staffing import Auditor, AuditorPage, NewAuditor
from tallystick.service.auth import Principal, allowed, enter
from tallystick.service.clock import now
from tallystick.service.database import Reading, Writing
from tallystick.service.feed import take_positions
from tallystick.service.paging import Paged
from tallystick.service.parameters import ProgrammeQuery
from tallystick.service.problems import (
    COMMON,
    Forbidden,
    InvalidCursor,
    InvalidRequest,
    PreconditionFailed,
    PreconditionRequired,
    responses,
)
from tallystick.service.replies import IfMatch, links, not_modified, reply, require_match, revision_etag

router = APIRouter(tags=["staffing"], responses=responses(*COMMON))

Managing = Annotated[Principal, allowed(*MANAGERS)]
Auditing = Annotated[Principal, allowed(*MANAGERS, Role.AUDITOR)]
AuditorName = Annotated[Reference, Path(description="The `sub` of the auditor's token.")]

_LINKS = links(
    {"auditor": "$response.body#/auditor", "programme": "$request.query.programme"}, "read_auditor", changing=("put_auditor",)
)


@router.get("/v1/auditors", response_model=AuditorPage, responses=responses(InvalidCursor), summary="List auditors")
async def read_auditors(
    programme: ProgrammeQuery,
    principal: Managing,
    session: Reading,
    paging: Paged,
    active: Annotated[bool | None, Query(description="Those alone who audit now, or those alone who do not.")] = None,
) -> Response:
    """Who audits in the programme and what they can do, by name."""
    enter(principal, programme)
    await get_programme(session, programme)
    after = (str(paging.after[0]), str(paging.after[1])) if paging.after else None
    rows = await list_auditors(session, programme, active=active, after=after, limit=paging.limit + 1)
    page = rows[: paging.limit]
    last = (page[-1].name, page[-1].auditor) if len(rows) > len(page) else None
    return reply({"items": [document(row) for row in page]}, headers=paging.headers(last))


@router.get("/v1/auditors/{auditor:path}", response_model=Auditor, responses={200: {"links": _LINKS}}, summary="Read an auditor")
async def read_auditor(
    request: Request, auditor: AuditorName, programme: ProgrammeQuery, principal: Auditing, session: Reading
) -> Response:
    """What somebody can do and when they are there: their own, or anybody's for managers."""
    enter(principal, programme)
    _require_own(principal, auditor)
    row = await get_auditor(session, programme, auditor)
    etag = revision_etag(row.revision)
    return not_modified(request, etag) or reply(document(row), etag=etag)


def _require_own(principal: Principal, auditor: str) -> None:
    if auditor != principal.subject and not principal.holds(*MANAGERS):
        raise Forbidden("Auditors read what is said of themselves; managers read of all.")


@router.put(
    "/v1/auditors/{auditor:path}",
    response_model=Auditor,
    responses={
        200: {"links": _LINKS},
        201: {"model": Auditor, "description": "The auditor is new", "links": _LINKS},
        **responses(AuditorRefused, PreconditionFailed, PreconditionRequired, InvalidRequest),
    },
    summary="Put an auditor",
)
async def put_auditor(
    request: Request,
    auditor: AuditorName,
    new: NewAuditor,
    programme: ProgrammeQuery,
    principal: Managing,
    session: Writing,
    if_match: IfMatch = None,
) -> Response:
    """Say for the first time what somebody can do, or anew (with `If-Match`)."""
    enter(principal, programme)
    await take_positions(session, streams, programme, 0)  # two who put the same auditor come one after the other
    known = await read_document(session, programme)
    if errors := _faults(known, new):
        raise AuditorRefused("The programme does not take this auditor.", errors=errors)
    current = await find_auditor(session, programme, auditor, lock=True)
    if current is None:
        if if_match is not None:
            raise PreconditionFailed("There is no such auditor yet: send the first version without If-Match.")
        row = await create_auditor(session, programme, auditor, new, now(request))
        return reply(document(row), status=201, etag=revision_etag(1))
    require_match(if_match, revision_etag(current.revision))
    row = await change_auditor(session, current, new, now(request))
    return reply(document(row), etag=revision_etag(row.revision))


def _faults(programme: Programme, new: NewAuditor) -> list[ProblemError]:
    policies = {policy.code for policy in programme.policy_set.policies}
    vendors = {vendor.slug for vendor in programme.vendors}
    sites = {f"{vendor.slug}/{site}" for vendor in programme.vendors for site in vendor.sites}
    lists = (
        ("/languages", "language", new.languages, set(programme.languages)),
        ("/policies", "policy", new.policies, policies),
        ("/conflicts/vendors", "vendor", new.conflicts.vendors, vendors),
        ("/conflicts/sites", "site", new.conflicts.sites, sites),
    )
    return [
        ProblemError(pointer=f"{pointer}/{index}", code=f"unknown_{word}", detail=f"The programme knows no such {word}.")
        for pointer, word, named, known in lists
        for index, name in enumerate(named)
        if name not in known
    ]
