"""Webhooks of rca-api: signed notices of what people are told, to the vendor's endpoints and the client's."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from actions import agreed, notices, run
from appeals import Clock
from cases import done, opened
from certificates import serving
from conftest import Caller
from rca_api.actions.following_up import follow_up
from rca_api.metadata import webhooks
from receiver import Receiver
from tallystick.schemas.principal import Role
from tallystick.service.database import Database
from tallystick.service.webhooks.delivery import Courier
from tallystick_embedded.postgres import Cluster

KINDS = ["action.overdue", "action.escalated"]


@pytest.fixture
async def courier(rca_app: FastAPI, cluster: Cluster, clock: Clock) -> Courier:
    """Somebody who delivers, when told to, with nothing of other tests on its way."""
    connection = await asyncpg.connect(cluster.url("rca", "postgres"))
    await connection.execute("truncate webhook_announcements, webhook_deliveries, webhook_endpoints")
    await connection.close()
    settings = rca_app.state.settings.model_copy(update={"webhook_networks": ("127.0.0.0/8",), "root_path": "/rca"})
    return Courier(webhooks, rca_app.state.database, type(settings).model_validate(settings.model_dump()), clock)


@pytest.fixture
async def receiver() -> Receiver:
    """Where notices arrive."""
    return Receiver()


@pytest.fixture
async def address(receiver: Receiver) -> AsyncIterator[str]:
    """Where the receiver listens."""
    async with serving(receiver, None) as address:
        yield address


async def test_an_escalation_reaches_those_whom_it_concerns_signed(
    rca_app: FastAPI, caller: Caller, rca: httpx.AsyncClient, database: Database, clock: Clock, programme: str, courier: Courier,
    receiver: Receiver, address: str,
) -> None:  # fmt: skip
    """The vendor's endpoint hears what its people and its team lead are told, the client's everything, another vendor's nothing.

    Each notice is verified with the official library, and names what can be read over HTTP.
    """
    secrets = {}
    for name in ("acme", "borealis", None):
        role = Role.QUALITY_MANAGER if name is None else Role.VENDOR_POC
        party = caller(rca_app, role, vendor=name, programmes=(programme,))
        new = {"name": "Ours", "url": f"https://hooks.example/{name}", "events": KINDS}
        created = await done(party.post("/v1/webhook-endpoints", params={"programme": programme}, json=new))
        secrets[str(name)] = created["secret"]
        await _put_address(rca_app, created["endpoint"]["id"], f"{address}/{name}")
    case = await opened(rca, programme)
    await agreed(rca, case, due_days=1)
    await agreed(rca, case, due_days=1, owner="nina", owner_vendor=None)
    clock.move(days=30)
    await follow_up(database, clock)
    while claimed := await courier.claim():
        await asyncio.gather(*map(courier.serve, claimed.values()))

    heard: dict[str, set[str]] = {"acme": set(), "None": set()}
    for notice in receiver.notices:
        to = notice.path.rpartition("/")[2]
        assert notice.signed_with(secrets[to])
        assert not any(notice.signed_with(secret) for name, secret in secrets.items() if name != to)
        heard[to].add(notice.id)
    bodies = [notice.body.decode() for notice in receiver.notices if notice.path.endswith("/acme")]
    told = {each["id"]: each for each in await notices(rca, programme, *KINDS)}
    of_acme = {key for key, each in told.items() if each["vendor"] == "acme"}

    assert (len(heard["None"]), len(told)) == (7, 7)
    assert len(heard["acme"]) == len(of_acme) == 2
    for key in of_acme:
        [body] = [body for body in bodies if key in body]
        assert f'"url":"/rca/v1/notices/{key}?programme={programme}"' in body
        assert f'"type":"{told[key]["kind"]}"' in body


async def _put_address(rca_app: FastAPI, endpoint_id: str, url: str) -> None:
    """Point an endpoint at a receiver of the test, to which these settings do not let it be pointed."""
    await run(rca_app, "update webhook_endpoints set url = :url where id = :id", url=url, id=endpoint_id)


async def test_an_endpoint_is_made_where_there_is_a_programme(rca_app: FastAPI, caller: Caller, programme: str) -> None:
    """audit-api is asked: not where there is none, nor for a vendor that it does not name; and of events that there are."""
    new = {"name": "Ours", "url": "https://hooks.example/ours", "events": KINDS}
    admin, stranger = caller(rca_app, Role.ADMIN), caller(rca_app, Role.VENDOR_POC, vendor="northwind")
    answers = [
        await client.post("/v1/webhook-endpoints", params={"programme": slug}, json=new | changes)
        for client, slug, changes in (
            (admin, programme, {}),
            (admin, "nowhere-at-all", {}),
            (stranger, programme, {}),
            (admin, programme, {"events": ["appeal.decided"]}),
        )
    ]

    assert [answer.status_code for answer in answers] == [201, 404, 404, 422]
