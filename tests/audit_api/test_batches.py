"""Audit batches: every row gets one verdict, the counts sum, and the same rows never make a second audit."""

import gzip
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
import zstandard
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appeals import moved_by_hand
from audit_api.batches.merging import CHUNK
from batches import CSV, JSON, NDJSON, Stored, encoded, faults, ids, problem, push, pushed, verdicts
from conftest import Caller
from factories import audit_row, missed, programme_document
from tallystick.schemas.principal import Role

FORMATS = (NDJSON, JSON, CSV)
SCORECARD = [
    {"code": "policy", "weight": 2, "rating": 0.5, "auto_fail": False},
    {"code": "tone", "weight": 1, "rating": None, "auto_fail": True},
]


def _some(count: int = 5, **changes: Any) -> list[dict[str, Any]]:
    return [audit_row(f"A-{number}", handling_time_s=number, **changes) for number in range(count)]


@pytest.mark.parametrize("media_type", FORMATS)
@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress])
async def test_rows_become_audits(
    audit: httpx.AsyncClient, programme: str, media_type: str, pack: Callable[[bytes], bytes]
) -> None:
    """In any format, plain or packed, a good row is `created` and readable by the id that it is told."""
    encoding = {bytes: {}, gzip.compress: {"Content-Encoding": "gzip"}}.get(pack, {"Content-Encoding": "zstd"})
    rows = [*_some(2), missed("A-9", comment='He said "no",\r\nthen left; é, 漢')]
    batch = await pushed(audit, programme, pack(encoded(rows, media_type)), media_type=media_type, headers=encoding)
    read = (await audit.get(f"/v1/audits/{ids(batch)[2]}", params={"programme": programme})).json()

    assert verdicts(batch) == ["created"] * 3
    assert read["external_id"] == "A-9"
    assert read["error_code"] == "FN-HARASS"
    assert read["comment"] == 'He said "no",\r\nthen left; é, 漢'
    assert read["batch_id"] == batch["id"]
    assert read["policy_set_version"] == "2026-07"


@pytest.mark.parametrize("media_type", FORMATS)
async def test_every_character_is_stored_as_it_was_sent(audit: httpx.AsyncClient, programme: str, media_type: str) -> None:
    """Quotes, backslashes, separators, line ends and control characters, nulls that are words, and braces are text."""
    controls = "".join(map(chr, range(1, 32)))
    comments = [
        controls,
        '"',
        "\\",
        '\\"',
        '\\\\n"\\',
        "\\.",
        "\n\\.\n",
        "\r",
        "null",
        ",",
        "],[",
        '","',
        "\x7f\u2028\U0001f600",
        "\\u0041",
    ]
    rows = [audit_row(f'N-{number}"\\,', comment=comment, stratum="null") for number, comment in enumerate(comments)]
    batch = await pushed(audit, programme, encoded(rows, media_type), media_type=media_type)
    again = await pushed(audit, programme, encoded(rows, media_type), media_type=media_type)
    read = (await audit.get("/v1/audits", params={"programme": programme})).json()["items"]

    assert verdicts(batch) == ["created"] * len(rows)
    assert verdicts(again) == ["duplicate"] * len(rows)
    assert {(item["external_id"], item["comment"]) for item in read} == {(row["external_id"], row["comment"]) for row in rows}
    assert {item["stratum"] for item in read} == {"null"}


async def test_what_has_brackets_in_json_is_stored_as_it_was_sent(audit: httpx.AsyncClient, programme: str) -> None:
    """Hints and scorecards, each with and without the other, are read back; the row is known when it comes again."""
    scorecard = [*SCORECARD, {"code": "a.b-c:d_e", "weight": 1e-07, "rating": 1.0, "auto_fail": False}]
    shapes: list[dict[str, Any]] = [
        {"render_hints": ["blur", "mute"]},
        {"scorecard": scorecard},
        {"scorecard": scorecard, "render_hints": ["greyscale"]},
    ]
    shapes += [{"scorecard": []}, {"inclusion_probability": 1e-07, "comment": "back\\slash", "scorecard": scorecard}]
    rows = [audit_row(f"A-{number}", **shape) for number, shape in enumerate(shapes)]
    batch = await pushed(audit, programme, rows)
    again = await pushed(audit, programme, rows)
    read = {
        item["external_id"]: item for item in (await audit.get("/v1/audits", params={"programme": programme})).json()["items"]
    }

    assert verdicts(batch) == ["created"] * len(rows)
    assert verdicts(again) == ["duplicate"] * len(rows)
    for row, shape in zip(rows, shapes, strict=True):
        assert {name: read[row["external_id"]][name] for name in shape} == shape
        assert read[row["external_id"]]["render_hints"] == shape.get("render_hints", [])


