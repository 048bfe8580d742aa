"""Plans: registered before the work starts, standing from then on, judged once when their window is over."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from actions import ZONE, Json, agreed, moved, notices, registered, run, started
from appeals import Clock
from cases import asked, brought, closed, done, opened, stepped
from conftest import Caller
from factories import audit_row, missed
from rca_api.plans.judging import judge
from rca_api.plans.records import RETRY
from rca_api.settings import RcaSettings
from reporting_api.projection.worker import rebuild
from reporting_api.settings import ReportingSettings
from tallystick.client import Tallystick
from tallystick.schemas.principal import Role
from tallystick.service.database import Database
from tallystick.service.neighbours import neighbours

BEGAN = datetime(2026, 9, 14, 8, tzinfo=UTC)
WINDOWS: Json = {
    "baseline": {"from": "2026-08-03", "to": "2026-08-31", "time_zone": ZONE},
    "verification": {"from": "2026-09-14", "to": "2026-10-12", "time_zone": ZONE},
}
OVER = datetime(2026, 10, 11, 22, tzinfo=UTC)
SITES = {"lisbon": "acme", "cairo": "acme", "krakow": "borealis"}


def _audits(errors: dict[tuple[str, str], int], count: int = 50) -> list[dict[str, Any]]:
    """Four weeks of audits at every site in both windows, so many of each week's wrong, by window and site."""
    rows = []
    for window, first in (("before", date(2026, 8, 3)), ("after", date(2026, 9, 14))):
        for week in range(4):
            day = first + timedelta(weeks=week, days=2)
            times = {"decided_at": f"{day}T08:00:00Z", "audited_at": f"{day}T10:00:00Z"}
            for site, vendor in SITES.items():
                for number in range(count):
                    make = missed if number < errors[window, site] else audit_row
                    rows.append(make(f"{day}-{site}-{number}", site=site, vendor=vendor, **times))
    return rows


BETTER = {
    ("before", "lisbon"): 15, ("before", "cairo"): 5, ("before", "krakow"): 5,
    ("after", "lisbon"): 3, ("after", "cairo"): 5, ("after", "krakow"): 20,
}  # fmt: skip


async def _plan(client: httpx.AsyncClient, case: Json) -> Json:
    return await done(asked(client, case, "GET", "/plan"))


async def _versions(client: httpx.AsyncClient, case: Json) -> list[tuple[int, str | None]]:
    """The superseded versions, newest first, page by page: revision and verdict."""
    where = {"programme": case["programme"], "limit": 1}
    answer = await client.get(f"/v1/cases/{case['id']}/plan/versions", params=where)
    found = answer.json()["items"]
    while "next" in answer.links:
        answer = await client.get(f"/v1/cases/{case['id']}/plan/versions{answer.links['next']['url']}")
        found += answer.json()["items"]
    return [(each["revision"], each["verdict"]) for each in found]


@pytest.fixture
async def working(rca: httpx.AsyncClient, programme: str, clock: Clock) -> Json:
    """A case on which the work has started, with a plan for September."""
    clock.now = BEGAN
    case, _ = await started(rca, programme, **WINDOWS)
    return case


async def test_a_plan_stands_from_the_start_of_the_work(rca: httpx.AsyncClient, programme: str) -> None:
    """Before, another one takes its version; after, nothing changes it, and what it was is on record."""
    case = await brought(rca, await opened(rca, programme))
    first = await done(registered(rca, case))
    blind, stale = await registered(rca, case, wanted=0.3), await registered(rca, case, '"7"', wanted=0.3)
    second = await done(registered(rca, case, '"1"', wanted=0.3))
    unstarted = await _extended(rca, case)
    await agreed(rca, case)
    await done(stepped(rca, case, "start"))
    late = await registered(rca, case, "*", wanted=0.1)

    assert (first["revision"], first["frozen"], first["judge_on"]) == (1, False, "2190-02-01")
    assert [answer.status_code for answer in (blind, stale)] == [428, 412]
    assert second["effect"]["wanted"] == 0.3
    assert unstarted.json()["type"].endswith("/problems/plan-not-open")
    assert late.json()["type"].endswith("/problems/plan-frozen")
    standing = await _plan(rca, case)
    assert (standing["frozen"], standing["revision"], standing["effect"]) == (True, 3, second["effect"])
    assert await _versions(rca, case) == [(2, None), (1, None)]


async def _extended(client: httpx.AsyncClient, case: Json, to: str = "2190-03-01") -> httpx.Response:
    return await asked(client, case, "POST", "/plan/extensions", {"to": to, "reason": "Too few audits."})


