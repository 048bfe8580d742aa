"""Items of work: each is handed to one person who may audit it, audited like anything else, or given back."""

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Row, select

from appeals import Clock
from audit_api.audits.records import read_changes
from audit_api.audits.tables import audits
from audit_api.exposure.gate import gate
from audit_api.exposure.summary import WELLBEING
from audit_api.items.checks import make_check
from audit_api.items.fitting import Asking
from audit_api.items.sweeping import let_leases_end, tell
from audit_api.programmes.records import read_document
from audit_api.sampling.tables import sample_items
from batches import pushed
from calibration import Facilitator, Hand, session_document
from conftest import Caller
from factories import audit_row, programme_document
from items import item_row, put_items
from sampling import ZONE
from tallystick.schemas.base import new_id
from tallystick.schemas.principal import Role
from tallystick.schemas.staffing import NewAuditor
from tallystick.service.auth import ALL, Principal
from tallystick.service.database import Database, WriteSession, scoped

CORRECT = {"benchmark_action": "remove", "benchmark_policy": "harassment", "verdict": "correct"}
Staff = Callable[..., Awaitable[httpx.AsyncClient]]


@pytest.fixture
def staff(audit_app: FastAPI, caller: Caller, programme: str) -> Staff:
    """Put somebody among the auditors, and answer a client of theirs."""

    async def put(subject: str, **what: Any) -> httpx.AsyncClient:
        manager = caller(audit_app, Role.QUALITY_MANAGER, subject="manager-1")
        answer = await manager.put(f"/v1/auditors/{subject}", params={"programme": programme}, json={"name": subject, **what})
        assert answer.status_code == 201, answer.text
        return caller(audit_app, Role.AUDITOR, subject=subject)

    return put


def _auditor(subject: str) -> Principal:
    return Principal(subject, frozenset({Role.AUDITOR}), frozenset({ALL}), None, "")


async def _configure(audit_app: FastAPI, caller: Caller, slug: str, **changes: Any) -> None:
    admin = caller(audit_app, Role.ADMIN)
    document = programme_document(slug, **changes)
    (await admin.put(f"/v1/programmes/{slug}", json=document, headers={"If-Match": "*"})).raise_for_status()


async def _put(app: FastAPI, programme: str, *changes: dict[str, Any]) -> list[str]:
    return await put_items(app, [item_row(programme, **each) for each in changes])


async def _claim(client: httpx.AsyncClient, programme: str, **asked: Any) -> dict[str, Any]:
    answer = await client.post("/v1/sample-item-claims", params={"programme": programme}, json=asked)
    assert answer.status_code == 200, answer.text
    claim: dict[str, Any] = answer.json()
    return claim


async def _audit(client: httpx.AsyncClient, programme: str, item_id: str, **more: Any) -> httpx.Response:
    body = {"judgement": CORRECT | more.pop("judgement", {}), **more.pop("body", {})}
    return await client.post(f"/v1/sample-items/{item_id}/audit", params={"programme": programme}, json=body, **more)


async def _back(
    client: httpx.AsyncClient, programme: str, item_id: str, reason: str, comment: str | None = None
) -> httpx.Response:
    body = {"reason": reason, "comment": comment}
    address = f"/v1/sample-items/{item_id}/hand-back"
    return await client.post(address, params={"programme": programme}, json=body, headers={"If-Match": "*"})


async def _all_handed(client: httpx.AsyncClient, programme: str) -> list[str]:
    """Claim and audit until nothing comes; answers the ids in their order."""
    handed = []
    while (item := (await _claim(client, programme))["item"]) is not None:
        handed.append(item["id"])
        (await _audit(client, programme, item["id"])).raise_for_status()
    return handed


async def test_what_presses_comes_first_and_every_moderators_first_item_before_anybodys_second(
    audit_app: FastAPI, programme: str, staff: Staff
) -> None:
    """By priority, then due date, then turn."""
    due = item_row(programme)["due_at"]
    ids = await _put(
        audit_app, programme, {"turn": 2}, {"turn": 1}, {"due_at": due - timedelta(days=1), "turn": 9}, {"priority": 1, "turn": 9}
    )

    assert await _all_handed(await staff("qa-1"), programme) == [ids[3], ids[2], ids[1], ids[0]]


