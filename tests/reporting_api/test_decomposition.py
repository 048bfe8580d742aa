"""The decomposition over HTTP: what was planted leads, parts sum to the change, and every number is one of the metrics."""

from datetime import date, datetime, timedelta
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi import FastAPI

from appeals import moved_by_hand
from reporting_feed import Stream, error
from tallystick.schemas.principal import Role
from tallystick.service.database import Database

START = date(2026, 7, 6)
SITES = {"acme": ("cairo", "krakow"), "borealis": ("athens", "bucharest")}
QUEUES = ("live", "comments")
PERIODS = {"baseline_from": "2026-07-06", "baseline_to": "2026-08-17", "from": "2026-08-17", "to": "2026-09-14"}


@pytest.fixture(scope="module")
async def stream(reporting_database: Database) -> Stream:
    """Ten weeks: from the seventh on, live at krakow misses a third, by new people for the most part, and has more work."""
    chance = np.random.default_rng(3)
    stream = Stream(time_zone="UTC", targets={"accuracy": 0.95, "minimum_sample": 30})
    for week in range(10):
        for vendor, sites in SITES.items():
            for site in sites:
                for queue in QUEUES:
                    changed = (site, queue) == ("krakow", "live") and week >= 6
                    for place in range(30 if changed else 20):
                        market = ("PL", "DE")[chance.integers(2)]
                        wrong = chance.random() < (0.35 if changed else 0.05)
                        code = ("FN-HARASS", "false_negative") if changed or place % 2 else ("FP-HARASS", "false_positive")
                        stream.create(
                            error(*code) if wrong else None,
                            vendor=vendor,
                            site=site,
                            queue=queue,
                            market=market,
                            policy="harassment" if place % 3 else "hate",
                            moderator=f"{site}-new-{place % 4}" if changed and place % 2 else f"{site}-{place % 3}",
                            day=START + timedelta(weeks=week, days=int(chance.integers(7))),
                        )
    await stream.project(reporting_database, limit=5000)
    return stream


async def _ask(client: httpx.AsyncClient, stream: Stream, **query: Any) -> dict[str, Any]:
    answer = await client.get("/v1/decomposition", params={"programme": stream.programme, **PERIODS, **query})
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def test_the_segment_that_changed_leads_and_nothing_else(reporting: httpx.AsyncClient, stream: Stream) -> None:
    """By its narrowest name, with the greater part as rate and, since it has more work and more errors, some as mix."""
    found = await _ask(reporting, stream)
    (leading,) = found["leading"]

    assert leading["dimensions"] == {"site": "krakow", "queue": "live"}
    assert leading["part"]["rate"] > leading["part"]["mix"] > 0
    assert leading["part"]["clear"] is True
    assert found["clear"] is True


async def test_nothing_leads_where_nothing_changed(reporting: httpx.AsyncClient, stream: Stream) -> None:
    quiet = {"from": "2026-07-27", "to": "2026-08-17", "baseline_to": "2026-07-27"}
    found = await _ask(reporting, stream, **quiet)

    assert found["leading"] == []
    assert found["clear"] is False


@pytest.mark.parametrize(
    ("by", "cuts"),
    [
        ((), 8),
        (("site", "queue"), 3),
        (("vendor", "policy", "error_code"), 7),
        (("moderator_tenure", "site", "error_code", "language"), 11),
    ],
)
async def test_the_parts_of_every_cut_sum_to_the_change(
    reporting: httpx.AsyncClient, stream: Stream, by: tuple[str, ...], cuts: int
) -> None:
    """Mix and rate of the segments that are shown and of the others together, whatever it is cut by."""
    found = await _ask(reporting, stream, by=list(by), limit=3)

    assert len(found["cuts"]) == cuts
    for cut in found["cuts"]:
        parts = [each["part"] for each in cut["segments"]] + ([cut["others"]] if cut["rest"] else [])
        assert len(cut["segments"]) <= 3
        assert sum(part["total"] for part in parts) == pytest.approx(found["change"], abs=1e-12)
        assert cut["mix"] + cut["rate"] == pytest.approx(found["change"], abs=1e-12)
        assert sum(part["mix"] for part in parts) == pytest.approx(cut["mix"], abs=1e-12)


