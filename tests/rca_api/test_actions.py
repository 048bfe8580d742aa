"""Actions: agreed on, done, verified by somebody else, and what a case needs of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from actions import NEW, Json, agreed, changed, moved, notices, registered, run
from appeals import Clock
from cases import asked, brought, closed, done, opened, stepped
from conftest import Caller
from tallystick.schemas.action import ACTION_TRANSITIONS, ActionState, ActionStep
from tallystick.schemas.principal import Role


@pytest.fixture
def verifier(rca_app: FastAPI, caller: Caller) -> httpx.AsyncClient:
    """A manager who owns nothing."""
    return caller(rca_app, Role.QUALITY_MANAGER, subject="vera")


@pytest.fixture
def pia(rca_app: FastAPI, caller: Caller) -> httpx.AsyncClient:
    """The owner, of acme."""
    return caller(rca_app, Role.VENDOR_POC, vendor="acme", subject="pia")


@pytest.mark.parametrize("state", ActionState)
async def test_only_the_steps_of_the_table_are_taken(
    rca: httpx.AsyncClient, rca_app: FastAPI, programme: str, state: ActionState
) -> None:
    """From every state every other step is refused, with those that are possible; those of the table lead where it says."""
    by_state = {each.step: each.target for each in ACTION_TRANSITIONS if state in each.sources}
    action = await agreed(rca, await opened(rca, programme))
    for step in ActionStep:
        put = "update actions set state = :state, done_by = null where programme = :programme and id = :id"
        await run(rca_app, put, state=state, programme=programme, id=action["id"])
        answer = await moved(rca, action, step)
        expected = by_state.get(step)

        assert answer.status_code == (200 if expected else 409), f"{step}: {answer.text}"
        if expected:
            assert answer.json()["state"] == expected
        else:
            assert answer.json()["type"].endswith("/problems/action-state")
            assert answer.json()["possible"] == list(by_state)


async def test_an_action_goes_from_agreement_to_verification(
    rca: httpx.AsyncClient, verifier: httpx.AsyncClient, pia: httpx.AsyncClient, programme: str, clock: Clock
) -> None:
    """Its owner completes it with evidence, somebody else verifies it; it keeps who, when, and whether that was in time."""
    clock.now = datetime(2026, 10, 1, 8, tzinfo=UTC)  # a Thursday
    case = await opened(rca, programme)
    action = await agreed(rca, case, due_days=2)
    begun = await done(moved(pia, action, "start", '"1"'))
    clock.move(days=1)
    complete = await done(moved(pia, action, "complete", note="All were there."))
    verified = await done(moved(verifier, action, "verify"))
    read = await rca.get(f"/v1/actions/{action['id']}", params={"programme": programme})
    history = (await asked(rca, case, "GET", "/steps")).json()["items"]

    assert (action["state"], action["due_at"]) == ("open", "2026-10-05T22:00:00Z")
    assert begun["state"] == "in_progress"
    assert (complete["done_by"], complete["on_time"], complete["note"]) == ("pia", True, "All were there.")
    assert complete["evidence"] == [{"kind": "document", "reference": "attendance", "note": None}]
    assert (verified["state"], verified["verified_by"], verified["possible"]) == ("verified", "vera", [])
    assert read.json() == verified
    about = [(event["changed"].get("state"), event["by"]) for event in history if event["about"] == action["id"]]
    assert about == [(None, "someone"), ("in_progress", "pia"), ("done", "pia"), ("verified", "vera")]


async def test_nobody_verifies_what_they_own_or_have_said_is_done(
    rca: httpx.AsyncClient, rca_app: FastAPI, caller: Caller, verifier: httpx.AsyncClient, programme: str
) -> None:
    """An owner is a person of a vendor or of the client; the same name elsewhere is somebody else."""
    case = await opened(rca, programme)
    own, theirs = [await agreed(rca, case, **whose) for whose in ({"owner": "someone", "owner_vendor": None}, {})]
    mia, namesake = [
        caller(rca_app, role, subject="pia", vendor=vendor) for role, vendor in ((Role.AUDITOR, None), (Role.VENDOR_POC, "acme"))
    ]
    refused = [
        await moved(mia, theirs, "complete"),
        await moved(namesake, own, "complete"),
        await moved(namesake, theirs, "cancel"),
    ]
    await done(moved(rca, own, "complete"))
    await done(moved(rca, theirs, "complete"))
    refused += [await moved(rca, each, step) for each in (own, theirs) for step in ("verify", "reject")]

    for answer in refused:
        assert answer.status_code == 403, answer.text
        assert answer.json()["type"].endswith("/problems/action-party")
    assert (await done(moved(verifier, own, "verify")))["state"] == "verified"
    assert (await done(moved(verifier, theirs, "reject")))["state"] == "in_progress"


async def test_an_action_waits_for_those_it_depends_on(
    rca: httpx.AsyncClient, verifier: httpx.AsyncClient, programme: str
) -> None:
    """It is completed once they are verified or cancelled."""
    case = await opened(rca, programme)
    first, second = await agreed(rca, case, title="Write it"), await agreed(rca, case, title="Review it")
    last = await agreed(rca, case, depends_on=[first["id"], second["id"]])
    waits = await moved(rca, last, "complete")
    await done(moved(rca, first, "complete"))
    await done(moved(verifier, first, "verify"))
    still = await moved(rca, last, "complete")
    await done(moved(rca, second, "cancel"))

    assert waits.json()["type"].endswith("/problems/action-state")
    assert "Write it, Review it" in waits.json()["detail"]
    assert "Write it" not in still.json()["detail"]
    assert (await done(moved(rca, last, "complete")))["state"] == "done"


async def test_what_a_case_does_not_take_is_said(rca: httpx.AsyncClient, programme: str) -> None:
    """Another vendor's owner, a due date in the past, an action of another case; and no step without its words or version."""
    case, other = await opened(rca, programme), await opened(rca, programme)
    elsewhere = await agreed(rca, other)
    past, far = [(datetime.now(UTC) + timedelta(days=days)).isoformat() for days in (-1, 800)]
    refused = {
        field: await asked(rca, case, "POST", "/actions", NEW | {field: value})
        for field, value in (("owner_vendor", "borealis"), ("due_at", past), ("depends_on", [elsewhere["id"]]))
    }
    too_late = await changed(rca, elsewhere, due_at=far)
    wordless = [await moved(rca, elsewhere, step, note=None, evidence=[]) for step in ("complete", "reject", "cancel")]
    versions = [await moved(rca, elsewhere, "start", if_match) for if_match in (None, '"7"')]
    nothing = [await changed(rca, elsewhere), await changed(rca, elsewhere, owner_vendor=None)]

    assert {field: answer.json()["errors"][0]["code"] for field, answer in refused.items()} == {
        "owner_vendor": "other_vendor",
        "due_at": "has_passed",
        "depends_on": "unknown_action",
    }
    assert too_late.json()["errors"][0]["code"] == "too_late"
    assert [answer.status_code for answer in wordless] == [422] * 3
    assert [answer.status_code for answer in versions] == [428, 412]
    assert [answer.status_code for answer in nothing] == [422] * 2


