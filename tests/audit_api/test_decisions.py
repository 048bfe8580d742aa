"""Decisions are counted, once each, and kept where a draw may take them."""

import time
from datetime import date, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from audit_api.decisions.tables import DIMENSIONS
from audit_api.decisions.tally import DrawTerms, Tally
from batches import problem
from conftest import Caller
from decisions import KEY, candidates, commit_draw, counts, frames, lines, send, sent
from factories import decision_row, programme_document
from tallystick.draw import FIELDS, Frame, canonical, rank, stratum_of
from tallystick.schemas.base import new_id
from tallystick.schemas.decision import Decision
from tallystick.schemas.principal import Role
from tallystick.schemas.sampling import SamplingScope, StratumDimension

DAY = date(2026, 9, 1)
FULL = {"risk": "high", "modality": "video", "render_hints": ["mute", "blur"], "automated_decision": True}


def told(batch: dict[str, Any]) -> tuple[int | None, ...]:
    """The counts of a batch."""
    return tuple(batch["counts"][name] for name in ("rows", "repeated", "rejected", "counted", "late", "candidates"))


async def test_decisions_are_counted_by_kind_and_day(audit: httpx.AsyncClient, programme: str, store: asyncpg.Connection) -> None:
    """Days are those of the programme's time zone; the frame holds each decision whole."""
    rows = [
        decision_row("D-1"),
        decision_row("D-2", decided_at="2026-09-01T21:59:59.5Z"),
        decision_row("D-3", decided_at="2026-09-01T22:00:00Z"),
        decision_row("D-4", **FULL),
    ]
    batch = await sent(audit, programme, rows)
    kind = ("acme", "lisbon", "live", "ES", "es", "m-1", "harassment", "remove", "false")

    assert told(batch) == (4, 0, 0, 4, 0, 0)
    assert await counts(store, programme) == {
        ("2026-09-01", *kind, "false", ""): 2,
        ("2026-09-02", *kind, "false", ""): 1,
        ("2026-09-01", *kind, "true", "high"): 1,
    }
    one, two, three, four = (canonical(Decision.model_validate(row)) for row in rows)
    assert await frames(store, programme) == {
        ("2026-09-01", "acme"): Frame.of([one, two, four]),
        ("2026-09-02", "acme"): Frame.of([three]),
    }


async def test_a_batch_and_its_source_can_be_read_again(audit: httpx.AsyncClient, programme: str) -> None:
    """Who sent what, and where to go on."""
    answer = await send(audit, programme, [decision_row(), decision_row("D-2", vendor=None), decision_row("D-3", queue="none")])
    batch = answer.json()
    read = await audit.get(f"/v1/{answer.headers['location']}")
    source = (await audit.get("/v1/decision-sources/s-1", params={"programme": programme})).json()
    listed = (await audit.get("/v1/decision-sources", params={"programme": programme})).json()

    assert read.json() == batch
    assert [(each["row"], each["errors"][0]["pointer"], each["errors"][0]["code"]) for each in batch["rejected"]] == [
        (2, "/vendor", "string_type"),
        (3, "/queue", "unknown_queue"),
    ]
    assert (source["edition"], source["next_row"], source["decisions"], source["vendor"]) == (1, 3, 1, None)
    assert listed == {"items": [source]}


async def test_lines_are_counted_once_however_they_are_sent(
    audit: httpx.AsyncClient, programme: str, store: asyncpg.Connection
) -> None:
    """What overlaps is repeated; a gap is refused, with where to go on."""
    rows = [decision_row(f"D-{number}") for number in range(10)]
    first = await sent(audit, programme, rows[:6])
    again = await sent(audit, programme, rows[:6])
    over = await sent(audit, programme, rows[4:], first_row=4)
    gap = await send(audit, programme, rows[:1], first_row=11)

    assert [told(batch) for batch in (first, again, over)] == [(6, 0, 0, 6, 0, 0), (6, 6, 0, 0, 0, 0), (6, 2, 0, 4, 0, 0)]
    assert (problem(gap), gap.json()["edition"], gap.json()["next_row"]) == ("source-out-of-step", 1, 10)
    assert sum((await counts(store, programme)).values()) == 10
    assert await frames(store, programme) == {
        ("2026-09-01", "acme"): Frame.of(canonical(Decision.model_validate(row)) for row in rows)
    }