async def test_two_vendors_may_use_one_external_id(audit: httpx.AsyncClient, programme: str) -> None:
    """An external id belongs to its vendor: another vendor's row under the same id is another audit."""
    rows = [audit_row("A-1"), audit_row("A-1", vendor="borealis", site="krakow")]
    batch = await pushed(audit, programme, rows)

    assert verdicts(batch) == ["created", "created"]
    assert len(set(ids(batch))) == 2


@pytest.mark.parametrize("media_type", FORMATS)
@pytest.mark.parametrize("size", [1, 2, 5])
async def test_the_same_rows_again_create_nothing(
    audit: httpx.AsyncClient, programme: str, stored: Stored, media_type: str, size: int
) -> None:
    """Sent again in any format and split in any way, rows are duplicates and name the same audits."""
    rows = [*_some(3), missed("A-7", severity="critical"), missed("A-8", comment="late", claimed_at="2026-09-01T09:59:59.5Z")]
    first = await pushed(audit, programme, rows)
    before = await stored()
    again = [
        await pushed(audit, programme, rows[start : start + size], media_type=media_type) for start in range(0, len(rows), size)
    ]
    after = await stored()

    assert {verdict for batch in again for verdict in verdicts(batch)} == {"duplicate"}
    assert [audit_id for batch in again for audit_id in ids(batch)] == ids(first)
    assert after["audits"] == before["audits"]
    assert after["audit_revisions"] == before["audit_revisions"] == []


async def test_the_same_moment_in_another_zone_is_the_same_row(audit: httpx.AsyncClient, programme: str) -> None:
    """What counts is what a row says, not how it is written."""
    first = await pushed(audit, programme, [audit_row(automated_detection=False, render_hints=[], scorecard=None)])
    again = await pushed(
        audit, programme, [audit_row(decided_at="2026-09-01T10:00:00+02:00", audited_at="2026-09-01T06:00:00.000-04:00")]
    )

    assert verdicts(again) == ["duplicate"]
    assert ids(again) == ids(first)


async def test_rows_sent_before_a_revision_are_still_known(audit: httpx.AsyncClient, programme: str, stored: Stored) -> None:
    """A revision by a person or by a batch does not make the first row news, whatever the batch asks for."""
    first = await pushed(audit, programme, [audit_row("A-1"), audit_row("A-2")])
    judgement = {"benchmark_action": "keep", "benchmark_policy": "no_violation", "verdict": "correct"}
    by_hand = await audit.post(
        f"/v1/audits/{ids(first)[0]}/revisions",
        params={"programme": programme},
        json={"judgement": judgement, "reason": "Seen again"},
        headers={"If-Match": '"1"'},
    )
    revised = await pushed(audit, programme, [audit_row("A-2", comment="better")], on_conflict="revise")
    before = await stored()
    again = [
        await pushed(audit, programme, [audit_row("A-1"), audit_row("A-2"), audit_row("A-2", comment="better")], on_conflict=mode)
        for mode in ("reject", "revise")
    ]
    after = await stored()

    assert by_hand.status_code == 201
    assert verdicts(revised) == ["revised"]
    assert [verdicts(batch) for batch in again] == [["duplicate"] * 3] * 2
    assert [ids(batch) for batch in again] == [[*ids(first), ids(first)[1]]] * 2
    assert after["audits"] == before["audits"]


