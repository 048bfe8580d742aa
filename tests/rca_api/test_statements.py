"""What statements cost in a programme that is younger than its statistics: PostgreSQL expects it to have hardly a case."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import asyncpg
import httpx
import pytest

from actions import agreed, registered
from appeals import Clock
from cases import asked, done
from conftest import Noted
from factories import programme_document
from raised_signals import Signals
from rca_api.actions.following_up import follow_up
from rca_api.signals.following import follow
from statements import Statements, explained
from tallystick.client import Tallystick
from tallystick.schemas.programme import Programme
from tallystick.service.database import Database
from tallystick_embedded.postgres import Cluster

Json = dict[str, Any]

FEW = 30
"""Buffers that a look-up reads at most; every table of the programme has more pages than these."""
MANY = 2000

_ANEW = "jsonb_build_object('id', uuidv7())"
_OF_CASES = {
    "plans": "'{}'",
    **dict.fromkeys(("case_events", "case_messages", "whys", "causes", "actions", "notices", "coaching_sessions"), _ANEW),
}
"""The tables of what a case has, and what tells the rows of two cases apart besides the case."""


@pytest.fixture
async def store(cluster: Cluster) -> AsyncIterator[asyncpg.Connection]:
    """A connection to the database of rca-api that row-level security does not bind."""
    planned = {"plan_cache_mode": "force_generic_plan"}  # as if no programme were young
    connection = await asyncpg.connect(cluster.url("rca", "postgres"), server_settings=planned)
    yield connection
    await connection.close()


@pytest.fixture
async def case(
    audit: httpx.AsyncClient, rca: httpx.AsyncClient, store: asyncpg.Connection, database: Database, client: Tallystick,
    document: Programme, signalled: Signals, clock: Clock,
) -> AsyncIterator[Json]:  # fmt: skip
    """A case of a signal, with an action, a plan and more, in a programme of many like it that PostgreSQL has not counted yet.

    None of them are left for tests of what looks over all programmes.
    """
    clock.now = datetime(2026, 10, 1, 8, tzinfo=UTC)
    younger = f"{document.slug}-younger"
    await done(audit.put(f"/v1/programmes/{younger}", json=programme_document(younger)))
    await signalled.raise_one({"vendor": "acme", "site": "lisbon"}, date(2026, 9, 21))
    await follow(database, client, document, clock)
    of = {"programme": document.slug}
    [case] = (await rca.get("/v1/cases", params=of)).json()["items"]
    await done(asked(rca, case, "POST", "/messages", {"text": "Who was on shift?", "audience": "vendor"}))
    await done(asked(rca, case, "POST", "/whys", {"text": "Nobody was trained."}))
    await done(asked(rca, case, "POST", "/causes", {"code": "training_gap", "share": 0.2}))
    await agreed(rca, case)
    assert (await registered(rca, case)).is_success
    coaching = {"title": "Harassment", "person": "m-1", "vendor": "acme", "planned_for": "2026-10-05T08:00:00Z"}
    await done(rca.post("/v1/coaching-sessions", params=of, json=coaching | {"case_id": case["id"]}))
    await _multiply(store, case, document.slug)
    await store.execute("analyze")
    await _multiply(store, case, younger)
    found = await store.fetchval("select id from cases where programme = $1 order by id offset $2 limit 1", younger, MANY // 2)
    yield {"programme": younger, "id": str(found)}
    await store.execute("set session_replication_role = replica")  # no look at what refers to what
    for table in ("action_reminders", *_OF_CASES, "cases"):
        await store.execute(f"delete from {table} where programme = any ($1)", [document.slug, younger])
        await store.execute(f"vacuum analyze {table}")


async def _multiply(store: asyncpg.Connection, case: Json, programme: str) -> None:
    """Give a programme many cases like one, each with all that this one has."""
    await store.execute(
        "insert into cases select copy.* from cases row cross join generate_series(1, $4) number cross join lateral"
        " jsonb_populate_record(row, jsonb_build_object('programme', $3::text, 'id', uuidv7(), 'number', number)) copy"
        " where row.programme = $1 and row.id = $2",
        *(case["programme"], case["id"], programme, MANY),
    )
    for table, own in _OF_CASES.items():
        await store.execute(
            f"insert into {table} select copy.* from {table} row cross join cases cross join lateral"
            f" jsonb_populate_record(row, {own} || jsonb_build_object('programme', cases.programme, 'case_id', cases.id)) copy"
            " where row.programme = $1 and row.case_id = $2 and cases.programme = $3 and cases.id <> $2",
            *(case["programme"], case["id"], programme),
        )
    await store.execute(
        "insert into action_reminders select copy.* from action_reminders row cross join actions cross join lateral"
        " jsonb_populate_record(row, jsonb_build_object('programme', actions.programme, 'action_id', actions.id)) copy"
        " where row.action_id = any (select id from actions where programme = $1 and case_id = $2) and actions.programme = $3"
        " on conflict do nothing",
        *(case["programme"], case["id"], programme),
    )


async def _costs(cluster: Cluster, seen: Statements, table: str) -> list[int]:
    """How many buffers statements read that read or change a table, of those that were seen."""
    await asyncio.sleep(0)  # the driver tells of a statement in the next turn of the loop
    found = [pair for pair in seen if f"FROM {table} " in pair[0].replace("\n", " ") or pair[0].startswith(f"UPDATE {table} ")]
    _, buffers = await explained(cluster, "rca", found)
    return buffers


async def test_what_a_case_has_is_looked_up(
    rca: httpx.AsyncClient, store: asyncpg.Connection, cluster: Cluster, database: Database, case: Json, clock: Clock,
    noted: Noted,
) -> None:  # fmt: skip
    """Each thing by its id or its case's, whether somebody reads or changes it, or is reminded of it."""
    programme, at, board = case["programme"], f"/v1/cases/{case['id']}", f"/programmes/{case['programme']}/cases"
    of, any_version = {"programme": programme}, {"If-Match": "*"}
    await done(rca.patch(at, params=of, json={"priority": "critical"}, headers=any_version))
    one = "select id from {} where programme = $1 and case_id = $2"
    own = {
        table: await store.fetchval(one.format(table), programme, case["id"])
        for table in ("actions", "notices", "coaching_sessions", "causes")
    }
    costs: dict[str, list[int]] = {}
    for method, table, address, body in (
        ("GET", "cases", at, None),
        ("GET", "case_events", f"{at}/steps", None),
        ("GET", "case_messages", f"{at}/messages", None),
        ("GET", "whys", f"{at}/whys", None),
        ("GET", "causes", f"{at}/causes", None),
        ("GET", "plans", f"{at}/plan", None),
        ("GET", "actions", f"/v1/actions/{own['actions']}", None),
        ("GET", "notices", f"/v1/notices/{own['notices']}", None),
        ("GET", "coaching_sessions", f"/v1/coaching-sessions/{own['coaching_sessions']}", None),
        ("GET", "actions", f"{board}?priority=critical", None),
        ("POST", "causes", f"{at}/causes/{own['causes']}/decision", {"outcome": "accepted"}),
        ("POST", "actions", f"/v1/actions/{own['actions']}/steps", {"step": "start"}),
    ):
        with noted() as seen:
            where = of if address.startswith("/v1/") else None
            answer = await rca.request(method, address, params=where, json=body, headers=any_version)
        assert answer.is_success, answer.text
        costs[f"{method} {address}"] = await _costs(cluster, seen, table)

    due = "update action_reminders set told_at = null, at = $3 where programme = $1 and action_id = $2 and kind = $4"
    reminder = (due, programme, own["actions"], clock.now, "action.overdue")
    await store.execute(*reminder)
    with noted() as seen:
        await follow_up(database, clock)
    await store.execute(*reminder)
    reminding = await _costs(cluster, [pair for pair in seen if programme in pair[1]], "action_reminders")

    assert {place: found for place, found in costs.items() if not found or max(found) > FEW} == {}
    assert max(reminding) < MANY  # what is due in other programmes is passed over


