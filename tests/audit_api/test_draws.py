"""Draws: committed before their period, made once after it, and what anybody can hold against them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import orjson
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, update
from sqlalchemy.exc import DBAPIError

from appeals import Clock
from audit_api.sampling.drawing import make_draw
from audit_api.sampling.forgetting import forget_candidates
from audit_api.sampling.items import replace
from audit_api.sampling.schedule import SAMPLER, keep_up, lock_draw
from audit_api.sampling.tables import sample_items
from conftest import Caller
from decisions import candidates
from factories import decision_row, missed
from sampling import change, drawn, draws_of, items_of, next_monday, plan_document, publish, published, some_decisions, take_in
from tallystick import draw as repeated
from tallystick.schemas.decision import Decision
from tallystick.schemas.principal import Role
from tallystick.schemas.sampling import Receipt
from tallystick.service.database import Database, WriteSession


async def receipt(client: httpx.AsyncClient, programme: str, draw_id: str, vendor: str) -> Receipt:
    """What a vendor repeats the draw with."""
    answer = await client.get(f"/v1/draws/{draw_id}/receipt", params={"programme": programme, "vendor": vendor})
    assert answer.status_code == 200, answer.text
    return Receipt.model_validate_json(answer.content)


async def test_a_published_plan_has_the_draws_of_the_periods_to_come(
    audit: httpx.AsyncClient, programme: str, clock: Clock
) -> None:
    """Each committed before its period begins, with the commitment to a key that is not told."""
    first = next_monday(clock)
    plan = await published(audit, programme, plan_document(first))
    found = await draws_of(audit, programme, plan["id"])

    assert found[0]["first_day"] == first.isoformat()
    assert [date.fromisoformat(each["last_day"]) - date.fromisoformat(each["first_day"]) for each in found] == [
        timedelta(days=6)
    ] * len(found)
    assert {each["state"] for each in found} == {"committed"}
    assert [each["key"] for each in found] == [None] * len(found)
    assert len({each["commitment"] for each in found}) == len(found)


async def test_a_draw_is_repeated_from_decisions_and_receipt(
    audit_app: FastAPI, audit: httpx.AsyncClient, programme: str, clock: Clock
) -> None:
    """Every vendor finds its own part of it as it was made, and no change of a decision goes unnoticed."""
    made = await drawn(audit_app, audit, clock, programme)
    decisions = [Decision.model_validate(row) for row in made.decisions]
    receipts = [await receipt(audit, programme, made.draw["id"], vendor) for vendor in ("acme", "borealis")]

    assert made.draw["state"] == "drawn"
    assert made.draw["commitment"] == repeated.commitment(bytes.fromhex(made.draw["key"]))
    assert (made.draw["decisions"], made.draw["planned"], made.draw["drawn"]) == (60, 20, 20)
    assert [repeated.verify(each, decisions) for each in receipts] == [[], []]
    assert [each.decisions for each in receipts] == [40, 20]
    assert repeated.verify(receipts[0], decisions[1:2] + decisions[3:])
    more = Decision.model_validate(decision_row("D-new", decided_at=made.decisions[0]["decided_at"]))
    assert repeated.verify(receipts[0], [*decisions, more])
    altered = [each.model_copy(update={"market": "PL"}) if each.decision_id == "D-1" else each for each in decisions]
    assert repeated.verify(receipts[0], altered)


async def test_items_carry_the_probability_with_which_they_were_drawn(
    audit_app: FastAPI, audit: httpx.AsyncClient, programme: str, clock: Clock
) -> None:
    """It is what was drawn of a stratum by its decisions; every moderator's first item comes before anybody's second."""
    made = await drawn(audit_app, audit, clock, programme)
    strata = (await audit.get(f"/v1/draws/{made.draw['id']}/strata", params={"programme": programme})).json()["items"]
    shares = {each["stratum"]: each["drawn"] / each["decisions"] for each in strata}

    assert {item["stratum"]: item["inclusion_probability"] for item in made.items} == shares
    assert {item["state"] for item in made.items} == {"waiting"}
    assert len({item["decision_id"] for item in made.items}) == len(made.items) == 20
    turns = sorted((item["vendor"], item["moderator"], item["turn"]) for item in made.items)
    seen: dict[tuple[str, str], int] = {}
    for vendor, moderator, turn in turns:
        seen[vendor, moderator] = seen.get((vendor, moderator), 0) + 1
        assert turn == seen[vendor, moderator]


async def test_a_period_without_decisions_is_missed_and_its_key_told(
    audit_app: FastAPI, audit: httpx.AsyncClient, programme: str, clock: Clock
) -> None:
    """There is a receipt all the same: of nothing."""
    plan = await published(audit, programme, plan_document(next_monday(clock)))
    [first, *_] = await draws_of(audit, programme, plan["id"])
    early = await audit.post(f"/v1/draws/{first['id']}/drawing", params={"programme": programme})
    clock.now = datetime.fromisoformat(first["draw_after"])
    await keep_up(audit_app.state.database, clock)
    [missed] = [each for each in await draws_of(audit, programme, plan["id"]) if each["id"] == first["id"]]

    assert (early.status_code, early.json()["state"]) == (409, "committed")
    assert missed["state"] == "missed"
    assert repeated.commitment(bytes.fromhex(missed["key"])) == first["commitment"]
    assert repeated.verify(await receipt(audit, programme, first["id"], "acme"), []) == []


@pytest.mark.parametrize("table", ["draws", "sampling_plans"])
async def test_one_that_fails_keeps_no_other_from_being_made(
    audit_app: FastAPI,
    audit: httpx.AsyncClient,
    programme: str,
    clock: Clock,
    store: asyncpg.Connection,
    table: str,
) -> None:
    """Of two plans the older one cannot be read any more. The draws of the other are committed and made in the same round."""
    first = next_monday(clock)
    broken, sound = [await published(audit, programme, plan_document(first, title=title)) for title in ("Broken", "Sound")]
    of_plan = "plan_id" if table == "draws" else "id"
    column = "design" if table == "draws" else "document"
    await store.execute(f"update {table} set {column} = '{{}}' where {of_plan} = $1", UUID(broken["id"]))
    before = len(await draws_of(audit, programme, sound["id"]))
    clock.now = datetime.combine(first + timedelta(days=9), datetime.min.time(), UTC)
    await keep_up(audit_app.state.database, clock)
    states = [each["state"] for each in await draws_of(audit, programme, sound["id"])]

    ended = {"draws": "withdrawn", "sampling_plans": "retired"}[table]
    await store.execute(f"update {table} set state = '{ended}' where {of_plan} = $1", UUID(broken["id"]))  # out of others' way

    assert states.count("missed") == 1
    assert len(states) > before


async def test_of_many_replicas_one_commits_and_one_draws(
    audit_app: FastAPI, audit: httpx.AsyncClient, programme: str, clock: Clock
) -> None:
    """Every period has one draw, every draw is made once, and no decision is drawn twice."""
    first = next_monday(clock)
    plan = await published(audit, programme, plan_document(first, period="day", settle_hours=0))
    clock.now = datetime.combine(first + timedelta(days=7), datetime.min.time(), UTC) + timedelta(hours=1)
    await take_in(audit, programme, some_decisions(first, 200))
    await asyncio.gather(*(keep_up(audit_app.state.database, clock) for _ in range(4)))
    found = await draws_of(audit, programme, plan["id"])
    drawn_days = [each for each in found if each["state"] == "drawn"]

    assert len({each["first_day"] for each in found}) == len(found)
    assert [each["first_day"] for each in drawn_days] == [(first + timedelta(days=day)).isoformat() for day in range(7)]
    for each in drawn_days:
        items = await items_of(audit_app, programme, each["id"])
        assert (each["revision"], each["drawn"]) == (2, len({item["decision_id"] for item in items}))
        assert len(items) == each["drawn"]


async def test_a_draw_that_is_cut_off_anywhere_is_made_as_if_nothing_had_happened(
    audit_app: FastAPI,
    audit: httpx.AsyncClient,
    programme: str,
    clock: Clock,
    store: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """PostgreSQL ends its connection before each of its statements in turn: nothing of it is there until all of it is."""
    plan = await published(audit, programme, plan_document(next_monday(clock)))
    [draw, *_] = await draws_of(audit, programme, plan["id"])
    rows = some_decisions(next_monday(clock))
    clock.now = datetime.fromisoformat(draw["draw_after"])
    await take_in(audit, programme, rows)
    other = select(func.set_config("app.nothing", "", True))
    execute, kills, statements = WriteSession.execute, 0, 0

    async def cut_off(session: WriteSession, *arguments: Any) -> Any:
        nonlocal statements
        statements += 1
        if statements > kills:
            pid = (await execute(session, select(func.pg_backend_pid()))).scalar_one()
            await store.execute("select pg_terminate_backend($1, 5000)", pid)
        await execute(session, other)
        return await execute(session, *arguments)

    async def attempt() -> bool:
        nonlocal statements
        statements = 0
        async with audit_app.state.database.writing(SAMPLER) as session:
            row = await lock_draw(session, programme, UUID(draw["id"]), clock())
            assert row is not None
            with monkeypatch.context() as patch:
                patch.setattr(WriteSession, "execute", cut_off)
                await make_draw(session, row, clock())
        return True

    async def stored() -> list[str]:
        tables = ("draws", "draw_strata", "draw_frames", "draw_sources", "sample_items", "lots")
        return [str(await store.fetch(f"select t::text from {table} t where programme = $1", programme)) for table in tables]

    before = await stored()
    made = False
    while not made:
        try:
            made = await attempt()
        except (DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError):
            assert await stored() == before
            kills += 1

    [found] = [each for each in await draws_of(audit, programme, plan["id"]) if each["id"] == draw["id"]]
    assert kills > 5
    assert (found["state"], found["drawn"]) == ("drawn", 20)
    assert len(await items_of(audit_app, programme, draw["id"])) == 20


async def test_a_batch_that_was_ranked_by_another_version_is_sent_again(
    audit: httpx.AsyncClient, programme: str, clock: Clock
) -> None:
    """The plan is changed while the batch arrives: what was kept for its draw would be of strata that there are not any more."""
    first = next_monday(clock)
    plan = await published(audit, programme, plan_document(first))
    await change(audit, programme, plan["id"], plan_document(first, strata=["market"]))
    noon = datetime.combine(first, datetime.min.time(), UTC) + timedelta(hours=12)
    line = orjson.dumps(decision_row("D-1", decided_at=noon.isoformat())) + b"\n"
    before, clock.now = clock.now, noon

    async def body() -> AsyncIterator[bytes]:
        yield line[:10]
        clock.now = before
        await publish(audit, programme, plan["id"])
        clock.now = noon
        yield line[10:]

    of, kind = {"programme": programme, "source": "stream"}, {"Content-Type": "application/x-ndjson"}
    refused = await audit.post("/v1/decision-batches", params=of, content=body(), headers=kind)
    taken = await audit.post("/v1/decision-batches", params=of, content=line, headers=kind)

    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert (taken.status_code, taken.json()["counts"]["candidates"]) == (201, 1)


async def test_the_feed_tells_of_draws_and_their_items(
    audit_app: FastAPI, audit: httpx.AsyncClient, programme: str, clock: Clock, caller: Caller
) -> None:
    """Vendors of draws with their own strata, services and the client's people of the items as well; never in whose hands."""
    made = await drawn(audit_app, audit, clock, programme, minimum_per_moderator=1)
    readers = {
        "acme": caller(audit_app, Role.VENDOR_SYSTEM, vendor="acme"),
        "auditor": caller(audit_app, Role.AUDITOR),
        "client": audit,
    }
    told: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for name, reader in readers.items():
        answer = await reader.get("/v1/changes", params={"programme": programme, "limit": 1000})
        told[name] = {"draw": [], "sample_item": []}
        for each in answer.json()["changes"]:
            told[name].setdefault(each["noun"], []).append(each["data"])
    draws = {name: next(each for each in of["draw"] if each["id"] == made.draw["id"]) for name, of in told.items()}

    assert {stratum["vendor"] for stratum in draws["client"]["strata"]} == {"acme", "borealis"}
    assert {stratum["vendor"] for stratum in draws["acme"]["strata"]} == {"acme"}
    assert draws["acme"]["drawn"] == sum(stratum["drawn"] for stratum in draws["acme"]["strata"]) < draws["client"]["drawn"]
    assert draws["acme"]["key"] == made.draw["key"]
    assert all("moderator" in stratum["values"] for stratum in draws["acme"]["strata"])
    assert not any("moderator" in stratum["values"] for stratum in draws["auditor"]["strata"])
    assert told["acme"]["sample_item"] == []
    assert {each["id"] for each in told["client"]["sample_item"]} == {str(item["id"]) for item in made.items}
    assert "claimed_by" not in told["client"]["sample_item"][0]


