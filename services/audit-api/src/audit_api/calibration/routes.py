"""The routes of sessions and their items."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import PositiveInt

from audit_api.calibration import golden
from audit_api.calibration.items import MAX_ITEMS, add_items, documents, find_item, list_items, set_benchmark
from audit_api.calibration.items import document as item_document
from audit_api.calibration.problems import CalibrationRefused, CalibrationState, may, refused, require_state
from audit_api.calibration.sessions import (
    conclude,
    count_items,
    draft,
    edit,
    find_session,
    get_session,
    list_sessions,
    open_scoring,
    review,
)
from audit_api.calibration.tables import calibration_items
from audit_api.calibration.visibility import READERS
from audit_api.metadata import idempotency_keys, streams
from tallystick.schemas.calibration import (
    AddedItems,
    Benchmark,
    CalibrationItem,
    CalibrationSession,
    Conclusion,
    ItemPage,
    NewItems,
    NewSession,
    SessionAction,
    SessionPage,
    SessionState,
)
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
    PreconditionFailed,
    PreconditionRequired,
    RequestInProgress,
    responses,
)
from tallystick.service.replies import IfMatch, created_at, links, not_modified, reply, require_match, revision_etag

router = APIRouter(tags=["calibration"], responses=responses(*COMMON))

SESSIONS_PATH = "/v1/calibration-sessions"
ITEMS_PATH = SESSIONS_PATH + "/{session_id}/items"
MAX_BODY = 16_000_000

CalibrationRead = Annotated[Principal, allowed(*READERS)]
SessionId = Annotated[UUID, Path(description="The session's id.")]
ItemNumber = Annotated[PositiveInt, Path(le=MAX_ITEMS, description="The item's number in its session.")]

_PROGRAMME = {"programme": "$request.query.programme"}
_LINKS = links(
    {"session_id": "$response.body#/id", **_PROGRAMME},
    "read_calibration_session",
    "create_calibration_items",
    "read_calibration_items",
    "create_rating_batch",
    "read_progress",
    changing=("put_calibration_session", "create_opening", "create_review", "create_conclusion"),
)
_OF_ITEM = ("put_rating", "delete_rating", "read_past_ratings", "put_golden", "delete_golden")
_ITEM = {"session_id": "$response.body#/session_id", "number": "$response.body#/number", **_PROGRAMME}
_FIRST = {name: value.replace("#/", "#/items/0/") for name, value in _ITEM.items()}
_ADDED = {**_ITEM, "number": "$response.body#/first"}
_LINKS_OF_FIRST = {
    **links(_FIRST, *_OF_ITEM),
    **links({**_FIRST, "if-match": '"{$response.body#/items/0/revision}"'}, "put_benchmark"),
}
_AS_IT_STANDS: dict[int | str, dict[str, Any]] = {200: {"links": _LINKS}}
_ITEM_AS_IT_STANDS: dict[int | str, dict[str, Any]] = {200: {"links": links(_ITEM, *_OF_ITEM, changing=("put_benchmark",))}}
_MOVED = responses(CalibrationState, PreconditionFailed, PreconditionRequired)
_MOVED_OR_REFUSED = responses(CalibrationState, CalibrationRefused, PreconditionFailed, PreconditionRequired)


@router.post(
    SESSIONS_PATH,
    response_model=CalibrationSession,
    status_code=201,
    responses={201: {"links": _LINKS}, **responses(CalibrationRefused, RequestInProgress, IdempotencyKeyReused)},
    summary="Draft a calibration session",
)
async def create_calibration_session(
    request: Request,
    new: NewSession,
    principal: Annotated[Principal, allowed(*may(SessionAction.DRAFT))],
    session: Writing,
    programme: ProgrammeQuery,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Draft a session: what is asked, the scale, who rates until when. Items come next; nobody who rates sees it yet."""
    enter(principal, programme)
    payload = new.model_dump_json().encode()
    once = Once(idempotency_keys, session, programme, "create_calibration_session", idempotency_key, payload)
    if (earlier := await once.earlier()) is not None:
        drafted = await get_session(session, programme, earlier.id)
        return _drafted({**drafted, **_as_drafted(new), "revision": 1, "position": earlier.position}, REPLAYED)
    position = await take_positions(session, streams, programme, 1)
    session_id = await draft(session, programme, new, position, now(request))
    await once.keep(Outcome(session_id, position))
    return _drafted(await get_session(session, programme, session_id))


def _as_drafted(new: NewSession) -> dict[str, Any]:
    """What of a session may have changed since it was drafted, as it was then."""
    later = dict.fromkeys(("opened_at", "reviewed_at", "concluded_at", "conclusion"))
    raters = sorted(new.model_dump(mode="json")["raters"], key=lambda rater: str(rater["subject"]))
    return {**new.model_dump(), "raters": raters, **later, "state": SessionState.DRAFT, "items": 0}


