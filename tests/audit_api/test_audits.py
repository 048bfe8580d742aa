"""Audits: recorded once, listed and filtered, revised with a reason, erased on request; never edited."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import orjson
import pytest
from fastapi import FastAPI

from batches import Found, Stored, ids, problem, pushed
from conftest import Caller, Noted
from factories import audit_row, missed, programme_document
from statements import Statements, explained, runtime
from tallystick.schemas.audit import Audit
from tallystick.schemas.base import new_id
from tallystick.schemas.principal import Role
from tallystick_embedded.postgres import Cluster

NO_SUCH = "01a204a9-4350-70e1-b4e8-fc290367a4d0"


async def _create(client: httpx.AsyncClient, programme: str, row: dict[str, Any]) -> httpx.Response:
    return await client.post("/v1/audits", params={"programme": programme}, json=row)


async def _revise(
    client: httpx.AsyncClient, programme: str, audit_id: str, if_match: str | None, **changes: Any
) -> httpx.Response:
    judgement = {"benchmark_action": "keep", "benchmark_policy": "no_violation", "verdict": "correct"} | changes
    return await client.post(
        f"/v1/audits/{audit_id}/revisions",
        params={"programme": programme},
        json={"judgement": judgement, "reason": f"Because {if_match}"},
        headers={} if if_match is None else {"If-Match": if_match},
    )


async def _erase(client: httpx.AsyncClient, programme: str, audit_id: str, if_match: str | None) -> httpx.Response:
    return await client.post(
        f"/v1/audits/{audit_id}/erasure",
        params={"programme": programme},
        json={"reason": "On request"},
        headers={} if if_match is None else {"If-Match": if_match},
    )


async def _pages(client: httpx.AsyncClient, programme: str, **query: Any) -> AsyncIterator[list[dict[str, Any]]]:
    """All pages of a list, by its links."""
    answer = await client.get("/v1/audits", params={"programme": programme, **query})
    for _ in range(100):
        assert answer.status_code == 200, answer.text
        yield answer.json()["items"]
        if "next" not in answer.links:
            return
        answer = await client.get(str(answer.url.join(answer.links["next"]["url"])))
    raise AssertionError("the list does not end")


async def test_an_audit_is_recorded_and_read_back(audit: httpx.AsyncClient, programme: str) -> None:
    """201 with where it is; what is read there is what was answered, and says everything that was sent."""
    row = missed(scorecard=[{"code": "a", "weight": 2, "rating": 0.5, "auto_fail": False}], comment="Hm.", stratum="high")
    created = await _create(audit, programme, row)
    read = await audit.get(created.url.join(created.headers["location"]))
    document = Audit.model_validate_json(read.content)

    assert created.status_code == 201
    assert read.json() == created.json()
    assert {name: read.json()[name] for name in row} == row
    assert (document.revision, document.quality_score, document.first_scored, document.erased) == (1, 0.5, None, False)
    assert read.headers["etag"] == created.headers["etag"] == '"1"'


async def test_an_audit_that_has_not_changed_is_not_sent_again(audit: httpx.AsyncClient, programme: str) -> None:
    """A reader with the current version gets 304, and the document once it has changed."""
    created = await _create(audit, programme, missed())
    address = created.url.join(created.headers["location"])
    tags = [created.headers["etag"], '"7", "1"', "*", f"W/{created.headers['etag']}"]
    known = [await audit.get(address, headers={"If-None-Match": tag}) for tag in tags]
    await _revise(audit, programme, created.json()["id"], '"1"')
    changed = await audit.get(address, headers={"If-None-Match": '"1"'})

    assert [answer.status_code for answer in known] == [304] * 4
    assert {answer.content for answer in known} == {b""}
    assert known[0].headers["etag"] == '"1"'
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')


async def test_the_same_audit_again_is_the_same(audit: httpx.AsyncClient, programme: str) -> None:
    """200 instead of 201 and the same id; another content is a conflict that names the audit and what differs."""
    first = await _create(audit, programme, audit_row())
    second = await _create(audit, programme, audit_row())
    third = await _create(audit, programme, audit_row(queue="comments"))

    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json() == first.json()
    assert "location" not in second.headers
    assert problem(third) == "audit-conflict"
    assert third.json()["audit_id"] == first.json()["id"]
    assert third.json()["errors"] == [{"pointer": "/queue", "code": "differs", "detail": "Another value was recorded before."}]


@pytest.mark.parametrize(
    ("changes", "status", "pointer", "code"),
    [
        ({"queue": "c4n4ry"}, 409, "/queue", "unknown_queue"),
        ({"audited_at": "2026-08-31T00:00:00Z"}, 409, "/audited_at", "before_decision"),
        ({"verdict": "c4n4ry"}, 422, "/verdict", "enum"),
        ({"moderator": "c4n4ry\x00"}, 422, "/moderator", "string_pattern_mismatch"),
        ({"c4n4ry": 1}, 422, "/c4n4ry", "extra_forbidden"),
        ({"\x00c4n4ry": 1}, 422, "/?", "extra_forbidden"),
        ({"scorecard": [{"code": "a", "weight": -1}]}, 422, "/scorecard/0/weight", "greater_than"),
    ],
)
async def test_a_fault_is_pointed_at(
    audit: httpx.AsyncClient, programme: str, stored: Stored, changes: dict[str, Any], status: int, pointer: str, code: str
) -> None:
    """422 where the shape is wrong, 409 where the programme says no; neither shows the value, and nothing is written."""
    before = await stored()
    answer = await _create(audit, programme, audit_row() | changes)
    after = await stored()

    assert answer.status_code == status
    assert problem(answer) == ("audit-refused" if status == 409 else "invalid-request")
    assert (pointer, code) in [(error["pointer"], error["code"]) for error in answer.json()["errors"]]
    assert "c4n4ry" not in answer.text.replace(pointer, "")
    assert after == before


@pytest.mark.parametrize(
    ("body", "headers", "status", "kind"),
    [
        (b'{"external_id": ', {}, 400, "malformed-request"),
        (b"\xff", {}, 400, "malformed-request"),
        (b"[" * 100_000, {}, 400, "malformed-request"),
        (b'{"handling_time_s": ' + b"9" * 5000 + b"}", {}, 400, "malformed-request"),
        (b"", {}, 422, "invalid-request"),
        (b"[]", {}, 422, "invalid-request"),
        (b"null", {}, 422, "invalid-request"),
        (b"{}", {"Content-Type": "text/plain"}, 415, "unsupported-media-type"),
        (b"{}", {"Content-Type": "application/x-www-form-urlencoded"}, 415, "unsupported-media-type"),
        (b"{}", {"Content-Encoding": "br"}, 415, "unsupported-media-type"),
        (b"{}", {"Content-Encoding": "gzip"}, 400, "malformed-request"),
        (b" " * 1_000_001, {}, 413, "body-too-large"),
    ],
)
async def test_a_body_that_is_no_audit_is_a_problem(
    audit: httpx.AsyncClient, programme: str, body: bytes, headers: dict[str, str], status: int, kind: str
) -> None:
    """Whatever is sent instead of an audit, the answer says what kind of fault it is."""
    answer = await audit.post(
        "/v1/audits", params={"programme": programme}, content=body, headers={"Content-Type": "application/json", **headers}
    )

    assert (answer.status_code, problem(answer)) == (status, kind)


_VARIED = [
    audit_row("A-1", market="PL", language="pl", moderator="m-1", auditor="qa-1", audited_at="2026-09-01T10:00:00Z"),
    audit_row("A-2", queue="comments", policy="hate", benchmark_policy="hate", audited_at="2026-09-02T10:00:00Z"),
    missed("A-3", site="cairo", moderator="m-2", auditor="qa-2", audited_at="2026-09-03T10:00:00Z", audit_party="vendor"),
    missed("B-1", vendor="borealis", site="krakow", severity="critical", audited_at="2026-09-04T10:00:00Z"),
    missed("B-2", vendor="borealis", site="krakow", error_class="false_positive", error_code="FP-HARASS",
           audited_at="2026-09-05T10:00:00Z"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, "B-2 B-1 A-3 A-2 A-1"),
        ({"vendor": "acme"}, "A-3 A-2 A-1"),
        ({"vendor": ["acme", "borealis"]}, "B-2 B-1 A-3 A-2 A-1"),
        ({"vendor": "northwind"}, ""),
        ({"site": ["cairo", "krakow"]}, "B-2 B-1 A-3"),
        ({"queue": "comments"}, "A-2"),
        ({"market": "PL"}, "A-1"),
        ({"language": "pl"}, "A-1"),
        ({"policy": "hate"}, "A-2"),
        ({"moderator": ["m-2"]}, "A-3"),
        ({"auditor": "qa-2"}, "A-3"),
        ({"audit_party": "vendor"}, "A-3"),
        ({"verdict": "incorrect"}, "B-2 B-1 A-3"),
        ({"error_class": "false_positive"}, "B-2"),
        ({"error_code": ["FP-HARASS", "FN-HARASS"]}, "B-2 B-1 A-3"),
        ({"severity": "critical"}, "B-1"),
        ({"external_id": ["A-1", "B-1"]}, "B-1 A-1"),
        ({"batch_id": NO_SUCH}, ""),
        ({"from": "2026-09-03T10:00:00Z"}, "B-2 B-1 A-3"),
        ({"to": "2026-09-03T10:00:00Z"}, "A-2 A-1"),
        ({"from": "2026-09-02T00:00:00+02:00", "to": "2026-09-04T00:00:00Z"}, "A-3 A-2"),
        ({"from": "2026-09-02", "to": "2026-09-04"}, "A-3 A-2"),
        ({"from": "2026-09-05"}, "B-2"),
        ({"from": "2026-09-03T10:00:00Z", "to": "2026-09-05"}, "B-1 A-3"),
        ({"vendor": "borealis", "severity": "critical"}, "B-1"),
        ({"vendor": "acme", "severity": "critical"}, ""),
    ],
)
async def test_lists_are_narrowed_by_every_filter(
    audit: httpx.AsyncClient, programme: str, query: dict[str, Any], expected: str
) -> None:
    """Repeated filters mean any of them, different ones all of them; the newest audit comes first."""
    batch = await pushed(audit, programme, _VARIED)
    answer = await audit.get("/v1/audits", params={"programme": programme, **query})
    of_batch = await audit.get("/v1/audits", params={"programme": programme, **query, "batch_id": batch["id"]})

    assert " ".join(item["external_id"] for item in answer.json()["items"]) == expected
    assert "batch_id" in query or of_batch.json() == answer.json()
    assert "next" not in answer.links


async def test_a_day_is_one_of_the_programmes_time_zone(audit: httpx.AsyncClient, programme: str) -> None:
    """In Berlin the second of September begins at ten in the evening of the first, as UTC counts."""
    moments = ["2026-09-01T21:59:59Z", "2026-09-01T22:00:00Z", "2026-09-02T21:59:59Z", "2026-09-02T22:00:00Z"]
    await pushed(audit, programme, [audit_row(f"A-{number}", audited_at=at) for number, at in enumerate(moments)])
    day = {"programme": programme, "from": "2026-09-02", "to": "2026-09-03"}
    listed = (await audit.get("/v1/audits", params=day)).json()["items"]
    paged = [item["external_id"] async for page in _pages(audit, limit=1, **day) for item in page]

    assert [item["audited_at"] for item in listed] == ["2026-09-02T21:59:59Z", "2026-09-01T22:00:00Z"]
    assert paged == ["A-2", "A-1"]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"vendor": "ACME!"}, "query:vendor.0"),
        ({"queue": ""}, "query:queue.0"),
        ({"verdict": "perhaps"}, "query:verdict.0"),
        ({"severity": ["major", "x"]}, "query:severity.1"),
        ({"batch_id": "7"}, "query:batch_id.0"),
        ({"from": "yesterday"}, "query:from"),
        ({"from": "20260901"}, "query:from"),
        ({"from": "0001-01-01"}, "query:from"),
        ({"to": "9999-12-31"}, "query:to"),
        ({"from": "2026-09-01T10:00:00"}, "query:from"),
        ({"to": "0001-01-01T00:00:00+14:00"}, "query:to"),
        ({"from": "2026-09-02", "to": "2026-09-02"}, "query:to"),
        ({"from": "2026-09-02", "to": "2026-09-01T22:00:00Z"}, "query:to"),  # midnight in Berlin
        ({"moderator": "\x00"}, "query:moderator.0"),
        ({"limit": 0}, "query:limit"),
        ({"limit": 1001}, "query:limit"),
        ({"limit": "many"}, "query:limit"),
        ({"cursor": "x" * 2001}, "query:cursor"),
    ],
)
async def test_a_filter_that_cannot_be_is_a_problem(
    audit: httpx.AsyncClient, programme: str, query: dict[str, Any], pointer: str
) -> None:
    """422 names the parameter, once."""
    answer = await audit.get("/v1/audits", params={"programme": programme, **query})

    assert (answer.status_code, problem(answer)) == (422, "invalid-request")
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_a_vendor_lists_its_own_audits(audit_app: FastAPI, caller: Caller, programme: str) -> None:
    """What is another vendor's is not there, however it is asked for."""
    batch = await pushed(caller(audit_app, Role.ADMIN), programme, _VARIED)
    acme = caller(audit_app, Role.VENDOR_POC, vendor="acme")
    listed = [item["external_id"] async for page in _pages(acme, programme) for item in page]
    asked = (await acme.get("/v1/audits", params={"programme": programme, "vendor": "borealis"})).json()["items"]
    foreign = [
        await acme.get(f"/v1/audits/{ids(batch)[3]}{part}", params={"programme": programme}) for part in ("", "/revisions")
    ]

    assert listed == ["A-3", "A-2", "A-1"]
    assert asked == []
    assert {answer.status_code for answer in foreign} == {404}