async def test_a_shared_case_is_judged_within_its_vendors_audits(
    rca: httpx.AsyncClient, rca_app: FastAPI, caller: Caller, programme: str
) -> None:
    """Whatever vendors its plan names; and the vendor reads it, another one does not."""
    case, internal = await opened(rca, programme), await opened(rca, programme, vendor=None, scope={})
    plan = await done(registered(rca, case))
    others = [
        await registered(rca, case, "*", **changes)
        for changes in ({"scope": {"vendor": ["acme", "borealis"]}}, {"control_vendor": ["borealis"]})
    ]
    whole = await done(registered(rca, internal, control_vendor=["borealis"]))
    poc, other = [caller(rca_app, Role.VENDOR_POC, vendor=vendor) for vendor in ("acme", "borealis")]

    assert (plan["effect"]["scope"]["vendor"], plan["effect"]["control_vendor"]) == (["acme"], ["acme"])
    assert [answer.json()["errors"][0]["code"] for answer in others] == ["other_vendor"] * 2
    assert (whole["effect"]["scope"]["vendor"], whole["effect"]["control_vendor"]) == ([], ["borealis"])
    assert await _plan(poc, case) == plan
    assert (await asked(other, case, "GET", "/plan")).status_code == 404
    assert (await asked(poc, internal, "GET", "/plan")).status_code == 404


@pytest.mark.parametrize(
    ("windows", "code"),
    [
        ({"baseline": {"from": "2026-08-03", "to": "2026-08-03", "time_zone": ZONE}}, "empty_period"),
        ({"baseline": {"from": "2026-08-03", "to": "2026-09-21", "time_zone": ZONE}}, "overlap"),
        ({"verification": {"from": "2026-09-01", "to": "2026-09-14", "time_zone": ZONE}}, "has_passed"),
        ({"verification": {"from": "2026-09-14", "to": "2026-10-12", "time_zone": "UTC"}}, "other_time_zone"),
    ],
)
async def test_windows_say_something_that_is_not_known_yet(
    rca: httpx.AsyncClient, programme: str, clock: Clock, windows: Json, code: str
) -> None:
    """They have days, in order, of the programme's time zone, and the second is not over."""
    clock.now = BEGAN
    answer = await registered(rca, await opened(rca, programme), **(WINDOWS | windows))

    assert answer.status_code == 409, answer.text
    assert [error["code"] for error in answer.json()["errors"]] == [code]


async def test_an_effect_is_judged_once_when_its_window_is_over(
    rca: httpx.AsyncClient, rca_app: FastAPI, caller: Caller, audit: httpx.AsyncClient, client: Tallystick, clock: Clock,
    reporting_settings: ReportingSettings, programme: str,
) -> None:  # fmt: skip
    """By a real reporting-api, within the vendor's audits, kept by one of several replicas; with it the case can be closed."""
    clock.now = BEGAN
    case, action = await started(rca, programme, **WINDOWS)
    pushed = await audit.post("/v1/audit-batches", params={"programme": programme}, json=_audits(BETTER))
    assert pushed.json()["counts"]["created"] == 8 * 3 * 50, pushed.text
    await rebuild(reporting_settings, programme)
    replicas = [Database(rca_app.state.settings.database_url.get_secret_value(), 2) for _ in range(3)]
    clock.now = OVER - timedelta(seconds=1)
    await asyncio.gather(*(judge(database, client, clock) for database in replicas))
    early = await _plan(rca, case)
    clock.now = OVER
    for _ in range(2):
        await asyncio.gather(*(judge(database, client, clock) for database in replicas))
    for database in replicas:
        await database.close()
    plan = await _plan(rca, case)
    poc = caller(rca_app, Role.VENDOR_POC, vendor="acme")

    assert (early["verdict"], early["revision"]) == (None, 2)
    assert (plan["verdict"], plan["revision"], plan["judged_at"]) == ("effective", 3, "2026-10-11T22:00:00Z")
    judged = plan["judged"]
    assert [judged[name]["denominator"] for name in ("before", "after", "control_before", "control_after")] == [200] * 4
    assert [judged[name]["numerator"] for name in ("before", "after", "control_before", "control_after")] == [60, 12, 20, 20]
    assert await _plan(poc, case) == plan
    assert [(each["vendor"], each["subject_id"]) for each in await notices(poc, programme, "plan.judged")] == [
        ("acme", case["id"])
    ]
    history = (await asked(poc, case, "GET", "/steps")).json()["items"]
    assert [event["changed"] for event in history if event["by"] == "rca-api"] == [{"verdict": "effective"}]
    await done(moved(rca, action, "complete"))
    await done(moved(caller(rca_app, Role.QUALITY_MANAGER, subject="vera"), action, "verify"))
    await done(stepped(rca, case, "verify"))
    assert (await _extended(rca, case)).json()["type"].endswith("/problems/plan-not-open")
    assert (await done(closed(rca, case, override=None)))["state"] == "closed"


