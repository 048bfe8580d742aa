"""Committing: the draws of periods to come, each with a key that nobody is told and the commitment to it that everybody is.

A draw is committed at least an hour before its period begins, as decisions may be dated up to an hour ahead: nothing of a period
is there before its draw is.
"""

import asyncio
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import takewhile
from typing import Any

from sqlalchemy import Row, and_, delete, insert, select, update

from audit_api.lots.severity import severities
from audit_api.metadata import streams
from audit_api.sampling.counting import Counted, expect, looks_back, with_past
from audit_api.sampling.periods import Period, period_of, periods
from audit_api.sampling.sizing import reserve, size, unknown_reserve
from audit_api.sampling.tables import draw_keys, draw_strata, draws, sampling_plan_versions, sampling_plans
from tallystick.draw import commitment
from tallystick.schemas.base import new_id
from tallystick.schemas.programme import Programme
from tallystick.schemas.sampling import AcceptanceAllocation, DrawState, NewSamplingPlan, PlanState
from tallystick.service.database import ReadSession, WriteSession
from tallystick.service.days import day_of
from tallystick.service.feed import take_positions

AHEAD = timedelta(hours=1)
"""How long before its period a draw is committed at the latest; after that the period counts as begun."""
_HORIZON = timedelta(days=14)
"""The draws of all periods that begin within it are committed, so that a service that is down for days misses none."""
_NEXT = timedelta(days=35)
"""And the one of the next period if it begins within this."""
_KEY_BYTES = 32
_d = draws.c


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the draws to come of a version of a plan are made from."""

    plan: NewSamplingPlan
    zone: str
    expected: list[Counted]
    """Of a whole period."""
    numbers: tuple[int, ...]
    """Audits of each of them."""


async def look_out(session: ReadSession, programme: Programme, plan_id: Any, plan: NewSamplingPlan, moment: datetime) -> Outlook:
    """What to expect of a period, before any lock is taken: it may take a while where there are many decisions."""
    today = day_of(moment, programme.time_zone)
    expected = await expect(session, programme.slug, plan, today)
    expected = await with_past(session, programme.slug, plan, expected, moment, looks_back(plan))
    inspected = {}
    if isinstance(plan.allocation, AcceptanceAllocation) and plan_id is not None:
        inspected = await severities(session, programme.slug, plan_id, plan.allocation)
    allocation = await asyncio.to_thread(size, plan, expected, inspected)
    return Outlook(plan, programme.time_zone, expected, allocation.numbers)


def following(plan: NewSamplingPlan, zone: str, last: date | None, moment: datetime) -> Iterator[Period]:
    """The periods that have not begun, after the last day of those that have."""
    after = day_of(moment + AHEAD, zone)
    return periods(plan, after if last is None else max(after, last))


def to_come(plan: NewSamplingPlan, zone: str, last: date | None, moment: datetime) -> Iterator[Period]:
    """The periods to commit draws for by now: those within the horizon, and the next one."""
    near = takewhile(lambda each: each.begins(zone) <= moment + _NEXT, following(plan, zone, last, moment))
    for number, period in enumerate(near):
        if number and period.begins(zone) > moment + _HORIZON:
            return
        yield period


async def commit_draws(session: WriteSession, plan: Row[Any], outlook: Outlook, moment: datetime) -> bool:
    """Commit the draws to come of a plan's newest version; answers whether there is any period to come, however far ahead.

    Draws of periods that have not begun are made by this version from now on; those that it has no period for are withdrawn.
    The session holds the lock of the stream, and the moment is not from before that: what had not begun then may have by now.
    """
    of_plan = select(draws).where(_d.programme == plan.programme, _d.plan_id == plan.id, _d.state != DrawState.WITHDRAWN)
    there = {row.first_day: row for row in await session.execute(of_plan.order_by(_d.first_day))}
    begun = [row for row in there.values() if has_begun(row, moment)]
    last = max((row.last_day for row in begun), default=None)
    wanted = list(to_come(outlook.plan, outlook.zone, last, moment))
    for period in wanted:
        row = there.get(period.first)
        if row is None:
            await _commit(session, plan, outlook, period, moment)
        elif row.plan_version != plan.published_version or row.time_zone != outlook.zone:
            await _redesign(session, plan, outlook, period, row)
    kept = {period.first for period in wanted}
    await withdraw(session, [row for row in there.values() if row.first_day not in kept and not has_begun(row, moment)])
    return any(True for _ in following(outlook.plan, outlook.zone, last, moment))


def has_begun(draw: Row[Any], moment: datetime) -> bool:
    """Whether decisions of a draw's period may be there already."""
    return Period(draw.first_day, draw.last_day).begins(draw.time_zone) <= moment + AHEAD


async def not_begun(session: ReadSession, plan: Row[Any], moment: datetime) -> list[Row[Any]]:
    """The draws of a plan whose periods are to come."""
    statement = select(draws).where(_d.programme == plan.programme, _d.plan_id == plan.id, _d.state == DrawState.COMMITTED)
    return [row for row in await session.execute(statement) if not has_begun(row, moment)]


