"""Following signals: each leads to a case once, whoever follows, however often it is interrupted."""

import asyncio
import contextlib
import itertools
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st

from actions import run
from appeals import Clock
from cases import asked, brought, closed, done, opened, stepped
from conftest import Caller
from rca_api import working
from rca_api.app import create_app
from rca_api.service import NAME
from rca_api.settings import RcaSettings
from rca_api.signals.following import follow
from rca_api.signals.matching import overlaps
from rca_api.signals.records import OvertakenError
from tallystick.client import Tallystick
from tallystick.identity import SERVICE_ISSUER, sign
from tallystick.schemas.metric import MetricFilter
from tallystick.schemas.principal import Role
from tallystick.schemas.programme import Programme
from tallystick.service.database import Database, WriteSession
from tallystick.service.neighbours import neighbours

MONDAY = date(2026, 9, 21)
LISBON = {"vendor": "acme", "site": "lisbon", "queue": "live"}
CAIRO = {"vendor": "acme", "site": "cairo"}
KRAKOW = {"vendor": "borealis", "site": "krakow"}


@pytest.fixture(autouse=True)
def in_october(clock: Clock) -> Clock:
    """A clock that stands on a day after the week of most signals here."""
    clock.now = datetime(2026, 10, 1, 8, tzinfo=UTC)
    return clock


async def _cases(rca: httpx.AsyncClient, programme: str) -> list[dict[str, Any]]:
    """All cases of a programme, the oldest first."""
    items: list[dict[str, Any]] = (await rca.get("/v1/cases", params={"programme": programme})).json()["items"]
    return items[::-1]


async def test_a_signal_drafts_a_case_once(
    rca: httpx.AsyncClient, database: Database, client: Tallystick, document: Programme, signalled: Any, clock: Clock
) -> None:
    """It is about the signal's scope and period, shared with its vendor, and is there once however often it is heard."""
    key = await signalled.raise_one(LISBON, MONDAY, strength=5.0)
    for _ in range(3):
        await follow(database, client, document, clock)
    [case] = await _cases(rca, document.slug)

    assert (case["origin"], case["opened_by"], case["owner"], case["signals"]) == ("signal", "rca-api", None, [key])
    assert (case["vendor"], case["scope"]["site"], case["scope"]["queue"]) == ("acme", ["lisbon"], ["live"])
    assert case["period"] == {"from": "2026-09-21", "to": "2026-09-28"}
    assert case["baseline"] == {"from": "2026-07-27", "to": "2026-09-21"}
    assert (case["priority"], case["state"], case["title"]) == ("high", "open", "Errors went up at acme, lisbon, live.")


async def test_signals_of_one_fault_join_its_case(
    rca: httpx.AsyncClient, database: Database, client: Tallystick, document: Programme, signalled: Any, clock: Clock
) -> None:
    """Wider, narrower and by another measure; another place, vendor, kind or error code has a case of its own."""
    first = await signalled.raise_one(LISBON, MONDAY)
    joining = [
        await signalled.raise_one({"vendor": "acme", "site": "lisbon"}, MONDAY, detector="cusum"),
        await signalled.raise_one({**LISBON, "error_code": "FN-HARASS"}, MONDAY, detector="recurring_error"),
        await signalled.raise_one(LISBON, MONDAY, measure="accuracy", detector="target_missed"),
    ]
    await follow(database, client, document, clock)
    own = [
        await signalled.raise_one(CAIRO, MONDAY),
        await signalled.raise_one(KRAKOW, MONDAY),
        await signalled.raise_one({}, MONDAY, vendor=None),
        await signalled.raise_one(LISBON, MONDAY, measure="overturn_rate", detector="overturn_spike"),
        await signalled.raise_one({"vendor": "acme"}, MONDAY, measure=None, detector="calibration_below_target"),
    ]
    await follow(database, client, document, clock)
    found = await _cases(rca, document.slug)

    assert [case["signals"] for case in found] == [[first, *joining], *([key] for key in own)]
    assert [case["vendor"] for case in found] == ["acme", "acme", "borealis", None, "acme", "acme"]
    assert found[-1]["measure"] is None
    history = (await asked(rca, found[0], "GET", "/steps")).json()["items"]
    assert [event["about"] for event in history] == [first, *joining]


