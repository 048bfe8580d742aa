"""Import profiles: a vendor's own columns and values become ours, for every row and every format alike."""

import json
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from batches import CSV, JSON, NDJSON, encoded, faults, problem, push, pushed, verdicts
from conftest import Caller
from factories import audit_row, programme_document
from tallystick.schemas.principal import Role

PROFILE: dict[str, Any] = {
    "slug": "export",
    "columns": {"external_id": "Ticket ID", "moderator": "Agent", "content_ref": "Ticket ID"},
    "constants": {"vendor": "acme", "audit_party": "vendor"},
    "defaults": {"queue": "live", "auditor": "qa-0"},
    "values": {
        "verdict": {"ok": "correct", "nok": "incorrect"},
        "automated_detection": {"yes": True, "no": False, "true": True, "false": False},
        "handling_time_s": {"0": None},
        "severity": {"-": None},
    },
    "dates": {"pattern": "%d.%m.%Y %H:%M", "time_zone": "Europe/Berlin"},
    "ignore": ["Remark"],
}


def _export(ticket: str = "T-1", **changes: Any) -> dict[str, Any]:
    """A row as the vendor writes it."""
    kept = ("site", "market", "language", "action", "policy", "benchmark_action", "benchmark_policy")
    row = {name: value for name, value in audit_row().items() if name in kept} | {
        "Ticket ID": ticket,
        "Agent": "m-1",
        "verdict": "ok",
        "decided_at": "01.09.2026 10:00",
        "audited_at": "01.09.2026 12:00",
        "Remark": "Not for us",
    }
    return {name: value for name, value in (row | changes).items() if value is not ...}


async def _with(client: httpx.AsyncClient, programme: str, **changes: Any) -> str:
    document = programme_document(programme, import_profiles=[PROFILE | changes])
    answer = await client.put(f"/v1/programmes/{programme}", json=document, headers={"If-Match": '"1"'})
    assert answer.status_code == 200, answer.text
    return programme


async def _audits(client: httpx.AsyncClient, programme: str) -> dict[str, dict[str, Any]]:
    items = (await client.get("/v1/audits", params={"programme": programme})).json()["items"]
    return {item["external_id"]: item for item in items}


@pytest.mark.parametrize("media_type", [NDJSON, JSON, CSV])
async def test_columns_constants_defaults_and_values_are_mapped(
    audit: httpx.AsyncClient, programme: str, media_type: str
) -> None:
    """Each of the four says its part; one column may feed two fields; an ignored column goes nowhere."""
    await _with(audit, programme)
    rows = [
        _export(automated_detection="yes", queue="", handling_time_s="0", severity="-"),
        _export("T-2", automated_detection="no", queue="comments", handling_time_s="12", severity=""),
    ]
    batch = await pushed(audit, programme, rows, media_type=media_type, profile="export")
    taken = await _audits(audit, programme)

    assert verdicts(batch) == ["created", "created"]
    assert batch["profile"] == "export"
    assert (taken["T-1"]["content_ref"], taken["T-1"]["moderator"], taken["T-1"]["verdict"]) == ("T-1", "m-1", "correct")
    assert (taken["T-1"]["vendor"], taken["T-1"]["audit_party"]) == ("acme", "vendor")
    assert (taken["T-1"]["queue"], taken["T-1"]["auditor"]) == ("live", "qa-0")
    assert [taken[name]["automated_detection"] for name in ("T-1", "T-2")] == [True, False]
    assert [taken[name]["handling_time_s"] for name in ("T-1", "T-2")] == [None, 12]
    assert taken["T-2"]["queue"] == "comments"