async def test_the_numbers_of_segments_are_those_of_the_metrics(reporting: httpx.AsyncClient, stream: Stream) -> None:
    """The same values, numerators, denominators and intervals, of segments and of the whole."""
    found = await _ask(reporting, stream, by=["site", "error_code"])
    (cut,) = (each for each in found["cuts"] if each["by"] == ["site", "error_code"])

    async def metrics(**query: Any) -> list[dict[str, Any]]:
        asked = {"programme": stream.programme, "measure": "error_rate", "limit": 10_000, **query}
        rows: list[dict[str, Any]] = (await reporting.get("/v1/metrics", params=asked)).json()["rows"]
        return rows

    for side, period in (
        ("before", {"from": PERIODS["baseline_from"], "to": PERIODS["baseline_to"]}),
        ("after", {"from": PERIODS["from"], "to": PERIODS["to"]}),
    ):
        rows = await metrics(by=["site", "error_code"], **period)
        numbers = {tuple(row["dimensions"].values()): row["numbers"]["error_rate"] for row in rows}
        shown = {tuple(each["dimensions"].values()): each[side] for each in cut["segments"]}
        assert shown == numbers
        assert found[side] == (await metrics(**period))[0]["numbers"]["error_rate"]


async def test_circumstances_tell_of_volume_and_of_people_who_were_new(reporting: httpx.AsyncClient, stream: Stream) -> None:
    found = (await _ask(reporting, stream))["circumstances"]
    first = await _ask(reporting, stream, **{"from": "2026-07-13", "to": "2026-08-03", "baseline_to": "2026-07-13"})

    assert (found["volume_before"], found["volume_after"]) == (6 * 160, 4 * 170)
    assert found["volume_change"] == pytest.approx(170 / 160 - 1)
    assert (found["new_moderators"], found["moderators_before"], found["moderators_after"]) == (2, 12, 14)
    assert found["new_moderators_rate"]["value"] > found["other_moderators_rate"]["value"]
    assert found["new_moderators_share"]["denominator"] == found["volume_after"]
    assert first["circumstances"]["new_moderators"] == 0, "whoever is first seen when audits begin is not new"


async def test_tenure_is_told_where_it_is_known(reporting: httpx.AsyncClient, stream: Stream) -> None:
    """Of those who were there when audits began it is known from 13 weeks on."""
    found = await _ask(reporting, stream, by="moderator_tenure")
    tenures = {each["dimensions"]["moderator_tenure"]: each for each in found["cuts"][0]["segments"]}

    assert tenures.keys() == {None, "under_4_weeks"}
    assert tenures["under_4_weeks"]["before"]["value"] is None
    assert tenures["under_4_weeks"]["part"]["rate"] == 0, "there was nobody to have another rate before"


async def test_an_error_filter_takes_the_rate_of_these_errors_apart(reporting: httpx.AsyncClient, stream: Stream) -> None:
    found = await _ask(reporting, stream, error_code="FP-HARASS")
    misses = await _ask(reporting, stream, measure="false_negative_rate")

    assert found["before"]["denominator"] == 6 * 160
    assert found["leading"] == []
    assert misses["leading"][0]["dimensions"] == {"site": "krakow", "queue": "live"}


@pytest.mark.principal(Role.VENDOR_POC, vendor="borealis")
async def test_a_vendor_reads_of_its_own_audits_alone(reporting: httpx.AsyncClient, stream: Stream) -> None:
    """Numbers, segments, leaders and circumstances: nothing of what happened at the other vendor's is in any of them."""
    found = await _ask(reporting, stream)
    asked = await _ask(reporting, stream, vendor="acme")

    assert found["leading"] == []
    assert found["circumstances"]["volume_after"] == 4 * 80
    assert found["circumstances"]["new_moderators"] == 0
    assert "krakow" not in str(found)
    assert (asked["change"], asked["cuts"], asked["leading"]) == (None, [], [])
    assert asked["reason"] == "There are no audits to divide by."


