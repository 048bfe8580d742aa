"""The routes of actions."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from sqlalchemy import Row

from rca_api.actions.problems import ActionParty, ActionRefused, ActionState
from rca_api.actions.records import (
    UNDONE,
    change_action,
    document,
    get_action,
    list_actions,
    move,
    open_action,
    possible,
    require_taken,
    waits_for,
)
from rca_api.actions.reminders import plan_reminders
from rca_api.cases.history import Event, record
from rca_api.cases.problems import CaseClosed
from rca_api.cases.records import get_unfinished
from rca_api.cases.routes import CaseId, CasesAnswer, CasesRead, CasesWrite
from rca_api.metadata import idempotency_keys, streams
from rca_api.notices.records import News, tell
from rca_api.programmes import get_programme
from tallystick.schemas import action as wire
from tallystick.schemas.action import Action, ActionChange, ActionMove, ActionPage, ActionStep, NewAction
from tallystick.schemas.base import Reference, Slug
from tallystick.schemas.case import CaseEventKind
from tallystick.schemas.notice import NoticeKind
from tallystick.schemas.principal import Role
from tallystick.schemas.programme import Programme
from tallystick.service.auth import Principal, enter
from tallystick.service.calendar import add_working_days
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

router = APIRouter(tags=["actions"], responses=responses(*COMMON))

ActionId = Annotated[UUID, Path(description="The action's id.")]
_ONE = {"action_id": "$response.body#/id", "programme": "$request.query.programme"}
_LINKS = links(_ONE, "read_action", changing=("update_action", "create_action_step"))
_MANY = Query(description="Repeat it for several: any of them.")
_OWNERS = frozenset({ActionStep.START, ActionStep.COMPLETE})
_JUDGING = frozenset({ActionStep.VERIFY, ActionStep.REJECT})
_USUAL_DAYS = 10


@router.post(
    "/v1/cases/{case_id}/actions",
    response_model=Action,
    status_code=201,
    responses={
        201: {"links": _LINKS},
        **responses(ActionRefused, CaseClosed, RequestInProgress, IdempotencyKeyReused, InvalidRequest),
    },
    summary="Agree on an action",
)
async def create_action(
    request: Request,
    case_id: CaseId,
    new: NewAction,
    programme: ProgrammeQuery,
    principal: CasesWrite,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Say what is done about a case, by whom and until when. Its owner is told, and reminded before it is due.

    Without a due date it is due at the end of the tenth working day of the programme.
    """
    enter(principal, programme)
    database: Database = request.app.state.database
    payload = f"{case_id}\x1f{new.model_dump_json()}".encode()

    def once(session: WriteSession) -> Once:
        return Once(idempotency_keys, session, programme, "create_action", idempotency_key, payload)

    async with database.writing(principal) as session:
        if (earlier := await once(session).earlier()) is not None:
            return _created(await get_action(session, programme, earlier.id), now(request), REPLAYED)
        await get_unfinished(session, programme, case_id)
    # Between the two transactions: no connection waits while audit-api is asked.
    configured = await get_programme(request.app.state.neighbours, programme)
    async with database.writing(principal) as session:
        if (earlier := await once(session).earlier()) is not None:
            return _created(await get_action(session, programme, earlier.id), now(request), REPLAYED)
        position = await take_positions(session, streams, programme, 1)
        moment = now(request)
        case = await get_unfinished(session, programme, case_id)
        action = await open_action(session, case, new, _due(configured, new, moment), position, moment)
        await plan_reminders(session, configured, action, moment)
        await _remember(session, case, action, moment, position, kind=new.kind, owner=new.owner)
        await tell(session, programme, _assigned(action), moment)
        await once(session).keep(Outcome(action.id, position))
        return _created(action, moment)


def _due(programme: Programme, new: NewAction, moment: datetime) -> datetime:
    if new.due_at is not None:
        return new.due_at
    return add_working_days(programme.calendar, programme.time_zone, moment, new.due_days or _USUAL_DAYS)


def _assigned(action: Row[Any]) -> News:
    return News(
        NoticeKind.ACTION_ASSIGNED,
        f"{action.title}: yours to do until {action.due_at:%Y-%m-%d %H:%M} UTC.",
        action.owner_vendor,
        action.case_id,
        action.id,
        action.owner,
    )


