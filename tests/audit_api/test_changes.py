"""The change feed: every committed change, in the order of commits, none skipped and none twice, whoever writes meanwhile."""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from audit_api.app import create_app
from audit_api.audits import records as audits
from audit_api.audits.records import find_audit, revise
from audit_api.batches.routes import take_one
from audit_api.metadata import streams
from audit_api.programmes import records as programmes
from audit_api.settings import AuditSettings
from batches import ids, problem, pushed
from conftest import Caller
from factories import audit_row, missed, programme_document
from tallystick.schemas.audit import Judgement, NewAudit
from tallystick.schemas.base import new_id
from tallystick.schemas.change import ChangePage
from tallystick.schemas.principal import Role
from tallystick.service.auth import Principal
from tallystick.service.clock import utc_now
from tallystick.service.database import Database, ReadSession
from tallystick.service.feed import Feed, Noun, take_positions
from tallystick.service.manage import new_epoch

WRITER = Principal("writer", frozenset({Role.ADMIN}), frozenset({"*"}), None, "token")
Change = dict[str, Any]


async def _page(client: httpx.AsyncClient, programme: str, after: str | None = None, **query: Any) -> dict[str, Any]:
    cursor = {} if after is None else {"after": after}
    answer = await client.get("/v1/changes", params={"programme": programme, **cursor, **query}, timeout=60)
    assert answer.status_code == 200, answer.text
    ChangePage.model_validate_json(answer.content)
    page: dict[str, Any] = answer.json()
    return page


async def _all(client: httpx.AsyncClient, programme: str, after: str | None = None, **query: Any) -> tuple[list[Change], str]:
    """Everything after a cursor, page by page, and the last cursor."""
    seen: list[Change] = []
    for _ in range(500):
        page = await _page(client, programme, after, **query)
        seen += page["changes"]
        after = page["cursor"]
        if not page["more"]:
            return seen, page["cursor"]
    raise AssertionError("the feed does not end")


def _new(external_id: str, **changes: Any) -> NewAudit:
    return NewAudit.model_validate(missed(external_id, **changes))


@pytest.fixture
async def writers(audit_app: FastAPI) -> AsyncIterator[Database]:
    """A pool of connections that is large enough for 32 writers at once."""
    database = Database(audit_app.state.settings.database_url.get_secret_value(), 34)
    yield database
    await database.engine.dispose()


async def test_a_feed_shows_each_thing_as_it_stands(audit: httpx.AsyncClient, programme: str) -> None:
    """A change carries what the thing's own GET shows; a thing that changed twice appears once, at its newest position."""
    batch = await pushed(audit, programme, [missed("A-1"), missed("A-2"), missed("A-3")])
    await pushed(audit, programme, [missed("A-1", severity="minor")], on_conflict="revise")
    document = programme_document(programme, name="Another name")
    await audit.put(f"/v1/programmes/{programme}", json=document, headers={"If-Match": '"1"'})
    changes, cursor = await _all(audit, programme)
    rest = await _page(audit, programme, cursor)
    of = {"programme": programme}
    shown = [(await audit.get(f"/v1/audits/{audit_id}", params=of)).json() for audit_id in ids(batch)]
    configured = (await audit.get(f"/v1/programmes/{programme}")).json()

    assert [(change["noun"], change["id"], change["revision"]) for change in changes] == [
        ("audit", ids(batch)[1], 1),
        ("audit", ids(batch)[2], 1),
        ("audit", ids(batch)[0], 2),
        ("programme", programme, 2),
    ]
    assert [change["data"] for change in changes] == [shown[1], shown[2], shown[0], configured]
    assert [change["position"] for change in changes] == sorted({change["position"] for change in changes})
    assert (rest["changes"], rest["more"], rest["position"]) == ([], False, changes[-1]["position"])


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 1000])
async def test_pages_of_any_size_show_the_same(audit: httpx.AsyncClient, programme: str, limit: int) -> None:
    """However small the pages, across all nouns nothing is skipped and nothing comes twice."""
    await pushed(audit, programme, [audit_row(f"A-{number}") for number in range(5)])
    await audit.put(
        f"/v1/programmes/{programme}", json=programme_document(programme, name="Another"), headers={"If-Match": '"1"'}
    )
    await pushed(audit, programme, [audit_row(f"B-{number}") for number in range(5)])
    whole, _ = await _all(audit, programme)
    pieces, _ = await _all(audit, programme, limit=limit)

    assert len(whole) == 11
    assert pieces == whole


