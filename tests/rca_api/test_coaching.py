"""Coaching: about a person's own errors, written down by the coach, answered by the person alone."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from actions import Json, notices
from cases import done, opened
from conftest import Caller
from factories import audit_row, missed
from tallystick.schemas.base import new_id
from tallystick.schemas.principal import Role

NEW: Json = {"title": "Satire and harassment", "person": "m-1", "vendor": "acme", "planned_for": "2026-10-05T09:00:00Z"}
OWN: Json = {
    "title": "Benchmarks",
    "person": "qa-1",
    "subject": "quentin",
    "coach": "carl",
    "planned_for": "2026-10-05T09:00:00Z",
}


@pytest.fixture
async def audits(audit: httpx.AsyncClient, programme: str) -> list[str]:
    """Audits of m-1 and m-2 of acme and of m-1 of borealis, all by qa-1."""
    rows = [
        missed("A-1"),
        missed("A-2", moderator="m-2"),
        audit_row("B-1", vendor="borealis", site="krakow"),
    ]
    answer = await audit.post("/v1/audit-batches", params={"programme": programme}, json=rows)
    return [row["audit_id"] for row in answer.json()["results"]]


async def _arrange(client: httpx.AsyncClient, programme: str, **changes: Any) -> httpx.Response:
    return await client.post("/v1/coaching-sessions", params={"programme": programme}, json=NEW | changes)


async def _step(client: httpx.AsyncClient, coaching: Json, step: str, body: Json, if_match: str = "*") -> httpx.Response:
    address, where = f"/v1/coaching-sessions/{coaching['id']}/{step}", {"programme": coaching["programme"]}
    return await client.post(address, params=where, json=body, headers={"If-Match": if_match})


def _problem(answer: httpx.Response) -> str:
    return str(answer.json()["type"].rpartition("/")[2])


async def test_a_session_is_arranged_held_and_answered(
    rca: httpx.AsyncClient, rca_app: FastAPI, caller: Caller, programme: str, audits: list[str]
) -> None:
    """The coach writes it down, the person agrees; each once, in this order, and what was said stays."""
    case = await opened(rca, programme)
    changes = {"subject": "mo", "coach": "cora", "case_id": case["id"], "audits": audits[:1]}
    coaching = await done(_arrange(rca, programme, **changes))
    cora, mo = caller(rca_app, Role.AUDITOR, subject="cora"), caller(rca_app, Role.VENDOR_POC, vendor="acme", subject="mo")
    early = await _step(mo, coaching, "answer", {"agreed": True})
    held = await done(_step(cora, coaching, "notes", {"notes": "Read five.", "commitments": ["Ask when in doubt"]}, '"1"'))
    late = [await _step(rca, coaching, "cancellation", {"reason": "Ill"}), await _step(cora, coaching, "notes", {"notes": "x"})]
    agreed = await done(_step(mo, coaching, "answer", {"agreed": True, "text": "Fair."}))
    twice = await _step(mo, coaching, "answer", {"agreed": False})
    [told] = await notices(rca, programme, "coaching.arranged")
    read = await mo.get(f"/v1/coaching-sessions/{coaching['id']}", params={"programme": programme})

    assert (coaching["state"], coaching["arranged_by"]) == ("arranged", "someone")
    assert (held["state"], held["notes"], held["commitments"]) == ("held", "Read five.", ["Ask when in doubt"])
    assert [_problem(answer) for answer in (early, *late, twice)] == ["coaching-state"] * 4
    assert (agreed["state"], agreed["answered_by"], agreed["answer"]) == ("agreed", "mo", "Fair.")
    assert read.json() == agreed
    assert (told["vendor"], told["recipient"], told["subject_id"]) == ("acme", "mo", coaching["id"])


async def test_it_is_about_what_the_person_did(rca: httpx.AsyncClient, programme: str, audits: list[str]) -> None:
    """An audit of somebody else, of another vendor's namesake or of nobody is refused; the client's people answer for theirs."""
    internal = await opened(rca, programme, vendor=None, scope={})
    refused = [
        await _arrange(rca, programme, audits=[audits[0], audits[1]]),
        await _arrange(rca, programme, audits=[audits[2]]),
        await _arrange(rca, programme, audits=[str(new_id())]),
        await _arrange(rca, programme, vendor="nobody"),
        await _arrange(rca, programme, vendor=None),
        await _arrange(rca, programme, case_id=internal["id"]),
    ]
    nowhere = await _arrange(rca, programme, case_id=str(new_id()))
    auditors = await rca.post("/v1/coaching-sessions", params={"programme": programme}, json=OWN | {"audits": audits})

    assert [(error["pointer"], error["code"]) for answer in refused for error in answer.json()["errors"]] == [
        ("/audits/1", "not_of_person"),
        ("/audits/0", "not_of_person"),
        ("/audits/0", "not_of_person"),
        ("/vendor", "unknown_vendor"),
        ("/subject", "subject_needed"),
        ("/case_id", "other_vendor"),
    ]
    assert nowhere.status_code == 404
    assert auditors.status_code == 201


async def test_nobody_answers_for_somebody_else(rca: httpx.AsyncClient, rca_app: FastAPI, caller: Caller, programme: str) -> None:
    """Neither a manager nor, where the person signs in, their colleagues; and who coached somebody does not answer for them."""
    pocs = [caller(rca_app, Role.VENDOR_POC, vendor="acme", subject=subject) for subject in ("pia", "paul")]
    signs_in, silent = [await done(_arrange(rca, programme, coach="pia", **more)) for more in ({"subject": "mo"}, {})]
    for coaching in (signs_in, silent):
        await done(_step(pocs[0], coaching, "notes", {"notes": "Read five."}))
    refused = [await _step(client, signs_in, "answer", {"agreed": True}) for client in (rca, *pocs)]
    refused += [await _step(client, silent, "answer", {"agreed": True}) for client in (rca, pocs[0])]
    refused.append(await _step(pocs[1], await done(_arrange(rca, programme)), "notes", {"notes": "Not mine."}))
    brought = await done(_step(pocs[1], silent, "answer", {"agreed": False, "text": "It was satire."}))

    assert [_problem(answer) for answer in refused] == ["coaching-party"] * 6
    assert (brought["state"], brought["answered_by"]) == ("disputed", "paul")


async def test_a_vendor_coaches_its_own_people(rca_app: FastAPI, caller: Caller, programme: str) -> None:
    """And nobody else's; it can cancel what it arranged, with a reason."""
    pia = caller(rca_app, Role.VENDOR_POC, vendor="acme", subject="pia")
    coaching = await done(_arrange(pia, programme))
    others = [await _arrange(pia, programme, vendor="borealis"), await _arrange(pia, programme, vendor=None, subject="x")]
    cancelled = await done(_step(pia, coaching, "cancellation", {"reason": "Ill"}))

    assert [_problem(answer) for answer in others] == ["coaching-party"] * 2
    assert (coaching["coach"], cancelled["state"], cancelled["reason"]) == ("pia", "cancelled", "Ill")