async def test_a_corrected_file_takes_the_place_of_the_one_before(
    audit: httpx.AsyncClient, programme: str, store: asyncpg.Connection
) -> None:
    """As its next edition, from the first line on; other sources stay as they are."""
    draw_id = await commit_draw(store, programme)
    await sent(audit, programme, [decision_row(f"D-{number}") for number in range(3)])
    await sent(audit, programme, [decision_row("O-1", queue="comments")], source="other")
    corrected = [decision_row("D-1", action="keep"), decision_row("D-9")]
    batch = await sent(audit, programme, corrected, edition=2)
    again = await sent(audit, programme, corrected, edition=2)
    old = await send(audit, programme, corrected, edition=1)
    skipped = await send(audit, programme, corrected, edition=4)
    source = (await audit.get("/v1/decision-sources/s-1", params={"programme": programme})).json()

    assert told(batch) == (2, 0, 0, 2, 0, 2)
    assert told(again) == (2, 2, 0, 0, 0, 0)
    assert [(problem(answer), answer.json()["edition"]) for answer in (old, skipped)] == [("source-out-of-step", 2)] * 2
    assert (source["edition"], source["next_row"], source["decisions"]) == (2, 2, 2)
    assert sum((await counts(store, programme)).values()) == 3
    assert {one for ids in (await candidates(store, draw_id)).values() for one in ids} == {"D-1", "D-9", "O-1"}


async def test_candidates_are_those_that_come_first(audit: httpx.AsyncClient, programme: str, store: asyncpg.Connection) -> None:
    """Of every stratum, as many as its reserve, whatever is sent when; each with all that it says."""
    draw_id = await commit_draw(store, programme, reserve=5)
    rows = [decision_row(f"D-{number}", queue=("live", "comments")[number % 2], **FULL) for number in range(60)]
    for start in range(0, 60, 20):
        await sent(audit, programme, rows[start : start + 20], first_row=start)
    expected: dict[str, list[str]] = {}
    for row in sorted(rows, key=lambda row: rank(KEY, "acme", row["decision_id"])):
        code, _ = stratum_of((StratumDimension.VENDOR, StratumDimension.QUEUE), Decision.model_validate(row))
        expected.setdefault(code, []).append(row["decision_id"])
    [kept] = await store.fetch("select * from decision_candidates where draw_id = $1 limit 1", draw_id)
    names = set(Decision.model_fields)
    [row] = [row for row in rows if row["decision_id"] == kept["decision_id"]]

    assert await candidates(store, draw_id) == {code: ids[:5] for code, ids in expected.items()}
    assert Decision.model_validate({name: kept[name] for name in names}) == Decision.model_validate(
        row | {"render_hints": ["blur", "mute"]}
    )


async def test_what_a_withdrawal_leaves_is_still_what_comes_first(
    audit: httpx.AsyncClient, programme: str, store: asyncpg.Connection
) -> None:
    """Candidates that had been pushed out do not come back, and none that comes later is taken in their place."""
    draw_id = await commit_draw(store, programme, reserve=4)
    by_rank = sorted((f"D-{number}" for number in range(30)), key=lambda name: rank(KEY, "acme", name))
    await sent(audit, programme, [decision_row(name) for name in by_rank[:6]], source="first")
    await sent(audit, programme, [decision_row(name) for name in by_rank[6:20]], source="second")
    await sent(audit, programme, [], source="first", edition=2)
    none = await candidates(store, draw_id)
    late = await sent(audit, programme, [decision_row(name) for name in by_rank[20:]], source="third")
    back = await sent(audit, programme, [decision_row(name) for name in by_rank[1:6]], source="first", edition=3)

    assert none == {}
    assert late["counts"]["candidates"] == 0
    assert back["counts"]["candidates"] == 3
    assert list((await candidates(store, draw_id)).values()) == [by_rank[1:4]]