async def test_a_reader_passes_a_transaction_that_has_taken_no_position_yet(
    audit: httpx.AsyncClient, programme: str, writers: Database
) -> None:
    """A transaction that began first and commits last is read last: its positions are taken late, and never skipped."""
    await pushed(audit, programme, [audit_row("A-1")])
    _, cursor = await _all(audit, programme)
    async with writers.writing(WRITER) as held:
        await held.execute(streams.select().limit(1))
        await pushed(audit, programme, [audit_row("A-2"), audit_row("A-3")])
        meanwhile, cursor = await _all(audit, programme, cursor)
        await take_one(held, programme, _new("A-4"), utc_now())
    afterwards, _ = await _all(audit, programme, cursor)

    assert [change["data"]["external_id"] for change in meanwhile] == ["A-2", "A-3"]
    assert [change["data"]["external_id"] for change in afterwards] == ["A-4"]


async def test_a_reader_waits_for_nobody_and_misses_nobody(audit: httpx.AsyncClient, programme: str, writers: Database) -> None:
    """While a transaction holds positions, readers see what was committed before; later writers come after it."""
    await pushed(audit, programme, [audit_row("A-1")])
    _, cursor = await _all(audit, programme)
    async with writers.writing(WRITER) as held:
        await take_one(held, programme, _new("A-2"), utc_now())
        behind = [asyncio.create_task(pushed(audit, programme, [audit_row(f"B-{number}")])) for number in range(3)]
        polled: list[Change] = []
        for _ in range(5):
            changes, cursor = await _all(audit, programme, cursor)
            polled += changes
            await asyncio.sleep(0.01)
        waiting = [not task.done() for task in behind]
    await asyncio.gather(*behind)
    afterwards, _ = await _all(audit, programme, cursor)

    assert polled == []
    assert waiting == [True] * 3
    assert afterwards[0]["data"]["external_id"] == "A-2"
    assert {change["data"]["external_id"] for change in afterwards} == {"A-2", "B-0", "B-1", "B-2"}


async def test_a_programme_does_not_wait_for_another(audit: httpx.AsyncClient, programme: str, writers: Database) -> None:
    """A transaction that is held open in one programme stalls neither the writers nor the readers of another."""
    other = f"{programme}-2"
    await audit.put(f"/v1/programmes/{other}", json=programme_document(other))
    async with writers.writing(WRITER) as held:
        await take_one(held, programme, _new("A-1"), utc_now())
        async with asyncio.timeout(5):
            await pushed(audit, other, [audit_row("A-1")])
            changes, _ = await _all(audit, other)

    assert [change["noun"] for change in changes] == ["programme", "audit"]


async def test_what_is_rolled_back_is_never_shown(audit: httpx.AsyncClient, programme: str, writers: Database) -> None:
    """Positions of a transaction that failed go to the next."""
    _, cursor = await _all(audit, programme)
    async with writers.writing(WRITER) as doomed:
        await take_one(doomed, programme, _new("A-1"), utc_now())
        await doomed.roll_back()
    await pushed(audit, programme, [audit_row("A-2")])
    changes, _ = await _all(audit, programme, cursor)

    assert [change["data"]["external_id"] for change in changes] == ["A-2"]


async def test_a_change_between_the_reading_of_two_nouns_is_not_skipped(
    audit: httpx.AsyncClient, programme: str, writers: Database
) -> None:
    """The nouns are read one after the other: what is committed in between waits for the next page, of all nouns."""

    async def late(session: ReadSession, slug: str, after: int, limit: int) -> list[Change]:
        if not written:
            written.append(True)
            document = programme_document(programme, name="Changed in between")
            await audit.put(f"/v1/programmes/{programme}", json=document, headers={"If-Match": '"1"'})
            await pushed(audit, programme, [audit_row("A-2")])
        return await audits.read_changes(session, slug, after, limit)

    written: list[bool] = []
    await pushed(audit, programme, [audit_row("A-1")])
    feed = Feed(streams, [Noun("programme", programmes.read_changes), Noun("audit", late)])
    seen: list[tuple[str, int]] = []
    after = 0
    for _ in range(2):
        async with writers.reading(WRITER) as session:
            head = await feed.head(session, programme)
            changes = await feed.changes(session, programme, after, head.position, 100)
        seen += [(change["noun"], change["revision"]) for change in changes]
        after = head.position

    assert seen == [("programme", 1), ("audit", 1), ("programme", 2), ("audit", 1)]


