"""When people are told about an open action: before it is due, when it is, and along the chain after that."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Row, delete
from sqlalchemy.dialects.postgresql import insert

from rca_api.actions.tables import action_reminders
from tallystick.schemas.action import Station
from tallystick.schemas.notice import NoticeKind
from tallystick.schemas.programme import Programme
from tallystick.service.calendar import add_working_days
from tallystick.service.database import WriteSession

_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)


class Reminder(NamedTuple):
    """What to tell, whom, and when."""

    kind: NoticeKind
    station: Station
    at: datetime
    recipient: str | None


def schedule(programme: Programme, action: Row[Any]) -> Iterator[Reminder]:
    """The reminders of an action, in the order of time. Days are working days of the programme."""
    rules = programme.follow_up

    def after(days: int) -> datetime:
        return _working_days_later(programme, action.due_at, days)

    yield Reminder(NoticeKind.ACTION_DUE_SOON, Station.OWNER, _before(programme, action, rules.reminder_days), action.owner)
    yield Reminder(NoticeKind.ACTION_OVERDUE, Station.OWNER, action.due_at, action.owner)
    escalated = NoticeKind.ACTION_ESCALATED
    if action.owner_vendor is not None:
        lead = rules.team_leads.get(action.owner_vendor)
        yield Reminder(escalated, Station.TEAM_LEAD, after(rules.team_lead_days), lead)
    yield Reminder(escalated, Station.QUALITY_MANAGER, after(rules.quality_manager_days), rules.quality_manager)
    yield Reminder(escalated, Station.GPM, after(rules.gpm_days), rules.gpm)


def _before(programme: Programme, action: Row[Any], days: int) -> datetime:
    """The end of the latest day from which so many working days remain until the action is due, or its beginning if later.

    Days go by on the programme's clocks, those of 23 and of 25 hours among them.
    """
    due_at: datetime = action.due_at
    opened_at: datetime = action.opened_at
    there, candidate = (due_at - _INSTANT).astimezone(ZoneInfo(programme.time_zone)), due_at
    while candidate > opened_at:
        there = (there - _DAY).replace(fold=1)
        candidate = there.astimezone(UTC) + _INSTANT
        if _working_days_later(programme, candidate, days) <= due_at:
            break
    return max(candidate, opened_at)


def _working_days_later(programme: Programme, moment: datetime, days: int) -> datetime:
    """The end of the working day so many after the one of a moment. Midnight is the end of the day before."""
    return add_working_days(programme.calendar, programme.time_zone, moment - _INSTANT, days)


async def plan_reminders(session: WriteSession, programme: Programme, action: Row[Any], now: datetime) -> None:
    """Put the reminders of an action, as it stands, in place of those that were not told.

    What was told for the same due date is not told again, and what would have been said before it is not said after it.
    """
    c = action_reminders.c
    untold = (c.programme == action.programme, c.action_id == action.id, c.told_at.is_(None))
    await session.execute(delete(action_reminders).where(*untold))
    rows = [
        {"programme": action.programme, "action_id": action.id, "due_at": action.due_at, **reminder._asdict()}
        for reminder in schedule(programme, action)
        if reminder.kind is not NoticeKind.ACTION_DUE_SOON or action.due_at > now
    ]
    await session.execute(insert(action_reminders).on_conflict_do_nothing(), rows)
