"""What raters have given before review is in no answer of reporting-api, and not even in its database."""

from typing import Any

import asyncpg

from calibration import Facilitator, Hand, session_document
from reporting_api.projection.worker import rebuild
from reporting_api.settings import ReportingSettings
from security.doors import DOORS, Door
from security.world import Actor, World, tables
from tallystick.schemas.principal import Role

MARK = "clause-of-a-rating"
GETS = [door for door in DOORS if door.app == "reporting" and door.method == "GET"]
OF_CALIBRATION = [door for door in GETS if door.path.endswith("/calibration")]


async def test_before_review_no_route_tells_what_was_rated(world: World, reporting_settings: ReportingSettings) -> None:
    """Whoever asks, the raters themselves and who facilitates included; after it, the report does."""
    programme = world.own
    lead = Facilitator(world.client("audit", Actor(Role.QUALITY_MANAGER, (programme,), None, "lead")), programme)
    raters = {"rater-of-the-client": None, "rater-of-acme": "acme"}
    session = await lead.draft([{"content_ref": "item-to-judge"}] * 2, **session_document(*raters.items()))
    await lead.moved(session, "opening")
    actors = [Actor(Role.QUALITY_MANAGER, (programme,), None, "lead")]
    for (subject, vendor), values in zip(raters.items(), (("keep", "remove"), ("remove", "keep")), strict=True):
        actors.append(Actor(Role.VENDOR_POC if vendor else Role.QUALITY_MANAGER, (programme,), vendor, subject))
        hand = Hand(world.client("audit", actors[-1]), programme, session)
        for number, value in enumerate(values, 1):
            assert (await hand.rate(number, value, policy=MARK, comment=MARK)).status_code == 200
    await rebuild(reporting_settings, programme)
    before = await _told(world, actors, session, GETS)
    kept = await _kept(world)
    await lead.moved(session, "review")
    await rebuild(reporting_settings, programme)
    after = await _told(world, actors, session, OF_CALIBRATION)

    assert before == set()
    assert kept == set()
    assert after == {(door.path, actor.subject) for door in OF_CALIBRATION for actor in actors}
    assert await _kept(world) == {"calibration_ratings"}


async def _told(world: World, actors: list[Actor], session: str, doors: list[Door]) -> set[tuple[str, str]]:
    """The routes that name the mark, and to whom."""
    found: set[tuple[str, str]] = set()
    for actor in actors:
        for door in doors:
            query: dict[str, Any] = door.knock(world.things[world.own, "acme"]).get("params", {})
            if "session" in query:
                query = query | {"session": session}
            answer = await door.call(world, actor, world.things[world.own, "acme"], params=query)
            assert answer.status_code < 400, f"{actor} at {door}: {answer.text}"
            if MARK in answer.text:
                found.add((door.path, actor.subject))
    return found


async def _kept(world: World) -> set[str]:
    """The tables of reporting-api that hold the mark."""
    connection = await asyncpg.connect(world.admin_urls["reporting"])
    try:
        return {
            table
            for table, _ in await tables(connection)
            if await connection.fetchval(f"select exists (select from {table} t where t::text like $1)", f"%{MARK}%")
        }
    finally:
        await connection.close()
