"""Webhooks: who is told of what, signed how, and what happens when a receiver does not take it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from standardwebhooks import WebhookVerificationError

from appeals import claim, decide, recorded, submitted
from audit_api.app import create_app
from audit_api.metadata import webhooks
from audit_api.settings import AuditSettings
from certificates import certify, serving
from conftest import Caller, started
from factories import programme_document
from receiver import Receiver
from tallystick.schemas.base import new_id
from tallystick.schemas.principal import Role
from tallystick.service.auth import Principal
from tallystick.service.webhooks import announce, connections, delivery, routes
from tallystick.service.webhooks.delivery import DELAYS, KEPT, LOST_AFTER, Courier
from tallystick_embedded.postgres import Cluster

PAST = "2026-09-01T08:00:00Z"
EVENTS = ["appeal.decided", "appeal.expired"]


class Time:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        """What time it is."""
        return self.now

    def passes(self, by: timedelta) -> None:
        """Let time pass."""
        self.now += by


class Party:
    """Somebody who has endpoints: a vendor, or the client."""

    def __init__(self, client: httpx.AsyncClient, programme: str) -> None:
        self.client = client
        self.where = {"programme": programme}

    async def call(self, method: str, path: str = "", **more: Any) -> httpx.Response:
        """Ask about endpoints."""
        return await self.client.request(
            method, f"/v1/webhook-endpoints{path}", params=self.where | more.pop("params", {}), **more
        )

    async def endpoint(self, url: str, *events: str) -> tuple[str, str]:
        """The path of a new endpoint, and its secret."""
        answer = await self.call("POST", json={"name": "Ours", "url": url, "events": events or EVENTS})
        assert answer.status_code == 201, answer.text
        return f"/{answer.json()['endpoint']['id']}", answer.json()["secret"]

    async def deliveries(self, path: str, **params: Any) -> list[dict[str, Any]]:
        """What was delivered to an endpoint, the newest first."""
        answer = await self.call("GET", f"{path}/deliveries", params=params)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])


@pytest.fixture(scope="module")
async def app(cluster: Cluster, settings: Callable[..., dict[str, Any]]) -> AsyncIterator[FastAPI]:
    """An audit-api with a database of its own, where no other test's notices are. It delivers when a test says so."""
    server = await asyncpg.connect(cluster.url("postgres", "postgres"))
    await server.execute("create database audit_webhooks owner audit_owner template template0")
    await server.close()
    roles = {"database_url": "audit_runtime", "owner_database_url": "audit_owner"}
    urls = {name: cluster.url("audit_webhooks", role) for name, role in roles.items()}
    of_service = AuditSettings(**settings("audit", **urls, deliver=False, webhook_networks=["127.0.0.0/8"], root_path="/audit"))
    async with started(create_app(of_service), of_service, "audit_api") as app:
        yield app


@pytest.fixture
def time(app: FastAPI) -> Iterator[Time]:
    """The clock of the service."""
    before = app.state.clock
    app.state.clock = moved = Time()
    yield moved
    app.state.clock = before


@pytest.fixture
async def at_rest(app: FastAPI, cluster: Cluster) -> AsyncIterator[asyncpg.Connection]:
    """The database as a superuser sees it, with nothing on its way to anybody."""
    assert app.state
    connection = await asyncpg.connect(cluster.url("audit_webhooks", "postgres"))
    await connection.execute("truncate webhook_announcements, webhook_deliveries, webhook_endpoints")
    yield connection
    await connection.close()


@pytest.fixture
def courier(app: FastAPI, time: Time, at_rest: object) -> Courier:
    """Somebody who delivers, when told to."""
    assert at_rest
    return Courier(webhooks, app.state.database, app.state.settings, time)


@pytest.fixture
async def receiver() -> Receiver:
    """Where notices arrive."""
    return Receiver()


@pytest.fixture
async def address(receiver: Receiver) -> AsyncIterator[str]:
    """Where the receiver listens, without TLS, as the settings permit for this network."""
    async with serving(receiver, None) as address:
        yield f"{address}/hook"
        receiver.free.set()