async def test_who_has_an_item_in_hand_is_handed_it_again(audit_app: FastAPI, programme: str, staff: Staff) -> None:
    """However often and however much at once somebody asks."""
    await _put(audit_app, programme, *[{} for _ in range(10)])
    me = await staff("qa-1")
    claims = await asyncio.gather(*[_claim(me, programme) for _ in range(8)])

    assert len({claim["item"]["id"] for claim in claims}) == 1


@pytest.mark.parametrize(
    ("auditor", "item"),
    [
        ({"languages": ["pl"]}, {"language": "es"}),
        ({"policies": ["hate"]}, {"policy": "harassment"}),
        ({"conflicts": {"moderators": ["m-7"]}}, {"moderator": "m-7"}),
        ({"conflicts": {"sites": ["acme/cairo"]}}, {"site": "cairo"}),
        ({"conflicts": {"vendors": ["borealis"]}}, {"vendor": "borealis", "site": "krakow"}),
        ({}, {"moderator": "qa-1"}),
        ({}, {"passed_by": ["qa-1"]}),
    ],
    ids=["language", "policy", "moderator", "site", "vendor", "own decision", "given back before"],
)
async def test_nobody_is_handed_what_they_may_not_audit(
    audit_app: FastAPI, programme: str, staff: Staff, auditor: dict[str, Any], item: dict[str, Any]
) -> None:
    """The first item is not for them, the second is; and alone with the first they are told that nothing fits."""
    fitting = {"language": "pl", "policy": "hate"}
    _, second = await _put(audit_app, programme, {"turn": 1, **fitting, **item}, {"turn": 2, **fitting})
    me = await staff("qa-1", **auditor)
    handed = await _all_handed(me, programme)
    claim = await _claim(me, programme)

    assert handed == [second]
    assert (claim["item"], claim["reason"]) == (None, "nothing_fits")
    assert claim["message"]


async def test_who_is_no_auditor_of_the_programme_is_told_so(
    audit_app: FastAPI, programme: str, caller: Caller, staff: Staff
) -> None:
    """Neither who was never put among them nor who is active no more."""
    stranger = caller(audit_app, Role.AUDITOR, subject="stranger")
    for client in (stranger, await staff("qa-1", active=False)):
        answer = await client.post("/v1/sample-item-claims", params={"programme": programme}, json={})

        assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (403, "not-staffed")


async def test_who_is_away_is_handed_nothing(audit_app: FastAPI, programme: str, staff: Staff, clock: Clock) -> None:
    """On the days of an absence."""
    await _put(audit_app, programme, {})
    day = clock.now.date()
    me = await staff("qa-1", absences=[{"first_day": str(day - timedelta(days=1)), "last_day": str(day + timedelta(days=1))}])
    away = await _claim(me, programme)
    clock.move(days=3)
    back = await _claim(me, programme)

    assert (away["item"], away["reason"]) == (None, "away")
    assert back["item"] is not None


async def test_a_claim_is_blind(audit_app: FastAPI, programme: str, staff: Staff) -> None:
    """Nothing in it names the moderator or the decision, or says by which draw it came."""
    await _put(audit_app, programme, {"moderator": "m-secret", "decision_id": "d-secret", "stratum": "s-secret"})
    item = (await _claim(await staff("qa-1"), programme))["item"]

    assert "secret" not in str(item)
    assert (item["draw_id"], item["inclusion_probability"], item["state"]) == (None, None, "claimed")


async def test_no_two_people_are_handed_the_same_item(audit_app: FastAPI, programme: str, staff: Staff) -> None:
    """Forty people work 120 items off at once: each item is audited once, and everybody gets some."""
    ids = await _put(audit_app, programme, *[{"turn": number} for number in range(120)])
    people = [await staff(f"qa-{number}") for number in range(40)]
    handed = await asyncio.gather(*[_all_handed(person, programme) for person in people])

    assert Counter(item for each in handed for item in each) == Counter(ids)


