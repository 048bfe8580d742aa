"""Batches as no exporter should write them: each row still gets a verdict, or the batch a problem; no value is echoed."""

import asyncio
import gzip
import io
import json
import logging
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
import pytest
import zstandard
from structlog.testing import capture_logs

from audit_api.batches.reading import LONGEST_ROW
from batches import CSV, JSON, NDJSON, Found, Stored, encoded, faults, problem, push, pushed, verdicts
from factories import audit_row, missed
from waiting import turns

CANARY = "c4n4ry-7f3a"
TEXTS = (
    "external_id", "vendor", "content_ref", "site", "queue", "market", "language", "moderator", "decided_at", "action", "policy",
    "auditor", "audit_party", "claimed_at", "audited_at", "stratum", "benchmark_action", "benchmark_policy", "verdict",
    "error_class", "error_code", "severity", "attributable_to", "comment",
)  # fmt: skip
GIGABYTE = 1_000_000_000
MEGABYTE = 1_000_000


async def _rejects_the_second(
    client: httpx.AsyncClient, programme: str, found: Found, body: bytes, media_type: str
) -> dict[str, Any]:
    """Push three rows of which the second is at fault, and answer its result."""
    with capture_logs() as logs:
        answer = await push(client, programme, body, media_type=media_type)
    batch: dict[str, Any] = answer.json()

    assert answer.status_code == 201, answer.text
    assert verdicts(batch) == ["created", "rejected", "created"]
    assert batch["counts"] == {"rows": 3, "created": 2, "duplicate": 0, "conflict": 0, "rejected": 1, "revised": 0}
    assert CANARY not in answer.text
    assert CANARY not in str(logs)
    assert await found(CANARY) == []
    result: dict[str, Any] = batch["results"][1]
    return result


def _around(row: bytes, media_type: str) -> bytes:
    """A body whose second row is at fault."""
    first, last = json.dumps(audit_row("A-1")).encode(), json.dumps(audit_row("A-3")).encode()
    return b"[" + b",".join((first, row, last)) + b"]" if media_type == JSON else b"\n".join((first, row, last))


@pytest.mark.parametrize("media_type", [NDJSON, JSON])
@pytest.mark.parametrize("field", TEXTS)
@pytest.mark.parametrize("evil", ["\x00" + CANARY, "\ud800" + CANARY], ids=["nul", "surrogate"])
async def test_no_text_field_takes_a_nul_or_half_a_surrogate_pair(
    audit: httpx.AsyncClient, programme: str, found: Found, field: str, media_type: str, evil: str
) -> None:
    r"""`\u0000` and `\ud800` cost their own row alone, in every field that takes text."""
    row = json.dumps(missed(**({"external_id": "A-2"} | {field: f"a{evil}"}))).encode()
    await _rejects_the_second(audit, programme, found, _around(row, media_type), media_type)


@pytest.mark.parametrize("field", TEXTS)
async def test_no_text_field_takes_a_raw_nul(audit: httpx.AsyncClient, programme: str, found: Found, field: str) -> None:
    """A NUL byte in a CSV cell costs its own row alone."""
    rows = [missed("A-1"), missed(**({"external_id": "A-2"} | {field: f"\x00{CANARY}"})), missed("A-3")]
    columns = [{**dict.fromkeys(TEXTS), **row} for row in rows]
    await _rejects_the_second(audit, programme, found, encoded(columns, CSV), CSV)