async def test_a_row_is_the_same_with_and_without_a_profile(audit: httpx.AsyncClient, programme: str) -> None:
    """What is compared is the audit that a row means, not the words it came in."""
    await _with(audit, programme)
    await pushed(audit, programme, [_export(automated_detection=True)], profile="export")
    ours = audit_row("T-1", content_ref="T-1", audit_party="vendor", auditor="qa-0", automated_detection=True)
    del ours["handling_time_s"]
    again = await pushed(audit, programme, [ours])

    assert verdicts(again) == ["duplicate"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("15.01.2026 10:00", "2026-01-15T09:00:00Z"),
        ("15.07.2026 10:00", "2026-07-15T08:00:00Z"),
        ("29.03.2026 01:59", "2026-03-29T00:59:00Z"),
        ("29.03.2026 03:00", "2026-03-29T01:00:00Z"),
        ("25.10.2025 23:59", "2025-10-25T21:59:00Z"),
        ("26.10.2025 02:30", "2025-10-26T00:30:00Z"),
        ("26.10.2025 03:00", "2025-10-26T02:00:00Z"),
    ],
)
async def test_times_follow_the_clocks_of_their_zone(audit: httpx.AsyncClient, programme: str, written: str, meant: str) -> None:
    """A time without an offset is of the profile's zone, in summer and in winter; an hour that comes twice means its first."""
    await _with(audit, programme)
    await pushed(audit, programme, [_export(decided_at=written)], profile="export")

    assert (await _audits(audit, programme))["T-1"]["decided_at"] == meant


@pytest.mark.parametrize(
    ("pattern", "written", "meant"),
    [
        ("iso", "2026-09-01T10:00:00", "2026-09-01T08:00:00Z"),
        ("iso", "2026-09-01 10:00", "2026-09-01T08:00:00Z"),
        ("iso", "2026-09-01T10:00:00+05:30", "2026-09-01T04:30:00Z"),
        ("iso", "2026-09-01T04:30:00Z", "2026-09-01T04:30:00Z"),
        ("%m/%d/%Y %I:%M %p", "09/01/2026 10:00 AM", "2026-09-01T08:00:00Z"),
        ("%Y-%m-%d %H:%M:%S %z", "2026-09-01 10:00:00 -0400", "2026-09-01T14:00:00Z"),
    ],
)
async def test_times_are_read_in_the_profiles_format(
    audit: httpx.AsyncClient, programme: str, pattern: str, written: str, meant: str
) -> None:
    """ISO 8601 or a pattern of the vendor's; an offset that is written beats the profile's zone."""
    await _with(audit, programme, dates={"pattern": pattern, "time_zone": "Europe/Berlin"})
    row = _export(decided_at=written, audited_at=written)
    batch = await pushed(audit, programme, [row], profile="export", media_type=CSV)

    assert verdicts(batch) == ["created"]
    assert (await _audits(audit, programme))["T-1"]["decided_at"] == meant


@pytest.mark.parametrize("written", ["2026-09-01T10:00:00Z", "31.02.2026 10:00", "01.01.0001 00:00", "soon", "\x00"])
async def test_a_time_in_another_format_rejects_its_row(audit: httpx.AsyncClient, programme: str, written: str) -> None:
    """What the format does not read is told as such, by field."""
    await _with(audit, programme)
    batch = await pushed(audit, programme, [_export(decided_at=written), _export("T-2")], profile="export")

    assert verdicts(batch) == ["rejected", "created"]
    assert faults(batch["results"][0]) == [("/decided_at", "not_a_time")]


@pytest.mark.parametrize("written", ["29.03.2026 02:00", "29.03.2026 02:59"])
async def test_a_time_that_its_zone_leaves_out_rejects_its_row(audit: httpx.AsyncClient, programme: str, written: str) -> None:
    """Nobody's clock has shown it, so it is of another zone than the profile says: it is not guessed what it means."""
    await _with(audit, programme)
    batch = await pushed(audit, programme, [_export(decided_at=written), _export("T-2")], profile="export")

    assert verdicts(batch) == ["rejected", "created"]
    assert faults(batch["results"][0]) == [("/decided_at", "not_a_time")]
    assert "clocks went forward" in batch["results"][0]["errors"][0]["detail"]


@pytest.mark.parametrize(
    "changes", [{"colour": "red"}, {"external_id": "T-9"}, {"moderator": "m-9"}, {"vendor": "borealis"}, {"Ticket": "T-1"}]
)
async def test_a_column_that_nothing_maps_rejects(audit: httpx.AsyncClient, programme: str, changes: dict[str, Any]) -> None:
    """A column is mapped, ignored on purpose, or an error: a field with a column of its own, or a constant, comes from there."""
    await _with(audit, programme)
    [column] = changes
    row = await pushed(audit, programme, [_export(**changes)], profile="export")
    header = await push(audit, programme, [_export(**changes)], profile="export", media_type=CSV)

    assert faults(row["results"][0]) == [(f"/{column}", "unknown_column")]
    assert problem(header) == "invalid-request"
    assert [error["code"] for error in header.json()["errors"]] == ["unknown_column"]


