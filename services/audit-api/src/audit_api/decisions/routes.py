"""The routes of decisions."""

from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Query, Request, Response

from audit_api.audits.judging import Rules
from audit_api.batches.intake import Intake
from audit_api.batches.reading import NDJSON, media_kind
from audit_api.decisions.merging import Taking, read_place, take_in
from audit_api.decisions.problems import SourceOutOfStep
from audit_api.decisions.reading import Reader
from audit_api.decisions.records import (
    batch_document,
    get_batch,
    get_source,
    list_sources,
    owner_of,
    read_draws,
    read_elsewhere,
    source_document,
)
from audit_api.decisions.tally import Tally
from audit_api.programmes.records import get_programme, read_document
from tallystick.schemas.base import Code, Slug
from tallystick.schemas.decision import DecisionBatch, DecisionSource, DecisionSourcePage
from tallystick.schemas.principal import Role
from tallystick.service.auth import ALL, Principal, allowed, enter
from tallystick.service.bodies import BodyLimit
from tallystick.service.database import Database, Reading
from tallystick.service.paging import Paged
from tallystick.service.parameters import ProgrammeQuery
from tallystick.service.problems import (
    COMMON,
    BodyTooLarge,
    InvalidCursor,
    InvalidRequest,
    MalformedRequest,
    TooManyRequests,
    UnsupportedMediaType,
    responses,
)
from tallystick.service.replies import created_at, not_modified, reply

BATCHES_PATH = "/v1/decision-batches"
MAX_BODY = BodyLimit(sent=64_000_000, unpacked=1_000_000_000)

router = APIRouter(tags=["decisions"], responses=responses(*COMMON))

DecisionsWrite = Annotated[Principal, allowed(Role.ADMIN, Role.QUALITY_MANAGER, Role.VENDOR_SYSTEM)]
DecisionsRead = Annotated[
    Principal, allowed(Role.ADMIN, Role.QUALITY_MANAGER, Role.AUDITOR, Role.ANALYST, Role.VENDOR_SYSTEM, Role.VENDOR_POC)
]
BatchId = Annotated[UUID, Path(description="The batch's id.")]
SourceName = Annotated[Code, Path(description="The source's name.")]
_LARGEST_ROW = 2**53 - 1
_DRAWING = Principal("audit-api", frozenset({Role.SERVICE}), frozenset({ALL}), None, "")
"""Who may know the keys of draws to come."""


@router.post(
    BATCHES_PATH,
    response_model=DecisionBatch,
    status_code=201,
    responses={
        201: {
            "links": {
                "read_decision_batch": {
                    "operationId": "read_decision_batch",
                    "parameters": {"decision_batch_id": "$response.body#/id", "programme": "$request.query.programme"},
                }
            }
        },
        **responses(MalformedRequest, SourceOutOfStep, BodyTooLarge, UnsupportedMediaType, InvalidRequest, TooManyRequests),
    },
    openapi_extra={"requestBody": {"required": True, "content": {NDJSON: {"schema": {"type": "string"}}}}},
    summary="Send decisions",
)
async def push_decisions(
    request: Request,
    principal: DecisionsWrite,
    programme: ProgrammeQuery,
    source: Annotated[Code, Query(description="The file, or the partition of a stream, that the lines are from.")],
    edition: Annotated[
        int, Query(ge=1, le=1_000_000, description="One more than before replaces what the source has counted.")
    ] = 1,
    first_row: Annotated[int, Query(ge=0, le=_LARGEST_ROW, description="How many lines of the source come before.")] = 0,
) -> Response:
    """Up to a million lines of NDJSON, 64 MB as they are sent and 1 GB unpacked, plain, gzip or zstd.

    Each line is counted once: those before the source's `next_row` are `repeated`, however often they come, so what became of
    no answer is sent again as it was. Faulty lines are rejected by themselves, and keep their place in the numbering.
    """
    enter(principal, programme)
    if media_kind(request.headers.get("content-type", "")) != NDJSON:
        raise UnsupportedMediaType(f"Decisions are sent as {NDJSON}.")
    intake: Intake = request.app.state.decision_intake
    database: Database = request.app.state.database
    owner = owner_of(principal)
    async with intake.place(principal.vendor) as turn:
        async with database.reading(principal) as session:
            document = await read_document(session, programme)
            place = await read_place(session, programme, owner, source)
            start = place.follows(edition, first_row)
            elsewhere = await read_elsewhere(session, programme, owner)
        rules, zone = Rules(document, principal.vendor, request.app.state.clock()), ZoneInfo(document.time_zone)
        until = rules.latest.astimezone(zone).date()
        async with database.reading(_DRAWING) as session:
            draws = await read_draws(session, principal, programme, until)
        tally = Tally(draws, elsewhere)
        reader = Reader(rules, zone, tally, first_row, start.next_row)
        # The transaction begins when the body is here: a slow upload holds no connection, and what it comes to fits in memory.
        await turn.pieces(request, reader.feed)
        reader.end()
        async with database.writing(principal) as session:
            to_come = {draw.id: draw.revision for draw in draws if draw.open}
            taking = Taking(programme, owner, source, place, edition, first_row, until, to_come, rules, reader, tally)
            batch = await take_in(session, taking, request.app.state.clock())
    headers = created_at("decision-batches", batch["id"], programme)
    return reply(batch_document(batch, principal), status=201, headers=headers)


@router.get(BATCHES_PATH + "/{decision_batch_id}", response_model=DecisionBatch, summary="Read a batch of decisions")
async def read_decision_batch(
    request: Request, decision_batch_id: BatchId, programme: ProgrammeQuery, principal: DecisionsRead, session: Reading
) -> Response:
    """Who sent it, what became of its lines, and the first thousand that were rejected, with what was wrong with each."""
    enter(principal, programme)
    batch = await get_batch(session, programme, decision_batch_id)
    return not_modified(request, '"1"') or reply(batch, etag='"1"')


@router.get(
    "/v1/decision-sources",
    response_model=DecisionSourcePage,
    responses=responses(InvalidCursor),
    summary="List the sources of decisions",
)
async def read_decision_sources(
    programme: ProgrammeQuery,
    principal: DecisionsRead,
    session: Reading,
    paging: Paged,
    vendor: Annotated[list[Slug], Query(description="Only sources of one of these vendors' systems.")] = [],  # noqa: B006
) -> Response:
    """Where each of them stands: the client's own first, then by vendor and name. A vendor sees its own."""
    enter(principal, programme)
    await get_programme(session, programme)
    rows = await list_sources(session, programme, vendor, paging.after, paging.limit + 1)
    page = rows[: paging.limit]
    last = [page[-1].owner, page[-1].source] if len(rows) > len(page) else None
    return reply({"items": [source_document(row) for row in page]}, headers=paging.headers(last))


@router.get("/v1/decision-sources/{source}", response_model=DecisionSource, summary="Read a source of decisions")
async def read_decision_source(
    source: SourceName,
    programme: ProgrammeQuery,
    principal: DecisionsRead,
    session: Reading,
    vendor: Annotated[Slug | None, Query(description="The vendor whose system sends it; without it, the client's own.")] = None,
) -> Response:
    """Where it stands: `next_row` is where to go on. To a vendor, sources are its own."""
    enter(principal, programme)
    row = await get_source(session, programme, vendor or owner_of(principal), source)
    return reply(source_document(row))