async def test_what_is_left_to_do_is_found(
    rca: httpx.AsyncClient, store: asyncpg.Connection, cluster: Cluster, case: Json, noted: Noted
) -> None:
    """Notices of a case or a kind, actions that are overdue or done and coaching to answer, among many that are none of these."""
    programme, of = case["programme"], {"programme": case["programme"]}
    settled = "update {} set state = $1 where programme = any ($2) and case_id <> $3"
    programmes = [programme, programme.removesuffix("-younger")]
    for table, state in (("actions", "verified"), ("coaching_sessions", "agreed")):
        await store.execute(settled.format(table), state, programmes, case["id"])
        await store.execute(f"vacuum analyze {table}")
    costs: dict[str, list[int]] = {}
    for table, address, narrowed in (
        ("notices", "/v1/notices", {"case_id": case["id"]}),
        ("notices", "/v1/notices", {"kind": "plan.judged"}),
        ("actions", "/v1/actions", {"overdue": True}),
        ("actions", "/v1/actions", {"state": "done"}),
        ("coaching_sessions", "/v1/coaching-sessions", {"state": "held"}),
    ):
        with noted() as seen:
            await done(rca.get(address, params=of | narrowed))
        costs[f"{address} {narrowed}"] = await _costs(cluster, seen, table)

    assert {place: found for place, found in costs.items() if not found or max(found) > FEW} == {}
