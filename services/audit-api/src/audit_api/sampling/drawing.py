"""Drawing: once a period is over, its decisions are counted, the sample is drawn and the key told, all in one transaction.

It is made under a lock of the draw's row, which whoever takes decisions in for it holds too: meanwhile nothing comes in. What
comes later is counted and changes no draw.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from importlib.resources import files
from typing import Any

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from audit_api.decisions.tables import decision_candidates
from audit_api.lots.severity import severities
from audit_api.metadata import streams
from audit_api.programmes.records import read_document
from audit_api.sampling.counting import Counted, count, frames, looks_back, sources, with_past
from audit_api.sampling.periods import Period
from audit_api.sampling.sizing import lot_plan, size
from audit_api.sampling.tables import draw_frames, draw_keys, draw_sources, draw_strata, draws, lots
from tallystick.schemas.lot import Severity105
from tallystick.schemas.programme import Programme
from tallystick.schemas.sampling import AcceptanceAllocation, DrawState, NewSamplingPlan
from tallystick.service.calendar import add_working_days
from tallystick.service.database import WriteSession
from tallystick.service.feed import take_positions

_ITEMS = files(__package__).joinpath("draw.sql").read_text()
_d = draws.c


async def make_draw(session: WriteSession, draw: Row[Any], moment: datetime) -> None:
    """Draw the sample of a period that is over. The session holds the lock of the draw's row, and the draw is committed still.

    The lock of the stream is taken last. Nobody who holds that waits for the row of a draw whose period is over.
    """
    plan = NewSamplingPlan.model_validate(draw.design)
    programme = await read_document(session, draw.programme)
    period = Period(draw.first_day, draw.last_day)
    counted = await count(session, draw.programme, plan, period)
    inspected = await _severities(session, draw, plan)
    known = await with_past(session, draw.programme, plan, counted, moment, looks_back(plan))
    planned = (await asyncio.to_thread(size, plan, known, inspected)).numbers
    candidates = await _count_candidates(session, draw)
    drawn = [min(number, candidates.get(each.code, 0)) for each, number in zip(counted, planned, strict=True)]
    await _write_strata(session, draw, counted, planned, drawn)
    await _freeze_frames(session, draw, period)
    if isinstance(plan.allocation, AcceptanceAllocation):
        await _write_lots(session, draw, plan.allocation, counted, drawn, inspected)
    due = add_working_days(programme.calendar, draw.time_zone, moment, plan.due_days)
    position = await take_positions(session, streams, draw.programme, sum(drawn) + 1)
    await _make_items(session, draw, plan, programme, (counted, drawn), due, position + 1)
    state = DrawState.DRAWN if counted else DrawState.MISSED
    [key] = (await session.execute(select(draw_keys.c.key).where(*_of(draw_keys, draw)))).one()
    told = {"state": state, "drawn_at": moment, "due_at": due if counted else None, "told_key": key.hex()}
    statement = update(draws).where(_d.programme == draw.programme, _d.id == draw.id)
    await session.execute(statement.values(**told, revision=draw.revision + 1, position=position))


def _of(table: Any, draw: Row[Any]) -> tuple[Any, ...]:
    return table.c.programme == draw.programme, table.c.draw_id == draw.id


async def _severities(session: WriteSession, draw: Row[Any], plan: NewSamplingPlan) -> dict[str, Severity105]:
    if not isinstance(plan.allocation, AcceptanceAllocation):
        return {}
    return await severities(session, draw.programme, draw.plan_id, plan.allocation, draw.plan_version)


async def _count_candidates(session: WriteSession, draw: Row[Any]) -> dict[str, int]:
    c = decision_candidates.c
    statement = select(c.stratum, func.count(c.rank.distinct())).where(*_of(decision_candidates, draw)).group_by(c.stratum)
    return {row[0]: row[1] for row in await session.rows(statement)}


async def _write_strata(
    session: WriteSession, draw: Row[Any], counted: Sequence[Counted], planned: Sequence[int], drawn: Sequence[int]
) -> None:
    """Write down what there was of every stratum; of those that were expected and had no decisions, that there was nothing."""
    nothing = update(draw_strata).where(*_of(draw_strata, draw)).values(decisions=0, planned=0, drawn=0)
    await session.execute(nothing)
    rows = [
        {
            "programme": draw.programme,
            "draw_id": draw.id,
            "stratum": each.code,
            "vendor": each.vendor,
            "values": each.values,
            "reserve": draw.reserve,
            "decisions": int(each.decisions),
            "planned": plan,
            "drawn": number,
        }
        for each, plan, number in zip(counted, planned, drawn, strict=True)
    ]
    if rows:
        statement = upsert(draw_strata)
        found = {name: statement.excluded[name] for name in ("decisions", "planned", "drawn")}
        statement = statement.on_conflict_do_update(index_elements=["programme", "draw_id", "stratum"], set_=found)
        await session.execute(statement, rows)


async def _freeze_frames(session: WriteSession, draw: Row[Any], period: Period) -> None:
    by_vendor = await frames(session, draw.programme, draw.vendors, period)
    rows = [
        {"programme": draw.programme, "draw_id": draw.id, "vendor": vendor, "decisions": each.decisions, "digest": each.digest}
        for vendor, each in by_vendor.items()
    ]
    if rows:
        await session.execute(insert(draw_frames), rows)
    found = await sources(session, draw.programme, draw.vendors, period)
    of_draw = {"programme": draw.programme, "draw_id": draw.id}
    if found:
        await session.execute(insert(draw_sources), [of_draw | dict(row._mapping) for row in found])


async def _write_lots(
    session: WriteSession,
    draw: Row[Any],
    wanted: AcceptanceAllocation,
    counted: Sequence[Counted],
    drawn: Sequence[int],
    inspected: dict[str, Severity105],
) -> None:
    """Every stratum is a lot. Where fewer are drawn than the standard asks for, these are its sample."""
    rows = []
    for each, number in zip(counted, drawn, strict=True):
        severity = inspected.get(each.code, Severity105.NORMAL)
        plan = lot_plan(wanted, int(each.decisions), severity)
        rows.append(
            {
                "programme": draw.programme,
                "draw_id": draw.id,
                "stratum": each.code,
                "vendor": each.vendor,
                "severity": severity,
                "code_letter": plan.letter,
                "sample": number,
                "accept": plan.accept,
                "reject": plan.reject,
            }
        )
    if rows:
        await session.execute(insert(lots), rows)


async def _make_items(
    session: WriteSession,
    draw: Row[Any],
    plan: NewSamplingPlan,
    programme: Programme,
    sample: tuple[Sequence[Counted], Sequence[int]],
    due: datetime,
    position: int,
) -> None:
    taken = [(each, number) for each, number in zip(*sample, strict=True) if number]
    policies = programme.policy_set.policies
    driver = await session.driver()
    await driver.execute(
        _ITEMS,
        draw.programme,
        draw.id,
        [each.code for each, _ in taken],
        [number for _, number in taken],
        [number / each.decisions for each, number in taken],
        [policy.code for policy in policies],
        [policy.harm for policy in policies],
        plan.priority,
        due,
        position,
    )