@pytest.fixture
async def slug(app: FastAPI, caller: Caller) -> str:
    """A programme with the vendors acme and borealis."""
    slug = f"p-{new_id().hex[-16:]}"
    (await caller(app, Role.ADMIN).put(f"/v1/programmes/{slug}", json=programme_document(slug))).raise_for_status()
    return slug


@pytest.fixture
def acme(app: FastAPI, caller: Caller, slug: str) -> Party:
    """The vendor."""
    return Party(caller(app, Role.VENDOR_POC, vendor="acme"), slug)


@pytest.fixture
def client(app: FastAPI, caller: Caller, slug: str) -> Party:
    """The client."""
    return Party(caller(app, Role.QUALITY_MANAGER), slug)


@pytest.fixture
def tell(app: FastAPI, slug: str) -> Callable[..., Any]:
    """Announce something of acme's, in the name of acme."""
    principal = Principal("poc", frozenset({Role.VENDOR_POC}), frozenset({slug}), "acme", "")

    async def announced(event: str = "appeal.decided", subject_id: UUID | None = None) -> None:
        async with app.state.database.writing(principal) as session:
            await announce(session, webhooks, slug, "acme", event, subject_id or new_id(), at=app.state.clock())

    return announced


async def deliver(courier: Courier) -> int:
    """Make all attempts that are due; answers how many there were."""
    made = 0
    while claimed := await courier.claim():
        await asyncio.gather(*map(courier.serve, claimed.values()))
        made += sum(map(len, claimed.values()))
    return made


async def test_a_notice_reaches_those_whom_it_concerns(
    app: FastAPI, caller: Caller, acme: Party, client: Party, slug: str, courier: Courier, receiver: Receiver, address: str,
    tell: Callable[..., Any], time: Time,
) -> None:  # fmt: skip
    """The vendor's endpoints and the client's, of those that want this type; each verifies it with its own secret."""
    borealis = Party(caller(app, Role.VENDOR_POC, vendor="borealis"), slug)
    secrets = {}
    for name, party in (("acme", acme), ("client", client), ("borealis", borealis)):
        _, secrets[name] = await party.endpoint(f"{address}/{name}")
    await acme.endpoint(f"{address}/others", "appeal.expired")
    subject = new_id()
    await tell("appeal.decided", subject)

    assert await deliver(courier) == 2
    notices = {notice.path.rpartition("/")[2]: notice for notice in receiver.notices}
    assert set(notices) == {"acme", "client"}
    for name, notice in notices.items():
        assert notice.verified(secrets[name]) == {
            "type": "appeal.decided",
            "timestamp": time.now.isoformat().replace("+00:00", "Z"),
            "data": {
                "programme": slug,
                "id": str(subject),
                "vendor": "acme",
                "url": f"/audit/v1/appeals/{subject}?programme={slug}",
            },
        }
        for other in secrets.keys() - {name}:
            with pytest.raises(WebhookVerificationError):
                notice.verified(secrets[other])
    assert await deliver(courier) == 0


async def test_a_decision_reaches_the_vendor_signed(
    app: FastAPI, caller: Caller, acme: Party, slug: str, courier: Courier, receiver: Receiver, address: str
) -> None:
    """From the decision of an appeal to a notice that verifies and names it; its address says the reasons."""
    _, secret = await acme.endpoint(f"{address}/acme")
    [audit_id] = await recorded(caller(app, Role.ADMIN), slug, "A-1", decided_at=PAST, audited_at=PAST)
    appeal = await submitted(acme.client, slug, audit_id)
    claimed = await claim(caller(app, Role.QUALITY_MANAGER, subject="judge"), slug)
    assert claimed is not None
    decided = await decide(caller(app, Role.QUALITY_MANAGER, subject="judge"), slug, claimed, "overturned")
    await deliver(courier)
    read = await acme.client.get(f"/v1/appeals/{appeal['id']}", params={"programme": slug})

    assert decided.status_code == 200, decided.text
    [notice] = receiver.notices
    told = notice.verified(secret)
    assert (told["type"], told["data"]["id"]) == ("appeal.decided", appeal["id"])
    assert (read.json()["state"], read.json()["reason"]) == ("overturned", decided.json()["reason"])


