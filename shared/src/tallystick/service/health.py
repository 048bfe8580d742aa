"""`/livez`, `/readyz`, `/version` and `/metrics` of a service."""

from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, Request, Response
from prometheus_client import generate_latest
from sqlalchemy import text

from tallystick.service.database import Database
from tallystick.service.migrate import head_revision
from tallystick.service.problems import Unavailable, responses


def health_router(name: str, package: str) -> APIRouter:
    """The routes by which operators and load balancers see how the service is. They need no token and say nothing of the data."""
    router = APIRouter(tags=["health"])
    head = head_revision(package)

    @router.get("/livez", summary="Is the process alive?", responses=responses())
    async def live() -> dict[str, str]:
        """Answers without looking at anything else."""
        return {"status": "alive"}

    @router.get("/readyz", summary="Can the service do its work?", responses=responses(Unavailable))
    async def ready(request: Request) -> dict[str, str]:
        """Answers 200 when the database is reachable, its schema is the service's own, and the service is not shutting down."""
        if request.app.state.draining.is_set():
            raise Unavailable("The service is shutting down.", headers={"Retry-After": "5"})
        found = await schema_revision(request.app.state.database)
        if found != head:
            raise Unavailable("The schema is not the one that this version needs.", headers={"Retry-After": "5"})
        return {"status": "ready"}

    @router.get("/version", summary="Which version runs?")
    async def which_version() -> dict[str, Any]:
        """The service, its version and the schema that it needs."""
        return {"service": name, "version": version(name), "schema": head}

    @router.get("/metrics", include_in_schema=False)  # for operators: the gateway does not show it
    async def metrics(request: Request) -> Response:
        """Counters by route template."""
        return Response(generate_latest(request.app.state.metrics.registry), media_type="text/plain; version=0.0.4")

    return router


async def schema_revision(database: Database) -> str | None:
    """The migration that the database stands at; None for an empty one."""
    async with database.engine.connect() as connection:
        if not (await connection.execute(text("select to_regclass('alembic_version') is not null"))).scalar_one():
            return None
        return (await connection.execute(text("select version_num from alembic_version"))).scalar_one_or_none()