_RAW: list[tuple[str, bytes]] = [
    ("NaN", json.dumps(audit_row("A-2", inclusion_probability=float("nan"))).encode()),
    ("Infinity", json.dumps(audit_row("A-2", inclusion_probability=float("inf"))).encode()),
    ("-Infinity as a time", json.dumps(audit_row("A-2", decided_at=float("-inf"))).encode()),
    ("a number too large for a float", json.dumps(audit_row("A-2")).encode().replace(b": 40", b": 1e400")),
    ("an integer beyond 2^53", json.dumps(audit_row("A-2", handling_time_s=2**53 + 1)).encode()),
    ("an integer beyond 2^53 as a time", json.dumps(audit_row("A-2", decided_at=2**53 + 1)).encode()),
    ("an integer beyond 2^64 as a text", json.dumps(audit_row("A-2", moderator=2**64 + 1)).encode()),
    ("an integer of 3,000 digits", json.dumps(audit_row("A-2")).encode().replace(b": 40", b": " + b"9" * 3000)),
    ("a time before the calendar", json.dumps(audit_row("A-2", decided_at="0001-01-01T00:00:00+14:00")).encode()),
    ("a time after the calendar", json.dumps(audit_row("A-2", audited_at="9999-12-31T23:59:59-14:00")).encode()),
    ("a NUL in the name of a field", orjson.dumps({**audit_row("A-2"), f"\x00{CANARY}": 1})),
    ("half a surrogate pair in the name of a field", json.dumps({**audit_row("A-2"), f"\ud800{CANARY}": 1}).encode()),
    ("a name of a field of 100 KB", json.dumps({**audit_row("A-2"), CANARY * 9_000: 1}).encode()),
    ("an unknown field", json.dumps(audit_row("A-2", colour=CANARY)).encode()),
    ("a text", json.dumps(CANARY).encode()),
    ("a number", b"17"),
    ("null", b"null"),
    ("an array", json.dumps([audit_row("A-2"), CANARY]).encode()),
    ("a missing field", json.dumps({"external_id": "A-2", "moderator": CANARY}).encode()),
    ("a wrong word", json.dumps(audit_row("A-2", verdict=CANARY, audit_party=CANARY)).encode()),
    ("a wrong code", json.dumps(audit_row("A-2", queue=CANARY, policy=CANARY, action=CANARY, vendor=CANARY)).encode()),
    ("a wrong type", json.dumps(audit_row("A-2", moderator={"name": CANARY}, render_hints=CANARY)).encode()),
    ("a text that is too long", json.dumps(audit_row("A-2", comment=CANARY * 1000)).encode()),
    ("an external id with a line end", json.dumps(audit_row(f"A-2\n{CANARY}")).encode()),
    ("an external id that is too long", json.dumps(audit_row(CANARY * 50)).encode()),
    ("a scorecard that is no list", json.dumps(audit_row("A-2", scorecard={"code": CANARY})).encode()),
    ("a rating over 1", json.dumps(audit_row("A-2", scorecard=[{"code": "a", "weight": 1, "rating": 2}])).encode()),
    ("a weight of 0", json.dumps(audit_row("A-2", scorecard=[{"code": "a", "weight": 0, "rating": 1}])).encode()),
]


@pytest.mark.parametrize("media_type", [NDJSON, JSON])
@pytest.mark.parametrize("row", [pytest.param(row, id=name) for name, row in _RAW])
async def test_a_hostile_row_is_rejected_alone(
    audit: httpx.AsyncClient, programme: str, found: Found, row: bytes, media_type: str
) -> None:
    """Whatever a row holds, the rows around it are taken, and its own errors say where and why but never what."""
    result = await _rejects_the_second(audit, programme, found, _around(row, media_type), media_type)

    assert result["errors"]
    assert all(error["code"] and error["detail"] and len(error["pointer"]) < 200 for error in result["errors"])


@pytest.mark.parametrize(
    "line",
    [
        b'{"external_id": "A-2", "moderator": "' + CANARY.encode(),
        b"\xff\xfe" + CANARY.encode(),
        json.dumps(audit_row("A-2")).encode().replace(b"m-1", b"m\xff" + CANARY.encode()),
        json.dumps(audit_row("A-2")).encode() + b",",
        b"{" + b'"a":{' * 5000,
        b"[" * 100_000,
        CANARY.encode(),
        json.dumps(audit_row("A-2")).encode().replace(b"m-1", b"m\x00" + CANARY.encode()),
    ],
    ids=[
        "broken off",
        "not UTF-8",
        "not UTF-8 in a field",
        "a comma behind",
        "deep objects",
        "deep arrays",
        "no JSON",
        "a raw NUL",
    ],
)
async def test_a_line_that_is_no_json_is_rejected_alone(
    audit: httpx.AsyncClient, programme: str, found: Found, line: bytes
) -> None:
    """In NDJSON a line stands for itself: what is wrong with one does not touch the next."""
    result = await _rejects_the_second(audit, programme, found, _around(line, NDJSON), NDJSON)

    assert faults(result) == [("", "json_invalid")]


