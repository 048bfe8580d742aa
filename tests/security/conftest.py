"""The world that the security tests look at: all three services, filled, and a second one whose database has no walls."""

import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import structlog
from fastapi import FastAPI

from audit_api.app import create_app as create_audit_api
from audit_api.settings import AuditSettings
from conftest import asking, listening, started
from rca_api.app import create_app as create_rca_api
from rca_api.settings import RcaSettings
from reporting_api.app import create_app as create_reporting_api
from reporting_api.settings import ReportingSettings
from security.world import World
from tallystick_embedded.postgres import Cluster

PACKAGES = {"audit": "audit_api", "rca": "rca_api", "reporting": "reporting_api"}


@pytest.fixture(scope="session")
async def reporting_settings(settings: Callable[..., dict[str, Any]], audit_address: str, rca_address: str) -> ReportingSettings:
    """The settings of a reporting-api that projects when it is told to."""
    return ReportingSettings(**settings("reporting", audit_url=audit_address, rca_url=rca_address), project=False)


@pytest.fixture(scope="session")
async def world(
    cluster: Cluster, identity: Path, audit_app: FastAPI, rca_app: FastAPI, reporting_settings: ReportingSettings
) -> AsyncIterator[World]:
    """The services as they are deployed, with something of everything in them."""
    async with started(create_reporting_api(reporting_settings), reporting_settings, "reporting_api") as reporting_app:
        apps = {"audit": audit_app, "rca": rca_app, "reporting": reporting_app}
        world = World(apps, identity, {name: cluster.url(name, "postgres") for name in apps})
        async with listening(reporting_app) as address, asking(rca_app, address):
            await world.seed(reporting_settings)
            yield world
            await world.close()


@pytest.fixture(scope="session")
async def open_world(cluster: Cluster, identity: Path, settings: Callable[..., dict[str, Any]]) -> AsyncIterator[World]:
    """The same services on databases of their own, in which row-level security is switched off."""
    urls = {name: cluster.url(f"{name}_without_walls", "postgres") for name in PACKAGES}
    server = await asyncpg.connect(cluster.url("postgres", "postgres"))
    for name in PACKAGES:
        await server.execute(f"create database {name}_without_walls owner {name}_owner template template0")
    await server.close()

    def of(name: str, **more: Any) -> dict[str, Any]:
        database = f"{name}_without_walls"
        roles = {"database_url": f"{name}_runtime", "owner_database_url": f"{name}_owner"}
        return settings(name, **{key: cluster.url(database, role) for key, role in roles.items()}, **more)

    async with AsyncExitStack() as stack:
        of_audit = AuditSettings(**of("audit", deliver=False, sweep_seconds=3600))
        audit_app = await stack.enter_async_context(started(create_audit_api(of_audit), of_audit, "audit_api"))
        address = await stack.enter_async_context(listening(audit_app))
        of_rca = RcaSettings(**of("rca", audit_url=address, follow=False, deliver=False, sweep_seconds=3600))
        rca_app = await stack.enter_async_context(started(create_rca_api(of_rca), of_rca, "rca_api"))
        rca_address = await stack.enter_async_context(listening(rca_app))
        of_reporting = ReportingSettings(**of("reporting", audit_url=address, rca_url=rca_address), project=False)
        reporting_app = create_reporting_api(of_reporting)
        await stack.enter_async_context(started(reporting_app, of_reporting, "reporting_api"))
        for url in urls.values():
            await _tear_down_walls(url)
        reporting_address = await stack.enter_async_context(listening(reporting_app))
        await stack.enter_async_context(asking(rca_app, reporting_address))
        world = World({"audit": audit_app, "rca": rca_app, "reporting": reporting_app}, identity, urls)
        await world.seed(of_reporting)
        yield world
        await world.close()


async def _tear_down_walls(url: str) -> None:
    connection = await asyncpg.connect(url)
    for row in await connection.fetch("select oid::regclass as name from pg_class where relrowsecurity"):
        await connection.execute(f"alter table {row['name']} disable row level security")
    await connection.close()


@pytest.fixture(scope="module", autouse=True)
def quiet() -> Iterator[None]:
    """Hundreds of requests, many of them refused: nobody reads their log."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(**before)