async def test_the_next_in_rank_takes_the_place_of_a_void_item(
    audit_app: FastAPI, audit: httpx.AsyncClient, programme: str, clock: Clock
) -> None:
    """With the same probability, once for each, and the receipt says so; where none is left, nothing comes."""
    made = await drawn(audit_app, audit, clock, programme)
    database: Database = audit_app.state.database
    c = sample_items.c

    async def void(item: dict[str, Any]) -> UUID | None:
        async with database.writing(SAMPLER) as session:
            this = (c.programme == programme, c.id == item["id"])
            await session.execute(update(sample_items).where(*this).values(state="void"))
            row = (await session.execute(select(sample_items).where(*this))).one()
            return await replace(session, row)

    of_one = [item for item in made.items if item["stratum"] == made.items[0]["stratum"]]
    found = await asyncio.gather(*(void(item) for item in of_one))
    after = await items_of(audit_app, programme, made.draw["id"])
    came = [item for item in after if item["id"] in found]
    decisions = [Decision.model_validate(row) for row in made.decisions]
    paper = await receipt(audit, programme, made.draw["id"], of_one[0]["vendor"])
    [told] = [stratum for stratum in paper.strata if stratum.stratum == of_one[0]["stratum"]]

    assert len({item["decision_id"] for item in after}) == len(after) == len(made.items) + len(of_one)
    assert {item["inclusion_probability"] for item in came} == {of_one[0]["inclusion_probability"]}
    assert {(item["told"], item["position"], item["state"]) for item in came} == {(False, 0, "waiting")}
    assert set(told.voided) == {item["decision_id"] for item in of_one}
    assert repeated.verify(paper, decisions) == []