async def test_an_audited_item_is_an_audit_like_any_other(
    audit_app: FastAPI, programme: str, staff: Staff, caller: Caller, clock: Clock, store: asyncpg.Connection
) -> None:
    """Of its decision, with its stratum and probability, by the person who had it in hand, and with the time that it took.

    Who audits is not shown how it was drawn: what checks them was not.
    """
    [item_id] = await _put(audit_app, programme, {"moderator": "m-9", "stratum": "s-4", "inclusion_probability": 0.25})
    me = await staff("qa-1")
    await _claim(me, programme)
    clock.move(seconds=95)
    answer = await _audit(me, programme, item_id, judgement={"comment": "Right"})
    manager, vendor = caller(audit_app, Role.QUALITY_MANAGER), caller(audit_app, Role.VENDOR_POC, vendor="acme")
    [[audit], [theirs], [mine]] = [
        (await each.get("/v1/audits", params={"programme": programme})).json()["items"] for each in (manager, vendor, me)
    ]
    one = await me.get(f"/v1/audits/{audit['id']}", params={"programme": programme})

    assert (answer.status_code, answer.json()["state"], answer.json()["audited_by"]) == (200, "audited", "qa-1")
    assert (theirs["stratum"], theirs["inclusion_probability"]) == ("s-4", 0.25)
    assert mine == one.json() == {**audit, "stratum": None, "inclusion_probability": None}
    named = ("external_id", "moderator", "auditor", "stratum", "inclusion_probability", "handling_time_s", "comment", "vendor")
    assert [audit[name] for name in named] == [item_id, "m-9", "qa-1", "s-4", 0.25, 95, "Right", "acme"]
    assert await store.fetchval("select audit_id::text from sample_items where id = $1", UUID(item_id)) == audit["id"]


async def test_the_same_audit_under_a_key_is_recorded_once(audit_app: FastAPI, programme: str, staff: Staff) -> None:
    """Who did not get the answer asks again with the same key and gets it; without one they are told that it is done."""
    [item_id] = await _put(audit_app, programme, {})
    me = await staff("qa-1")
    await _claim(me, programme)
    key = {"headers": {"Idempotency-Key": "k-1"}}
    first, again = [await _audit(me, programme, item_id, **key) for _ in range(2)]
    without = await _audit(me, programme, item_id)

    assert (again.status_code, again.json()) == (200, first.json())
    assert (without.status_code, without.json()["type"].rpartition("/")[2]) == (409, "item-not-in-hand")


async def test_an_item_is_audited_at_the_time_of_the_service(
    audit_app: FastAPI, programme: str, staff: Staff, clock: Clock
) -> None:
    """A clock that is put forward, as in demonstrations, is the one by which an audit is not of the future."""
    [item] = await _put(audit_app, programme, {})
    clock.move(days=3)
    ann = await staff("ann")
    await _claim(ann, programme)

    answer = await _audit(ann, programme, item)

    assert answer.status_code == 200, answer.text
    assert datetime.fromisoformat(answer.json()["audited_at"]) == clock.now


async def test_a_judgement_that_the_programme_does_not_take_changes_nothing(
    audit_app: FastAPI, programme: str, staff: Staff
) -> None:
    """The field is named, and the item is in the same hand still."""
    [item_id] = await _put(audit_app, programme, {})
    me = await staff("qa-1")
    await _claim(me, programme)
    answer = await _audit(me, programme, item_id, judgement={"benchmark_policy": "spam"})

    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (409, "item-refused")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/judgement/benchmark_policy"]
    assert (await _claim(me, programme))["item"]["id"] == item_id


async def test_an_item_whose_time_ran_out_goes_to_somebody_else(
    audit_app: FastAPI, programme: str, staff: Staff, clock: Clock, store: asyncpg.Connection
) -> None:
    """It waits again; whoever had it may no more audit it. The time that they had it counts as exposure."""
    [item_id] = await _put(audit_app, programme, {})
    first, second = await staff("qa-1"), await staff("qa-2")
    await _claim(first, programme)
    state = "select state from sample_items where id = $1"
    await let_leases_end(audit_app.state.database, clock)
    early = await store.fetchval(state, UUID(item_id))
    clock.move(minutes=31)
    await let_leases_end(audit_app.state.database, clock)
    swept = await store.fetchval(state, UUID(item_id))
    late = await _audit(first, programme, item_id)
    handed = await _claim(second, programme)

    assert (early, swept) == ("claimed", "waiting")
    assert late.status_code == 404
    assert handed["item"]["id"] == item_id
    assert await store.fetchval("select seconds from exposures where item_id = $1 and auditor = 'qa-1'", UUID(item_id)) == 1800


