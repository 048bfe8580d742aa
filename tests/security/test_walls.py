"""Isolation is built twice: with either half taken away, the other holds.

The halves are the filter that every statement carries, and row-level security in the database.
"""

import functools
import re
import sys
from collections.abc import AsyncIterator
from contextvars import ContextVar
from dataclasses import replace
from types import ModuleType
from typing import Any

import asyncpg
import pytest
from sqlalchemy import event, true

import audit_api.programmes.records
import audit_api.sampling.draws
import reporting_api.projection.cursors
from audit_api.calibration import visibility
from security.conftest import PACKAGES
from security.doors import DOORS, Door
from security.test_matrix import NOWHERE, assert_alike, assert_no_secrets
from security.world import Actor, Target, World, tables
from tallystick.schemas.principal import VENDOR_ROLES, Role
from tallystick.service import auth, database

every_door = pytest.mark.parametrize("door", DOORS, ids=str)


@pytest.fixture(scope="module", autouse=True)
async def nothing_of_others_changes(world: World, open_world: World) -> AsyncIterator[None]:
    """Whatever is tried here, the rows that are none of the callers' business stay as they are."""
    watchers = [(of, actor) for of in (world, open_world) for actor in watched(of)]
    before = [await of.fingerprint(actor) for of, actor in watchers]
    yield
    assert [await of.fingerprint(actor) for of, actor in watchers] == before


@functools.cache
def importers(name: str, of: Any) -> list[ModuleType]:
    """The modules of the product that have a function under a name."""
    ours = [module for path, module in list(sys.modules.items()) if path.partition(".")[0] in {"tallystick", *PACKAGES.values()}]
    return [module for module in ours if getattr(module, name, None) is of]


def replace_everywhere(monkeypatch: pytest.MonkeyPatch, name: str, old: Any, new: Any) -> int:
    """Put another function in the place of one, in every module of the product that has imported it; answers in how many."""
    modules = importers(name, old)
    for module in modules:
        monkeypatch.setattr(module, name, new)
    return len(modules)


@pytest.fixture
def without_filters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every statement forgets to name the programme and the vendor."""
    assert replace_everywhere(monkeypatch, "scoped", database.scoped, lambda statement, *_: statement) > 5
    assert replace_everywhere(monkeypatch, "visible", visibility.visible, lambda statement, *_: statement) > 3
    assert replace_everywhere(monkeypatch, "about", audit_api.sampling.draws.about, lambda *_: true()) > 0
    assert replace_everywhere(monkeypatch, "of_own_side", visibility.of_own_side, lambda *_: true()) > 2


@pytest.fixture
def without_entrance(monkeypatch: pytest.MonkeyPatch) -> None:
    """No route looks whether the programme is the caller's."""
    assert replace_everywhere(monkeypatch, "enter", auth.enter, lambda _principal, programme: programme) > 5
    monkeypatch.setattr(auth.Principal, "may_enter", lambda *_: True)


@pytest.fixture
def without_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """No document is asked whether it names the vendor."""
    monkeypatch.setattr(audit_api.programmes.records, "_names", lambda *_: True)
    assert replace_everywhere(monkeypatch, "names_vendor", reporting_api.projection.cursors.names_vendor, lambda *_: True) > 1


@pytest.mark.usefixtures("without_names")
@every_door
async def test_without_the_check_of_names_a_vendor_finds_only_programmes_that_name_it(world: World, door: Door) -> None:
    """The database knows which vendors a programme names, too."""
    for actor in world.strangers():
        there = replace(world.things[world.own, "acme"], vendor="northwind")
        await assert_alike(world, door, actor, there, Target(NOWHERE, "northwind"))


@pytest.mark.usefixtures("without_filters")
@every_door
async def test_without_the_filters_row_level_security_holds(world: World, door: Door) -> None:
    """Foreign vendors' and programmes' things still answer like what does not exist."""
    for actor in watched(world):
        if actor.vendor:
            for vendor in ("borealis", None):
                missing = Target(world.own, vendor and "no-such-vendor")
                await assert_alike(world, door, actor, world.things[world.own, vendor], missing)
        foreign = world.things[world.foreign, "acme"]
        await assert_alike(world, door, actor, foreign, Target(NOWHERE, "acme"))
        if "_id}" in door.path:
            await assert_alike(world, door, actor, replace(foreign, programme=world.own), Target(world.own, "acme"))


