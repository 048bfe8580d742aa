"""Five hundred people at ten thousand items: each item in one hand, no rule broken, no cap exceeded, and ledgers that add up."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import insert
from sqlalchemy.exc import TimeoutError as PoolTimeout

from appeals import Clock
from audit_api.exposure.summary import WELLBEING
from audit_api.exposure.tables import opt_outs
from audit_api.items.sweeping import let_leases_end, tell
from audit_api.staffing.tables import auditors
from conftest import Caller
from factories import programme_document
from items import item_row
from tallystick.schemas.principal import Role
from tallystick.schemas.staffing import NewAuditor
from tallystick.service.database import Database

ITEMS, PEOPLE = 10_000, 500
CORRECT = {"benchmark_action": "remove", "benchmark_policy": "harassment", "verdict": "correct"}
HARMS = {"no_violation": 0.0, "harassment": 3.0, "hate": 8.0}
RULES = {"daily_cap": 40.0, "heavy_in_a_row": 2}
SECONDS = 240
ENDED = {"audited", "void", "waiting"}


@dataclass
class Person:
    """Somebody who works, and what came to them."""

    subject: str
    auditor: NewAuditor
    opted_out: tuple[str, ...]
    client: httpx.AsyncClient
    handed: list[dict[str, Any]] = field(default_factory=list)
    audited: set[str] = field(default_factory=set)
    given_back: set[str] = field(default_factory=set)


def _skills(number: int, chance: random.Random) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Every third speaks one language alone, every fifth knows one policy alone, some are in conflict, some have opted out."""
    conflicts: dict[str, Any] = {}
    if number % 4 == 1:
        conflicts["moderators"] = [f"m-{chance.randrange(40)}"]
    if number % 7 == 2:
        conflicts["sites"] = ["acme/cairo"]
    if number % 11 == 3:
        conflicts["vendors"] = ["borealis"]
    languages = [["pl"], ["es"], []][number % 3]
    policies = [chance.choice(sorted(HARMS))] if number % 5 == 0 else []
    opted_out = ("hate",) if number % 6 == 5 else ()
    return {"languages": languages, "policies": policies, "conflicts": conflicts}, opted_out


def _may(person: Person, item: asyncpg.Record) -> bool:
    """The rules again, as somebody reads them who does not know SQL."""
    auditor, conflicts = person.auditor, person.auditor.conflicts
    return (
        (not auditor.languages or item["language"] in auditor.languages)
        and (not auditor.policies or item["policy"] in auditor.policies)
        and item["moderator"] not in {person.subject, *conflicts.moderators}
        and f"{item['vendor']}/{item['site']}" not in conflicts.sites
        and item["vendor"] not in conflicts.vendors
        and item["policy"] not in person.opted_out
    )


Gather = Callable[[], Awaitable[list[Person]]]


@pytest.fixture
def gather(audit_app: FastAPI, caller: Caller, programme: str) -> Gather:
    """Put everybody among the auditors at once, with what they can do and do not want."""

    async def put() -> list[Person]:
        chance = random.Random(11)  # noqa: S311 - no secret
        people = []
        for number in range(PEOPLE):
            skills, opted_out = _skills(number, chance)
            subject = f"qa-{number}"
            client = caller(audit_app, Role.AUDITOR, subject=subject)
            people.append(Person(subject, NewAuditor(name=subject, **skills), opted_out, client))
        now = audit_app.state.clock()
        rows = [
            {
                "programme": programme,
                "auditor": person.subject,
                "name": person.subject,
                "document": person.auditor.model_dump(mode="json"),
                "revision": 1,
                "changed_by": "manager-1",
                "changed_at": now,
            }
            for person in people
        ]
        chosen = [
            {"programme": programme, "auditor": person.subject, "policy": policy}
            for person in people
            for policy in person.opted_out
        ]
        database: Database = audit_app.state.database
        async with database.writing(WELLBEING) as session:
            await session.execute(insert(auditors), rows)
            await session.execute(insert(opt_outs), chosen)
        return people

    return put