async def test_scope_and_period_say_what_is_a_candidate(
    audit: httpx.AsyncClient, programme: str, store: asyncpg.Connection
) -> None:
    """Of the draws that are to come. What comes after a draw was made is late: counted, and not in it."""
    open_id = await commit_draw(store, programme, scope={"queue": ["live"]})
    made_id = await commit_draw(store, programme, state="drawn", scope={"site": ["lisbon"]})
    rows = [
        decision_row("D-1"),
        decision_row("D-2", queue="comments"),
        decision_row("D-3", site="cairo"),
        decision_row("D-4", decided_at="2026-09-06T22:00:00Z"),
    ]
    batch = await sent(audit, programme, rows)

    assert told(batch) == (4, 0, 0, 4, 2, 2)
    assert [sorted(ids) for ids in (await candidates(store, open_id)).values()] == [
        ["D-1", "D-3"],
    ]
    assert await candidates(store, made_id) == {}


async def test_a_draw_that_was_made_stands_when_a_source_is_corrected(
    audit: httpx.AsyncClient, programme: str, store: asyncpg.Connection
) -> None:
    """Its candidates stay; counts and frames tell what is true now."""
    draw_id = await commit_draw(store, programme)
    await sent(audit, programme, [decision_row("D-1"), decision_row("D-2")])
    await store.execute("update draws set state = 'drawn' where id = $1", draw_id)
    batch = await sent(audit, programme, [decision_row("D-3")], edition=2)

    assert told(batch) == (1, 0, 0, 1, 1, 0)
    assert [sorted(ids) for ids in (await candidates(store, draw_id)).values()] == [["D-1", "D-2"]]
    assert sum((await counts(store, programme)).values()) == 1


async def test_a_day_is_counted_by_one_party(
    audit_app: FastAPI, audit: httpx.AsyncClient, caller: Caller, programme: str, store: asyncpg.Connection
) -> None:
    """The client's platform and the vendor's system know the same decisions: who comes second is told so, line by line."""
    vendor = caller(audit_app, Role.VENDOR_SYSTEM, vendor="acme")
    first = await sent(vendor, programme, [decision_row("D-1")])
    second = await sent(
        audit,
        programme,
        [
            decision_row("D-1"),
            decision_row("D-2"),
            decision_row("D-3", decided_at="2026-09-02T08:00:00Z"),
            decision_row("D-4", vendor="borealis", site="krakow"),
        ],
    )

    assert first["counts"]["counted"] == 1
    assert told(second) == (4, 0, 2, 2, 0, 0)
    assert [(each["row"], each["errors"][0]["code"]) for each in second["rejected"]] == [
        (1, "counted_from_elsewhere"),
        (2, "counted_from_elsewhere"),
    ]
    assert sum((await counts(store, programme)).values()) == 3


@pytest.mark.principal(Role.VENDOR_SYSTEM, vendor="acme")
async def test_a_vendor_sends_its_own_decisions_and_sees_its_own_sources(
    audit: httpx.AsyncClient, audit_app: FastAPI, caller: Caller, programme: str, store: asyncpg.Connection
) -> None:
    """Not those of others; and it is not told which of its own may be drawn."""
    client = caller(audit_app, Role.ADMIN)
    await commit_draw(store, programme)
    await sent(client, programme, [decision_row("B-1", vendor="borealis", site="krakow")])
    batch = await sent(audit, programme, [decision_row(), decision_row("D-2", vendor="borealis", site="krakow")])
    own = (await audit.get("/v1/decision-sources", params={"programme": programme})).json()["items"]
    everybodys = (await client.get("/v1/decision-sources", params={"programme": programme})).json()["items"]
    clients = await audit.get("/v1/decision-sources/s-1", params={"programme": programme, "vendor": "borealis"})
    of_acme = await client.get("/v1/decision-sources/s-1", params={"programme": programme, "vendor": "acme"})

    assert told(batch) == (2, 0, 1, 1, 0, None)
    assert batch["rejected"][0]["errors"][0]["code"] == "unknown_vendor"
    assert [each["vendor"] for each in own] == ["acme"]
    assert [each["vendor"] for each in everybodys] == [None, "acme"]
    assert of_acme.json() == own[0]
    assert problem(clients) == "not-found"


