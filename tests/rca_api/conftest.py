"""A reporting-api that rca-api asks over HTTP, and signals in it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI

from appeals import Clock, moved_by_hand
from conftest import listening
from factories import programme_document
from raised_signals import Signals
from rca_api.service import NAME
from rca_api.settings import RcaSettings
from reporting_api.app import create_app
from reporting_api.settings import ReportingSettings
from tallystick.client import Tallystick
from tallystick.schemas.programme import Programme
from tallystick.service.database import Database
from tallystick.service.migrate import migrate
from tallystick.service.neighbours import neighbours


@pytest.fixture(scope="session")
async def reporting_settings(settings: Callable[..., dict[str, Any]], audit_address: str, rca_address: str) -> ReportingSettings:
    """Of a reporting-api that projects when it is told to."""
    return ReportingSettings(**settings("reporting", audit_url=audit_address, rca_url=rca_address), project=False)


@pytest.fixture(scope="session")
async def reporting_app(reporting_settings: ReportingSettings) -> AsyncIterator[FastAPI]:
    """A running reporting-api."""
    await asyncio.to_thread(migrate, "reporting_api", reporting_settings.owner_database_url.get_secret_value())
    app = create_app(reporting_settings)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture(scope="session")
async def following_settings(
    settings: Callable[..., dict[str, Any]], audit_address: str, reporting_app: FastAPI
) -> AsyncIterator[RcaSettings]:
    """Of an rca-api that follows signals, with its neighbours on real ports."""
    async with listening(reporting_app) as address:
        yield RcaSettings(**settings("rca", audit_url=audit_address, reporting_url=address, follow_seconds=0.05))


@pytest.fixture
async def client(following_settings: RcaSettings) -> AsyncIterator[Tallystick]:
    """The client with which rca-api asks its neighbours."""
    async with neighbours(following_settings, NAME) as client:
        yield client


@pytest.fixture
def database(rca_app: FastAPI) -> Database:
    """The database of rca-api."""
    found: Database = rca_app.state.database
    return found


@pytest.fixture
def clock(rca_app: FastAPI) -> Iterator[Clock]:
    """The clock of rca-api, which the test moves."""
    with moved_by_hand(rca_app) as clock:
        yield clock


@pytest.fixture
def document(programme: str) -> Programme:
    """The document of the test's programme."""
    return Programme.model_validate(programme_document(programme))


@pytest.fixture
def signalled(reporting_app: FastAPI, programme: str) -> Signals:
    """The signals of the test's programme."""
    return Signals(reporting_app, programme)