async def test_rows_sent_before_an_erasure_are_still_known(audit: httpx.AsyncClient, programme: str, stored: Stored) -> None:
    """What was erased does not come back by sending it again."""
    first = await pushed(audit, programme, [audit_row("A-1", comment="Somebody")])
    erased = await audit.post(
        f"/v1/audits/{ids(first)[0]}/erasure",
        params={"programme": programme},
        json={"reason": "On request"},
        headers={"If-Match": '"1"'},
    )
    before = await stored()
    again = await pushed(audit, programme, [audit_row("A-1", comment="Somebody")], on_conflict="revise")
    other = await pushed(audit, programme, [audit_row("A-1", comment="Somebody else")], on_conflict="revise")
    after = await stored()

    assert erased.status_code == 200
    assert (verdicts(again), ids(again)) == (["duplicate"], ids(first))
    assert (verdicts(other), ids(other)) == (["conflict"], ids(first))
    assert after["audits"] == before["audits"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("content_ref", "item:other"),
        ("site", "cairo"),
        ("queue", "comments"),
        ("market", "PL"),
        ("language", "pl"),
        ("moderator", "m-2"),
        ("decided_at", "2026-09-01T08:00:01Z"),
        ("action", "restrict"),
        ("policy", "hate"),
        ("automated_detection", True),
        ("automated_decision", True),
        ("render_hints", ["blur"]),
        ("auditor", "qa-2"),
        ("audit_party", "vendor"),
        ("claimed_at", "2026-09-01T09:00:00Z"),
        ("audited_at", "2026-09-01T10:00:00.000001Z"),
        ("handling_time_s", 41),
        ("stratum", "high"),
        ("inclusion_probability", 0.25),
        ("benchmark_action", "restrict"),
        ("benchmark_policy", "hate"),
        ("scorecard", [{"code": "tone", "weight": 1, "rating": 1}]),
        ("comment", "Hm."),
    ],
)
async def test_one_changed_field_is_a_conflict_that_names_it(
    audit: httpx.AsyncClient, programme: str, stored: Stored, field: str, value: object
) -> None:
    """A known external id with other content is refused, field by field, and nothing changes."""
    row = audit_row(scorecard=SCORECARD)
    first = await pushed(audit, programme, [row])
    before = await stored()
    second = await pushed(audit, programme, [row | {field: value}])
    after = await stored()

    assert verdicts(second) == ["conflict"]
    assert ids(second) == ids(first)
    assert faults(second["results"][0]) == [(f"/{field}", "differs")]
    assert after["audits"] == before["audits"]


async def test_a_conflict_can_append_a_revision(audit: httpx.AsyncClient, programme: str) -> None:
    """With `on_conflict=revise` another judgement is a revision, with who, when and why; both views stay readable."""
    first = await pushed(audit, programme, [missed()])
    second = await pushed(audit, programme, [missed(severity="minor", comment="Less than it seemed")], on_conflict="revise")
    of = {"programme": programme}
    read = (await audit.get(f"/v1/audits/{ids(first)[0]}", params=of)).json()
    history = (await audit.get(f"/v1/audits/{ids(first)[0]}/revisions", params=of)).json()["items"]

    assert verdicts(second) == ["revised"]
    assert ids(second) == ids(first)
    assert (read["severity"], read["first_scored"]["severity"], read["revision"]) == ("minor", "major", 2)
    assert [version["revision"] for version in history] == [1, 2]
    assert [version["judgement"]["severity"] for version in history] == ["major", "minor"]
    assert [version["recorded_by"] for version in history] == ["someone", "someone"]
    assert history[0]["reason"] is None
    assert second["id"] in history[1]["reason"]
    assert history[0]["recorded_at"] < history[1]["recorded_at"]


async def test_a_revision_changes_the_judgement_alone(audit: httpx.AsyncClient, programme: str) -> None:
    """Facts of the decision do not change by a push: such a row stays a conflict, and names all that differs."""
    await pushed(audit, programme, [missed()])
    second = await pushed(audit, programme, [missed(severity="minor", queue="comments")], on_conflict="revise")

    assert verdicts(second) == ["conflict"]
    assert sorted(faults(second["results"][0])) == [("/queue", "differs"), ("/severity", "differs")]


