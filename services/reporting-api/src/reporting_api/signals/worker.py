"""Searching for signals beside the requests: in the replica that follows a programme, once its facts stand still."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from importlib.metadata import version
from typing import Any

import structlog
from fastapi import FastAPI
from sqlalchemy import Row

from reporting_api.projection.worker import SERVICE, Projection
from reporting_api.settings import ReportingSettings
from reporting_api.signals.detection import find, looking, read_ground
from reporting_api.signals.records import keep
from reporting_api.signals.searches import last_searches
from tallystick.service.background import beside_requests
from tallystick.service.clock import Clock
from tallystick.service.database import Database
from tallystick.service.days import day_of

_LOOK_AROUND_S = 1.0
_PAUSE_S = 60.0
_PATIENCE = 10
"""How many times as long as facts have to stand still they may move before they are searched all the same."""

VERSION = version("reporting-api")

log = structlog.get_logger()

Facts = tuple[datetime, int, date, str]
"""Which facts were searched on which day, by which version: begun when, up to which position."""


class Detection:
    """A replica's search for signals in the programmes that it follows."""

    def __init__(self, app: FastAPI, projection: Projection, after_s: float) -> None:
        self._app = app
        self._database: Database = app.state.database
        self._projection = projection
        self._after = timedelta(seconds=after_s)
        self._searched: dict[str, Facts | None] = {}
        self._waiting: dict[str, float] = {}
        self._not_before: dict[str, float] = {}

    async def run(self) -> None:
        """Search until cancelled."""
        while True:
            await self.look_around()
            await asyncio.sleep(_LOOK_AROUND_S)

    async def look_around(self) -> list[str]:
        """Search the programmes that are due, and answer which these were."""
        due: list[str] = []
        for programme in self._projection.held:
            if (cursor := self._projection.cursors.get(programme)) is not None and await self._due(cursor):
                await self._attempt(programme)
                due.append(programme)
        return due

    async def _attempt(self, programme: str) -> None:
        """Search a programme. What goes wrong in one is logged, and does not keep the others from being searched."""
        attempt = asyncio.create_task(self.search(programme))
        try:
            await asyncio.wait({attempt})
        finally:
            attempt.cancel()
            await asyncio.wait({attempt})
        if (failure := attempt.exception()) is not None:
            self._not_before[programme] = time.monotonic() + _PAUSE_S
            log.error("search failed", programme=programme, again_in_s=_PAUSE_S, exc_info=failure)

    def _now(self) -> datetime:
        clock: Clock = self._app.state.clock
        return clock()

    async def _due(self, cursor: Row[Any]) -> bool:
        """Whether there is something new to search, and it stands still or has not for long."""
        programme, now = cursor.programme, self._now()
        if time.monotonic() < self._not_before.get(programme, 0):
            return False
        if cursor.caught_up_at is None or cursor.caught_up_at != cursor.checked_at or cursor.applied_at is None:
            return False
        if programme not in self._searched:
            async with self._database.reading(SERVICE) as session:
                last = (await last_searches(session, [programme])).get(programme)
            self._searched[programme] = None if last is None else (last.begun_at, last.position, last.day, last.version)
        if self._searched[programme] == _facts(cursor, now):
            self._waiting.pop(programme, None)
            return False
        since = self._waiting.setdefault(programme, time.monotonic())
        return now - cursor.applied_at >= self._after or time.monotonic() - since >= _PATIENCE * self._after.total_seconds()

    async def search(self, programme: str) -> None:
        """Search the facts of a programme as they are now, and keep what is found."""
        started = time.monotonic()
        changed = await detect(self._database, programme, self._now())
        self._waiting.pop(programme, None)
        self._searched.pop(programme, None)
        if changed:
            log.info("signals changed", programme=programme, signals=changed, took_s=round(time.monotonic() - started, 2))


def _facts(cursor: Row[Any], now: datetime) -> Facts:
    return cursor.created_at, cursor.position, day_of(now, cursor.time_zone), VERSION


async def detect(database: Database, programme: str, now: datetime) -> int | None:
    """Search the facts of a programme, on a thread; answers how many signals changed, None where there was nothing to search."""
    async with database.reading(SERVICE) as session:
        ground = await read_ground(session, programme, now)
    if ground is None:
        return None
    findings = await asyncio.to_thread(find, ground)
    async with database.writing(SERVICE) as session:
        return await keep(session, ground, findings, looking(ground.document.detectors), VERSION)


@asynccontextmanager
async def detecting(app: FastAPI, projection: Projection | None) -> AsyncIterator[None]:
    """Search for signals beside the requests of a service that follows feeds."""
    settings: ReportingSettings = app.state.settings
    if projection is None:
        yield
        return
    detection = Detection(app, projection, settings.detect_after_seconds)
    async with beside_requests("detection", detection.run):
        yield
