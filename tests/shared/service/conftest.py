"""A service made of the kit alone, with routes that fail in all the ways that routes can fail."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any

import asyncpg
import httpx
import pytest
from fastapi import APIRouter, FastAPI, Query, Request, Response
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs

from tallystick.schemas.base import Wire
from tallystick.service.app import create_service
from tallystick.service.paging import Paged
from tallystick.service.problems import TooManyRequests
from tallystick.service.replies import IfMatch, not_modified, reply, require_match, revision_etag
from tallystick.service.settings import Settings
from tallystick_embedded.postgres import Cluster

CANARY = "c4n4ry-9d21"
FAILURES: dict[str, Callable[[], BaseException]] = {
    "bug": lambda: ZeroDivisionError(CANARY),
    "query": lambda: DBAPIError(f"select '{CANARY}'", {"value": CANARY}, asyncpg.DataError(CANARY)),
    "lost": lambda: DBAPIError("select 1", {}, asyncpg.ConnectionDoesNotExistError("lost")),
    "refused": lambda: ConnectionRefusedError(CANARY),
    "busy": lambda: TooManyRequests("Others are being served.", headers={"Retry-After": "5"}),
}


class Thing(Wire):
    """Something with a shape."""

    name: str
    size: int


def _probe() -> APIRouter:
    router = APIRouter()

    @router.get("/v1/failures/{kind}")
    async def fail(kind: str) -> None:
        raise FAILURES[kind]()  # noqa: RSE102 - it makes the error

    @router.post("/v1/things")
    async def take(thing: Thing, count: Annotated[int, Query(ge=1)] = 1) -> dict[str, int]:
        return {"size": thing.size * count}

    @router.get("/v1/things/{revision}")
    async def read(request: Request, revision: int) -> Response:
        return not_modified(request, revision_etag(revision)) or reply({"revision": revision}, etag=revision_etag(revision))

    @router.put("/v1/things/{revision}")
    async def write(revision: int, if_match: IfMatch = None) -> Response:
        require_match(if_match, revision_etag(revision))
        return reply({"revision": revision + 1}, etag=revision_etag(revision + 1))

    @router.get("/v1/numbers")
    async def count_up(paging: Paged, odd: bool = False) -> Response:
        numbers = [number for number in range(100) if number % 2 or not odd]
        rest = [number for number in numbers if paging.after is None or number > int(paging.after[0])]
        page = rest[: paging.limit]
        return reply({"items": page}, headers=paging.headers([page[-1]] if len(rest) > len(page) else None))

    @router.get("/v1/patience")
    async def wait(request: Request) -> dict[str, bool]:
        await asyncio.wait_for(request.app.state.draining.wait(), 30)
        return {"drained": True}

    return router


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with capture_logs():
        yield


@pytest.fixture
def service(settings: Callable[..., dict[str, Any]]) -> Callable[..., FastAPI]:
    """Make a service of the kit: `service(database="audit", port=…)`."""

    def make(database: str = "audit", **more: Any) -> FastAPI:
        of_service = Settings(**{"port": 8999, "public_url": "https://qa.example", **settings(database), **more})
        return create_service(
            of_service,
            name="audit-api",
            package="audit_api",
            description="A probe.",
            routers=[_probe()],
            body_limits={"/v1/things": 1000},
        )

    return make


@pytest.fixture
async def probe(service: Callable[..., FastAPI]) -> AsyncIterator[httpx.AsyncClient]:
    """A client of such a service, without a token."""
    app = service()
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client
    await app.state.database.engine.dispose()


@pytest.fixture
async def empty_database(cluster: Cluster) -> AsyncIterator[Callable[[str], Any]]:
    """Make empty databases, by the service whose owner they belong to."""
    connection = await asyncpg.connect(cluster.url("postgres", "postgres"))
    made: list[str] = []

    async def make(service: str) -> str:
        name = f"{service}_fresh_{len(made)}"
        await connection.execute(
            f"create database {name} owner {service}_owner template template0 encoding 'UTF8'"
            " locale 'C' locale_provider builtin builtin_locale 'C.UTF-8'"
        )
        made.append(name)
        return name

    yield make
    for name in made:
        await connection.execute(f"drop database {name} with (force)")
    await connection.close()