@pytest.mark.parametrize("mode", ["reject", "revise"])
@pytest.mark.parametrize("between", [0, CHUNK])
async def test_rows_repeated_within_a_batch(audit: httpx.AsyncClient, programme: str, mode: str, between: int) -> None:
    """The first row of an external id is created, the same again is a duplicate, another content meets what stands by then."""
    filler = b"0\n" * between  # no objects: rejected, and enough of them to push what follows into another chunk
    body = (
        encoded([missed("A-1"), missed("A-1")])
        + filler
        + encoded([missed("A-1", severity="minor"), missed("A-1", severity="minor"), missed("A-1"), audit_row("A-2")])
    )
    batch = await pushed(audit, programme, body, on_conflict=mode)
    told = [result for result in batch["results"] if result["verdict"] != "rejected"]
    other = ["conflict", "conflict"] if mode == "reject" else ["revised", "duplicate"]

    assert batch["counts"]["rejected"] == between
    assert [result["verdict"] for result in told] == ["created", "duplicate", *other, "duplicate", "created"]
    assert len({result["audit_id"] for result in told[:-1]}) == 1
    if mode == "reject":
        assert faults(told[2]) == [("/severity", "differs")]


async def test_a_known_row_before_a_chunk_of_none(audit: httpx.AsyncClient, programme: str) -> None:
    """Rows that are sent again may be followed by any number that cannot be read."""
    await pushed(audit, programme, [audit_row("A-1")])
    batch = await pushed(audit, programme, encoded([audit_row("A-1")]) + b"0\n" * 2 * CHUNK)

    assert batch["counts"] == {
        "rows": 2 * CHUNK + 1,
        "created": 0,
        "duplicate": 1,
        "conflict": 0,
        "rejected": 2 * CHUNK,
        "revised": 0,
    }


async def test_positions_follow_the_rows(audit: httpx.AsyncClient, programme: str) -> None:
    """Audits are on the feed in the order of their rows, each at its own place, whatever was rejected between them."""
    await pushed(audit, programme, [audit_row("A-2")])
    rows = [audit_row("A-1"), audit_row("A-2"), audit_row("A-3", queue="nowhere"), audit_row("A-4"), audit_row("A-5")]
    await pushed(audit, programme, rows)
    await pushed(audit, programme, [audit_row("A-6")])
    page = (await audit.get("/v1/changes", params={"programme": programme})).json()
    told = [(change["position"], change["data"]["external_id"]) for change in page["changes"] if change["noun"] == "audit"]

    assert [name for _, name in told] == ["A-2", "A-1", "A-4", "A-5", "A-6"]
    assert len({position for position, _ in told}) == len(told)
    assert told[-1][0] == page["position"]


async def test_a_row_repeated_thousands_of_times_costs_no_more_than_others(audit: httpx.AsyncClient, programme: str) -> None:
    """Repetitions are judged as they come: a batch of one row alone is not slower than any other."""
    rows = [*[audit_row()] * 3000, *[audit_row(comment="other")] * 3000]
    batch = await pushed(audit, programme, rows)

    assert batch["counts"] == {"rows": 6000, "created": 1, "duplicate": 2999, "conflict": 3000, "rejected": 0, "revised": 0}


async def test_all_or_nothing(audit: httpx.AsyncClient, programme: str, stored: Stored) -> None:
    """With `atomicity=all` one bad row refuses the batch: it is named, and nothing is written."""
    before = await stored()
    rows = [audit_row("A-1"), audit_row("A-2", queue="nowhere"), audit_row("A-3", verdict="perhaps")]
    refused = await push(audit, programme, rows, atomicity="all")
    after = await stored()

    assert refused.status_code == 409
    assert problem(refused) == "batch-refused"
    assert refused.json()["counts"] == {"created": 1, "duplicate": 0, "conflict": 0, "rejected": 2, "revised": 0}
    assert [(error["pointer"], error["code"]) for error in refused.json()["errors"]] == [
        ("/rows/2/queue", "unknown_queue"),
        ("/rows/3/verdict", "enum"),
    ]
    assert after == before


