"""Reading actions, agreeing on them, moving them along the table of transitions."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, insert, select, update

from rca_api.actions.problems import ActionRefused
from rca_api.actions.tables import actions
from tallystick.schemas.action import ACTION_TRANSITIONS, SETTLED, Action, ActionState, ActionStep, NewAction
from tallystick.schemas.base import new_id
from tallystick.schemas.problem import ProblemError
from tallystick.service.database import ReadSession, WriteSession, scoped
from tallystick.service.feed import rows_after
from tallystick.service.problems import NotFound

_COMPUTED = {"overdue", "possible"}
_STORED = tuple(name for name in Action.model_fields if name not in _COMPUTED)
UNDONE = frozenset({ActionState.OPEN, ActionState.IN_PROGRESS})
"""States in which an action waits for its owner."""
LATEST = timedelta(days=730)
"""Until when an action may be due, from now on."""
_TARGETS = {transition.step: transition.target for transition in ACTION_TRANSITIONS}


def document(row: Row[Any], now: datetime) -> dict[str, Any]:
    """An action as its GET shows it at this time."""
    return {
        **{name: row._mapping[name] for name in _STORED},
        "overdue": row.state in UNDONE and row.due_at < now,
        "possible": possible(row),
    }


def possible(row: Row[Any]) -> list[ActionStep]:
    """The steps that lead on from where an action stands, for somebody whose part it is."""
    return [each.step for each in ACTION_TRANSITIONS if row.state in each.sources]


async def get_action(session: ReadSession, programme: str, action_id: UUID) -> Row[Any]:
    """One action; a problem where there is none to see. Who changes it holds the lock of the stream already."""
    row = (await session.execute(_visible(session, programme).where(actions.c.id == action_id))).one_or_none()
    if row is None:
        raise NotFound("There is no such action.")
    return row


async def list_actions(
    session: ReadSession, programme: str, narrowed: Mapping[str, Sequence[Any]], *, mine: bool, overdue: datetime | None,
    before: UUID | None, limit: int,
) -> Sequence[Row[Any]]:  # fmt: skip
    """The newest actions with any of the values in each column, agreed on before the action `before`; newest first.

    With `overdue` those alone that were to be done before it and are not; with `mine` those that the principal owns.
    """
    c, principal = actions.c, session.principal
    statement = _visible(session, programme).order_by(c.id.desc()).limit(limit)
    if mine:
        statement = statement.where(c.owner == principal.subject, c.owner_vendor.is_not_distinct_from(principal.vendor))
    for name, values in narrowed.items():
        if values:
            statement = statement.where(c[name].in_(values))
    if overdue is not None:
        statement = statement.where(c.state.in_(UNDONE), c.due_at < overdue)
    if before is not None:
        statement = statement.where(c.id < before)
    return (await session.execute(statement)).all()


async def of_case(session: ReadSession, case: Row[Any]) -> Sequence[Row[Any]]:
    """All actions of a case, oldest first."""
    statement = _visible(session, case.programme).where(actions.c.case_id == case.id).order_by(actions.c.id)
    return (await session.execute(statement)).all()


async def undone_by_case(
    session: ReadSession, programme: str, cases: Sequence[UUID], now: datetime
) -> dict[UUID, tuple[int, int]]:
    """How many actions of each of some cases are not done, and how many of these are overdue."""
    c = actions.c
    counted = (c.case_id, func.count().label("undone"), func.count().filter(c.due_at < now).label("overdue"))
    of_cases = (c.case_id.in_(cases), c.state.in_(UNDONE))
    statement = _visible(session, programme).with_only_columns(*counted).where(*of_cases).group_by(c.case_id)
    return {row.case_id: (row.undone, row.overdue) for row in await session.execute(statement)}


def _visible(session: ReadSession, programme: str) -> Select[Any]:
    return scoped(select(actions), actions, programme, session.principal)


async def open_action(
    session: WriteSession, case: Row[Any], new: NewAction, due_at: datetime, position: int, now: datetime
) -> Row[Any]:
    """Write a new action of a case.

    Raises:
        ActionRefused: the case does not take it.
    """
    known = {row.id for row in await of_case(session, case)}
    unknown = [
        ProblemError(pointer=f"/depends_on/{place}", code="unknown_action", detail="The case has no such action.")
        for place, each in enumerate(new.depends_on)
        if each not in known
    ]
    require_taken(case, new.owner_vendor, due_at, now, *unknown)
    statement = insert(actions).values(
        programme=case.programme,
        id=new_id(),
        case_id=case.id,
        vendor=case.vendor,
        revision=1,
        position=position,
        **new.model_dump(exclude={"due_at", "due_days", "depends_on"}),
        due_at=due_at,
        depends_on=list(new.depends_on),
        state=ActionState.OPEN,
        evidence=[],
        opened_by=session.principal.subject,
        opened_at=now,
    )
    return (await session.execute(statement.returning(actions))).one()


def require_taken(
    case: Row[Any], owner_vendor: str | None, due_at: datetime | None, now: datetime, *errors: ProblemError
) -> None:
    """Refuse an owner of another vendor than the case's, a due date that has passed, and whatever else is wrong already."""
    found = list(errors)
    if owner_vendor is not None and owner_vendor != case.vendor:
        found.append(
            ProblemError(pointer="/owner_vendor", code="other_vendor", detail="The case is not shared with this vendor.")
        )
    if due_at is not None and due_at <= now:
        found.append(ProblemError(pointer="/due_at", code="has_passed", detail="This is not in the future."))
    if due_at is not None and due_at > now + LATEST:
        found.append(ProblemError(pointer="/due_at", code="too_late", detail="This is more than two years away."))
    if found:
        raise ActionRefused("The case does not take this.", errors=found)


async def change_action(session: WriteSession, current: Row[Any], position: int, **values: Any) -> Row[Any]:
    """Write a further revision of an action."""
    return await _write(session, current, position, **values, revision=current.revision + 1)


async def escalate(session: WriteSession, current: Row[Any], position: int, station: str) -> Row[Any]:
    """Say at which station an overdue action has arrived. Its revision stays: who read it before may still take their step."""
    return await _write(session, current, position, escalated_to=station)


async def _write(session: WriteSession, current: Row[Any], position: int, **values: Any) -> Row[Any]:
    statement = scoped(update(actions), actions, current.programme, session.principal).where(actions.c.id == current.id)
    return (await session.execute(statement.values(**values, position=position).returning(actions))).one()


async def move(session: WriteSession, current: Row[Any], step: ActionStep, position: int, **values: Any) -> Row[Any]:
    """Take a step: the action gets its new state and `values`."""
    return await change_action(session, current, position, state=_TARGETS[step], **values)


async def waits_for(session: ReadSession, action: Row[Any]) -> Sequence[Row[Any]]:
    """The actions that have to be settled before this one is done, and are not."""
    if not action.depends_on:
        return []
    found = _visible(session, action.programme).where(actions.c.id.in_(action.depends_on), actions.c.state.not_in(SETTLED))
    return (await session.execute(found.order_by(actions.c.id))).all()


async def read_changes(session: ReadSession, programme: str, after: int, limit: int, *, now: datetime) -> list[dict[str, Any]]:
    """Actions as the feed shows them."""
    return [
        {"position": row.position, "id": row.id, "revision": row.revision, "erased": False, "data": document(row, now)}
        for row in await rows_after(session, actions, programme, after, limit)
    ]