async def test_words_that_a_programme_learns(audit: httpx.AsyncClient, programme: str) -> None:
    """Open vocabularies grow by what decisions say; others reject it."""
    document = programme_document(programme, register_unknown=["queues", "sites", "policies"])
    etag = (await audit.get(f"/v1/programmes/{programme}")).headers["etag"]
    await audit.put(f"/v1/programmes/{programme}", json=document, headers={"If-Match": etag})
    rows = [decision_row("D-1", queue="new", site="porto", policy="spam"), decision_row("D-2", market="XX", queue="unseen")]
    batch = await sent(audit, programme, rows)
    grown = (await audit.get(f"/v1/programmes/{programme}")).json()["document"]

    assert told(batch) == (2, 0, 1, 1, 0, 0)
    assert grown["queues"] == ["live", "comments", "new"]
    assert grown["vendors"][0]["sites"] == ["lisbon", "cairo", "porto"]
    assert [policy["code"] for policy in grown["policy_set"]["policies"]][-1] == "spam"


async def test_a_draw_that_is_made_while_a_batch_arrives(
    audit: httpx.AsyncClient, programme: str, store: asyncpg.Connection
) -> None:
    """Nothing is written by what was known before: the batch is to be sent again."""
    draw_id = await commit_draw(store, programme)

    async def body() -> Any:
        yield lines([decision_row("D-1")])
        await store.execute("update draws set state = 'drawn' where id = $1", draw_id)
        yield lines([decision_row("D-2")])

    where = {"programme": programme, "source": "s-1"}
    kind = {"Content-Type": "application/x-ndjson"}
    answer = await audit.post("/v1/decision-batches", params=where, content=body(), headers=kind)
    nothing = await counts(store, programme)
    again = await sent(audit, programme, [decision_row("D-1"), decision_row("D-2")])

    assert problem(answer) == "unavailable"
    assert answer.headers["retry-after"] == "1"
    assert nothing == {}
    assert told(again) == (2, 0, 0, 2, 2, 0)


async def test_two_requests_of_one_source_at_once(audit: httpx.AsyncClient, programme: str, store: asyncpg.Connection) -> None:
    """One is taken, and the other is told where to go on."""
    rows = [decision_row(f"D-{number}") for number in range(4)]
    inner: list[httpx.Response] = []

    async def body() -> Any:
        yield lines(rows[:2])
        inner.append(await send(audit, programme, rows))
        yield lines(rows[2:])

    where = {"programme": programme, "source": "s-1"}
    kind = {"Content-Type": "application/x-ndjson"}
    answer = await audit.post("/v1/decision-batches", params=where, content=body(), headers=kind)

    assert inner[0].status_code == 201
    assert (problem(answer), answer.json()["next_row"]) == ("source-out-of-step", 4)
    assert sum((await counts(store, programme)).values()) == 4


def test_the_age_of_a_programme_costs_its_batches_nothing() -> None:
    """A kind of decision is held against the draws of its own day alone, and not against those of twenty years of days."""

    def took(years: int) -> float:
        scope = SamplingScope(queue=("live",))
        days = [DAY - timedelta(days=ago) for ago in reversed(range(365 * years))]
        tally = Tally([DrawTerms(new_id(), 2, day, day, scope, open=False) for day in days], frozenset())
        row = dict.fromkeys(FIELDS, "x") | {"vendor": "acme", "queue": "live"}
        kinds = [{**row, "moderator": f"m-{number}"} for number in range(2000)]
        begun = time.thread_time()
        cells = [tally.cell([*kind.values()], tuple(kind[name] for name in DIMENSIONS), DAY) for kind in kinds]
        lasted = time.thread_time() - begun

        assert {cell.late for cell in cells} == {True}
        return lasted

    assert min(took(20) for _ in range(3)) < 5 * min(took(1) for _ in range(3))