async def test_all_or_nothing_takes_good_and_known_rows(audit: httpx.AsyncClient, programme: str) -> None:
    """Duplicates are no reason to refuse a batch; conflicts are."""
    await pushed(audit, programme, [audit_row("A-1")])
    good = await pushed(audit, programme, [audit_row("A-1"), audit_row("A-2")], atomicity="all")
    conflicting = await push(audit, programme, [audit_row("A-3"), audit_row("A-2", comment="Hm.")], atomicity="all")

    assert verdicts(good) == ["duplicate", "created"]
    assert problem(conflicting) == "batch-refused"


@pytest.mark.parametrize("mode", ["reject", "revise"])
async def test_a_dry_run_shows_what_would_happen_and_changes_nothing(
    audit: httpx.AsyncClient, audit_app: FastAPI, caller: Caller, mode: str, stored: Stored, programme: str
) -> None:
    """The verdicts of the dry run are those of the real run; every table, positions included, stays as it was."""
    document = programme_document(programme, register_unknown=["queues"])
    await caller(audit_app, Role.ADMIN).put(f"/v1/programmes/{programme}", json=document, headers={"If-Match": '"1"'})
    await pushed(audit, programme, [audit_row("A-1"), missed("A-2")])
    rows = [
        audit_row("A-1"),
        missed("A-2", severity="minor"),
        audit_row("A-3", queue="new"),
        audit_row("A-4", market="XX"),
        audit_row("A-3", queue="new"),
    ]
    before = await stored()
    dry = await pushed(audit, programme, rows, dry_run=True, on_conflict=mode, headers={"Idempotency-Key": "one"})
    after = await stored()
    real = await pushed(audit, programme, rows, on_conflict=mode, headers={"Idempotency-Key": "two"})

    assert dry["dry_run"] is True
    assert real["dry_run"] is False
    assert after == before
    assert verdicts(dry) == verdicts(real)
    assert [faults(result) for result in dry["results"]] == [faults(result) for result in real["results"]]