async def test_32_writers_and_several_readers_agree(
    audit_app: FastAPI, caller: Caller, programme: str, writers: Database
) -> None:
    """With sleeps, revisions and rollbacks in any order, every reader sees every committed state, in order, none twice."""
    dice = random.Random(20260922)  # noqa: S311 - a course of events, no secret
    committed: dict[str, int] = {}

    async def write(number: int) -> None:
        own: list[str] = []
        for step in range(3):
            pauses = [dice.random() * 0.02 * (dice.random() < 0.4) for _ in range(2)]
            fails, revises = dice.random() < 0.25, bool(own) and dice.random() < 0.4
            with contextlib.suppress(ZeroDivisionError):
                async with writers.writing(WRITER) as session:
                    await asyncio.sleep(pauses[0])
                    if revises:
                        audit_id, revision = own[-1], committed[own[-1]] + 1
                        position = await take_positions(session, streams, programme, 1)
                        current = await find_audit(session, programme, UUID(audit_id))
                        judgement = Judgement.model_validate(
                            {"benchmark_action": "keep", "benchmark_policy": "no_violation", "verdict": "correct"}
                        )
                        await revise(session, current, judgement, f"Step {step}", position, utc_now())
                    else:
                        vendor = {"vendor": "borealis", "site": "krakow"} if number % 2 else {}
                        result = await take_one(session, programme, _new(f"W-{number}-{step}", **vendor), utc_now())
                        audit_id, revision = str(result.audit_id), 1
                    await asyncio.sleep(pauses[1])
                    step // (not fails)  # the transaction fails
                committed[audit_id] = revision
                own.append(audit_id)

    async def read(client: httpx.AsyncClient, limit: int, wait: float) -> list[Change]:
        seen: list[Change] = []
        cursor: str | None = None
        while True:
            ended = done.is_set()
            page = await _page(client, programme, cursor, limit=limit, wait=0 if ended else wait)
            seen += page["changes"]
            cursor = page["cursor"]
            if ended and not page["more"]:
                return seen

    done = asyncio.Event()
    admin, vendor = caller(audit_app, Role.ADMIN), caller(audit_app, Role.VENDOR_SYSTEM, vendor="borealis")
    patience = ((admin, 3, 0.05), (admin, 1000, 1), (vendor, 5, 0.5))
    readers = [asyncio.create_task(read(*each)) for each in patience]
    await asyncio.gather(*(write(number) for number in range(32)))
    done.set()
    everything = [[change for change in seen if change["noun"] == "audit"] for seen in await asyncio.gather(*readers)]
    whole, _ = await _all(admin, programme)
    borealis = {change["id"] for change in whole if change["noun"] == "audit" and change["data"]["vendor"] == "borealis"}
    final = {change["id"]: change["revision"] for change in whole if change["noun"] == "audit"}

    assert final == committed
    for seen, expected in zip(everything, (committed, committed, {name: committed[name] for name in borealis}), strict=True):
        positions = [change["position"] for change in seen]
        assert positions == sorted(set(positions))
        assert len({(change["id"], change["revision"]) for change in seen}) == len(seen)
        assert {change["id"]: change["revision"] for change in seen} == expected


async def test_a_vendor_follows_its_own_audits(audit_app: FastAPI, caller: Caller, programme: str) -> None:
    """The vendor's feed holds its audits and its own view of the programme; others' changes only move its cursor."""
    admin, acme = caller(audit_app, Role.ADMIN), caller(audit_app, Role.VENDOR_POC, vendor="acme")
    await pushed(admin, programme, [audit_row("A-1"), audit_row("B-1", vendor="borealis", site="krakow"), audit_row("A-2")])
    changes, cursor = await _all(acme, programme, limit=1)
    await pushed(admin, programme, [audit_row("B-2", vendor="borealis", site="krakow")])
    silent = await _page(acme, programme, cursor)
    await pushed(admin, programme, [audit_row("A-3")])
    rest, _ = await _all(acme, programme, silent["cursor"])

    assert [change["data"].get("external_id", "document") for change in changes] == ["document", "A-1", "A-2"]
    assert [vendor["slug"] for vendor in changes[0]["data"]["document"]["vendors"]] == ["acme"]
    assert silent["changes"] == []
    assert [change["data"]["external_id"] for change in rest] == ["A-3"]


async def test_a_stream_without_a_part_in_it_is_like_none(audit_app: FastAPI, caller: Caller, programme: str) -> None:
    """To a vendor that is not in the programme, a foreign stream and no stream answer alike."""
    stranger = caller(audit_app, Role.VENDOR_SYSTEM, vendor="northwind")
    await pushed(caller(audit_app, Role.ADMIN), programme, [audit_row("A-1")])
    foreign, missing = await _page(stranger, programme), await _page(stranger, f"{programme}-none")

    assert {**foreign, "programme": "", "cursor": ""} == {**missing, "programme": "", "cursor": ""}