@pytest.mark.parametrize(
    "line",
    [
        b'{"external_id": "A-2", "%b": 1}' % (CANARY.encode() * 100_000),
        b'{"a": [' + b"[]," * 1_000_000 + b"[]]}",
        b"[" * LONGEST_ROW * 2,
    ],
    ids=["a long name", "empty lists", "deep lists"],
)
async def test_a_line_that_no_row_is_as_long_as_is_not_looked_into(
    audit: httpx.AsyncClient, programme: str, found: Found, line: bytes
) -> None:
    """A row takes many times as much memory as its line while it is read, so there is an end to it."""
    result = await _rejects_the_second(audit, programme, found, _around(line, NDJSON), NDJSON)

    assert faults(result) == [("", "line_too_long")]


async def test_a_row_is_taken_up_to_its_longest_form(audit: httpx.AsyncClient, programme: str) -> None:
    """Every field as long as may be, of characters that JSON writes in twelve bytes each, and every line of a scorecard."""
    scorecard = [{"code": f"c{number:063}", "weight": 1.0, "rating": 1.0} for number in range(100)]
    names = {name: chr(0x1F600) * 199 + "1" for name in ("external_id", "content_ref", "moderator", "auditor")}
    row = audit_row(**names, comment=chr(0x1F600) * 4000, scorecard=scorecard)
    for media_type in (NDJSON, JSON):
        batch = await pushed(audit, programme, [row], media_type=media_type)

        assert faults(batch["results"][0]) == []


async def test_a_batch_of_what_is_no_row_lets_others_have_their_turn(audit: httpx.AsyncClient, programme: str) -> None:
    """Rows that cost most of all, for their size, keep nobody waiting for longer than one of them takes."""
    line = b'{"a": [' + b"[]," * 30_000 + b"[]]}\n"
    longest = []
    for _ in range(3):
        async with turns() as waited:
            batch = await pushed(audit, programme, line * 49)
        longest.append(max(waited) / sum(waited))

        assert verdicts(batch) == ["rejected"] * 49
    assert min(longest) < 0.6


@pytest.mark.parametrize("media_type", [NDJSON, JSON, CSV])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
async def test_bom_line_ends_and_empty_lines_mean_nothing(
    audit: httpx.AsyncClient, programme: str, media_type: str, bom: bytes, end: bytes
) -> None:
    """A byte order mark, carriage returns and empty lines are no rows and no part of any value."""
    body = encoded([audit_row("A-1"), audit_row("A-2")], media_type).replace(b"\r\n", b"\n").replace(b"\n", end + end)
    batch = await pushed(audit, programme, bom + end * 2 * (media_type != CSV) + body + end, media_type=media_type)
    again = await pushed(audit, programme, [audit_row("A-1"), audit_row("A-2")])

    assert verdicts(batch) == ["created", "created"]
    assert verdicts(again) == ["duplicate", "duplicate"]


