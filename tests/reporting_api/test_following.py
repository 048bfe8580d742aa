"""Following audit-api's feed, as it really is."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import structlog
from fastapi import FastAPI
from sqlalchemy import text

from factories import audit_row, programme_document
from reporting_api.metrics.sums import Cut, sums
from reporting_api.projection import cursors, worker
from reporting_api.projection.cursors import find_cursor
from reporting_api.projection.worker import AUDIT, SERVICE, Follower, Lag, Projection, rebuild
from reporting_api.settings import ReportingSettings
from reporting_feed import Stream
from tallystick.client import ProblemError, Tallystick
from tallystick.identity import SERVICE_ISSUER, sign
from tallystick.schemas.metric import View
from tallystick.schemas.principal import Role
from tallystick.schemas.programme import Programme
from tallystick.service.database import Database

Settings = Callable[..., dict[str, Any]]


async def _push(audit: httpx.AsyncClient, programme: str, *rows: dict[str, Any]) -> list[str]:
    answer = await audit.post("/v1/audit-batches", params={"programme": programme}, json=list(rows))
    assert answer.status_code == 201, answer.text
    return [each["audit_id"] for each in answer.json()["results"]]


async def _errors(database: Database, programme: str, view: View = View.ADJUDICATED) -> tuple[int, int]:
    """Audits and errors of a programme."""
    async with database.reading(SERVICE) as session:
        found = (await sums(session, Cut(programme, (), {}, None, None, view))).get((), {"audits": 0, "errors": 0})
    return found["audits"], found["errors"]


async def _until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await condition():
            await asyncio.sleep(0.02)


WRONG = {"verdict": "incorrect", "error_class": "false_negative", "error_code": "FN-HARASS", "severity": "major"}


async def test_what_is_pushed_revised_and_erased_is_counted(
    audit: httpx.AsyncClient, programme: str, feed: Tallystick, reporting_database: Database
) -> None:
    """Created, revised and erased audits, read page by page from the feed's start to its end."""
    ids = await _push(audit, programme, *(audit_row(f"A-{n}", **(WRONG if n < 3 else {})) for n in range(8)))
    follower = Follower(reporting_database, feed, 3)
    document = Programme.model_validate(programme_document(programme))
    await follower.follow(document, wait=0)

    assert await _errors(reporting_database, programme) == (8, 3)
    judgement = {"benchmark_action": "keep", "benchmark_policy": "no_violation", "verdict": "correct"}
    revision = {"judgement": judgement, "reason": "The clip was satire."}
    for audit_id, path, body in ((ids[0], "revisions", revision), (ids[1], "erasure", {"reason": "Asked for."})):
        answer = await audit.post(
            f"/v1/audits/{audit_id}/{path}", params={"programme": programme}, json=body, headers={"If-Match": '"1"'}
        )
        assert answer.is_success, answer.text
    await follower.follow(document, wait=0)
    assert await _errors(reporting_database, programme) == (8, 2)
    assert await _errors(reporting_database, programme, View.FIRST_SCORED) == (8, 3)


async def test_a_new_life_of_the_feed_is_projected_anew(
    audit: httpx.AsyncClient, audit_app: FastAPI, programme: str, feed: Tallystick, reporting_database: Database
) -> None:
    """After a restore from backup the feed answers 410, and the projection begins at its start."""
    await _push(audit, programme, audit_row("A-1"), audit_row("A-2"))
    follower = Follower(reporting_database, feed, 10)
    document = Programme.model_validate(programme_document(programme))
    await follower.follow(document, wait=0)
    async with audit_app.state.database.writing(SERVICE) as session:
        await session.execute(
            text("update streams set epoch = gen_random_uuid() where programme = :programme"), {"programme": programme}
        )
    await follower.follow(document, wait=0)
    assert await _errors(reporting_database, programme) == (0, 0)

    await follower.follow(document, wait=0)

    assert await _errors(reporting_database, programme) == (2, 0)


async def test_another_time_zone_moves_the_days(
    audit: httpx.AsyncClient, programme: str, feed: Tallystick, reporting_database: Database
) -> None:
    """A programme that moves to another time zone is projected anew, in its days."""
    await _push(audit, programme, audit_row("A-1", audited_at="2026-09-01T12:00:00Z"))
    follower = Follower(reporting_database, feed, 10)
    await follower.follow(Programme.model_validate(programme_document(programme)), wait=0)
    moved = programme_document(programme, time_zone="Pacific/Kiritimati")
    current = await audit.get(f"/v1/programmes/{programme}")
    answer = await audit.put(f"/v1/programmes/{programme}", json=moved, headers={"If-Match": current.headers["etag"]})
    assert answer.status_code == 200, answer.text
    for _ in range(2):
        await follower.follow(Programme.model_validate(moved), wait=0)

    async with reporting_database.reading(SERVICE) as session:
        days = (await session.execute(text("select day from facts where programme = :p"), {"p": programme})).scalars().all()
    assert [str(day) for day in days] == ["2026-09-02"]