async def test_overturned_appeals_are_taken_apart_likewise(reporting: httpx.AsyncClient, reporting_database: Database) -> None:
    """By the dimensions of their audits and the errors that were appealed; not by tenure."""
    stream = Stream(time_zone="UTC")
    for week in range(10):
        for place in range(12):
            audit = stream.create(
                error() if place % 4 else None, day=START + timedelta(weeks=week), site=("lisbon", "cairo")[place % 2]
            )
            changed = place % 3 == 0 or (week >= 6 and place % 2)
            stream.decide(stream.appeal(audit), "amended" if changed else "upheld")
    await stream.project(reporting_database)
    found = await _ask(reporting, stream, measure="overturn_rate")
    refused = await reporting.get(
        "/v1/decomposition",
        params={"programme": stream.programme, "measure": "overturn_rate", "by": "moderator_tenure"},
    )

    assert found["after"]["denominator"] == 48
    assert found["change"] > 0
    for cut in found["cuts"]:
        assert sum(each["part"]["total"] for each in cut["segments"]) == pytest.approx(found["change"], abs=1e-12)
    assert refused.json()["errors"][0]["code"] == "no_tenure"


async def test_without_periods_it_is_the_last_four_weeks_beside_eight(reporting: httpx.AsyncClient, stream: Stream) -> None:
    answer = await reporting.get("/v1/decomposition", params={"programme": stream.programme})
    found = answer.json()

    assert found["scope"]["period"] == {"from": "2026-08-17", "to": "2026-09-14", "time_zone": "UTC"}
    assert found["baseline"] == {"from": "2026-06-22", "to": "2026-08-17", "time_zone": "UTC"}
    again = await reporting.get(answer.url, headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("zone", "now", "end"),
    [
        ("Europe/Berlin", "2026-12-06T23:30:00Z", "2026-12-14"),
        ("America/Los_Angeles", "2026-12-07T07:30:00Z", "2026-12-07"),
        ("Pacific/Kiritimati", "2027-01-03T10:00:00Z", "2027-01-11"),
    ],
)
async def test_without_audits_it_ends_with_the_week_of_the_programmes_day(
    reporting: httpx.AsyncClient, reporting_app: FastAPI, reporting_database: Database, zone: str, now: str, end: str
) -> None:
    """Where the day is another one in UTC, as near midnight on a Sunday, so is the week."""
    stream = Stream(time_zone=zone)
    await stream.project(reporting_database)
    with moved_by_hand(reporting_app) as clock:
        clock.now = datetime.fromisoformat(now)
        answer = await reporting.get("/v1/decomposition", params={"programme": stream.programme})

    assert answer.json()["scope"]["period"]["to"] == end


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"baseline_to": "2026-08-18"}, "query:from"),
        ({"baseline_from": "2026-08-17"}, "query:to"),
        ({"baseline_from": "1999-01-01"}, "query:to"),
        ({"by": ["site", "queue", "market", "vendor", "policy"]}, "query:by"),
        ({"measure": "accuracy"}, "query:measure"),
    ],
)
async def test_periods_follow_each_other_and_questions_are_bounded(
    reporting: httpx.AsyncClient, stream: Stream, query: dict[str, Any], pointer: str
) -> None:
    answer = await reporting.get("/v1/decomposition", params={"programme": stream.programme, **PERIODS, **query})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_without_audits_there_is_no_change_and_a_reason(reporting: httpx.AsyncClient, reporting_database: Database) -> None:
    stream = Stream()
    await stream.project(reporting_database)
    found = await _ask(reporting, stream)

    assert (found["change"], found["interval"], found["cuts"], found["leading"]) == (None, None, [], [])
    assert found["reason"] == "There are no audits to divide by."
    assert found["circumstances"]["volume_change"] is None