async def test_an_open_vocabulary_takes_up_new_words(audit: httpx.AsyncClient, programme: str) -> None:
    """Words that the programme may learn make a version of its document; only rows that are taken teach it."""
    vocabularies = ["sites", "queues", "markets", "languages", "policies", "error_codes"]
    document = programme_document(programme, register_unknown=vocabularies)
    await audit.put(f"/v1/programmes/{programme}", json=document, headers={"If-Match": '"1"'})
    rows = [
        missed("A-1", site="porto", queue="q-new", market="XX", language="xx", policy="p-new", error_code="NEW"),
        missed("A-2", benchmark_policy="p-bench"),
        missed("A-3", queue="q-rejected", vendor="nobody"),
        missed("A-4", queue="q-late", audited_at="2026-08-01T00:00:00Z"),
    ]
    batch = await pushed(audit, programme, rows)
    again = await pushed(audit, programme, rows[:2])
    read = (await audit.get(f"/v1/programmes/{programme}")).json()
    words = read["document"]

    assert verdicts(batch) == ["created", "created", "rejected", "rejected"]
    assert verdicts(again) == ["duplicate", "duplicate"]
    assert read["revision"] == 3
    assert words["vendors"][0]["sites"] == ["lisbon", "cairo", "porto"]
    assert words["vendors"][1]["sites"] == ["krakow"]
    assert words["queues"] == ["live", "comments", "q-new"]
    assert (words["markets"][-1], words["languages"][-1]) == ("XX", "xx")
    assert [policy["code"] for policy in words["policy_set"]["policies"]][3:] == ["p-bench", "p-new"]
    assert words["error_taxonomy"]["codes"][-1] == {"code": "NEW", "name": "NEW", "error_class": None, "severity": None}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("vendor", "northwind"),
        ("site", "krakow"),
        ("queue", "nowhere"),
        ("market", "XX"),
        ("language", "xx"),
        ("policy", "unheard-of"),
        ("action", "applaud"),
        ("benchmark_policy", "unheard-of"),
        ("benchmark_action", "applaud"),
        ("error_code", "XX-99"),
    ],
)
async def test_an_unknown_word_rejects_its_row_by_name(audit: httpx.AsyncClient, programme: str, field: str, value: str) -> None:
    """A closed vocabulary takes no new word: the row is told which field, never the word."""
    batch = await pushed(audit, programme, [missed("A-1", **{field: value}), missed("A-2")])

    assert verdicts(batch) == ["rejected", "created"]
    assert faults(batch["results"][0]) == [(f"/{field}", f"unknown_{field}")]
    assert value not in str(batch["results"][0]["errors"])


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"error_class": "false_positive"}, [("/error_class", "not_of_this_code")]),
        ({"error_class": None}, [("/error_class", "missing"), ("/error_class", "not_of_this_code")]),
        ({"error_code": None}, [("/error_code", "missing")]),
        ({"severity": None}, [("/severity", "missing")]),
        ({"error_code": "CRITICAL-ONLY"}, [("/severity", "not_of_this_code")]),
        ({"error_code": "CRITICAL-ONLY", "severity": "critical", "error_class": "technical"}, []),
        (
            {"verdict": "correct", "attributable_to": "tooling"},
            [(f"/{field}", "error_without_fault") for field in ("error_class", "error_code", "severity", "attributable_to")],
        ),
    ],
)
async def test_a_judgement_agrees_with_itself_and_with_its_code(
    audit: httpx.AsyncClient, programme: str, changes: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    """An incorrect decision needs class, code and severity, and those that the code fixes; a correct one has none."""
    document = programme_document(programme)
    document["error_taxonomy"]["codes"].append({"code": "CRITICAL-ONLY", "name": "Always critical", "severity": "critical"})
    await audit.put(f"/v1/programmes/{programme}", json=document, headers={"If-Match": '"1"'})
    batch = await pushed(audit, programme, [missed("A-1", **changes)])

    assert set(faults(batch["results"][0])) == set(expected)
    assert verdicts(batch) == ["rejected" if expected else "created"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"audited_at": "2026-09-01T07:59:59Z"}, [("/audited_at", "before_decision")]),
        ({"audited_at": "2126-09-01T10:00:00Z"}, [("/audited_at", "in_the_future")]),
        ({"claimed_at": "2026-09-01T10:00:01Z"}, [("/claimed_at", "after_audit")]),
        ({"claimed_at": "2026-09-01T10:00:00Z"}, []),
        ({"decided_at": "2026-09-01T10:00:00Z"}, []),
        ({"decided_at": "2026-09-01 10:00:00"}, [("/decided_at", "timezone_aware")]),
        ({"decided_at": 1_788_249_600}, [("/decided_at", "datetime_type")]),
        ({"decided_at": "1788249600"}, [("/decided_at", "datetime_type")]),
        ({"handling_time_s": -1}, [("/handling_time_s", "greater_than_equal")]),
    ],
)
async def test_times_are_plausible(
    audit: httpx.AsyncClient, programme: str, changes: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    """An audit comes after the decision and after it was claimed, and not from the future; a time names its offset."""
    batch = await pushed(audit, programme, [audit_row("A-1", **changes)])

    assert faults(batch["results"][0]) == expected


async def test_the_clock_of_the_service_says_what_a_batch_has_of_the_future(
    audit_app: FastAPI, audit: httpx.AsyncClient, programme: str
) -> None:
    """An audit of a day that has come by the clock of the service is taken, whatever the machine says."""
    with moved_by_hand(audit_app) as clock:
        there, not_there = (clock.move(days=2) + timedelta(days=day) for day in (-1, 1))
        rows = [audit_row("A-1", audited_at=there.isoformat()), audit_row("A-2", audited_at=not_there.isoformat())]
        batch = await pushed(audit, programme, rows)

    assert verdicts(batch) == ["created", "rejected"]
    assert faults(batch["results"][1]) == [("/audited_at", "in_the_future")]


_LINES = st.lists(
    st.builds(
        lambda number, weight, rating, auto_fail: {
            "code": f"line-{number}", "weight": weight, "rating": rating, "auto_fail": auto_fail,
        },
        st.integers(0, 9),
        st.floats(0.01, 1000),
        st.none() | st.sampled_from([0.0, 1.0]) | st.floats(0, 1),
        st.booleans(),
    ),
    max_size=8,
)  # fmt: skip


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cards=st.lists(_LINES, min_size=1, max_size=20))
async def test_a_scorecard_has_a_score(audit_app: FastAPI, caller: Caller, cards: list[list[dict[str, Any]]]) -> None:
    """Lines that do not apply give their weight to the others; an unmet auto-fail line makes 0; no line makes no score."""
    client = caller(audit_app, Role.ADMIN)
    slug = f"score-{abs(hash(str(cards))):x}"[:60]
    await client.put(f"/v1/programmes/{slug}", json=programme_document(slug))
    rows = [audit_row(f"A-{number}", scorecard=card) for number, card in enumerate(cards)]
    await pushed(client, slug, rows)
    read = (await client.get("/v1/audits", params={"programme": slug})).json()["items"]
    scores = {item["external_id"]: item["quality_score"] for item in read}

    for number, card in enumerate(cards):
        applicable = [line for line in card if line["rating"] is not None]
        score = scores[f"A-{number}"]
        if not applicable:
            assert score is None
        elif any(line["auto_fail"] and line["rating"] < 1 for line in applicable):
            assert score == 0
        else:
            shares = [line["weight"] / sum(each["weight"] for each in applicable) for line in applicable]
            assert score == pytest.approx(sum(line["rating"] * share for line, share in zip(applicable, shares, strict=True)))
            assert 0 <= score <= 1