@pytest.fixture
def own(
    feed: Tallystick,  # noqa: ARG001 - what it puts in place is narrowed here
    programme: str,
    reporting_settings: ReportingSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A projection may enter this test's programmes alone, so it finds and follows none of the other tests'."""
    claims = {"sub": SERVICE.subject, "roles": [Role.SERVICE], "programmes": [programme, f"{programme}-x"]}
    token = sign(reporting_settings.service_key or {}, SERVICE_ISSUER, claims, timedelta(minutes=10))
    everywhere = worker.feeds

    def feeds(settings: ReportingSettings) -> Tallystick:
        client = everywhere(settings)
        client.transport._token = token
        return client

    monkeypatch.setattr(worker, "feeds", feeds)


@pytest.mark.usefixtures("own")
async def test_two_replicas_count_everything_once(
    audit: httpx.AsyncClient,
    programme: str,
    reporting_settings: ReportingSettings,
    reporting_database: Database,
) -> None:
    """Each programme is followed by one replica; when that one stops, the other takes over and goes on where it stood."""
    replicas = [Projection(reporting_settings, reporting_database) for _ in range(2)]
    tasks = [asyncio.create_task(replica.run()) for replica in replicas]
    try:
        await _push(audit, programme, *(audit_row(f"A-{n}") for n in range(10)))

        async def counted(expected: int) -> bool:
            return (await _errors(reporting_database, programme))[0] == expected

        await _until(lambda: counted(10))

        def holders() -> list[Projection]:
            return [replica for replica in replicas if programme in replica.cursors]

        await _until(lambda: asyncio.sleep(0, len(holders()) == 1))
        stopped = replicas.index(holders()[0])
        tasks[stopped].cancel()
        await asyncio.wait({tasks[stopped]})
        await _push(audit, programme, *(audit_row(f"B-{n}") for n in range(5)))
        await _until(lambda: counted(15))
        assert programme in replicas[1 - stopped].cursors
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


@pytest.mark.usefixtures("own")
async def test_a_lost_lock_connection_is_survived(
    audit: httpx.AsyncClient,
    programme: str,
    reporting_settings: ReportingSettings,
    reporting_database: Database,
) -> None:
    """When PostgreSQL ends the projection's connections, it logs that and begins again."""
    replica = Projection(reporting_settings, reporting_database)
    task = asyncio.create_task(replica.run())
    try:
        await _push(audit, programme, audit_row("A-1"))

        async def counted(expected: int) -> bool:
            return (await _errors(reporting_database, programme))[0] == expected

        await _until(lambda: counted(1))
        with structlog.testing.capture_logs() as logs:
            async with reporting_database.reading(SERVICE) as session:
                await session.execute(
                    text(
                        "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted"
                        " and database = (select oid from pg_database where datname = current_database())"
                    )
                )
            await _push(audit, programme, audit_row("A-2"))
            await _until(lambda: counted(2))
            await _until(lambda: asyncio.sleep(0, any(line["event"] == "projection interrupted" for line in logs)))
    finally:
        task.cancel()
        await asyncio.wait({task})


@pytest.mark.usefixtures("own")
async def test_a_programme_that_cannot_be_projected_is_tried_again_and_stops_no_other(
    audit: httpx.AsyncClient,
    audit_app: FastAPI,
    programme: str,
    caller: Callable[..., httpx.AsyncClient],
    reporting_settings: ReportingSettings,
    reporting_database: Database,
) -> None:
    """A failure is logged with its cause; the other programmes go on, and so does this one once the cause is gone."""
    broken = f"{programme}-x"
    admin = caller(audit_app, Role.ADMIN)
    (await admin.put(f"/v1/programmes/{broken}", json=programme_document(broken))).raise_for_status()
    await _push(audit, programme, audit_row("A-1"))
    await _push(audit, broken, audit_row("A-1"))
    failing = True

    async def apply_page(session: Any, before: Any, page: Any, audits: Any) -> Any:
        if failing and before.programme == broken:
            raise ZeroDivisionError
        return await cursors.apply_page(session, before, page, audits)

    replica = Projection(reporting_settings, reporting_database, replace(AUDIT, apply=apply_page))
    task = asyncio.create_task(replica.run())
    try:
        with structlog.testing.capture_logs() as logs:

            async def counted(slug: str) -> bool:
                return (await _errors(reporting_database, slug))[0] == 1

            await _until(lambda: counted(programme))
            await _until(lambda: asyncio.sleep(0, any(line["event"] == "projection failed" for line in logs)))
            failing = False
            await _until(lambda: counted(broken))
        failures = [line for line in logs if line["event"] == "projection failed"]
        assert {line["programme"] for line in failures} == {broken}
        assert isinstance(failures[0]["exc_info"], ZeroDivisionError)
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_rebuild_comes_out_at_the_same_numbers(
    audit: httpx.AsyncClient,
    programme: str,
    feed: Tallystick,
    reporting_settings: ReportingSettings,
    reporting_database: Database,
) -> None:
    await _push(audit, programme, *(audit_row(f"A-{n}", **(WRONG if n < 2 else {})) for n in range(7)))
    await Follower(reporting_database, feed, 2).follow(Programme.model_validate(programme_document(programme)), wait=0)
    before = await _errors(reporting_database, programme)
    async with reporting_database.reading(SERVICE) as session:
        cursor = await find_cursor(session, programme)
    reached = await rebuild(reporting_settings, programme)

    assert cursor is not None
    assert reached == {(programme, "audit"): cursor.position, (programme, "rca"): 0}
    assert await _errors(reporting_database, programme) == before == (7, 2)
    assert await rebuild(reporting_settings, "no-such-programme") == {}


async def test_a_refusal_of_the_feed_is_no_silent_end(feed: Tallystick, programme: str, reporting_database: Database) -> None:
    """A follower whose token is not accepted fails with the problem, which the projection logs."""
    feed.transport._token = "not-a-token"
    with pytest.raises(ProblemError):
        await Follower(reporting_database, feed, 10).follow(Programme.model_validate(programme_document(programme)))


def _lags(projection: Projection) -> dict[str, float]:
    (gauge,) = Lag(projection).collect()
    return {sample.labels["programme"]: sample.value for sample in gauge.samples if sample.labels["feed"] == "audit"}


def _cursor(now: datetime, *, created: float, caught_up: float | None, checked: float | None) -> Any:
    """A cursor whose times lie so many seconds back."""
    times = {"created_at": created, "caught_up_at": caught_up, "checked_at": checked}
    return SimpleNamespace(**{name: None if ago is None else now - timedelta(seconds=ago) for name, ago in times.items()})


def test_lag_is_a_gauge_by_programme(reporting_settings: ReportingSettings, reporting_database: Database) -> None:
    """0 while nothing is left to read; the seconds since then where there is, and where the feed has fallen silent."""
    projection = Projection(reporting_settings, reporting_database)
    now = datetime.now(UTC)
    projection.cursors = {
        "idle": _cursor(now, created=900, caught_up=20, checked=20),
        "busy": _cursor(now, created=900, caught_up=50, checked=1),
        "silent": _cursor(now, created=900, caught_up=300, checked=300),
        "new": _cursor(now, created=7, caught_up=None, checked=None),
    }

    assert _lags(projection) == {
        "idle": 0,
        "busy": pytest.approx(50, abs=5),
        "silent": pytest.approx(300, abs=5),
        "new": pytest.approx(7, abs=5),
    }


async def test_lag_is_told_while_audit_api_is_out_of_reach(
    reporting_settings: ReportingSettings, reporting_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a replica that began in the outage, and by one that lost its connection to PostgreSQL besides."""
    stream = Stream()
    await stream.project(reporting_database)
    async with reporting_database.writing(SERVICE) as session:
        await session.execute(
            text(
                "update cursors set caught_up_at = now() - interval '5 minutes', checked_at = now() - interval '5 minutes'"
                " where programme = :programme"
            ),
            {"programme": stream.programme},
        )

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    original = worker.feeds

    def feeds(settings: ReportingSettings) -> Tallystick:
        client = original(settings)
        client.transport._http = httpx.AsyncClient(transport=httpx.MockTransport(refuse))
        return client

    monkeypatch.setattr(worker, "feeds", feeds)
    replica = Projection(reporting_settings, reporting_database)
    task = asyncio.create_task(replica.run())
    try:
        await _until(lambda: asyncio.sleep(0, stream.programme in _lags(replica)))
        first = _lags(replica)[stream.programme]
        await replica._stop()
        second = _lags(replica)[stream.programme]
    finally:
        task.cancel()
        await asyncio.wait({task})

    assert 300 <= first < second < 330
