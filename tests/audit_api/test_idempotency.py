"""`Idempotency-Key`: the same key and payload replay the first answer, and the table of keys knows no payload."""

import asyncio
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from appeals import claim, recorded, submitted
from batches import NDJSON, Found, encoded, ids, problem, push, pushed
from conftest import Caller
from factories import audit_row, missed, programme_document
from tallystick.schemas.base import new_id
from tallystick.schemas.principal import Role


async def _create(client: httpx.AsyncClient, programme: str, key: str | None, row: dict[str, Any]) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await client.post("/v1/audits", params={"programme": programme}, json=row, headers=headers)


def _same(first: httpx.Response, second: httpx.Response) -> None:
    assert (second.status_code, second.json()) == (first.status_code, first.json())
    for name in ("location", "etag", "content-type"):
        assert second.headers.get(name) == first.headers.get(name)
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize("row", [audit_row(), missed(comment="So it was", scorecard=[{"code": "a", "weight": 1, "rating": 0.5}])])
async def test_an_audit_is_answered_as_it_was_first(audit: httpx.AsyncClient, programme: str, row: dict[str, Any]) -> None:
    """The replay is the first answer, status, body and headers, even when the audit has been revised since."""
    first = await _create(audit, programme, "k-1", row)
    soon = await _create(audit, programme, "k-1", row)
    judgement = {"benchmark_action": "keep", "benchmark_policy": "no_violation", "verdict": "correct"}
    revised = await audit.post(
        f"/v1/audits/{first.json()['id']}/revisions",
        params={"programme": programme},
        json={"judgement": judgement, "reason": "Seen again"},
        headers={"If-Match": first.headers["etag"]},
    )
    late = await _create(audit, programme, "k-1", row)

    assert first.status_code == revised.status_code == 201
    _same(first, soon)
    _same(first, late)


async def test_what_was_erased_is_not_replayed(audit: httpx.AsyncClient, programme: str) -> None:
    """The replay of an erased audit is without what could name a person."""
    row = missed(comment="c4n4ry", moderator="c4n4ry")
    first = await _create(audit, programme, "k-1", row)
    await audit.post(
        f"/v1/audits/{first.json()['id']}/erasure",
        params={"programme": programme},
        json={"reason": "On request"},
        headers={"If-Match": '"1"'},
    )
    late = await _create(audit, programme, "k-1", row)

    assert (late.status_code, late.json()["id"]) == (201, first.json()["id"])
    assert late.json()["erased"] is True
    assert "c4n4ry" not in late.text


async def test_a_revision_is_appended_once(audit: httpx.AsyncClient, programme: str) -> None:
    """A repetition appends nothing, though its `If-Match` names a revision that is past; the audit is shown as it stands."""
    address = (await _create(audit, programme, None, audit_row("A-1"))).headers["location"]
    judgement = {"benchmark_action": "keep", "benchmark_policy": "no_violation", "verdict": "correct", "comment": "First"}

    async def revise(revision: int, key: str, reason: str = "Seen again") -> httpx.Response:
        return await audit.post(
            f"/v1/audits/{address.partition('?')[0].rpartition('/')[2]}/revisions",
            params={"programme": programme},
            json={"judgement": judgement, "reason": reason},
            headers={"If-Match": f'"{revision}"', "Idempotency-Key": key},
        )

    refused = await revise(7, "k-1")
    first, soon = await revise(1, "k-1"), await revise(1, "k-1")
    other_payload, other_key = await revise(1, "k-1", "Another reason"), await revise(1, "k-2")
    further = await revise(2, "k-2")
    late = await revise(1, "k-1")

    assert (refused.status_code, first.status_code, further.status_code) == (412, 201, 201)
    _same(first, soon)
    assert [problem(answer) for answer in (other_payload, other_key)] == ["idempotency-key-reused", "precondition-failed"]
    assert (late.status_code, late.headers["idempotent-replayed"], late.json()) == (201, "true", further.json())


async def test_a_claim_is_made_once(audit_app: FastAPI, audit: httpx.AsyncClient, caller: Caller, programme: str) -> None:
    """Whoever lost the answer to a claim gets the same appeal, and no second one; who found none may ask again."""
    poc = caller(audit_app, Role.VENDOR_POC, vendor="acme")
    adjudicator = caller(audit_app, Role.AUDITOR, subject="adjudicator")
    how: dict[str, Any] = {"params": {"programme": programme}, "headers": {"Idempotency-Key": "k-1"}}
    none = await adjudicator.post("/v1/appeal-claims", **how)
    appeals = [await submitted(poc, programme, audit_id) for audit_id in await recorded(audit, programme, "A-1", "A-2")]
    first, again = [await adjudicator.post("/v1/appeal-claims", **how) for _ in range(2)]
    other = await adjudicator.post("/v1/appeal-claims", params={"programme": programme, "language": "xx"}, headers=how["headers"])
    second = await claim(adjudicator, programme)

    assert (none.status_code, first.status_code) == (204, 200)
    _same(first, again)
    assert problem(other) == "idempotency-key-reused"
    assert second is not None
    assert {first.json()["id"], second["id"]} == {appeal["id"] for appeal in appeals}


