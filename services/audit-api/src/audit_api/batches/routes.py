"""The routes of audit batches."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from audit_api.audits.judging import Rules
from audit_api.audits.records import REVISERS, hiding
from audit_api.batches.glance import glance_by
from audit_api.batches.intake import Intake
from audit_api.batches.merging import Merge, OnConflict
from audit_api.batches.profiles import ProfileMapper
from audit_api.batches.reading import Model, Row, read_rows
from audit_api.batches.records import COUNTED, batch_document, get_batch, keep_batch, list_rows, repetitions, row_document
from audit_api.batches.results import Result, Results
from audit_api.metadata import idempotency_keys, streams
from audit_api.programmes.records import get_document_at, get_programme, put_programme
from tallystick.schemas.audit import AuditBatch, AuditBatchResult, NewAudit, RowPage, RowVerdict
from tallystick.schemas.base import Slug, new_id
from tallystick.schemas.principal import Role
from tallystick.schemas.problem import ProblemError
from tallystick.schemas.programme import Programme
from tallystick.service.auth import Principal, allowed, enter
from tallystick.service.clock import Clock
from tallystick.service.database import Database, Reading, WriteSession
from tallystick.service.feed import take_positions
from tallystick.service.idempotency import REPLAYED, IdempotencyKey, Once, Outcome
from tallystick.service.paging import Paged
from tallystick.service.parameters import ProgrammeQuery
from tallystick.service.problems import (
    COMMON,
    BodyTooLarge,
    Forbidden,
    IdempotencyKeyReused,
    InvalidCursor,
    InvalidRequest,
    MalformedRequest,
    NotFound,
    Problem,
    RequestInProgress,
    TooManyRequests,
    UnsupportedMediaType,
    responses,
)
from tallystick.service.replies import created_at, links, not_modified, reply

BATCHES_PATH = "/v1/audit-batches"
MAX_BODY = 64_000_000
MAX_ROWS = 100_000
_ERRORS_SHOWN = 1000
_ANY_ROW = {"anyOf": [{"$ref": "#/components/schemas/NewAudit"}, {}]}  # a row that is no audit is rejected by its verdict

router = APIRouter(tags=["audit batches"], responses=responses(*COMMON))

BatchesWrite = Annotated[Principal, allowed(Role.ADMIN, Role.QUALITY_MANAGER, Role.AUDITOR, Role.VENDOR_SYSTEM)]
BatchesRead = Annotated[Principal, allowed(Role.ADMIN, Role.QUALITY_MANAGER, Role.AUDITOR, Role.VENDOR_SYSTEM, Role.VENDOR_POC)]
BatchId = Annotated[UUID, Path(description="The batch's id.")]


class BatchRefused(Problem):
    """A batch that was sent with `atomicity=all` holds rows that cannot be taken, so none of it was.

    `errors` name the rows (`/rows/17/site` is field `site` of data row 17), `counts` the verdicts that there would have been.
    """

    status, title = 409, "Not every row can be taken"


@router.post(
    BATCHES_PATH,
    response_model=AuditBatchResult,
    status_code=201,
    responses={
        200: {"model": AuditBatchResult, "description": "A dry run: nothing was changed"},
        201: {
            "links": links(
                {"batch_id": "$response.body#/id", "programme": "$request.query.programme"}, "read_batch", "read_batch_rows"
            )
        },
        **responses(
            MalformedRequest, RequestInProgress, BatchRefused, BodyTooLarge, UnsupportedMediaType, InvalidRequest,
            IdempotencyKeyReused, TooManyRequests,
        ),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/x-ndjson": {"schema": {"type": "string"}},
                "application/json": {"schema": {"type": "array", "items": _ANY_ROW}},
                "text/csv": {"schema": {"type": "string"}},
            },
        }
    },
    summary="Push a batch of audits",
)  # fmt: skip
async def push_batch(
    request: Request,
    principal: BatchesWrite,
    programme: ProgrammeQuery,
    profile: Annotated[Slug | None, Query(description="The import profile that maps the vendor's columns.")] = None,
    dry_run: Annotated[bool, Query(description="Show the verdicts and change nothing.")] = False,
    atomicity: Annotated[Literal["rows", "all"], Query(description="Take every good row, or all rows or none.")] = "rows",
    on_conflict: Annotated[
        OnConflict, Query(description="What to do with a known external id and another judgement.")
    ] = "reject",
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Up to 100,000 rows or 64 MB as NDJSON, a JSON array or CSV, plain, gzip or zstd.

    Every row gets one verdict, and the counts sum to the rows sent. When the answer says `created`, the row is on disk. The same
    rows again create nothing and name the same ids, whenever and however they are sent.
    """
    enter(principal, programme)
    if on_conflict == "revise" and not principal.holds(*REVISERS):
        raise Forbidden(f"Only the client's people revise audits: this needs one of the roles {', '.join(sorted(REVISERS))}.")
    intake: Intake = request.app.state.intake
    database: Database = request.app.state.database
    media_type = request.headers.get("content-type", "")
    async with intake.place(principal.vendor) as place:
        body = await place.body(request)
        # The transaction begins when the body is here: a slow upload holds neither a connection nor the stream's lock.
        async with database.writing(principal) as session:
            options = {"profile": profile, "atomicity": atomicity, "on_conflict": on_conflict}
            asked = f"{media_type}\x1f{dry_run}\x1f{options}\x1f".encode()
            once = Once(idempotency_keys, session, programme, "push_batch", idempotency_key, asked, body)
            if (earlier := await once.earlier()) is not None:
                return await _replayed(session, programme, earlier.id, body, media_type)
            batch = {
                "programme": programme,
                "id": new_id(),
                "vendor": principal.vendor,
                **options,
                "recorded_by": principal.subject,
            }
            return await _take_in(session, batch, body, media_type, dry_run=dry_run, once=once, clock=request.app.state.clock)


