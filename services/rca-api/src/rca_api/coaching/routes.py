"""The routes of coaching."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from sqlalchemy import Row

from rca_api.cases.records import get_case
from rca_api.cases.routes import CasesRead
from rca_api.coaching.checks import require_case, require_own_audits, require_taken
from rca_api.coaching.problems import CoachingParty, CoachingRefused, CoachingState
from rca_api.coaching.records import arrange, change_coaching, document, get_coaching, list_coaching
from rca_api.metadata import idempotency_keys, streams
from rca_api.notices.records import News, tell
from rca_api.programmes import get_programme
from tallystick.schemas import coaching as wire
from tallystick.schemas.base import Reference
from tallystick.schemas.coaching import (
    Coaching,
    CoachingAnswer,
    CoachingCancellation,
    CoachingNotes,
    CoachingPage,
    NewCoaching,
)
from tallystick.schemas.notice import NoticeKind
from tallystick.schemas.principal import MANAGERS, Role
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
    NotFound,
    PreconditionFailed,
    PreconditionRequired,
    RequestInProgress,
    responses,
)
from tallystick.service.replies import IfMatch, created_at, links, not_modified, reply, require_match, revision_etag

router = APIRouter(tags=["coaching"], responses=responses(*COMMON))

CoachingArrange = Annotated[Principal, allowed(Role.ADMIN, Role.QUALITY_MANAGER, Role.VENDOR_POC)]
"""Who arranges coaching: the client's managers for anybody, a vendor's counterpart for the vendor's own people."""

CoachingTakesPart = Annotated[Principal, allowed(Role.ADMIN, Role.QUALITY_MANAGER, Role.AUDITOR, Role.ANALYST, Role.VENDOR_POC)]
"""Who may coach, or be coached."""

CoachingId = Annotated[UUID, Path(description="The session's id.")]
_ONE = {"coaching_id": "$response.body#/id", "programme": "$request.query.programme"}
_LINKS = links(_ONE, "read_coaching", changing=("create_notes", "create_coaching_cancellation"))
_MANY = Query(description="Repeat it for several: any of them.")
_CHANGES = responses(CoachingState, CoachingParty, PreconditionFailed, PreconditionRequired, InvalidRequest)