async def test_an_audit_that_was_there_already_is_answered_again_as_such(audit: httpx.AsyncClient, programme: str) -> None:
    """A key whose first request created nothing replays that: 200, and the audit's id."""
    created = await _create(audit, programme, None, audit_row())
    first = await _create(audit, programme, "k-1", audit_row())
    second = await _create(audit, programme, "k-1", audit_row())
    other = await _create(audit, programme, "k-1", audit_row("A-2"))

    assert (created.status_code, first.status_code) == (201, 200)
    assert first.json() == created.json()
    _same(first, second)
    assert problem(other) == "idempotency-key-reused"


async def test_a_batch_is_answered_as_it_was_first(audit: httpx.AsyncClient, programme: str) -> None:
    """The replay of a batch names every row with its first verdict, repetitions and rejections included."""
    await pushed(audit, programme, [audit_row("A-0"), missed("A-9")])
    rows = [
        audit_row("A-0"), audit_row("A-1"), audit_row("A-2", market="XX"), audit_row("A-1"), audit_row("A-1", comment="x"),
        missed("A-9", severity="minor"), audit_row("A-3"), missed("A-9"),
    ]  # fmt: skip
    headers = {"Idempotency-Key": "k-1"}
    for mode in ("reject", "revise"):
        headers = {"Idempotency-Key": f"k-{mode}"}
        first = await push(audit, programme, rows, headers=headers, on_conflict=mode)
        second = await push(audit, programme, rows, headers=headers, on_conflict=mode)
        await audit.post(
            f"/v1/audits/{ids(first.json())[1]}/erasure",
            params={"programme": programme},
            json={"reason": "On request"},
            headers={"If-Match": "*"},
        )
        late = await push(audit, programme, rows, headers=headers, on_conflict=mode)

        assert first.status_code == 201
        _same(first, second)
        _same(first, late)


async def test_a_mapped_batch_is_replayed_by_the_profile_of_its_time(audit: httpx.AsyncClient, programme: str) -> None:
    """The replay does not change because the import profile has."""
    profile = {"slug": "export", "columns": {"external_id": "Ticket"}, "constants": {"queue": "live"}}
    document = programme_document(programme, import_profiles=[profile], register_unknown=["markets"])
    await audit.put(f"/v1/programmes/{programme}", json=document, headers={"If-Match": '"1"'})
    rows = [{("Ticket" if name == "external_id" else name): value for name, value in audit_row().items() if name != "queue"}] * 2
    rows.append(rows[0] | {"Ticket": "A-2", "market": "NEW"})
    headers = {"Idempotency-Key": "k-1"}
    first = await push(audit, programme, rows, headers=headers, profile="export")
    for changed in ([], [profile | {"columns": {"moderator": "Ticket"}}]):
        await audit.put(f"/v1/programmes/{programme}", json=document | {"import_profiles": changed}, headers={"If-Match": "*"})
        late = await push(audit, programme, rows, headers=headers, profile="export")

        _same(first, late)
    assert first.json()["counts"]["duplicate"] == 1


async def test_a_key_belongs_to_its_payload(audit: httpx.AsyncClient, programme: str) -> None:
    """Another body, or the same body asked for in another way, is 422; nothing is done."""
    body = encoded([audit_row()])
    first = await push(audit, programme, body, headers={"Idempotency-Key": "k-1"})
    others = [
        await push(audit, programme, body + b"\n", headers={"Idempotency-Key": "k-1"}),
        await push(audit, programme, body, headers={"Idempotency-Key": "k-1"}, atomicity="all"),
        await push(audit, programme, body, headers={"Idempotency-Key": "k-1"}, on_conflict="revise"),
        await push(audit, programme, body, headers={"Idempotency-Key": "k-1"}, dry_run=True),
        await push(audit, programme, body, headers={"Idempotency-Key": "k-1"}, profile="vendor-export"),
        await push(audit, programme, body, headers={"Idempotency-Key": "k-1"}, media_type="application/json"),
    ]
    audit_of_the_same_key = await _create(audit, programme, "k-1", audit_row("A-2"))

    assert first.status_code == 201
    assert {problem(answer) for answer in others} == {"idempotency-key-reused"}
    assert {answer.status_code for answer in others} == {422}
    assert audit_of_the_same_key.status_code == 201