async def _take_in(
    session: WriteSession, batch: dict[str, Any], body: bytes, media_type: str, *, dry_run: bool, once: Once, clock: Clock
) -> Response:
    programme: str = batch["programme"]
    await take_positions(session, streams, programme, 0)  # the lock of the stream: from here on nobody else writes here
    batch["recorded_at"] = moment = clock()
    current = await get_programme(session, programme)
    document = Programme.model_validate(current.document)
    rules = Rules(document, session.principal.vendor, moment)
    mapper = _mapper(document, session.principal, batch["profile"])
    rows = bounded(read_rows(body, media_type, mapper, NewAudit, glance_by(rules)), MAX_ROWS)
    merge = Merge(session, programme, None if dry_run else batch["id"], rules, batch["on_conflict"], moment)
    results = Results()
    await merge.run(rows, results.add)
    batch |= results.counts
    if batch["atomicity"] == "all" and batch["rejected"] + batch["conflict"]:
        raise _refused(batch, results.kept)
    if dry_run:
        await session.roll_back()
        return _answer(batch, results, status=200, dry_run=True)
    if (grown := rules.grown()) is not None:
        await put_programme(session, current, grown)
    await keep_batch(session, batch, results.kept)
    await once.keep(Outcome(batch["id"], 0))
    return _answer(batch, results, status=201, dry_run=False)


def _mapper(document: Programme, principal: Principal, profile: str | None) -> ProfileMapper | None:
    """The import profile of this name as the caller sees it: what it must not see of one it cannot find out by using it."""
    if profile is None:
        return None
    for candidate in document.as_seen_by(principal.vendor).import_profiles:
        if candidate.slug == profile:
            return ProfileMapper(candidate)
    raise NotFound("The programme has no such import profile.")


def bounded(rows: Iterator[Row[Model]], most: int) -> Iterator[Row[Model]]:
    """The rows, and a problem when there are too many."""
    for row in rows:
        if row.number > most:
            raise BodyTooLarge(f"At most {most} rows are taken at once.")
        yield row


