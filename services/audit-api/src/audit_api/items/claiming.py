"""Claim next: one call hands an auditor the next best item that they may audit.

One transaction. The auditor's own row is its first lock, so that however often somebody asks at once, they get one item, and
what is added up for their protection is right. Then it takes the first waiting item that nobody else is taking, by priority, due
date and the turn of its moderator: of every moderator the first item comes before anybody's second. No position is taken, since
the lock of the stream would let claims wait for each other: the feed tells of them a moment later.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Row, Select, and_, exists, literal, not_, select, tuple_

from audit_api.exposure.gate import gate
from audit_api.exposure.ledger import reserve
from audit_api.items.checks import make_check
from audit_api.items.fitting import Asking
from audit_api.items.records import in_hand, let_go, move_item, staffed
from audit_api.programmes.records import read_document
from audit_api.sampling.tables import sample_items
from audit_api.staffing.tables import staffing_assignments, staffing_plans
from tallystick.schemas.programme import Programme
from tallystick.schemas.sampling import ItemState, NoItem
from tallystick.schemas.staffing import NewAuditor
from tallystick.service.database import WriteSession, scoped
from tallystick.service.days import day_of

_c = sample_items.c
_ORDER = (_c.priority, _c.due_at, _c.turn, _c.rank)
_CHANCE = random.SystemRandom()
MESSAGES = {
    NoItem.NOTHING_WAITS: "Nothing waits to be audited: well done.",
    NoItem.NOTHING_FITS: "Items wait, and none of them is for your languages and policies.",
    NoItem.DAY_IS_FULL: "That was enough for today: what waits would be too much. Thank you.",
    NoItem.WEEK_IS_FULL: "That was enough for this week: what waits would be too much. Thank you.",
    NoItem.AWAY: "You are away today: enjoy your day.",
}
LIGHTER = "Something heavier waits and is not for you now: here is something lighter."


@dataclass(frozen=True)
class Claimed:
    """What somebody was handed, or why nothing."""

    item: Row[Any] | None
    reason: NoItem | None = None
    message: str | None = None
    lighter: bool = False
    again_at: datetime | None = None


async def claim(session: WriteSession, programme: str, now: datetime, *, lighter: bool) -> Claimed:
    """Hand the session's principal the next item, or the one that they have in hand."""
    document = await read_document(session, programme)
    me = session.principal.subject
    row = await staffed(session, programme, lock=True)
    held = await in_hand(session, programme, me)
    if held is not None and held.lease_until > now:
        return Claimed(held)
    if held is not None:
        await let_go(session, held)
    auditor = NewAuditor.model_validate({name: row.document[name] for name in NewAuditor.model_fields})
    today = day_of(now, document.time_zone)
    if any(absence.first_day <= today <= absence.last_day for absence in auditor.absences):
        return Claimed(None, NoItem.AWAY, MESSAGES[NoItem.AWAY])
    through = await gate(session, document, me, now)
    if through.closed is not None:
        return Claimed(None, through.closed, through.message, again_at=through.again_at)
    return await _hand_out(session, document, Asking(me, auditor, through, lighter=lighter), now)


async def _hand_out(session: WriteSession, programme: Programme, asking: Asking, now: datetime) -> Claimed:
    waiting = scoped(select(sample_items), sample_items, programme.slug, session.principal).where(_c.state == ItemState.WAITING)
    may, protected = asking.may(sample_items), asking.protected(sample_items, programme)
    found = await _first(session, waiting.where(*may, *protected), await _assigned(session, programme, asking.me, now))
    if found is None:
        return await _nothing(session, programme, waiting, asking)
    left_out = bool(protected) and await _stands_before(session, waiting.where(*may, not_(and_(*protected))), found)
    kind = _kind(programme)
    check = None if kind == "sampled" else await make_check(session, programme, kind, found, asking, now)
    taken = check or found
    lease_until = now + timedelta(minutes=programme.handing.lease_minutes)
    item = await move_item(session, taken, ItemState.CLAIMED, claimed_by=asking.me, claimed_at=now, lease_until=lease_until)
    shown = (taken.id, taken.policy, taken.harm, taken.modality)
    await reserve(session, programme, asking.me, asking.auditor.team, shown, now)
    message = (asking.gate.message or LIGHTER) if left_out else None
    return Claimed(item, message=message, lighter=left_out)


def _kind(programme: Programme) -> Literal["sampled", "golden", "repeat"]:
    """What the next item is to be, by chance and at the programme's shares."""
    handing, chance = programme.handing, _CHANCE.random()
    if chance < handing.golden_share:
        return "golden"
    return "repeat" if chance < handing.golden_share + handing.repeat_share else "sampled"


async def _first(session: WriteSession, waiting: Select[Any], assigned: Sequence[tuple[Any, str]]) -> Row[Any] | None:
    """The first of the waiting items that nobody else is taking: of the strata assigned to the person, and then of all."""
    ordered = waiting.order_by(*_ORDER).limit(1).with_for_update(skip_locked=True)
    if assigned:
        mine = ordered.where(tuple_(_c.draw_id, _c.stratum).in_(assigned))
        if (found := (await session.execute(mine)).one_or_none()) is not None:
            return found
    return (await session.execute(ordered)).one_or_none()


async def _stands_before(session: WriteSession, items: Select[Any], item: Row[Any]) -> bool:
    """Whether one of the items comes before an item. In their order that is a few steps; `exists` would look at all of them."""
    before = tuple_(*_ORDER) < tuple_(*(literal(item._mapping[column.name], column.type) for column in _ORDER))
    first = items.with_only_columns(_c.id).where(before).order_by(*_ORDER).limit(1)
    return bool(await session.rows(first))


async def _assigned(session: WriteSession, programme: Programme, me: str, now: datetime) -> list[tuple[Any, str]]:
    """The strata that the newest plan for today gives to somebody."""
    p, a = staffing_plans.c, staffing_assignments.c
    today = day_of(now, programme.time_zone)
    of_today = (p.programme == programme.slug, p.first_day <= today, p.last_day >= today)
    newest = select(p.id).where(*of_today).order_by(p.made_at.desc()).limit(1).scalar_subquery()
    mine = select(a.draw_id, a.stratum).where(a.programme == programme.slug, a.plan_id == newest)
    found = await session.rows(mine.where(a.auditor == me, a.day == today))
    return [(draw_id, stratum) for draw_id, stratum in found]


async def _nothing(session: WriteSession, programme: Programme, waiting: Select[Any], asking: Asking) -> Claimed:
    """Why nothing can be handed out. A cap is the reason where something would be handed out without it."""
    through = asking.gate
    if not await _exist(session, waiting):
        return Claimed(None, NoItem.NOTHING_WAITS, MESSAGES[NoItem.NOTHING_WAITS])
    uncapped = replace(asking, gate=replace(through, most=None))
    fitting = waiting.where(*uncapped.may(sample_items), *uncapped.protected(sample_items, programme))
    if through.full is not None and await _exist(session, fitting):
        return Claimed(None, through.full, MESSAGES[through.full], again_at=through.full_until)
    return Claimed(None, NoItem.NOTHING_FITS, through.message or MESSAGES[NoItem.NOTHING_FITS], again_at=through.again_at)


async def _exist(session: WriteSession, items: Select[Any]) -> bool:
    return bool((await session.execute(select(exists(items)))).scalar_one())
