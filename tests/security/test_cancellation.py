"""Requests that end before their answer leave nothing behind: no open transaction, no principal, no lost connection."""

import asyncio
import contextlib
import itertools
import random
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from audit_api.app import create_app as create_audit_api
from audit_api.settings import AuditSettings
from conftest import listening
from security.world import Actor, World
from tallystick.schemas.base import new_id
from tallystick.schemas.principal import Role
from tallystick.service import database
from tallystick_embedded.postgres import Cluster

TIMES = 1000
AT_ONCE = 24
SPARED = 2
"""So many awaits beyond its end are drawn too, so that some requests are not cancelled and commit in between."""
POOL = 5
NAME = "cancelled"

SESSIONS = """
    select pid, state, xact_start,
        (select count(*) from pg_locks where pg_locks.pid = sessions.pid and locktype = 'advisory') as locks
    from pg_stat_activity as sessions
    where application_name = $1
"""
BUSY = "select count(*) > $2 or bool_or(state <> 'idle') from pg_stat_activity where application_name = $1"
"""Whether there are more sessions than so many, or one that is at something."""
LEFT = """
    select name, current_setting(name, true) as setting
    from unnest(array['app.programmes', 'app.vendor', 'app.subject']) as name
"""


@pytest.fixture
async def app(
    settings: Callable[..., dict[str, Any]], audit_app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[FastAPI]:
    """An audit-api of this test's own, with few connections, so that each is used over and over, under a name of their own."""
    assert audit_app.state  # its database is migrated

    def named(url: URL, **options: Any) -> AsyncEngine:
        options["connect_args"]["server_settings"]["application_name"] = NAME
        return create_async_engine(url, **options)

    monkeypatch.setattr(database, "create_async_engine", named)
    app = create_audit_api(AuditSettings(**settings("audit", deliver=False, database_pool=POOL, sweep_seconds=3600)))
    async with app.router.lifespan_context(app):
        yield app


Request = tuple[str, str, dict[str, Any]]
KINDS = 6


def requests(world: World) -> Iterator[Request]:
    """Reads, lists, a feed, and writes of all sizes, in turn, without end."""
    programme = {"programme": world.own}
    target = world.things[world.own, "acme"]
    while True:
        yield "GET", f"/v1/audits/{target.audit_id}", {"params": programme}
        yield "POST", "/v1/audits", {"params": programme, "json": target.row()}
        yield "GET", "/v1/audits", {"params": {**programme, "limit": 50}}
        yield "POST", "/v1/audit-batches", {"params": programme, "json": [target.row() for _ in range(5)]}
        yield "GET", "/v1/changes", {"params": programme}
        key = {"Idempotency-Key": str(new_id())}
        yield "POST", "/v1/audit-batches", {"params": {**programme, "dry_run": True}, "json": [target.row()], "headers": key}


class Interruption:
    """Cancels a coroutine at the nth time that it gives way: at any await that really waits, wherever it is."""

    def __init__(self, coroutine: Any, at: int) -> None:
        self._coroutine = coroutine
        self._at = at
        self.steps = 0

    @property
    def interrupted(self) -> bool:
        """Whether it was still running then."""
        return self.steps >= self._at

    def __await__(self) -> Any:
        iterator = self._coroutine.__await__()
        sent: Any = None
        raised: BaseException | None = None
        while True:
            try:
                waited = iterator.throw(raised) if raised is not None else iterator.send(sent)
            except StopIteration as end:
                return end.value
            self.steps += 1
            raised = None
            if self.steps == self._at:
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
            try:
                sent = yield waited
            except BaseException as error:  # noqa: BLE001 - handed on to where the coroutine waits
                raised = error


async def interrupted(client: httpx.AsyncClient, request: Request, at: int) -> Interruption:
    """Make a request and cancel it at its nth await."""
    method, path, rest = request
    call = Interruption(client.request(method, path, **rest), at)

    async def run() -> None:
        await call

    task = asyncio.create_task(run())
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return call


async def assert_nothing_left(app: FastAPI, cluster: Cluster) -> None:
    """Every connection is in the pool, idle, outside any transaction, without locks and without a principal."""
    engine: AsyncEngine = app.state.database.engine
    pool: Any = engine.pool
    server = await asyncpg.connect(cluster.url("audit", "postgres"))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(30):  # until what nobody waits for any more has ended, in PostgreSQL too
            while pool.checkedout() or await server.fetchval(BUSY, NAME, POOL):
                await asyncio.sleep(0.01)
    pooled = {connection.pid async for connection in every_connection(engine)}
    sessions = await server.fetch(SESSIONS, NAME)
    await server.close()

    assert {session["pid"] for session in sessions} <= pooled
    assert len(pooled) == POOL
    for session in sessions:
        assert (session["state"], session["xact_start"], session["locks"]) == ("idle", None, 0), dict(session)
    async for connection in every_connection(engine):
        assert not any(connection.left.values()), connection.left
        assert connection.rows == 0


@dataclass(frozen=True)
class Pooled:
    """What is found on a connection of the pool."""

    pid: int
    left: dict[str, str]
    """The settings of a principal that are still there."""
    rows: int
    """The audits that it sees."""


async def every_connection(engine: AsyncEngine) -> AsyncIterator[Pooled]:
    """Each connection of the pool, once."""
    async with contextlib.AsyncExitStack() as stack:
        for connection in [await stack.enter_async_context(engine.connect()) for _ in range(POOL)]:
            pid: int = (await connection.execute(text("select pg_backend_pid()"))).scalar_one()
            left = {row.name: row.setting for row in await connection.execute(text(LEFT))}
            rows: int = (await connection.execute(text("select count(*) from audits"))).scalar_one()
            yield Pooled(pid, left, rows)


async def test_a_thousand_cancelled_requests_leave_nothing_behind(app: FastAPI, world: World, cluster: Cluster) -> None:
    """Cancelled at random awaits, two dozen at a time on five connections: the pool is whole, clean and works on."""
    chance = random.Random(8)  # noqa: S311 - repeatable, no secret
    actor = Actor(Role.VENDOR_SYSTEM, (world.own,), "acme")
    endless = requests(world)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {world.token(actor)}"}
    hits = 0
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
        awaits = [(await interrupted(client, next(endless), at=sys.maxsize)).steps for _ in range(KINDS)]
        while hits < TIMES:
            group = [
                interrupted(client, next(endless), chance.randint(1, awaits[turn % KINDS] + SPARED)) for turn in range(AT_ONCE)
            ]
            hits += sum([call.interrupted for call in await asyncio.gather(*group)])
        await assert_nothing_left(app, cluster)
        after = [await client.request(method, path, **rest) for method, path, rest in itertools.islice(endless, KINDS)]
        await assert_nothing_left(app, cluster)

    assert all(answer.is_success for answer in after)


async def test_dropped_connections_leave_nothing_behind(app: FastAPI, world: World, cluster: Cluster) -> None:
    """Clients that hang up in the middle of a request, or of an answer, against a server on a real socket."""
    chance = random.Random(9)  # noqa: S311
    token = world.token(Actor(Role.VENDOR_SYSTEM, (world.own,), "acme"))
    endless = requests(world)
    async with listening(app) as address:
        host, _, port = address.removeprefix("http://").partition(":")

        async def hang_up() -> None:
            method, path, rest = next(endless)
            request = httpx.Request(method, f"{address}{path}", **rest)
            lines = [f"{method} {request.url.raw_path.decode()} HTTP/1.1", f"Authorization: Bearer {token}"]
            lines += [f"{name}: {value}" for name, value in request.headers.items()]
            content = "\r\n".join([*lines, "", ""]).encode() + request.content
            _, writer = await asyncio.open_connection(host, int(port))
            cut = chance.choice((len(content), len(content), chance.randrange(len(content))))
            writer.write(content[:cut])
            await writer.drain()
            await asyncio.sleep(chance.random() * 0.02)
            writer.transport.abort()

        for _ in range(TIMES // 4 // AT_ONCE):
            await asyncio.gather(*(hang_up() for _ in range(AT_ONCE)))
        await assert_nothing_left(app, cluster)
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=address, headers=headers, timeout=30, trust_env=False) as client:
            answers = [await client.request(method, path, **rest) for method, path, rest in itertools.islice(endless, KINDS)]

    assert all(answer.is_success for answer in answers)