async def test_a_void_item_that_nothing_is_left_for_changes_no_receipt(
    audit_app: FastAPI, audit: httpx.AsyncClient, programme: str, clock: Clock
) -> None:
    """All decisions of the stratum were drawn: none takes its place, and the draw is repeated all the same."""
    rows = some_decisions(next_monday(clock), 9)
    made = await drawn(audit_app, audit, clock, programme, rows)
    [item, *_] = made.items
    c, database = sample_items.c, audit_app.state.database
    async with database.writing(SAMPLER) as session:
        this = (c.programme == programme, c.id == item["id"])
        await session.execute(update(sample_items).where(*this).values(state="void"))
        came = await replace(session, (await session.execute(select(sample_items).where(*this))).one())
    paper = await receipt(audit, programme, made.draw["id"], item["vendor"])

    assert came is None
    assert [stratum.voided for stratum in paper.strata] == [()] * len(paper.strata)
    assert repeated.verify(paper, [Decision.model_validate(row) for row in rows]) == []


async def test_candidates_are_forgotten_once_nothing_is_left_to_audit(
    audit_app: FastAPI, audit: httpx.AsyncClient, programme: str, clock: Clock, store: asyncpg.Connection
) -> None:
    """Until then they may take another's place. Those of draws to come stay, and a draw that is over is repeated all the same."""
    made = await drawn(audit_app, audit, clock, programme)
    [to_come, *_] = [each for each in await draws_of(audit, programme, made.plan["id"]) if each["state"] == "committed"]
    clock.now = datetime.fromisoformat(to_come["draw_after"]) - timedelta(days=2)
    await take_in(audit, programme, some_decisions(date.fromisoformat(to_come["first_day"]), days=3), source="next")
    waiting = "update sample_items set state = 'audited' where programme = $1 and ($2 or id <> $3)"
    last = made.items[0]["id"]

    async def left(draw_id: str) -> int:
        await forget_candidates(audit_app.state.database)
        return sum(map(len, (await candidates(store, UUID(draw_id))).values()))

    whole = await left(made.draw["id"])
    await store.execute(waiting, programme, False, last)
    with_one_left = await left(made.draw["id"])
    await store.execute(waiting, programme, True, last)
    paper = await receipt(audit, programme, made.draw["id"], "acme")

    assert whole == with_one_left > 20
    assert (await left(made.draw["id"]), await left(to_come["id"])) == (0, 60)
    assert repeated.verify(paper, [Decision.model_validate(row) for row in made.decisions]) == []