def _created(action: Row[Any], moment: datetime, headers: dict[str, str] | None = None) -> Response:
    location = created_at("actions", action.id, action.programme)
    return _answered(action, moment, status=201, headers={**location, **(headers or {})})


def _answered(action: Row[Any], moment: datetime, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    shown = document(action, moment)
    return reply(shown, status=status, etag=_etag(shown), headers=headers)


def _etag(shown: dict[str, Any]) -> str:
    station = [shown["escalated_to"]] if shown["escalated_to"] else []
    return revision_etag(shown["revision"], "overdue" if shown["overdue"] else "on-time", *station)


@router.get("/v1/actions", response_model=ActionPage, responses=responses(InvalidCursor), summary="List actions")
async def read_actions(
    request: Request,
    programme: ProgrammeQuery,
    principal: CasesRead,
    session: Reading,
    paging: Paged,
    mine: Annotated[bool, Query(description="The caller's own alone.")] = False,
    case_id: Annotated[list[UUID], _MANY] = [],  # noqa: B006 - FastAPI copies defaults
    owner: Annotated[list[Reference], _MANY] = [],  # noqa: B006
    owner_vendor: Annotated[list[Slug], _MANY] = [],  # noqa: B006
    kind: Annotated[list[wire.ActionKind], _MANY] = [],  # noqa: B006
    state: Annotated[list[wire.ActionState], _MANY] = [],  # noqa: B006
    overdue: Annotated[bool, Query(description="Those alone that should be done and are not.")] = False,
) -> Response:
    """Actions that match all filters, newest first."""
    enter(principal, programme)
    moment = now(request)
    narrowed: dict[str, list[Any]] = {
        "case_id": case_id,
        "owner": owner,
        "owner_vendor": owner_vendor,
        "kind": kind,
        "state": state,
    }
    before = UUID(paging.after[0]) if paging.after else None
    due = moment if overdue else None
    rows = await list_actions(session, programme, narrowed, mine=mine, overdue=due, before=before, limit=paging.limit + 1)
    page = [document(row, moment) for row in rows[: paging.limit]]
    return reply({"items": page}, headers=paging.headers([page[-1]["id"]] if len(rows) > len(page) else None))


@router.get("/v1/actions/{action_id}", response_model=Action, summary="Read an action")
async def read_action(
    request: Request, action_id: ActionId, programme: ProgrammeQuery, principal: CasesRead, session: Reading
) -> Response:
    """The action as it stands, with the steps that lead on from there."""
    enter(principal, programme)
    shown = document(await get_action(session, programme, action_id), now(request))
    return not_modified(request, _etag(shown)) or reply(shown, etag=_etag(shown))


@router.patch(
    "/v1/actions/{action_id}",
    response_model=Action,
    responses=responses(ActionRefused, ActionState, CaseClosed, PreconditionFailed, PreconditionRequired, InvalidRequest),
    summary="Change an action",
)
async def update_action(
    request: Request,
    action_id: ActionId,
    change: ActionChange,
    programme: ProgrammeQuery,
    principal: CasesWrite,
    if_match: IfMatch = None,
) -> Response:
    """Give an action that is not done another owner or due date. The new owner is told, and the reminders follow the date."""
    enter(principal, programme)
    database: Database = request.app.state.database
    async with database.reading(principal) as looking:
        await get_action(looking, programme, action_id)  # before anybody is asked on its behalf
    configured = await get_programme(request.app.state.neighbours, programme)
    async with database.writing(principal) as session:
        position = await take_positions(session, streams, programme, 1)
        current = await get_action(session, programme, action_id)
        require_match(if_match, revision_etag(current.revision))
        case, moment = await get_unfinished(session, programme, current.case_id), now(request)
        if current.state not in UNDONE:
            raise ActionState("The action is done, or was cancelled.", possible=possible(current))
        values = change.model_dump(exclude_unset=True, exclude_none=True)
        if "owner" in values:
            values["owner_vendor"] = change.owner_vendor
        require_taken(case, values.get("owner_vendor"), values.get("due_at"), moment)
        later = {"escalated_to": None} if "due_at" in values else {}
        action = await change_action(session, current, position, **values, **later)
        await plan_reminders(session, configured, action, moment)
        await _remember(session, case, action, moment, position, **change.model_dump(mode="json", exclude_none=True))
        if (action.owner, action.owner_vendor) != (current.owner, current.owner_vendor):
            await tell(session, programme, _assigned(action), moment)
        return _answered(action, moment)


@router.post(
    "/v1/actions/{action_id}/steps",
    response_model=Action,
    responses={
        200: {"links": _LINKS},
        **responses(ActionState, ActionParty, CaseClosed, PreconditionFailed, PreconditionRequired, InvalidRequest),
    },
    summary="Move an action on",
)
async def create_action_step(
    request: Request,
    action_id: ActionId,
    taken: ActionMove,
    programme: ProgrammeQuery,
    principal: CasesAnswer,
    session: Writing,
    if_match: IfMatch = None,
) -> Response:
    """Start it, say that it is done and where that can be seen, verify or reject that, or cancel it with a reason.

    An owner's steps may be taken by the owner, by people of the owner's vendor, and by managers. Who owns it, or said that it is
    done, does not verify it.
    """
    enter(principal, programme)
    position = await take_positions(session, streams, programme, 1)
    current = await get_action(session, programme, action_id)
    require_match(if_match, revision_etag(current.revision))
    case, moment = await get_unfinished(session, programme, current.case_id), now(request)
    require_part(principal, current, taken.step)
    if taken.step not in possible(current):
        raise ActionState(f"This action cannot take the step {taken.step} now.", possible=possible(current))
    if taken.step is ActionStep.COMPLETE and (waiting := await waits_for(session, current)):
        names = ", ".join(each.title for each in waiting)
        raise ActionState(f"It waits for others to be settled: {names}.", possible=possible(current))
    action = await move(session, current, taken.step, position, **_values(taken, current, principal, moment))
    await _remember(session, case, action, moment, position, note=taken.note, state=action.state)
    if (news := _news_of(action, taken)) is not None:
        await tell(session, programme, news, moment)
    return _answered(action, moment)


def require_part(principal: Principal, action: Row[Any], step: ActionStep) -> None:
    """Refuse a step that is somebody else's."""
    manages = principal.holds(Role.ADMIN, Role.QUALITY_MANAGER)
    owns = principal.vendor == action.owner_vendor and (principal.vendor is not None or principal.subject == action.owner)
    if step in _OWNERS and not (owns or manages):
        raise ActionParty("This is for its owner, the owner's vendor, or a manager.")
    if step not in _OWNERS and not manages:
        raise ActionParty("This is for a manager.")
    if step in _JUDGING and principal.subject in {action.owner, action.done_by}:
        raise ActionParty("Nobody verifies what they own, or have said is done.")


def _values(taken: ActionMove, current: Row[Any], principal: Principal, moment: datetime) -> dict[str, Any]:
    if taken.step is ActionStep.COMPLETE:
        evidence = [each.model_dump(mode="json") for each in taken.evidence]
        done = {"done_by": principal.subject, "done_at": moment, "on_time": moment <= current.due_at}
        return {**done, "evidence": evidence, "note": taken.note}
    if taken.step is ActionStep.VERIFY:
        return {"verified_by": principal.subject, "verified_at": moment}
    if taken.step is ActionStep.REJECT:
        return dict.fromkeys(("done_by", "done_at", "on_time"))
    return {"on_time": None} if taken.step is ActionStep.CANCEL else {}


def _news_of(action: Row[Any], taken: ActionMove) -> News | None:
    """What is told of a step: to all that it is to be verified, for whoever does that is a manager; to its owner a rejection."""
    if taken.step is ActionStep.COMPLETE:
        text = f"{action.title}: done, and to be verified."
        return News(NoticeKind.ACTION_DONE, text, action.vendor, action.case_id, action.id)
    if taken.step is ActionStep.REJECT:
        text = f"{action.title}: not found done. {taken.note}"
        return News(NoticeKind.ACTION_REJECTED, text, action.owner_vendor, action.case_id, action.id, action.owner)
    return None


async def _remember(
    session: WriteSession,
    case: Row[Any],
    action: Row[Any],
    moment: datetime,
    position: int,
    note: str | None = None,
    **changed: Any,
) -> None:
    await record(session, case, Event(CaseEventKind.ACTION, moment, position, note=note, about=action.id, changed=changed))