async def test_a_signal_joins_a_case_that_a_person_opened(
    rca: httpx.AsyncClient, database: Database, client: Tallystick, document: Programme, signalled: Any, clock: Clock
) -> None:
    """The nearest one; a cancelled case takes none."""
    gone = await opened(rca, document.slug, scope={"site": ["lisbon"], "queue": ["live"]})
    await done(stepped(rca, gone, "cancel", "No."))
    wide, near = [await opened(rca, document.slug, scope=scope) for scope in ({}, {"site": ["lisbon"]})]
    key = await signalled.raise_one(LISBON, MONDAY)
    await follow(database, client, document, clock)

    assert [case["signals"] for case in await _cases(rca, document.slug)] == [[], [], [key]]
    assert {gone["id"], wide["id"], near["id"]} == {case["id"] for case in await _cases(rca, document.slug)}


async def test_a_signal_that_joins_leaves_what_somebody_decides_meanwhile_valid(
    rca: httpx.AsyncClient, rca_app: FastAPI, database: Database, client: Tallystick, document: Programme, signalled: Any,
    clock: Clock,
) -> None:  # fmt: skip
    """But for the closure of a case in verification: who closes it has seen all that it is about."""
    case = await opened(rca, document.slug, scope={"site": ["lisbon"]})
    before = await asked(rca, case, "GET", "")
    first = await signalled.raise_one(LISBON, MONDAY)
    await follow(database, client, document, clock)
    joined = await asked(rca, case, "GET", "")
    moved = await asked(rca, case, "POST", "/steps", {"step": "analyse"}, before.headers["ETag"])
    await run(rca_app, "update cases set state = 'verification' where programme = :programme", programme=document.slug)
    second = await signalled.raise_one({"vendor": "acme", "site": "lisbon"}, MONDAY)
    await follow(database, client, document, clock)
    closing = {"conclusion": "It is over.", "override": "It is small."}
    late = await asked(rca, case, "POST", "/closure", closing, moved.headers["ETag"])

    assert (joined.json()["signals"], joined.json()["revision"], moved.status_code) == ([first], 1, 200)
    assert joined.headers["ETag"] != before.headers["ETag"]
    assert (await done(asked(rca, case, "GET", "")))["signals"] == [first, second]
    assert late.status_code == 412


async def test_what_is_over_or_taken_back_drafts_nothing(
    rca: httpx.AsyncClient, database: Database, client: Tallystick, document: Programme, signalled: Any, clock: Clock
) -> None:
    """A fault that ended within the watch period still does: it may have ended while nobody listened."""
    await signalled.raise_one(CAIRO, MONDAY, state="withdrawn")
    await signalled.raise_one(CAIRO, date(2026, 8, 3), state="ended")
    recent = await signalled.raise_one(LISBON, date(2026, 9, 7), state="ended")
    old = await signalled.raise_one(KRAKOW, date(2026, 6, 1))
    await follow(database, client, document, clock)

    assert [case["signals"] for case in await _cases(rca, document.slug)] == [[recent], [old]]


async def test_the_history_tells_when_a_fault_has_ended(
    rca: httpx.AsyncClient, database: Database, client: Tallystick, document: Programme, signalled: Any, clock: Clock
) -> None:
    """A signal that goes on says nothing new to it; one that ends or is withdrawn does, and opens nothing."""
    key = await signalled.raise_one(LISBON, MONDAY)
    await follow(database, client, document, clock)
    await signalled.change(key, until=MONDAY + timedelta(weeks=2))
    await follow(database, client, document, clock)
    await signalled.change(key, 3, state="ended")
    await follow(database, client, document, clock)
    [case] = await _cases(rca, document.slug)
    history = (await asked(rca, case, "GET", "/steps")).json()["items"]

    assert [(event["kind"], event["about"]) for event in history] == [("step", key), ("signal", key)]
    assert history[1]["changed"] == {"state": "ended"}
    assert case["revision"] == 1


async def test_a_fault_that_comes_back_opens_its_case_again_once(
    rca: httpx.AsyncClient, database: Database, client: Tallystick, document: Programme, signalled: Any, clock: Clock
) -> None:
    """Within the watch period; several signals of the recurrence join it. What was before the closure does not count."""
    first = await signalled.raise_one(LISBON, MONDAY)
    await follow(database, client, document, clock)
    [case] = await _cases(rca, document.slug)
    await done(closed(rca, await brought(rca, case)))
    await follow(database, client, document, clock)
    again = [
        await signalled.raise_one(LISBON, date(2026, 10, 5)),
        await signalled.raise_one({"vendor": "acme"}, date(2026, 10, 5)),
    ]
    clock.now = datetime(2026, 10, 12, 8, tzinfo=UTC)
    await asyncio.gather(*(_as_replica(database, client, document, clock) for _ in range(3)))
    await follow(database, client, document, clock)
    [reopened] = await _cases(rca, document.slug)
    history = (await asked(rca, reopened, "GET", "/steps")).json()["items"]

    assert (reopened["state"], reopened["reopened"], reopened["signals"]) == ("reopened", 1, [first, *again])
    assert reopened["period"]["from"] == "2026-10-05"
    assert [event["step"] for event in history if event["kind"] == "step"] == ["open", "analyse", "plan", "override", "reopen"]


