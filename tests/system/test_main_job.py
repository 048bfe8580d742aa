"""The main job through the gateway: a vendor's audits go in over HTTP, numbers that can be trusted come out."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import orjson
import pytest

from factories import audit_row, missed
from tallystick.schemas.principal import Role

Gateway = Callable[..., httpx.AsyncClient]


async def push(client: httpx.AsyncClient, programme: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Push rows as NDJSON and answer the batch."""
    answer = await client.post(
        "/audit/v1/audit-batches",
        params={"programme": programme},
        content=b"\n".join(orjson.dumps(row) for row in rows),
        headers={"Content-Type": "application/x-ndjson"},
    )
    answer.raise_for_status()
    result: dict[str, Any] = answer.json()
    return result


async def metrics(client: httpx.AsyncClient, programme: str, audits: int, **query: Any) -> dict[str, Any]:
    """The metrics as soon as they count this many audits."""
    async with asyncio.timeout(60):
        while True:
            answer = await client.get("/reporting/v1/metrics", params={"programme": programme, "measure": "accuracy", **query})
            if answer.status_code in {404, 503}:  # reporting has not heard of the programme yet, or is building its numbers
                await asyncio.sleep(0.1)
                continue
            found: dict[str, Any] = answer.raise_for_status().json()
            if sum(row["numbers"]["accuracy"]["denominator"] or 0 for row in found["rows"]) >= audits:
                return found
            await asyncio.sleep(0.1)


async def test_what_a_vendor_pushes_becomes_a_number_with_its_interval(gateway: Gateway, programme: str) -> None:
    """Ninety right and ten wrong decisions are an accuracy of 0.9, with Wilson's interval, as soon as they are projected."""
    rows = [missed(f"A-{n}") if n % 10 == 0 else audit_row(f"A-{n}") for n in range(100)]
    batch = await push(gateway(Role.VENDOR_SYSTEM, vendor="acme"), programme, rows)
    found = await metrics(gateway(Role.ANALYST), programme, 100)

    assert batch["counts"]["created"] == 100
    accuracy = found["rows"][0]["numbers"]["accuracy"]
    assert (accuracy["numerator"], accuracy["denominator"], accuracy["value"]) == (90, 100, 0.9)
    assert accuracy["interval"]["low"] == pytest.approx(0.8256, abs=1e-4)
    assert accuracy["interval"]["high"] == pytest.approx(0.9448, abs=1e-4)


async def test_a_revision_moves_the_adjudicated_number_and_not_the_first_scored(gateway: Gateway, programme: str) -> None:
    """Both views of an audit stay readable in the numbers."""
    manager = gateway(Role.QUALITY_MANAGER)
    batch = await push(manager, programme, [missed("A-1"), *(audit_row(f"A-{n}") for n in range(2, 11))])
    await metrics(manager, programme, 10)
    audit_id = batch["results"][0]["audit_id"]
    judgement = {"benchmark_action": "keep", "benchmark_policy": "no_violation", "verdict": "correct"}
    revised = await manager.post(
        f"/audit/v1/audits/{audit_id}/revisions",
        params={"programme": programme},
        json={"judgement": judgement, "reason": "The appeal was right."},
        headers={"If-Match": '"1"'},
    )
    async with asyncio.timeout(60):
        while (await metrics(manager, programme, 10))["rows"][0]["numbers"]["accuracy"]["numerator"] != 10:
            await asyncio.sleep(0.1)
    first = await metrics(manager, programme, 10, view="first_scored")

    assert revised.status_code == 201
    assert first["rows"][0]["numbers"]["accuracy"]["numerator"] == 9