async def test_work_that_took_long_is_taken_while_nobody_else_has_the_item(
    audit_app: FastAPI, programme: str, staff: Staff, clock: Clock
) -> None:
    """A lease that ran out takes nothing away by itself; a renewal makes it longer."""
    [item_id] = await _put(audit_app, programme, {})
    me = await staff("qa-1")
    await _claim(me, programme)
    clock.move(minutes=25)
    address = f"/v1/sample-items/{item_id}/renewal"
    renewed = await me.post(address, params={"programme": programme}, headers={"If-Match": "*"})
    clock.move(minutes=29)
    await let_leases_end(audit_app.state.database, clock)
    clock.move(minutes=2)
    answer = await _audit(me, programme, item_id)

    assert renewed.status_code == 200, renewed.text
    assert datetime.fromisoformat(renewed.json()["lease_until"]) == clock.now - timedelta(minutes=1)
    assert answer.status_code == 200, answer.text


async def test_who_audits_no_more_finishes_what_is_in_hand_in_its_time(
    audit_app: FastAPI, programme: str, staff: Staff, caller: Caller
) -> None:
    """The time is not made longer."""
    [item_id] = await _put(audit_app, programme, {})
    me, manager = await staff("qa-1"), caller(audit_app, Role.QUALITY_MANAGER)
    await _claim(me, programme)
    params, new = {"programme": programme}, {"name": "qa-1", "active": False}
    await manager.put("/v1/auditors/qa-1", params=params, json=new, headers={"If-Match": "*"})
    renewed = await me.post(f"/v1/sample-items/{item_id}/renewal", params=params, headers={"If-Match": "*"})
    answer = await _audit(me, programme, item_id)

    assert (renewed.status_code, renewed.json()["type"].rpartition("/")[2]) == (403, "not-staffed")
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("reason", ["conflict", "skill", "other"])
async def test_what_is_given_back_goes_to_somebody_else(audit_app: FastAPI, programme: str, staff: Staff, reason: str) -> None:
    """Never again to the same person; managers read why, auditors do not."""
    [item_id] = await _put(audit_app, programme, {})
    first, second = await staff("qa-1"), await staff("qa-2")
    await _claim(first, programme)
    back = await _back(first, programme, item_id, reason, "So it is")
    again, handed = await _claim(first, programme), await _claim(second, programme)

    assert (back.status_code, back.json()["state"]) == (200, "waiting")
    assert (again["item"], again["reason"]) == (None, "nothing_fits")
    assert (handed["item"]["id"], handed["item"]["handed_back"]) == (item_id, [])


async def test_managers_read_why_something_was_given_back_but_not_of_anybodys_wellbeing(
    audit_app: FastAPI, programme: str, staff: Staff, caller: Caller, found: Callable[[str], Awaitable[list[str]]]
) -> None:
    """Two reasons are on record, the third is not, nor what was said with it."""
    ids = await _put(audit_app, programme, {"turn": 1}, {"turn": 2}, {"turn": 3})
    me = await staff("qa-1")
    for item_id, reason in zip(ids, ("conflict", "wellbeing", "skill"), strict=True):
        await _claim(me, programme)
        (await _back(me, programme, item_id, reason, f"because-{reason}")).raise_for_status()
    manager = caller(audit_app, Role.QUALITY_MANAGER, subject="manager-1")
    shown = [(await manager.get(f"/v1/sample-items/{each}", params={"programme": programme})).json() for each in ids]

    assert [[back["reason"] for back in item["handed_back"]] for item in shown] == [["conflict"], [], ["skill"]]
    assert shown[0]["handed_back"][0]["by"] == "qa-1"
    assert await found("because-wellbeing") == []