@pytest.mark.usefixtures("without_filters", "without_names", "without_entrance")
@every_door
async def test_without_any_check_nothing_foreign_is_read_or_written(world: World, door: Door) -> None:
    """Whatever the answer is then, it holds nothing of others."""
    for actor in watched(world):
        for target in (world.things[world.foreign, "acme"], world.things[world.foreign, "borealis"]):
            assert_no_secrets(world, actor, await door.call(world, actor, target))
        if actor.vendor:
            assert_no_secrets(world, actor, await door.call(world, actor, world.things[world.own, "borealis"]))


@every_door
async def test_without_row_level_security_the_filters_hold(open_world: World, door: Door) -> None:
    """Foreign vendors' and programmes' things answer like what does not exist, from a database without walls."""
    world = open_world
    for actor in [*watched(world), *world.strangers()]:
        if "*" in actor.programmes:
            there = replace(world.things[world.own, "acme"], vendor="northwind")
            await assert_alike(world, door, actor, there, Target(NOWHERE, "northwind"))
            continue
        if actor.vendor:
            for vendor in ("borealis", None):
                missing = Target(world.own, vendor and "no-such-vendor")
                await assert_alike(world, door, actor, world.things[world.own, vendor], missing)
        foreign = world.things[world.foreign, "acme"]
        await assert_alike(world, door, actor, foreign, Target(NOWHERE, "acme"))
        if "_id}" in door.path:
            await assert_alike(world, door, actor, replace(foreign, programme=world.own), Target(world.own, "acme"))
        if actor.vendor or door.method == "GET":
            assert_no_secrets(world, actor, await door.call(world, actor, world.things[world.own, "acme"]))


def watched(world: World) -> list[Actor]:
    """The vendor's people and systems, and the client's manager, each in one programme."""
    return [actor for actor in world.actors() if actor.role in {*VENDOR_ROLES, Role.QUALITY_MANAGER}]


async def test_the_walls_are_down_where_they_should_be(open_world: World, world: World) -> None:
    """What the tests above stand on: one world has row-level security, the other has none."""

    async def walls(of: World) -> list[bool]:
        found: list[bool] = []
        for url in of.admin_urls.values():
            connection = await asyncpg.connect(url)
            found += [row[0] for row in await connection.fetch("select relrowsecurity from pg_class where relforcerowsecurity")]
            await connection.close()
        return found

    assert not any(await walls(open_world))
    assert all(await walls(world))


NAMED_BY_DOCUMENT = {"programmes", "programme_versions", "cursors"}
"""Their rows have no vendor: which vendors they are there for stands in their documents, and Python looks there."""
_KNOCKING = ContextVar("knocking", default=False)
"""Whether a request is what runs: what a service does beside requests looks at all programmes."""
_TABLE = re.compile(r"\b(?:from|join|update)\s+(?:only\s+)?(\w+)", re.IGNORECASE)


async def test_every_statement_names_the_programme_and_the_vendor(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a vendor's request reads or changes, its statement says whose it is, and does not leave that to the policies."""
    statements: set[str] = set()

    def note(*arguments: Any) -> None:
        _note(statements, str(arguments[2]))

    for name in ("execute", "fetch", "fetchrow", "fetchval"):
        monkeypatch.setattr(asyncpg.Connection, name, _noting(getattr(asyncpg.Connection, name), statements))
    engines = [app.state.database.engine.sync_engine for app in world.apps.values()]
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    knocking = _KNOCKING.set(True)
    for actor in watched(world):
        if actor.vendor:
            for door in DOORS:
                await door.call(world, actor, world.things[world.own, "acme"])
    _KNOCKING.reset(knocking)
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)
    monkeypatch.undo()
    by_vendor: dict[str, bool] = {}
    for url in world.admin_urls.values():
        connection = await asyncpg.connect(url)
        by_vendor |= dict(await tables(connection))
        await connection.close()

    asked = {(table, text) for text in statements for table in _TABLE.findall(text) if table in by_vendor}
    assert {table for table, _ in asked} >= {
        "audits",
        "cases",
        "case_messages",
        "case_events",
        "case_evidence",
        "case_links",
        "whys",
        "causes",
        "rollups",
        "audit_batches",
        "programmes",
        "webhook_endpoints",
        "webhook_deliveries",
    }
    for table, text in asked:
        _, _, condition = text.partition(" where ") if " where " in text else text.partition(" on ")
        assert "programme" in condition, text
        assert "vendor" in condition or not by_vendor[table] or table in NAMED_BY_DOCUMENT, text


def _note(statements: set[str], query: str) -> None:
    if _KNOCKING.get():
        statements.add(" ".join(query.lower().split()))


def _noting(call: Any, statements: set[str]) -> Any:
    async def noted(self: asyncpg.Connection, query: str, *arguments: Any, **options: Any) -> Any:
        _note(statements, re.sub(r"--.*", "", query))
        return await call(self, query, *arguments, **options)

    return noted