async def test_a_failed_request_leaves_no_key(audit: httpx.AsyncClient, programme: str) -> None:
    """What was refused may be corrected and sent under the same key."""
    refused = await _create(audit, programme, "k-1", audit_row(market="XX"))
    batch = await push(audit, programme, [audit_row(market="XX")], atomicity="all", headers={"Idempotency-Key": "k-2"})
    corrected = await _create(audit, programme, "k-1", audit_row())
    again = await push(audit, programme, [audit_row()], atomicity="all", headers={"Idempotency-Key": "k-2"})

    assert (refused.status_code, batch.status_code) == (409, 409)
    assert (corrected.status_code, again.status_code) == (201, 201)


async def test_a_request_that_still_runs_is_not_run_twice(
    audit: httpx.AsyncClient, programme: str, store: asyncpg.Connection
) -> None:
    """While the first request waits for the stream, the second is told to come back, and then gets the first answer."""
    transaction = store.transaction()
    await transaction.start()
    await store.execute("select from streams where programme = $1 for update", programme)
    headers = {"Idempotency-Key": "k-1"}
    first = asyncio.create_task(push(audit, programme, [audit_row()], headers=headers))
    created = asyncio.create_task(_create(audit, programme, "k-2", audit_row("A-2")))
    async with asyncio.timeout(15):  # within the time that the service waits for a lock
        while await store.fetchval("select count(*) from pg_locks where not granted") != 2:
            await asyncio.sleep(0.01)
    second = await push(audit, programme, [audit_row()], headers=headers)
    third = await _create(audit, programme, "k-2", audit_row("A-2"))
    await transaction.rollback()
    answers = [await first, await created]
    replayed = await push(audit, programme, [audit_row()], headers=headers)

    assert [problem(answer) for answer in (second, third)] == ["request-in-progress"] * 2
    assert [answer.headers["retry-after"] for answer in (second, third)] == ["1", "1"]
    assert [answer.status_code for answer in answers] == [201, 201]
    _same(answers[0], replayed)


async def test_one_of_many_at_once_does_the_work(audit: httpx.AsyncClient, programme: str) -> None:
    """Sent many times at the same moment, a request is done once; the others are told to wait, or get its answer."""
    answers = await asyncio.gather(*(_create(audit, programme, "k-1", audit_row()) for _ in range(12)))
    done = [answer for answer in answers if answer.status_code == 201]
    listed = (await audit.get("/v1/audits", params={"programme": programme})).json()["items"]

    assert {answer.status_code for answer in answers} <= {201, 409}
    assert sum("idempotent-replayed" not in answer.headers for answer in done) == 1
    assert len({answer.text for answer in done}) == 1
    assert len(listed) == 1


async def test_keys_of_others_mean_nothing(audit_app: FastAPI, caller: Caller, programme: str) -> None:
    """A key is its principal's own: the same key of another subject, vendor or programme is another key."""
    callers = [
        caller(audit_app, Role.ADMIN),
        caller(audit_app, Role.ADMIN, subject="somebody-else"),
        caller(audit_app, Role.VENDOR_SYSTEM, vendor="acme"),
    ]
    answers = [await _create(client, programme, "k-1", audit_row(f"A-{number}")) for number, client in enumerate(callers)]

    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert len({answer.json()["id"] for answer in answers}) == 3


async def test_the_table_of_keys_holds_no_payload(
    audit: httpx.AsyncClient, programme: str, store: asyncpg.Connection, found: Found
) -> None:
    """Neither the key, nor the body, nor the answer: hashes and a reference."""
    key = f"c4n4ry-key-{new_id()}"
    await _create(audit, programme, key, audit_row(moderator="c4n4ry-moderator"))
    await push(audit, programme, [audit_row("A-2", moderator="c4n4ry-moderator")], headers={"Idempotency-Key": key})
    columns = await store.fetch(
        "select column_name, data_type from information_schema.columns where table_name = 'idempotency_keys' order by 1"
    )

    assert "audits" in await found("c4n4ry-moderator")
    assert "idempotency_keys" not in await found("c4n4ry")
    assert await found(key) == []
    assert {row["column_name"] for row in columns if row["data_type"] == "text"} == {"programme"}


@pytest.mark.parametrize("key", ["", "x" * 201])
async def test_a_key_has_a_length(audit: httpx.AsyncClient, programme: str, key: str) -> None:
    """An empty or endless key is a fault of the request."""
    answer = await push(audit, programme, [audit_row()], headers={"Idempotency-Key": key}, media_type=NDJSON)

    assert (answer.status_code, problem(answer)) == (422, "invalid-request")