async def test_a_batch_and_its_rows_stay_readable(audit: httpx.AsyncClient, programme: str) -> None:
    """A batch keeps its counts, and the rows that were not simply repeated keep their verdicts, page by page."""
    await pushed(audit, programme, [audit_row("A-0")])
    rows = [audit_row("A-0"), audit_row("A-1"), audit_row("A-2", market="XX"), audit_row("A-0", comment="x"), audit_row("A-3")]
    batch = await pushed(audit, programme, rows)
    of = {"programme": programme}
    read = await audit.get(f"/v1/audit-batches/{batch['id']}", params=of)
    again = await audit.get(f"/v1/audit-batches/{batch['id']}", params=of, headers={"If-None-Match": read.headers["etag"]})
    seen: list[dict[str, Any]] = []
    address = f"/v1/audit-batches/{batch['id']}/rows?programme={programme}&limit=2"
    for _ in range(10):
        page = await audit.get(address)
        seen += page.json()["items"]
        if "next" not in page.links:
            break
        address = str(page.url.join(page.links["next"]["url"]))

    assert {**read.json(), "results": batch["results"]} == batch
    assert again.status_code == 304
    assert seen == [result for result in batch["results"] if result["verdict"] != "duplicate"]


@pytest.mark.parametrize(
    ("wanted", "rows"), [(["rejected"], [2]), (["created"], [1, 4]), (["conflict", "rejected"], [2, 3]), (["revised"], [])]
)
async def test_rows_can_be_asked_for_by_verdict(
    audit: httpx.AsyncClient, programme: str, wanted: list[str], rows: list[int]
) -> None:
    """Repeated verdicts mean any of them."""
    sent = [audit_row("A-1"), audit_row("A-2", market="XX"), audit_row("A-1", comment="x"), audit_row("A-3")]
    batch = await pushed(audit, programme, sent)
    answer = await audit.get(f"/v1/audit-batches/{batch['id']}/rows", params={"programme": programme, "verdict": wanted})

    assert [item["row"] for item in answer.json()["items"]] == rows


