"""The page of coverage: what it says, and to whom."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime

import httpx
import pytest
from fastapi import FastAPI

from appeals import moved_by_hand
from conftest import Caller
from dashboard_browser import said
from reporting_feed import Stream, error
from tallystick.schemas.principal import Role
from tallystick.service.database import Database


@pytest.fixture
async def sampled(reporting_database: Database) -> Stream:
    """A draw of two vendors: of acme 7 of 10 are audited, of borealis 1, and one has no substitute."""
    stream = Stream(targets={"minimum_sample": 5, "coverage": 0.95})
    other = {"stratum": "s-1", "vendor": "borealis", "values": {"vendor": "borealis", "risk": ""}}
    draw_id = stream.draw(strata=[{}, other])
    for place in range(8):
        last = place == 7
        audit_id = stream.create(error() if place < 2 else None, vendor="borealis" if last else "acme")
        done = {"state": "audited", "audit_id": audit_id, "audited_at": "2026-09-16T09:00:00Z"}
        stream.item(draw_id=draw_id, **done, **({"stratum": "s-1", "vendor": "borealis"} if last else {}))
    for state in ("waiting", "waiting", "claimed"):
        stream.item(draw_id=draw_id, state=state)
    for _ in range(8):
        stream.item(draw_id=draw_id, stratum="s-1", vendor="borealis")
    await stream.project(reporting_database)
    return stream


@pytest.fixture(autouse=True)
def noon(reporting_app: FastAPI) -> Iterator[None]:
    """It is noon on the Friday before it is due."""
    with moved_by_hand(reporting_app) as clock:
        clock.now = datetime(2026, 9, 18, 10, tzinfo=UTC)
        yield


async def test_the_page_says_what_is_left_and_who_is_late(reporting: httpx.AsyncClient, sampled: Stream) -> None:
    """In words, with what there is a bar and a chart of; a draw is a link that narrows the page to it."""
    page = await reporting.get(f"/programmes/{sampled.programme}/coverage")
    text = said(page)

    assert page.status_code == 200
    assert "40.0 % 8 of 20 planned audits ~ target 95 % not reached yet" in text
    assert "12 10 waiting, 1 in hand 1 with nothing left to audit" in text
    assert "1 of 2 ✗ not covered in time at the present pace" in text
    assert "borealis, (none)" in text
    assert "Late: 8 will not be audited; 1.5 working days left, 0.3 audits a day." in text
    assert "In time: 1.5 working days left, 2.0 audits a day." in text
    assert 'aria-label="1 audited, 0 in hand, 8 waiting, 1 nothing left to audit"' in page.text
    assert "Up to 18 Sep 2026, 8 of 20 planned audits are done: 40.0 %." in text
    assert f"coverage?draw_id={next(iter(sampled.others['draw']))}" in page.text
    assert "charts/coverage-over-time?programme=" in page.text


async def test_a_vendors_people_see_their_own_strata_alone(reporting_app: FastAPI, caller: Caller, sampled: Stream) -> None:
    """And nobody's numbers beside."""
    page = await caller(reporting_app, Role.VENDOR_POC, vendor="acme").get(f"/programmes/{sampled.programme}/coverage")

    assert "7 of 10 planned audits" in said(page)
    assert "borealis" not in page.text


async def test_what_is_chosen_can_be_taken_back(reporting: httpx.AsyncClient, sampled: Stream) -> None:
    """The draw stands among the filters by its name; nothing found says so."""
    [draw_id] = sampled.others["draw"]
    of_draw = said(await reporting.get(f"/programmes/{sampled.programme}/coverage", params={"draw_id": draw_id}))
    nothing = said(await reporting.get(f"/programmes/{sampled.programme}/coverage", params={"from": "2026-10-01"}))

    assert "Draw Everyday, 7 Sep 2026 to 13 Sep 2026" in of_draw
    assert "No draw touches these days." in nothing


_DRAWING = """
import json, sys, vl_convert
print(vl_convert.vegalite_to_svg({**json.load(sys.stdin), "width": 400}, vl_version=max(vl_convert.get_vegalite_versions())))
"""


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Pacific/Kiritimati"])
async def test_the_chart_shows_the_same_days_to_readers_everywhere(
    reporting: httpx.AsyncClient, sampled: Stream, zone: str
) -> None:
    """A day of the programme is no moment that would be on another day by the reader's clock."""
    spec = (await reporting.get("/v1/charts/coverage-over-time", params={"programme": sampled.programme})).json()
    drawn = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", _DRAWING],
        input=json.dumps(spec),
        env={**os.environ, "TZ": zone},
        capture_output=True,
        text=True,
        check=True,
    )
    days = re.findall(r'aria-label="Up to: (\d+ \w+); Audits: [\d,]+; Planned', drawn.stdout)

    assert days == [f"{day.day} {day:%b}" for day in (date.fromisoformat(each["day"]) for each in spec["data"]["values"])]


async def test_the_chart_has_every_day_on_which_something_was_done(reporting: httpx.AsyncClient, sampled: Stream) -> None:
    """What was planned as steps, what is audited below them."""
    chart = await reporting.get("/v1/charts/coverage-over-time", params={"programme": sampled.programme})
    values = chart.json()["data"]["values"]

    assert [(each["day"], each["planned"], each["audited"], each["left"]) for each in values] == [
        ("2026-09-15", 20, 0, 20),
        ("2026-09-16", 20, 8, 12),
        ("2026-09-18", 20, 8, 12),
    ]
    assert chart.json()["description"].endswith("8 of 20 planned audits are done: 40.0 %.")
    again = await reporting.get(
        "/v1/charts/coverage-over-time",
        params={"programme": sampled.programme},
        headers={"If-None-Match": chart.headers["etag"]},
    )
    assert again.status_code == 304
