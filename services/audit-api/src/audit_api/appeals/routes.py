"""The routes by which appeals are raised, read and followed."""

from collections import Counter
from datetime import datetime
from typing import Annotated, Any, cast
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response
from sqlalchemy import insert, literal, select, tuple_

from audit_api.appeals.columns import AppealColumns
from audit_api.appeals.filters import Filtered
from audit_api.appeals.problems import AppealDecided, AppealOpen, AppealRefused, AppealWindowClosed
from audit_api.appeals.raising import Result, raise_appeals
from audit_api.appeals.records import document, documents, etag, get_appeal, get_history
from audit_api.appeals.tables import appeal_batches, appeals
from audit_api.audits.routes import READERS, AuditErased
from audit_api.batches.intake import Intake
from audit_api.batches.reading import CSV, media_kind, read_rows
from audit_api.batches.reading import Row as SentRow
from audit_api.batches.routes import bounded
from audit_api.metadata import idempotency_keys
from audit_api.programmes.records import get_programme
from tallystick.schemas.appeal import (
    Appeal,
    AppealBatchResult,
    AppealHistory,
    AppealPage,
    AppealRowVerdict,
    NewAppeal,
)
from tallystick.schemas.base import new_id
from tallystick.schemas.principal import Role
from tallystick.service.auth import Principal, allowed, enter
from tallystick.service.clock import now
from tallystick.service.database import Database, Reading, ReadSession, WriteSession, Writing, scoped
from tallystick.service.idempotency import REPLAYED, IdempotencyKey, Once, Outcome
from tallystick.service.paging import Paged
from tallystick.service.parameters import ProgrammeQuery
from tallystick.service.problems import (
    COMMON,
    BodyTooLarge,
    IdempotencyKeyReused,
    InvalidCursor,
    InvalidRequest,
    MalformedRequest,
    RequestInProgress,
    TooManyRequests,
    UnsupportedMediaType,
    responses,
)
from tallystick.service.replies import created_at, links, not_modified, reply
from tallystick.service.turns import Turn

BATCHES_PATH = "/v1/appeal-batches"
MAX_BODY = 16_000_000
MAX_ROWS = 10_000
_ANY_ROW = {"anyOf": [{"$ref": "#/components/schemas/NewAppeal"}, {}]}  # a row that is no appeal is rejected by its verdict
_ONE = {"appeal_id": "$response.body#/id", "programme": "$request.query.programme"}
_LINKS = links(_ONE, "read_appeal", "read_history", changing=("create_withdrawal", "create_escalation", "create_acknowledgement"))

router = APIRouter(tags=["appeals"], responses=responses(*COMMON))

AppealsRead = Annotated[Principal, allowed(*READERS)]
AppealsRaise = Annotated[Principal, allowed(Role.VENDOR_POC)]
AppealId = Annotated[UUID, Path(description="The appeal's id.")]


