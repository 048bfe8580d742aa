"""Cases: opened on a part of a programme that exists, shared with one vendor or none, changed and closed by managers."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from cases import NEW, asked, brought, closed, opened
from conftest import Caller
from factories import programme_document
from rca_api.app import create_app as create_rca_api
from rca_api.settings import RcaSettings
from tallystick.schemas.base import new_id
from tallystick.schemas.metric import MetricFilter
from tallystick.schemas.principal import Role


async def test_a_case_is_opened_and_read_back(rca: httpx.AsyncClient, programme: str) -> None:
    """It is open, at revision 1, about its vendor, and reads as it was answered; a reader who has it already gets a 304."""
    answer = await rca.post("/v1/cases", params={"programme": programme}, json=NEW)
    read = await rca.get(answer.url.join(answer.headers["location"]))
    again = await rca.get(answer.url.join(answer.headers["location"]), headers={"If-None-Match": answer.headers["etag"]})

    assert answer.status_code == 201
    assert answer.headers["etag"] == read.headers["etag"]
    assert answer.headers["etag"].startswith('"1-')
    assert read.json() == answer.json()
    assert (read.json()["state"], read.json()["opened_by"]) == ("open", "someone")
    assert read.json()["scope"] == MetricFilter(site=("lisbon",), error_code=("FN-HARASS",), vendor=("acme",)).model_dump(
        mode="json"
    )
    assert (read.json()["owner"], read.json()["priority"], read.json()["origin"]) == ("someone", "normal", "person")
    assert read.json()["possible"] == ["analyse", "cancel"]
    assert again.status_code == 304


async def test_a_case_is_closed_once(rca: httpx.AsyncClient, programme: str) -> None:
    """The version must be named; closing again is a conflict of its own type and changes nothing."""
    case = await brought(rca, await opened(rca, programme))
    without, stale, first, second = [await closed(rca, case, tag) for tag in (None, '"7"', '"3"', '"4"')]
    read = await rca.get(f"/v1/cases/{case['id']}", params={"programme": programme})

    assert [answer.status_code for answer in (without, stale, first, second)] == [428, 412, 200, 409]
    assert second.json()["type"].endswith("/problems/case-state")
    assert second.json()["possible"] == ["reopen"]
    assert read.json() == first.json()
    assert first.json()["state"] == "closed"
    assert first.json()["closed_by"] == "someone"
    assert first.json()["conclusion"] == "The policy text was ambiguous."
    assert first.json()["override"] == "Nothing is left to do."
    assert first.json()["watch_until"] > first.json()["closed_at"]


async def test_a_replay_opens_nothing(rca: httpx.AsyncClient, programme: str) -> None:
    """The same key and payload create nothing and answer the case as it stands."""
    headers = {"Idempotency-Key": str(new_id())}
    first = await rca.post("/v1/cases", params={"programme": programme}, json=NEW, headers=headers)
    moved = await brought(rca, first.json(), "analysis")
    again = await rca.post("/v1/cases", params={"programme": programme}, json=NEW, headers=headers)
    other = await rca.post("/v1/cases", params={"programme": programme}, json=NEW | {"title": "Another"}, headers=headers)
    listed = await rca.get("/v1/cases", params={"programme": programme})

    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 422)
    assert again.json() == moved
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotent-replayed"] == "true"
    assert other.json()["type"].endswith("/problems/idempotency-key-reused")
    assert len(listed.json()["items"]) == 1


async def test_lists_are_paged_and_filtered(rca: httpx.AsyncClient, programme: str) -> None:
    """Newest first, page by page, by vendor and state; repeated filters mean any of them."""
    cases = [await opened(rca, programme, vendor=vendor) for vendor in ("acme", "borealis", None, "acme")]
    await closed(rca, await brought(rca, cases[0]))

    async def listed(**filters: Any) -> list[int]:
        found: list[str] = []
        answer = await rca.get("/v1/cases", params={"programme": programme, "limit": 1, **filters})
        while True:
            found += [case["id"] for case in answer.json()["items"]]
            if "next" not in answer.links:
                return [[case["id"] for case in cases].index(case_id) for case_id in found]
            answer = await rca.get(f"/v1/cases{answer.links['next']['url']}")

    assert await listed() == [3, 2, 1, 0]
    assert await listed(vendor="acme") == [3, 0]
    assert await listed(vendor=["acme", "borealis"]) == [3, 1, 0]
    assert await listed(vendor="acme", state="open") == [3]
    assert await listed(state="closed") == [0]
    assert await listed(state=["open", "closed"]) == [3, 2, 1, 0]


async def test_a_case_needs_a_programme_and_a_vendor_that_audit_api_knows(rca: httpx.AsyncClient, programme: str) -> None:
    """An unknown programme does not exist here either; an unknown vendor is pointed at."""
    nowhere = await rca.post("/v1/cases", params={"programme": "no-such-programme"}, json=NEW)
    stranger = await rca.post("/v1/cases", params={"programme": programme}, json=NEW | {"vendor": "northwind"})

    assert (nowhere.status_code, stranger.status_code) == (404, 409)
    assert [(error["pointer"], error["code"]) for error in stranger.json()["errors"]] == [("/vendor", "unknown_vendor")]


@pytest.fixture
async def alone(rca_app: FastAPI, settings: Callable[..., dict[str, Any]]) -> Any:  # noqa: ARG001 - its schema is there
    """An rca-api that has no audit-api to ask."""
    app = create_rca_api(RcaSettings(**settings("rca", audit_url="http://127.0.0.1:9", follow=False)))
    async with app.router.lifespan_context(app):
        yield app


async def test_without_audit_api_nothing_is_opened_and_everything_is_read(
    rca: httpx.AsyncClient, alone: FastAPI, caller: Caller, programme: str
) -> None:
    """Opening and closing a case answer 503 and are safe to repeat; reads, conversations, steps and replays ask nobody."""
    key = {"Idempotency-Key": str(new_id())}
    first = await rca.post("/v1/cases", params={"programme": programme}, json=NEW, headers=key)
    admin = caller(alone, Role.ADMIN)
    new = await admin.post("/v1/cases", params={"programme": programme}, json=NEW)
    replayed = await admin.post("/v1/cases", params={"programme": programme}, json=NEW, headers=key)
    read = await admin.get(first.url.join(first.headers["location"]))
    where = f"/v1/cases/{first.json()['id']}/messages"
    said = await admin.post(where, params={"programme": programme}, json={"text": "Still here."})

    assert new.status_code == 503
    assert new.headers["retry-after"] == "5"
    assert new.json()["type"].endswith("/problems/unavailable")
    moved = await asked(admin, first.json(), "POST", "/steps", {"step": "analyse"})
    refused = await asked(admin, first.json(), "POST", "/closure", {"conclusion": "Done.", "override": "Enough."})

    assert [answer.status_code for answer in (replayed, read, said, moved, refused)] == [201, 200, 201, 200, 503]
    assert replayed.content == first.content


async def test_an_audit_api_that_does_not_accept_this_service_is_no_answer(
    rca_app: FastAPI, settings: Callable[..., dict[str, Any]], caller: Caller, audit_address: str, programme: str
) -> None:
    """A service key that audit-api does not know is the operators' problem, not the caller's: 503, not 401."""
    assert rca_app
    key = settings("rca")["service_key"] | {"kid": "unknown"}
    app = create_rca_api(RcaSettings(**settings("rca", audit_url=audit_address, service_key=key, follow=False)))
    async with app.router.lifespan_context(app):
        answer = await caller(app, Role.ADMIN).post("/v1/cases", params={"programme": programme}, json=NEW)

    assert answer.status_code == 503


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"title": ""}, "/title"),
        ({"title": "a\u0000b"}, "/title"),
        ({"description": "a\u0000b"}, "/description"),
        ({"scope": {"site": ["no spaces please"]}}, "/scope/site/0"),
        ({"scope": {"galaxy": ["far"]}}, "/scope/galaxy"),
        ({"colour": "red"}, "/colour"),
    ],
)
async def test_a_mistake_is_pointed_at(rca: httpx.AsyncClient, programme: str, change: dict[str, Any], pointer: str) -> None:
    """A case with a mistake is a 422 that names the place."""
    answer = await rca.post("/v1/cases", params={"programme": programme}, json=NEW | change)

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_a_vendor_sees_the_cases_that_are_shared_with_it(
    rca: httpx.AsyncClient, rca_app: FastAPI, caller: Caller, programme: str
) -> None:
    """Cases of another vendor, and those without one, answer like cases that do not exist."""
    own, other, internal = [await opened(rca, programme, vendor=vendor) for vendor in ("acme", "borealis", None)]
    poc = caller(rca_app, Role.VENDOR_POC, vendor="acme", programmes=(programme,))
    listed = (await poc.get("/v1/cases", params={"programme": programme})).json()["items"]
    asked = [
        await poc.get(f"/v1/cases/{case_id}", params={"programme": programme})
        for case_id in (own["id"], other["id"], internal["id"], new_id())
    ]

    assert [case["id"] for case in listed] == [own["id"]]
    assert [answer.status_code for answer in asked] == [200, 404, 404, 404]
    assert len({answer.json()["detail"] for answer in asked[1:]}) == 1


@pytest.mark.parametrize(
    ("roles", "vendor", "may_read", "may_write"),
    [
        (Role.ADMIN, None, True, True),
        (Role.QUALITY_MANAGER, None, True, True),
        (Role.AUDITOR, None, True, False),
        (Role.ANALYST, None, True, False),
        (Role.VENDOR_POC, "acme", True, False),
        (Role.VENDOR_SYSTEM, "acme", False, False),
    ],
)
async def test_who_may_read_and_who_may_write(
    rca_app: FastAPI, caller: Caller, programme: str, roles: Role, vendor: str | None, may_read: bool, may_write: bool
) -> None:
    """Managers open, change and close; the client's people and the vendor's counterpart read; a vendor's system does nothing."""
    admin = caller(rca_app, Role.ADMIN)
    case = await brought(admin, await opened(admin, programme))
    client = caller(rca_app, roles, vendor=vendor, programmes=(programme,))
    reads = [
        await client.get(path, params={"programme": programme})
        for path in ("/v1/cases", f"/v1/cases/{case['id']}", f"/v1/cases/{case['id']}/messages", "/v1/changes")
    ]
    writes = [
        await client.post("/v1/cases", params={"programme": programme}, json=NEW),
        await asked(client, case, "PATCH", "", {"priority": "high"}),
        await closed(client, case),
    ]

    assert {answer.status_code for answer in reads} == ({200} if may_read else {403})
    assert [answer.status_code for answer in writes] == ([201, 200, 200] if may_write else [403] * 3)


async def test_the_feed_shows_cases_as_their_get_does(rca: httpx.AsyncClient, programme: str) -> None:
    """A case that changed appears once, at its newest position, as it stands."""
    first, second = await opened(rca, programme), await opened(rca, programme)
    moved = await brought(rca, first, "analysis")
    page = (await rca.get("/v1/changes", params={"programme": programme})).json()
    changes = [change for change in page["changes"] if change["noun"] != "notice"]

    assert [(change["noun"], change["id"], change["revision"]) for change in changes] == [
        ("case", second["id"], 1),
        ("case", first["id"], 2),
    ]
    assert [change["data"] for change in changes] == [second, moved]
    assert page["position"] == moved["position"]
    assert not page["more"]


async def test_a_programme_grown_later_is_known_at_once(rca: httpx.AsyncClient, audit: httpx.AsyncClient, programme: str) -> None:
    """Nothing about programmes is remembered: a vendor that joins can have a case at once."""
    document = programme_document(programme)
    document["vendors"].append({"slug": "northwind", "name": "Northwind", "sites": []})
    await audit.put(f"/v1/programmes/{programme}", json=document, headers={"If-Match": '"1"'})

    assert (await opened(rca, programme, vendor="northwind"))["vendor"] == "northwind"
