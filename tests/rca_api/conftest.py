"""A reporting-api that rca-api asks over HTTP, and signals in it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import insert, update

from appeals import Clock, moved_by_hand
from conftest import listening
from factories import programme_document
from rca_api.service import NAME, SERVICE
from rca_api.settings import RcaSettings
from reporting_api.app import create_app
from reporting_api.settings import ReportingSettings
from reporting_api.signals.findings import signal_id
from reporting_api.tables import signals, streams
from tallystick.client import Tallystick
from tallystick.schemas.programme import Programme
from tallystick.service.database import Database
from tallystick.service.feed import take_positions
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


class Signals:
    """Signals as reporting-api keeps them, put there by hand."""

    def __init__(self, app: FastAPI, programme: str) -> None:
        self._database: Database = app.state.database
        self._programme = programme

    async def raise_one(self, scope: dict[str, str], since: date, weeks: int = 1, **changes: Any) -> str:
        """A new signal about a scope, shown for so many weeks; answers its key."""
        detector, measure = changes.get("detector", "control_chart"), changes.get("measure", "error_rate")
        key = f"{detector}/{measure}/{'&'.join(f'{name}={value}' for name, value in scope.items())}/{since}"
        number = {"value": 0.2, "numerator": 8, "denominator": 40, "interval": None, "sufficient": True, "reason": None}
        signal = {
            "key": key,
            "vendor": scope.get("vendor"),
            "detector": detector,
            "rule": "one_beyond_limit",
            "measure": measure,
            "scope": {name: [value] for name, value in scope.items()},
            "state": "active",
            "direction": "up",
            "since": since,
            "raised_on": since + timedelta(weeks=1),
            "until": since + timedelta(weeks=weeks),
            "time_zone": "Europe/Berlin",
            "strength": 3.4,
            "observed": number,
            "expected": number,
            "summary": f"Errors went up at {', '.join(scope.values())}.",
        }
        await self._write(
            insert(signals).values(programme=self._programme, id=signal_id(self._programme, key), revision=1), **signal | changes
        )
        return key

    async def change(self, key: str, revision: int = 2, **values: Any) -> None:
        """Let a signal say something else."""
        this = update(signals).where(signals.c.programme == self._programme, signals.c.key == key)
        await self._write(this.values(revision=revision), **values)

    async def _write(self, statement: Any, **values: Any) -> None:
        async with self._database.writing(SERVICE) as session:
            position = await take_positions(session, streams, self._programme, 1)
            await session.execute(statement.values(position=position, **values))


@pytest.fixture
def signalled(reporting_app: FastAPI, programme: str) -> Signals:
    """The signals of the test's programme."""
    return Signals(reporting_app, programme)
