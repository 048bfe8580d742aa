"""The parts that tests stand on: a real PostgreSQL for each test worker, the services on it, and callers with real tokens.

Tests share the databases and stay out of each other's way by using programmes of their own.
"""

import asyncio
import contextlib
import gc
import json
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import hypothesis
import pytest
import uvicorn
import uvloop
from asyncpg.prepared_stmt import PreparedStatement
from fastapi import FastAPI
from xdist.scheduler import LoadScopeScheduling

from audit_api.settings import AuditSettings
from factories import programme_document
from rca_api.settings import RcaSettings
from statements import Statements
from tallystick.identity import ISSUER, create_identity, sign_token
from tallystick.schemas.base import new_id
from tallystick.schemas.principal import Role
from tallystick.service.migrate import migrate
from tallystick.service.neighbours import neighbours
from tallystick.service.pages import assets
from tallystick.service.settings import Settings
from tallystick_embedded.errors import StackError
from tallystick_embedded.postgres import Cluster

collect_ignore = [] if "DATA" in os.environ else ["acceptance"]  # which needs data that is not part of the product

hypothesis.settings.register_profile("untimed", deadline=None)  # how long anything takes is for the benches
hypothesis.settings.load_profile("untimed")

Caller = Callable[..., httpx.AsyncClient]
Noted = Callable[[], contextlib.AbstractContextManager[Statements]]

UNSAFE_AND_FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "shared_buffers": "64MB"}
"""Durability is what tests/system look at, on a cluster with none of these."""


TOGETHER = ("tests/security/", "tests/system/test_kills.py", "tests/system/", "tests/deploy/")
"""Folders that one worker runs as a whole: what their tests share, or start for themselves, takes seconds. Stacks that are
killed are no one else's, so they are apart."""
LONG = (
    "tests/security/",
    "tests/audit_api/test_draws_model.py",
    "tests/audit_api/test_items_at_once.py",
    "tests/audit_api/test_appeals_at_once.py",
    "tests/rca_api/test_following.py",
    "tests/shared/service/test_migrations.py",
)
"""What takes longest, though some of it is few tests: nobody should wait for it alone at the end."""


class Scheduling(LoadScopeScheduling):  # type: ignore[misc] # xdist ships no types
    """Hands out tests to the workers by file, or by folder, so that none starts what another has running.

    First what takes long, then what has the most tests.
    """

    def _split_scope(self, nodeid: str) -> str:
        return next(filter(nodeid.startswith, TOGETHER), nodeid.partition("::")[0])

    def _assign_work_unit(self, node: Any) -> None:
        if (scope := next(filter(self.workqueue.__contains__, LONG), None)) is not None:
            self.workqueue.move_to_end(scope, last=False)
        super()._assign_work_unit(node)


def pytest_collection_finish() -> None:
    """Look for cycles as seldom as the services do: what is there now stays."""
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    """How `make test` divides the tests."""
    return Scheduling(config, log)


def _on_death(failure: StackError) -> None:
    raise failure


@pytest.fixture(scope="session")
def _asyncio_loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """What pytest-asyncio makes the loop of all tests with: the one that the services run in."""
    return uvloop.new_event_loop


@pytest.fixture(scope="session")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    """A PostgreSQL server with the roles and databases of a deployment."""
    cluster = Cluster(
        tmp_path_factory.mktemp("postgres") / "data", log=lambda *_: None, on_death=_on_death, options=UNSAFE_AND_FAST
    )
    await cluster.start()
    yield cluster
    await cluster.stop()


@pytest.fixture(scope="session")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a local issuer."""
    directory = tmp_path_factory.mktemp("identity")
    create_identity(directory)
    return directory


@pytest.fixture(scope="session")
def settings(cluster: Cluster, identity: Path) -> Callable[..., dict[str, Any]]:
    """The settings of a service on the cluster, by the name of its database."""

    def of(database: str, **more: Any) -> dict[str, Any]:
        return {
            "database_url": cluster.url(database, f"{database}_runtime"),
            "owner_database_url": cluster.url(database, f"{database}_owner"),
            "database_pool": 5,
            "issuers": [{"issuer": ISSUER, "jwks": str(identity / "jwks.json")}],
            "service_jwks": identity / "jwks.json",
            "service_key": json.loads((identity / "service.jwk").read_text()),
            "secret": (identity / "secret").read_text(),
            "revoked": identity / "revoked",
            **more,
        }

    return of


@contextlib.asynccontextmanager
async def started(app: FastAPI, settings: Settings, package: str) -> AsyncIterator[FastAPI]:
    """A service on its migrated database, with all that runs beside its requests."""
    await asyncio.to_thread(migrate, package, settings.owner_database_url.get_secret_value())
    async with app.router.lifespan_context(app):
        yield app


class Server(uvicorn.Server):
    """A server beside the tests: it leaves their signals alone, and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def listening(app: FastAPI) -> AsyncIterator[str]:
    """Serve a started app on a free port of the loopback interface; answers its address."""
    config = uvicorn.Config(
        app, port=0, lifespan="off", ws="none", log_config=None, access_log=False, timeout_graceful_shutdown=2
    )
    server = Server(config)
    task = asyncio.create_task(server.serve())
    await server.listens.wait()
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await task