async def test_what_a_profile_leaves_open_is_validated_as_ever(audit: httpx.AsyncClient, programme: str) -> None:
    """A missing column or an unlisted value is the row's fault, pointed at by our field."""
    await _with(audit, programme)
    rows = [_export(Agent=...), _export(verdict="perhaps"), _export(site="nowhere"), _export(Agent=None)]
    batch = await pushed(audit, programme, rows, profile="export")

    assert [faults(result) for result in batch["results"]] == [
        [("/moderator", "missing")],
        [("/verdict", "enum")],
        [("/site", "unknown_site")],
        [("/moderator", "missing")],
    ]


@pytest.mark.parametrize("line", [b"17", b"[1]", b'"text"', b"{", b"\xff"])
async def test_a_line_that_is_no_object_is_rejected_alone(audit: httpx.AsyncClient, programme: str, line: bytes) -> None:
    """A profile maps objects; any other line costs itself alone."""
    await _with(audit, programme)
    batch = await pushed(audit, programme, line + b"\n" + json.dumps(_export()).encode(), profile="export")

    assert verdicts(batch) == ["rejected", "created"]


async def test_hostile_values_in_a_mapped_row_are_rejected_alone(audit: httpx.AsyncClient, programme: str) -> None:
    """Values of any kind pass a profile without harm."""
    await _with(audit, programme)
    values = [[], {}, {"a": []}, 10**400, 1e308, float("nan"), "\ud800", "\x00", True, [None]]
    rows = [
        _export(f"T-{number}", **{column: value})
        for number, (column, value) in enumerate(
            (column, value) for value in values for column in ("Agent", "verdict", "decided_at", "handling_time_s", "Remark")
        )
    ]
    for media_type in (NDJSON, JSON):
        batch = await pushed(audit, programme, [*rows, _export("last")], profile="export", media_type=media_type)

        assert batch["counts"]["rows"] == len(rows) + 1
        assert verdicts(batch)[-1] in {"created", "duplicate"}
        assert batch["counts"]["rejected"] >= 30


async def test_a_mapped_row_that_is_wrong_altogether_says_so_once(audit: httpx.AsyncClient, programme: str) -> None:
    """However many columns of it nothing maps, its verdict costs one error."""
    await _with(audit, programme)
    rows = [{f"column-{number}": number for number in range(5000)}]
    batch = await pushed(audit, programme, rows, profile="export")
    detail = batch["results"][0]["errors"][0]["detail"]

    assert faults(batch["results"][0]) == [("", "too_many_faults")]
    assert detail.startswith("5000 fields are at fault. The first: /column-0 (unknown_column)")


async def test_the_mapping_is_the_same_for_a_bom_and_padded_names(audit: httpx.AsyncClient, programme: str) -> None:
    """Spreadsheets write a byte order mark, and people write spaces into headers."""
    await _with(audit, programme)
    body = encoded([_export()], CSV).replace(b"Ticket ID", b" Ticket ID ")
    batch = await pushed(audit, programme, b"\xef\xbb\xbf" + body, media_type=CSV, profile="export")

    assert verdicts(batch) == ["created"]


async def test_a_profile_of_another_vendor_is_none(
    audit: httpx.AsyncClient, audit_app: FastAPI, caller: Caller, programme: str
) -> None:
    """Pushing through it answers as if there were none of this name: how others write cannot be found out by trying."""
    await _with(audit, programme)
    rival = caller(audit_app, Role.VENDOR_SYSTEM, vendor="borealis")
    answers = [await push(rival, programme, [_export()], profile=name, dry_run=True) for name in ("export", "no-such")]

    assert [problem(answer) for answer in answers] == ["not-found", "not-found"]
    assert answers[0].json()["detail"] == answers[1].json()["detail"]