async def withdraw(session: WriteSession, found: list[Row[Any]]) -> None:
    """Let draws of periods to come be none, and tell their keys: nothing was ever ranked by them."""
    for row in found:
        [key] = (await session.execute(select(draw_keys.c.key).where(*_key_of(row)))).one()
        position = await take_positions(session, streams, row.programme, 1)
        told = {"state": DrawState.WITHDRAWN, "told_key": key.hex(), "revision": row.revision + 1, "position": position}
        await session.execute(update(draws).where(_d.programme == row.programme, _d.id == row.id).values(**told))


def _key_of(draw: Row[Any]) -> tuple[Any, ...]:
    return draw_keys.c.programme == draw.programme, draw_keys.c.draw_id == draw.id


async def _commit(session: WriteSession, plan: Row[Any], outlook: Outlook, period: Period, moment: datetime) -> None:
    draw_id, key = new_id(), secrets.token_bytes(_KEY_BYTES)
    position = await take_positions(session, streams, plan.programme, 1)
    await session.execute(
        insert(draws).values(
            programme=plan.programme,
            id=draw_id,
            plan_id=plan.id,
            state=DrawState.COMMITTED,
            commitment=commitment(key),
            committed_at=moment,
            revision=1,
            position=position,
            **_design(plan, outlook, period),
        )
    )
    await session.execute(insert(draw_keys).values(programme=plan.programme, draw_id=draw_id, key=key))
    await _expect_strata(session, plan.programme, draw_id, outlook, period)


async def _redesign(session: WriteSession, plan: Row[Any], outlook: Outlook, period: Period, draw: Row[Any]) -> None:
    """Let a draw whose period is to come be made by another version of its plan. Its key and commitment stay."""
    position = await take_positions(session, streams, plan.programme, 1)
    changed = {**_design(plan, outlook, period), "revision": draw.revision + 1, "position": position}
    await session.execute(update(draws).where(_d.programme == draw.programme, _d.id == draw.id).values(**changed))
    s = draw_strata.c
    await session.execute(delete(draw_strata).where(s.programme == draw.programme, s.draw_id == draw.id))
    await _expect_strata(session, plan.programme, draw.id, outlook, period)


def _design(plan: Row[Any], outlook: Outlook, period: Period) -> dict[str, Any]:
    document = outlook.plan
    return {
        "plan_version": plan.published_version,
        "first_day": period.first,
        "last_day": period.last,
        "time_zone": outlook.zone,
        "design": document.model_dump(mode="json"),
        "vendors": list(document.scope.vendor),
        "draw_after": period.ends(outlook.zone) + timedelta(hours=document.settle_hours),
        "reserve": unknown_reserve(document, outlook.numbers),
    }


async def _expect_strata(session: WriteSession, programme: str, draw_id: Any, outlook: Outlook, period: Period) -> None:
    """Write down the strata that are expected, with how many candidates are kept of each.

    Of a period that the plan's days cut short, no more than of a whole one: its strata are smaller, and so is what is drawn.
    """
    share = period.days / period_of(outlook.plan.period, period.first).days
    rows = [
        {
            "programme": programme,
            "draw_id": draw_id,
            "stratum": each.code,
            "vendor": each.vendor,
            "values": each.values,
            "reserve": reserve(number),
            "decisions": 0,
            "planned": min(number, round(each.decisions * share)),
            "drawn": 0,
        }
        for each, number in zip(outlook.expected, outlook.numbers, strict=True)
    ]
    if rows:
        await session.execute(insert(draw_strata), rows)


async def under_way(session: ReadSession, programme: str, moment: datetime) -> datetime | None:
    """When the last of the draws that are under way in a programme can be made; None where none is."""
    statement = select(draws).where(_d.programme == programme, _d.state == DrawState.COMMITTED)
    begun = [row.draw_after for row in await session.execute(statement) if has_begun(row, moment)]
    return max(begun, default=None)


async def published_plans(session: ReadSession) -> list[Row[Any]]:
    """The plans, of all programmes, that draws are made by, each with the document of its newest version."""
    p, v = sampling_plans.c, sampling_plan_versions.c
    newest = and_(v.programme == p.programme, v.plan_id == p.id, v.version == p.published_version)
    statement = select(p.programme, p.id, p.published_version, v.document).join(sampling_plan_versions, newest)
    return list((await session.execute(statement.where(p.state != PlanState.RETIRED).order_by(p.programme, p.id))).all())


async def is_behind(session: ReadSession, plan: Row[Any], document: NewSamplingPlan, zone: str, moment: datetime) -> bool:
    """Whether draws of a published plan should be committed by now and are not, or were for another time zone."""
    statement = select(_d.first_day, _d.last_day, _d.time_zone).where(
        _d.programme == plan.programme, _d.plan_id == plan.id, _d.state != DrawState.WITHDRAWN
    )
    there = (await session.execute(statement)).all()
    begun = [row for row in there if has_begun(row, moment)]
    last = max((row.last_day for row in begun), default=None)
    wanted = {period.first for period in to_come(document, zone, last, moment)}
    return wanted != {row.first_day for row in there if row not in begun and row.time_zone == zone}
