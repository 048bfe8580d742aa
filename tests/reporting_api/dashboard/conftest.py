"""Visitors of the pages, and a programme to look at."""

from collections.abc import AsyncIterator, Callable
from datetime import date, timedelta
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from dashboard_browser import visitor
from reporting_feed import Stream, error
from tallystick.identity import sign_token
from tallystick.schemas.principal import Role
from tallystick.service.database import Database

MONDAY = date(2026, 9, 7)


@pytest.fixture
def sign(identity: Path) -> Callable[..., str]:
    """Make a token: `sign(Role.ANALYST, vendor=…, programmes=[…], ttl=…)`."""

    def make(
        *roles: Role, vendor: str | None = None, programmes: tuple[str, ...] = ("*",), ttl: timedelta = timedelta(hours=1)
    ) -> str:
        roles = roles or (Role.ANALYST,)
        return sign_token(identity, subject="a person", roles=roles, programmes=programmes, vendor=vendor, ttl=ttl)

    return make


@pytest.fixture
async def browser(reporting_app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that nobody is signed in with yet."""
    async with visitor(reporting_app) as client:
        yield client


@pytest.fixture
async def stream(reporting_database: Database) -> Stream:
    """A programme of two weeks: acme's audits at lisbon and cairo, borealis' at krakow, one in ten wrong."""
    stream = Stream()
    for place in range(60):
        site = ("lisbon", "cairo", "krakow")[place % 3]
        stream.create(
            error() if place % 10 == 0 else None,
            vendor="borealis" if site == "krakow" else "acme",
            site=site,
            day=MONDAY + timedelta(days=place % 14),
        )
    await stream.project(reporting_database)
    return stream
