"""The routes of programmes."""

import asyncio
from typing import Annotated

import orjson
import yaml
from fastapi import APIRouter, Path, Request, Response
from pydantic import ValidationError

from audit_api.metadata import streams
from audit_api.programmes.problems import TimeZoneInUse
from audit_api.programmes.records import (
    create_programme,
    find_programme,
    get_programme,
    list_programmes,
    list_versions,
    programme_read,
    put_programme,
)
from audit_api.sampling.committing import under_way
from tallystick import documents
from tallystick.schemas.base import Slug
from tallystick.schemas.principal import Role
from tallystick.schemas.problem import ProblemError
from tallystick.schemas.programme import Programme, ProgrammeList, ProgrammeRead, ProgrammeVersions
from tallystick.service.auth import Principal, allowed, enter
from tallystick.service.calendar import calendar_faults
from tallystick.service.clock import now
from tallystick.service.database import Database, Reading, Writing
from tallystick.service.feed import take_positions
from tallystick.service.problems import (
    COMMON,
    InvalidRequest,
    MalformedRequest,
    PreconditionFailed,
    PreconditionRequired,
    UnsupportedMediaType,
    problem_errors,
    responses,
)
from tallystick.service.replies import IfMatch, not_modified, reply, require_match, revision_etag

router = APIRouter(tags=["programmes"], responses=responses(*COMMON))

ProgrammesRead = Annotated[Principal, allowed(*Role)]
ProgrammesWrite = Annotated[Principal, allowed(Role.ADMIN)]
ProgrammeSlug = Annotated[Slug, Path(description="The programme's slug.")]

_YAML = {"application/yaml", "application/x-yaml", "text/yaml"}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            kind: {"schema": {"$ref": "#/components/schemas/Programme"}} for kind in ("application/json", "application/yaml")
        },
    }
}


@router.get("/v1/programmes", response_model=ProgrammeList, summary="List the programmes that you may see")
async def read_programmes(principal: ProgrammesRead, session: Reading) -> Response:
    """All programmes of the caller, by name, each with its document."""
    rows = await list_programmes(session)
    return reply(ProgrammeList(items=tuple(programme_read(row, principal) for row in rows)))


@router.get("/v1/programmes/{programme}", response_model=ProgrammeRead, summary="Read a programme's document")
async def read_programme(request: Request, programme: ProgrammeSlug, principal: ProgrammesRead, session: Reading) -> Response:
    """The document as it stands. A vendor sees itself in it and no other vendor."""
    row = await get_programme(session, programme)
    etag = revision_etag(row.revision)
    return not_modified(request, etag) or reply(programme_read(row, principal), etag=etag)


@router.get("/v1/programmes/{programme}/versions", response_model=ProgrammeVersions, summary="Read the history of a programme")
async def read_versions(programme: ProgrammeSlug, principal: ProgrammesRead, session: Reading) -> Response:
    """All versions of the document, newest first, with who changed it and when."""
    rows = await list_versions(session, programme)
    return reply(ProgrammeVersions(items=tuple(programme_read(row, principal) for row in rows)))


@router.put(
    "/v1/programmes/{programme}",
    response_model=ProgrammeRead,
    responses={
        201: {"model": ProgrammeRead, "description": "The programme is new"},
        **responses(
            MalformedRequest, PreconditionFailed, UnsupportedMediaType, InvalidRequest, PreconditionRequired, TimeZoneInUse
        ),
    },
    openapi_extra=_BODY,
    summary="Put a programme's document",
)
async def write_programme(
    request: Request, programme: ProgrammeSlug, principal: ProgrammesWrite, session: Writing, if_match: IfMatch = None
) -> Response:
    """Create a programme, or put a new version of its document (with `If-Match`). JSON or YAML."""
    enter(principal, programme)
    document = await asyncio.to_thread(_document, request, await request.body())
    if document.slug != programme:
        error = ProblemError(pointer="/slug", code="slug_mismatch", detail="The slug is not the one in the address.")
        raise InvalidRequest("The document belongs to another programme.", errors=[error])
    if faults := calendar_faults(document.calendar):
        raise InvalidRequest("The document has mistakes.", errors=faults)
    await take_positions(session, streams, programme, 0)  # the lock of the stream, which every writer takes first
    current = await find_programme(session, programme)
    if current is None:
        if if_match is not None:
            raise PreconditionFailed("There is no such programme yet: send the first version without If-Match.")
        row = await create_programme(session, document)
        return reply(programme_read(row, principal), status=201, etag=revision_etag(1))
    require_match(if_match, revision_etag(current.revision))
    if current.document["time_zone"] != document.time_zone:
        until = await under_way(session, programme, now(request))
        if until is not None:
            raise TimeZoneInUse("The period of a draw is under way.", until=until)
    row = current if programme_read(current, principal).document == document else await put_programme(session, current, document)
    return reply(programme_read(row, principal), etag=revision_etag(row.revision))


def _document(request: Request, body: bytes) -> Programme:
    """The document of a body. YAML of a megabyte can take a quarter of a minute to read: no work for the event loop."""
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    try:
        if kind == "application/json":
            return Programme.model_validate(orjson.loads(body))
        if kind in _YAML:
            return Programme.model_validate(documents.load(body))
    except ValidationError as error:
        raise InvalidRequest("The document has mistakes.", errors=problem_errors(error.errors())) from None
    except orjson.JSONDecodeError:
        raise MalformedRequest("The body is not JSON.") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise MalformedRequest("The body is not YAML.") from None
    raise UnsupportedMediaType("A programme is put as application/json or application/yaml.")


async def require_programme(request: Request, principal: Principal, programme: str) -> None:
    """Raise a problem where the principal sees no such programme."""
    database: Database = request.app.state.database
    async with database.reading(principal) as session:
        await get_programme(session, programme)
