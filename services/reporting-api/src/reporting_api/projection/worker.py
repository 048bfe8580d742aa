"""The workers that follow the feeds: one per programme and feed, in whichever replica got hold of it first.

A replica holds a PostgreSQL advisory lock for every programme that it follows, those of a feed on one connection of their own,
so a replica that dies lets go of them at once. The locks only spare double work: what keeps the numbers right is that a page is
applied together with the move of its cursor, and only from the cursor that it was read from. The feeds are followed apart, so
that none waits for a service that is out of reach but its own.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import asyncpg
import structlog
from fastapi import FastAPI
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import Row, make_url

from reporting_api.projection.cursors import OvertakenError, apply_page, find_cursor, lag_s, list_cursors, open_cursor, start_anew
from reporting_api.projection.page import FIELDS, read_changes
from reporting_api.projection.work import (
    apply_work_page,
    find_work_cursor,
    list_work_cursors,
    open_work_cursor,
    start_work_anew,
    work_of,
)
from reporting_api.settings import ReportingSettings
from tallystick.client import FeedPage, FeedRewoundError, Outage, Tallystick
from tallystick.schemas.principal import Role
from tallystick.schemas.programme import Programme
from tallystick.service.auth import Principal
from tallystick.service.database import Database, ReadSession, WriteSession
from tallystick.service.neighbours import neighbours

SERVICE = Principal("reporting-api", frozenset({Role.SERVICE}), frozenset({"*"}), None, "")
"""Whom the projection reads and writes as."""

_LOOK_AROUND_S = 2.0
_WAIT_S = 20.0
_LONGEST_DELAY_S = 15.0

log = structlog.get_logger()


def feeds(settings: ReportingSettings) -> Tallystick:
    """The client that follows the feeds, for ever, and says when one is out of reach."""

    def told(outage: Outage) -> None:
        log.warning(
            "feed out of reach", reason=outage.reason, again_in_s=round(outage.delay_s, 2), lasted_s=round(outage.lasted_s)
        )

    return neighbours(settings, SERVICE.subject, on_outage=told)


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed that is followed: whose it is, where its cursors are, and what becomes of a page of it."""

    source: Literal["audit", "rca"]
    fields: Sequence[str]
    """Of what comes in great numbers these fields alone are asked for."""
    lock: str
    """The advisory lock of a programme's follower, with a place for its name."""
    find: Callable[[ReadSession, str], Awaitable[Row[Any] | None]]
    all: Callable[[ReadSession], Awaitable[Iterable[Row[Any]]]]
    open: Callable[[WriteSession, Programme], Awaitable[Row[Any]]]
    prepare: Callable[[Row[Any], FeedPage], Any]
    """What is made of a page behind a cursor while the database is busy with the page before."""
    apply: Callable[[WriteSession, Row[Any], FeedPage, Any], Awaitable[Row[Any]]]
    outdated: Callable[[Row[Any]], bool]
    """Whether what was built cannot be kept behind a cursor, and has to be built anew."""
    start_anew: Callable[[WriteSession, str], Awaitable[None]]


AUDIT = Feed(
    source="audit",
    fields=FIELDS,
    lock="projection of {}",
    find=find_cursor,
    all=list_cursors,
    open=open_cursor,
    prepare=lambda cursor, page: read_changes(page, cursor.time_zone),
    apply=apply_page,
    outdated=lambda cursor: bool(cursor.document["time_zone"] != cursor.time_zone),
    start_anew=start_anew,
)
"""Audits, appeals and calibration: what numbers stand on. A programme that moves to another time zone has other days."""

RCA = Feed(
    source="rca",
    fields=(),
    lock="projection of the work of {}",
    find=find_work_cursor,
    all=list_work_cursors,
    open=open_work_cursor,
    prepare=lambda _cursor, page: work_of(page.changes),
    apply=apply_work_page,
    outdated=lambda _cursor: False,
    start_anew=start_work_anew,
)
"""Cases, causes, actions and plans. They keep moments, no days."""

FEEDS = (AUDIT, RCA)


