"""What others record tells a vendor nothing: not that they did, not when, and not how much."""

import re
import time
from typing import Any

import httpx
import pytest

from reporting_api.projection.worker import rebuild
from reporting_api.settings import ReportingSettings
from security.doors import DOORS
from security.world import Actor, World
from tallystick.schemas.principal import Role

_VARYING = re.compile(
    r'"cursor":"[^"]*"|name="(?:form_token|key)" value="[^"]*"|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'
    r"|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]*Z|\d\d:\d\d:\d\d UTC"
)
"""In an answer: what differs from request to request, though nothing has happened."""
READ = [door for door in DOORS if door.method == "GET" and Role.VENDOR_POC in door.opens_for]


async def _record(world: World, vendor: str, rows: int = 1) -> list[dict[str, Any]]:
    """Push audits of a vendor, and answer what became of them."""
    target, actor = world.things[world.own, vendor], Actor(Role.VENDOR_SYSTEM, (world.own,), vendor)
    batch = [target.row() for _ in range(rows)]
    pushed = await world.client("audit", actor).post("/v1/audit-batches", params={"programme": world.own}, json=batch)
    results: list[dict[str, Any]] = pushed.json()["results"]
    assert {each["verdict"] for each in results} == {"created"}
    return results


async def _open_case(world: World) -> None:
    """Open a case that is shared with another vendor."""
    manager = world.client("rca", Actor(Role.QUALITY_MANAGER, (world.own,)))
    new = {"vendor": "borealis", "title": "Of another vendor"}
    (await manager.post("/v1/cases", params={"programme": world.own}, json=new)).raise_for_status()


async def _seen(world: World) -> dict[str, tuple[str, str]]:
    """What a vendor reads at every door that opens for it, with the ETag where nothing in the answer is as of now."""
    poc, target = Actor(Role.VENDOR_POC, (world.own,), "acme"), world.things[world.own, "acme"]
    answers: dict[str, tuple[str, str]] = {}
    for door in READ:
        answer = await door.call(world, poc, target)
        tag = "" if '"as_of"' in answer.text else answer.headers.get("etag", "")
        answers[f"{door} {len(answers)}"] = _VARYING.sub("", answer.text), tag
    return answers


async def test_nothing_that_a_vendor_reads_changes_with_what_others_record(
    world: World, reporting_settings: ReportingSettings
) -> None:
    """Neither in the answers of any route and page nor in their ETags, by which a vendor could ask every second."""
    await rebuild(reporting_settings, world.own)
    before = await _seen(world)
    await _record(world, "borealis", 20)
    await _open_case(world)
    await rebuild(reporting_settings, world.own)
    after = await _seen(world)

    assert {name for name, answer in after.items() if answer != before[name]} == set()


@pytest.mark.parametrize("app", ["audit", "rca"])
async def test_a_poll_of_a_feed_finds_it_where_it_was(world: World, app: str) -> None:
    """As long as others alone record something. The cursor goes on with it, and nobody can read in it how far."""
    poc = world.client(app, Actor(Role.VENDOR_POC, (world.own,), "acme"))
    start = await poc.get("/v1/changes", params={"programme": world.own, "limit": 20_000})
    last = start.json()["changes"][-1]["position"]
    asked: dict[str, Any] = {"params": {"programme": world.own, "after": start.json()["cursor"]}}
    await _record(world, "borealis")
    await _open_case(world)
    known = await poc.get("/v1/changes", **asked, headers={"If-None-Match": start.headers["etag"]})
    further = (await poc.get("/v1/changes", **asked)).json()
    again = (await poc.get("/v1/changes", params={"programme": world.own, "after": further["cursor"]})).json()

    assert (known.status_code, known.headers["etag"]) == (304, start.headers["etag"])
    assert (start.json()["position"], further["position"], again["position"]) == (last, last, last)
    assert (further["changes"], again["changes"]) == ([], [])
    assert len(further["cursor"]) == len(start.json()["cursor"])


async def test_the_gaps_between_a_vendors_positions_count_nothing(world: World) -> None:
    """A position is the microsecond in which it was taken, however much others recorded before it."""
    poc = world.client("audit", Actor(Role.VENDOR_POC, (world.own,), "acme"))
    for others in (0, 1, 300):
        if others:
            await _record(world, "borealis", others)
        begun = time.time_ns() // 1000
        [recorded] = await _record(world, "acme")
        ended = time.time_ns() // 1000
        audit = await poc.get(f"/v1/audits/{recorded['audit_id']}", params={"programme": world.own})

        assert begun <= audit.json()["position"] <= ended + 2  # of golden items, a row takes two


async def test_a_vendor_is_told_how_late_numbers_are_and_not_since_when(world: World) -> None:
    """Where the projection stands, and when it last counted something, would be when others recorded."""
    report = await world.client("reporting", Actor(Role.VENDOR_POC, (world.own,), "acme")).get(
        "/v1/reports/rca", params={"programme": world.own}
    )
    asked: dict[str, Any] = {"params": {"programme": world.own}}

    async def standing(actor: Actor) -> dict[str, Any]:
        answer: httpx.Response = await world.client("reporting", actor).get("/v1/projections", **asked)
        [found] = answer.json()["items"]
        return dict(found)

    told = await standing(Actor(Role.VENDOR_SYSTEM, (world.own,), "acme"))
    all_of_it = await standing(Actor(Role.ANALYST, (world.own,)))
    scope = report.json()["scope"]
    moving = ("position", "applied_at", "checked_at", "caught_up_at")

    assert {told[name] for name in moving} | {told["work"][name] for name in moving} | {told["searched"]} == {None}
    assert told["work"]["epoch"] is None  # it begins with the first case of all
    assert isinstance(told["lag_s"], float)
    assert (scope["position"], scope["work_position"], scope["work_epoch"]) == (None, None, None)
    assert None not in {all_of_it[name] for name in moving}