async def test_actions_are_found_by_what_they_are(
    rca: httpx.AsyncClient, pia: httpx.AsyncClient, programme: str, clock: Clock
) -> None:
    """The caller's own, of a case, of a vendor, in a state, overdue; page by page, and none of an internal case for a vendor."""
    case, internal = await opened(rca, programme), await opened(rca, programme, vendor=None, scope={})
    first, second = await agreed(rca, case, due_days=1), await agreed(rca, case, owner="paul", kind="immediate")
    third = await agreed(rca, internal, owner="pia", owner_vendor=None)
    clock.move(days=5)

    async def found(client: httpx.AsyncClient, **params: Any) -> list[Json]:
        answer = await client.get("/v1/actions", params={"programme": programme, **params})
        assert answer.status_code == 200, answer.text
        return [action["id"] for action in answer.json()["items"]]

    assert await found(rca) == [third["id"], second["id"], first["id"]]
    assert await found(pia) == [second["id"], first["id"]]
    assert await found(pia, mine=True) == [first["id"]]
    assert await found(rca, overdue=True) == [first["id"]]
    assert await found(rca, case_id=case["id"], kind="immediate") == [second["id"]]
    assert await found(rca, owner_vendor="acme", owner="paul", state="open") == [second["id"]]
    assert (await pia.get(f"/v1/actions/{third['id']}", params={"programme": programme})).status_code == 404
    page = await rca.get("/v1/actions", params={"programme": programme, "limit": 2})
    rest = await rca.get(f"/v1/actions{page.links['next']['url']}")
    assert [action["id"] for action in rest.json()["items"]] == [first["id"]]


async def test_the_same_key_agrees_once(rca: httpx.AsyncClient, programme: str) -> None:
    """The answer is the action that is there, and its owner is told once."""
    case = await opened(rca, programme)
    where, headers = {"programme": programme}, {"Idempotency-Key": "once"}
    first, again = [await rca.post(f"/v1/cases/{case['id']}/actions", params=where, json=NEW, headers=headers) for _ in range(2)]

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert len(await notices(rca, programme, "action.assigned")) == 1


async def test_a_case_starts_verifies_and_closes_with_what_it_needs(
    rca: httpx.AsyncClient, rca_app: FastAPI, verifier: httpx.AsyncClient, programme: str
) -> None:
    """An action and a plan; all actions settled; the effect. What is missing is said each time."""
    case = await brought(rca, await opened(rca, programme))
    missing = [await stepped(rca, case, "start")]
    action = await agreed(rca, case)
    missing.append(await stepped(rca, case, "start"))
    await done(registered(rca, case))
    await done(stepped(rca, case, "start"))
    missing.append(await stepped(rca, case, "verify"))
    await done(moved(rca, action, "complete"))
    missing.append(await stepped(rca, case, "verify"))
    await done(moved(verifier, action, "verify"))
    waiting = await done(stepped(rca, case, "verify"))
    missing.append(await closed(rca, case, override=None))
    for verdict in ("not_yet_decidable", "not_effective"):
        await run(
            rca_app, "update plans set verdict = :verdict where programme = :programme", verdict=verdict, programme=programme
        )
        missing.append(await closed(rca, case, override=None))
    late = await agreed(rca, case, owner="paul")
    await run(rca_app, "update plans set verdict = 'effective' where programme = :programme", programme=programme)
    missing.append(await closed(rca, case, override=None))
    await done(moved(rca, late, "cancel"))

    assert [[error["code"] for error in answer.json()["errors"]] for answer in missing] == [
        ["no_action", "no_plan"],
        ["no_plan"],
        ["open_actions"],
        ["open_actions"],
        ["effect_not_judged"],
        ["effect_not_yet_decidable"],
        ["effect_not_effective"],
        ["open_actions"],
    ]
    assert waiting["due_at"] == "2190-01-31T23:00:00Z"
    assert (await done(closed(rca, case, override=None)))["state"] == "closed"
    assert (await moved(rca, late, "start")).json()["type"].endswith("/problems/case-closed")
    assert (await changed(rca, late, owner="paula")).json()["type"].endswith("/problems/case-closed")
