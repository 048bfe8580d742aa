"""What statements cost in a programme that is younger than its statistics: PostgreSQL expects it to have hardly a draw."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from appeals import Clock
from audit_api.calibration.golden import forget_audit, list_results
from audit_api.decisions.records import read_draws
from audit_api.items.records import get_item, list_items
from audit_api.lots.records import list_lots
from audit_api.lots.severity import severities
from audit_api.sampling.counting import frames, sources
from audit_api.sampling.draws import find_draw, get_receipt, list_draws, list_strata
from audit_api.sampling.items import replace
from audit_api.sampling.periods import Period
from audit_api.sampling.schedule import SAMPLER
from audit_api.staffing.plans import get_plan
from conftest import Noted
from factories import programme_document
from sampling import drawn
from statements import explained
from tallystick.schemas.principal import Role
from tallystick.schemas.sampling import AcceptanceAllocation
from tallystick.service.auth import Principal
from tallystick.service.database import Database, WriteSession
from tallystick_embedded.postgres import Cluster

FEW = 35
"""Buffers that a page of items or results reads at most, or a look-up; every table of the programme has more pages than these."""
SOME = 200
"""Buffers that a page of draws or lots reads at most, with what there is of each; every table has more rows, each a buffer."""
MANY = 1000
MANAGER = Principal("manager-1", frozenset({Role.QUALITY_MANAGER}), frozenset({"*"}), None, "")
NEWCOMER = Principal("newcomer", frozenset({Role.AUDITOR}), frozenset({"*"}), None, "")
"""Who has had no item in hand."""
DAY = date(2026, 3, 2)
"""On which something was planned to be done, and the day after the last that decisions were sent of."""
LOTS = AcceptanceAllocation(kind="acceptance", aql=6.5)

_OF_DRAWS = {"draw_keys": "'{}'", "draw_strata": "'{}'", "lots": "'{}'", "sample_items": "jsonb_build_object('id', uuidv7())"}
"""The tables of what a draw has, and what tells the rows of two draws apart besides the draw."""
_OTHERS = """
insert into calibration_items (programme, id, session_id, number, vendors, audit_id, render_hints, revision, position)
select $1, uuidv7(), uuidv7(), 1, '{}', uuidv7(), '{}', 1, n from generate_series(1, $2) n;
insert into golden_items select programme, id, id::text, 'verdict', 'correct' from calibration_items where programme = $1;
insert into golden_results (programme, position, item_id, audit_id, vendor, auditor, value, benchmark, agreed, audited_at)
select programme, position, id, audit_id, 'acme', 'qa-1', 'correct', 'correct', true, now()
from calibration_items where programme = $1;
insert into staffing_plans (programme, id, first_day, last_day, asked, answer, items, covered, made_by, made_at)
select $1, uuidv7(), date '2026-03-02', date '2026-03-02', '{"fair": true}', '{"loads": []}', 0, 0, 'manager-1', now()
from generate_series(1, $2) n;
insert into staffing_assignments (programme, plan_id, auditor, day, draw_id, stratum, items)
select programme, id, 'qa-1', date '2026-03-02', id, 's', 1 from staffing_plans where programme = $1;
insert into decision_frames (programme, day, owner, source, vendor, decisions, digest)
select $1, date '2026-03-02' - n, 'acme', 's-' || n, 'acme', 1, '' from generate_series(1, $2) n;
insert into decision_sources (programme, owner, source, vendor, edition, next_row, decisions, changed_at)
select $1, 'acme', 's-' || n, 'acme', 1, 1, 1, now() from generate_series(1, $2) n
"""
_TABLES = (
    "golden_results", "golden_items", "calibration_items", "staffing_assignments", "staffing_plans", "decision_sources",
    "decision_frames", *_OF_DRAWS, "draw_frames", "draw_sources", "draws",
)  # fmt: skip


@dataclass(frozen=True)
class Young:
    """A programme of many draws and golden items that PostgreSQL has not counted yet, and two of its draws."""

    programme: str
    plan_id: UUID
    draw_id: UUID
    large: UUID
    """One of many items."""


@pytest.fixture
async def young(
    audit_app: FastAPI, audit: httpx.AsyncClient, store: asyncpg.Connection, clock: Clock, programme: str
) -> AsyncIterator[Young]:
    """A draw with lots, and beside it many like it in a programme that was counted, and as many in one that is younger.

    None of them are left for tests of what looks over all programmes.
    """
    younger = f"{programme}-younger"
    (await audit.put(f"/v1/programmes/{younger}", json=programme_document(younger))).raise_for_status()
    made = await drawn(audit_app, audit, clock, programme, allocation=LOTS.model_dump(mode="json"))
    await store.execute("set session_replication_role = replica")  # no look at what refers to what
    await store.execute("set plan_cache_mode = force_generic_plan")  # as if no programme were young
    await _multiply(store, programme, made.draw["id"], programme)
    await store.execute("analyze")
    await _multiply(store, programme, made.draw["id"], younger)
    some = "select id from draws where programme = $1 order by id offset $2 limit 2"
    found, large = [row["id"] for row in await store.fetch(some, younger, MANY // 2)]
    await store.execute(
        "insert into sample_items select copy.* from sample_items row cross join generate_series(1, 50) number"
        " cross join lateral jsonb_populate_record(row, jsonb_build_object('id', uuidv7(), 'turn', number)) copy"
        " where row.programme = $1 and row.draw_id = $2",
        *(younger, large),
    )
    yield Young(younger, UUID(made.plan["id"]), found, large)
    for table in _TABLES:
        await store.execute(f"delete from {table} where programme = any ($1)", [programme, younger])
        await store.execute(f"vacuum analyze {table}")
    await store.execute("reset session_replication_role")
    await store.execute("reset plan_cache_mode")


async def _multiply(store: asyncpg.Connection, programme: str, draw_id: str, into: str) -> None:
    """Give a programme many draws like one, each with all that this one has, and as much of what else is looked up."""
    await store.execute(
        "insert into draws select copy.* from draws row cross join generate_series(1, $4) number cross join lateral"
        " jsonb_populate_record(row, jsonb_build_object('programme', $3::text, 'id', uuidv7(),"
        " 'first_day', row.first_day - number, 'last_day', row.last_day - number, 'position', number)) copy"
        " where row.programme = $1 and row.id = $2",
        *(programme, draw_id, into, MANY),
    )
    for table, own in _OF_DRAWS.items():
        await store.execute(
            f"insert into {table} select copy.* from {table} row cross join draws cross join lateral"
            f" jsonb_populate_record(row, {own} || jsonb_build_object('programme', draws.programme, 'draw_id', draws.id)) copy"
            " where row.programme = $1 and row.draw_id = $2 and draws.programme = $3 and draws.drawn_at is not null"
            " and draws.id <> $2",
            *(programme, draw_id, into),
        )
    for statement in _OTHERS.split(";"):
        await store.execute(statement, *((into, MANY) if "$2" in statement else (into,)))


Ask = Callable[[WriteSession], Awaitable[Any]]


@pytest.fixture
def costs(audit_app: FastAPI, cluster: Cluster, noted: Noted) -> Callable[[Ask, Principal], Awaitable[int]]:
    """How many buffers the statement reads that takes most of those that a function runs for somebody."""
    database: Database = audit_app.state.database

    async def cost(ask: Ask, principal: Principal) -> int:
        async with database.writing(principal) as session:
            with noted() as seen:
                await ask(session)
            await session.roll_back()
        await asyncio.sleep(0)  # the driver tells of a statement in the next turn of the loop
        run = [
            pair for pair in seen if pair[0].lstrip().lower().startswith(("select", "insert", "update", "delete", "with", "--"))
        ]
        _, buffers = await explained(cluster, "audit", run)
        return max(buffers)

    return cost


async def test_a_page_reads_what_it_shows(
    young: Young, store: asyncpg.Connection, costs: Callable[[Ask, Principal], Awaitable[int]]
) -> None:
    """Of draws, lots, items and golden results no list reads all that the programme has, and each thing is found by its id."""
    of, draw = young.programme, young.draw_id
    one = "select {} from {} where programme = $1 order by 1 limit 1"
    item_id = await store.fetchval("select id from sample_items where programme = $1 and draw_id = $2 limit 1", of, draw)
    audit_id = await store.fetchval(one.format("audit_id", "calibration_items"), of)
    plan_id = await store.fetchval(one.format("id", "staffing_plans"), of)
    day = await store.fetchval("select first_day from draws where programme = $1 and id = $2", of, draw)
    days = Period(DAY - timedelta(days=3), DAY)
    page: dict[str, Any] = {"before": None, "limit": 3}
    every_draw: dict[str, Any] = {"plan_id": None, "states": []}
    every_lot: dict[str, Any] = {"vendors": [], "draw_ids": [], "verdicts": []}

    async def replaced(session: WriteSession) -> None:
        await replace(session, await get_item(session, of, item_id))

    asked: dict[str, tuple[Ask, Principal, int]] = {
        "draws": (lambda s: list_draws(s, of, **every_draw, **page), MANAGER, SOME),
        "more draws": (lambda s: list_draws(s, of, **every_draw, before=(day, draw), limit=3), MANAGER, SOME),
        "a draw": (lambda s: find_draw(s, of, draw), MANAGER, FEW),
        "strata": (lambda s: list_strata(s, of, draw, [], "", 3), MANAGER, FEW),
        "a receipt": (lambda s: get_receipt(s, of, draw, "acme"), MANAGER, FEW),
        "lots": (lambda s: list_lots(s, of, **every_lot, **page), MANAGER, SOME),
        "more lots": (lambda s: list_lots(s, of, **every_lot, before=(day, draw, ""), limit=3), MANAGER, SOME),
        "lots of a draw": (lambda s: list_lots(s, of, **every_lot | {"draw_ids": [draw]}, **page), MANAGER, SOME),
        "items": (lambda s: list_items(s, of, {}, **page), MANAGER, FEW),
        "items of a draw": (lambda s: list_items(s, of, {"draw_id": [young.large], "state": ["waiting"]}, **page), MANAGER, FEW),
        "items of nobody": (lambda s: list_items(s, of, {"claimed_by": ["nobody"]}, **page), MANAGER, FEW),
        "own items": (lambda s: list_items(s, of, {}, **page), NEWCOMER, FEW),
        "the next of a stratum": (replaced, MANAGER, FEW),
        "golden results": (lambda s: list_results(s, of, auditors=["qa-1"], vendors=[], **page), MANAGER, FEW),
        "golden results of nobody": (lambda s: list_results(s, of, auditors=["nobody"], vendors=[], **page), MANAGER, FEW),
        "an erased audit": (lambda s: forget_audit(s, of, audit_id), MANAGER, FEW),
        "a staffing plan": (lambda s: get_plan(s, of, plan_id), MANAGER, FEW),
        "frames of days": (lambda s: frames(s, of, [], days), SAMPLER, FEW),
        "sources of days": (lambda s: sources(s, of, [], days), SAMPLER, FEW),
    }
    found = {name: (await costs(ask, principal), most) for name, (ask, principal, most) in asked.items()}

    assert {name: cost for name, (cost, most) in found.items() if cost > most} == {}


async def test_draws_are_not_held_against_each_other(young: Young, costs: Callable[[Ask, Principal], Awaitable[int]]) -> None:
    """What decisions are taken in by, and how the next lots are inspected, takes a look at each draw and each lot of it."""
    of = young.programme
    taking_in = await costs(lambda s: read_draws(s, SAMPLER, of, date.max), SAMPLER)
    inspected = await costs(lambda s: severities(s, of, young.plan_id, LOTS), SAMPLER)

    assert taking_in < MANY * 10
    assert inspected < MANY * 100