async def test_a_receipt_tells_a_vendor_how_far_its_own_sources_were(
    audit_app: FastAPI, audit: httpx.AsyncClient, programme: str, clock: Clock, caller: Caller
) -> None:
    """The client is told of all that the vendor's decisions came from; what comes after the draw changes nothing."""
    first = next_monday(clock)
    rows = [row for row in some_decisions(first) if row["vendor"] == "acme"]
    early = [row for row in rows if row["decided_at"][:10] == first.isoformat()]
    own = [row for row in rows if row not in early]
    system, poc = (caller(audit_app, role, vendor="acme") for role in (Role.VENDOR_SYSTEM, Role.VENDOR_POC))
    plan = await published(audit, programme, plan_document(first))
    [draw, *_] = await draws_of(audit, programme, plan["id"])
    clock.now = datetime.fromisoformat(draw["draw_after"]) + timedelta(minutes=1)
    await take_in(audit, programme, early, source="ours")
    await take_in(system, programme, own, source="theirs")
    (await audit.post(f"/v1/draws/{draw['id']}/drawing", params={"programme": programme})).raise_for_status()
    of_client = await receipt(audit, programme, draw["id"], "acme")
    await take_in(system, programme, [{**own[0], "decision_id": "D-late"}], source="more")
    of_vendor = await receipt(poc, programme, draw["id"], "acme")
    sources = [[(each.source, each.edition, each.lines, each.decisions) for each in of.sources] for of in (of_client, of_vendor)]

    theirs = ("theirs", 1, len(own), len(own))
    assert sources == [[("ours", 1, len(early), len(early)), theirs], [theirs]]
    assert (len(early), len(own), of_vendor.decisions) == (6, 34, 40)