async def test_a_long_poll_ends_with_the_first_change(audit: httpx.AsyncClient, programme: str) -> None:
    """Who waits is answered as soon as there is something to tell."""
    _, cursor = await _all(audit, programme)
    started = time.monotonic()
    waiting = asyncio.create_task(_page(audit, programme, cursor, wait=50))
    await pushed(audit, programme, [audit_row("A-1")])
    page = await asyncio.wait_for(waiting, 10)

    assert [change["data"]["external_id"] for change in page["changes"]] == ["A-1"]
    assert time.monotonic() - started < 10


async def test_a_long_poll_ends_when_its_time_is_over(audit: httpx.AsyncClient, programme: str) -> None:
    """Without a change the answer is empty, with a cursor to go on from."""
    _, cursor = await _all(audit, programme)
    started = time.monotonic()
    page = await _page(audit, programme, cursor, wait=0.3)

    assert (page["changes"], page["more"]) == ([], False)
    assert 0.3 <= time.monotonic() - started < 5


async def test_a_long_poll_holds_no_connection(audit: httpx.AsyncClient, programme: str) -> None:
    """More readers may wait than there are connections to the database, and others are served meanwhile."""
    _, cursor = await _all(audit, programme)
    waiting = [asyncio.create_task(_page(audit, programme, cursor, wait=30)) for _ in range(20)]
    async with asyncio.timeout(10):
        await pushed(audit, programme, [audit_row("A-1")])
        pages = await asyncio.gather(*waiting)

    assert {len(page["changes"]) for page in pages} == {1}


async def test_long_polls_end_when_the_service_drains(
    settings: Callable[..., dict[str, Any]], caller: Caller, programme: str
) -> None:
    """A service that is about to stop answers those who wait at once, and is not ready any more."""
    app = create_app(AuditSettings(**settings("audit", deliver=False)))
    client = caller(app, Role.ADMIN)
    async with app.router.lifespan_context(app):
        _, cursor = await _all(client, programme)
        waiting = asyncio.create_task(_page(client, programme, cursor, wait=50))
        ready = await client.get("/readyz")
        app.state.draining.set()
        page = await asyncio.wait_for(waiting, 10)
        unready, alive = await client.get("/readyz"), await client.get("/livez")

    assert page["changes"] == []
    assert [ready.status_code, unready.status_code, alive.status_code] == [200, 503, 200]
    assert problem(unready) == "unavailable"


@pytest.mark.parametrize(
    "query", [{"wait": 61}, {"wait": -1}, {"wait": "nan"}, {"limit": 0}, {"limit": 20_001}, {"after": "x" * 501}]
)
async def test_waiting_and_pages_are_bounded(audit: httpx.AsyncClient, programme: str, query: dict[str, Any]) -> None:
    """No reader may wait longer, or take more at once, than the service says."""
    answer = await audit.get("/v1/changes", params={"programme": programme, **query})

    assert (answer.status_code, problem(answer)) == (422, "invalid-request")


async def test_a_new_life_of_the_stream_is_told(audit: httpx.AsyncClient, audit_app: FastAPI, programme: str) -> None:
    """After a restore, `new-epoch` makes every cursor of before a 410: the reader starts again and finds all there is."""
    await pushed(audit, programme, [audit_row("A-1")])
    before, cursor = await _all(audit, programme)
    old = await _page(audit, programme)
    await new_epoch(audit_app.state.settings, streams)
    answer = await audit.get("/v1/changes", params={"programme": programme, "after": cursor})
    again, _ = await _all(audit, programme)
    new = await _page(audit, programme)

    assert (answer.status_code, problem(answer)) == (410, "feed-rewound")
    assert again == before
    assert new["epoch"] != old["epoch"]


async def test_a_cursor_ahead_of_the_stream_is_told(audit: httpx.AsyncClient, programme: str, store: asyncpg.Connection) -> None:
    """A stream that is shorter than the cursor was restored from a backup, even if nobody said so."""
    await pushed(audit, programme, [audit_row("A-1"), audit_row("A-2")])
    _, cursor = await _all(audit, programme)
    await store.execute("update streams set position = position - 1 where programme = $1", programme)
    answer = await audit.get("/v1/changes", params={"programme": programme, "after": cursor})

    assert (answer.status_code, problem(answer)) == (410, "feed-rewound")