async def test_what_is_gone_is_void(audit_app: FastAPI, programme: str, staff: Staff) -> None:
    """Nobody is handed it any more."""
    [item_id] = await _put(audit_app, programme, {})
    first, second = await staff("qa-1"), await staff("qa-2")
    await _claim(first, programme)
    back = await _back(first, programme, item_id, "unavailable")

    assert back.json()["state"] == "void"
    assert (await _claim(second, programme))["reason"] == "nothing_waits"


async def test_a_full_day_leaves_what_is_light(audit_app: FastAPI, programme: str, staff: Staff, caller: Caller) -> None:
    """The heavy item waits, the lighter one comes with a kind word; then nothing does until tomorrow."""
    await _configure(audit_app, caller, programme, exposure={"daily_cap": 10}, handing={"seconds_per_item": 60})
    heavy, light = await _put(audit_app, programme, {"turn": 1, "harm": 11.0}, {"turn": 2, "harm": 0.0})
    me = await staff("qa-1")
    claim = await _claim(me, programme)
    (await _audit(me, programme, light)).raise_for_status()
    full = await _claim(me, programme)

    assert heavy != light
    assert (claim["item"]["id"], claim["lighter"]) == (light, True)
    assert "lighter" in claim["message"]
    assert (full["item"], full["reason"]) == (None, "day_is_full")
    assert re.fullmatch(r"\S+T2[23]:00:00Z", full["again_at"])  # midnight in Berlin


async def test_something_light_comes_to_who_asks_for_it(audit_app: FastAPI, programme: str, staff: Staff) -> None:
    """Without a reason; and what one has opted out of never comes."""
    ids = await _put(audit_app, programme, {"turn": 1, "harm": 9.0}, {"turn": 2, "policy": "hate"}, {"turn": 3, "harm": 1.0})
    me = await staff("qa-1")
    params = {"programme": programme}
    (await me.put("/v1/exposure/opt-outs", params=params, json={"policies": ["hate"]})).raise_for_status()

    assert (await _claim(me, programme, lighter=True))["item"]["id"] == ids[2]


async def test_what_is_assigned_today_comes_first(
    audit_app: FastAPI, programme: str, staff: Staff, clock: Clock, store: asyncpg.Connection
) -> None:
    """By the newest plan for the day; once that is done, everything else does."""
    ids = await _put(audit_app, programme, {"turn": 1}, {"turn": 2, "stratum": "s-2"}, {"turn": 3, "stratum": "s-3"})
    me, plan, today = await staff("qa-1"), UUID(int=7), clock.now.astimezone(ZONE).date()
    await store.execute(
        "insert into staffing_plans (programme, id, first_day, last_day, asked, answer, items, covered, made_by, made_at)"
        " values ($1, $2, $3, $3, '{}', '{}', 1, 1, 'x', now())",
        programme, plan, today,
    )  # fmt: skip
    await store.execute(
        "insert into staffing_assignments (programme, plan_id, auditor, day, draw_id, stratum, items)"
        " values ($1, $2, 'qa-1', $3, $4, 's-3', 1)",
        programme, plan, today, UUID(int=1),
    )  # fmt: skip

    assert await _all_handed(me, programme) == [ids[2], ids[0], ids[1]]


async def _golden(app: FastAPI, caller: Caller, programme: str, *raters: str) -> str:
    """A golden item about an audit of qa-0, and its content; those who are named rate it first."""
    manager = caller(app, Role.QUALITY_MANAGER, subject="manager-1")
    [row] = (await pushed(manager, programme, [audit_row("G-1", auditor="qa-0", content_ref="gold")]))["results"]
    facilitator = Facilitator(manager, programme)
    document = session_document(
        *((name, None) for name in ("manager-1", *raters)), scale={"categories": ["keep", "remove"], "about": "action"}
    )
    session = await facilitator.draft([{"audit_id": row["audit_id"]}], **document)
    (await facilitator.move(session, "opening")).raise_for_status()
    for rater in raters:
        hand = Hand(caller(app, Role.AUDITOR, subject=rater), programme, session)
        (await hand.rate(1, "remove")).raise_for_status()
    (await facilitator.move(session, "review")).raise_for_status()
    (await facilitator.benchmark(session, 1, "remove")).raise_for_status()
    (await facilitator.move(session, "conclusion", {"conclusion": "So"})).raise_for_status()
    address = f"/v1/calibration-sessions/{session}/items/1/golden"
    (await manager.put(address, params={"programme": programme}, headers={"If-Match": "*"})).raise_for_status()
    return "gold"


