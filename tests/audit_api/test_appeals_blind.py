"""Auditors, who may have to decide an appeal, are not told by any route whose audit it is about."""

import json
from collections import defaultdict
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from appeals import Appeal, People, claim, decide, new_appeal, recorded, step, submit, submitted
from batches import ids, pushed
from conftest import Caller
from factories import missed
from security.doors import DOORS
from tallystick.schemas.principal import Role

NAME, PUSHER = "qa-secret", "pusher-secret"


@pytest.fixture
def pusher(audit_app: FastAPI, caller: Caller) -> httpx.AsyncClient:
    """Who records the audits."""
    return caller(audit_app, Role.AUDITOR, subject=PUSHER)


async def _everything(client: httpx.AsyncClient, programme: str, appeal: Appeal, batch_id: str) -> dict[str, str]:
    """What every GET of audit-api about an appealed audit answers, by its path, and the feed page by page."""
    ids = {"programme": programme, "audit_id": appeal["audit_id"], "appeal_id": appeal["id"], "batch_id": batch_id}
    unknown = defaultdict(lambda: appeal["id"], ids | {"number": "1"})
    seen: dict[str, str] = {}
    for path in {door.path for door in DOORS if door.app == "audit" and door.method == "GET"} - {"/v1/changes"}:
        answer = await client.get(path.format_map(unknown), params={"programme": programme})
        seen[path] = answer.text
    cursor: dict[str, str] = {}
    while True:
        page = await client.get("/v1/changes", params={"programme": programme, "limit": 1, **cursor})
        seen["/v1/changes"] = seen.get("/v1/changes", "") + page.text
        if not page.json()["more"]:
            return seen
        cursor = {"after": page.json()["cursor"]}


async def test_no_route_tells_an_auditor_whose_audit_is_under_appeal(
    people: People, programme: str, pusher: httpx.AsyncClient
) -> None:
    """Neither the name nor who recorded it, in nothing that can be read; managers and the recorder read on, and all do after."""
    batch = await pushed(pusher, programme, [missed("A-1", auditor=NAME)])
    batch_id, audit_id = batch["id"], batch["results"][0]["audit_id"]
    await pusher.post(
        f"/v1/audits/{audit_id}/revisions",
        params={"programme": programme},
        json={
            "judgement": {"benchmark_action": "keep", "benchmark_policy": "hate", "verdict": "correct"},
            "reason": "Seen again.",
        },
        headers={"If-Match": "*"},
    )
    appeal = await submitted(people.poc, programme, audit_id)
    blind = await _everything(people.adjudicator, programme, appeal, batch_id)
    named = {path for path, text in blind.items() if NAME in text or PUSHER in text}
    own = await _everything(pusher, programme, appeal, batch_id)
    manager = await _everything(people.arbitrator, programme, appeal, batch_id)
    masked = json.loads(blind["/v1/audits/{audit_id}"])
    claimed = await claim(people.adjudicator, programme)
    assert claimed is not None
    while_held = await _everything(people.adjudicator, programme, appeal, batch_id)
    await decide(people.adjudicator, programme, claimed, "upheld")
    after = await _everything(people.adjudicator, programme, appeal, batch_id)

    assert named == {"/v1/audit-batches/{batch_id}"}  # which does not lead to the audit, nor the audit to it
    assert (masked["auditor"], masked["recorded_by"], masked["batch_id"]) == (None, None, None)
    assert audit_id not in blind["/v1/audit-batches/{batch_id}/rows"]
    assert {path for path, text in while_held.items() if NAME in text or PUSHER in text} == named
    assert NAME in own["/v1/audits/{audit_id}"]
    assert NAME in manager["/v1/audits/{audit_id}"]
    assert NAME in manager["/v1/appeals/{appeal_id}"]
    for path in ("/v1/audits/{audit_id}", "/v1/appeals/{appeal_id}", "/v1/changes"):
        assert NAME in after[path]


async def test_no_filter_and_no_push_tells_it_either(people: People, programme: str, pusher: httpx.AsyncClient) -> None:
    """An audit under appeal is not found by its auditor or batch, and pushing it with another name is no news."""
    batch = await pushed(pusher, programme, [missed("A-1", auditor=NAME), missed("A-2", auditor=NAME)])
    audit_id, other = (row["audit_id"] for row in batch["results"])
    appeal = await submitted(people.poc, programme, audit_id)
    judge = people.adjudicator

    async def found(path: str, **query: str) -> list[str]:
        answer = await judge.get(path, params={"programme": programme, **query})
        return sorted(item["id"] for item in answer.json()["items"])

    guesses = [
        (await pushed(judge, programme, [missed("A-1", auditor=guess, **more)], dry_run=True))["results"][0]
        for more in ({}, {"severity": "minor"})
        for guess in (NAME, "somebody else")
    ]

    assert await found("/v1/audits") == sorted([audit_id, other])
    assert await found("/v1/audits", auditor=NAME) == await found("/v1/audits", batch_id=batch["id"]) == [other]
    assert await found("/v1/appeals", auditor=NAME) == []
    assert await found("/v1/appeals") == [appeal["id"]]
    assert guesses[0] == guesses[1]
    assert guesses[2] == guesses[3]
    assert (guesses[0]["verdict"], [error["pointer"] for error in guesses[2]["errors"]]) == ("duplicate", ["/severity"])