async def test_a_vendor_sees_nothing_of_draws_about_others(
    audit_app: FastAPI, audit: httpx.AsyncClient, programme: str, clock: Clock, caller: Caller
) -> None:
    """A scope is shown without the others that it names, and a draw about others alone is not there."""
    made = await drawn(audit_app, audit, clock, programme, scope={"vendor": ["acme", "borealis"]})
    alone = await drawn(audit_app, audit, clock, programme, scope={"vendor": ["borealis"]}, title="Theirs")
    poc, of = caller(audit_app, Role.VENDOR_POC, vendor="acme"), {"programme": programme, "vendor": "acme"}
    paper = await receipt(poc, programme, made.draw["id"], "acme")
    seen = await draws_of(poc, programme, made.plan["id"])
    foreign = await poc.get(f"/v1/draws/{alone.draw['id']}/receipt", params=of)
    others = await poc.get(f"/v1/draws/{made.draw['id']}/receipt", params=of | {"vendor": "borealis"})
    nobodys = await audit.get(f"/v1/draws/{made.draw['id']}/receipt", params=of | {"vendor": "nobody"})

    assert paper.scope.vendor == ("acme",)
    assert {each["id"] for each in seen} >= {made.draw["id"]}
    assert await draws_of(poc, programme, alone.plan["id"]) == []
    assert [each.status_code for each in (foreign, others, nobodys)] == [404, 404, 404]


