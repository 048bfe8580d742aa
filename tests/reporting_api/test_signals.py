"""Signals: found in facts, kept once, listed and followed."""

import asyncio
import contextlib
import itertools
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.routing import Mount

from conftest import listening
from reporting_api.projection.cursors import find_cursor, start_anew
from reporting_api.projection.worker import SERVICE, Projection
from reporting_api.signals.worker import Detection, detect
from reporting_api.tables import signals, streams
from reporting_feed import CORRECT, Stream, error
from tallystick.cli import main
from tallystick.client import Tallystick
from tallystick.identity import sign_token
from tallystick.schemas.principal import Role
from tallystick.schemas.signal import Signal
from tallystick.service.clock import utc_now
from tallystick.service.database import Database, ReadSession

Caller = Callable[..., httpx.AsyncClient]

FIRST = date(2026, 7, 6)
"""A Monday."""
PLACES = (("acme", "lisbon", "live"), ("acme", "lisbon", "video"), ("acme", "cairo", "live"), ("borealis", "krakow", "live"))


def at(week: int) -> datetime:
    """Some hours after so many weeks are over."""
    return datetime.combine(FIRST + timedelta(weeks=week), datetime.min.time(), UTC) + timedelta(hours=5)


def a_week(stream: Stream, week: int, errors: int = 0, place: tuple[str, str, str] = PLACES[0]) -> list[str]:
    """The audits of a week: 40 at each place, two of them wrong, and further errors at one place. Answers the ids of those."""
    more: list[str] = []
    day = FIRST + timedelta(weeks=week, days=2)
    for vendor, site, queue in PLACES:
        where = {"vendor": vendor, "site": site, "queue": queue, "day": day}
        wrong = errors if (vendor, site, queue) == place else 0
        for number in range(40 - wrong):
            stream.create(error("FP-HARASS", "false_positive") if number < 1 + week % 2 else CORRECT, **where)
        more += [stream.create(error(), **where) for _ in range(wrong)]
    return more


async def known(database: Database, programme: str) -> list[dict[str, Any]]:
    """All signals of a programme, as they are kept."""
    async with database.reading(SERVICE) as session:
        rows = await session.execute(select(signals).where(signals.c.programme == programme).order_by(signals.c.position))
        return [dict(row) for row in rows.mappings()]


@pytest.fixture
async def stepped(reporting_database: Database) -> Stream:
    """Eight calm weeks, and one in which false negatives appear at lisbon/live; searched when the ninth was over."""
    stream = Stream()
    for week in range(8):
        a_week(stream, week)
    a_week(stream, 8, errors=15)
    await stream.project(reporting_database)
    await detect(reporting_database, stream.programme, at(9))
    return stream


async def test_a_step_is_a_signal_that_names_its_segment(stepped: Stream, reporting: httpx.AsyncClient) -> None:
    """With its numbers, what was expected, since when, and the day on which the data showed it."""
    answer = await reporting.get("/v1/signals", params={"programme": stepped.programme})
    assert answer.status_code == 200, answer.text
    [signal] = answer.json()["items"]

    assert signal["detector"] == "control_chart"
    assert signal["rule"] == "one_beyond_limit"
    assert signal["vendor"] == "acme"
    assert {name: values for name, values in signal["scope"].items() if values} == {
        "vendor": ["acme"],
        "site": ["lisbon"],
        "queue": ["live"],
        "error_class": ["false_negative"],
    }
    assert (signal["since"], signal["raised_on"]) == ("2026-08-31", "2026-09-07")
    assert signal["period"] == {"from": "2026-08-31", "to": "2026-09-07", "time_zone": "Europe/Berlin"}
    assert (signal["observed"]["numerator"], signal["observed"]["denominator"]) == (15, 40)
    assert (signal["expected"]["numerator"], signal["expected"]["denominator"]) == (0, 320)
    assert signal["summary"] == (
        "False negatives at vendor acme, site lisbon, queue live: 37.5 % of audits since the week of 2026-08-31, 0.0 % before;"
        " beyond the limit of the control chart."
    )
    one = await reporting.get(f"/v1/signals/{signal['id']}", params={"programme": stepped.programme})
    assert one.json() == signal
    assert one.headers["etag"] == '"1"'
    assert Signal.model_validate(signal)


