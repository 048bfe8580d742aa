"""Every route for every role, about own and foreign vendors and programmes: what is foreign is not there."""

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import httpx
import pytest

from security.doors import DOORS, OPEN, Door, routes, unique_key
from security.world import Actor, Target, World, canary, plain
from tallystick.schemas.principal import Role
from tallystick.service.pages.navigation import PLACES

every_door = pytest.mark.parametrize("door", DOORS, ids=str)
NOWHERE = "no-such-programme"


@pytest.fixture(scope="module", autouse=True)
async def nothing_of_others_changes(world: World) -> AsyncIterator[None]:
    """Whatever is tried here, all rows of the other programme stay as they are."""
    watcher = Actor(Role.ADMIN, (world.own,))
    before = await world.fingerprint(watcher)
    yield
    assert await world.fingerprint(watcher) == before


def test_every_route_has_its_place_here(world: World) -> None:
    """A route that is not in the matrix fails this test: add it to `DOORS` in doors.py, or to `OPEN` if anybody may use it."""
    placed = {(door.app, door.method, door.path) for door in DOORS}
    found = {(name, *route) for name, app in world.apps.items() for route in routes(app) if route not in OPEN}
    documented = {
        (name, method.upper(), path)
        for name, app in world.apps.items()
        for path, operations in app.openapi()["paths"].items()
        for method in operations
        if (method.upper(), path) not in OPEN
    }

    assert found == placed
    assert documented <= placed


def test_every_page_of_a_programme_is_led_to_from_all_others() -> None:
    """The navigation names each page that needs nothing but a programme to everybody whom it opens for; systems see no pages."""
    home = "/programmes/{programme}"
    opening = {
        door.path.removeprefix(home): door.opens_for - {Role.VENDOR_SYSTEM}
        for door in DOORS
        if door.page and not door.named and door.path.startswith(home)
    }

    assert {place.below: place.roles for place in PLACES} == opening


@every_door
async def test_a_route_opens_for_the_roles_that_it_names(world: World, door: Door) -> None:
    """Roles that may use it get their answer about their own things, all others a 403 that names the roles that may."""
    target = world.things[world.own, "acme"]
    for actor in world.actors():
        opens = actor.role in door.opens_for
        own = await world.fresh(target, door.named, door.state) if door.spends and opens else target
        if door.appeal and opens:
            own = await world.fresh_appeal(target, door.appeal, _adjudicator(actor))
        answer = await door.call(world, actor, own)

        assert answer.status_code == (door.success if opens else 403), f"{actor}: {answer.text}"
        assert_no_secrets(world, actor, answer)


@every_door
async def test_a_route_refuses_parameters_that_it_does_not_know(world: World, door: Door) -> None:
    """A misspelt filter is never passed over in silence."""
    [role] = sorted(door.opens_for & {Role.ADMIN, Role.VENDOR_POC})[:1]
    actor = Actor(role, (world.own,), "acme" if role is Role.VENDOR_POC else None)
    target = world.things[world.own, "acme"]
    answer = await door.call(world, actor, target, params={**door.knock(target).get("params", {}), "vendro": "acme"})

    assert answer.status_code == 422, answer.text
    assert door.page or door.form or [error["pointer"] for error in answer.json()["errors"]] == ["query:vendro"]


READ = [door for door in DOORS if door.method == "GET" and not door.page and door.path != "/v1/projections"]


@pytest.mark.parametrize("door", READ, ids=str)
async def test_what_a_reader_has_is_not_sent_again(world: World, door: Door) -> None:
    """Every JSON answer has a strong ETag, and no cache may take one caller's answer for that of another."""
    [role] = sorted(door.opens_for & {Role.ADMIN, Role.VENDOR_POC})[:1]
    target = world.things[world.own, "acme"]
    first = await door.call(world, Actor(role, (world.own,)), target)
    tag = {"headers": {"If-None-Match": first.headers["etag"]}}
    again = await door.call(world, Actor(role, (world.own,)), target, **tag)

    assert first.headers["etag"].startswith('"')
    assert first.headers["vary"] == again.headers["vary"]
    assert first.headers["vary"].removeprefix("Accept, ") == "Authorization, Cookie"
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])


def _adjudicator(actor: Actor) -> Actor:
    return Actor(Role.ADMIN, ("*",)) if actor.vendor else actor