@contextlib.asynccontextmanager
async def asking(app: FastAPI, reporting: str) -> AsyncIterator[None]:
    """Let a running rca-api ask the reporting-api at an address."""
    before = app.state.neighbours
    settings = app.state.settings.model_copy(update={"reporting_url": reporting})
    async with neighbours(settings, "rca-api", patience_s=2) as app.state.neighbours:
        yield
    app.state.neighbours = before


@pytest.fixture(scope="session", autouse=True)
def packed_once() -> Iterator[None]:
    """Where Vega was not packed at installation, which takes seconds, a worker packs it once and all its services load that."""
    pack = assets.pack_vega
    packing: list[asyncio.Task[bytes]] = []

    async def once() -> bytes:
        if not packing:
            packing.append(asyncio.create_task(pack()))
        return await asyncio.shield(packing[0])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(assets, "pack_vega", once)
        yield


@pytest.fixture(scope="session")
async def audit_app(settings: Callable[..., dict[str, Any]]) -> AsyncIterator[FastAPI]:
    """A running audit-api."""
    from audit_api.app import create_app  # noqa: PLC0415 - the process that hands out tests runs no service

    of_service = AuditSettings(**settings("audit", deliver=False, sweep_seconds=3600))  # tests say themselves when time is up
    async with started(create_app(of_service), of_service, "audit_api") as app:
        yield app


@pytest.fixture(scope="session")
async def audit_address(audit_app: FastAPI) -> AsyncIterator[str]:
    """Where audit-api listens on a real port, for the services that call it."""
    async with listening(audit_app) as address:
        yield address


@pytest.fixture(scope="session")
async def rca_app(settings: Callable[..., dict[str, Any]], audit_address: str) -> AsyncIterator[FastAPI]:
    """A running rca-api that asks the running audit-api."""
    from rca_api.app import create_app  # noqa: PLC0415 - as above

    quiet = {"follow": False, "deliver": False, "sweep_seconds": 3600}  # tests say themselves when something is to be done
    of_service = RcaSettings(**settings("rca", audit_url=audit_address, **quiet))
    async with started(create_app(of_service), of_service, "rca_api") as app:
        yield app


@pytest.fixture(scope="session")
async def rca_address(rca_app: FastAPI) -> AsyncIterator[str]:
    """Where rca-api listens on a real port, for the services that follow it."""
    async with listening(rca_app) as address:
        yield address


@pytest.fixture
async def caller(identity: Path) -> AsyncIterator[Callable[..., httpx.AsyncClient]]:
    """Make clients of an app that speak for a principal: `caller(app, Role.AUDITOR, vendor=…, programmes=[…])`."""
    clients: list[httpx.AsyncClient] = []

    def make(
        app: FastAPI, *roles: Role, vendor: str | None = None, programmes: tuple[str, ...] = ("*",), subject: str = "someone"
    ) -> httpx.AsyncClient:
        token = sign_token(
            identity, subject=subject, roles=roles, programmes=programmes, vendor=vendor, ttl=timedelta(minutes=10)
        )
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False),
            base_url="http://test",
            headers={"Authorization": f"Bearer {token}"},
        )
        clients.append(client)
        return client

    yield make
    for client in clients:
        await client.aclose()


@pytest.fixture
def audit(request: pytest.FixtureRequest, audit_app: FastAPI, caller: Caller) -> httpx.AsyncClient:
    """A client of audit-api for the principal of `@pytest.mark.principal(Role.…, vendor=…)`; an admin without the mark."""
    mark = request.node.get_closest_marker("principal")
    return caller(audit_app, *mark.args, **mark.kwargs) if mark else caller(audit_app, Role.ADMIN)


@pytest.fixture
def rca(request: pytest.FixtureRequest, rca_app: FastAPI, caller: Caller) -> httpx.AsyncClient:
    """A client of rca-api for the principal of `@pytest.mark.principal(Role.…, vendor=…)`; an admin without the mark."""
    mark = request.node.get_closest_marker("principal")
    return caller(rca_app, *mark.args, **mark.kwargs) if mark else caller(rca_app, Role.ADMIN)


@pytest.fixture
async def programme(audit_app: FastAPI, caller: Caller) -> str:
    """The slug of a programme that is this test's own, with the vendors acme and borealis."""
    slug = f"p-{new_id().hex[-16:]}"
    admin = caller(audit_app, Role.ADMIN)
    (await admin.put(f"/v1/programmes/{slug}", json=programme_document(slug))).raise_for_status()
    return slug


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> Noted:
    """The statements that the driver is given within a block, with their parameters; the ends of transactions left out."""
    seen: Statements = []

    def note(kind: type, name: str, text_of: Callable[..., tuple[str, Any]]) -> None:
        original = getattr(kind, name)

        async def run(self: Any, *parts: Any, **more: Any) -> Any:
            statement, parameters = text_of(self, *parts)
            if statement.strip(" ;").lower() not in {"commit", "rollback", "end"}:
                seen.append((statement, parameters))
            return await original(self, *parts, **more)

        monkeypatch.setattr(kind, name, run)

    for name in ("execute", "fetch", "fetchrow", "fetchval"):
        note(asyncpg.Connection, name, lambda _, statement, *parameters: (statement, parameters))
    note(PreparedStatement, "fetch", lambda self, *parameters: (self.get_query(), parameters))

    @contextlib.contextmanager
    def noting() -> Iterator[Statements]:
        seen.clear()
        yield seen

    return noting
