"""Objectives: set by managers, standing by the metrics of the moment, within what their readers may see."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from actions import ZONE, Json
from cases import done, opened
from conftest import Caller, asking, listening
from factories import audit_row, missed
from rca_api.objectives.standing import standing_of
from reporting_api.projection.worker import rebuild
from reporting_api.settings import ReportingSettings
from tallystick.schemas.metric import Interval, Number
from tallystick.schemas.principal import Role

PERIOD = {"from": "2026-08-31", "to": "2026-09-07", "time_zone": ZONE}
NEW: Json = {"title": "Better", "of": "site", "name": "lisbon", "vendor": "acme", "target": 0.9, "period": PERIOD}


@pytest.fixture
async def counted(
    audit: httpx.AsyncClient, rca_app: FastAPI, reporting_app: FastAPI, reporting_settings: ReportingSettings, programme: str
) -> AsyncIterator[str]:
    """A programme of which reporting-api has counted a week: of 40 audits at each site one wrong, at krakow 20."""
    rows = []
    for site, vendor, errors in (("lisbon", "acme", 1), ("cairo", "acme", 1), ("krakow", "borealis", 20)):
        for number in range(40):
            make = missed if number < errors else audit_row
            rows.append(make(f"{site}-{number}", site=site, vendor=vendor, moderator=f"m-{number % 2}", auditor="qa-7"))
    answer = await audit.post("/v1/audit-batches", params={"programme": programme}, json=rows)
    assert answer.json()["counts"]["created"] == 120
    await rebuild(reporting_settings, programme)
    async with listening(reporting_app) as address, asking(rca_app, address):
        yield programme


async def _set(client: httpx.AsyncClient, programme: str, **changes: Any) -> httpx.Response:
    return await client.post("/v1/objectives", params={"programme": programme}, json=NEW | changes)


async def _read(client: httpx.AsyncClient, objective: Json, **headers: str) -> httpx.Response:
    where = {"programme": objective["programme"]}
    return await client.get(f"/v1/objectives/{objective['id']}", params=where, headers=headers)


async def test_how_an_objective_stands_is_read_from_the_metrics(rca: httpx.AsyncClient, counted: str) -> None:
    """By the interval of the number, whichever way is better; of the audits that it is about, and of no others."""
    for changes, standing, numbers in (
        ({"target": 0.85}, "met", (39, 40)),
        ({"target": 0.95}, "undecided", (39, 40)),
        ({"of": "vendor", "name": "borealis", "vendor": None}, "missed", (20, 40)),
        ({"of": "vendor", "name": "acme", "measure": "error_rate", "target": 0.2}, "met", (2, 80)),
        ({"of": "vendor", "name": "borealis", "vendor": "borealis", "measure": "error_rate", "target": 0.2}, "missed", (20, 40)),
        ({"of": "moderator", "name": "m-1", "target": 0.5}, "met", (40, 40)),
        ({"of": "auditor", "name": "qa-7", "vendor": None, "scope": {"site": ["krakow"]}, "target": 0.5}, "undecided", (20, 40)),
        ({"period": PERIOD | {"from": "2026-08-24", "to": "2026-08-31"}}, "no_data", (0, 0)),
    ):
        objective = await done(_set(rca, counted, **changes))
        answer = await _read(rca, objective)
        shown = answer.json()

        assert answer.status_code == 200, answer.text
        assert shown["standing"] == standing, changes
        assert (shown["number"]["numerator"], shown["number"]["denominator"]) == numbers, changes
        assert shown["objective"] == objective
        assert (await _read(rca, objective, **{"If-None-Match": answer.headers["etag"]})).status_code == 304


async def test_a_number_that_changes_changes_the_standing(
    rca: httpx.AsyncClient, audit: httpx.AsyncClient, reporting_settings: ReportingSettings, counted: str
) -> None:
    """Nothing is kept: what is counted later is in the next answer, under another ETag."""
    objective = await done(_set(rca, counted, target=0.85))
    before = await _read(rca, objective)
    rows = [missed(f"late-{number}") for number in range(30)]
    await audit.post("/v1/audit-batches", params={"programme": counted}, json=rows)
    await rebuild(reporting_settings, counted)
    after = await _read(rca, objective)

    assert (before.json()["standing"], after.json()["standing"]) == ("met", "missed")
    assert before.headers["etag"] != after.headers["etag"]


async def test_what_the_programme_does_not_take_is_said(rca: httpx.AsyncClient, programme: str) -> None:
    """Unknown vendors and sites, and whatever would show a vendor another one's numbers or an auditor's."""
    internal = await opened(rca, programme, vendor=None, scope={})
    for changes, code in (
        ({"vendor": "nobody"}, "unknown_vendor"),
        ({"name": "krakow"}, "unknown_site"),
        ({"of": "vendor", "name": "nobody", "vendor": None}, "unknown_vendor"),
        ({"of": "vendor", "name": "borealis"}, "other_vendor"),
        ({"of": "auditor", "name": "qa-7"}, "auditors_are_the_clients"),
        ({"scope": {"vendor": ["borealis"]}}, "other_vendor"),
        ({"period": PERIOD | {"to": "2026-08-31"}}, "empty_period"),
        ({"period": PERIOD | {"time_zone": "UTC"}}, "other_time_zone"),
        ({"case_id": internal["id"]}, "other_vendor"),
    ):
        answer = await _set(rca, programme, **changes)

        assert answer.status_code == 409, answer.text
        assert code in [error["code"] for error in answer.json()["errors"]], changes


async def test_objectives_are_read_by_those_whom_they_concern(
    rca: httpx.AsyncClient, rca_app: FastAPI, caller: Caller, programme: str
) -> None:
    """A vendor its own; auditors none, and those who read numbers besides none of auditors: in lists, by id and on the feed."""
    shared, internal = await done(_set(rca, programme)), await done(_set(rca, programme, vendor=None))
    of_auditor = await done(_set(rca, programme, of="auditor", name="qa-7", vendor=None))
    for client, expected in (
        (caller(rca_app, Role.ANALYST), [of_auditor, internal, shared]),
        (caller(rca_app, Role.ANALYST, Role.AUDITOR), [internal, shared]),
        (caller(rca_app, Role.VENDOR_POC, vendor="acme"), [shared]),
        (caller(rca_app, Role.VENDOR_POC, vendor="borealis"), []),
    ):
        listed = await client.get("/v1/objectives", params={"programme": programme})
        feed = await client.get("/v1/changes", params={"programme": programme})
        hidden = [each for each in (shared, internal, of_auditor) if each not in expected]

        assert listed.json()["items"] == expected
        assert [each["data"] for each in feed.json()["changes"] if each["noun"] == "objective"] == expected[::-1]
        assert [(await _read(client, each)).status_code for each in hidden] == [404] * len(hidden)
    auditor = caller(rca_app, Role.AUDITOR)
    assert (await auditor.get("/v1/objectives", params={"programme": programme})).status_code == 403
    feed = await auditor.get("/v1/changes", params={"programme": programme})
    assert [each for each in feed.json()["changes"] if each["noun"] == "objective"] == []


async def test_an_objective_is_taken_back_once(rca: httpx.AsyncClient, programme: str) -> None:
    """It stays readable, and is found among those that ended."""
    first, second = await done(_set(rca, programme)), await done(_set(rca, programme, name="cairo"))
    address, where = f"/v1/objectives/{first['id']}/end", {"programme": programme}
    answers = [await rca.post(address, params=where, headers={"If-Match": tag}) for tag in ('"7"', '"1"', '"2"')]
    unversioned = await rca.post(address, params=where)

    assert [answer.status_code for answer in (*answers, unversioned)] == [412, 200, 409, 428]
    assert answers[1].json()["ended_by"] == "someone"
    for ended, expected in ((True, [first["id"]]), (False, [second["id"]])):
        found = await rca.get("/v1/objectives", params=where | {"ended": ended, "of": "site"})
        assert [each["id"] for each in found.json()["items"]] == expected


async def test_without_reporting_api_an_objective_is_listed_and_its_number_is_not_there(
    rca: httpx.AsyncClient, rca_app: FastAPI, programme: str
) -> None:
    """The answer is a 503 that says so, never a number from earlier."""
    objective = await done(_set(rca, programme))
    async with asking(rca_app, "http://127.0.0.1:1"):
        answer = await _read(rca, objective)
    listed = await rca.get("/v1/objectives", params={"programme": programme})

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert listed.json()["items"] == [objective]


def test_numbers_without_an_interval_decide_nothing() -> None:
    """However good they look."""
    interval = Interval(low=0.8, high=0.9, level=0.95, method="wilson")
    number = Number(value=0.85, numerator=85, denominator=100, interval=interval, sufficient=True)
    bare = Number(value=0.85, numerator=85, denominator=100, interval=None, sufficient=True)

    assert standing_of(bare, 0.5, lower=False) == "undecided"
    assert [standing_of(number, target, lower=False) for target in (0.8, 0.85, 0.9, 0.91)] == [
        "met",
        "undecided",
        "undecided",
        "missed",
    ]
    assert [standing_of(number, target, lower=True) for target in (0.9, 0.85, 0.8, 0.79)] == [
        "met",
        "undecided",
        "undecided",
        "missed",
    ]