@pytest.mark.parametrize(
    ("since", "heard", "scope"),
    [
        (date(2026, 9, 14), datetime(2026, 10, 12, tzinfo=UTC), LISBON),  # over before the closure
        (date(2026, 10, 26), datetime(2026, 11, 2, tzinfo=UTC), LISBON),  # after the watch period
        (date(2026, 10, 5), datetime(2026, 10, 12, tzinfo=UTC), CAIRO),  # elsewhere
    ],
)
async def test_what_is_no_recurrence_has_a_case_of_its_own(
    rca: httpx.AsyncClient, database: Database, client: Tallystick, document: Programme, signalled: Any, clock: Clock,
    since: date, heard: datetime, scope: dict[str, str],
) -> None:  # fmt: skip
    """Before the closure, after the watch, elsewhere: the closed case stays closed."""
    case = await opened(rca, document.slug, scope={"site": ["lisbon"], "queue": ["live"]})
    await done(closed(rca, await brought(rca, case)))
    await signalled.raise_one(scope, since)
    clock.now = heard
    await follow(database, client, document, clock)

    assert [each["state"] for each in await _cases(rca, document.slug)] == ["closed", "open"]


async def _as_replica(database: Database, client: Tallystick, document: Programme, clock: Clock) -> None:
    """Follow to the end as one of several; who is overtaken leaves it at that."""
    try:
        await follow(database, client, document, clock)
    except OvertakenError:
        return


def _heard(found: Sequence[dict[str, Any]]) -> list[str]:
    return sorted(key for case in found for key in case["signals"])


