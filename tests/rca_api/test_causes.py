"""Why it went wrong: whys as a tree, and root causes that either side proposes and the client decides about."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from cases import SHOWN, asked, caused, done, opened
from conftest import Caller
from tallystick.schemas.base import new_id
from tallystick.schemas.principal import Role


@pytest.fixture
async def case(rca_app: FastAPI, caller: Caller, programme: str) -> dict[str, Any]:
    """A case that is shared with acme."""
    return await opened(caller(rca_app, Role.ADMIN), programme)


@pytest.fixture
def poc(rca_app: FastAPI, caller: Caller, programme: str) -> httpx.AsyncClient:
    """Acme's counterpart."""
    return caller(rca_app, Role.VENDOR_POC, vendor="acme", programmes=(programme,), subject="poc")


async def _items(client: httpx.AsyncClient, case: dict[str, Any], path: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await asked(client, case, "GET", path)).json()["items"]
    return items


async def test_whys_are_a_tree_with_several_branches(
    rca: httpx.AsyncClient, poc: httpx.AsyncClient, case: dict[str, Any]
) -> None:
    """Parents come before their children; a vendor sees the branches that were written for both sides."""
    root = await done(asked(rca, case, "POST", "/whys", {"text": "The night shift errs", "evidence": SHOWN}))
    left = await done(asked(poc, case, "POST", "/whys", {"text": "New people", "parent": root["id"]}))
    right = await done(
        asked(rca, case, "POST", "/whys", {"text": "Nobody coached", "parent": root["id"], "audience": "internal"})
    )
    shown = await asked(rca, case, "POST", "/whys", {"text": "x", "parent": right["id"], "audience": "vendor"})
    leaf = await done(asked(poc, case, "POST", "/whys", {"text": "No training", "parent": left["id"], "category": "process"}))
    guessed = await asked(poc, case, "POST", "/whys", {"text": "x", "parent": right["id"]})
    nowhere = await asked(poc, case, "POST", "/whys", {"text": "x", "parent": str(new_id())})

    assert [why["id"] for why in await _items(rca, case, "/whys")] == [each["id"] for each in (root, left, right, leaf)]
    assert [why["id"] for why in await _items(poc, case, "/whys")] == [each["id"] for each in (root, left, leaf)]
    assert (root["evidence"], leaf["category"], left["by"]) == (SHOWN, "process", "poc")
    assert shown.json()["errors"][0]["code"] == "internal_parent"
    assert (guessed.status_code, guessed.json()["errors"]) == (nowhere.status_code, nowhere.json()["errors"])


async def test_a_tree_is_bounded_in_depth(rca: httpx.AsyncClient, case: dict[str, Any]) -> None:
    """Ten whys deep, and no deeper."""
    parent = None
    for _ in range(10):
        parent = (await done(asked(rca, case, "POST", "/whys", {"text": "Why?", "parent": parent})))["id"]
    deeper = await asked(rca, case, "POST", "/whys", {"text": "Why?", "parent": parent})

    assert deeper.status_code == 409
    assert deeper.json()["errors"][0]["code"] == "too_deep"


async def test_a_why_is_struck_out_and_stays(rca: httpx.AsyncClient, poc: httpx.AsyncClient, case: dict[str, Any]) -> None:
    """Each side changes what its people wrote, and the client's people anything; the version has to be named."""
    why = await done(asked(rca, case, "POST", "/whys", {"text": "New people"}))
    own = await done(asked(poc, case, "POST", "/whys", {"text": "Old people"}))
    foreign = await asked(poc, case, "PATCH", f"/whys/{why['id']}", {"struck": True})
    unnamed, stale = [await asked(poc, case, "PATCH", f"/whys/{own['id']}", {"struck": True}, tag) for tag in (None, '"9"')]
    struck = await done(asked(poc, case, "PATCH", f"/whys/{own['id']}", {"struck": True}, '"1"'))
    mended = await done(asked(rca, case, "PATCH", f"/whys/{own['id']}", {"text": "Tired people", "category": None}, '"2"'))

    assert (foreign.status_code, foreign.json()["type"].rsplit("/")[-1]) == (403, "cause-party")
    assert (unnamed.status_code, stale.status_code) == (428, 412)
    assert (struck["struck"], mended["struck"], mended["text"], mended["revision"]) == (True, True, "Tired people", 3)
    assert len(await _items(poc, case, "/whys")) == 2


async def test_causes_come_from_the_taxonomy(rca: httpx.AsyncClient, case: dict[str, Any]) -> None:
    """The category is that of the code unless another is given; a code that the programme does not list is pointed at."""
    by_code = await done(asked(rca, case, "POST", "/causes", {"code": "routing"}))
    by_hand = await done(asked(rca, case, "POST", "/causes", {"code": "routing", "category": "process"}))
    unknown = await asked(rca, case, "POST", "/causes", {"code": "full_moon"})

    assert (by_code["category"], by_hand["category"]) == ("tooling", "process")
    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (409, "/code")