def _csv(*, header: bytes | None = None, second: bytes | None = None, replace: tuple[bytes, bytes] = (b"", b"")) -> bytes:
    rows = [missed("A-1"), missed("A-2", moderator="m-2"), missed("A-3")]
    lines = encoded(rows, CSV).split(b"\r\n")
    lines[0] = header or lines[0]
    lines[2] = second if second is not None else lines[2].replace(*replace)
    return b"\r\n".join(lines)


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (_csv(replace=(b"m-2", b"m-\xff" + CANARY.encode())), ("/moderator", "string_unicode")),
        (_csv(replace=(b"m-2", b"m-2," + CANARY.encode())), ("", "column_count")),
        (_csv(second=CANARY.encode()), ("", "column_count")),
        (_csv(replace=(b"m-2", b'"m-2"' + CANARY.encode())), ("", "csv_invalid")),
        (_csv(replace=(b"m-2", b"m" * 200_000)), ("", "csv_invalid")),
        (_csv(second=b"m," * 200_000), ("", "csv_invalid")),
        (_csv(replace=(b"m-2", b'"m\n2"')), ("/moderator", "string_pattern_mismatch")),
        (_csv(replace=(b"m-2", b"")), ("/moderator", "missing")),
    ],
    ids=[
        "not UTF-8", "a cell too many", "one cell", "text behind a quote", "a huge cell", "many cells",
        "a line end in a name", "an empty cell",
    ],
)  # fmt: skip
async def test_a_broken_csv_row_is_rejected_alone(
    audit: httpx.AsyncClient, programme: str, found: Found, body: bytes, fault: tuple[str, str]
) -> None:
    """A row of CSV that cannot be read or taken costs itself, and no row behind it."""
    result = await _rejects_the_second(audit, programme, found, body, CSV)

    assert faults(result) == [fault]


async def test_a_quote_that_never_ends_takes_what_is_behind_it_along(
    audit: httpx.AsyncClient, programme: str, found: Found
) -> None:
    """Up to where it could have ended, everything is one row, which is rejected: none of it is taken for anything else."""
    body = _csv(replace=(b"m-2", b'"m-2' + CANARY.encode()))
    batch = await pushed(audit, programme, body, media_type=CSV)

    assert verdicts(batch) == ["created", "rejected"]
    assert faults(batch["results"][1]) == [("", "csv_invalid")]
    assert "(lines 3 to 4 of the body)" in batch["results"][1]["errors"][0]["detail"]
    assert await found(CANARY) == []


async def test_a_quoted_cell_may_hold_lines(audit: httpx.AsyncClient, programme: str) -> None:
    """Line ends inside quotes are part of the value, and the row is counted once."""
    rows = [missed("A-1", comment='one\r\n\r\n"two",\nthree'), missed("A-2", comment="four")]
    batch = await pushed(audit, programme, rows, media_type=CSV)
    read = (await audit.get("/v1/audits", params={"programme": programme, "external_id": "A-1"})).json()["items"]

    assert verdicts(batch) == ["created", "created"]
    assert read[0]["comment"] == 'one\r\n\r\n"two",\nthree'


async def test_a_header_may_have_spaces_around_its_names(audit: httpx.AsyncClient, programme: str) -> None:
    """Exporters pad: ` vendor` is the column vendor."""
    header = ", ".join(missed()).encode()
    batch = await pushed(audit, programme, _csv(header=header), media_type=CSV)

    assert verdicts(batch) == ["created"] * 3


@pytest.mark.parametrize(
    ("header", "kind", "error"),
    [
        (",".join([*missed(), "vendor"]), "invalid-request", ("/20", "duplicate_column")),
        (",".join([*missed(), CANARY]), "invalid-request", ("/20", "unknown_column")),
        (",".join([*missed(), ""]), "invalid-request", ("/20", "unknown_column")),
        (",".join(missed()).replace("vendor", "vendor id"), "invalid-request", ("/1", "unknown_column")),
        ('"' + CANARY, "malformed-request", None),
        ("\xff", "malformed-request", None),
        (",".join(map(str, range(20_000))), "malformed-request", None),
        ("a," * 20_000, "malformed-request", None),
    ],
)
async def test_a_header_that_does_not_fit_is_a_problem(
    audit: httpx.AsyncClient, programme: str, stored: Stored, header: str, kind: str, error: tuple[str, str] | None
) -> None:
    """A column twice, or one that nothing maps, stops the batch before its first row; the column is named by its place."""
    before = await stored()
    answer = await push(audit, programme, header.encode("latin-1") + b"\r\nA-1,acme", media_type=CSV)

    assert problem(answer) == kind
    assert answer.status_code == (422 if error else 400)
    assert error is None or error in [(each["pointer"], each["code"]) for each in answer.json()["errors"]]
    assert CANARY not in answer.text
    assert await stored() == before