async def test_what_is_undone_is_not_announced(
    app: FastAPI, acme: Party, courier: Courier, address: str, tell: Callable[..., Any]
) -> None:
    """A notice is part of the transaction of what it tells of; a type that the service does not have is a mistake in it."""
    await acme.endpoint(address)
    principal = Principal("poc", frozenset({Role.VENDOR_POC}), frozenset({"*"}), "acme", "")
    async with app.state.database.writing(principal) as session:
        await announce(session, webhooks, acme.where["programme"], "acme", "appeal.decided", new_id(), at=app.state.clock())
        await session.roll_back()
    with pytest.raises(ValueError, match="no event"):
        await tell("appeal.imagined")

    assert await deliver(courier) == 0


async def test_while_a_secret_is_replaced_both_sign(
    acme: Party, courier: Courier, receiver: Receiver, address: str, tell: Callable[..., Any], time: Time
) -> None:
    """For 24 hours a receiver verifies with either; replaced twice, with any of three. Then with the newest alone."""
    path, first = await acme.endpoint(address)
    answers = [await acme.call("POST", f"{path}/secret", headers={"If-Match": etag}) for etag in ('"1"', '"2"')]
    second, third = (answer.json()["secret"] for answer in answers)
    again = await acme.call("POST", f"{path}/secret", headers={"If-Match": '"2"'})
    await tell()
    await deliver(courier)
    time.passes(timedelta(hours=24))
    await tell()
    await deliver(courier)
    during, after = receiver.notices

    assert answers[0].json()["previous_until"] == (time.now).isoformat().replace("+00:00", "Z")
    assert again.status_code == 412
    assert all(during.verified(secret) for secret in (first, second, third))
    assert [after.signed_with(secret) for secret in (first, second, third)] == [False, False, True]


async def test_a_failing_endpoint_is_tried_ten_times_over_three_days(
    acme: Party, courier: Courier, receiver: Receiver, address: str, tell: Callable[..., Any], time: Time
) -> None:
    """After longer and longer delays, more or less by a tenth, with the same bytes under the same id; then it has failed."""
    path, secret = await acme.endpoint(address)
    receiver.answers = [(500, {})] * 10
    await tell()
    assert await deliver(courier) == 1
    for delay in DELAYS:
        time.passes(delay * 0.89)
        assert await deliver(courier) == 0
        [waiting] = await acme.deliveries(path, state="pending")
        assert (waiting["status"], waiting["reason"]) == (500, None)
        time.passes(delay * 0.22)
        assert await deliver(courier) == 1
    time.passes(timedelta(days=30))

    assert await deliver(courier) == 0
    [failed] = await acme.deliveries(path)
    assert (failed["state"], failed["attempts"], failed["next_attempt_at"]) == ("failed", 10, None)
    assert timedelta(days=3) <= sum(DELAYS, timedelta()) < timedelta(days=3, hours=6)
    assert {(notice.id, notice.body) for notice in receiver.notices} == {(failed["id"], receiver.notices[0].body)}
    assert all(notice.signed_with(secret) for notice in receiver.notices)
    assert len({notice.headers["webhook-timestamp"] for notice in receiver.notices}) == 10