def _rows(programme: str) -> list[dict[str, Any]]:
    chance = random.Random(5)  # noqa: S311 - no secret
    rows = []
    for number in range(ITEMS):
        policy = chance.choice(sorted(HARMS))
        vendor, site = chance.choice((("acme", "lisbon"), ("acme", "cairo"), ("borealis", "krakow")))
        facts = {"language": chance.choice(("es", "es", "es", "pl")), "policy": policy, "vendor": vendor, "site": site}
        where = {"moderator": f"m-{number % 40}", "turn": 1 + number // 40, "priority": chance.choice((3, 5))}
        rows.append(item_row(programme, **facts, **where, harm=HARMS[policy], risk=None))
    return rows


async def _ask(person: Person, programme: str, address: str, body: dict[str, Any], **headers: str) -> dict[str, Any]:
    """Ask, and again where there were more at once than the service takes."""
    while True:
        answer = await person.client.post(f"/v1/{address}", params={"programme": programme}, json=body, headers=headers)
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            document: dict[str, Any] = answer.raise_for_status().json()
            return document


async def _work(person: Person, programme: str, number: int) -> None:
    """Claim, some of them twice at once; then audit and go on, give back and go on, or keep it until the time for it is over."""
    for turn in range(3 if number % 5 == 0 else 1):
        asking = [_ask(person, programme, "sample-item-claims", {}) for _ in range(2 if number % 10 == 0 else 1)]
        claims = await asyncio.gather(*asking)
        assert len({claim["item"] and claim["item"]["id"] for claim in claims}) == 1
        item = claims[0]["item"]
        if item is None:
            return
        assert item["id"] not in person.given_back
        person.handed.append(item)
        choice = (number // 5 + turn) % 6
        if choice == 0 or number % 5 in {1, 2}:
            return
        if choice in {1, 2}:
            reason = {"reason": ("skill", "unavailable")[choice - 1]}
            await _ask(person, programme, f"sample-items/{item['id']}/hand-back", reason, **{"If-Match": "*"})
            person.given_back.add(item["id"])
        else:
            done = {"judgement": CORRECT, "handling_time_s": SECONDS}
            await _ask(person, programme, f"sample-items/{item['id']}/audit", done, **{"Idempotency-Key": item["id"]})
            person.audited.add(item["id"])


async def _beside(app: FastAPI, working: "asyncio.Task[Any]", clock: Clock) -> None:
    """What goes on beside the requests of a service, and begins again where it got no connection; and time, for some minutes."""
    begun = clock.now
    while not working.done():
        if clock.now - begun < timedelta(minutes=10):
            clock.move(seconds=2)
        with contextlib.suppress(PoolTimeout):
            await let_leases_end(app.state.database, app.state.clock)
            await tell(app.state.database)
        await asyncio.sleep(0.05)


async def test_five_hundred_people_at_once(
    audit_app: FastAPI, caller: Caller, programme: str, gather: Gather, store: asyncpg.Connection, clock: Clock
) -> None:
    """They claim, audit and give back ten thousand items together, while leases end and the feed tells of it."""
    rules = {"exposure": RULES, "handing": {"seconds_per_item": SECONDS, "repeat_share": 0.1}}
    admin, document = caller(audit_app, Role.ADMIN), programme_document(programme, **rules)
    (await admin.put(f"/v1/programmes/{programme}", json=document, headers={"If-Match": "*"})).raise_for_status()
    rows = _rows(programme)
    await store.copy_records_to_table("sample_items", records=[tuple(row.values()) for row in rows], columns=list(rows[0]))
    await store.execute("analyze sample_items")
    people = await gather()
    working = asyncio.gather(*[_work(person, programme, number) for number, person in enumerate(people)])
    await asyncio.gather(working, _beside(audit_app, working, clock))  # type: ignore[arg-type] # a future that is done once all are
    left = await store.fetchval("select count(*) from sample_items where programme = $1 and state = 'claimed'", programme)
    clock.move(hours=1)
    while await let_leases_end(audit_app.state.database, clock):
        pass
    items = {str(row["id"]): row for row in await store.fetch("select * from sample_items where programme = $1", programme)}
    audits = await store.fetch("select external_id, auditor, checking from audits where programme = $1", programme)
    ledger = await store.fetch("select * from exposures where programme = $1", programme)
    drawn = [row for row in items.values() if row["kind"] == "sampled"]
    handed = Counter(item["id"] for person in people for item in person.handed)
    by_person = {(row["auditor"], str(row["item_id"])): row for row in ledger}
    doses = Counter[str]()
    for row in ledger:
        if row["seconds"] <= SECONDS:  # but for what somebody kept until the time for it was over
            doses[row["auditor"]] += row["dose"]

    assert len(drawn) == ITEMS
    assert {row["state"] for row in items.values()} <= ENDED
    assert sum(handed.values()) > PEOPLE
    assert left > 0
    assert all(_may(person, items[item["id"]]) for person in people for item in person.handed)
    done = {(item, person.subject) for person in people for item in person.audited}
    assert {(audit["external_id"], audit["auditor"]) for audit in audits} == done
    assert len(audits) == len(done) == len({item for item, _ in done})
    assert {(item, row["audited_by"]) for item, row in items.items() if row["state"] == "audited"} == done
    assert all(audit["checking"] == (items[audit["external_id"]]["kind"] == "repeat") for audit in audits)
    assert by_person.keys() == {(person.subject, item["id"]) for person in people for item in person.handed}
    assert all(row["ended_at"] is not None for row in ledger)
    assert [row["dose"] for row in ledger] == pytest.approx([row["harm"] * row["seconds"] / 60 for row in ledger])
    assert 0 < max(doses.values()) <= RULES["daily_cap"]