async def test_a_cursor_belongs_to_its_reader_and_programme(audit_app: FastAPI, caller: Caller, programme: str) -> None:
    """A cursor of another subject, vendor or programme, or of a list, or a forged one, is 400."""
    admin = caller(audit_app, Role.ADMIN)
    other = f"{programme}-2"
    await admin.put(f"/v1/programmes/{other}", json=programme_document(other))
    await pushed(admin, programme, [audit_row("A-1"), audit_row("A-2")])
    cursor = (await _page(admin, programme))["cursor"]
    listed = await admin.get("/v1/audits", params={"programme": programme, "limit": 1})
    link = httpx.URL("http://test/").join(listed.links["next"]["url"])
    attempts = [
        (admin, other, cursor),
        (admin, programme, f"{cursor}x"),
        (admin, programme, "nonsense"),
        (admin, programme, link.params["cursor"]),
        (caller(audit_app, Role.ADMIN, subject="somebody-else"), programme, cursor),
        (caller(audit_app, Role.VENDOR_SYSTEM, vendor="acme"), programme, cursor),
    ]
    answers = [await client.get("/v1/changes", params={"programme": of, "after": after}) for client, of, after in attempts]

    assert [(answer.status_code, problem(answer)) for answer in answers] == [(400, "invalid-cursor")] * len(attempts)


async def test_a_page_that_has_not_changed_is_not_sent_again(audit: httpx.AsyncClient, programme: str) -> None:
    """The feed's position is its ETag: a reader that stands there gets 304 until something changes."""
    of = {"programme": programme}
    first = await audit.get("/v1/changes", params=of)
    same = await audit.get("/v1/changes", params=of, headers={"If-None-Match": first.headers["etag"]})
    await pushed(audit, programme, [audit_row("A-1")])
    changed = await audit.get("/v1/changes", params=of, headers={"If-None-Match": first.headers["etag"]})

    assert (same.status_code, same.content) == (304, b"")
    assert changed.status_code == 200
    assert changed.headers["etag"] != first.headers["etag"]


async def test_a_programme_that_nobody_wrote_to_has_an_empty_stream(audit: httpx.AsyncClient) -> None:
    """A reader may be there before the first change, and its cursor holds when the stream opens."""
    slug = f"late-{new_id().hex[-12:]}"
    empty = await _page(audit, slug)
    await audit.put(f"/v1/programmes/{slug}", json=programme_document(slug))
    changes, _ = await _all(audit, slug, empty["cursor"])

    assert (empty["changes"], empty["position"]) == ([], 0)
    assert [change["id"] for change in changes] == [slug]


async def test_repetitions_leave_the_stream_where_it_is(audit: httpx.AsyncClient, programme: str) -> None:
    """The same rows again take no positions: a reader's ETag holds."""
    rows = [audit_row(f"A-{number}") for number in range(20)]
    await audit.post("/v1/audit-batches", params={"programme": programme}, json=rows)
    before = await audit.get("/v1/changes", params={"programme": programme})
    again = await audit.post("/v1/audit-batches", params={"programme": programme}, json=rows)
    after = await audit.get("/v1/changes", params={"programme": programme})

    assert again.json()["counts"]["duplicate"] == 20
    assert after.json()["position"] == before.json()["position"]
    assert after.headers["etag"] == before.headers["etag"]


async def test_of_a_thing_those_fields_come_alone_that_are_asked_for(audit: httpx.AsyncClient, programme: str) -> None:
    """Other nouns come whole, and positions and ids are the same."""
    await pushed(audit, programme, [audit_row("A-1")])
    asked = {"programme": programme, "fields": ["audit.verdict", "audit.audited_at", "audit.nothing"]}

    part = (await audit.get("/v1/changes", params=asked)).json()
    whole = (await audit.get("/v1/changes", params={"programme": programme})).json()

    [data] = [change["data"] for change in part["changes"] if change["noun"] == "audit"]
    assert data == {"verdict": "correct", "audited_at": "2026-09-01T10:00:00Z"}
    assert [{**change, "data": None} for change in part["changes"]] == [{**change, "data": None} for change in whole["changes"]]
    assert [each for each in part["changes"] if each["noun"] != "audit"] == [
        each for each in whole["changes"] if each["noun"] != "audit"
    ]
    assert part["position"] == whole["position"]


async def test_fields_of_no_noun_are_refused(audit: httpx.AsyncClient, programme: str) -> None:
    """Or a reader would take a slip for a thing without anything in it."""
    answer = await audit.get("/v1/changes", params={"programme": programme, "fields": ["audits.verdict"]})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "query:fields.0"
