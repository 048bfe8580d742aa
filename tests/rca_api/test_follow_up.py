"""Reminders and escalations: along the chain, by the business calendar, each exactly once, whoever looks and how often."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from actions import Json, agreed, changed, moved, notices
from appeals import Clock
from cases import brought, closed, done, opened, stepped
from conftest import Caller
from factories import programme_document
from rca_api.actions.following_up import follow_up
from tallystick.schemas.principal import Role
from tallystick.service.database import Database

CHAIN = {"team_leads": {"acme": "lea"}, "quality_manager": "quinn", "gpm": "gil"}
KINDS = ("action.due_soon", "action.overdue", "action.escalated")
THURSDAY = datetime(2026, 10, 1, 8, tzinfo=UTC)


@pytest.fixture
async def case(rca: httpx.AsyncClient, audit: httpx.AsyncClient, programme: str, clock: Clock) -> Json:
    """A case of a programme that names the stations of its chain, opened on a Thursday."""
    document = programme_document(programme, follow_up=CHAIN)
    (await audit.put(f"/v1/programmes/{programme}", json=document, headers={"If-Match": "*"})).raise_for_status()
    clock.now = THURSDAY
    return await opened(rca, programme)


async def _told(client: httpx.AsyncClient, case: Json) -> list[tuple[str, str, str | None]]:
    """What was told by time: kind, station and whom."""
    found = await notices(client, case["programme"], *KINDS)
    return [(each["kind"].removeprefix("action."), each["station"], each["recipient"]) for each in found]


def _at(day: int, hour: int = 22) -> datetime:
    """A moment in October 2026, where days of Berlin end at 22:00 UTC."""
    return datetime(2026, 10, day, hour, tzinfo=UTC)


async def test_the_chain_is_told_by_working_days(rca: httpx.AsyncClient, database: Database, case: Json, clock: Clock) -> None:
    """Due at the end of a Thursday: two days before to its owner, then, and one, three and five working days after."""
    action = await agreed(rca, case, due_days=5)
    assert action["due_at"] == "2026-10-08T22:00:00Z"
    owner, expected = ("owner", "pia"), []
    for moment, *news in (
        (_at(6, 21),),
        (_at(6), ("due_soon", *owner)),
        (_at(8, 21),),
        (_at(8), ("overdue", *owner)),
        (_at(9, 21),),
        (_at(9), ("escalated", "team_lead", "lea")),
        (_at(13, 21),),
        (_at(13), ("escalated", "quality_manager", "quinn")),
        (_at(15), ("escalated", "gpm", "gil")),
        (_at(31),),
    ):
        clock.now = moment
        await follow_up(database, clock)
        expected += news

        assert await _told(rca, case) == expected, moment
    read = await rca.get(f"/v1/actions/{action['id']}", params={"programme": case["programme"]})
    assert (read.json()["escalated_to"], read.json()["overdue"], read.json()["revision"]) == ("gpm", True, 1)


async def test_an_escalation_leaves_what_the_owner_does_meanwhile_valid(
    rca: httpx.AsyncClient, database: Database, case: Json, clock: Clock
) -> None:
    """Whoever read the action before may still complete it: its revision is what it was, its tag and its place are not."""
    action = await agreed(rca, case, due_days=1)
    where = {"programme": case["programme"]}
    clock.now = datetime.fromisoformat(action["due_at"]) + timedelta(hours=1)
    before = await rca.get(f"/v1/actions/{action['id']}", params=where)
    clock.move(days=5)
    await follow_up(database, clock)
    after = await rca.get(f"/v1/actions/{action['id']}", params=where)
    step = {"step": "complete", "note": "All of them were there."}
    completed = await rca.post(
        f"/v1/actions/{action['id']}/steps", params=where, json=step, headers={"If-Match": before.headers["ETag"]}
    )

    assert [before.json()["overdue"], after.json()["overdue"], after.json()["escalated_to"]] == [True, True, "quality_manager"]
    assert after.headers["ETag"] != before.headers["ETag"]
    assert after.json()["position"] > before.json()["position"]
    assert (after.json()["revision"], completed.status_code) == (1, 200)


@pytest.mark.parametrize(
    ("zone", "opened_at", "due_at", "soon_at"),
    [
        ("Europe/Berlin", "2027-10-25T08:00:00Z", "2027-11-01T23:00:00Z", "2027-10-28T22:00:00Z"),
        ("Europe/Berlin", "2027-03-22T08:00:00Z", "2027-03-29T22:00:00Z", "2027-03-25T23:00:00Z"),
        ("America/Santiago", "2027-08-30T15:00:00Z", "2027-09-07T03:00:00Z", "2027-09-03T04:00:00Z"),
    ],
)
async def test_days_before_a_due_date_are_days_of_the_clocks(
    rca: httpx.AsyncClient, audit: httpx.AsyncClient, database: Database, programme: str, clock: Clock,
    zone: str, opened_at: str, due_at: str, soon_at: str,
) -> None:  # fmt: skip
    """Of an action that is due after the clocks changed, two working days before is the end of a day before they did."""
    document = programme_document(programme, time_zone=zone, follow_up=CHAIN)
    (await audit.put(f"/v1/programmes/{programme}", json=document, headers={"If-Match": "*"})).raise_for_status()
    clock.now = datetime.fromisoformat(opened_at)
    case = await opened(rca, programme)
    action = await agreed(rca, case, due_days=5)
    told = []
    for clock.now in (datetime.fromisoformat(soon_at) - timedelta(minutes=1), datetime.fromisoformat(soon_at)):
        await follow_up(database, clock)
        told.append(await _told(rca, case))

    assert action["due_at"] == due_at
    assert told == [[], [("due_soon", "owner", "pia")]]


async def test_each_is_told_once_with_several_sweepers(
    rca: httpx.AsyncClient, rca_app: FastAPI, case: Json, clock: Clock
) -> None:
    """Four look at once, again and again, while time moves: each action's five notices are there once, each announced once."""
    actions = [await agreed(rca, case, title=f"Action {number}", due_days=1 + number % 3) for number in range(12)]
    replicas = [Database(rca_app.state.settings.database_url.get_secret_value(), 2) for _ in range(2)]
    for _ in range(15):
        clock.move(days=1)
        await asyncio.gather(*(follow_up(database, clock) for database in (*replicas, *replicas)))
    for database in replicas:
        await database.close()
    found = await notices(rca, case["programme"], *KINDS)

    told = Counter((each["subject_id"], each["kind"], each["station"]) for each in found)
    assert set(told.values()) == {1}
    assert Counter(subject for subject, _, _ in told) == {action["id"]: 5 for action in actions}


