"""The acceptance of detectors on the export of a BPO: pushed week by week, as it would have come in."""

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


async def test_3_with_all_data_the_step_is_still_the_same_signal(fresh: Fresh) -> None:
    """Its period has grown; market PL is none, and nothing is said to have begun before the step."""
    [before] = await _signals(fresh)
    await _pushed(fresh, "2026-09-28", "2027-01-01")
    found = await _signals(fresh)
    [signal] = [each for each in found if each["detector"] == "control_chart"]

    assert (signal["id"], signal["key"]) == (before["id"], before["key"])
    assert (signal["state"], signal["period"]["to"]) == ("active", "2026-10-26")
    assert all(each["since"] >= "2026-09-21" for each in found)
    assert not any("PL" in each["scope"]["market"] for each in found)