def _refused(batch: dict[str, Any], results: Sequence[Result]) -> BatchRefused:
    errors = [
        ProblemError(pointer=f"/rows/{result.row}{error.pointer}", code=error.code, detail=error.detail)
        for result in results
        for error in result.errors
    ]
    counts = {verdict: batch[verdict] for verdict in COUNTED}
    return BatchRefused("Nothing of the batch was taken.", errors=errors[:_ERRORS_SHOWN], counts=counts)


def _answer(batch: dict[str, Any], results: Results, *, status: int, dry_run: bool) -> Response:
    shown = batch_document(batch) | {"dry_run": dry_run, "results": results.told}
    headers = {} if dry_run else created_at("audit-batches", batch["id"], batch["programme"])
    return reply(shown, status=status, headers=headers)


async def _replayed(session: WriteSession, programme: str, batch_id: UUID, body: bytes, media_type: str) -> Response:
    """The first answer again: what was kept of the batch, and the repetitions in it, which are named by their external ids."""
    batch = await get_batch(session, programme, batch_id)
    kept = {row.row: row_document(row) for row in await list_rows(session, programme, batch_id, (), 0, MAX_ROWS)}
    document = Programme.model_validate(await get_document_at(session, programme, batch["recorded_at"]))
    sent = read_rows(body, media_type, _mapper(document, session.principal, batch["profile"]), NewAudit)
    repeated = await repetitions(session, programme, (row for row in sent if row.number not in kept))
    results = sorted([*kept.values(), *repeated], key=itemgetter("row"))
    headers = {**created_at("audit-batches", batch_id, programme), **REPLAYED}
    return reply({**batch, "results": results}, status=201, headers=headers)


@router.get(BATCHES_PATH + "/{batch_id}", response_model=AuditBatch, summary="Read a batch")
async def read_batch(
    request: Request, batch_id: BatchId, programme: ProgrammeQuery, principal: BatchesRead, session: Reading
) -> Response:
    """Who pushed it, how, and how many rows got which verdict."""
    enter(principal, programme)
    batch = await get_batch(session, programme, batch_id)
    return not_modified(request, '"1"') or reply(batch, etag='"1"')


@router.get(
    BATCHES_PATH + "/{batch_id}/rows",
    response_model=RowPage,
    responses=responses(InvalidCursor),
    summary="Read the verdicts on a batch's rows",
)
async def read_batch_rows(
    batch_id: BatchId,
    programme: ProgrammeQuery,
    principal: BatchesRead,
    session: Reading,
    paging: Paged,
    verdict: Annotated[list[RowVerdict], Query(description="Only rows with one of these verdicts.")] = [],  # noqa: B006
) -> Response:
    """The rows in the order in which they were sent, with what was wrong with those that were not taken.

    To auditors, rows of audits under appeal that others recorded are not shown: the batch tells whose work they are.
    """
    enter(principal, programme)
    await get_batch(session, programme, batch_id)
    after = int(paging.after[0]) if paging.after else 0
    rows = await list_rows(session, programme, batch_id, verdict, after, paging.limit + 1, hiding(principal))
    page = rows[: paging.limit]
    items = [row_document(row) for row in page]
    return reply({"items": items}, headers=paging.headers([page[-1].row] if len(rows) > len(page) else None))


async def take_one(session: WriteSession, programme: str, audit: NewAudit, moment: datetime) -> Result:
    """Take in a single audit, by the rules and the way of a batch of one."""
    await take_positions(session, streams, programme, 0)
    current = await get_programme(session, programme)
    rules = Rules(Programme.model_validate(current.document), session.principal.vendor, moment)
    rows = iter([Row(1, audit.external_id, audit, ())])
    results: list[Result] = []
    await Merge(session, programme, None, rules, "reject", moment).run(rows, results.extend)
    if (grown := rules.grown()) is not None:
        await put_programme(session, current, grown)
    return results[0]