class Follower:
    """Follows a feed of one programme for as long as it runs."""

    def __init__(
        self,
        database: Database,
        client: Tallystick,
        page: int,
        note: Callable[[Row[Any]], None] = lambda _cursor: None,
        feed: Feed = AUDIT,
    ) -> None:
        self._database = database
        self._client = client
        self._page = page
        self._note = note
        self._feed = feed

    async def follow(self, document: Programme, *, wait: float = _WAIT_S) -> None:
        """Apply every page from the cursor on. While one page is applied, the next is on its way.

        With `wait=0` this ends where the feed ends. A feed that has started a new life, and a programme that has moved to another
        time zone, are projected anew.
        """
        programme, feed = document.slug, self._feed
        async with self._database.writing(SERVICE) as session:
            cursor = await feed.open(session, document)
        self._note(cursor)
        pages = self._client.changes(
            programme, source=feed.source, after=cursor.cursor, wait=wait, limit=self._page, fields=feed.fields
        )
        coming = asyncio.create_task(self._next(cursor, pages))
        try:
            while (found := await coming) is not None:
                coming = asyncio.create_task(self._next(cursor, pages))
                async with self._database.writing(SERVICE) as session:
                    cursor = await feed.apply(session, cursor, *found)
                    if feed.outdated(cursor):
                        await feed.start_anew(session, programme)
                        log.warning("projected anew", programme=programme, feed=feed.source, reason="its time zone has changed")
                        return
                self._note(cursor)
        except FeedRewoundError:
            async with self._database.writing(SERVICE) as session:
                await feed.start_anew(session, programme)
            log.warning("projected anew", programme=programme, feed=feed.source, reason="the feed has started a new life")
        except OvertakenError:
            log.info("overtaken", programme=programme, feed=feed.source)
        finally:
            coming.cancel()
            await asyncio.wait({coming})
            if not coming.cancelled():
                coming.exception()
            await pages.aclose()

    async def _next(self, cursor: Row[Any], pages: AsyncIterator[FeedPage]) -> tuple[FeedPage, Any] | None:
        """The next page with what is made of it: made ready while the database is busy with the page before."""
        page = await anext(pages, None)
        return None if page is None else (page, self._feed.prepare(cursor, page))


class Projection:
    """All of a replica's followers of a feed: finds programmes, takes those that nobody follows, starts again what has failed."""

    def __init__(self, settings: ReportingSettings, database: Database, feed: Feed = AUDIT) -> None:
        self._settings = settings
        self._database = database
        self.feed = feed
        self._held: set[str] = set()
        self._followers: dict[str, asyncio.Task[None]] = {}
        self._failures: dict[str, int] = {}
        self._not_before: dict[str, float] = {}
        self.cursors: dict[str, Row[Any]] = {}
        """By programme that this replica follows, or will once it can: the cursor as it was last seen."""

    @property
    def held(self) -> frozenset[str]:
        """The programmes that this replica and no other follows."""
        return frozenset(self._held)

    async def run(self) -> None:
        """Project until cancelled. Whatever ends the work is logged, and the work begins again."""
        failures = 0
        while True:
            started = time.monotonic()
            attempt = asyncio.create_task(self._lead())
            try:
                await asyncio.wait({attempt})
            finally:
                attempt.cancel()
                await asyncio.wait({attempt})
                await self._stop()
            failures = 0 if time.monotonic() - started > _LONGEST_DELAY_S else failures + 1
            delay = _delay(failures)
            log.error("projection interrupted", feed=self.feed.source, again_in_s=round(delay, 2), exc_info=attempt.exception())
            await asyncio.sleep(delay)

    async def _lead(self) -> None:
        url = make_url(self._settings.database_url.get_secret_value()).set(drivername="postgresql")
        locks = await asyncpg.connect(url.render_as_string(hide_password=False), timeout=10, command_timeout=10)
        try:
            async with self._database.reading(SERVICE) as session:
                self.cursors |= {row.programme: row for row in await self.feed.all(session)}
            async with feeds(self._settings) as client:
                while True:
                    await locks.execute("select")
                    self._reap()
                    for programme in await client.programmes.list():
                        await self._take(locks, client, programme.document)
                    await asyncio.sleep(_LOOK_AROUND_S)
        finally:
            self._held.clear()
            locks.terminate()

    async def _take(self, locks: asyncpg.Connection, client: Tallystick, document: Programme) -> None:
        programme = document.slug
        if programme not in self._held:
            statement = "select pg_try_advisory_lock(hashtextextended($1, 0))"
            if not await locks.fetchval(statement, self.feed.lock.format(programme)):
                self.cursors.pop(programme, None)
                return
            self._held.add(programme)
        if programme not in self._followers and time.monotonic() >= self._not_before.get(programme, 0):
            follower = Follower(self._database, client, self._settings.projection_page, self._note, self.feed)
            self._followers[programme] = asyncio.create_task(follower.follow(document))
            log.info("following", programme=programme, feed=self.feed.source)

    def _note(self, cursor: Row[Any]) -> None:
        before = self.cursors.get(cursor.programme)
        if before is not None and before.checked_at != cursor.checked_at:  # a page was applied
            self._failures.pop(cursor.programme, None)
        self.cursors[cursor.programme] = cursor

    def _reap(self) -> None:
        for programme, task in list(self._followers.items()):
            if not task.done():
                continue
            del self._followers[programme]
            if (failure := task.exception()) is not None:
                self._failures[programme] = self._failures.get(programme, 0) + 1
                delay = _delay(self._failures[programme])
                self._not_before[programme] = time.monotonic() + delay
                log.error(
                    "projection failed", programme=programme, feed=self.feed.source, again_in_s=round(delay, 2), exc_info=failure
                )

    async def _stop(self) -> None:
        tasks = list(self._followers.values())
        self._followers.clear()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


