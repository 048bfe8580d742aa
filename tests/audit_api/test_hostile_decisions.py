"""Batches of decisions as nobody should send them: each line is counted or named, or the batch gets a problem."""

import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import httpx
import orjson
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from audit_api.audits.judging import Rules
from audit_api.decisions.reading import LONGEST_LINE, Lines, Reader
from audit_api.decisions.tally import Tally
from batches import Found, problem
from decisions import NDJSON, counts, frames, lines, send, sent
from factories import decision_row, programme_document
from tallystick.draw import FIELDS, Frame, canonical
from tallystick.schemas.decision import Decision
from tallystick.schemas.programme import Programme

CANARY = "c4n4ry-7f3a"
TEXTS = (
    "decision_id", "vendor", "site", "queue", "market", "language", "moderator", "decided_at", "action", "policy", "content_ref",
    "risk", "modality",
)  # fmt: skip
ODD: tuple[Any, ...] = (
    *(None, True, 0, 1, -1, 1.0, 2**63, "", " ", "x" * 201, "\x00", "\x1f", "\x7f", "\u2028", "é", [], {}, ["a"], "acme"),
    *("true", "high", "video", ["blur"], ["mute", "blur", "mute"], {"blur": 1}, ["blur"] * 4, "2026-09-01T10:00:00+02:00"),
    *("2026-09-01T08:00:00.5Z", "2026-09-01T08:00:59.000000Z", "2026-09-01T08:00:00.1234567Z", "2026-09-01T08:00:60Z"),
    *("2026-09-01T08:00Z", "2026-09-01T08:00", "2026-09-31T08:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
    *("2026-09-01 08:00:00Z", "2030-01-01T00:00:00Z", "1950-01-01T00:00:00Z", "krakow", "borealis", "cairo", "comments"),
)


def reader() -> tuple[Reader, Tally]:
    """A reader for the programme of the tests, that has counted some lines."""
    tally = Tally([], frozenset())
    read = Reader(Rules(Programme.model_validate(programme_document("p")), None), ZoneInfo("Europe/Berlin"), tally, 0, 0)
    read.feed(lines([decision_row(f"S-{number}", risk=(None, "high")[number % 2]) for number in range(2)]))
    read.feed(lines([decision_row("S-9", vendor="borealis", site="krakow", queue="comments", automated_decision=True)]))
    return read, tally


@given(odd=st.dictionaries(st.sampled_from((*FIELDS, "unknown")), st.sampled_from(ODD), max_size=2))
def test_what_is_taken_at_a_glance_is_what_validation_takes(odd: dict[str, Any]) -> None:
    """Whatever stands in a line: it is counted for the same, or rejected for the same."""
    line = orjson.dumps({**decision_row("D-1"), **odd})
    at_a_glance, tally = reader()
    at_a_glance.feed(line + b"\n")
    closely, other = reader()
    closely.row += 1
    closely._look(line)

    assert at_a_glance.shown == closely.shown
    assert tally.counts() == other.counts()
    assert {key: frame.total for key, frame in tally.frames.items()} == {key: frame.total for key, frame in other.frames.items()}


def test_plain_lines_are_taken_at_a_glance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or a glance would serve nothing: also in combinations of known words, and with fractions of a second."""
    read, _ = reader()
    monkeypatch.setattr(read, "_look", None)
    plain: tuple[dict[str, Any], ...] = (
        {},
        {"decided_at": "2026-09-01T08:00:31.25Z"},
        {"queue": "comments", "risk": "high"},
        {"render_hints": ["blur"]},
    )
    read.feed(lines([decision_row("D-1", **more) for more in plain]))

    assert (read.rows, read.rejected) == (7, 0)


@given(body=st.lists(st.sampled_from([b"a", b"bb", b"\n", b"\r\n", b" ", b"\xef\xbb\xbf"])), cuts=st.lists(st.integers(1, 5)))
def test_lines_are_the_same_however_they_arrive(body: list[bytes], cuts: list[int]) -> None:
    """Cut anywhere."""
    whole, cut = b"".join(body), b"".join(body)
    at_once: list[bytes | None] = []
    in_pieces: list[bytes | None] = []
    one, several = Lines(at_once.append), Lines(in_pieces.append)
    one.feed(whole)
    one.end()
    for size in cuts:
        several.feed(cut[:size])
        cut = cut[size:]
    several.feed(cut)
    several.end()

    assert in_pieces == at_once
    assert at_once == [line for line in whole.removeprefix(b"\xef\xbb\xbf").split(b"\n") if line.strip()]


@pytest.mark.parametrize("field", TEXTS)
@pytest.mark.parametrize("evil", ["\\u0000" + CANARY, "\\ud800" + CANARY], ids=["nul", "surrogate"])
async def test_no_text_takes_a_nul_or_half_a_surrogate_pair(
    audit: httpx.AsyncClient, programme: str, found: Found, field: str, evil: str
) -> None:
    """The line is rejected by its field, those around it count, and no value is kept or echoed."""
    row = orjson.dumps(decision_row("D-2") | {field: "EVIL"}).replace(b"EVIL", evil.encode())
    answer = await send(audit, programme, lines([decision_row("D-1")]) + row + b"\n" + lines([decision_row("D-3")]))
    batch = answer.json()

    assert batch["counts"]["counted"] == 2
    assert [each["row"] for each in batch["rejected"]] == [2]
    assert batch["rejected"][0]["errors"][0]["pointer"] in {f"/{field}", ""}
    assert CANARY not in answer.text
    assert await found(CANARY) == []


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"{", "json_invalid"),
        (b"NaN", "model_type"),
        (b'{"decision_id": NaN}', "json_invalid"),
        (b"[]", "model_type"),
        (b'"text"', "model_type"),
        (b"\xff\xfe", "json_invalid"),
        (b"[" * 10_000, "json_invalid"),
        (b'{"unknown": "%b"}' % (b"x" * LONGEST_LINE), "line_too_long"),
        (b"x" * 1_000_000, "line_too_long"),
        (b'{"x": %b}' % (b"9" * 5000), "json_invalid"),
    ],
    ids=["half", "nan", "nan-inside", "array", "string", "no-utf8", "deep", "long", "very-long", "digits"],
)
async def test_lines_that_are_no_decisions(audit: httpx.AsyncClient, programme: str, line: bytes, code: str) -> None:
    """Each costs itself alone, and keeps its place in the numbering."""
    batch = await sent(audit, programme, lines([decision_row("D-1")]) + line + b"\n" + lines([decision_row("D-3")]))

    assert (batch["counts"]["rows"], batch["counts"]["counted"]) == (3, 2)
    assert batch["rejected"][0]["row"] == 2
    assert batch["rejected"][0]["errors"][0]["code"] in {code, "missing", "extra_forbidden", "too_many_faults"}


async def test_forms_of_bodies(audit: httpx.AsyncClient, programme: str, store: asyncpg.Connection) -> None:
    """A BOM, CRLF, empty lines, no line feed at the end, gzip in members, zstd in frames: all the same lines."""
    rows = [decision_row(f"D-{number}") for number in range(4)]
    plain = b"\r\n\r\n".join(map(orjson.dumps, rows))
    zstd = zstandard.ZstdCompressor().compress
    bodies = {
        "plain": (b"\xef\xbb\xbf" + plain, {}),
        "gzip": (gzip.compress(plain[:100]) + gzip.compress(plain[100:]), {"Content-Encoding": "gzip"}),
        "zstd": (zstd(plain[:100]) + zstd(plain[100:]), {"Content-Encoding": "zstd"}),
    }
    for name, (body, headers) in bodies.items():
        batch = await sent(audit, programme, body, source=name, headers=headers)
        assert (batch["counts"]["rows"], batch["counts"]["counted"]) == (4, 4)
    frame = Frame.of(canonical(Decision.model_validate(row)) for row in rows)

    assert await frames(store, programme) == {("2026-09-01", "acme"): frame + frame + frame}


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
async def test_a_body_that_unpacks_to_more_than_it_may(
    audit: httpx.AsyncClient, programme: str, store: asyncpg.Connection, encoding: str
) -> None:
    """It is refused, in little memory and with nothing counted; so is one that ends half-way."""
    line = orjson.dumps(decision_row("D-1")) + b"\n" + b" " * 999_000 + b"\n"
    pack: Any = zlib.compressobj(1, wbits=31) if encoding == "gzip" else zstandard.ZstdCompressor().compressobj()
    bomb = b"".join(pack.compress(line) for _ in range(1100)) + pack.flush()
    half = (gzip.compress(line) if encoding == "gzip" else zstandard.compress(line))[:-10]
    headers = {"Content-Encoding": encoding}
    tracemalloc.start()
    large = await send(audit, programme, bomb, headers=headers)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    early = await send(audit, programme, half, headers=headers)

    assert len(bomb) < 10_000_000
    assert (large.status_code, problem(large)) == (413, "body-too-large")
    assert peak < 60_000_000
    assert (early.status_code, problem(early)) == (400, "malformed-request")
    assert await counts(store, programme) == {}


async def test_other_kinds_of_bodies_are_not_read(audit: httpx.AsyncClient, programme: str) -> None:
    """Decisions are lines."""
    answer = await send(audit, programme, b"[]", headers={"Content-Type": "application/json"})

    assert (answer.status_code, problem(answer)) == (415, "unsupported-media-type")


async def test_a_body_that_stops_half_way_counts_nothing(
    audit: httpx.AsyncClient, audit_address: str, programme: str, store: asyncpg.Connection
) -> None:
    """The connection breaks: what had come of it is not counted, and the source stays where it was."""
    gone = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield lines([decision_row(f"D-{number}") for number in range(1000)])
        gone.set()
        await asyncio.sleep(60)

    async with httpx.AsyncClient(base_url=audit_address, headers=audit.headers) as client:
        where = {"programme": programme, "source": "s-1"}
        pushing = asyncio.create_task(
            client.post("/v1/decision-batches", params=where, content=body(), headers={"Content-Type": NDJSON})
        )
        await gone.wait()
        pushing.cancel()
        await asyncio.wait([pushing])
    source = await audit.get("/v1/decision-sources/s-1", params={"programme": programme})

    assert source.status_code == 404
    assert await counts(store, programme) == {}
