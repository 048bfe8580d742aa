"""A caller that goes away at any moment leaves nothing half-written and no connection that is not clean."""

import asyncio
import contextlib
import random
from collections.abc import Callable
from typing import Any

import asyncpg
from sqlalchemy import text

from audit_api.app import create_app
from audit_api.settings import AuditSettings
from batches import push, pushed
from conftest import Caller
from factories import audit_row, missed
from tallystick.schemas.principal import Role

TIMES = 50
NAMES = ("programmes", "vendor", "subject")
IDLE = "select count(*) from pg_stat_activity where datname = 'audit' and state like 'idle in transaction%'"


async def test_a_request_may_be_cancelled_at_any_moment(
    settings: Callable[..., dict[str, Any]], caller: Caller, programme: str, store: asyncpg.Connection
) -> None:
    """Batches are whole or not there, every connection is back in the pool, outside of a transaction and without a principal."""
    dice = random.Random(20260922)  # noqa: S311 - a course of events, no secret
    app = create_app(AuditSettings(**settings("audit", deliver=False, database_pool=2, batches_at_once=2, sweep_seconds=3600)))
    client = caller(app, Role.VENDOR_SYSTEM, vendor="acme")
    of = {"programme": programme}
    async with app.router.lifespan_context(app):
        await pushed(client, programme, [missed(f"A-{number}") for number in range(20)])
        for number in range(TIMES):
            requests = (
                push(
                    client,
                    programme,
                    [missed(f"B-{number}-{row}") for row in range(20)],
                    headers={"Idempotency-Key": f"k-{number}"},
                ),
                push(client, programme, [missed("A-1", comment=f"{number}")], on_conflict="revise"),
                client.post("/v1/audits", params=of, json=audit_row(f"C-{number}")),
                client.get("/v1/audits", params=of),
                client.get("/v1/changes", params=of),
            )
            tasks = [asyncio.create_task(request) for request in requests]
            await asyncio.sleep(dice.random() * 0.03)
            for task in tasks:
                task.cancel()
            for task in tasks:
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        batch = await pushed(client, programme, [missed("A-1"), audit_row("Z-1")])
        engine = app.state.database.engine
        settled: set[str | None] = set()
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(2):
                connection = await stack.enter_async_context(engine.connect())
                for name in NAMES:
                    setting = text(f"select current_setting('app.{name}', true)")
                    settled.add((await connection.execute(setting)).scalar_one())
        async with asyncio.timeout(30):  # for what goes on beside requests, and for PostgreSQL to end what was cut
            while engine.pool.checkedout() or await store.fetchval(IDLE):
                await asyncio.sleep(0.01)
    halves = await store.fetch(
        "select id from audit_batches b where programme = $1 and created <>"
        " (select count(*) from audits a where a.programme = b.programme and a.batch_id = b.id)",
        programme,
    )
    orphans = await store.fetchval(
        "select count(*) from audits a where programme = $1 and batch_id is not null"
        " and not exists (select from audit_batches b where b.programme = a.programme and b.id = a.batch_id)",
        programme,
    )

    assert batch["counts"]["created"] == batch["counts"]["duplicate"] == 1
    assert settled <= {None, ""}
    assert halves == []
    assert orphans == 0
