"""Decisions as tests send them, draws that they may be candidates of, and what is kept of them."""

from collections.abc import Iterable
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import orjson

from tallystick.draw import Frame, commitment
from tallystick.schemas.base import new_id
from tallystick.schemas.sampling import FixedAllocation, NewSamplingPlan, SamplingScope, StratumDimension

NDJSON = "application/x-ndjson"
KEY = bytes(range(32))
FIRST_DAY, LAST_DAY = date(2026, 8, 31), date(2026, 9, 6)


def lines(rows: Iterable[dict[str, Any]]) -> bytes:
    """A body of NDJSON."""
    return b"".join(orjson.dumps(row) + b"\n" for row in rows)


async def send(
    client: httpx.AsyncClient,
    programme: str,
    body: bytes | Iterable[dict[str, Any]],
    source: str = "s-1",
    headers: dict[str, str] | None = None,
    **where: Any,
) -> httpx.Response:
    """Send decisions as a batch of a source."""
    return await client.post(
        "/v1/decision-batches",
        params={"programme": programme, "source": source, **where},
        content=body if isinstance(body, bytes) else lines(body),
        headers={"Content-Type": NDJSON, **(headers or {})},
    )


async def sent(client: httpx.AsyncClient, programme: str, body: bytes | Iterable[dict[str, Any]], **where: Any) -> dict[str, Any]:
    """The batch that came of what was sent."""
    answer = await send(client, programme, body, **where)

    assert answer.status_code == 201, answer.text
    batch: dict[str, Any] = answer.json()
    return batch


async def commit_draw(
    store: asyncpg.Connection,
    programme: str,
    *,
    dimensions: tuple[str, ...] = ("vendor", "queue"),
    scope: dict[str, Any] | None = None,
    reserve: int = 5,
    key: bytes = KEY,
    state: str = "committed",
    days: tuple[date, date] = (FIRST_DAY, LAST_DAY),
) -> UUID:
    """Write down a draw of a period, as publishing a plan does."""
    draw_id = new_id()
    plan = NewSamplingPlan(
        title="Everyday",
        scope=SamplingScope.model_validate(scope or {}),
        strata=tuple(StratumDimension(name) for name in dimensions),
        starts_on=days[0],
        allocation=FixedAllocation(each=1),
    )
    await store.execute(
        """
        insert into draws (programme, id, plan_id, plan_version, state, first_day, last_day, time_zone, design, vendors,
            commitment, committed_at, draw_after, reserve, revision, position)
        values ($1, $2, $3, 1, $4, $5, $6, 'Europe/Berlin', $7, '{}', $8, '2026-08-01', '2026-09-08', $9, 1, 0)
        """,
        *(programme, draw_id, new_id(), state, *days),
        plan.model_dump_json(),
        *(commitment(key), reserve),
    )
    await store.execute("insert into draw_keys (programme, draw_id, key) values ($1, $2, $3)", programme, draw_id, key)
    return draw_id


async def counts(store: asyncpg.Connection, programme: str) -> dict[tuple[Any, ...], int]:
    """Decisions by day and all that they are counted by, over the sources."""
    rows = await store.fetch(
        """
        select day::text, vendor, site, queue, market, language, moderator, policy, action, automated_detection,
            automated_decision, risk, sum(decisions)::int
        from decision_counts where programme = $1 group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
        """,
        programme,
    )
    return {tuple(row)[:-1]: row[-1] for row in rows}


async def frames(store: asyncpg.Connection, programme: str) -> dict[tuple[str, str], Frame]:
    """The frames of vendors and days, over the sources."""
    found: dict[tuple[str, str], Frame] = {}
    for row in await store.fetch(
        "select day::text, vendor, decisions, digest from decision_frames where programme = $1", programme
    ):
        key = (row["day"], row["vendor"])
        found[key] = found.get(key, Frame()) + Frame.read(row["decisions"], row["digest"])
    return found


async def candidates(store: asyncpg.Connection, draw_id: UUID) -> dict[str, list[str]]:
    """The ids of the candidates of a draw, by stratum and in the order of their ranks."""
    found: dict[str, list[str]] = {}
    for row in await store.fetch(
        "select distinct stratum, rank, decision_id from decision_candidates where draw_id = $1 order by stratum, rank", draw_id
    ):
        found.setdefault(row["stratum"], []).append(row["decision_id"])
    return found