async def test_what_is_not_decidable_is_judged_again_daily_and_may_take_longer(
    rca: httpx.AsyncClient, rca_app: FastAPI, audit: httpx.AsyncClient, client: Tallystick, database: Database, clock: Clock,
    reporting_settings: ReportingSettings, working: Json,
) -> None:  # fmt: skip
    """Nobody is told again as long as nothing is new. The window ends later, on record, and so does the case's due date."""
    programme = working["programme"]
    await audit.post("/v1/audit-batches", params={"programme": programme}, json=_audits(BETTER, count=5))
    await rebuild(reporting_settings, programme)
    await run(rca_app, "update cases set state = 'verification' where programme = :programme", programme=programme)
    revisions = []
    for moment in (OVER, OVER + timedelta(hours=23), OVER + timedelta(days=1)):
        clock.now = moment
        await judge(database, client, clock)
        plan = await _plan(rca, working)
        revisions.append((plan["revision"], plan["verdict"]))
    told = await notices(rca, programme, "plan.judged")
    refused = [await _extended(rca, working, to) for to in ("2026-10-12", "2026-10-13")]
    extended = await done(_extended(rca, working, "2026-10-26"))
    clock.now = OVER + timedelta(days=13)
    await judge(database, client, clock)
    untouched = await _plan(rca, working)
    clock.now = OVER + timedelta(days=14, hours=1)  # summer time has ended meanwhile
    await judge(database, client, clock)

    assert revisions == [(3, "not_yet_decidable"), (3, "not_yet_decidable"), (4, "not_yet_decidable")]
    assert plan["judged"]["sample_needed"] is None or plan["judged"]["sample_needed"] > 0
    assert len(told) == len(await notices(rca, programme, "plan.judged")) == 1
    assert [answer.json()["errors"][0]["code"] for answer in refused] == ["no_extension"] * 2
    assert extended["effect"]["verification"]["to"] == "2026-10-26"
    assert [(each["before"], each["to"], each["reason"]) for each in extended["extensions"]] == [
        ("2026-10-12", "2026-10-26", "Too few audits.")
    ]
    assert (await asked(rca, working, "GET", "")).json()["due_at"] == extended["over_at"] == "2026-10-25T23:00:00Z"
    assert untouched["revision"] == 5
    assert await _versions(rca, working) == [
        (5, "not_yet_decidable"), (4, "not_yet_decidable"), (3, "not_yet_decidable"), (2, None), (1, None)
    ]  # fmt: skip


async def test_without_numbers_a_judgement_waits(
    rca: httpx.AsyncClient, database: Database, clock: Clock, following_settings: RcaSettings, client: Tallystick,
    reporting_settings: ReportingSettings, working: Json,
) -> None:  # fmt: skip
    """While reporting-api cannot be asked, or has counted nothing; it is tried again, and by one replica at a time."""
    clock.now = OVER
    nowhere = following_settings.model_copy(update={"reporting_url": "http://127.0.0.1:1"})
    async with neighbours(nowhere, "rca-api", patience_s=0) as cut_off:
        await judge(database, cut_off, clock)
    unasked = await _plan(rca, working)
    clock.move(minutes=1)
    await judge(database, client, clock)
    clock.now = OVER + RETRY
    await judge(database, client, clock)
    uncounted = await _plan(rca, working)
    await rebuild(reporting_settings, working["programme"])
    clock.move(minutes=10)
    await judge(database, client, clock)

    assert unasked["verdict"] is uncounted["verdict"] is None
    assert (await _plan(rca, working))["verdict"] == "not_yet_decidable"


async def test_a_case_that_goes_back_to_its_analysis_needs_another_plan(
    rca: httpx.AsyncClient, client: Tallystick, database: Database, clock: Clock, reporting_settings: ReportingSettings,
    working: Json,
) -> None:  # fmt: skip
    """The one that work had started on is judged no more, and not used twice; what it was stays on record."""
    await rebuild(reporting_settings, working["programme"])
    await done(stepped(rca, working, "analyse"))
    clock.now = OVER
    await judge(database, client, clock)
    unjudged = await _plan(rca, working)
    await done(stepped(rca, working, "plan"))
    used = await stepped(rca, working, "start")
    later = {"from": "2026-10-19", "to": "2026-11-16", "time_zone": ZONE}
    again = await done(registered(rca, working, "*", **(WINDOWS | {"verification": later})))

    assert unjudged["verdict"] is None
    assert [error["code"] for error in used.json()["errors"]] == ["used_plan"]
    assert (again["frozen"], again["revision"]) == (False, 3)
    assert (await stepped(rca, working, "start")).status_code == 200