def _drafted(shown: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    location = created_at("calibration-sessions", shown["id"], shown["programme"])
    return reply(shown, status=201, etag=revision_etag(1), headers={**location, **(headers or {})})


@router.get(SESSIONS_PATH, response_model=SessionPage, responses=responses(InvalidCursor), summary="List calibration sessions")
async def read_calibration_sessions(
    programme: ProgrammeQuery,
    principal: CalibrationRead,
    session: Reading,
    paging: Paged,
    state: Annotated[list[SessionState], Query(description="Repeat it for several: any of them.")] = [],  # noqa: B006 - FastAPI copies defaults
) -> Response:
    """Sessions, newest first. Drafts are there for those who facilitate; a vendor sees those in which its people rate."""
    enter(principal, programme)
    before = UUID(paging.after[0]) if paging.after else None
    found = await list_sessions(session, programme, state, before, paging.limit + 1)
    page = found[: paging.limit]
    return reply({"items": page}, headers=paging.headers([page[-1]["id"]] if len(found) > len(page) else None))


@router.get(
    SESSIONS_PATH + "/{session_id}",
    response_model=CalibrationSession,
    responses=_AS_IT_STANDS,
    summary="Read a calibration session",
)
async def read_calibration_session(
    request: Request, session_id: SessionId, programme: ProgrammeQuery, principal: CalibrationRead, session: Reading
) -> Response:
    """The session as it stands, with the raters that the caller may know of."""
    enter(principal, programme)
    found = await get_session(session, programme, session_id)
    etag = revision_etag(found["revision"])
    return not_modified(request, etag) or reply(found, etag=etag)


@router.put(
    SESSIONS_PATH + "/{session_id}",
    response_model=CalibrationSession,
    responses=_AS_IT_STANDS | _MOVED_OR_REFUSED,
    summary="Change a draft",
)
async def put_calibration_session(
    session_id: SessionId,
    new: NewSession,
    programme: ProgrammeQuery,
    principal: Annotated[Principal, allowed(*may(SessionAction.EDIT))],
    session: Writing,
    if_match: IfMatch = None,
) -> Response:
    """Replace what was drafted, raters included; the items stay."""
    enter(principal, programme)
    position = await take_positions(session, streams, programme, 1)
    current = await find_session(session, programme, session_id)
    require_match(if_match, revision_etag(current.revision))
    require_state(current.state, SessionAction.EDIT)
    await edit(session, current, new, position)
    return await _answer(session, programme, session_id)


async def _answer(session: ReadSession, programme: str, session_id: UUID) -> Response:
    shown = await get_session(session, programme, session_id)
    return reply(shown, etag=revision_etag(shown["revision"]))


@router.post(
    ITEMS_PATH,
    response_model=AddedItems,
    status_code=201,
    responses={
        201: {"links": links(_ADDED, *_OF_ITEM)},
        **responses(CalibrationState, CalibrationRefused, RequestInProgress, IdempotencyKeyReused),
    },
    summary="Add items to a draft",
)
async def create_calibration_items(
    session_id: SessionId,
    new: NewItems,
    programme: ProgrammeQuery,
    principal: Annotated[Principal, allowed(*may(SessionAction.ADD_ITEMS))],
    session: Writing,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Add up to 10,000 items in their order: all of them, or none where one is refused. A session has at most 20,000."""
    enter(principal, programme)
    payload = new.model_dump_json().encode()
    once = Once(idempotency_keys, session, programme, "create_calibration_items", idempotency_key, session_id.bytes, payload)
    earlier = await once.earlier()
    if earlier is None:
        await take_positions(session, streams, programme, 0)
        current = await find_session(session, programme, session_id)
        require_state(current.state, SessionAction.ADD_ITEMS)
        position = await take_positions(session, streams, programme, len(new.items) + 1)
        await add_items(session, current, new.items, position)
        await count_items(session, current, position + len(new.items), current.items + len(new.items))
        await once.keep(Outcome(session_id, current.items + 1))
    first = earlier.position if earlier else current.items + 1
    added = AddedItems(session_id=session_id, first=first, last=first + len(new.items) - 1)
    return reply(added, status=201, headers=REPLAYED if earlier else None)


@router.get(
    ITEMS_PATH,
    response_model=ItemPage,
    responses={200: {"links": _LINKS_OF_FIRST}, **responses(InvalidCursor)},
    summary="List the items of a session",
)
async def read_calibration_items(
    session_id: SessionId, programme: ProgrammeQuery, principal: CalibrationRead, session: Reading, paging: Paged
) -> Response:
    """The items in their order, each with the caller's own rating; from review on with all ratings that the caller may see."""
    enter(principal, programme)
    await find_session(session, programme, session_id)
    after = int(paging.after[0]) if paging.after else 0
    found = await list_items(session, programme, session_id, after, paging.limit + 1)
    page = found[: paging.limit]
    return reply({"items": page}, headers=paging.headers([page[-1]["number"]] if len(found) > len(page) else None))


@router.post(
    SESSIONS_PATH + "/{session_id}/opening",
    response_model=CalibrationSession,
    responses=_AS_IT_STANDS | _MOVED_OR_REFUSED,
    summary="Open scoring",
)
async def create_opening(
    request: Request,
    session_id: SessionId,
    programme: ProgrammeQuery,
    principal: Annotated[Principal, allowed(*may(SessionAction.OPEN))],
    session: Writing,
    if_match: IfMatch = None,
) -> Response:
    """Let the raters begin. From now on neither the raters nor the items change."""
    enter(principal, programme)
    await take_positions(session, streams, programme, 0)
    current = await find_session(session, programme, session_id)
    require_match(if_match, revision_etag(current.revision))
    await open_scoring(session, current, now(request))
    return await _answer(session, programme, session_id)


@router.post(
    SESSIONS_PATH + "/{session_id}/review",
    response_model=CalibrationSession,
    responses=_AS_IT_STANDS | _MOVED,
    summary="Move to review",
)
async def create_review(
    request: Request,
    session_id: SessionId,
    programme: ProgrammeQuery,
    principal: Annotated[Principal, allowed(*may(SessionAction.REVIEW))],
    session: Writing,
    if_match: IfMatch = None,
) -> Response:
    """End scoring, before the deadline or after it, and lay the ratings open. Every rating that was accepted is among them."""
    enter(principal, programme)
    await take_positions(session, streams, programme, 0)
    current = await find_session(session, programme, session_id)
    require_match(if_match, revision_etag(current.revision))
    await review(session, current, now(request))
    return await _answer(session, programme, session_id)


@router.put(
    ITEMS_PATH + "/{number}/benchmark",
    response_model=CalibrationItem,
    responses=_ITEM_AS_IT_STANDS | _MOVED_OR_REFUSED,
    summary="Set the benchmark of an item",
)
async def put_benchmark(
    session_id: SessionId,
    number: ItemNumber,
    benchmark: Benchmark,
    programme: ProgrammeQuery,
    principal: Annotated[Principal, allowed(*may(SessionAction.BENCHMARK))],
    session: Writing,
    if_match: IfMatch = None,
) -> Response:
    """Write down the right answer, who says so, and what was said about it. `If-Match` names the item's revision."""
    enter(principal, programme)
    position = await take_positions(session, streams, programme, 1)
    current = await find_session(session, programme, session_id)
    item = await find_item(session, current, number)
    require_match(if_match, revision_etag(item.revision))
    require_state(current.state, SessionAction.BENCHMARK)
    if benchmark.value not in current.scale["categories"]:
        raise refused("/value", "unknown_category", "The session's scale has no such category.")
    await set_benchmark(session, item, benchmark, position)
    return await _item(session, programme, item.id)


async def _item(session: ReadSession, programme: str, item_id: UUID) -> Response:
    [row] = await session.rows(documents(programme, session.principal).where(calibration_items.c.id == item_id))
    shown = item_document(row)
    return reply(shown, etag=revision_etag(shown["revision"]))


@router.post(
    SESSIONS_PATH + "/{session_id}/conclusion",
    response_model=CalibrationSession,
    responses=_AS_IT_STANDS | _MOVED,
    summary="Conclude a session",
)
async def create_conclusion(
    request: Request,
    session_id: SessionId,
    conclusion: Conclusion,
    programme: ProgrammeQuery,
    principal: Annotated[Principal, allowed(*may(SessionAction.CONCLUDE))],
    session: Writing,
    if_match: IfMatch = None,
) -> Response:
    """Close the session with what it came to. Its items with a benchmark become precedent; those without one do not."""
    enter(principal, programme)
    position = await take_positions(session, streams, programme, 1)
    current = await find_session(session, programme, session_id)
    require_match(if_match, revision_etag(current.revision))
    await conclude(session, current, conclusion.conclusion, position, now(request))
    return await _answer(session, programme, session_id)


@router.put(
    ITEMS_PATH + "/{number}/golden",
    response_model=CalibrationItem,
    responses=_ITEM_AS_IT_STANDS | responses(CalibrationState, CalibrationRefused),
    summary="Hide an item in everyday work",
)
async def put_golden(
    session_id: SessionId,
    number: ItemNumber,
    programme: ProgrammeQuery,
    principal: Annotated[Principal, allowed(*may(SessionAction.HIDE))],
    session: Writing,
) -> Response:
    """From now on, every new audit of the item's content is held against its benchmark."""
    enter(principal, programme)
    await take_positions(session, streams, programme, 0)
    current = await find_session(session, programme, session_id)
    item = await find_item(session, current, number)
    await golden.hide(session, current, item)
    return await _item(session, programme, item.id)


@router.delete(
    ITEMS_PATH + "/{number}/golden",
    status_code=204,
    response_class=Response,
    responses=responses(CalibrationState),
    summary="Hide an item no longer",
)
async def delete_golden(
    session_id: SessionId,
    number: ItemNumber,
    programme: ProgrammeQuery,
    principal: Annotated[Principal, allowed(*may(SessionAction.UNHIDE))],
    session: Writing,
) -> Response:
    """New audits of the item's content are audits like any other. The results that there are stay."""
    enter(principal, programme)
    await take_positions(session, streams, programme, 0)
    current = await find_session(session, programme, session_id)
    await golden.unhide(session, current, await find_item(session, current, number))
    return Response(status_code=204)
