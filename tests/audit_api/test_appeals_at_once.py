"""Many at once: every appeal is handed out once, and what time does to one it does once."""

import asyncio
from collections import Counter
from typing import Any

import asyncpg
import httpx
from fastapi import FastAPI

from appeals import Clock, People, claim, configure, decide, new_appeal, recorded, submitted
from audit_api.appeals.sweeping import sweep, sweeping
from batches import ids, problem, pushed
from conftest import Caller
from factories import missed
from tallystick.schemas.principal import Role
from tallystick.schemas.programme import Weekday
from tallystick.service.database import Database

ADJUDICATORS, APPEALS = 64, 1000
EVERY_DAY = [day.value for day in Weekday]


async def test_64_adjudicators_claim_1000_appeals(audit_app: FastAPI, caller: Caller, people: People, programme: str) -> None:
    """At once and until there is none left: each appeal goes to exactly one of them, and never to whose own audit it is.

    Every adjudicator has carried out, recorded or revised some of the audits.
    """
    judges = [caller(audit_app, Role.AUDITOR, subject=f"judge-{number}") for number in range(ADJUDICATORS)]
    own: dict[str, set[str]] = {f"judge-{number}": set() for number in range(ADJUDICATORS)}
    rows = [missed(f"A-{number}", auditor=f"judge-{number % ADJUDICATORS}") for number in range(APPEALS)]
    audits: list[str] = []
    for recorder in (0, 1):  # each of the two has recorded half of them
        half = rows[recorder::2]
        batch = ids(await pushed(judges[recorder], programme, half))
        audits += [str(audit_id) for audit_id in batch]
        own[f"judge-{recorder}"].update(audits[-len(half) :])
        for row, audit_id in zip(half, batch, strict=True):
            own[row["auditor"]].add(str(audit_id))
    for number in range(2, 8):
        body = {"judgement": JUDGEMENT, "reason": "Seen again."}
        answer = await judges[number].post(
            f"/v1/audits/{audits[number]}/revisions", params={"programme": programme}, json=body, headers={"If-Match": "*"}
        )
        assert answer.status_code == 201, answer.text
        own[f"judge-{number}"].add(audits[number])
    raised = [new_appeal(audit_id, proposed={"benchmark_policy": "hate"}) for audit_id in audits]
    answer = await people.poc.post("/v1/appeal-batches", params={"programme": programme}, json=raised)
    assert answer.json()["counts"]["created"] == APPEALS, answer.text
    waiting = {each["appeal_id"] for each in answer.json()["results"]}

    async def work(judge: httpx.AsyncClient) -> list[dict[str, Any]]:
        claimed = []
        while (appeal := await claim(judge, programme)) is not None:
            claimed.append(appeal)
        return claimed

    hands = await asyncio.gather(*(work(judge) for judge in judges))
    handed = Counter(appeal["id"] for hand in hands for appeal in hand)

    assert set(handed) == waiting
    assert set(handed.values()) == {1}
    for name, hand in zip(own, hands, strict=True):
        assert {appeal["claimed_by"] for appeal in hand} <= {name}
        assert own[name].isdisjoint(appeal["audit_id"] for appeal in hand)


JUDGEMENT = {
    "benchmark_action": "remove", "benchmark_policy": "harassment", "verdict": "incorrect", "error_class": "false_negative",
    "error_code": "FN-HARASS", "severity": "minor",
}  # fmt: skip


async def test_time_acts_once_with_several_sweepers(
    audit_app: FastAPI, people: People, programme: str, clock: Clock, store: asyncpg.Connection
) -> None:
    """Two replicas sweep at once: what lapses or expires does so once, with one step and one notice; what has time left stays."""
    await configure(people, programme, appeals={"claim_minutes": 60, "expiry_days": 3}, calendar={"working_days": EVERY_DAY})
    early = await recorded(people.recorder, programme, *(f"A-{number}" for number in range(30)))
    for audit_id in early:
        await submitted(people.poc, programme, audit_id)
    for _ in range(10):
        await claim(people.adjudicator, programme)
    clock.move(minutes=61)
    replicas = [Database(audit_app.state.settings.database_url.get_secret_value(), 2) for _ in range(2)]

    async def both() -> int:
        """How many steps of this programme two sweepers at once have taken."""
        before = await steps()
        await asyncio.gather(*(sweep(database, clock) for database in (*replicas, *replicas)))
        return await steps() - before

    async def steps() -> int:
        counted = "select count(*) from appeal_events where programme = $1 and action in ('lapse', 'expire')"
        return int(await store.fetchval(counted, programme))

    lapsed = await both()
    clock.move(days=2)
    [late] = await recorded(people.recorder, programme, "late")
    await submitted(people.poc, programme, late)
    held = await claim(people.adjudicator, programme)
    assert held is not None
    clock.move(days=2)
    too_late = await decide(people.adjudicator, programme, held, "upheld")
    expired = await both()
    nothing = await both()
    for database in replicas:
        await database.close()
    states = await store.fetch("select state, count(*) from appeals where programme = $1 group by 1 order by 1", programme)
    notices = await store.fetchval(
        "select count(*) from webhook_announcements where programme = $1 and type = 'appeal.expired'", programme
    )

    assert (lapsed, expired, nothing) == (10, 30, 0)
    assert held["audit_id"] in early
    assert (problem(too_late), too_late.json()["possible"]) == ("appeal-state", [])
    assert [tuple(row) for row in states] == [("expired", 30), ("submitted", 1)]
    assert notices == 30


async def test_the_service_sweeps_by_itself(audit_app: FastAPI, people: People, programme: str, clock: Clock) -> None:
    """Beside its requests: an appeal whose time is over expires without anybody's doing."""
    await configure(people, programme, appeals={"expiry_days": 1})
    [audit_id] = await recorded(people.recorder, programme, "A-1")
    appeal = await submitted(people.poc, programme, audit_id)
    clock.move(days=5)

    async def state() -> str:
        read = await people.poc.get(f"/v1/appeals/{appeal['id']}", params={"programme": programme})
        return str(read.json()["state"])

    async with sweeping(audit_app), asyncio.timeout(60):
        while (found := await state()) == "submitted":
            await asyncio.sleep(0.02)

    assert found == "expired"
