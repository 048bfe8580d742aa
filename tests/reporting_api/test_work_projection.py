"""The projection of rca-api's feed: page by page or from zero, the work comes out the same."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
import structlog
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from actions import started
from cases import closed, opened
from factories import audit_row, programme_document
from reporting_api.metrics.sums import Cut, sums
from reporting_api.projection import worker
from reporting_api.projection.cursors import OvertakenError
from reporting_api.projection.work import WORK, apply_work_page, find_work_cursor, open_work_cursor, start_work_anew, work_of
from reporting_api.projection.worker import AUDIT, RCA, SERVICE, Follower, Lag, Projection, rebuild
from reporting_api.settings import ReportingSettings
from reporting_api.tables import actions, cases, plans
from reporting_work import OPENED, TARGETS, WorkStream
from tallystick.client import Tallystick
from tallystick.identity import SERVICE_ISSUER, sign
from tallystick.schemas.base import new_id
from tallystick.schemas.metric import View
from tallystick.schemas.principal import Role
from tallystick.schemas.programme import Programme
from tallystick.service.database import Database

happenings = st.lists(
    st.tuples(
        st.sampled_from(["open", "move", "move", "cause", "action", "done", "plan", "judged", "message", "read", "replay"]),
        st.integers(0, 99),
    ),
    min_size=15,
    max_size=50,
)


def _stream() -> WorkStream:
    return WorkStream(programme_document(f"w-{new_id().hex[-16:]}"))


def _happen(stream: WorkStream, what: str, which: int) -> None:
    there, actions = list(stream.things["case"]), list(stream.things["action"])
    moment = OPENED + timedelta(hours=stream.position)
    if what == "open":
        stream.open([None, "acme", "borealis"][which % 3], moment)
        return
    if what == "message":
        stream.show("message", {"id": str(new_id()), "text": "What happened?"})
    if not there:
        return
    case = there[which % len(there)]
    if what == "move":
        stream.move(case, list(TARGETS)[which % len(TARGETS)], moment)
    elif what == "cause":
        stream.cause(case, audience=["vendor", "internal"][which % 2])
    elif what == "action":
        stream.action(case, moment)
    elif what == "plan":
        stream.plan(case, moment.date())
    elif what == "judged" and case in stream.things["plan"]:
        stream.change("plan", case, verdict="effective", judged_at=moment.isoformat())
    elif what == "done" and actions:
        stream.change("action", actions[which % len(actions)], state="done", done_at=moment.isoformat())


async def _rows(database: Database, programme: str) -> set[str]:
    """All that is known of a programme's work."""
    async with database.reading(SERVICE) as session:
        return {
            f"{table.name} {tuple(row)}"
            for table in WORK
            for row in await session.execute(select(table).where(table.c.programme == programme))
        }


@given(history=happenings)
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
async def test_work_that_is_followed_equals_work_that_is_rebuilt(
    reporting_database: Database, history: list[tuple[str, int]]
) -> None:
    """Whenever pages were read, of whatever size, and whatever was read twice; and both are what the feed shows last."""
    stream = _stream()
    for what, which in history:
        if what == "read":
            await stream.project(reporting_database, limit=1 + which % 5, pages=1 + which % 3)
        elif what == "replay":
            await _replay(reporting_database, stream)
        else:
            _happen(stream, what, which)
    await stream.project(reporting_database, limit=3)
    followed = await _rows(reporting_database, stream.programme)
    async with reporting_database.writing(SERVICE) as session:
        await start_work_anew(session, stream.programme)
    assert await _rows(reporting_database, stream.programme) == set()
    await stream.project(reporting_database)

    assert await _rows(reporting_database, stream.programme) == followed
    assert len(followed) == sum(len(things) for noun, things in stream.things.items() if noun != "message")


async def _replay(database: Database, stream: WorkStream) -> None:
    """Apply the first page once more, as a feed does whose cursor was lost, and go on from where it was."""
    async with database.writing(SERVICE) as session:
        cursor = await open_work_cursor(session, Programme.model_validate(stream.document))
        page = next(stream.pages(0, 4))
        again = await apply_work_page(session, cursor, page, work_of(page.changes))
        moved = {"position": max(cursor.position, again.position), "programme": stream.programme}
        await session.execute(text("update work_cursors set position = :position where programme = :programme"), moved)


async def test_a_page_is_applied_from_its_own_cursor_alone(reporting_database: Database) -> None:
    """A worker that was overtaken applies nothing."""
    stream = _stream()
    stream.open()
    async with reporting_database.writing(SERVICE) as session:
        before = await open_work_cursor(session, Programme.model_validate(stream.document))
    await stream.project(reporting_database)
    page = next(stream.pages())
    with pytest.raises(OvertakenError):
        async with reporting_database.writing(SERVICE) as session:
            await apply_work_page(session, before, page, work_of(page.changes))