async def test_golden_items_come_hidden_among_drawn_ones(
    audit_app: FastAPI, programme: str, staff: Staff, caller: Caller, store: asyncpg.Connection
) -> None:
    """Each comes to somebody once, looks like the drawn item in whose place it comes, and is held against its benchmark.

    Its audit is there for the client's people like any other; for vendors and services, which count, there is none.
    """
    content = await _golden(audit_app, caller, programme)
    await _configure(audit_app, caller, programme, handing={"golden_share": 0.2})
    await _put(audit_app, programme, *[{"turn": number} for number in range(60)])
    me = await staff("qa-1")
    handed = []
    while (item := (await _claim(me, programme))["item"]) is not None:
        handed.append(item)
        (await _audit(me, programme, item["id"])).raise_for_status()
    checks = [item for item in handed if item["content_ref"] == content]
    manager = caller(audit_app, Role.QUALITY_MANAGER, subject="manager-1")
    results = (await manager.get("/v1/golden-results", params={"programme": programme})).json()["items"]
    vendor = caller(audit_app, Role.VENDOR_POC, vendor="acme")
    counted = {}
    for name, client in (("me", me), ("vendor", vendor)):
        shown = await client.get("/v1/audits", params={"programme": programme, "limit": 1000})
        counted[name] = [audit["external_id"] for audit in shown.json()["items"]]

    assert len(handed) == 61
    assert len(checks) == 1
    assert {frozenset(item) for item in handed} == {frozenset(checks[0])}
    alike = ("due_at", "priority", "draw_id", "stratum", "claimed_by", "revision")
    assert [checks[0][name] for name in alike] == [handed[-1][name] for name in alike]
    assert checks[0]["id"][:13] in {item["id"][:13] for item in handed if item is not checks[0]}
    assert [(result["auditor"], result["agreed"]) for result in results] == [("qa-1", True)]
    assert checks[0]["id"] in counted["me"]
    assert checks[0]["id"] not in counted["vendor"]
    assert len(counted["vendor"]) == 61
    assert await store.fetchval("select count(*) from audits where programme = $1 and checking", programme) == 1


async def test_no_golden_item_comes_to_who_rated_it_in_its_session(
    audit_app: FastAPI, programme: str, staff: Staff, caller: Caller
) -> None:
    """They know its benchmark, so their work on it would check nothing: all that comes to them was drawn."""
    await _golden(audit_app, caller, programme, "qa-1")
    await _configure(audit_app, caller, programme, handing={"golden_share": 0.2})
    ids = await _put(audit_app, programme, *[{"turn": number} for number in range(40)])

    assert await _all_handed(await staff("qa-1"), programme) == ids


async def test_repeats_come_from_what_somebody_else_has_audited(
    audit_app: FastAPI, programme: str, staff: Staff, caller: Caller, store: asyncpg.Connection
) -> None:
    """Of the first auditor's items some come to the second one too, each at most once."""
    await _configure(audit_app, caller, programme, handing={"repeat_share": 0.2})
    ids = await _put(audit_app, programme, *[{"turn": number} for number in range(30)])
    first = await _all_handed(await staff("qa-1"), programme)
    await _put(audit_app, programme, *[{"turn": number} for number in range(60)])
    await _all_handed(await staff("qa-2"), programme)
    repeats = "select origin_id::text, audited_by from sample_items where programme = $1 and kind = 'repeat'"
    rows = await store.fetch(repeats, programme)

    assert sorted(first) == sorted(ids)
    assert rows
    assert {row["audited_by"] for row in rows} == {"qa-2"}
    assert len({row["origin_id"] for row in rows}) == len(rows)
    assert {row["origin_id"] for row in rows} <= set(ids)