async def test_a_vendors_batch_is_its_own(audit_app: FastAPI, caller: Caller, programme: str) -> None:
    """The vendor that pushed reads its batch back; another vendor's answers are those of a batch that does not exist."""
    acme = caller(audit_app, Role.VENDOR_SYSTEM, vendor="acme")
    borealis = caller(audit_app, Role.VENDOR_SYSTEM, vendor="borealis")
    batch = await pushed(acme, programme, [audit_row("A-1"), audit_row("A-2", vendor="borealis", site="krakow")])
    address, missing = (f"/v1/audit-batches/{batch_id}" for batch_id in (batch["id"], "01a204a9-4350-70e1-b4e8-fc290367a4d0"))
    of = {"programme": programme}
    own = [await acme.get(f"{address}{part}", params=of) for part in ("", "/rows")]
    foreign = [await borealis.get(f"{address}{part}", params=of) for part in ("", "/rows")]
    absent = [await borealis.get(f"{missing}{part}", params=of) for part in ("", "/rows")]

    assert verdicts(batch) == ["created", "rejected"]
    assert faults(batch["results"][1]) == [("/vendor", "unknown_vendor")]
    assert [answer.status_code for answer in own] == [200, 200]
    assert own[1].json()["items"] == batch["results"]
    assert {answer.status_code for answer in foreign + absent} == {404}
    assert {answer.json()["detail"] for answer in foreign + absent} == {"There is no such batch."}


async def test_the_clients_batch_is_not_shown_to_vendors(audit_app: FastAPI, caller: Caller, programme: str) -> None:
    """What the client pushed about a vendor reaches the vendor as audits, not as the client's batch."""
    batch = await pushed(caller(audit_app, Role.QUALITY_MANAGER), programme, [audit_row("A-1")])
    acme = caller(audit_app, Role.VENDOR_SYSTEM, vendor="acme")
    of = {"programme": programme}

    assert (await acme.get(f"/v1/audit-batches/{batch['id']}", params=of)).status_code == 404
    assert (await acme.get(f"/v1/audits/{ids(batch)[0]}", params=of)).status_code == 200


async def test_a_batch_needs_a_programme_and_a_profile_that_exist(audit: httpx.AsyncClient, programme: str) -> None:
    """An unknown programme or profile is a 404, before any row is looked at."""
    nowhere = await push(audit, "no-such-programme", [audit_row()])
    unmapped = await push(audit, programme, [audit_row()], profile="no-such-profile")

    assert [problem(answer) for answer in (nowhere, unmapped)] == ["not-found", "not-found"]


async def test_an_empty_batch_has_no_rows(audit: httpx.AsyncClient, programme: str) -> None:
    """Nothing sent is nothing lost: all counts are 0."""
    for media_type, body in ((NDJSON, b""), (NDJSON, b"\n\r\n"), (JSON, b" [ ]\n"), (CSV, b"external_id,vendor\r\n")):
        batch = await pushed(audit, programme, body, media_type=media_type)

        assert batch["counts"]["rows"] == 0


@pytest.mark.principal(Role.VENDOR_SYSTEM, vendor="acme")
async def test_a_vendor_does_not_revise(audit: httpx.AsyncClient, programme: str) -> None:
    """The record is held by two: what was judged is changed by the client's people, and a vendor appeals."""
    await audit.post("/v1/audit-batches", params={"programme": programme}, json=[missed("A-1")])
    query = {"programme": programme, "on_conflict": "revise"}
    answer = await audit.post("/v1/audit-batches", params=query, json=[audit_row("A-1", action="keep", policy="no_violation")])
    standing = (await audit.get("/v1/audits", params={"programme": programme})).json()["items"]

    assert answer.status_code == 403
    assert [audit["verdict"] for audit in standing] == ["incorrect"]


async def test_a_row_that_is_wrong_altogether_says_so_once(audit: httpx.AsyncClient, programme: str) -> None:
    """However many fields of a row are at fault, its verdict costs one error: a small body cannot ask for a large answer."""
    rows = [{f"field-{number}": number for number in range(200)} for _ in range(50)] + [{"Ticket": "A-1"}]
    answer = await audit.post("/v1/audit-batches", params={"programme": programme}, json=rows)

    assert answer.json()["counts"]["rejected"] == 51
    assert {len(result["errors"]) for result in answer.json()["results"]} == {1}
    errors = [result["errors"][0] for result in answer.json()["results"]]
    assert {(error["pointer"], error["code"]) for error in errors} == {("", "too_many_faults")}
    assert errors[0]["detail"] == "216 fields are at fault."
    assert errors[-1]["detail"].startswith("17 fields are at fault. The first: /benchmark_action (missing), ")