async def test_a_week_that_is_not_over_is_not_judged(reporting_database: Database) -> None:
    """Until Monday begins in the programme's time zone."""
    stream = Stream()
    for week in range(8):
        a_week(stream, week)
    a_week(stream, 8, errors=15)
    await stream.project(reporting_database)
    sunday = datetime(2026, 9, 6, 21, 59, tzinfo=UTC)

    assert await detect(reporting_database, stream.programme, sunday) == 0
    assert await detect(reporting_database, stream.programme, sunday + timedelta(minutes=2)) == 1


async def test_the_same_facts_again_change_nothing(stepped: Stream, reporting_database: Database) -> None:
    """Neither a row nor a position on the feed."""
    before = await known(reporting_database, stepped.programme)

    assert await detect(reporting_database, stepped.programme, at(9)) == 0
    assert await known(reporting_database, stepped.programme) == before


async def test_a_fault_that_goes_on_stays_one_signal(stepped: Stream, reporting_database: Database) -> None:
    """Its period grows, and its revision and its place on the feed with it."""
    [before] = await known(reporting_database, stepped.programme)
    a_week(stepped, 9, errors=12)
    await stepped.project(reporting_database)
    await detect(reporting_database, stepped.programme, at(10))
    [after] = await known(reporting_database, stepped.programme)

    assert (after["id"], after["key"], after["raised_on"]) == (before["id"], before["key"], before["raised_on"])
    assert (after["revision"], after["until"]) == (2, date(2026, 9, 14))
    assert after["position"] > before["position"]


async def test_a_fault_that_is_over_ends(stepped: Stream, reporting_database: Database) -> None:
    for week in range(9, 13):
        a_week(stepped, week)
    await stepped.project(reporting_database)
    await detect(reporting_database, stepped.programme, at(13))
    [found] = await known(reporting_database, stepped.programme)

    assert (found["state"], found["until"]) == ("ended", date(2026, 9, 7))


async def test_revised_facts_withdraw_a_signal_and_bring_it_back(reporting_database: Database) -> None:
    """Under the same id."""
    stream = Stream()
    for week in range(8):
        a_week(stream, week)
    ids = a_week(stream, 8, errors=15)
    states = []
    for judgement in (None, CORRECT, error()):
        for audit_id in ids if judgement else ():
            stream.revise(audit_id, judgement or CORRECT)
        await stream.project(reporting_database)
        await detect(reporting_database, stream.programme, at(9))
        states += [(found["revision"], found["state"]) for found in await known(reporting_database, stream.programme)]

    assert states == [(1, "active"), (2, "withdrawn"), (3, "active")]