async def test_the_id_of_a_check_has_the_time_of_some_item_of_its_stratum(
    audit_app: FastAPI, programme: str, staff: Staff, caller: Caller, store: asyncpg.Connection
) -> None:
    """Not always that of the drawn item in whose place it comes, which is likely to be handed out next."""
    await _configure(audit_app, caller, programme, handing={"repeat_share": 0.2})
    drawn = [UUID(int=(UUID(str(new_id())).int & ~(0xFFFF << 80)) + (number << 80)) for number in range(140)]
    audited = {"state": "audited", "audited_by": "qa-0", "audited_at": audit_app.state.clock()}
    await _put(audit_app, programme, *[{"id": each, **audited} for each in drawn[:40]])
    await _put(audit_app, programme, *[{"id": each} for each in drawn[40:]])
    handed = [UUID(each) for each in await _all_handed(await staff("qa-1"), programme)]
    rows = await store.fetch("select id from sample_items where programme = $1 and kind = 'repeat'", programme)
    checks = {UUID(str(row["id"])) for row in rows}
    following = [each.int >> 80 == after.int >> 80 for each, after in pairwise(handed) if each in checks]

    assert {each.int >> 80 for each in checks} <= {each.int >> 80 for each in drawn}
    assert len(following) > 1
    assert sum(following) < len(following) / 2


async def test_two_who_claim_at_once_are_not_both_given_a_repeat_of_the_same_item(
    audit_app: FastAPI, programme: str, store: asyncpg.Connection
) -> None:
    """The second is given none, though the first was not yet there to be seen when the second looked."""
    audited = {"state": "audited", "audited_by": "qa-0", "audited_at": audit_app.state.clock()}
    await put_items(audit_app, [item_row(programme, **audited)])
    drawn = await _put(audit_app, programme, {}, {})
    database: Database = audit_app.state.database
    looking = "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')"

    async def repeat(session: WriteSession, me: str, item_id: str) -> Row[Any] | None:
        now = audit_app.state.clock()
        document = await read_document(session, programme)
        asking = Asking(me, NewAuditor(name=me), await gate(session, document, me, now), lighter=False)
        item = (await session.execute(select(sample_items).where(sample_items.c.id == UUID(item_id)))).one()
        return await make_check(session, document, "repeat", item, asking, now)

    async def at_once() -> Row[Any] | None:
        async with database.writing(_auditor("qa-2")) as session:
            return await repeat(session, "qa-2", drawn[1])

    async with database.writing(_auditor("qa-1")) as session:
        first = await repeat(session, "qa-1", drawn[0])
        second = asyncio.create_task(at_once())
        while not second.done() and not await store.fetchval(looking):
            pass

    assert first is not None
    assert await second is None


async def test_audits_that_check_auditors_are_there_for_no_vendor_and_no_service(
    audit_app: FastAPI, programme: str, caller: Caller, store: asyncpg.Connection
) -> None:
    """Row-level security keeps them from vendors whatever a statement says, and the statements keep them by themselves."""
    manager = caller(audit_app, Role.QUALITY_MANAGER, subject="manager-1")
    await pushed(manager, programme, [audit_row("A-1"), audit_row("A-2")])
    await store.execute("update audits set checking = true where programme = $1 and external_id = 'A-2'", programme)
    database: Database = audit_app.state.database
    vendor = Principal("someone", frozenset({Role.VENDOR_POC}), frozenset({ALL}), "acme", "")
    service = Principal("reporting-api", frozenset({Role.SERVICE}), frozenset({ALL}), None, "")
    async with database.reading(vendor) as session:
        driver = await session.driver()
        rows = await driver.fetch("select external_id from audits where programme = $1", programme)
    async with database.reading(service) as session:
        found = await session.execute(scoped(select(audits.c.external_id), audits, programme, vendor))
        told = [change["data"]["external_id"] for change in await read_changes(session, programme, 0, 10)]

    assert [row["external_id"] for row in rows] == ["A-1"]
    assert found.scalars().all() == ["A-1"]
    assert told == ["A-1"]