@every_door
async def test_without_a_token_every_route_answers_alike(world: World, door: Door) -> None:
    """Nobody in particular gets a 401, whatever was asked for; a browser at a page is shown the way to sign in."""
    there, nowhere = world.things[world.own, "acme"], Target(NOWHERE, "no-such-vendor")
    answers = [await door.call(world, Actor(Role.ADMIN, ("*",)), each, auth=nobody) for each in (there, nowhere)]

    assert [answer.status_code for answer in answers] == [303 if door.page else 401] * 2
    assert plain(answers[0], there) == plain(answers[1], nowhere)
    assert not door.page or answers[0].headers["location"].startswith("/sign-in?next=")


def nobody(request: httpx.Request) -> httpx.Request:
    """Take the token out of a request."""
    del request.headers["Authorization"]
    return request


@every_door
async def test_another_vendors_things_answer_like_what_does_not_exist(world: World, door: Door) -> None:
    """To a vendor's people and systems, and so do those that the client keeps to itself."""
    actors = [actor for actor in world.actors() if actor.vendor]
    for actor in actors:
        for vendor in ("borealis", None):
            await assert_alike(
                world, door, actor, world.things[world.own, vendor], Target(world.own, vendor and "no-such-vendor")
            )


@every_door
async def test_another_programmes_things_answer_like_what_does_not_exist(world: World, door: Door) -> None:
    """To everybody who may not enter it, under its own name and under that of a programme that one may enter."""
    for actor in world.actors():
        foreign = world.things[world.foreign, "acme"]
        await assert_alike(world, door, actor, foreign, Target(NOWHERE, "acme"))
        if "_id}" in door.path:
            await assert_alike(world, door, actor, replace(foreign, programme=world.own), Target(world.own, "acme"))


@every_door
async def test_a_vendor_that_no_programme_names_finds_nothing(world: World, door: Door) -> None:
    """Even where its token lets it into all programmes: none of them is there for it."""
    for actor in world.strangers():
        for vendor in ("northwind", "acme"):
            there = replace(world.things[world.own, "acme"], vendor=vendor)
            await assert_alike(world, door, actor, there, Target(NOWHERE, vendor))


async def assert_alike(world: World, door: Door, actor: Actor, foreign: Target, missing: Target) -> None:
    """What an actor gets about a foreign target is what it gets about one that does not exist, and holds nobody's secrets."""
    answers = [await door.call(world, actor, target) for target in (foreign, missing)]

    assert plain(answers[0], foreign) == plain(answers[1], missing), f"{actor} about {foreign}"
    assert answers[0].status_code < 500, answers[0].text
    for answer in answers:
        assert_no_secrets(world, actor, answer)


def assert_no_secrets(world: World, actor: Actor, answer: httpx.Response) -> None:
    """An answer holds no canary and no id of what its reader must not see; what the request itself named is no news."""
    text, asked = answer.text, str(answer.request.url)
    leaked = {secret for secret in world.secrets_from(actor) if secret in text and secret not in asked}

    assert not leaked, f"{actor} reads {leaked} at {asked}"


LISTS = {
    "/v1/audits",
    "/v1/appeals",
    "/v1/audit-batches/{batch_id}/rows",
    "/v1/draws",
    "/v1/draws/{draw_id}/strata",
    "/v1/decision-sources",
    "/v1/lots",
    "/v1/webhook-endpoints",
    "/v1/webhook-endpoints/{endpoint_id}/deliveries",
    "/v1/cases",
    "/v1/cases/{case_id}/messages",
    "/v1/cases/{case_id}/plan/versions",
    "/v1/actions",
    "/v1/notices",
    "/v1/coaching-sessions",
    "/v1/objectives",
    "/v1/signals",
}
PAGED = [door for door in DOORS if door.method == "GET" and door.path in LISTS]


@pytest.mark.parametrize("door", PAGED, ids=str)
async def test_a_cursor_of_another_caller_is_no_cursor(world: World, door: Door) -> None:
    """It answers like one that was made up, in the hands of a vendor's people, of the client's, and for other filters."""
    borealis, acme = world.things[world.own, "borealis"], world.things[world.own, "acme"]
    owner = Actor(Role.VENDOR_POC, (world.own,), "borealis")
    first = await door.call(world, owner, borealis, params={"programme": world.own, "limit": 1})
    cursor = httpx.URL(first.links["next"]["url"]).params["cursor"]
    for actor in (Actor(Role.VENDOR_POC, (world.own,), "acme"), Actor(Role.QUALITY_MANAGER, (world.own,))):
        stolen, made_up = [
            await door.call(world, actor, acme, params={"programme": world.own, "limit": 1, "cursor": each})
            for each in (cursor, "made.up")
        ]

        assert stolen.status_code == 400
        assert plain(stolen, acme) == plain(made_up, acme)
    other_filter = await door.call(world, owner, borealis, params={"programme": [world.own] * 2, "limit": 1, "cursor": cursor})
    assert other_filter.status_code == 400