async def test_paging_walks_everything_once_while_audits_come_in(audit: httpx.AsyncClient, programme: str) -> None:
    """All that was there at the start appears once, in order, though many share a moment and others arrive meanwhile."""
    moments = [datetime(2026, 9, 1, 10, tzinfo=UTC) + timedelta(hours=number // 7) for number in range(60)]
    rows = [audit_row(f"A-{number}", audited_at=moment.isoformat()) for number, moment in enumerate(moments)]
    await pushed(audit, programme, rows)
    seen: list[dict[str, Any]] = []
    async for page in _pages(audit, programme, limit=7):
        assert 0 < len(page) <= 7
        seen += page
        late = [audit_row(f"late-{len(seen)}-{at.hour}", audited_at=at.isoformat()) for at in (moments[0], moments[-1])]
        await pushed(audit, programme, late)
    before = [item["external_id"] for item in seen if not item["external_id"].startswith("late")]
    keys = [(item["audited_at"], item["id"]) for item in seen]

    assert sorted(before) == sorted(row["external_id"] for row in rows)
    assert len({item["id"] for item in seen}) == len(seen)
    assert keys == sorted(keys, reverse=True)


async def test_a_cursor_belongs_to_its_list(audit_app: FastAPI, caller: Caller, programme: str) -> None:
    """With other filters, for another caller, programme or list, or forged, a cursor is a problem; the limit may change."""
    admin = caller(audit_app, Role.ADMIN)
    other = f"{programme}-2"
    await admin.put(f"/v1/programmes/{other}", json=programme_document(other))
    batch = await pushed(admin, programme, _VARIED)
    first = await admin.get("/v1/audits", params={"programme": programme, "limit": 1, "vendor": "acme"})
    link = httpx.URL("http://test/").join(first.links["next"]["url"])
    cursor = link.params["cursor"]
    of = {"programme": programme, "vendor": "acme", "cursor": cursor}
    wrong = [
        await admin.get("/v1/audits", params=of | {"vendor": "borealis"}),
        await admin.get("/v1/audits", params={"programme": programme, "cursor": cursor}),
        await admin.get("/v1/audits", params=of | {"queue": "live"}),
        await admin.get("/v1/audits", params=of | {"programme": other}),
        await admin.get("/v1/audits", params=of | {"cursor": cursor[:-5] + ("A" if cursor[-5] != "A" else "B") + cursor[-4:]}),
        await admin.get("/v1/audits", params=of | {"cursor": "nonsense"}),
        await admin.get("/v1/audits", params=of | {"cursor": ""}),
        await admin.get(f"/v1/audit-batches/{batch['id']}/rows", params={"programme": programme, "cursor": cursor}),
        await caller(audit_app, Role.ADMIN, subject="somebody-else").get("/v1/audits", params=of),
        await caller(audit_app, Role.ADMIN, programmes=(programme,)).get("/v1/audits", params=of),
        await caller(audit_app, Role.VENDOR_POC, vendor="acme").get("/v1/audits", params=of),
    ]
    right = await admin.get("/v1/audits", params=of | {"limit": 100})

    assert [(answer.status_code, problem(answer)) for answer in wrong] == [(400, "invalid-cursor")] * len(wrong)
    assert [item["external_id"] for item in right.json()["items"]] == ["A-2", "A-1"]
    assert str(link.params["limit"]) == "1"


async def test_the_last_page_costs_what_the_first_costs(
    audit: httpx.AsyncClient,
    cluster: Cluster,
    store: asyncpg.Connection,
    programme: str,
    noted: Noted,
) -> None:
    """A page is an index range scan that reads its own rows and no others, however deep in the list it is."""
    start = datetime(2026, 7, 1, tzinfo=UTC)
    rows = [
        audit_row(f"A-{number}", decided_at=start.isoformat(), audited_at=(start + timedelta(minutes=number)).isoformat())
        for number in range(4000)
    ]
    await pushed(audit, programme, rows)
    statements: Statements = []
    pages = 0
    with noted() as seen:
        async for page in _pages(audit, programme, limit=100):
            pages += 1
            assert len(page) == 100
    await asyncio.sleep(0)  # the driver tells of a statement in the next turn of the loop
    statements = [pair for pair in seen if "ORDER BY audits.audited_at" in pair[0]]
    await store.execute("vacuum analyze audits")
    # Sorting pays among this few audits, as soon as there are others beside.
    plans, buffers = await explained(cluster, "audit", [statements[0], statements[-1]], "set local enable_sort = off")

    assert pages == len(statements) == 40
    assert all("audits_programme_audited_at_id_idx" in plan and "Seq Scan" not in plan and '"Sort"' not in plan for plan in plans)
    assert max(buffers) < 150
    assert buffers[1] <= buffers[0] * 2 + 10


async def test_a_programme_that_is_younger_than_its_statistics_is_not_read_as_a_whole(
    audit: httpx.AsyncClient,
    cluster: Cluster,
    store: asyncpg.Connection,
    programme: str,
    noted: Noted,
) -> None:
    """An audit is looked up by its id, and rows that come again by their names, though PostgreSQL expects there to be none."""
    older = f"{programme}-older"
    (await audit.put(f"/v1/programmes/{older}", json=programme_document(older))).raise_for_status()
    rows = [audit_row(f"A-{number}") for number in range(4000)]
    await pushed(audit, older, rows)
    await store.execute("analyze audits")
    batch = await pushed(audit, programme, rows)
    with noted() as seen:
        await audit.get(f"/v1/audits/{ids(batch)[2000]}", params={"programme": programme})
    await asyncio.sleep(0)  # the driver tells of a statement in the next turn of the loop
    _, [buffers] = await explained(cluster, "audit", [pair for pair in seen if "FROM audits" in pair[0]])

    assert buffers < 30

    with noted() as seen:
        again = await pushed(audit, programme, rows[:20])
    await asyncio.sleep(0)
    _, [buffers] = await explained(
        cluster, "audit", [pair for pair in seen if "cross join unnest" in pair[0] and "as same" in pair[0]]
    )

    assert again["counts"]["duplicate"] == 20
    assert buffers < 20 * 10


@pytest.mark.usefixtures("large")
async def test_a_list_is_not_planned_at_every_request(
    audit: httpx.AsyncClient,
    cluster: Cluster,
    programme: str,
    noted: Noted,
) -> None:
    """PostgreSQL sees how many audits are asked for, so it keeps the plan that it has made a few times."""
    await pushed(audit, programme, [audit_row(f"A-{number}") for number in range(30)])
    with noted() as seen:
        await audit.get("/v1/audits", params={"programme": programme, "limit": 20})
    await asyncio.sleep(0)  # the driver tells of a statement in the next turn of the loop
    [(statement, parameters)] = [pair for pair in seen if "ORDER BY audits.audited_at" in pair[0]]
    async with runtime(cluster, "audit") as connection:
        prepared = await connection.prepare(statement)
        sizes = {len(await prepared.fetch(*parameters)) for _ in range(8)}
        kept = await connection.fetchval("select generic_plans from pg_prepared_statements where statement = $1", statement)

    assert sizes == {21}
    assert kept == 3


@pytest.fixture
async def large(audit: httpx.AsyncClient, store: asyncpg.Connection, programme: str) -> AsyncIterator[None]:
    """PostgreSQL takes every programme for one that holds all the audits, and there are some thousand."""
    other = f"{programme}-other"
    (await audit.put(f"/v1/programmes/{other}", json=programme_document(other))).raise_for_status()
    await pushed(audit, other, [audit_row(f"A-{number}") for number in range(4000)])
    await store.execute("alter table audits alter programme set (n_distinct = 1)")
    await store.execute("vacuum analyze audits")
    yield
    await store.execute("alter table audits alter programme reset (n_distinct)")
    await store.execute("analyze audits")


async def test_reading_takes_a_fixed_number_of_statements(audit: httpx.AsyncClient, programme: str, noted: Noted) -> None:
    """One statement makes the principal known, one reads: an audit, a revised audit, a page of any size; of the feed, a noun."""
    batch = await pushed(audit, programme, [missed(f"A-{number}") for number in range(30)])
    of = {"programme": programme}
    await _revise(audit, programme, str(ids(batch)[0]), '"1"')
    counts: dict[str, int] = {}
    for name, address, query in (
        ("audit", f"/v1/audits/{ids(batch)[1]}", of),
        ("revised audit", f"/v1/audits/{ids(batch)[0]}", of),
        ("page of 1", "/v1/audits", of | {"limit": "1"}),
        ("page of 30", "/v1/audits", of | {"limit": "30"}),
        ("history", f"/v1/audits/{ids(batch)[0]}/revisions", of),
        ("feed", "/v1/changes", of),
    ):
        with noted() as seen:
            assert (await audit.get(address, params=query)).status_code == 200
        await asyncio.sleep(0)  # the driver tells of a statement in the next turn of the loop
        counts[name] = len(seen)

    assert counts == {"audit": 2, "revised audit": 2, "page of 1": 2, "page of 30": 2, "history": 4, "feed": 11}


async def test_a_revision_needs_the_version_it_is_meant_for(audit: httpx.AsyncClient, programme: str, stored: Stored) -> None:
    """428 without `If-Match`, 412 with a stale one; nothing changes."""
    created = await _create(audit, programme, missed())
    before = await stored()
    without = await _revise(audit, programme, created.json()["id"], None)
    stale = await _revise(audit, programme, created.json()["id"], '"2"')
    weak = await _revise(audit, programme, created.json()["id"], 'W/"1"')

    assert [problem(answer) for answer in (without, stale, weak)] == [
        "precondition-required", "precondition-failed", "precondition-failed",
    ]  # fmt: skip
    assert [answer.status_code for answer in (without, stale, weak)] == [428, 412, 412]
    assert await stored() == before


async def test_of_two_revisions_at_once_one_is_told_to_read_again(audit: httpx.AsyncClient, programme: str) -> None:
    """Two people cannot overwrite each other unawares."""
    created = await _create(audit, programme, missed())
    answers = await asyncio.gather(*(_revise(audit, programme, created.json()["id"], '"1"') for _ in range(4)))

    assert sorted(answer.status_code for answer in answers) == [201, 412, 412, 412]


async def test_both_views_stay_readable_through_many_revisions(audit_app: FastAPI, caller: Caller, programme: str) -> None:
    """The judgement as first scored is kept beside the current one, and the history says who, when and why."""
    recorder, reviser = (caller(audit_app, Role.QUALITY_MANAGER, subject=name) for name in ("recorder", "reviser"))
    card = [{"code": "a", "weight": 1, "rating": 0.5, "auto_fail": False}]
    created = await _create(recorder, programme, missed(comment="First", scorecard=card))
    address = f"/v1/audits/{created.json()['id']}"
    of = {"programme": programme}
    alone = (await recorder.get(f"{address}/revisions", params=of)).json()["items"]
    for revision in range(1, 4):
        answer = await _revise(reviser, programme, created.json()["id"], f'"{revision}"', comment=f"View {revision + 1}")
        assert (answer.status_code, answer.headers["etag"]) == (201, f'"{revision + 1}"')
    read = (await recorder.get(address, params=of)).json()
    history = (await recorder.get(f"{address}/revisions", params=of)).json()["items"]

    assert read == answer.json()
    assert (read["verdict"], read["error_code"], read["comment"], read["revision"]) == ("correct", None, "View 4", 4)
    assert read["first_scored"] == {
        "benchmark_action": "remove", "benchmark_policy": "harassment", "verdict": "incorrect", "error_class": "false_negative",
        "error_code": "FN-HARASS", "severity": "major", "attributable_to": None, "quality_score": 0.5,
    }  # fmt: skip
    assert read["position"] > created.json()["position"]
    assert [version["revision"] for version in history] == [1, 2, 3, 4]
    assert history[0] == alone[0]
    assert [version["recorded_by"] for version in history] == ["recorder", "reviser", "reviser", "reviser"]
    assert [version["reason"] for version in history] == [None, 'Because "1"', 'Because "2"', 'Because "3"']
    assert [version["judgement"]["comment"] for version in history] == ["First", "View 2", "View 3", "View 4"]
    assert history[0]["judgement"]["scorecard"] == card
    assert [version["recorded_at"] for version in history] == sorted(version["recorded_at"] for version in history)


async def test_a_revision_is_judged_like_a_row(audit: httpx.AsyncClient, programme: str, stored: Stored) -> None:
    """A judgement that the programme does not take is refused with pointers into it."""
    created = await _create(audit, programme, missed())
    before = await stored()
    refused = await _revise(audit, programme, created.json()["id"], '"1"', benchmark_policy="unheard-of", severity="major")
    malformed = await _revise(audit, programme, created.json()["id"], '"1"', verdict="perhaps")

    assert refused.status_code == 409
    assert [(error["pointer"], error["code"]) for error in refused.json()["errors"]] == [
        ("/judgement/benchmark_policy", "unknown_benchmark_policy"),
        ("/judgement/severity", "error_without_fault"),
    ]
    assert (malformed.status_code, malformed.json()["errors"][0]["pointer"]) == (422, "/judgement/verdict")
    assert await stored() == before


async def test_a_revision_may_bring_a_new_word_where_rows_may(audit: httpx.AsyncClient, programme: str) -> None:
    """An open vocabulary learns from revisions as it learns from rows."""
    document = programme_document(programme, register_unknown=["policies"])
    await audit.put(f"/v1/programmes/{programme}", json=document, headers={"If-Match": '"1"'})
    created = await _create(audit, programme, missed())
    revised = await _revise(audit, programme, created.json()["id"], '"1"', benchmark_policy="brand-new")
    policies = (await audit.get(f"/v1/programmes/{programme}")).json()["document"]["policy_set"]["policies"]

    assert revised.status_code == 201
    assert policies[-1] == {"code": "brand-new", "name": "brand-new", "harm": 0}


async def test_an_erasure_leaves_nothing_personal_anywhere(
    audit: httpx.AsyncClient, programme: str, found: Found, stored: Stored
) -> None:
    """Moderator, auditor, content reference, comments and reasons are gone from every table; the judgement stays."""
    canary = f"c4n4ry{new_id().hex[-12:]}"
    row = missed(moderator=f"{canary}-m", auditor=f"{canary}-a", content_ref=f"{canary}-c", comment=f"{canary} said so")
    batch = await pushed(audit, programme, [row, row | {"queue": canary}, row | {"comment": f"{canary}!"}], on_conflict="revise")
    audit_id = str(ids(batch)[0])
    revised = await audit.post(
        f"/v1/audits/{audit_id}/revisions",
        params={"programme": programme},
        json={
            "judgement": {
                "benchmark_action": "keep", "benchmark_policy": "no_violation", "verdict": "correct", "comment": canary,
            },
            "reason": f"{canary} asked for it",
        },
        headers={"If-Match": '"2"'},
    )  # fmt: skip
    held = await found(canary)
    erased = await _erase(audit, programme, audit_id, '"3"')
    of = {"programme": programme}
    history = (await audit.get(f"/v1/audits/{audit_id}/revisions", params=of)).json()["items"]
    feed = (await audit.get("/v1/changes", params=of)).json()["changes"]

    assert revised.status_code == 201
    assert held == ["audit_revisions", "audits"]
    assert erased.status_code == 200
    assert [erased.json()[name] for name in ("moderator", "auditor", "content_ref", "comment")] == [None] * 4
    assert (erased.json()["erased"], erased.json()["revision"], erased.json()["verdict"]) == (True, 4, "correct")
    assert erased.json()["first_scored"]["error_code"] == "FN-HARASS"
    assert [version["judgement"]["error_code"] for version in history] == ["FN-HARASS", "FN-HARASS", None, None]
    assert [version["reason"] for version in history] == [None, None, None, "On request"]
    assert feed[-1] == {
        "noun": "audit", "position": erased.json()["position"], "id": audit_id, "revision": 4, "erased": True,
        "data": erased.json(),
    }  # fmt: skip
    assert [change["id"] for change in feed].count(audit_id) == 1
    assert await found(canary) == []
    assert canary not in str(await stored())


async def test_an_audit_is_erased_once_and_for_all(audit: httpx.AsyncClient, programme: str) -> None:
    """A second erasure, or a revision after the first, is 409; without or with a stale version it is not even that."""
    created = await _create(audit, programme, missed())
    audit_id = created.json()["id"]
    without, stale = await _erase(audit, programme, audit_id, None), await _erase(audit, programme, audit_id, '"9"')
    erased = await _erase(audit, programme, audit_id, '"1"')
    again = await _erase(audit, programme, audit_id, '"2"')
    revised = await _revise(audit, programme, audit_id, '"2"')

    assert [without.status_code, stale.status_code, erased.status_code] == [428, 412, 200]
    assert [problem(again), problem(revised)] == ["audit-erased", "audit-erased"]


async def test_what_is_not_there_is_told_alike(audit_app: FastAPI, caller: Caller, programme: str) -> None:
    """An audit that is another programme's or vendor's answers every request like one that does not exist."""
    admin = caller(audit_app, Role.ADMIN)
    other = f"{programme}-2"
    await admin.put(f"/v1/programmes/{other}", json=programme_document(other))
    foreign = str(ids(await pushed(admin, programme, [missed("B-1", vendor="borealis", site="krakow")]))[0])
    bodies: set[bytes] = set()
    for client, of, audit_id in (
        (admin, other, foreign),
        (admin, programme, NO_SUCH),
        (caller(audit_app, Role.VENDOR_SYSTEM, vendor="acme"), programme, foreign),
    ):
        reads = [await client.get(f"/v1/audits/{audit_id}{part}", params={"programme": of}) for part in ("", "/revisions")]
        writes = [await _revise(admin, of, audit_id, '"1"'), await _erase(admin, of, audit_id, '"1"')] if client is admin else []
        for answer in (*reads, *writes):
            assert (answer.status_code, problem(answer)) == (404, "not-found")
            bodies.add(orjson.dumps({**answer.json(), "instance": "", "request_id": ""}))

    assert len(bodies) == 1