async def test_the_feed_tells_of_claims_a_little_later_and_never_of_checks(
    audit_app: FastAPI, programme: str, staff: Staff, caller: Caller
) -> None:
    """A claim takes no position of its own; what is told then says how the item stands, and nobody's name."""
    ids = await _put(audit_app, programme, {"turn": 1}, {"turn": 2}, {"turn": 3, "kind": "golden", "told": False})
    manager = caller(audit_app, Role.QUALITY_MANAGER, subject="manager-1")
    me = await staff("qa-1")
    await _claim(me, programme)
    await tell(audit_app.state.database)
    changes = (await manager.get("/v1/changes", params={"programme": programme})).json()["changes"]
    told = [change for change in changes if change["noun"] == "sample_item"]
    (await _audit(me, programme, ids[0])).raise_for_status()
    changes = (await manager.get("/v1/changes", params={"programme": programme})).json()["changes"]
    after = [change for change in changes if change["noun"] == "sample_item"]

    assert [(change["id"], change["data"]["state"]) for change in told] == [(ids[0], "claimed")]
    assert [(change["id"], change["data"]["state"]) for change in after] == [(ids[0], "audited")]
    assert "qa-1" not in str(told + after)


async def test_auditors_read_their_own_items_and_managers_all(
    audit_app: FastAPI, programme: str, staff: Staff, caller: Caller
) -> None:
    """Somebody else's item answers like one that does not exist."""
    ids = await _put(audit_app, programme, {"turn": 1}, {"turn": 2})
    first, second = await staff("qa-1"), await staff("qa-2")
    await _claim(first, programme)
    manager = caller(audit_app, Role.QUALITY_MANAGER, subject="manager-1")
    params = {"programme": programme}
    shown = {}
    for name, client in (("first", first), ("second", second), ("manager", manager)):
        shown[name] = [item["id"] for item in (await client.get("/v1/sample-items", params=params)).json()["items"]]

    assert shown == {"first": [ids[0]], "second": [], "manager": ids[::-1]}
    assert (await second.get(f"/v1/sample-items/{ids[0]}", params=params)).status_code == 404
    assert (await second.post(f"/v1/sample-items/{ids[0]}/audit", params=params, json={"judgement": CORRECT})).status_code == 404


async def test_auditors_are_named_as_their_issuer_names_them(audit_app: FastAPI, programme: str, caller: Caller) -> None:
    """Some issuers write subjects as paths."""
    manager, params = caller(audit_app, Role.QUALITY_MANAGER, subject="manager-1"), {"programme": programme}
    created = await manager.put("/v1/auditors/staff%2Fqa%7C1", params=params, json={"name": "Qa"})
    read = await caller(audit_app, Role.AUDITOR, subject="staff/qa|1").get("/v1/auditors/staff%2Fqa%7C1", params=params)

    assert created.status_code == 201
    assert (read.status_code, read.json()["auditor"]) == (200, "staff/qa|1")


async def test_what_is_said_of_an_auditor_names_what_the_programme_knows(
    audit_app: FastAPI, programme: str, caller: Caller
) -> None:
    """Each unknown word is named, and nothing is written; a change needs the version that it is meant for."""
    manager = caller(audit_app, Role.QUALITY_MANAGER, subject="manager-1")
    params = {"programme": programme}
    wrong = {
        "name": "Qa",
        "languages": ["es", "xx"],
        "policies": ["spam"],
        "conflicts": {"sites": ["acme/nowhere"], "vendors": ["v"]},
    }
    refused = await manager.put("/v1/auditors/qa-1", params=params, json=wrong)
    created = await manager.put("/v1/auditors/qa-1", params=params, json={"name": "Qa", "team": "night"})
    blind = await manager.put("/v1/auditors/qa-1", params=params, json={"name": "Qb"})
    changed = await manager.put(
        "/v1/auditors/qa-1", params=params, json={"name": "Qb"}, headers={"If-Match": created.headers["etag"]}
    )
    listed = (await manager.get("/v1/auditors", params=params)).json()["items"]

    assert refused.status_code == 409
    pointers = ["/languages/1", "/policies/0", "/conflicts/vendors/0", "/conflicts/sites/0"]
    assert [error["pointer"] for error in refused.json()["errors"]] == pointers
    assert (created.status_code, blind.status_code, changed.status_code) == (201, 428, 200)
    assert [(each["auditor"], each["name"], each["team"], each["revision"]) for each in listed] == [("qa-1", "Qb", None, 2)]
    assert NewAuditor(name="Qb").minutes == listed[0]["minutes"]
    assert WELLBEING.subject not in str(listed)
