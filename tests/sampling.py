"""Plans, decisions and draws for tests: what it takes to have items of work in a few lines."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
import orjson
from fastapi import FastAPI
from sqlalchemy import select

from appeals import Clock
from audit_api.sampling.schedule import SAMPLER
from audit_api.sampling.tables import sample_items
from factories import decision_row
from tallystick.service.database import Database

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
    return await publish(client, programme, drafted["id"])


async def publish(client: httpx.AsyncClient, programme: str, plan_id: str) -> dict[str, Any]:
    """The plan, published as it stands."""
    address = f"/v1/sampling-plans/{plan_id}/publication"
    answer = await client.post(address, params={"programme": programme}, headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.text
    plan: dict[str, Any] = answer.json()
    return plan


async def change(client: httpx.AsyncClient, programme: str, plan_id: str, document: dict[str, Any]) -> None:
    """Let a plan be the draft of another version."""
    address = f"/v1/sampling-plans/{plan_id}"
    answer = await client.put(address, params={"programme": programme}, json=document, headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.text


async def draws_of(client: httpx.AsyncClient, programme: str, plan_id: str) -> list[dict[str, Any]]:
    """The draws of a plan, oldest period first."""
    answer = await client.get("/v1/draws", params={"programme": programme, "plan_id": plan_id, "limit": 1000})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found[::-1]


async def take_in(client: httpx.AsyncClient, programme: str, rows: Iterable[dict[str, Any]], source: str = "file") -> None:
    """Send decisions, as the client's platform does, and see them all counted."""
    lines = b"".join(orjson.dumps(row) + b"\n" for row in rows)
    of = {"programme": programme, "source": source.replace(" ", "-")}
    headers = {"Content-Type": "application/x-ndjson"}
    answer = await client.post("/v1/decision-batches", params=of, content=lines, headers=headers)
    assert answer.status_code == 201, answer.text
    counts = answer.json()["counts"]
    assert counts["counted"] == counts["rows"], answer.text


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
    await take_in(client, programme, rows, source=f"of {draw['id']}")
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