async def test_no_answer_within_15_seconds_is_no_answer(
    acme: Party, courier: Courier, receiver: Receiver, address: str, tell: Callable[..., Any], time: Time,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """It is tried again like any failure, and so is a connection that is refused."""
    assert connections._ATTEMPT_S == 15
    monkeypatch.setattr(connections, "_ATTEMPT_S", 0.05)
    path, _ = await acme.endpoint(address)
    receiver.free.clear()
    await tell()
    await deliver(courier)
    [waiting] = await acme.deliveries(path)
    assert (waiting["state"], waiting["status"], waiting["reason"]) == ("pending", None, "timeout")

    monkeypatch.undo()
    receiver.free.set()
    time.passes(DELAYS[0] * 1.1)
    assert await deliver(courier) == 1
    [delivered] = await acme.deliveries(path, state="delivered")
    assert (delivered["status"], delivered["attempts"], delivered["delivered_at"] is None) == (204, 2, False)


async def test_a_receiver_may_ask_to_come_back_later(
    acme: Party, courier: Courier, receiver: Receiver, address: str, tell: Callable[..., Any], time: Time
) -> None:
    """In seconds or by a date, no earlier than planned, and no later than in a day; what is no time is passed over."""
    path, _ = await acme.endpoint(address)
    date = (time.now + timedelta(hours=2)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    waits = {"3600": 3600, "1": 4.5, date: 7199, "9" * 30: 86_400, "soon": 4.5, "-5": 4.5, "": 4.5}
    for asked, seconds in waits.items():
        receiver.answers = [(503, {"Retry-After": asked})]
        await tell()
        await deliver(courier)
        [waiting] = await acme.deliveries(path, state="pending")
        delay = (datetime.fromisoformat(waiting["next_attempt_at"]) - time.now).total_seconds()
        assert seconds <= delay <= max(seconds + 1, 5.5), asked
        await acme.call("POST", f"{path}/deliveries/{waiting['id']}/replay")
        assert await deliver(courier) == 1


async def test_an_endpoint_that_is_gone_is_disabled(
    acme: Party, courier: Courier, receiver: Receiver, address: str, tell: Callable[..., Any], time: Time
) -> None:
    """410: nothing is delivered any more, what waited is given up, and putting the endpoint again enables it."""
    path, secret = await acme.endpoint(address)
    receiver.answers = [(500, {}), (410, {})]
    await tell("appeal.expired")
    await deliver(courier)
    await tell("appeal.decided")
    await deliver(courier)
    await tell("appeal.decided")
    time.passes(timedelta(days=1))
    assert await deliver(courier) == 0

    gone, given_up = await acme.deliveries(path)
    assert (gone["state"], gone["status"], gone["reason"]) == ("failed", 410, None)
    assert (given_up["state"], given_up["status"], given_up["reason"]) == ("failed", None, "disabled")
    endpoint = await acme.call("GET", path)
    assert (endpoint.json()["state"], endpoint.headers["etag"]) == ("disabled", '"2"')
    refused = [await acme.call("POST", f"{path}/{what}") for what in ("test", f"deliveries/{gone['id']}/replay")]
    assert [answer.json()["type"].rpartition("/")[2] for answer in refused] == ["endpoint-disabled"] * 2

    new = {"name": "Ours", "url": f"{address}/new", "events": EVENTS}
    put = await acme.call("PUT", path, json=new, headers={"If-Match": '"2"'})
    assert (put.status_code, put.json()["state"], put.json()["revision"]) == (200, "enabled", 3)
    await acme.call("POST", f"{path}/deliveries/{given_up['id']}/replay")
    assert await deliver(courier) == 1
    assert (receiver.notices[-1].id, receiver.notices[-1].path) == (given_up["id"], "/hook/new")
    assert receiver.notices[-1].signed_with(secret)


async def test_redirects_are_not_followed_and_bodies_not_kept(
    acme: Party, courier: Courier, receiver: Receiver, address: str, tell: Callable[..., Any], at_rest: asyncpg.Connection
) -> None:
    """A redirect is a failure like any other; of what a receiver says, the status alone is stored."""
    path, _ = await acme.endpoint(address)
    receiver.body = b"canary"
    receiver.answers = [(307, {"Location": "/canary", "X-Canary": "canary"}), (200, {})]
    await tell()
    await deliver(courier)
    [waiting] = await acme.deliveries(path)
    await acme.call("POST", f"{path}/deliveries/{waiting['id']}/replay")
    await deliver(courier)

    assert (waiting["state"], waiting["status"]) == ("pending", 307)
    assert [notice.path for notice in receiver.notices] == ["/hook", "/hook"]
    assert [each["state"] for each in await acme.deliveries(path)] == ["delivered"]
    tables = ("webhook_announcements", "webhook_endpoints", "webhook_deliveries")
    rows = [row[0] for table in tables for row in await at_rest.fetch(f"select t::text from {table} t")]
    assert len(rows) == 2
    assert "canary" not in "".join(rows)


async def test_a_replay_is_the_same_notice_again(
    acme: Party, courier: Courier, receiver: Receiver, address: str, tell: Callable[..., Any]
) -> None:
    """Under the same `webhook-id` and with the same bytes, so that a receiver knows it."""
    path, secret = await acme.endpoint(address)
    await tell()
    await deliver(courier)
    [delivered] = await acme.deliveries(path)
    replayed, repeated = [
        await acme.call("POST", f"{path}/deliveries/{delivered['id']}/replay", headers={"Idempotency-Key": "k"}) for _ in range(2)
    ]
    assert (repeated.headers["idempotent-replayed"], repeated.json()) == ("true", replayed.json())
    await deliver(courier)
    first, again = receiver.notices

    assert replayed.status_code == 202
    assert replayed.json() | {"next_attempt_at": None} == delivered | {
        "state": "pending", "attempts": 0, "status": None, "delivered_at": None
    }  # fmt: skip
    assert (first.id, first.body) == (again.id, again.body) == (delivered["id"], first.body)
    assert again.verified(secret)


async def test_an_endpoint_that_hangs_delays_nobody(
    acme: Party, client: Party, courier: Courier, receiver: Receiver, address: str, tell: Callable[..., Any]
) -> None:
    """While attempts at one hang, all notices for others arrive, those that are announced meanwhile too."""
    await acme.endpoint(address)
    receiver.free.clear()
    other = Receiver()
    async with serving(other, None) as there:
        await client.endpoint(there)
        for _ in range(6):
            await tell()
        running = asyncio.create_task(courier.run())
        await receiver.arrived.wait()
        await tell()
        while len(other.notices) < 7:
            other.arrived.clear()
            await other.arrived.wait()
        running.cancel()
        await asyncio.wait({running})

    assert len(receiver.notices) == 4
    assert running.cancelled()


async def test_two_workers_make_each_attempt_once(
    app: FastAPI, acme: Party, client: Party, courier: Courier, receiver: Receiver, address: str, time: Time,
    tell: Callable[..., Any],
) -> None:  # fmt: skip
    """However many deliver, and however much there is."""
    for party in (acme, client, client):
        await party.endpoint(address)
    for _ in range(20):
        await tell()
    other = Courier(webhooks, app.state.database, app.state.settings, time)
    made = await asyncio.gather(*(deliver(each) for each in (courier, other, courier)))

    assert sum(made) == 60
    assert Counter(Counter(notice.id for notice in receiver.notices).values()) == {1: 60}


async def test_what_another_is_about_to_claim_is_passed_over(
    acme: Party, courier: Courier, receiver: Receiver, address: str, tell: Callable[..., Any], at_rest: asyncpg.Connection
) -> None:
    """A worker waits for no other, neither for what was announced nor for what is due."""
    path, _ = await acme.endpoint(address)
    await tell()
    async with at_rest.transaction():
        await at_rest.execute("select from webhook_announcements for update")
        await acme.call("POST", f"{path}/test")
        assert await deliver(courier) == 1
    assert await deliver(courier) == 1

    await acme.call("POST", f"{path}/test")
    async with at_rest.transaction():
        await at_rest.execute("select from webhook_deliveries for update")
        await tell()
        assert await deliver(courier) == 1
    assert await deliver(courier) == 1

    types = [notice.body.partition(b'"type":"')[2].partition(b'"')[0].decode() for notice in receiver.notices]
    assert types == ["endpoint.test", "appeal.decided", "appeal.decided", "endpoint.test"]


async def test_an_attempt_of_which_nothing_was_heard_is_made_again(
    app: FastAPI, acme: Party, courier: Courier, receiver: Receiver, address: str, time: Time, tell: Callable[..., Any]
) -> None:
    """A worker that dies between claim and outcome is followed by another; one that was only slow changes nothing any more."""
    path, _ = await acme.endpoint(address)
    other = Courier(webhooks, app.state.database, app.state.settings, time)
    await tell()
    [lost] = (await courier.claim()).values()

    assert await deliver(other) == 0
    time.passes(LOST_AFTER - timedelta(seconds=1))
    assert await deliver(other) == 0
    time.passes(timedelta(seconds=1))
    assert await deliver(other) == 1

    receiver.answers = [(500, {})]
    await courier.serve(lost)
    [delivered] = await acme.deliveries(path)
    assert (delivered["state"], delivered["attempts"], delivered["status"]) == ("delivered", 2, 204)
    assert [notice.id for notice in receiver.notices] == [delivered["id"]] * 2


async def test_a_test_arrives_over_tls_while_the_service_runs(
    app: FastAPI, caller: Caller, slug: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, receiver: Receiver,
    at_rest: object,
) -> None:  # fmt: skip
    """The service delivers by itself, and the same key sends no second test."""
    assert at_rest
    monkeypatch.setenv("SSL_CERT_FILE", str(certify(tmp_path) / "ca.pem"))
    delivering = create_app(app.state.settings.model_copy(update={"deliver": True}))
    acme = Party(caller(delivering, Role.VENDOR_POC, vendor="acme"), slug)
    async with delivering.router.lifespan_context(delivering), serving(receiver, tmp_path) as address:
        path, secret = await acme.endpoint(address)
        sent, again = [await acme.call("POST", f"{path}/test", headers={"Idempotency-Key": "k"}) for _ in range(2)]
        await receiver.arrived.wait()

    assert (sent.status_code, again.status_code) == (202, 202)
    assert again.headers["idempotent-replayed"] == "true"
    assert sent.json() == again.json()
    [notice] = receiver.notices
    assert notice.verified(secret)["type"] == "endpoint.test"
    assert notice.verified(secret)["data"]["url"] == f"/audit/v1/webhook-endpoints{path}?programme={slug}"


async def test_an_endpoint_is_created_once_and_its_secret_is_for_its_owner(
    app: FastAPI, caller: Caller, acme: Party, client: Party, address: str, at_rest: asyncpg.Connection
) -> None:
    """The same key answers the same secret; it is stored sealed, shown by no GET, and replaced by nobody but the vendor."""
    new = {"name": "Ours", "url": address, "events": EVENTS}
    first, again = [await acme.call("POST", json=new, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    secret, path = first.json()["secret"], f"/{first.json()['endpoint']['id']}"
    stored = await at_rest.fetchval("select string_agg(e::text, '') from webhook_endpoints e")
    listed = (await acme.call("GET")).json()["items"]
    other = await acme.call("POST", json=new | {"name": "Other"}, headers={"Idempotency-Key": "k"})

    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert (first.headers["etag"], first.headers["location"]) == ('"1"', again.headers["location"])
    assert other.status_code == 422
    assert listed == [(await acme.call("GET", path)).json()] == [first.json()["endpoint"]]
    assert secret.removeprefix("whsec_") not in stored
    assert (await client.call("GET", path)).json() == listed[0]
    assert (await client.call("POST", f"{path}/secret", headers={"If-Match": '"1"'})).status_code == 403
    colleague = Party(caller(app, Role.VENDOR_POC, vendor="acme", subject="colleague"), acme.where["programme"])
    assert (await colleague.call("POST", f"{path}/secret", headers={"If-Match": '"1"'})).status_code == 200


async def test_a_deleted_endpoint_gets_nothing_more(
    acme: Party, courier: Courier, address: str, tell: Callable[..., Any]
) -> None:
    """With it goes what was delivered to it; a change needs the version that it is meant for."""
    path, _ = await acme.endpoint(address)
    await tell()
    await deliver(courier)
    await tell()
    refused = [await acme.call("DELETE", path, headers=headers) for headers in ({}, {"If-Match": '"7"'})]
    refused += [await acme.call("PUT", path, json={"name": "N", "url": address, "events": EVENTS})]
    deleted = await acme.call("DELETE", path, headers={"If-Match": '"1"'})

    assert [answer.status_code for answer in refused] == [428, 412, 428]
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert [(await acme.call("GET", f"{path}{of}")).status_code for of in ("", "/deliveries")] == [404, 404]
    assert await deliver(courier) == 0


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"url": "https:///hook"}, "/url", "not_an_address"),
        ({"url": "https://0177.0.0.1/"}, "/url", "not_an_address"),
        ({"url": "https://user:password@hooks.example/"}, "/url", "credentials"),
        ({"url": "http://hooks.example/"}, "/url", "not_https"),
        ({"url": "ftp://hooks.example/"}, "/url", "string_pattern_mismatch"),
        ({"events": ["appeal.decided", "endpoint.test"]}, "/events/1", "unknown_event"),
    ],
)
async def test_an_endpoint_that_can_be_none_is_refused(
    audit: httpx.AsyncClient, programme: str, change: dict[str, Any], pointer: str, code: str
) -> None:
    """What is wrong with it is said; what was sent is not repeated. Without a network of its own, TLS is a must."""
    new = {"name": "Ours", "url": "https://hooks.example/", "events": EVENTS} | change
    answer = await audit.post("/v1/webhook-endpoints", params={"programme": programme}, json=new)

    assert answer.status_code == 422
    assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [(pointer, code)]
    assert "hooks.example" not in answer.text