async def test_coaching_is_read_by_those_whom_it_concerns(
    rca: httpx.AsyncClient, rca_app: FastAPI, caller: Caller, programme: str
) -> None:
    """Managers read all, a vendor that of its people, an auditor what they coach or are coached in: in lists and on the feed."""
    theirs, own = (
        await done(_arrange(rca, programme, coach="cora")),
        await done(_arrange(rca, programme, **(OWN | {"vendor": None}))),
    )
    readers = {
        "manager": (caller(rca_app, Role.QUALITY_MANAGER), [own, theirs]),
        "vendor": (caller(rca_app, Role.VENDOR_POC, vendor="acme"), [theirs]),
        "another vendor": (caller(rca_app, Role.VENDOR_POC, vendor="borealis"), []),
        "coach": (caller(rca_app, Role.AUDITOR, subject="cora"), [theirs]),
        "coached": (caller(rca_app, Role.AUDITOR, subject="quentin"), [own]),
        "analyst": (caller(rca_app, Role.ANALYST), []),
    }
    for name, (client, expected) in readers.items():
        listed = await client.get("/v1/coaching-sessions", params={"programme": programme})
        feed = await client.get("/v1/changes", params={"programme": programme})
        changes = [change["data"] for change in feed.json()["changes"] if change["noun"] == "coaching_session"]
        mine = await client.get("/v1/coaching-sessions", params={"programme": programme, "mine": True, "person": "qa-1"})

        assert listed.json()["items"] == expected, name
        assert changes == expected[::-1], name
        assert [each["id"] for each in mine.json()["items"]] == ([own["id"]] if name == "coached" else []), name


async def test_the_same_key_arranges_once(rca: httpx.AsyncClient, programme: str) -> None:
    """The answer is the session that is there."""
    headers, where = {"Idempotency-Key": "once"}, {"programme": programme}
    first, again = [await rca.post("/v1/coaching-sessions", params=where, json=NEW, headers=headers) for _ in range(2)]

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