@pytest.mark.parametrize("separator", [";", "\t"])
async def test_a_header_without_commas_is_told_what_separates_columns(
    audit: httpx.AsyncClient, programme: str, separator: str
) -> None:
    """Spreadsheets of half of Europe write semicolons: the answer says what is wrong with the file, not with a name."""
    answer = await push(audit, programme, encoded([missed("A-1")], CSV).replace(b",", separator.encode()), media_type=CSV)

    assert problem(answer) == "invalid-request"
    assert "commas separate columns" in answer.json()["detail"]


_GOOD = json.dumps(audit_row("A-1")).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        _GOOD,
        b"[" + _GOOD,
        b"[" + _GOOD + b",",
        b"[" + _GOOD + b",]",
        b"[," + _GOOD + b"]",
        b"[" + _GOOD + b" " + _GOOD + b"]",
        b"[" + _GOOD + b"] " + CANARY.encode(),
        b"[" + _GOOD + b"][" + _GOOD + b"]",
        b"[" + _GOOD[:-20],
        b"[" + _GOOD + b", {'single': 1}]",
        b"[" + _GOOD + b"," + b"[" * 100_000,
        b"[" + _GOOD + b', {"' + b"a" * LONGEST_ROW + b'": 1}]',
        b"[" + _GOOD + b', {"a": ' + b"9" * 5000 + b"}]",
        b"[" + _GOOD.replace(b"m-1", b"m\xff") + b"]",
        b"[" + _GOOD.replace(b"m-1", b"m\x00") + b"]",
        b'"' + CANARY.encode() + b'"',
    ],
)
async def test_a_broken_array_is_a_problem_and_writes_nothing(
    audit: httpx.AsyncClient, programme: str, stored: Stored, body: bytes
) -> None:
    """An array that breaks off, or is followed by something, is no batch: not even its good rows are written."""
    before = await stored()
    answer = await push(audit, programme, body, media_type=JSON)

    assert answer.status_code == 400
    assert problem(answer) == "malformed-request"
    assert CANARY not in answer.text
    assert await stored() == before