@pytest.mark.parametrize("kind", ["proportional", "neyman"])
async def test_a_total_over_several_vendors_is_told_to_none_of_them(
    audit: httpx.AsyncClient, audit_app: FastAPI, caller: Caller, clock: Clock, programme: str, kind: str
) -> None:
    """Less its own part it is that of the others, and in proportion their volume. One's own total is told."""
    allocation = {"kind": kind, "total": 12}
    shared = await drawn(audit_app, audit, clock, programme, allocation=allocation)
    own = await drawn(audit_app, audit, clock, programme, allocation=allocation, scope={"vendor": ["acme"]})
    poc = caller(audit_app, Role.VENDOR_POC, vendor="acme")
    of = {"programme": programme}
    one, ones_own = [(await poc.get(f"/v1/draws/{each.draw['id']}", params=of)).json() for each in (shared, own)]
    changes = (await poc.get("/v1/changes", params=of)).json()["changes"]
    followed = {change["id"]: change["data"]["allocation"] for change in changes if change["noun"] == "draw"}
    papers = [await receipt(client, programme, shared.draw["id"], "acme") for client in (poc, audit)]

    assert shared.draw["allocation"]["total"] == ones_own["allocation"]["total"] == 12
    assert one["allocation"] == followed[one["id"]] == {"kind": kind, "total": None}
    assert [paper.allocation.model_dump() for paper in papers] == [one["allocation"]] * 2
    assert 0 < one["drawn"] < shared.draw["drawn"] == 12


async def test_lots_are_inspected_by_the_standard_and_the_lots_before(
    audit_app: FastAPI, audit: httpx.AsyncClient, programme: str, clock: Clock, store: asyncpg.Connection
) -> None:
    """Two rejected lots of five make the inspection of the next one tightened; the sample follows from size and AQL."""
    first = next_monday(clock)
    acceptance = {"kind": "acceptance", "aql": 4}
    plan = await published(audit, programme, plan_document(first, strata=[], allocation=acceptance))
    rows = []
    for week in range(3):
        day = first + timedelta(weeks=week)
        noon = datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=12)
        decisions = [decision_row(f"D-{week}-{number}", decided_at=noon.isoformat()) for number in range(100)]
        await keep_up(audit_app.state.database, clock)
        [draw] = [each for each in await draws_of(audit, programme, plan["id"]) if each["first_day"] == day.isoformat()]
        clock.now = datetime.fromisoformat(draw["draw_after"]) + timedelta(minutes=1)
        await take_in(audit, programme, decisions, source=f"week {week}")
        await audit.post(f"/v1/draws/{draw['id']}/drawing", params={"programme": programme})
        items = await items_of(audit_app, programme, draw["id"])
        wrong = [missed(str(item["id"]), audited_at="2026-09-02T10:00:00Z") for item in items]
        results = (await audit.post("/v1/audit-batches", params={"programme": programme}, json=wrong)).json()["results"]
        for item, result in zip(items, results, strict=True):
            await store.execute(
                "update sample_items set audit_id = $1, state = 'audited' where programme = $2 and id = $3",
                *(UUID(result["audit_id"]), programme, item["id"]),
            )
        lot = await store.fetchrow("select * from lots where programme = $1 and draw_id = $2", programme, UUID(draw["id"]))
        assert lot is not None
        rows.append((lot["severity"], lot["code_letter"], lot["sample"], lot["accept"], lot["reject"], len(items)))

    assert rows == [("normal", "F", 20, 2, 3, 20), ("normal", "F", 20, 2, 3, 20), ("tightened", "F", 20, 1, 2, 20)]