def _delay(failures: int) -> float:
    ceiling = min(_LONGEST_DELAY_S, 0.25 * 2 ** min(failures, 10))
    return random.uniform(ceiling / 2, ceiling)  # noqa: S311 - spreads retries, keeps no secret


class Lag(Collector):
    """For how many seconds each programme that this replica follows has been behind a feed, for Prometheus."""

    def __init__(self, *projections: Projection) -> None:
        self._projections = projections

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauge, as it is now."""
        gauge = GaugeMetricFamily(
            "tallystick_projection_lag_seconds",
            "Since the projection last had nothing left to read.",
            labels=["programme", "feed"],
        )
        now = datetime.now(UTC)
        for projection in self._projections:
            for programme, cursor in list(projection.cursors.items()):
                gauge.add_metric([programme, projection.feed.source], lag_s(cursor, now))
        yield gauge


@asynccontextmanager
async def projecting(app: FastAPI) -> AsyncIterator[Projection | None]:
    """Follow the feeds beside the requests of a service, where its settings say so; answers the projection of the facts."""
    settings: ReportingSettings = app.state.settings
    if not settings.project:
        yield None
        return
    facts, work = (Projection(settings, app.state.database, feed) for feed in FEEDS)
    app.state.metrics.registry.register(Lag(facts, work))
    tasks = {asyncio.create_task(projection.run()) for projection in (facts, work)}
    try:
        yield facts
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def rebuild(settings: ReportingSettings, only: str | None) -> dict[tuple[str, str], int]:
    """Project a programme (or all) anew from the start of its feeds to their ends; answers the positions by programme and feed.

    Services that run meanwhile take part in the work. The facts come first, whether rca-api can be reached or not.
    """
    database = Database(settings.database_url.get_secret_value(), 2)
    reached: dict[tuple[str, str], int] = {}
    async with feeds(settings) as client:
        documents = [read.document for read in await client.programmes.list() if only in {None, read.document.slug}]
        for feed in FEEDS:
            for document in documents:
                async with database.writing(SERVICE) as session:
                    await feed.start_anew(session, document.slug)
                reached[document.slug, feed.source] = await _to_the_end(settings, database, client, document, feed)
    await database.close()
    return reached


async def _to_the_end(
    settings: ReportingSettings, database: Database, client: Tallystick, document: Programme, feed: Feed
) -> int:
    """Follow a feed until all of it is applied, by whomever; answers the position that was reached."""
    while True:
        await Follower(database, client, settings.projection_page, feed=feed).follow(document, wait=0)
        async with database.reading(SERVICE) as session:
            cursor = await feed.find(session, document.slug)
        if cursor is not None and cursor.caught_up_at is not None:
            return int(cursor.position)
