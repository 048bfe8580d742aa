"""The conversation on a case: one that both sides read, and one that the client's people keep among themselves."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from cases import done, stepped
from conftest import Caller
from tallystick.schemas.base import new_id
from tallystick.schemas.principal import Role


@pytest.fixture
async def case(rca_app: FastAPI, caller: Caller, programme: str) -> dict[str, Any]:
    """A case that is shared with acme."""
    admin = caller(rca_app, Role.ADMIN)
    answer = await admin.post("/v1/cases", params={"programme": programme}, json={"vendor": "acme", "title": "Rising errors"})
    opened: dict[str, Any] = answer.raise_for_status().json()
    return opened


@pytest.fixture
def poc(rca_app: FastAPI, caller: Caller, programme: str) -> httpx.AsyncClient:
    """Acme's counterpart."""
    return caller(rca_app, Role.VENDOR_POC, vendor="acme", programmes=(programme,), subject="poc")


async def said(client: httpx.AsyncClient, case: dict[str, Any], text: str, **more: Any) -> httpx.Response:
    """The answer to saying something on a case."""
    headers = more.pop("headers", {})
    address = f"/v1/cases/{case['id']}/messages"
    return await client.post(address, params={"programme": case["programme"]}, json={"text": text, **more}, headers=headers)


async def heard(client: httpx.AsyncClient, case: dict[str, Any]) -> list[str]:
    """The texts of a case's conversation, as a caller reads them page by page."""
    address = f"/v1/cases/{case['id']}/messages"
    answer = await client.get(address, params={"programme": case["programme"], "limit": 2})
    texts = [message["text"] for message in answer.json()["items"]]
    while "next" in answer.links:
        answer = await client.get(f"{address}{answer.links['next']['url']}")
        texts += [message["text"] for message in answer.json()["items"]]
    return texts


async def close(client: httpx.AsyncClient, case: dict[str, Any]) -> None:
    """Close a case that was opened by mistake."""
    await done(stepped(client, case, "cancel", "Opened by mistake."))


async def test_both_sides_talk_and_one_side_among_itself(
    rca: httpx.AsyncClient, poc: httpx.AsyncClient, case: dict[str, Any]
) -> None:
    """Messages are read oldest first; a vendor sees what was said to both sides, and nothing else."""
    await said(rca, case, "What happened?")
    await said(rca, case, "They changed shifts.", audience="internal")
    answer = await said(poc, case, "New people on the night shift.")
    await said(rca, case, "Thank you.", audience="vendor")

    assert answer.status_code == 201
    assert (answer.json()["author"], answer.json()["audience"]) == ("poc", "vendor")
    assert await heard(rca, case) == ["What happened?", "They changed shifts.", "New people on the night shift.", "Thank you."]
    assert await heard(poc, case) == ["What happened?", "New people on the night shift.", "Thank you."]


async def test_a_vendor_does_not_write_to_the_internal_conversation(
    rca: httpx.AsyncClient, poc: httpx.AsyncClient, case: dict[str, Any]
) -> None:
    """The refusal is of a type of its own, the same for a case that does not exist, and nothing is written."""
    refused = await said(poc, case, "Psst.", audience="internal")
    nowhere = await said(poc, case | {"id": str(new_id())}, "Psst.", audience="internal")

    assert refused.status_code == nowhere.status_code == 403
    assert refused.json()["type"].endswith("/problems/internal-conversation")
    assert await heard(rca, case) == []


async def test_the_feed_carries_messages_to_those_who_may_read_them(
    rca: httpx.AsyncClient, poc: httpx.AsyncClient, case: dict[str, Any]
) -> None:
    """Each message is a change of its own with the case's id; an internal one is in no vendor's feed."""
    shared = (await said(rca, case, "What happened?")).json()
    internal = (await said(rca, case, "They changed shifts.", audience="internal")).json()
    pages = [(await client.get("/v1/changes", params={"programme": case["programme"]})).json() for client in (rca, poc)]
    shown = [[(each["noun"], each["data"]) for each in page["changes"] if each["noun"] != "notice"] for page in pages]

    assert shown[0] == [("case", case), ("message", shared), ("message", internal)]
    assert shown[1] == [("case", case), ("message", shared)]
    assert [page["position"] for page in pages] == [page["changes"][-1]["position"] for page in pages]
    assert pages[0]["position"] == internal["position"]
    assert shared["case_id"] == case["id"]


async def test_an_internal_case_has_a_conversation_of_its_own(
    rca: httpx.AsyncClient, poc: httpx.AsyncClient, programme: str
) -> None:
    """What is said to everybody on a case without a vendor reaches no vendor."""
    answer = await rca.post("/v1/cases", params={"programme": programme}, json={"title": "Among us"})
    await said(rca, answer.json(), "To everybody here.", audience="vendor")
    unheard = await poc.get(f"/v1/cases/{answer.json()['id']}/messages", params={"programme": programme})
    feed = (await poc.get("/v1/changes", params={"programme": programme})).json()

    assert await heard(rca, answer.json()) == ["To everybody here."]
    assert unheard.status_code == 404
    assert (feed["changes"], feed["position"]) == ([], 0)


async def test_a_message_is_said_once(rca: httpx.AsyncClient, case: dict[str, Any]) -> None:
    """The same key replays the first answer, even when the case was closed since; for anything else the key is taken."""
    key = {"Idempotency-Key": str(new_id())}
    first = await said(rca, case, "Once.", headers=key)
    await close(rca, case)
    again = await said(rca, case, "Once.", headers=key)
    other = await said(rca, case, "Twice.", headers=key)

    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 422)
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    assert await heard(rca, case) == ["Once."]


async def test_a_closed_case_takes_no_more_messages(rca: httpx.AsyncClient, case: dict[str, Any]) -> None:
    """What was said stays readable; more is a conflict."""
    await said(rca, case, "Before.")
    await close(rca, case)
    after = await said(rca, case, "After.")

    assert after.status_code == 409
    assert after.json()["type"].endswith("/problems/case-closed")
    assert await heard(rca, case) == ["Before."]


@pytest.mark.parametrize(
    ("role", "vendor", "status"),
    [
        (Role.QUALITY_MANAGER, None, 201),
        (Role.AUDITOR, None, 201),
        (Role.ANALYST, None, 403),
        (Role.VENDOR_POC, "acme", 201),
        (Role.VENDOR_POC, "borealis", 404),
        (Role.VENDOR_SYSTEM, "acme", 403),
    ],
)
async def test_who_speaks(
    rca_app: FastAPI, caller: Caller, case: dict[str, Any], role: Role, vendor: str | None, status: int
) -> None:
    """Those who steer the case, auditors, and the vendor's counterpart on its own cases."""
    client = caller(rca_app, role, vendor=vendor, programmes=(case["programme"],))

    assert (await said(client, case, "Here.")).status_code == status
