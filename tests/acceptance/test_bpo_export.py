"""The acceptance on the export of a BPO: 48,060 audits in the vendor's own columns, pushed by the command through the gateway."""

import asyncio
import csv
import json
import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from acceptance.conftest import PROGRAMME, Fresh

ROWS = 48_060


async def push(fresh: Fresh, path: Path) -> tuple[int, dict[str, Any]]:
    """Push a file with the command, from its beginning; the exit code and the summary."""
    code, said = await fresh.tallystick(
        *("push", path, "--programme", PROGRAMME, "--profile", "bpo-export"), *("--no-resume", "--out", fresh.directory, "--json")
    )
    summary: dict[str, Any] = json.loads(said.splitlines()[-1])
    return code, summary


async def stored(fresh: Fresh) -> dict[str, str]:
    """External id → audit id of all audits, as the change feed tells them."""
    found: dict[str, str] = {}
    query: dict[str, Any] = {"limit": 20_000}
    while True:
        page = await fresh.read("/audit/v1/changes", **query)
        found |= {change["data"]["external_id"]: change["id"] for change in page["changes"] if change["noun"] == "audit"}
        if not page["more"]:
            return found
        query["after"] = page["cursor"]


async def numbers(fresh: Fresh, *by: str, **query: Any) -> dict[tuple[str, ...], dict[str, Any]]:
    """The numbers of each group, once reporting has caught up with all audits."""
    async with asyncio.timeout(60):
        while True:
            try:
                whole = await fresh.read("/reporting/v1/metrics", measure="audits")
            except httpx.HTTPStatusError as error:
                if error.response.status_code not in {404, 503}:  # the programme is new, or its numbers are being built
                    raise
                whole = {"rows": []}
            if whole["rows"] and whole["rows"][0]["numbers"]["audits"]["value"] >= ROWS:
                break
            await asyncio.sleep(0.2)
    answer = await fresh.read("/reporting/v1/metrics", by=list(by), measure=["audits", "errors", "accuracy"], limit=1000, **query)
    return {tuple(row["dimensions"][name] for name in by): row["numbers"] for row in answer["rows"]}


def wilson(right: int, all_: int) -> tuple[float, float]:
    """Wilson's interval at 95 %, written down once more on purpose."""
    z = 1.959963984540054
    middle = (right + z * z / 2) / (all_ + z * z)
    half = z / (all_ + z * z) * math.sqrt(right * (all_ - right) / all_ + z * z / 4)
    return middle - half, middle + half


async def test_1_every_row_of_the_export_is_created(fresh: Fresh) -> None:
    """48,060 rows sent, 48,060 created."""
    code, summary = await push(fresh, fresh.export)

    assert code == 0
    assert summary["created"] == summary["rows"] == ROWS


async def test_2_the_same_file_again_creates_nothing_and_names_the_same_ids(fresh: Fresh) -> None:
    """48,060 duplicates, and the audits are the same."""
    before = await stored(fresh)
    code, summary = await push(fresh, fresh.export)

    assert code == 0
    assert summary["duplicate"] == summary["rows"] == ROWS
    assert len(before) == ROWS
    assert await stored(fresh) == before


async def test_3_accuracy_is_what_the_export_says(fresh: Fresh) -> None:
    """43,523 of 48,060 with Wilson's interval; acme 25,984 of 28,974, borealis 17,539 of 19,086."""
    whole = (await numbers(fresh))[()]["accuracy"]
    vendors = await numbers(fresh, "vendor")
    low, high = wilson(43_523, ROWS)

    assert (whole["numerator"], whole["denominator"]) == (43_523, ROWS)
    assert math.isclose(whole["value"], 43_523 / ROWS)
    assert math.isclose(whole["interval"]["low"], low, abs_tol=1e-9)
    assert math.isclose(whole["interval"]["high"], high, abs_tol=1e-9)
    assert {name: (row["accuracy"]["numerator"], row["accuracy"]["denominator"]) for (name,), row in vendors.items()} == {
        "acme": (25_984, 28_974),
        "borealis": (17_539, 19_086),
    }


async def test_4_errors_by_code_are_what_the_export_says(fresh: Fresh) -> None:
    """Each error code counts what the file counts, FN-HARASS 986 and WS-HARASS-AS-HATE 2,074 among them."""
    with fresh.export.open(newline="") as file:
        expected = Counter(row["error_code"] for row in csv.DictReader(file) if row["error_code"])
    found = {code: row["errors"]["value"] for (code,), row in (await numbers(fresh, "error_code")).items() if code}

    assert found == dict(expected)
    assert (found["FN-HARASS"], found["WS-HARASS-AS-HATE"]) == (986, 2074)