@router.post(
    "/v1/coaching-sessions",
    response_model=Coaching,
    status_code=201,
    responses={
        201: {"links": _LINKS},
        **responses(CoachingRefused, CoachingParty, RequestInProgress, IdempotencyKeyReused, InvalidRequest),
    },
    summary="Arrange a coaching session",
)
async def create_coaching(
    request: Request,
    new: NewCoaching,
    programme: ProgrammeQuery,
    principal: CoachingArrange,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Arrange a session or a training with a person about errors of theirs: every audit has to be of that person.

    A vendor's counterpart arranges it for people of that vendor. The client's own people are coached on audits that they made.
    """
    enter(principal, programme)
    if principal.vendor is not None and new.vendor != principal.vendor:
        raise CoachingParty("A vendor's people are coached by the client, or by the vendor itself.")
    database: Database = request.app.state.database
    payload = new.model_dump_json().encode()

    def once(session: WriteSession) -> Once:
        return Once(idempotency_keys, session, programme, "create_coaching", idempotency_key, payload)

    async with database.writing(principal) as session:
        if (earlier := await once(session).earlier()) is not None:
            return _created(await get_coaching(session, programme, earlier.id), REPLAYED)
        if new.case_id is not None:
            require_case(new, await get_case(session, programme, new.case_id))
    # Between the two transactions: no connection waits while audit-api is asked.
    configured = (await get_programme(request.app.state.neighbours, programme)).as_seen_by(principal.vendor)
    if not configured.vendors:
        raise NotFound("There is no such programme.")
    require_taken(configured, new)
    await require_own_audits(request.app.state.neighbours, programme, new)
    async with database.writing(principal) as session:
        if (earlier := await once(session).earlier()) is not None:
            return _created(await get_coaching(session, programme, earlier.id), REPLAYED)
        position = await take_positions(session, streams, programme, 1)
        coaching = await arrange(session, programme, new, position, now(request))
        text = f"{coaching.title}: planned for {coaching.planned_for:%Y-%m-%d %H:%M} UTC."
        news = News(NoticeKind.COACHING_ARRANGED, text, coaching.vendor, coaching.case_id, coaching.id, coaching.subject)
        await tell(session, programme, news, now(request))
        await once(session).keep(Outcome(coaching.id, position))
        return _created(coaching)


def _created(coaching: Row[Any], headers: dict[str, str] | None = None) -> Response:
    location = created_at("coaching-sessions", coaching.id, coaching.programme)
    return _answered(coaching, status=201, headers={**location, **(headers or {})})


def _answered(coaching: Row[Any], *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return reply(document(coaching), status=status, etag=revision_etag(coaching.revision), headers=headers)


@router.get(
    "/v1/coaching-sessions",
    response_model=CoachingPage,
    responses=responses(InvalidCursor),
    summary="List coaching sessions",
)
async def read_coaching_sessions(
    programme: ProgrammeQuery,
    principal: CasesRead,
    session: Reading,
    paging: Paged,
    mine: Annotated[bool, Query(description="Those alone in which the caller coaches or is coached.")] = False,
    person: Annotated[list[Reference], _MANY] = [],  # noqa: B006 - FastAPI copies defaults
    state: Annotated[list[wire.CoachingState], _MANY] = [],  # noqa: B006
    case_id: Annotated[list[UUID], _MANY] = [],  # noqa: B006
) -> Response:
    """Sessions that match all filters, newest first: to managers all, to others those in which they take part.

    A vendor's counterpart reads those of the vendor's people.
    """
    enter(principal, programme)
    before = UUID(paging.after[0]) if paging.after else None
    rows = await list_coaching(
        session, programme, mine=mine, persons=person, states=state, cases=case_id, before=before, limit=paging.limit + 1
    )
    page = [document(row) for row in rows[: paging.limit]]
    return reply({"items": page}, headers=paging.headers([page[-1]["id"]] if len(rows) > len(page) else None))


@router.get("/v1/coaching-sessions/{coaching_id}", response_model=Coaching, summary="Read a coaching session")
async def read_coaching(
    request: Request, coaching_id: CoachingId, programme: ProgrammeQuery, principal: CasesRead, session: Reading
) -> Response:
    """What it is about, what was said and arranged, and what the coached person says to it."""
    enter(principal, programme)
    coaching = await get_coaching(session, programme, coaching_id)
    return not_modified(request, revision_etag(coaching.revision)) or _answered(coaching)


@router.post(
    "/v1/coaching-sessions/{coaching_id}/notes",
    response_model=Coaching,
    responses={200: {"links": links(_ONE, changing=("create_answer",))}, **_CHANGES},
    summary="Write down a coaching session",
)
async def create_notes(
    request: Request,
    coaching_id: CoachingId,
    notes: CoachingNotes,
    programme: ProgrammeQuery,
    principal: CoachingTakesPart,
    session: Writing,
    if_match: IfMatch = None,
) -> Response:
    """Say that it was held, what was said and to what the person commits. This is the coach's, or a manager's."""
    enter(principal, programme)
    position, coaching = await _to_change(session, programme, coaching_id, if_match)
    if not may_write_down(principal, coaching):
        raise CoachingParty("Whoever coaches writes it down, or a manager.")
    _require(coaching, wire.CoachingState.ARRANGED)
    values = {"state": wire.CoachingState.HELD, "held_at": now(request), "notes": notes.notes}
    return _answered(await change_coaching(session, coaching, position, **values, commitments=list(notes.commitments)))


@router.post(
    "/v1/coaching-sessions/{coaching_id}/answer",
    response_model=Coaching,
    responses=_CHANGES,
    summary="Answer a coaching session",
)
async def create_answer(
    request: Request,
    coaching_id: CoachingId,
    answer: CoachingAnswer,
    programme: ProgrammeQuery,
    principal: CoachingTakesPart,
    session: Writing,
    if_match: IfMatch = None,
) -> Response:
    """The coached person's own word to what was written down: agreed, or not. It ends the session and stays as it is."""
    enter(principal, programme)
    position, coaching = await _to_change(session, programme, coaching_id, if_match)
    if not may_answer(principal, coaching):
        raise CoachingParty("The answer is the coached person's own.")
    _require(coaching, wire.CoachingState.HELD)
    state = wire.CoachingState.AGREED if answer.agreed else wire.CoachingState.DISPUTED
    values = {"answered_by": principal.subject, "answered_at": now(request), "answer": answer.text}
    return _answered(await change_coaching(session, coaching, position, state=state, **values))


@router.post(
    "/v1/coaching-sessions/{coaching_id}/cancellation",
    response_model=Coaching,
    responses=_CHANGES,
    summary="Cancel a coaching session",
)
async def create_coaching_cancellation(
    coaching_id: CoachingId,
    cancellation: CoachingCancellation,
    programme: ProgrammeQuery,
    principal: CoachingTakesPart,
    session: Writing,
    if_match: IfMatch = None,
) -> Response:
    """Say why it does not take place. This is its coach's, a manager's, or whoever arranged it; what was held stays."""
    enter(principal, programme)
    position, coaching = await _to_change(session, programme, coaching_id, if_match)
    if not may_cancel(principal, coaching):
        raise CoachingParty("It is cancelled by whoever coaches or arranged it, or by a manager.")
    _require(coaching, wire.CoachingState.ARRANGED)
    values = {"state": wire.CoachingState.CANCELLED, "reason": cancellation.reason}
    return _answered(await change_coaching(session, coaching, position, **values))


async def _to_change(session: WriteSession, programme: str, coaching_id: UUID, if_match: str | None) -> tuple[int, Row[Any]]:
    """A session in the version that is to be changed, and the position of the change."""
    position = await take_positions(session, streams, programme, 1)
    coaching = await get_coaching(session, programme, coaching_id)
    require_match(if_match, revision_etag(coaching.revision))
    return position, coaching


def _require(coaching: Row[Any], state: wire.CoachingState) -> None:
    if coaching.state != state:
        raise CoachingState(f"The session is {coaching.state}.", state=coaching.state)


def _coaches(principal: Principal, coaching: Row[Any]) -> bool:
    return bool(principal.subject == coaching.coach)


def may_write_down(principal: Principal, coaching: Row[Any]) -> bool:
    """Whether somebody writes a session down: its coach, or a manager."""
    return _coaches(principal, coaching) or principal.holds(*MANAGERS)


def may_cancel(principal: Principal, coaching: Row[Any]) -> bool:
    """Whether somebody cancels a session: its coach, whoever arranged it, or a manager."""
    return bool(principal.subject == coaching.arranged_by) or may_write_down(principal, coaching)


def may_answer(principal: Principal, coaching: Row[Any]) -> bool:
    """Whether the answer is somebody's: the coached person's, or, where they do not sign in, that of somebody of their vendor."""
    if principal.vendor != coaching.vendor:
        return False
    return not _coaches(principal, coaching) if coaching.subject is None else bool(principal.subject == coaching.subject)