async def test_a_kill_between_any_two_steps_loses_no_signal_and_doubles_none(
    rca: httpx.AsyncClient, database: Database, client: Tallystick, document: Programme, signalled: Any, clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Cut off before the first statement, the second and so on to the last, each time over a page with three signals in it."""
    execute, countdown = WriteSession.execute, 0

    async def cut_off(session: WriteSession, *arguments: Any) -> Any:
        nonlocal countdown
        countdown -= 1
        if countdown == 0:
            raise asyncio.CancelledError
        return await execute(session, *arguments)

    monkeypatch.setattr(WriteSession, "execute", cut_off)
    keys: list[str] = []
    for turn in itertools.count(1):
        countdown = 0
        where = {"vendor": "acme", "site": f"site-{turn}"}
        scopes = (where, where | {"queue": "live"}, {"vendor": "borealis", "site": f"site-{turn}"})
        keys += [await signalled.raise_one(scope, MONDAY) for scope in scopes]
        countdown = turn
        survived = False
        with contextlib.suppress(asyncio.CancelledError):
            await follow(database, client, document, clock)
            survived = True
        if survived and countdown > 0:
            break
        if not survived:
            assert _heard(await _cases(rca, document.slug)) == sorted(keys[:-3])
            await follow(database, client, document, clock)
        assert _heard(await _cases(rca, document.slug)) == sorted(keys)

    assert turn > 20
    found = await _cases(rca, document.slug)
    assert len(found) == 2 * turn
    assert {(case["vendor"], len(case["signals"])) for case in found} == {("acme", 2), ("borealis", 1)}


async def test_replicas_that_are_cut_off_at_any_time_hear_everything_once(
    rca: httpx.AsyncClient, database: Database, client: Tallystick, document: Programme, signalled: Any, clock: Clock
) -> None:
    """Two follow at once and are both stopped a little later each time; whoever comes after them takes nothing up twice."""
    keys = []
    for turn in range(12):
        keys += [await signalled.raise_one({"vendor": "acme", "site": f"s-{turn}-{number}"}, MONDAY) for number in range(3)]
        replicas = [asyncio.create_task(_as_replica(database, client, document, clock)) for _ in range(2)]
        await asyncio.sleep(turn / 250)
        for replica in replicas:
            replica.cancel()
        await asyncio.wait(replicas)
    await follow(database, client, document, clock)
    found = await _cases(rca, document.slug)

    assert _heard(found) == sorted(keys)
    assert [case["revision"] for case in found] == [1] * len(keys)


async def test_a_new_life_of_the_feed_leads_nowhere_twice(
    rca: httpx.AsyncClient, reporting_app: FastAPI, database: Database, client: Tallystick, document: Programme, signalled: Any,
    clock: Clock,
) -> None:  # fmt: skip
    """A reporting-api that was built anew raises the same signals under other positions; they are known."""
    first = await signalled.raise_one(LISBON, MONDAY)
    await follow(database, client, document, clock)
    url = str(reporting_app.state.settings.owner_database_url.get_secret_value())
    connection = await asyncpg.connect(url)
    await connection.execute("select set_config('app.programmes', '*', false), set_config('app.vendor', '*', false)")
    await connection.execute("update streams set epoch = gen_random_uuid() where programme = $1", document.slug)
    await connection.close()
    second = await signalled.raise_one(KRAKOW, MONDAY)
    for _ in range(2):
        await follow(database, client, document, clock)

    assert _heard(await _cases(rca, document.slug)) == sorted([first, second])


@pytest.fixture
def own(programme: str, following_settings: RcaSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who works may enter this test's programme alone, and so follows none of the other tests', of which there are hundreds."""
    claims = {"sub": NAME, "roles": [Role.SERVICE], "programmes": [programme]}
    token = sign(following_settings.service_key or {}, SERVICE_ISSUER, claims, timedelta(minutes=10))

    def narrowed(settings: RcaSettings, service: str) -> Tallystick:
        client = neighbours(settings, service)
        client.transport._token = token
        return client

    monkeypatch.setattr(working, "neighbours", narrowed)


@pytest.mark.usefixtures("own")
async def test_of_two_replicas_one_works_and_the_other_takes_over(
    rca: httpx.AsyncClient, rca_app: FastAPI, following_settings: RcaSettings, programme: str, signalled: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Both run; each signal is heard once, before and after the one that leads is gone."""
    assert rca_app
    monkeypatch.setattr("tallystick.service.leading._LOOK_AGAIN_S", 0.05)
    apps = [create_app(following_settings) for _ in range(2)]
    tasks = [asyncio.create_task(working.work(app)) for app in apps]

    async def heard(*keys: str) -> None:
        async with asyncio.timeout(60):
            while _heard(await _cases(rca, programme)) != sorted(keys):
                await asyncio.sleep(0.02)

    try:
        first = await signalled.raise_one(LISBON, MONDAY)
        await heard(first)
        tasks[0].cancel()
        await asyncio.wait({tasks[0]})
        second = await signalled.raise_one(KRAKOW, MONDAY)
        await heard(first, second)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        for app in apps:
            await app.state.database.close()


async def test_a_vendor_sees_the_cases_of_its_own_signals(
    rca_app: FastAPI, caller: Caller, database: Database, client: Tallystick, document: Programme, signalled: Any, clock: Clock
) -> None:
    """Those about others, and about several, are not there for it."""
    own = await signalled.raise_one(LISBON, MONDAY)
    await signalled.raise_one(KRAKOW, MONDAY)
    await signalled.raise_one({}, MONDAY, vendor=None)
    await follow(database, client, document, clock)
    poc = caller(rca_app, Role.VENDOR_POC, vendor="acme", programmes=(document.slug,))

    assert _heard(await _cases(poc, document.slug)) == [own]


_FILTERS = st.builds(
    MetricFilter,
    site=st.sets(st.sampled_from(["a", "b", "c"]), max_size=2).map(tuple),
    queue=st.sets(st.sampled_from(["x", "y"]), max_size=2).map(tuple),
    error_code=st.sets(st.sampled_from(["E", "F"]), max_size=1).map(tuple),
)


@settings(deadline=None)
@given(_FILTERS, _FILTERS)
def test_parts_overlap_where_one_contains_the_other(one: MetricFilter, other: MetricFilter) -> None:
    """Counted out over all places there are; error codes have to be the same, or none."""

    def places(scope: MetricFilter) -> set[tuple[str, str]]:
        return {(site, queue) for site in scope.site or "abcd" for queue in scope.queue or "xyz"}

    contained = places(one) <= places(other) or places(other) <= places(one)
    agreeing = not one.error_code or not other.error_code or one.error_code == other.error_code

    assert overlaps(one, other) == overlaps(other, one) == (contained and agreeing)