async def test_one_that_is_cut_off_tells_nothing_twice(
    rca: httpx.AsyncClient, database: Database, case: Json, clock: Clock
) -> None:
    """Stopped a little later each time, and followed by another: nothing is lost and nothing doubled."""
    for number in range(6):
        await agreed(rca, case, title=f"Action {number}", due_days=1)
    clock.move(days=30)
    for milliseconds in range(0, 40, 4):
        sweeping = asyncio.create_task(follow_up(database, clock))
        await asyncio.sleep(milliseconds / 1000)
        sweeping.cancel()
        await asyncio.wait({sweeping})
    await follow_up(database, clock)
    told = Counter((each["subject_id"], each["station"], each["kind"]) for each in await notices(rca, case["programme"], *KINDS))

    assert set(told.values()) == {1}
    assert len(told) == 6 * 4


async def test_what_is_done_is_left_alone_and_goes_on_when_it_is_rejected(
    rca: httpx.AsyncClient, rca_app: FastAPI, caller: Caller, database: Database, case: Json, clock: Clock
) -> None:
    """An action that is done in time and rejected days later is as overdue as it is; one that is verified is over."""
    vera = caller(rca_app, Role.QUALITY_MANAGER, subject="vera")
    rejected, verified, cancelled = [await agreed(rca, case, title=title, due_days=1) for title in ("One", "Two", "Three")]
    for action in (rejected, verified):
        await done(moved(rca, action, "complete"))
    await done(moved(vera, verified, "verify"))
    await done(moved(rca, cancelled, "cancel"))
    clock.now = _at(9)  # five working days after it was due
    await follow_up(database, clock)
    before = await _told(rca, case)
    again = await done(moved(vera, rejected, "reject", note="Nobody was there."))
    await follow_up(database, clock)
    [said] = await notices(rca, case["programme"], "action.rejected")

    assert before == []
    assert again["overdue"]
    assert (said["recipient"], said["text"]) == ("pia", "One: not found done. Nobody was there.")
    assert [(kind, station) for kind, station, _ in await _told(rca, case)] == [
        ("overdue", "owner"),
        ("escalated", "team_lead"),
        ("escalated", "quality_manager"),
        ("escalated", "gpm"),
    ]


async def test_another_due_date_starts_the_chain_anew(
    rca: httpx.AsyncClient, database: Database, case: Json, clock: Clock
) -> None:
    """What was told stays told, what was not is dropped; back at the first date nothing is told twice."""
    action = await agreed(rca, case, due_days=1)
    clock.now = _at(5)
    await follow_up(database, clock)
    first = await _told(rca, case)
    later = await done(changed(rca, action, due_at=_at(20).isoformat(), owner="paul", owner_vendor="acme"))
    clock.now = _at(18)
    await follow_up(database, clock)
    between = (await _told(rca, case))[len(first) :]
    clock.now = _at(20)
    await follow_up(database, clock)

    assert [station for _, station, _ in first] == ["owner", "team_lead"]
    assert (later["escalated_to"], later["overdue"]) == (None, False)
    assert between == [("due_soon", "owner", "paul")]
    assert (await _told(rca, case))[len(first) + 1 :] == [("overdue", "owner", "paul")]
    assigned = await notices(rca, case["programme"], "action.assigned")
    assert [each["recipient"] for each in assigned] == ["pia", "paul"]