@pytest.mark.parametrize("app", ["audit", "rca", "reporting"])
async def test_a_feeds_cursor_of_another_caller_is_no_cursor(world: World, app: str) -> None:
    """Nor one of another programme: both answer like one that was made up."""

    async def read(actor: Actor, programme: str, **more: str) -> httpx.Response:
        return await world.client(app, actor).get("/v1/changes", params={"programme": programme, **more})

    both = (world.foreign, world.own)
    poc, other, manager = (
        Actor(Role.VENDOR_POC, both, "acme"),
        Actor(Role.VENDOR_POC, both, "borealis"),
        Actor(Role.QUALITY_MANAGER, both),
    )
    cursor = (await read(other, world.own)).json()["cursor"]
    elsewhere = (await read(poc, world.foreign)).json()["cursor"]
    made_up = await read(poc, world.own, after="made.up")
    target = world.things[world.own, "acme"]

    assert made_up.status_code == 400
    for actor, stolen in ((poc, cursor), (poc, elsewhere), (manager, cursor)):
        assert plain(await read(actor, world.own, after=stolen), target) == plain(made_up, target)
    assert (await read(other, world.own, after=cursor)).status_code == 200


KEYED = [door for door in DOORS if door.method == "POST" and door.path in {"/v1/audits", "/v1/audit-batches"}]


@pytest.mark.parametrize("door", KEYED, ids=str)
async def test_anothers_idempotency_key_is_unused(world: World, door: Door) -> None:
    """The same key is a new one for another vendor, another subject and the client, though all have the same payload or name."""
    key = unique_key()
    for vendor, subject in (("borealis", "someone"), ("acme", "someone"), (None, "someone"), (None, "someone else")):
        actor = Actor(Role.VENDOR_SYSTEM if vendor else Role.AUDITOR, (world.own,), vendor, subject)
        target = world.things[world.own, vendor or "acme"]
        body = {"json": door.knock(target)["json"], "headers": key}
        first, again = [await door.call(world, actor, target, **body) for _ in range(2)]

        assert (first.status_code, again.status_code) == (201, 201), f"{actor}: {first.text}"
        assert ("idempotent-replayed" in first.headers, "idempotent-replayed" in again.headers) == (False, True)


async def test_a_key_of_a_conversation_is_ones_own(world: World) -> None:
    """Two vendors' people and the client's can use the same key, each for what they have to say."""
    key = unique_key()
    [speaking] = [door for door in DOORS if door.method == "POST" and door.path == "/v1/cases/{case_id}/messages"]
    for vendor in ("borealis", "acme", None):
        actor = Actor(Role.VENDOR_POC if vendor else Role.AUDITOR, (world.own,), vendor)
        answer = await speaking.call(world, actor, world.things[world.own, vendor], headers=key)

        assert answer.status_code == 201
        assert "idempotent-replayed" not in answer.headers


async def test_the_same_external_id_names_an_audit_of_each_vendor(world: World) -> None:
    """A vendor's id neither swallows nor reveals another vendor's row."""
    external_id = str(uuid4())
    answers = []
    for vendor in ("borealis", "acme"):
        actor = Actor(Role.VENDOR_SYSTEM, (world.own,), vendor)
        row = world.things[world.own, vendor].row(external_id)
        answers.append(await world.client("audit", actor).post("/v1/audits", params={"programme": world.own}, json=row))

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["id"] != answers[1].json()["id"]


@pytest.mark.parametrize("app", ["audit", "rca"])
async def test_a_vendors_feed_holds_its_own_changes_alone(world: World, app: str) -> None:
    """All of them, page by page, and no canary of others; an internal message is in no vendor's feed."""
    poc = Actor(Role.VENDOR_POC, (world.own,), "acme")
    texts = ""
    params = {"programme": world.own, "limit": "20"}
    while True:
        answer = await world.client(app, poc).get("/v1/changes", params=params)
        assert_no_secrets(world, poc, answer)
        texts += answer.text
        params["after"] = answer.json()["cursor"]
        if not answer.json()["more"]:
            break

    assert canary(world.own, "acme") in texts
    assert canary(world.own, None) not in texts
