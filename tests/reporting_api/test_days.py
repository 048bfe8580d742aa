"""Which day a moment belongs to is told by the time zones that Python knows, also where PostgreSQL knows them otherwise."""

import struct
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import ARRAY, DateTime, func, literal, select

from appeals import moved_by_hand
from calibration_feed import Session
from reporting_api.metrics.sums import Cut, sums
from reporting_api.projection.worker import SERVICE
from reporting_api.signals.overturns import read_decisions
from reporting_api.signals.worker import detect
from reporting_api.tables import signals
from reporting_feed import Stream
from tallystick.schemas.calibration import SessionState
from tallystick.schemas.metric import Dimension, View
from tallystick.service.database import Database
from tallystick.service.days import day_in_sql, day_of, midnight

ZONE = "Antarctica/Troll"
AHEAD_S = 14 * 60 * 60
FORENOON, NOON = (datetime(2026, 9, 6, hour, tzinfo=UTC) for hour in (9, 12))
"""Of a Sunday in UTC and by PostgreSQL; by the clocks of these tests it is Monday at noon."""


@pytest.fixture(autouse=True)
def ahead(tmp_path: Path) -> Iterator[None]:
    """Put a database before Python's in which a zone is 14 hours ahead of UTC: in PostgreSQL's it is two at most."""
    before, file = zoneinfo.TZPATH, tmp_path / ZONE
    file.parent.mkdir()
    file.write_bytes(struct.pack(">4s16x6llbB4s", b"TZif", 0, 0, 0, 0, 1, 4, AHEAD_S, 0, 0, b"+14\0"))
    zoneinfo.reset_tzpath([tmp_path, *before])
    zoneinfo.ZoneInfo.clear_cache(only_keys=[ZONE])
    yield
    zoneinfo.reset_tzpath(before)
    zoneinfo.ZoneInfo.clear_cache(only_keys=[ZONE])


async def test_the_day_of_an_audit(reporting_database: Database) -> None:
    """As metrics count it."""
    stream = Stream(time_zone=ZONE)
    for moment in (FORENOON, NOON):
        stream.create(audited_at=moment.isoformat())
    await stream.project(reporting_database)
    async with reporting_database.reading(SERVICE) as session:
        days = await sums(session, Cut(stream.programme, (Dimension.DAY,), {}, None, None, View.ADJUDICATED))

    assert list(days) == [("2026-09-06",), ("2026-09-07",)]


async def test_the_week_of_a_decided_appeal(reporting_database: Database) -> None:
    """A week begins with its Monday; what was decided in one that is not over is not told."""
    stream = Stream(time_zone=ZONE)
    for moment in (FORENOON - timedelta(weeks=3), FORENOON, NOON, NOON + timedelta(weeks=1)):
        stream.move(stream.appeal(stream.create(day=date(2026, 8, 3))), "upheld", decided_at=moment.isoformat())
    await stream.project(reporting_database)
    async with reporting_database.reading(SERVICE) as session:
        rows = await read_decisions(session, stream.programme, ZONE, date(2026, 9, 14), by=())

    assert [tuple(row) for row in rows] == [(date(2026, 8, 10), 1, 0), (date(2026, 8, 31), 1, 0), (date(2026, 9, 7), 1, 0)]


async def test_the_day_of_a_calibration_that_falls_short(reporting_database: Database) -> None:
    """It is a signal once that day is over."""
    stream = Stream(time_zone=ZONE)
    Session(stream, [{"ann": "remove"}] * 40).benchmark(*["keep"] * 40).show(SessionState.CONCLUDED)  # on the first, at noon
    await stream.project(reporting_database)
    over = datetime(2026, 9, 2, 10, tzinfo=UTC)
    await detect(reporting_database, stream.programme, over - timedelta(minutes=1))
    async with reporting_database.reading(SERVICE) as session:
        known = select(signals.c.since).where(signals.c.programme == stream.programme)
        assert (await session.execute(known)).all() == []
    await detect(reporting_database, stream.programme, over)
    async with reporting_database.reading(SERVICE) as session:
        assert (await session.execute(known)).scalar_one() == date(2026, 9, 2)


async def test_the_days_that_calibration_is_asked_for(reporting_database: Database, reporting: httpx.AsyncClient) -> None:
    stream = Stream(time_zone=ZONE)
    Session(stream, [{"ann": "keep", "bob": "keep"}] * 2).show(SessionState.CONCLUDED)
    await stream.project(reporting_database)

    async def concluded(first: str, end: str) -> int:
        asked = {"programme": stream.programme, "from": first, "to": end}
        return len((await reporting.get("/v1/reports/calibration", params=asked)).json()["sessions"])

    assert await concluded("2026-09-01", "2026-09-02") == 0
    assert await concluded("2026-09-02", "2026-09-03") == 1


async def test_the_day_of_an_audit_of_a_draw(
    reporting_database: Database, reporting: httpx.AsyncClient, reporting_app: FastAPI
) -> None:
    """As coverage counts it, from the day of the draw on."""
    stream = Stream(time_zone=ZONE)
    draw_id = stream.draw(strata=[{}], first_day="2026-08-31", last_day="2026-09-06", drawn_at="2026-09-06T09:00:00Z")
    for moment in (FORENOON, NOON, NOON):
        stream.item(draw_id=draw_id, state="audited", audited_at=moment.isoformat())
    await stream.project(reporting_database)
    with moved_by_hand(reporting_app) as clock:
        clock.now = NOON + timedelta(hours=1)
        report = (await reporting.get("/v1/reports/coverage", params={"programme": stream.programme})).json()

    assert [(each["day"], each["audited"]) for each in report["days"]] == [("2026-09-06", 1), ("2026-09-07", 3)]


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Europe/Berlin", date(2026, 3, 29)),
        ("Europe/Berlin", date(2026, 10, 25)),
        ("America/Santiago", date(2026, 9, 6)),  # begins at one
        ("America/Havana", date(2026, 11, 1)),  # whose first hour comes twice
        ("Pacific/Apia", date(2011, 12, 30)),  # which there was not
    ],
)
async def test_days_on_which_clocks_change(reporting_database: Database, zone: str, day: date) -> None:
    """A statement tells them as Python does."""
    first, last = day - timedelta(days=2), day + timedelta(days=2)
    moments = [midnight(first, zone) + number * timedelta(minutes=30) for number in range(4 * 48)]
    moment = func.unnest(literal(moments, ARRAY(DateTime(timezone=True)))).column_valued("moment")
    async with reporting_database.reading(SERVICE) as session:
        days = (await session.execute(select(day_in_sql(moment, first, last, zone)))).scalars().all()

    assert days == [day_of(each, zone) for each in moments]