async def test_cases_are_followed_as_rca_api_shows_them(
    rca: httpx.AsyncClient,
    rca_app: FastAPI,
    programme: str,
    feed: Tallystick,
    reporting_settings: ReportingSettings,
    reporting_database: Database,
) -> None:
    """Opened, given a cause, a plan and an action, closed; rebuilt to the same, and after a new life of the feed as well."""
    case, action = await started(rca, programme)
    internal = await opened(rca, programme, vendor=None)
    document = Programme.model_validate(programme_document(programme))
    follower = Follower(reporting_database, feed, 3, feed=RCA)
    await follower.follow(document, wait=0)
    first = await _rows(reporting_database, programme)
    assert (await closed(rca, case)).status_code == 200
    await follower.follow(document, wait=0)
    followed = await _rows(reporting_database, programme)
    async with rca_app.state.database.writing(SERVICE) as session:
        await session.execute(text("update streams set epoch = gen_random_uuid() where programme = :p"), {"p": programme})
    await follower.follow(document, wait=0)
    assert await _rows(reporting_database, programme) == set()
    await follower.follow(document, wait=0)

    assert await _rows(reporting_database, programme) == followed != first
    assert len(followed) == 5
    assert (await rebuild(reporting_settings, programme))[programme, "rca"] > 0
    assert await _rows(reporting_database, programme) == followed
    async with reporting_database.reading(SERVICE) as session:
        found = {str(row.case_id): row for row in await session.execute(select(cases).where(cases.c.programme == programme))}
        [agreed] = (await session.execute(select(actions).where(actions.c.programme == programme))).all()
        [plan] = (await session.execute(select(plans).where(plans.c.programme == programme))).all()
    assert [each["step"] for each in found[case["id"]].moves] == ["open", "analyse", "plan", "start", "override"]
    assert (str(agreed.action_id), agreed.owner, agreed.state) == (action["id"], action["owner"], action["state"])
    assert (str(plan.case_id), plan.verdict) == (case["id"], None)
    assert (found[case["id"]].overridden, found[internal["id"]].vendor) == (True, None)


async def test_an_rca_api_that_is_out_of_reach_stops_no_numbers(
    audit: httpx.AsyncClient,
    feed: Tallystick,  # noqa: ARG001 - what it puts in place is narrowed here
    programme: str,
    reporting_settings: ReportingSettings,
    reporting_database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Audits are counted on, and the lag of the feed of work grows."""
    claims = {"sub": SERVICE.subject, "roles": [Role.SERVICE], "programmes": [programme]}
    token = sign(reporting_settings.service_key or {}, SERVICE_ISSUER, claims, timedelta(minutes=10))
    everywhere = worker.feeds
    refused: list[str] = []

    class Refusing(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            refused.append(request.url.path)
            raise httpx.ConnectError("refused", request=request)

    def feeds(settings: ReportingSettings) -> Tallystick:
        client = everywhere(settings)
        client.transport._token = token
        client.transport._http._mounts = {
            pattern: Refusing() if pattern.host == "rca" else transport
            for pattern, transport in client.transport._http._mounts.items()
        }
        return client

    monkeypatch.setattr(worker, "feeds", feeds)
    projections = [Projection(reporting_settings, reporting_database, each) for each in (AUDIT, RCA)]
    tasks = [asyncio.create_task(each.run()) for each in projections]
    try:
        answer = await audit.post("/v1/audit-batches", params={"programme": programme}, json=[audit_row("A-1")])
        assert answer.status_code == 201, answer.text
        with structlog.testing.capture_logs():
            async with asyncio.timeout(60):
                while not (await _audits(reporting_database, programme) == 1 and refused and programme in projections[1].cursors):
                    await asyncio.sleep(0.02)
                while (lags := _lags(projections, programme))["audit"]:  # until the feed has been asked once more
                    await asyncio.sleep(0.02)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    assert lags["rca"] > 0
    async with reporting_database.reading(SERVICE) as session:
        cursor: Any = await find_work_cursor(session, programme)
    assert (cursor.position, cursor.caught_up_at) == (0, None)


def _lags(projections: list[Projection], programme: str) -> dict[str, float]:
    (gauge,) = Lag(*projections).collect()
    return {sample.labels["feed"]: sample.value for sample in gauge.samples if sample.labels["programme"] == programme}


async def _audits(database: Database, programme: str) -> int:
    async with database.reading(SERVICE) as session:
        found = await sums(session, Cut(programme, (), {}, None, None, View.ADJUDICATED))
    return found.get((), {"audits": 0})["audits"]
