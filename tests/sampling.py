"""Plans, decisions and draws for tests: what it takes to have items of work in a few lines."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
from fastapi import FastAPI
from sqlalchemy import insert, select

from appeals import Clock
from audit_api.decisions.tables import DIMENSIONS, decision_candidates, decision_counts, decision_frames
from audit_api.sampling.schedule import SAMPLER
from audit_api.sampling.tables import draw_keys, draws, sample_items
from factories import decision_row
from tallystick import draw as repeated
from tallystick.schemas.decision import Decision
from tallystick.schemas.sampling import DrawState, NewSamplingPlan
from tallystick.service.database import Database, WriteSession

ZONE = ZoneInfo("Europe/Berlin")
"""Of the programme in `factories`."""


def plan_document(first: date, **changes: Any) -> dict[str, Any]:
    """A plan that draws five decisions of every queue of every vendor, by week."""
    document: dict[str, Any] = {
        "title": "Everyday",
        "strata": ["queue"],
        "period": "week",
        "starts_on": first.isoformat(),
        "allocation": {"kind": "fixed", "each": 5},
    }
    return document | changes


async def published(client: httpx.AsyncClient, programme: str, document: dict[str, Any]) -> dict[str, Any]:
    """A plan that is drafted and published."""
    of = {"programme": programme}
    drafted = (await client.post("/v1/sampling-plans", params=of, json=document)).raise_for_status().json()
    address = f"/v1/sampling-plans/{drafted['id']}/publication"
    answer = await client.post(address, params=of, headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.text
    plan: dict[str, Any] = answer.json()
    return plan


async def draws_of(client: httpx.AsyncClient, programme: str, plan_id: str) -> list[dict[str, Any]]:
    """The draws of a plan, oldest period first."""
    answer = await client.get("/v1/draws", params={"programme": programme, "plan_id": plan_id, "limit": 1000})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found[::-1]


async def take_in(app: FastAPI, programme: str, rows: Iterable[dict[str, Any]], source: str = "file", owner: str = "*") -> None:
    """Count decisions, and keep those of committed draws as candidates, whatever their number."""
    decisions = [Decision.model_validate(row) for row in rows]
    database: Database = app.state.database
    async with database.writing(SAMPLER) as session:
        await _count(session, programme, decisions, source, owner)
        await _keep(session, programme, decisions, source, owner)


async def _count(session: WriteSession, programme: str, decisions: Sequence[Decision], source: str, owner: str) -> None:
    of = {"programme": programme, "source": source, "owner": owner}
    cells: dict[tuple[date, tuple[str, ...]], int] = defaultdict(int)
    frames: dict[tuple[date, str], repeated.Frame] = defaultdict(repeated.Frame)
    for each in decisions:
        day, row = _day(each), repeated.texts(each)
        cells[day, tuple(row[repeated.FIELDS.index(name)] for name in DIMENSIONS)] += 1
        frames[day, each.vendor] += repeated.Frame.of([repeated.canonical(each)])
    counts = [
        {
            **of,
            "day": day,
            "cell": hashlib.sha256("\x1f".join(shared).encode()).digest()[:16],
            **dict(zip(DIMENSIONS, shared, strict=True)),
            "decisions": number,
        }
        for (day, shared), number in cells.items()
    ]
    await session.execute(insert(decision_counts), counts)
    sums = [
        {**of, "day": day, "vendor": vendor, "decisions": frame.decisions, "digest": frame.digest}
        for (day, vendor), frame in frames.items()
    ]
    await session.execute(insert(decision_frames), sums)


async def _keep(session: WriteSession, programme: str, decisions: Sequence[Decision], source: str, owner: str) -> None:
    committed = select(draws, draw_keys.c.key).join(draw_keys, draw_keys.c.draw_id == draws.c.id)
    committed = committed.where(draws.c.programme == programme, draws.c.state == DrawState.COMMITTED)
    for draw in (await session.execute(committed.with_for_update(of=draws, read=True))).all():
        plan = NewSamplingPlan.model_validate(draw.design)
        kept = [
            {
                "programme": programme,
                "draw_id": draw.id,
                "stratum": repeated.stratum_of(plan.dimensions(), each)[0],
                "rank": repeated.rank(draw.key, each.vendor, each.decision_id),
                "source": source,
                "owner": owner,
                **each.model_dump(mode="json", exclude={"decided_at"}),
                "decided_at": each.decided_at,
            }
            for each in decisions
            if draw.first_day <= _day(each) <= draw.last_day and repeated.holds(plan.scope, each)
        ]
        if kept:
            await session.execute(insert(decision_candidates), kept)


def _day(each: Decision) -> date:
    return each.decided_at.astimezone(ZONE).date()


def some_decisions(first: date, number: int = 60, days: int = 7, **changes: Any) -> list[dict[str, Any]]:
    """Decisions of both vendors, in both queues, by four moderators each, spread over some days."""
    noon = datetime.combine(first, time(12), ZONE).astimezone(UTC)
    rows = []
    for place in range(number):
        vendor, site = ("acme", "lisbon") if place % 3 else ("borealis", "krakow")
        more = {"queue": "live" if place % 2 else "comments", "moderator": f"m-{place % 4}", "vendor": vendor, "site": site}
        decided = (noon + timedelta(days=place % days)).isoformat()
        rows.append(decision_row(f"D-{place}", decided_at=decided, **more, **changes))
    return rows


@dataclass(frozen=True)
class Drawn:
    """A draw that was made for a test, with what it was made from."""

    draw: dict[str, Any]
    plan: dict[str, Any]
    decisions: list[dict[str, Any]]
    items: list[dict[str, Any]]
    """The rows of the items, by position."""


async def drawn(
    app: FastAPI,
    client: httpx.AsyncClient,
    clock: Clock,
    programme: str,
    decisions: list[dict[str, Any]] | None = None,
    **changes: Any,
) -> Drawn:
    """Publish a plan, let its first period pass, take decisions in, and draw: a draw with its items.

    The clock of audit-api, which the test moves, stands a little after the draw then.

    Args:
        app: a running audit-api.
        client: of it, for an admin or a quality manager.
        clock: of it.
        programme: whose draw it is.
        decisions: of the days from `next_monday(clock)` on; those of `some_decisions` without them.
        changes: of `plan_document`.
    """
    first = next_monday(clock)
    plan = await published(client, programme, plan_document(first, **changes))
    [*_, draw] = [each for each in await draws_of(client, programme, plan["id"]) if each["first_day"] == first.isoformat()]
    rows = some_decisions(first) if decisions is None else decisions
    clock.now = datetime.fromisoformat(draw["draw_after"]) + timedelta(minutes=1)
    await take_in(app, programme, rows, source=f"of {draw['id']}")
    answer = await client.post(f"/v1/draws/{draw['id']}/drawing", params={"programme": programme})
    assert answer.status_code == 200, answer.text
    return Drawn(answer.json(), plan, rows, await items_of(app, programme, draw["id"]))


def next_monday(clock: Clock) -> date:
    """The first day of the next week, two hours or more from now."""
    today = (clock.now + timedelta(hours=2)).astimezone(ZONE).date()
    return today + timedelta(days=7 - today.weekday())


async def items_of(app: FastAPI, programme: str, draw_id: str) -> list[dict[str, Any]]:
    """The items of a draw as they stand in their table, by position."""
    c = sample_items.c
    database: Database = app.state.database
    async with database.reading(SAMPLER) as session:
        statement = select(sample_items).where(c.programme == programme, c.draw_id == UUID(draw_id)).order_by(c.position)
        return [dict(row._mapping) for row in await session.execute(statement)]