async def test_a_vendor_proposes_and_the_client_decides(
    rca: httpx.AsyncClient, poc: httpx.AsyncClient, case: dict[str, Any]
) -> None:
    """Until then the vendor can change its proposal; afterwards the client alone can, and can decide anew."""
    cause = await done(asked(poc, case, "POST", "/causes", {"code": "new_people", "share": 0.4}))
    decision = f"/causes/{cause['id']}/decision"
    shared = await done(asked(poc, case, "PATCH", f"/causes/{cause['id']}", {"share": 0.6, "evidence": SHOWN}))
    by_vendor = await asked(poc, case, "POST", decision, {"outcome": "accepted"})
    reasonless = await asked(rca, case, "POST", decision, {"outcome": "rejected"})
    rejected = await done(asked(rca, case, "POST", decision, {"outcome": "rejected", "reason": "They are not new."}))
    late = await asked(poc, case, "PATCH", f"/causes/{cause['id']}", {"share": 0.1})
    accepted = await done(asked(rca, case, "POST", decision, {"outcome": "accepted"}))

    assert (cause["state"], shared["share"], shared["revision"]) == ("proposed", 0.6, 2)
    assert (by_vendor.status_code, reasonless.status_code) == (403, 422)
    assert (rejected["state"], rejected["reason"]) == ("rejected", "They are not new.")
    assert (late.status_code, late.json()["type"].rsplit("/")[-1]) == (409, "cause-decided")
    assert (accepted["state"], accepted["decided_by"], accepted["reason"]) == ("accepted", "someone", None)


async def test_accepted_causes_explain_the_whole_at_most(rca: httpx.AsyncClient, case: dict[str, Any]) -> None:
    """Proposals may say what they like; a share too much is refused when it is accepted, and when it grows afterwards."""
    first = await caused(rca, case, share=0.7)
    second = await done(asked(rca, case, "POST", "/causes", {"code": "workload", "share": 0.4}))
    too_much = await asked(rca, case, "POST", f"/causes/{second['id']}/decision", {"outcome": "accepted"})
    await done(asked(rca, case, "PATCH", f"/causes/{second['id']}", {"share": 0.3}))
    fits = await asked(rca, case, "POST", f"/causes/{second['id']}/decision", {"outcome": "accepted"})
    grown = await asked(rca, case, "PATCH", f"/causes/{first['id']}", {"share": 0.8})
    unknown = await done(asked(rca, case, "PATCH", f"/causes/{first['id']}", {"share": None}))

    assert [answer.json()["errors"][0]["code"] for answer in (too_much, grown)] == ["more_than_whole"] * 2
    assert fits.status_code == 200
    assert unknown["share"] is None


async def test_what_the_client_keeps_to_itself_reaches_no_vendor(
    rca: httpx.AsyncClient, poc: httpx.AsyncClient, case: dict[str, Any]
) -> None:
    """Internal whys and causes are in no list, no history, no feed of a vendor's, and answer like those that do not exist."""
    why = await done(asked(rca, case, "POST", "/whys", {"text": "secret", "audience": "internal"}))
    cause = await caused(rca, case, text="secret", audience="internal", why=why["id"])
    pages = [await asked(poc, case, "GET", path) for path in ("/whys", "/causes", "/steps", "/messages", "")]
    pages.append(await poc.get("/v1/changes", params={"programme": case["programme"]}))
    touched = [
        await asked(poc, case, "PATCH", f"/{noun}/{thing}", {"text": "x"})
        for noun, real in (("whys", why["id"]), ("causes", cause["id"]))
        for thing in (real, str(new_id()))
    ]
    named = [await asked(poc, case, "POST", "/causes", {"code": "other", "why": each}) for each in (why["id"], str(new_id()))]
    shown = await asked(rca, case, "POST", "/causes", {"code": "other", "why": why["id"]})
    spoken = [await asked(poc, case, "POST", path, {"text": "x", "code": "other", "audience": "internal"} if path == "/causes"
                          else {"text": "x", "audience": "internal"}) for path in ("/whys", "/causes")]  # fmt: skip

    for page in pages:
        assert page.status_code == 200
        assert not {"secret", why["id"], cause["id"]} & set(page.text.replace('"', " ").split())
    assert {answer.status_code for answer in touched} == {404}
    assert named[0].json()["errors"] == named[1].json()["errors"]
    assert shown.json()["errors"][0]["code"] == "internal_why"
    assert [answer.json()["type"].rsplit("/")[-1] for answer in spoken] == ["internal-cause"] * 2


async def test_the_feed_carries_whys_and_causes(rca: httpx.AsyncClient, case: dict[str, Any]) -> None:
    """Each as its list shows it, at its newest position."""
    await done(asked(rca, case, "POST", "/whys", {"text": "New people"}))
    cause = await caused(rca, case)
    page = (await rca.get("/v1/changes", params={"programme": case["programme"]})).json()
    changes = [change for change in page["changes"] if change["noun"] != "notice"]

    assert [change["noun"] for change in changes] == ["case", "why", "cause"]
    assert changes[1]["data"] == (await _items(rca, case, "/whys"))[0]
    assert changes[2]["data"] == (await _items(rca, case, "/causes"))[0] == cause


async def test_the_same_key_adds_once(rca: httpx.AsyncClient, case: dict[str, Any]) -> None:
    """A why, a cause and a link that are sent again under their key are the ones that are there."""
    other = await opened(rca, case["programme"])
    for path, body in (("whys", {"text": "x"}), ("causes", {"code": "other"}), ("links", {"to": other["id"]})):
        address, where = f"/v1/cases/{case['id']}/{path}", {"programme": case["programme"]}
        first, again = [
            await rca.post(address, params=where, json=body, headers={"Idempotency-Key": f"key-{path}"}) for _ in range(2)
        ]

        assert (first.status_code, again.status_code) == (201, 201)
        assert again.json() == first.json()
        assert again.headers["idempotent-replayed"] == "true"
        assert len(await _items(rca, case, f"/{path}")) == 1