async def test_no_push_tells_it_of_an_audit_that_was_revised(people: People, programme: str, pusher: httpx.AsyncClient) -> None:
    """Sent again as it was first, or as it was revised in bulk, with the right name or a wrong one: it is no news either way."""
    first, second = missed("A-1", auditor=NAME), missed("A-1", auditor=NAME, severity="minor")
    [audit_id] = ids(await pushed(pusher, programme, [first]))
    await pushed(pusher, programme, [second], on_conflict="revise")
    await pusher.post(
        f"/v1/audits/{audit_id}/revisions",
        params={"programme": programme},
        json={
            "judgement": {"benchmark_action": "keep", "benchmark_policy": "hate", "verdict": "correct"},
            "reason": "Seen again.",
        },
        headers={"If-Match": "*"},
    )
    await submitted(people.poc, programme, str(audit_id))
    verdicts = {
        (guess, row["severity"], mode, len(rows)): {result["verdict"] for result in batch["results"]}
        for guess in (NAME, "somebody else")
        for row in (first | {"auditor": guess}, second | {"auditor": guess})
        for rows in ([row], [row, row])
        for mode in ("reject", "revise")
        for batch in [await pushed(people.adjudicator, programme, rows, dry_run=True, on_conflict=mode)]
    }

    assert verdicts == {key: {"duplicate"} for key in verdicts}


async def test_the_blind_form_of_an_audit_is_a_version_of_its_own(
    people: People, programme: str, pusher: httpx.AsyncClient
) -> None:
    """Its tag is another one, so what was cached is not taken for it, and it will do for a revision."""
    batch = await pushed(pusher, programme, [missed("A-1", auditor=NAME)])
    audit_id = batch["results"][0]["audit_id"]
    where: dict[str, Any] = {"params": {"programme": programme}}
    address = f"/v1/audits/{audit_id}"
    open_tag = (await people.adjudicator.get(address, **where)).headers["etag"]
    await submitted(people.poc, programme, audit_id)
    blind = await people.adjudicator.get(address, **where, headers={"If-None-Match": open_tag})
    judgement = {"benchmark_action": "keep", "benchmark_policy": "hate", "verdict": "correct"}
    revised = await people.adjudicator.post(
        f"{address}/revisions",
        json={"judgement": judgement, "reason": "Seen."},
        headers={"If-Match": blind.headers["etag"]},
        **where,
    )

    assert blind.status_code == 200
    assert blind.headers["etag"] != open_tag
    assert (revised.status_code, revised.json()["recorded_by"]) == (201, None)


async def test_nobody_is_shown_the_name_in_an_appeal_that_they_hold(people: People, programme: str) -> None:
    """Quality managers neither; and who becomes a party to the audit while holding it does not decide."""
    [audit_id] = await recorded(people.recorder, programme, "A-1", auditor=NAME)
    appeal = await submitted(people.poc, programme, audit_id)
    before = await people.arbitrator.get(f"/v1/appeals/{appeal['id']}", params={"programme": programme})
    claimed = await claim(people.arbitrator, programme)
    assert claimed is not None
    judgement = {"benchmark_action": "keep", "benchmark_policy": "hate", "verdict": "correct"}
    await people.arbitrator.post(
        f"/v1/audits/{audit_id}/revisions",
        params={"programme": programme},
        json={"judgement": judgement, "reason": "Seen."},
        headers={"If-Match": "*"},
    )
    decided = await decide(people.arbitrator, programme, claimed, "overturned")
    released = await step(people.arbitrator, programme, claimed, "release", {"note": "My own by now."})
    taken = await claim(people.arbitrator, programme)

    assert (before.json()["auditor"], claimed["auditor"]) == (NAME, None)
    assert (decided.status_code, decided.json()["type"].rpartition("/")[2]) == (403, "appeal-party")
    assert (released.json()["state"], taken) == ("submitted", None)


async def test_no_route_tells_a_manager_whose_audit_it_is_whose_appeal_is_in_hand(
    people: People, programme: str, pusher: httpx.AsyncClient
) -> None:
    """Until the claim every route that names people does, and then again once it is decided."""
    batch = await pushed(pusher, programme, [missed("A-1", auditor=NAME)])
    appeal = await submitted(people.poc, programme, batch["results"][0]["audit_id"])
    before = await _everything(people.arbitrator, programme, appeal, batch["id"])
    claimed = await claim(people.arbitrator, programme)
    assert claimed is not None
    held = await _everything(people.arbitrator, programme, appeal, batch["id"])
    found = await people.arbitrator.get("/v1/audits", params={"programme": programme, "auditor": NAME})
    await decide(people.arbitrator, programme, claimed, "upheld")
    after = await _everything(people.arbitrator, programme, appeal, batch["id"])
    naming = [{path for path, text in seen.items() if NAME in text} for seen in (before, held, after)]

    assert naming[0] >= {"/v1/audits", "/v1/audits/{audit_id}", "/v1/changes"}
    assert naming[1] == set()
    assert found.json()["items"] == []
    assert naming[2] >= naming[0] - {"/v1/appeals/{appeal_id}/history"}


async def test_a_vendor_is_told_neither_the_auditor_nor_who_decides(people: People, programme: str) -> None:
    """Its appeal names its own people alone."""
    [audit_id] = await recorded(people.recorder, programme, "A-1", auditor=NAME)
    appeal = (await submit(people.poc, programme, audit_id, comment="No.")).json()
    claimed = await claim(people.arbitrator, programme)
    assert claimed is not None
    await decide(people.arbitrator, programme, claimed, "overturned")
    where = {"programme": programme}
    texts = [
        (await people.poc.get(path, params=where)).text
        for path in (f"/v1/appeals/{appeal['id']}", "/v1/appeals", f"/v1/appeals/{appeal['id']}/history")
    ]
    feed = (await people.poc.get("/v1/changes", params=where)).json()["changes"]
    texts += [json.dumps(change) for change in feed if change["noun"] == "appeal"]

    assert [name for name in (NAME, "qa-1", "manager-1") for text in texts if name in text] == []
    assert new_appeal(audit_id)["audit_id"] in texts[0]
