"""Nobody who audits may tell what checks them from what was drawn, and no vendor learns that there are such checks."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from appeals import Clock, new_appeal
from audit_api.items.sweeping import tell
from audit_api.sampling.tables import sample_items
from conftest import Caller
from items import hand_out, item_row, put_items
from tallystick.schemas.principal import Role
from tallystick.service.auth import ALL, Principal
from tallystick.service.database import Database

CORRECT = {"benchmark_action": "remove", "benchmark_policy": "harassment", "verdict": "correct"}
KINDS = ("sampled", "golden", "repeat")
BY_ITSELF = {"id", "revision", "content_ref", "claimed_at", "lease_until", "audited_at"}


@pytest.fixture
def me(audit_app: FastAPI, caller: Caller) -> httpx.AsyncClient:
    """A client of the auditor qa-1."""
    return caller(audit_app, Role.AUDITOR, subject="qa-1")


async def _step(client: httpx.AsyncClient, programme: str, address: str, body: dict[str, Any]) -> httpx.Response:
    headers = {} if address.endswith("audit") else {"If-Match": "*"}
    return await client.post(f"/v1/{address}", params={"programme": programme}, json=body, headers=headers)


@pytest.mark.parametrize("reason", ["conflict", "skill", "wellbeing", "unavailable", "other"])
async def test_giving_back_what_checks_is_answered_like_giving_back_what_was_drawn(
    audit_app: FastAPI, programme: str, me: httpx.AsyncClient, reason: str
) -> None:
    """A check that is given back is gone, and its answer says what it would say of a drawn item."""
    answers = []
    for kind in KINDS:
        item = await hand_out(audit_app, programme, "qa-1", kind=kind)
        answers.append((await _step(me, programme, f"sample-items/{item}/hand-back", {"reason": reason})).raise_for_status())
        answers.append(await me.get(f"/v1/sample-items/{item}", params={"programme": programme}))
    said = [{name: value for name, value in answer.json().items() if name not in BY_ITSELF} for answer in answers[::2]]

    assert said[0]["state"] == ("void" if reason == "unavailable" else "waiting")
    assert said[1:] == said[:1] * 2
    assert {answer.headers["etag"] for answer in answers[::2]} == {'"3"'}
    assert {answer.status_code for answer in answers[1::2]} == {404}


@pytest.mark.parametrize("reason", ["skill", "wellbeing", "unavailable"])
@pytest.mark.parametrize("kind", KINDS)
async def test_giving_back_is_answered_again_as_the_first_time(
    audit_app: FastAPI, programme: str, me: httpx.AsyncClient, caller: Caller, store: asyncpg.Connection, kind: str, reason: str
) -> None:
    """The same key says nothing of who has the item since; another payload, person or no key gets nothing."""
    item = await hand_out(audit_app, programme, "qa-1", kind=kind)
    other = caller(audit_app, Role.AUDITOR, subject="qa-2")

    async def back(client: httpx.AsyncClient, body: dict[str, str], **headers: str) -> httpx.Response:
        address, params = f"/v1/sample-items/{item}/hand-back", {"programme": programme}
        return await client.post(address, params=params, json=body, headers={"If-Match": '"2"'} | headers)

    key = {"Idempotency-Key": "back-1"}
    first = await back(me, {"reason": reason}, **key)
    await store.execute(
        "update sample_items set state = 'audited', claimed_by = null, audited_by = 'qa-2', audited_at = now(), revision = 9,"
        " claimed_at = now() where id = $1",
        UUID(item),
    )
    again = await back(me, {"reason": reason}, **key)
    another = "other" if reason == "unavailable" else "unavailable"
    refused = [await back(me, {"reason": another}, **key), await back(me, {"reason": reason})]
    await store.execute("update sample_items set audited_by = 'qa-3' where id = $1", UUID(item))
    refused.append(await back(other, {"reason": reason}, **key))

    assert (first.status_code, again.status_code) == (200, 200)
    assert (again.text, again.headers["etag"]) == (first.text, first.headers["etag"])
    assert [answer.headers.get("Idempotent-Replayed") for answer in (first, again)] == [None, "true"]
    assert [answer.status_code for answer in refused] == [422, 404, 404]


@pytest.mark.usefixtures("clock")
async def test_auditing_what_checks_is_answered_like_auditing_what_was_drawn(
    audit_app: FastAPI, programme: str, me: httpx.AsyncClient, caller: Caller
) -> None:
    """The item and its audit, alone and in lists, differ in nothing but what differs among drawn ones."""
    manager = caller(audit_app, Role.QUALITY_MANAGER)
    (await manager.put("/v1/auditors/qa-1", params={"programme": programme}, json={"name": "Qa"})).raise_for_status()
    items = []
    for kind in KINDS:
        item = await hand_out(audit_app, programme, "qa-1", kind=kind, draw_id=None if kind != "sampled" else UUID(int=1))
        (await _step(me, programme, f"sample-items/{item}/renewal", {})).raise_for_status()
        (await _step(me, programme, f"sample-items/{item}/audit", {"judgement": CORRECT})).raise_for_status()
        items.append((await me.get(f"/v1/sample-items/{item}", params={"programme": programme})).json())
    listed = (await me.get("/v1/audits", params={"programme": programme})).json()["items"]
    audits = [(await me.get(f"/v1/audits/{audit['id']}", params={"programme": programme})).json() for audit in listed]
    own = BY_ITSELF | {"external_id", "position", "batch_id"}
    said = [[{name: value for name, value in each.items() if name not in own} for each in them] for them in (items, audits)]

    assert [len(them) for them in said] == [3, 3]
    assert said[0] == said[0][:1] * 3
    assert said[1] == said[1][:1] * 3


async def test_the_feed_tells_those_who_audit_nothing_of_items(
    audit_app: FastAPI, programme: str, me: httpx.AsyncClient, caller: Caller
) -> None:
    """What it left out would be what checks them; analysts who audit as well are no way around it."""
    await put_items(audit_app, [item_row(programme, told=False)])
    await tell(audit_app.state.database)
    readers = {
        "auditor": me,
        "both": caller(audit_app, Role.AUDITOR, Role.ANALYST, subject="qa-1"),
        "manager": caller(audit_app, Role.QUALITY_MANAGER),
    }
    told = {}
    for name, client in readers.items():
        changes = (await client.get("/v1/changes", params={"programme": programme})).json()["changes"]
        told[name] = sum(change["noun"] == "sample_item" for change in changes)

    assert told == {"auditor": 0, "both": 0, "manager": 1}


async def test_an_item_that_was_let_go_at_the_next_claim_has_its_time_in_the_ledger(
    audit_app: FastAPI, programme: str, caller: Caller, me: httpx.AsyncClient, clock: Clock, store: asyncpg.Connection
) -> None:
    """As when the sweeper lets it go: what was expected of it gives way to how long it was in hand."""
    manager = caller(audit_app, Role.QUALITY_MANAGER, subject="manager-1")
    (await manager.put("/v1/auditors/qa-1", params={"programme": programme}, json={"name": "Qa"})).raise_for_status()
    first, second = await put_items(audit_app, [item_row(programme, turn=1), item_row(programme, turn=2)])
    (await _step(me, programme, "sample-item-claims", {})).raise_for_status()
    clock.move(minutes=30)
    await store.execute("update sample_items set priority = 9 where id = $1", UUID(first))
    claim = (await _step(me, programme, "sample-item-claims", {})).json()
    [entry] = await store.fetch("select * from exposures where auditor = 'qa-1' and item_id = $1", UUID(first))

    assert claim["item"]["id"] == second
    assert entry["seconds"] == 1800
    assert entry["ended_at"] == entry["began_at"] + timedelta(minutes=30) == clock.now


async def test_no_route_tells_a_vendor_of_what_checks_auditors(
    audit_app: FastAPI, programme: str, me: httpx.AsyncClient, caller: Caller
) -> None:
    """Neither of the item nor of its audit, in any list; nor does the database."""
    item = await hand_out(audit_app, programme, "qa-1", kind="golden", draw_id=None, content_ref="the-gold")
    (
        await _step(me, programme, f"sample-items/{item}/audit", {"judgement": CORRECT | {"comment": "the-gold"}})
    ).raise_for_status()
    [audit] = (await me.get("/v1/audits", params={"programme": programme})).json()["items"]
    lists = [path for path, operations in audit_app.openapi()["paths"].items() if "get" in operations and "{" not in path]
    vendors = [caller(audit_app, role, vendor="acme") for role in (Role.VENDOR_POC, Role.VENDOR_SYSTEM)]
    answers = [(path, await vendor.get(path, params={"programme": programme})) for path in lists for vendor in vendors]
    of_it = [f"/v1/audits/{audit['id']}", f"/v1/audits/{audit['id']}/revisions", f"/v1/sample-items/{item}"]
    alone = [await vendor.get(path, params={"programme": programme}) for path in of_it for vendor in vendors]
    appeal = new_appeal(audit["id"])
    raised = [await vendor.post("/v1/appeals", params={"programme": programme}, json=appeal) for vendor in vendors]
    database: Database = audit_app.state.database
    async with database.reading(Principal("v", frozenset({Role.VENDOR_POC}), frozenset({ALL}), "acme", "")) as session:
        found = (await session.execute(select(sample_items.c.id).where(sample_items.c.programme == programme))).all()

    assert len([path for path, answer in answers if answer.status_code == 200]) > 10
    telling = ("the-gold", item, audit["id"])
    assert [path for path, answer in answers if any(each in answer.text for each in telling)] == []
    assert {answer.status_code for answer in alone} <= {403, 404}
    assert {answer.status_code for answer in raised} <= {403, 404}
    assert found == []


async def test_the_clock_of_the_service_says_what_is_in_the_future(
    audit_app: FastAPI, programme: str, me: httpx.AsyncClient, clock: Clock
) -> None:
    """An audit two days on by the clock of the service is of now, whatever the machine says."""
    clock.move(days=2)
    item = await hand_out(audit_app, programme, "qa-1")
    audited = await _step(me, programme, f"sample-items/{item}/audit", {"judgement": CORRECT})

    assert (audited.status_code, audited.json()["state"]) == (200, "audited")