async def test_an_appeal_that_is_won_changes_the_numbers(gateway: Gateway, programme: str) -> None:
    """The vendor raises it, somebody else decides it: the error leaves the adjudicated numbers and counts against the auditor."""
    where = {"programme": programme}
    manager, poc = gateway(Role.QUALITY_MANAGER), gateway(Role.VENDOR_POC, vendor="acme", subject="poc")
    batch = await push(manager, programme, [missed("A-1"), missed("A-2", auditor="qa-2"), audit_row("A-3")])
    challenge = {"ground": "context_missed", "comment": "It was satire.", "proposed": {"verdict": "correct"}}
    raised = await poc.post("/audit/v1/appeals", params=where, json={"audit_id": batch["results"][0]["audit_id"], **challenge})
    judge = gateway(Role.AUDITOR, subject="judge")
    claimed = await judge.post("/audit/v1/appeal-claims", params=where)
    decided = await judge.post(
        f"/audit/v1/appeals/{raised.json()['id']}/decision",
        params=where,
        json={"outcome": "overturned", "reason": "It was."},
        headers={"If-Match": f'"{claimed.json()["revision"]}"'},
    )
    asked = {"measure": ["accuracy", "overturn_rate"], "by": "auditor"}
    async with asyncio.timeout(60):
        while (await metrics(manager, programme, 3, **asked))["scope"]["position"] < decided.json()["position"]:
            await asyncio.sleep(0.1)
    rows = {row["dimensions"]["auditor"]: row["numbers"] for row in (await metrics(manager, programme, 3, **asked))["rows"]}
    first = (await metrics(manager, programme, 3, view="first_scored"))["rows"][0]["numbers"]["accuracy"]
    report = (await poc.get("/reporting/v1/reports/appeals", params=where)).json()

    assert (raised.status_code, decided.status_code) == (201, 200)
    assert (rows["qa-1"]["overturn_rate"]["numerator"], rows["qa-1"]["overturn_rate"]["denominator"]) == (1, 1)
    assert (rows["qa-1"]["accuracy"]["numerator"], rows["qa-2"]["overturn_rate"]["value"]) == (2, None)
    assert first["numerator"] == 1
    assert {name: each["value"] for name, each in report["overall"]["outcomes"].items() if each["value"]} == {"overturned": 1}
    assert report["auditors"] is None


async def test_a_vendor_sees_its_own_numbers_alone(gateway: Gateway, programme: str) -> None:
    """Metrics, audits and changes of a vendor's principal hold nothing of another vendor."""
    manager = gateway(Role.QUALITY_MANAGER)
    others = [audit_row(f"B-{n}", vendor="borealis", site="krakow") for n in range(5)]
    await push(manager, programme, [*(audit_row(f"A-{n}") for n in range(3)), *others])
    await metrics(manager, programme, 8)
    acme = gateway(Role.VENDOR_POC, vendor="acme")
    own = await metrics(acme, programme, 3, by="vendor")
    asked = await metrics(acme, programme, 0, vendor="borealis")
    audits = (await acme.get("/audit/v1/audits", params={"programme": programme})).json()["items"]
    changes = (await acme.get("/audit/v1/changes", params={"programme": programme})).json()["changes"]

    assert [row["dimensions"]["vendor"] for row in own["rows"]] == ["acme"]
    assert not any(row["numbers"]["accuracy"]["denominator"] for row in asked["rows"])
    assert {audit["vendor"] for audit in audits} == {"acme"}
    assert {change["data"]["vendor"] for change in changes if change["noun"] == "audit"} == {"acme"}


async def test_a_case_about_what_was_found_is_shared_with_the_vendor(gateway: Gateway, programme: str) -> None:
    """A quality manager opens a case; the vendor reads it, answers and proposes a cause; the manager accepts it, and closes."""
    manager, vendor = gateway(Role.QUALITY_MANAGER), gateway(Role.VENDOR_POC, vendor="acme")
    where = {"programme": programme}
    new = {"vendor": "acme", "title": "Missed harassment at lisbon", "scope": {"site": ["lisbon"]}}
    opened = await manager.post("/rca/v1/cases", params=where, json=new)
    case = f"/rca/v1/cases/{opened.json()['id']}"
    answered = await vendor.post(f"{case}/messages", params=where, json={"text": "New people began last week."})
    seen = await manager.get(f"{case}/messages", params=where)
    proposal = {"code": "new_people", "evidence": [{"reference": "shift-plan-39"}]}
    cause = f"{case}/causes/{(await vendor.post(f'{case}/causes', params=where, json=proposal)).json()['id']}"
    closure = {"conclusion": "Trained.", "override": "Too small for a plan."}
    for address, body in (
        (f"{case}/steps", {"step": "analyse"}),
        (f"{cause}/decision", {"outcome": "accepted"}),
        (f"{case}/steps", {"step": "plan"}),
        (f"{case}/closure", closure),
    ):
        etag = (await manager.get(case, params=where)).headers["etag"] if address != f"{cause}/decision" else "*"
        closed = await manager.post(address, params=where, json=body, headers={"If-Match": etag})
        assert closed.status_code == 200, closed.text

    assert (opened.status_code, answered.status_code) == (201, 201)
    assert [message["text"] for message in seen.json()["items"]] == ["New people began last week."]
    assert closed.json()["state"] == "closed"