def _deflated(pattern: bytes, size: int) -> bytes:
    """A gzip member that unpacks to `size` bytes: one flushed block, repeated, so that making it costs nothing."""
    pack = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    head = pack.compress(b"") + pack.flush(zlib.Z_FULL_FLUSH)
    block = pack.compress(pattern * (MEGABYTE // len(pattern))) + pack.flush(zlib.Z_FULL_FLUSH)
    return head + block * (size // MEGABYTE)


def _zstandard(size: int) -> bytes:
    """A zstd frame that unpacks to `size` bytes and more: blocks of 4 bytes that each mean 128 KB of line ends."""
    blocks = -(-size // 131_072)
    header = b"\x28\xb5\x2f\xfd\x00\x38"  # magic, descriptor, window of 128 KB
    block = (131_072 << 3 | 1 << 1).to_bytes(3, "little") + b"\n"
    return header + block * blocks + (0 << 3 | 1).to_bytes(3, "little")


@pytest.mark.parametrize(
    ("encoding", "bomb", "longest"), [("gzip", _deflated(b"\n", GIGABYTE), 1_100_000), ("zstd", _zstandard(GIGABYTE), 40_000)]
)
async def test_a_bomb_is_defused(
    audit: httpx.AsyncClient, programme: str, stored: Stored, encoding: str, bomb: bytes, longest: int
) -> None:
    """A body that unpacks to a gigabyte is refused with 413 once it passes the limit, and never held in memory."""
    before = await stored()
    tracemalloc.start()
    answer = await push(audit, programme, bomb, headers={"Content-Encoding": encoding})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(bomb) < longest
    assert (answer.status_code, problem(answer)) == (413, "body-too-large")
    assert peak < 200 * MEGABYTE
    assert await stored() == before


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("zstd", zstandard.compress)])
async def test_a_packed_body_that_breaks_off_is_a_problem(
    audit: httpx.AsyncClient, programme: str, stored: Stored, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    """Cut short, empty, damaged, or followed by something else: 400, and nothing is written."""
    whole = pack(encoded([audit_row(f"A-{number}") for number in range(50)]))
    damaged = whole[:40] + bytes(byte ^ 0xFF for byte in whole[40:60]) + whole[60:]
    before = await stored()
    for body in (b"", whole[:-1], whole[: len(whole) // 2], whole[:3], damaged, whole + b"trailing", _GOOD):
        answer = await push(audit, programme, body, headers={"Content-Encoding": encoding})

        assert (answer.status_code, problem(answer)) == (400, "malformed-request")
    assert await stored() == before


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("zstd", zstandard.compress)])
async def test_a_packed_body_may_have_several_members(
    audit: httpx.AsyncClient, programme: str, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    """Packed files may be joined end to end, as `cat a.gz b.gz` does."""
    parts = [pack(encoded([audit_row(f"A-{number}")])) for number in range(3)]
    batch = await pushed(audit, programme, b"".join(parts), headers={"Content-Encoding": encoding})

    assert verdicts(batch) == ["created"] * 3


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("zstd", zstandard.compress)])
async def test_a_body_of_nothing_but_empty_members_costs_no_more_than_it_weighs(
    audit: httpx.AsyncClient, programme: str, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    """Each takes a few bytes and as much work as kilobytes do: there is an end to them, before anybody is asked for a token."""
    several, many = [
        await push(audit, programme, pack(b"") * members, headers={"Content-Encoding": encoding}) for members in (4096, 4097)
    ]

    assert several.status_code == 201
    assert (many.status_code, problem(many)) == (413, "body-too-large")


async def test_a_zstd_window_beyond_what_the_web_uses_is_a_problem(audit: httpx.AsyncClient, programme: str) -> None:
    """A frame that asks for 128 MB of history is refused before any memory is given to it (RFC 9659 allows 8 MB)."""
    frame = b"\x28\xb5\x2f\xfd\x00\x88" + (0 << 3 | 1).to_bytes(3, "little")
    answer = await push(audit, programme, frame, headers={"Content-Encoding": "zstd"})

    assert problem(answer) == "malformed-request"


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "nonsense"])
async def test_an_unknown_encoding_is_a_problem(audit: httpx.AsyncClient, programme: str, encoding: str) -> None:
    """415 names the encodings that are read."""
    answer = await push(audit, programme, [audit_row()], headers={"Content-Encoding": encoding})

    assert (answer.status_code, problem(answer)) == (415, "unsupported-media-type")
    assert answer.headers["accept-encoding"] == "gzip, zstd"


@pytest.mark.parametrize("media_type", ["application/xml", "text/plain", "application/x-www-form-urlencoded", "nonsense", ""])
async def test_an_unknown_content_type_is_a_problem(
    audit: httpx.AsyncClient, programme: str, stored: Stored, media_type: str
) -> None:
    """415 names the types that are read."""
    before = await stored()
    answer = await push(audit, programme, _GOOD, media_type=media_type)

    assert (answer.status_code, problem(answer)) == (415, "unsupported-media-type")
    assert NDJSON in answer.json()["detail"]
    assert await stored() == before


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_over_the_limit_is_a_problem(
    audit: httpx.AsyncClient, programme: str, stored: Stored, announced: bool
) -> None:
    """64 MB are taken and no more, whether the length is announced or not."""
    before = await stored()
    piece = b" " * 999_999 + b"\n"
    sent = 0

    async def pieces() -> Any:
        nonlocal sent
        for _ in range(70):
            sent += len(piece)
            yield piece

    headers = {"Content-Type": NDJSON, **({"Content-Length": str(70 * len(piece))} if announced else {})}
    answer = await audit.post("/v1/audit-batches", params={"programme": programme}, content=pieces(), headers=headers)

    assert (answer.status_code, problem(answer)) == (413, "body-too-large")
    assert await stored() == before
    assert not announced or sent <= len(piece)


async def test_more_rows_than_the_limit_are_a_problem(audit: httpx.AsyncClient, programme: str, stored: Stored) -> None:
    """A hundred thousand rows are taken; one more, and none is, not even the good ones before it."""
    before = await stored()
    good = encoded([audit_row("A-1"), audit_row("A-2")])
    over = await push(audit, programme, good + b"0\n" * 99_999)

    assert (over.status_code, problem(over)) == (413, "body-too-large")
    assert "100000 rows" in over.json()["detail"]
    assert await stored() == before


async def test_as_many_rows_as_the_limit_are_taken(
    audit: httpx.AsyncClient, programme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit itself is not too much."""
    monkeypatch.setattr("audit_api.batches.routes.MAX_ROWS", 3)
    full = await push(audit, programme, b"0\n" * 3)
    over = await push(audit, programme, b"0\n" * 4)

    assert (full.status_code, over.status_code) == (201, 413)


@pytest.mark.parametrize("framing", [b"Content-Length: 100000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\nffff\r\n"])
async def test_a_body_that_stops_half_way_writes_nothing(
    audit: httpx.AsyncClient,
    audit_address: str,
    programme: str,
    stored: Stored,
    caplog: pytest.LogCaptureFixture,
    framing: bytes,
) -> None:
    """A connection that breaks in the middle of a body leaves no row and no batch, and is no failure of the service."""
    before = await stored()
    address = urlsplit(audit_address)
    head = (
        f"POST /v1/audit-batches?programme={programme} HTTP/1.1\r\nHost: test\r\nContent-Type: {NDJSON}\r\n"
        f"Authorization: {audit.headers['authorization']}\r\n"
    )
    with capture_logs() as logs, caplog.at_level(logging.ERROR):
        _, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(head.encode() + framing + encoded([audit_row(f"A-{number}") for number in range(20)]))
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        async with asyncio.timeout(30):
            while not any(entry["event"] == "request" for entry in logs):
                await asyncio.sleep(0.01)

    assert [entry["status"] for entry in logs if entry["event"] == "request"] == [400]
    assert [entry for entry in logs if entry["log_level"] == "error"] == []
    assert caplog.records == []
    assert await stored() == before


async def test_a_row_is_named_by_its_external_id_where_it_has_a_usable_one(audit: httpx.AsyncClient, programme: str) -> None:
    """A rejected row can be found in the file it came from: by its number always, by its external id where that is sound."""
    rows = [audit_row("A-1", queue=""), audit_row("\x00"), audit_row("x" * 201), {"external_id": 17}, {}]
    batch = await pushed(audit, programme, rows)

    assert verdicts(batch) == ["rejected"] * 5
    assert [result["external_id"] for result in batch["results"]] == ["A-1", None, None, None, None]


async def test_rows_are_read_from_a_stream_as_they_are_from_a_file(audit: httpx.AsyncClient, programme: str) -> None:
    """How a body is cut into pieces on its way means nothing, for gzip members too."""
    body = gzip.compress(encoded([audit_row(f"A-{number}") for number in range(20)])) * 2
    source = io.BytesIO(body)

    async def pieces() -> Any:
        while piece := source.read(7):
            yield piece

    headers = {"Content-Type": NDJSON, "Content-Encoding": "gzip"}
    answer = await audit.post("/v1/audit-batches", params={"programme": programme}, content=pieces(), headers=headers)

    assert answer.json()["counts"] == {"rows": 40, "created": 20, "duplicate": 20, "conflict": 0, "rejected": 0, "revised": 0}