@router.post(
    "/v1/appeals",
    response_model=Appeal,
    status_code=201,
    responses={
        200: {"model": Appeal, "description": "The same appeal was raised before", "links": _LINKS},
        201: {"links": _LINKS},
        **responses(
            AppealRefused, AppealWindowClosed, AppealOpen, AppealDecided, AuditErased, RequestInProgress, IdempotencyKeyReused,
            InvalidRequest,
        ),
    },
    summary="Appeal an audit",
)  # fmt: skip
async def create_appeal(
    request: Request,
    new: NewAppeal,
    principal: AppealsRaise,
    session: Writing,
    programme: ProgrammeQuery,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Challenge an audit of your own vendor: with a ground, a comment, and the judgement that you propose in its place.

    The same appeal again answers 200 and names the same id, whatever has become of it.
    """
    enter(principal, programme)
    once = Once(idempotency_keys, session, programme, "create_appeal", idempotency_key, new.model_dump_json().encode())
    moment = now(request)
    if (earlier := await once.earlier()) is not None:
        return await _answer(session, programme, earlier.id, moment, status=201 if earlier.position else 200, headers=REPLAYED)
    [result] = await raise_appeals(session, programme, [SentRow(1, new.external_id, new, ())], moment)
    if result.problem is not None:
        raise result.problem
    appeal_id = cast("UUID", result.appeal_id)
    created = result.verdict is AppealRowVerdict.CREATED
    await once.keep(Outcome(appeal_id, int(created)))
    return await _answer(session, programme, appeal_id, moment, status=201 if created else 200)


async def _answer(
    session: ReadSession, programme: str, appeal_id: UUID, moment: datetime, *, status: int, headers: dict[str, str] | None = None
) -> Response:
    appeal = await get_appeal(session, programme, appeal_id, moment)
    location = created_at("appeals", appeal_id, programme) if status == 201 else {}  # noqa: PLR2004 - Created
    return reply(appeal, status=status, etag=etag(appeal), headers={**location, **(headers or {})})


@router.get("/v1/appeals", response_model=AppealPage, responses=responses(InvalidCursor), summary="List appeals")
async def read_appeals(
    request: Request, programme: ProgrammeQuery, principal: AppealsRead, session: Reading, filters: Filtered, paging: Paged
) -> Response:
    """Appeals that match all filters, by the time of their submission, newest first."""
    enter(principal, programme)
    c, moment = appeals.c, now(request)
    time_zone = (await get_programme(session, programme)).document["time_zone"] if filters.names_days else "UTC"
    found = filters.narrow(documents(session, programme), principal, time_zone, moment)
    statement = found.order_by(c.submitted_at.desc(), c.id.desc())
    if paging.after:
        after, appeal_id = paging.after
        key = tuple_(literal(datetime.fromisoformat(after)), literal(UUID(appeal_id)))
        statement = statement.where(tuple_(c.submitted_at, c.id) < key)
    rows = (await session.execute(statement.limit(paging.limit + 1))).all()
    page = [document(row, principal, moment) for row in rows[: paging.limit]]
    last = (page[-1]["submitted_at"].isoformat(), page[-1]["id"]) if len(rows) > len(page) else None
    return reply({"items": page}, headers=paging.headers(last))


@router.get("/v1/appeals/{appeal_id}", response_model=Appeal, summary="Read an appeal")
async def read_appeal(
    request: Request, appeal_id: AppealId, programme: ProgrammeQuery, principal: AppealsRead, session: Reading
) -> Response:
    """The appeal as it stands, with what may be done with it now."""
    enter(principal, programme)
    appeal = await get_appeal(session, programme, appeal_id, now(request))
    tag = etag(appeal)
    return not_modified(request, tag) or reply(appeal, etag=tag)


@router.get("/v1/appeals/{appeal_id}/history", response_model=AppealHistory, summary="Read the history of an appeal")
async def read_history(appeal_id: AppealId, programme: ProgrammeQuery, principal: AppealsRead, session: Reading) -> Response:
    """Every step, oldest first: what was done, when, by whom and why."""
    enter(principal, programme)
    return reply({"items": await get_history(session, programme, appeal_id)})


@router.post(
    BATCHES_PATH,
    response_model=AppealBatchResult,
    status_code=201,
    responses=responses(
        MalformedRequest, RequestInProgress, BodyTooLarge, UnsupportedMediaType, InvalidRequest, IdempotencyKeyReused,
        TooManyRequests,
    ),
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
    summary="Appeal many audits",
)  # fmt: skip
async def push_appeals(
    request: Request, principal: AppealsRaise, programme: ProgrammeQuery, idempotency_key: IdempotencyKey = None
) -> Response:
    """Up to 10,000 appeals or 16 MB as NDJSON, a JSON array or CSV, plain, gzip or zstd.

    Every row gets one verdict, and the counts sum to the rows sent. A row that repeats an appeal is a duplicate and names it,
    whatever has become of it. In CSV the columns of the proposal are `proposed.verdict` and the like, and references to evidence
    stand between spaces.
    """
    enter(principal, programme)
    intake: Intake = request.app.state.intake
    database: Database = request.app.state.database
    media_type = request.headers.get("content-type", "")
    mapper = AppealColumns() if media_kind(media_type) == CSV else None
    async with intake.place(principal.vendor) as place:
        body = await place.body(request)
        async with database.writing(principal) as session:
            once = Once(idempotency_keys, session, programme, "push_appeals", idempotency_key, f"{media_type}\x1f".encode(), body)
            if (earlier := await once.earlier()) is not None:
                return await _replayed(session, programme, earlier.id)
            rows, turn = [], Turn()
            for row in bounded(read_rows(body, media_type, mapper, NewAppeal), MAX_ROWS):
                rows.append(row)
                if turn.is_over:
                    await turn.pass_on()
            answer = _result(await raise_appeals(session, programme, rows, now(request)))
            if idempotency_key is not None:
                await _keep(session, programme, batch_id := new_id(), answer)
                await once.keep(Outcome(batch_id, 0))
            return reply(answer, status=201)


def _result(results: list[Result]) -> dict[str, Any]:
    """The answer to a batch, in the plain form in which it can be kept."""
    counts = Counter(result.verdict.value for result in results)
    return {
        "counts": {"rows": len(results), **{verdict.value: counts[verdict.value] for verdict in AppealRowVerdict}},
        "results": [
            {
                "row": result.row,
                "verdict": result.verdict.value,
                "appeal_id": result.appeal_id and str(result.appeal_id),
                "errors": [error.model_dump() for error in result.errors],
            }
            for result in results
        ],
    }


async def _keep(session: WriteSession, programme: str, batch_id: UUID, answer: dict[str, Any]) -> None:
    values = {"programme": programme, "id": batch_id, "vendor": session.principal.vendor, "answer": answer}
    await session.execute(insert(appeal_batches).values(values))


async def _replayed(session: WriteSession, programme: str, batch_id: UUID) -> Response:
    statement = scoped(select(appeal_batches.c.answer), appeal_batches, programme, session.principal)
    answer = (await session.execute(statement.where(appeal_batches.c.id == batch_id))).scalar_one()
    return reply(answer, status=201, headers=REPLAYED)