async def test_a_party_has_so_many_endpoints_and_no_more(
    acme: Party, client: Party, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """50 in a programme; the vendor's do not count for the client."""
    assert routes.MAX_ENDPOINTS == 50
    monkeypatch.setattr(routes, "MAX_ENDPOINTS", 2)
    for _ in range(2):
        await acme.endpoint(address)
    refused = await acme.call("POST", json={"name": "One more", "url": address, "events": EVENTS})

    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (409, "too-many-endpoints")
    assert await client.endpoint(address)


async def test_without_the_services_secret_nothing_is_signed_until_secrets_are_replaced(
    app: FastAPI, caller: Caller, acme: Party, time: Time, receiver: Receiver, address: str, tell: Callable[..., Any],
    at_rest: object,
) -> None:  # fmt: skip
    """After `TALLYSTICK_SECRET` has changed, deliveries say why they fail, and a new secret mends it."""
    assert at_rest
    path, _ = await acme.endpoint(address)
    changed = create_app(app.state.settings.model_copy(update={"secret": type(app.state.settings.secret)("n" * 40)}))
    changed.state.clock = time
    later = Courier(webhooks, app.state.database, changed.state.settings, time)
    await tell()
    assert await deliver(later) == 1
    [waiting] = await acme.deliveries(path)
    assert (waiting["state"], waiting["reason"], receiver.notices) == ("pending", "secret", [])

    async with changed.router.lifespan_context(changed):
        party = Party(caller(changed, Role.VENDOR_POC, vendor="acme"), acme.where["programme"])
        secret = (await party.call("POST", f"{path}/secret", headers={"If-Match": '"1"'})).json()["secret"]
    time.passes(DELAYS[0] * 1.1)
    assert await deliver(later) == 1
    assert receiver.notices[0].verified(secret)


async def test_what_was_settled_is_forgotten_after_thirty_days(
    acme: Party, courier: Courier, receiver: Receiver, address: str, tell: Callable[..., Any], time: Time
) -> None:
    """What is still on its way is not."""
    path, _ = await acme.endpoint(address)
    await tell()
    await deliver(courier)
    receiver.answers = [(500, {})]
    await tell()
    await deliver(courier)
    time.passes(KEPT - timedelta(seconds=1))
    await courier.clean()
    assert len(await acme.deliveries(path)) == 2

    time.passes(timedelta(seconds=2))
    await courier.clean()
    assert [each["state"] for each in await acme.deliveries(path)] == ["pending"]


async def test_what_interrupts_the_work_is_survived(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch, at_rest: object, receiver: Receiver, address: str, acme: Party,
    tell: Callable[..., Any],
) -> None:  # fmt: skip
    """A database that is away for a while ends no deliveries for good."""
    assert at_rest
    monkeypatch.setattr("tallystick.service.background._LONGEST_PAUSE_S", 0.01)
    claim, failures = Courier.claim, [asyncpg.ConnectionDoesNotExistError(), TimeoutError()]

    async def failing(self: Courier, busy: Any = ()) -> Any:
        if failures:
            raise failures.pop()
        return await claim(self, busy)

    monkeypatch.setattr(Courier, "claim", failing)
    await acme.endpoint(address)
    await tell()
    delivering = create_app(app.state.settings.model_copy(update={"deliver": True}))
    async with delivery.delivering(delivering, webhooks):
        await receiver.arrived.wait()
    await delivering.state.database.close()

    assert failures == []