async def test_week_by_week_finds_what_a_rebuild_finds(reporting_database: Database) -> None:
    """The same signals under the same keys and ids: searched after every week, and all at once from a projection made anew."""
    stream = Stream()
    for week in range(16):
        a_week(stream, week, errors=12 if week in {8, 9, 14, 15} else 0, place=PLACES[3 * (week // 12)])
        await stream.project(reporting_database)
        await detect(reporting_database, stream.programme, at(week + 1))
    incremental = await known(reporting_database, stream.programme)
    async with reporting_database.writing(SERVICE) as session:
        await start_anew(session, stream.programme)
    assert await detect(reporting_database, stream.programme, at(16)) is None
    await stream.project(reporting_database)

    assert [each["state"] for each in incremental] == ["ended", "active"]
    assert await detect(reporting_database, stream.programme, at(16)) == 0
    assert await known(reporting_database, stream.programme) == incremental


async def test_two_replicas_at_once_keep_a_signal_once(reporting_database: Database) -> None:
    stream = Stream()
    for week in range(8):
        a_week(stream, week)
    a_week(stream, 8, errors=15)
    await stream.project(reporting_database)
    changed = await asyncio.gather(*(detect(reporting_database, stream.programme, at(9)) for _ in range(4)))
    async with reporting_database.reading(SERVICE) as session:
        statement = select(streams.c.position).where(streams.c.programme == stream.programme)
        position = (await session.execute(statement)).scalar_one()
    [signal] = await known(reporting_database, stream.programme)

    assert sorted(each or 0 for each in changed) == [0, 0, 0, 1]
    assert position == signal["position"]


async def test_a_kill_in_the_middle_of_a_search_loses_no_signal_and_doubles_none(
    reporting_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut off before its first statement, its second and so on, and made again, it leaves what undisturbed ones leave."""
    execute, countdown = ReadSession.execute, 0

    async def cut_off(session: ReadSession, *arguments: Any) -> Any:
        nonlocal countdown
        countdown -= 1
        if countdown == 0:
            raise asyncio.CancelledError
        return await execute(session, *arguments)

    async def found(of: Stream) -> list[tuple[str, int, str]]:
        return sorted((each["key"], each["revision"], each["state"]) for each in await known(reporting_database, of.programme))

    monkeypatch.setattr(ReadSession, "execute", cut_off)
    stream, undisturbed = Stream(), Stream()
    for turn in itertools.count(-7):
        for each in (stream, undisturbed):
            a_week(each, turn + 7, errors=15 if turn > 0 else 0)
            await each.project(reporting_database)
        await detect(reporting_database, undisturbed.programme, at(turn + 8))
        before = await found(stream)
        countdown, survived = turn, False
        with contextlib.suppress(asyncio.CancelledError):
            await detect(reporting_database, stream.programme, at(turn + 8))
            survived = True
        finished, countdown = survived and countdown > 0, 0
        if not survived:
            assert await found(stream) == before
            await detect(reporting_database, stream.programme, at(turn + 8))
        assert await found(stream) == await found(undisturbed)
        if finished:
            break

    assert turn > 5
    assert await found(stream)


async def test_a_detector_that_is_switched_off_finds_nothing(reporting_database: Database) -> None:
    """What it has found stays as it is."""
    off = {"on": False}
    stream = Stream(detectors={"control_chart": off, "cusum": off, "ewma": off})
    for week in range(8):
        a_week(stream, week)
    a_week(stream, 8, errors=15)
    await stream.project(reporting_database)

    assert await detect(reporting_database, stream.programme, at(9)) == 0


async def test_the_feed_shows_signals_in_the_order_of_their_changes(stepped: Stream, reporting: httpx.AsyncClient) -> None:
    answer = await reporting.get("/v1/changes", params={"programme": stepped.programme})
    [change] = answer.json()["changes"]

    assert (change["noun"], change["position"], change["revision"]) == ("signal", answer.json()["position"], 1)
    assert Signal.model_validate(change["data"]).detector == "control_chart"


async def test_a_vendor_sees_the_signals_about_its_own_audits_alone(
    stepped: Stream, reporting_app: FastAPI, caller: Caller, reporting: httpx.AsyncClient
) -> None:
    """In the list, one by one, on the feed and as a chart."""
    where = {"programme": stepped.programme}
    [signal] = (await reporting.get("/v1/signals", params=where)).json()["items"]
    own, other = (
        caller(reporting_app, Role.VENDOR_POC, vendor=vendor, programmes=(stepped.programme,)) for vendor in ("acme", "borealis")
    )
    address, chart = f"/v1/signals/{signal['id']}", {**where, "signal": signal["id"]}

    assert (await own.get("/v1/signals", params=where)).json()["items"] == [signal]
    assert len((await own.get("/v1/changes", params=where)).json()["changes"]) == 1
    assert (await own.get("/v1/charts/signal", params=chart)).status_code == 200
    assert (await other.get("/v1/signals", params=where)).json()["items"] == []
    assert (await other.get("/v1/changes", params=where)).json()["changes"] == []
    assert (await other.get(address, params=where)).status_code == 404
    assert (await other.get("/v1/charts/signal", params=chart)).status_code == 404


async def test_the_chart_of_a_signal_marks_the_weeks_that_show_it(stepped: Stream, reporting: httpx.AsyncClient) -> None:
    where = {"programme": stepped.programme}
    [signal] = (await reporting.get("/v1/signals", params=where)).json()["items"]
    answer = await reporting.get(signal["chart"].removeprefix("/reporting"))
    weeks = answer.json()["data"]["values"]

    assert answer.status_code == 200
    assert [week["week"] for week in weeks if week["signals"]] == ["2026-08-31"]
    assert weeks[-1]["error_rate"] == 15 / 40


async def test_signals_are_filtered_and_paged(stepped: Stream, reporting: httpx.AsyncClient) -> None:
    a_week(stepped, 9)
    where = {"programme": stepped.programme}

    async def count(**filters: Any) -> int:
        answer = await reporting.get("/v1/signals", params={**where, **filters})
        assert answer.status_code == 200, answer.text
        return len(answer.json()["items"])

    assert await count(vendor="acme", detector=["control_chart", "cusum"], state="active") == 1
    assert await count(vendor="borealis") == 0
    assert await count(state="ended") == 0
    assert await count(**{"from": "2026-09-07", "to": "2026-09-08"}) == 1
    assert await count(to="2026-09-07") == 0


class Held:
    """The projection of a replica that follows programmes."""

    def __init__(self, *cursors: Any) -> None:
        self.cursors = {cursor.programme: cursor for cursor in cursors}
        self.held = frozenset(self.cursors)


async def _projected(database: Database) -> Any:
    """The cursor of a programme with an audit."""
    stream = Stream()
    stream.create()
    await stream.project(database)
    async with database.reading(SERVICE) as session:
        return await find_cursor(session, stream.programme)


async def test_facts_are_searched_once_they_stand_still(reporting_app: FastAPI, reporting_database: Database) -> None:
    """Not while they move, and not again before they have moved or a day has gone by."""
    cursor = await _projected(reporting_database)
    detection, moved = Detection(reporting_app, cast("Projection", Held(cursor)), 30), cursor.applied_at

    async def searched(now: datetime) -> bool:
        reporting_app.state.clock = lambda: now
        return cursor.programme in await detection.look_around()

    try:
        assert not await searched(moved + timedelta(seconds=29))
        assert await searched(moved + timedelta(seconds=30))
        assert not await searched(moved + timedelta(seconds=60))
        assert await searched(moved + timedelta(days=1))
    finally:
        reporting_app.state.clock = utc_now


async def test_facts_that_never_stand_still_are_searched_all_the_same(
    reporting_app: FastAPI, reporting_database: Database
) -> None:
    """After ten times as long, here none at all."""
    cursor = await _projected(reporting_database)
    detection = Detection(reporting_app, cast("Projection", Held(cursor)), 0)

    assert await detection.look_around() == [cursor.programme]
    assert await detection.look_around() == []


async def test_a_search_that_fails_keeps_no_other_from_being_made(
    reporting_app: FastAPI, reporting_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is made again after a pause."""
    cursors = [await _projected(reporting_database) for _ in range(2)]
    broken, searched = cursors[0].programme, []

    async def fail(_database: Database, programme: str, _now: datetime) -> int:
        if programme == broken:
            raise RuntimeError
        searched.append(programme)
        return 0

    monkeypatch.setattr("reporting_api.signals.worker.detect", fail)
    detection = Detection(reporting_app, cast("Projection", Held(*cursors)), 0)

    assert sorted(await detection.look_around()) == sorted(each.programme for each in cursors)
    assert searched == [cursors[1].programme]
    assert await detection.look_around() == [cursors[1].programme]


async def test_projections_say_up_to_where_they_were_searched(stepped: Stream, reporting: httpx.AsyncClient) -> None:
    """So that one can tell silence from not having looked."""
    answer = await reporting.get("/v1/projections", params={"programme": stepped.programme})
    [standing] = answer.json()["items"]

    assert standing["searched"] == standing["position"]


async def test_the_client_lists_reads_and_follows_signals(stepped: Stream, reporting_app: FastAPI, identity: Path) -> None:
    """One by one, and page by page from the feed's start to its end."""
    token = sign_token(identity, subject="analyst", roles=[Role.ANALYST], programmes=["*"], vendor=None, ttl=timedelta(minutes=5))
    async with listening(reporting_app) as address, Tallystick(token=token, reporting=address) as tallystick:
        [signal] = [each async for each in tallystick.signals(stepped.programme, {"state": "active"})]
        one = await tallystick.signal(stepped.programme, signal.id)
        pages = [page async for page in tallystick.changes(stepped.programme, source="reporting", wait=0)]

    assert one == signal
    assert [Signal.model_validate(change["data"]) for page in pages for change in page.changes] == [signal]


async def test_the_command_lists_signals(
    stepped: Stream, reporting_app: FastAPI, identity: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a table, and as JSON a line each."""
    token = sign_token(identity, subject="analyst", roles=[Role.ANALYST], programmes=["*"], vendor=None, ttl=timedelta(minutes=5))
    for name, value in (("TOKEN", token), ("PROGRAMME", stepped.programme)):
        monkeypatch.setenv(f"TALLYSTICK_{name}", value)
    monkeypatch.setenv("COLUMNS", "200")
    shown: list[str] = []
    gateway = cast("FastAPI", Starlette(routes=[Mount("/reporting", app=reporting_app)]))
    async with listening(gateway) as address:
        for more in ((), ("--json", "--detector", "control_chart"), ("--json", "--state", "ended")):
            with pytest.raises(SystemExit):
                await asyncio.to_thread(main, ["signals", "--url", address, *more])
            shown.append(capsys.readouterr().out)
    [line], nothing = ([line for line in each.splitlines() if line.startswith("{")] for each in shown[1:])

    assert "control chart" in shown[0]
    assert "37.5 %" in shown[0]
    assert Signal.model_validate_json(line).vendor == "acme"
    assert nothing == []
