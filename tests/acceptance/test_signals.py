"""The acceptance of detectors and of the cases they lead to on a BPO's export: pushed week by week, as it would have come in."""

import asyncio
import csv
from typing import Any

import pytest
import yaml

from acceptance.conftest import Fresh, programme_of

PROGRAMME = "weekly"


async def _pushed(fresh: Fresh, begin: str, end: str) -> None:
    """Push the audits from one day up to another."""
    with fresh.export.open(newline="") as file:
        reader = csv.DictReader(file)
        rows, columns = [row for row in reader if begin <= row["audited_at"] < end], reader.fieldnames or []
    part = fresh.directory / f"until-{end}.csv"
    with part.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
    code, said = await fresh.tallystick("push", part, "--programme", PROGRAMME, "--profile", "bpo-export", "--no-resume")
    assert code == 0, said


async def _signals(fresh: Fresh) -> list[dict[str, Any]]:
    """All signals, once everything that was pushed is counted and has been searched."""
    page = await fresh.read("/audit/v1/changes", programme=PROGRAMME, limit=20_000)
    while page["more"]:
        page = await fresh.read("/audit/v1/changes", programme=PROGRAMME, limit=20_000, after=page["cursor"])
    async with asyncio.timeout(90):
        searched = -1
        while searched < page["position"]:
            await asyncio.sleep(0.2)
            standing = (await fresh.read("/reporting/v1/projections", programme=PROGRAMME))["items"]
            searched = (standing[0]["searched"] or -1) if standing else -1
    found: list[dict[str, Any]] = (await fresh.read("/reporting/v1/signals", programme=PROGRAMME))["items"]
    return found


async def _cases(fresh: Fresh) -> list[dict[str, Any]]:
    """All cases, once each signal has led to one, and its evidence is gathered."""
    keys = {signal["key"] for signal in await _signals(fresh)}
    async with asyncio.timeout(60):
        while True:
            found: list[dict[str, Any]] = (await fresh.read("/rca/v1/cases", programme=PROGRAMME))["items"]
            if keys <= {key for case in found for key in case["signals"]} and all(case["evidence_at"] for case in found):
                return found
            await asyncio.sleep(0.5)


def _is_of_the_step(case: dict[str, Any]) -> bool:
    return (case["scope"]["site"], case["scope"]["queue"]) == (["krakow"], ["live"])


@pytest.fixture(scope="module", autouse=True)
async def weekly(fresh: Fresh) -> None:
    """The same programme under a name of its own, with all detectors as they are by default."""
    document = fresh.directory / "weekly.yaml"
    document.write_text(yaml.safe_dump(programme_of(fresh.export) | {"slug": PROGRAMME}))
    code, said = await fresh.tallystick("programme", "apply", document)
    assert code == 0, said


async def test_1_eight_weeks_without_a_change_raise_no_signal(fresh: Fresh) -> None:
    """By no detector, although PL is over-enforced throughout and acme below its target."""
    await _pushed(fresh, "2026-07-27", "2026-09-21")

    assert await _signals(fresh) == []
    assert await _cases(fresh) == []


async def test_2_the_step_at_krakow_live_is_signalled_after_its_first_week(fresh: Fresh) -> None:
    """With data up to 28 September, as one signal that names the segment, and nothing besides it."""
    await _pushed(fresh, "2026-09-21", "2026-09-28")
    [signal] = await _signals(fresh)

    assert (signal["detector"], signal["state"]) == ("control_chart", "active")
    assert (signal["since"], signal["raised_on"]) == ("2026-09-21", "2026-09-28")
    assert (signal["vendor"], signal["measure"]) == ("acme", "error_rate")
    assert {name: values for name, values in signal["scope"].items() if values} == {
        "vendor": ["acme"],
        "site": ["krakow"],
        "queue": ["live"],
        "error_class": ["false_negative"],
    }


async def test_3_a_case_is_drafted_for_the_step_and_its_evidence_names_the_segment_first(fresh: Fresh) -> None:
    """With the vendor, by itself; the decomposition finds the segment beyond chance, and the rate, not the mix, behind it."""
    [signal] = await _signals(fresh)
    [case] = await _cases(fresh)
    pieces = (await fresh.read(f"/rca/v1/cases/{case['id']}/evidence", programme=PROGRAMME))["items"]
    taken_apart = {piece["audience"]: piece["content"] for piece in pieces if piece["kind"] == "segments"}
    examples = [item for piece in pieces if piece["kind"] == "examples" for item in piece["content"]["items"]]

    assert (case["origin"], case["state"], case["vendor"], case["signals"]) == ("signal", "open", "acme", [signal["key"]])
    assert _is_of_the_step(case)
    assert set(taken_apart) == {"internal", "vendor"}
    for content in taken_apart.values():
        first = content["leading"][0]
        assert {name: first["dimensions"].get(name) for name in ("site", "queue")} == {"site": "krakow", "queue": "live"}
        assert first["part"]["rate"] > abs(first["part"]["mix"])
    assert {(item["site"], item["queue"]) for item in examples} == {("krakow", "live")}


async def test_4_with_all_data_the_step_is_still_the_same_signal(fresh: Fresh) -> None:
    """Its period has grown; market PL is none, nothing is said to have begun before the step, and its case is still the one."""
    [before] = await _signals(fresh)
    await _pushed(fresh, "2026-09-28", "2027-01-01")
    found = await _signals(fresh)
    [signal] = [each for each in found if each["detector"] == "control_chart"]

    assert (signal["id"], signal["key"]) == (before["id"], before["key"])
    assert (signal["state"], signal["period"]["to"]) == ("active", "2026-10-26")
    assert all(each["since"] >= "2026-09-21" for each in found)
    assert not any("PL" in each["scope"]["market"] for each in found)
    assert len([case for case in await _cases(fresh) if _is_of_the_step(case)]) == 1