async def test_the_clients_own_actions_pass_over_the_team_lead(
    rca: httpx.AsyncClient, database: Database, case: Json, clock: Clock
) -> None:
    """And a new owner's team lead is told in place of the first one's."""
    action = await agreed(rca, case, due_days=1)
    await done(changed(rca, action, owner="nina"))
    clock.move(days=30)
    await follow_up(database, clock)

    assert await _told(rca, case) == [
        ("overdue", "owner", "nina"),
        ("escalated", "quality_manager", "quinn"),
        ("escalated", "gpm", "gil"),
    ]


async def test_a_vendor_reads_what_its_own_people_are_told(
    rca: httpx.AsyncClient, rca_app: FastAPI, caller: Caller, database: Database, case: Json, clock: Clock
) -> None:
    """Its owner and its team lead; not the client's stations, nor anything about actions of the client's people."""
    programme = case["programme"]
    await agreed(rca, case, due_days=1)
    await agreed(rca, case, due_days=1, owner="nina", owner_vendor=None)
    clock.move(days=30)
    await follow_up(database, clock)
    poc, other = [caller(rca_app, Role.VENDOR_POC, vendor=vendor, programmes=(programme,)) for vendor in ("acme", "borealis")]
    internal = [each for each in await notices(rca, programme) if each["vendor"] is None]
    lea = caller(rca_app, Role.VENDOR_POC, vendor="acme", subject="lea")
    page = (await poc.get("/v1/changes", params={"programme": programme})).json()

    assert {(kind, station) for kind, station, _ in await _told(poc, case)} == {("overdue", "owner"), ("escalated", "team_lead")}
    assert await notices(other, programme) == []
    assert {each["id"] for each in internal}.isdisjoint(change["id"] for change in page["changes"])
    assert {each["station"] for each in internal} == {None, "owner", "quality_manager", "gpm"}
    for each in internal:
        assert (await poc.get(f"/v1/notices/{each['id']}", params={"programme": programme})).status_code == 404
    assert {each["recipient"] for each in await notices(lea, programme, mine=True)} == {"lea", None}


async def test_actions_wait_while_their_case_is_closed(
    rca: httpx.AsyncClient, database: Database, case: Json, clock: Clock
) -> None:
    """Closed by an override with an open action, nobody is told; opened again, the chain goes on. Cancelled, it is over."""
    await brought(rca, case)
    await agreed(rca, case, due_days=1)
    await done(closed(rca, case))
    clock.now = _at(5)
    await follow_up(database, clock)
    while_closed = await _told(rca, case)
    await done(stepped(rca, case, "reopen", "It came back."))
    await follow_up(database, clock)
    reopened = await _told(rca, case)
    await done(stepped(rca, case, "cancel", "A mistake."))
    clock.move(days=30)
    await follow_up(database, clock)

    assert while_closed == []
    assert [station for _, station, _ in reopened] == ["owner", "team_lead"]
    assert await _told(rca, case) == reopened


async def test_people_are_told_what_happens_to_cases(rca: httpx.AsyncClient, programme: str) -> None:
    """Opened, closed, opened again, meant in the conversation: one notice each, internal where the case or the message is."""
    case, internal = await opened(rca, programme), await opened(rca, programme, vendor=None, scope={})
    where: dict[str, Any] = {"programme": programme}
    for audience in ("vendor", "internal"):
        said = {"text": "See this", "mentions": ["pia", "quinn", "pia"], "audience": audience}
        await done(rca.post(f"/v1/cases/{case['id']}/messages", params=where, json=said))
    await brought(rca, case)
    await done(closed(rca, case))
    await done(stepped(rca, case, "reopen", "It came back."))
    told = [(each["kind"], each["vendor"], each["recipient"]) for each in await notices(rca, programme)]

    assert told == [
        ("case.opened", "acme", None),
        ("case.opened", None, None),
        ("case.mentioned", "acme", "pia"),
        ("case.mentioned", "acme", "quinn"),
        ("case.mentioned", None, "pia"),
        ("case.mentioned", None, "quinn"),
        ("case.closed", "acme", None),
        ("case.reopened", "acme", None),
    ]
    assert await notices(rca, programme, case_id=internal["id"], kind="case.closed") == []


def test_october_is_where_the_tests_think_it_is() -> None:
    """The first of October 2026 is a Thursday."""
    assert THURSDAY.strftime("%A") == "Thursday"
    assert _at(8) - THURSDAY == timedelta(days=7, hours=14)
