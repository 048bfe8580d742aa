"""What time does to actions: people are reminded, what is overdue is escalated. Any number of replicas do this side by side."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, delete, select, true, update

from rca_api.actions.records import escalate, get_action
from rca_api.actions.tables import action_reminders, actions
from rca_api.cases.tables import cases
from rca_api.metadata import streams
from rca_api.notices.records import News, tell
from rca_api.service import SERVICE
from tallystick.schemas.action import SETTLED, ActionState, Station
from tallystick.schemas.case import CaseState
from tallystick.schemas.notice import NoticeKind
from tallystick.service.clock import Clock
from tallystick.service.database import Database, ReadSession, WriteSession, scoped
from tallystick.service.feed import take_positions

_AT_ONCE = 200
_AT_VENDOR = frozenset({Station.OWNER, Station.TEAM_LEAD})


async def follow_up(database: Database, clock: Clock) -> int:
    """Tell what is to be told by now, in every programme; answers how many reminders that were.

    A reminder is told under the lock of the programme's stream and marked in the same transaction: of several replicas one does.
    """
    told = 0
    async with database.reading(SERVICE) as session:
        waiting = _waiting(clock()).with_only_columns(action_reminders.c.programme).distinct()
        programmes = (await session.execute(waiting)).scalars().all()
    for programme in programmes:
        while found := await _follow_up(database, programme, clock):
            told += found
    return told


async def _follow_up(database: Database, programme: str, clock: Clock) -> int:
    async with database.writing(SERVICE) as session:
        await take_positions(session, streams, programme, 0)
        now = clock()
        due = await _due(session, programme, now)
        for reminder in due:
            await _settle(session, reminder, now)
    return len(due)


def _waiting(now: datetime) -> Select[Any]:
    """The reminders that are due. What may yet go on keeps its own: an action that is done, and one of a closed case.

    Each is held against its own action and case, whatever is known of how many there are.
    """
    c = action_reminders.c
    of_reminder = (actions.c.programme == c.programme, actions.c.id == c.action_id)
    action = select(actions.c.state, actions.c.case_id).where(*of_reminder).limit(1).lateral("action")
    of_action = (cases.c.programme == c.programme, cases.c.id == action.c.case_id)
    case = select(cases.c.state).where(*of_action).limit(1).lateral("case")
    columns = (action_reminders, action.c.state, case.c.state.label("case_state"))
    waiting = (c.told_at.is_(None), c.at <= now, action.c.state != ActionState.DONE, case.c.state != CaseState.CLOSED)
    joined = action_reminders.join(action, true()).join(case, true())
    return select(*columns).select_from(joined).where(*waiting)


async def _due(session: ReadSession, programme: str, now: datetime) -> Sequence[Row[Any]]:
    c = action_reminders.c
    found = scoped(_waiting(now), action_reminders, programme, session.principal).order_by(c.at, c.action_id).limit(_AT_ONCE)
    return (await session.execute(found)).all()


async def _settle(session: WriteSession, reminder: Row[Any], now: datetime) -> None:
    """Tell a reminder and mark it as told; forget it where nobody needs to be told any more."""
    c = action_reminders.c
    of_action = (c.action_id == reminder.action_id, c.due_at == reminder.due_at)
    this = (*of_action, c.kind == reminder.kind, c.station == reminder.station)
    too_late = reminder.kind == NoticeKind.ACTION_DUE_SOON and reminder.due_at <= now
    if too_late or reminder.state in SETTLED or reminder.case_state == CaseState.CANCELLED:
        forget = scoped(delete(action_reminders), action_reminders, reminder.programme, session.principal)
        await session.execute(forget.where(*this))
        return
    mark = scoped(update(action_reminders), action_reminders, reminder.programme, session.principal)
    await session.execute(mark.where(*this).values(told_at=now))
    action = await get_action(session, reminder.programme, reminder.action_id)
    if reminder.kind == NoticeKind.ACTION_ESCALATED:
        position = await take_positions(session, streams, reminder.programme, 1)
        action = await escalate(session, action, position, reminder.station)
    await tell(session, reminder.programme, _news(reminder, action), now)


def _news(reminder: Row[Any], action: Row[Any]) -> News:
    when = f"{action.due_at:%Y-%m-%d %H:%M} UTC"
    text = {
        NoticeKind.ACTION_DUE_SOON: f"{action.title}: due {when}.",
        NoticeKind.ACTION_OVERDUE: f"{action.title}: was due {when}.",
        NoticeKind.ACTION_ESCALATED: f"{action.title}: was due {when}, and {action.owner} has not said that it is done.",
    }[NoticeKind(reminder.kind)]
    station = Station(reminder.station)
    vendor = action.owner_vendor if station in _AT_VENDOR else None
    return News(NoticeKind(reminder.kind), text, vendor, action.case_id, action.id, reminder.recipient, station)
