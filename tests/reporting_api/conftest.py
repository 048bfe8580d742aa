"""A running reporting-api, its database, and changes as audit-api's feed would show them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from reporting_api.app import create_app
from reporting_api.projection import worker
from reporting_api.settings import ReportingSettings
from tallystick.client import Tallystick
from tallystick.schemas.principal import Role
from tallystick.service.database import Database
from tallystick.service.migrate import migrate


@pytest.fixture(scope="session")
async def reporting_app(settings: Callable[..., dict[str, Any]]) -> AsyncIterator[FastAPI]:
    """A running reporting-api that follows no feed: tests apply the changes they want."""
    of_service = ReportingSettings(**settings("reporting"), project=False)
    await asyncio.to_thread(migrate, "reporting_api", of_service.owner_database_url.get_secret_value())
    app = create_app(of_service)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture(scope="session")
def reporting_database(reporting_app: FastAPI) -> Database:
    """The database of `reporting_app`."""
    database: Database = reporting_app.state.database
    return database


@pytest.fixture
def reporting(
    request: pytest.FixtureRequest, reporting_app: FastAPI, caller: Callable[..., httpx.AsyncClient]
) -> httpx.AsyncClient:
    """A client of reporting-api for the principal of the test's mark; an admin without one."""
    mark = request.node.get_closest_marker("principal")
    return caller(reporting_app, *mark.args, **mark.kwargs) if mark else caller(reporting_app, Role.ADMIN)


@pytest.fixture
def reporting_settings(settings: Callable[..., dict[str, Any]]) -> ReportingSettings:
    """Of a projection that reads small pages."""
    return ReportingSettings(**settings("reporting"), projection_page=3, audit_url="http://audit", rca_url="http://rca")


@pytest.fixture
async def feed(
    audit_app: FastAPI, rca_app: FastAPI, reporting_settings: ReportingSettings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Tallystick]:
    """The projection's client of audit-api and rca-api, on the running applications instead of sockets."""
    original = worker.feeds
    mounts = {"http://audit": httpx.ASGITransport(audit_app), "http://rca": httpx.ASGITransport(rca_app)}

    def feeds(settings: ReportingSettings) -> Tallystick:
        client = original(settings)
        client.transport._http = httpx.AsyncClient(mounts=mounts)
        return client

    monkeypatch.setattr(worker, "feeds", feeds)
    monkeypatch.setattr(worker, "_LOOK_AROUND_S", 0.05)
    async with feeds(reporting_settings) as client:
        yield client