async def test_5_the_step_at_krakow_live_is_a_signal_that_names_the_segment(fresh: Fresh) -> None:
    """False negatives rose at krakow/live in the week of 21 September, and there is no signal of anything else."""
    report = await fresh.read("/reporting/v1/reports/top-error-trends")
    named = [
        signal
        for signal in report["signals"]
        if signal["segment"].get("site") == "krakow" and signal["segment"].get("queue") == "live"
    ]

    assert named == report["signals"] != []
    assert all(signal["error_code"].startswith("FN-") for signal in named)
    assert min(signal["since"] for signal in named) == "2026-09-21"


async def test_6_the_market_that_is_over_enforced_throughout_is_a_concentration(fresh: Fresh) -> None:
    """PL has too many false positives in every week: a concentration, and not a signal."""
    report = await fresh.read("/reporting/v1/reports/top-error-trends")

    assert any(
        found["segment"].get("market") == "PL" and found["error_code"].startswith("FP-") for found in report["concentrations"]
    )
    assert not any(signal["segment"].get("market") == "PL" for signal in report["signals"])


@pytest.mark.parametrize("measure", ["error_rate", "false_negative_rate"])
async def test_6b_the_decomposition_of_the_step_names_krakow_live_and_nothing_else(fresh: Fresh, measure: str) -> None:
    """Over the four weeks since 21 September and over the first of them alone; none leads the eight weeks before."""
    baseline = {"measure": measure, "baseline_from": "2026-07-27", "baseline_to": "2026-09-21", "from": "2026-09-21"}
    for end in ("2026-10-19", "2026-09-28"):
        found = await fresh.read("/reporting/v1/decomposition", **baseline, to=end)

        assert [each["dimensions"] for each in found["leading"]] == [{"site": "krakow", "queue": "live"}]
        assert found["leading"][0]["of_change"] > 0.8
        for cut in found["cuts"]:
            parts = [each["part"]["total"] for each in cut["segments"]] + ([cut["others"]["total"]] if cut["rest"] else [])
            assert math.isclose(sum(parts), found["change"], abs_tol=1e-12)
    quiet = {"baseline_to": "2026-08-24", "from": "2026-08-24", "to": "2026-09-21"}
    before = await fresh.read("/reporting/v1/decomposition", **{**baseline, **quiet})

    assert before["leading"] == []


async def test_6c_what_happens_at_krakow_live_is_judged_beside_the_rest(fresh: Fresh) -> None:
    """A rate that rose sixfold against the control is no effect."""
    found = await fresh.read(
        "/reporting/v1/effect",
        site="krakow",
        queue="live",
        baseline_from="2026-07-27",
        baseline_to="2026-09-21",
        verification_from="2026-09-21",
        verification_to="2026-10-19",
    )

    assert found["verdict"] == "not_effective"
    assert found["reduction"]["interval"]["high"] < -2
    assert (found["before"]["denominator"], found["after"]["denominator"]) == (1261, 1161)


SPOILED: dict[str, Callable[[dict[str, str]], None]] = {
    "/vendor unknown_vendor": lambda row: row.update(vendor="nobody"),
    "/queue unknown_queue": lambda row: row.update(queue="attic"),
    "/market unknown_market": lambda row: row.update(market="ZZ"),
    "/benchmark_policy unknown_benchmark_policy": lambda row: row.update(benchmark_policy="weather"),
    "/audited_at not_a_time": lambda row: row.update(audited_at="yesterday"),
    "/audited_at before_decision": lambda row: row.update(audited_at="2026-01-01T00:00:00Z"),
    "/verdict enum": lambda row: row.update(verdict="perhaps"),
    "/moderator missing": lambda row: row.update(moderator_id=""),
    "/handling_time_s greater_than_equal": lambda row: row.update(handling_time_s="-5"),
    "/error_code error_without_fault": lambda row: row.update(
        verdict="correct", error_class="", error_code="FN-HARASS", severity=""
    ),
}


async def test_7_each_spoiled_row_is_rejected_for_its_cause(fresh: Fresh) -> None:
    """A copy with 100 spoiled rows of ten kinds gives exactly 100 rejections; each names the field and the fault."""
    with fresh.export.open(newline="") as file:
        reader = csv.DictReader(file)
        rows, columns = list(reader), reader.fieldnames or []
    expected = {}
    for number in range(100):
        place = 37 + number * 480
        cause = list(SPOILED)[number % len(SPOILED)]
        SPOILED[cause](rows[place])
        expected[rows[place]["ticket_id"]] = cause
    spoiled = fresh.directory / "spoiled.csv"
    with spoiled.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
    code, summary = await push(fresh, spoiled)
    with Path(summary["rejected_file"]).open(newline="") as file:
        rejected = list(csv.DictReader(file))

    assert code == 3
    assert summary["rejected"] == 100
    assert summary["duplicate"] == ROWS - 100
    assert {row["ticket_id"]: f"{row['tallystick_pointer']} {row['tallystick_code']}" for row in rejected} == expected
