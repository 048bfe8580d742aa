"""The report on root causes: counted by hand on a few cases, and for a vendor its own part alone."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from statsmodels.stats.proportion import confint_proportions_2indep

from reporting_feed import CORRECT, Stream, error
from reporting_work import OPENED, WorkStream
from tallystick.schemas.principal import Role
from tallystick.service.clock import Clock
from tallystick.service.database import Database

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
QUARTER = {"from": "2026-09-01", "to": "2026-12-01"}
DAY = timedelta(days=1)


@pytest.fixture
def moment(reporting_app: FastAPI) -> Any:
    """It is the second of November."""
    before: Clock = reporting_app.state.clock
    reporting_app.state.clock = lambda: NOW
    yield NOW
    reporting_app.state.clock = before


@pytest.fixture
async def work(reporting_database: Database, moment: datetime) -> WorkStream:  # noqa: ARG001 - the time has to stand
    """Five cases: closed in time, closed and come back, overdue, an internal one, and one of another vendor.

    At acme one of ten decisions is wrong until the first case is opened, and two of ten while it is open.
    """
    facts = Stream()
    for day in range(70):
        for number in range(10):
            wrong = number < (2 if 56 <= day < 70 else 1)
            facts.create(error() if wrong else CORRECT, day=date(2026, 8, 3) + day * DAY)
    await facts.project(reporting_database)
    stream = WorkStream(facts.document)
    kept = stream.open(baseline={"from": "2026-08-03", "to": "2026-09-28"}, title="Kept")
    stream.cause(kept)
    stream.cause(kept, "training_gap")
    stream.move(kept, "analyse", OPENED + DAY)
    stream.move(kept, "plan", OPENED + 2 * DAY)
    stream.action(kept, OPENED + 8 * DAY, state="verified", done_at=(OPENED + 7 * DAY).isoformat())
    stream.plan(kept, date(2026, 10, 9), verdict="effective", judged_at="2026-10-10T00:00:00+00:00")
    stream.move(kept, "close", datetime(2026, 10, 12, 9, tzinfo=UTC), watch_until="2026-12-01T00:00:00+00:00")
    back = stream.open(title="Came back", baseline={"from": "2026-08-03", "to": "2026-09-28"})
    stream.cause(back)
    for days, step in ((1, "analyse"), (6, "plan"), (10, "override"), (20, "reopen")):
        stream.move(back, step, OPENED + days * DAY, due_at=(OPENED + (5 if days < 20 else 25) * DAY).isoformat())
    stream.action(back, OPENED + 6 * DAY)
    stream.action(back, OPENED + 60 * DAY, owner="bert")
    stream.plan(back, date(2026, 10, 9), verdict="not_effective", judged_at="2026-10-10T00:00:00+00:00")
    late = stream.open(title="Late", measure="overturn_rate")
    stream.action(late, OPENED + 9 * DAY, owner="carla", owner_vendor=None)
    stream.open(None, title="Internal", baseline={"from": "2026-08-03", "to": "2026-09-28"})
    stream.cause(late, "tooling_gap", audience="internal")
    stream.open("borealis", NOW - DAY, title="Of another vendor")
    await stream.project(reporting_database)
    return stream


async def _report(client: httpx.AsyncClient, work: WorkStream, **asked: Any) -> dict[str, Any]:
    answer = await client.get("/v1/reports/rca", params={"programme": work.programme, **QUARTER, **asked})
    assert answer.status_code == 200, answer.text
    report: dict[str, Any] = answer.json()
    return report


def _value(number: dict[str, Any]) -> Any:
    return number["value"]


async def test_cases_are_counted_by_state_age_and_cause(reporting: httpx.AsyncClient, work: WorkStream) -> None:
    report = await _report(reporting, work)

    counts = ("opened", "closed", "cancelled", "reopened", "open", "watched", "overridden")
    assert [_value(report[name]) for name in counts] == [5, 2, 0, 1, 4, 1, 1]
    assert {
        each["state"]: (_value(each["cases"]), _value(each["overdue"])) for each in report["states"] if _value(each["cases"])
    } == {
        "open": (3, 2),
        "reopened": (1, 1),
    }
    assert {each["from_days"]: _value(each["cases"]) for each in report["ages"] if _value(each["cases"])} == {0: 1, 14: 1, 30: 2}
    causes = {each["code"]: (_value(each["open"]), _value(each["closed"]), _value(each["recurred"])) for each in report["causes"]}
    assert causes == {"policy_unclear": (1, 2, 1), None: (2, 0, 0), "tooling_gap": (1, 0, 0), "training_gap": (0, 1, 0)}
    scope = report["scope"]
    assert (scope["work_position"], scope["vendors"], scope["as_of"]) == (work.position, [], "2026-11-02T12:01:00Z")
    assert scope["position"] > 0


async def test_rates_stand_on_what_was_due_closed_and_judged(reporting: httpx.AsyncClient, work: WorkStream) -> None:
    """What is still missing after its due date was not on time; each number has what it stands on and its interval."""
    report = await _report(reporting, work)
    rates = {
        "root_causes": report["on_time"]["root_causes"],
        "actions": report["on_time"]["actions"],
        "effects": report["effects"]["rate"],
        "recurrence": report["recurrence"],
    }

    # Due: those of all but the newest, and of the one that came back a second one. One of them was known in time.
    assert {name: (rate["numerator"], rate["denominator"]) for name, rate in rates.items()} == {
        "root_causes": (1, 5),
        "actions": (1, 3),
        "effects": (1, 2),
        "recurrence": (1, 2),
    }
    assert all(rate["interval"]["method"] == "wilson" and not rate["sufficient"] for rate in rates.values())
    assert _value(report["days_to_close"]) == (14 + 10) / 2


async def test_a_case_costs_the_errors_beyond_its_baseline(reporting: httpx.AsyncClient, work: WorkStream) -> None:
    """Twenty-eight errors in 140 audits, where one of ten was wrong before: fourteen more, within Newcombe's interval.

    The weeks vary by less than chance, so nothing widens it.
    """
    newcombe = confint_proportions_2indep(28, 140, 56, 560, method="newcomb")
    costs = {each["title"]: each for each in (await _report(reporting, work))["cost"]["cases"]}
    kept, other = costs["Kept"], costs["Late"]

    assert (kept["days"][0]["from"], kept["days"][0]["to"]) == ("2026-09-28", "2026-10-12")
    assert (kept["open"]["value"], kept["baseline"]["value"]) == (0.2, 0.1)
    assert (kept["errors"]["value"], kept["errors"]["numerator"], kept["errors"]["denominator"]) == (pytest.approx(14), 28, 140)
    assert [kept["errors"]["interval"][end] for end in ("low", "high")] == [pytest.approx(140 * end) for end in newcombe]
    assert (other["errors"]["value"], other["errors"]["reason"]) == (None, "The measure of the case counts no errors.")


async def test_a_case_that_comes_back_and_goes_on_one_day_costs_that_day_once(
    reporting: httpx.AsyncClient, reporting_database: Database, work: WorkStream
) -> None:
    """And nothing of the next one, on which it is closed."""
    case = work.open(title="Twice", baseline={"from": "2026-08-03", "to": "2026-09-28"})
    for hours, step in enumerate(("analyse", "plan", "override", "reopen", "analyse", "plan", "override")):
        work.move(case, step, OPENED + timedelta(hours=hours))
    await work.project(reporting_database)
    [twice] = [each for each in (await _report(reporting, work))["cost"]["cases"] if each["case_id"] == case]

    assert [(each["from"], each["to"]) for each in twice["days"]] == [("2026-09-28", "2026-09-29")]
    assert (twice["errors"]["numerator"], twice["errors"]["denominator"]) == (2, 10)


async def test_overdue_actions_are_told_by_owner_and_by_vendor(reporting: httpx.AsyncClient, work: WorkStream) -> None:
    report = await _report(reporting, work)

    owners = [(each["owner"], each["vendor"], each["overdue"]["numerator"]) for each in report["overdue_by_owner"]]
    assert owners == [("carla", None, 1), ("anna", "acme", 1)]
    vendors = {
        each["vendor"]: (each["overdue"]["numerator"], each["overdue"]["denominator"]) for each in report["overdue_by_vendor"]
    }
    assert vendors == {None: (1, 1), "acme": (1, 2)}


async def test_a_period_that_is_past_is_told_as_it_stood(reporting: httpx.AsyncClient, work: WorkStream) -> None:
    """On the first of October the cases were open and nothing was known of what came."""
    report = await _report(reporting, work, to="2026-10-01")

    assert report["scope"]["as_of"] == "2026-09-30T22:00:00Z"
    assert [_value(report[name]) for name in ("opened", "closed", "open")] == [4, 0, 4]
    assert {each["state"]: _value(each["cases"]) for each in report["states"] if _value(each["cases"])} == {
        "open": 2,
        "analysis": 1,
        "action_plan": 1,
    }
    assert _value(report["recurrence"]) is None


async def test_the_chart_has_a_bar_for_every_age_by_state(reporting: httpx.AsyncClient, work: WorkStream) -> None:
    answer = await reporting.get("/v1/charts/cases-by-age", params={"programme": work.programme, **QUARTER})
    spec = answer.json()
    drawn = {(each["age"], each["state"]): each["cases"] for each in spec["data"]["values"] if each["cases"]}

    assert spec["description"] == "Cases that go on, by age: 4, of which 0 for 90 days or more"
    assert drawn == {("0\N{EN DASH}6", "open"): 1, ("14\N{EN DASH}29", "reopened"): 1, ("30\N{EN DASH}59", "open"): 2}
    again = await reporting.get(
        "/v1/charts/cases-by-age",
        params={"programme": work.programme, **QUARTER},
        headers={"If-None-Match": answer.headers["etag"]},
    )
    assert again.status_code == 304


async def test_until_rca_api_was_read_there_is_no_report(reporting: httpx.AsyncClient, reporting_database: Database) -> None:
    """Rather than one of a part of the cases."""
    facts = Stream()
    await facts.project(reporting_database)
    asked = {"programme": facts.programme}
    answers = [
        await reporting.get(path, params=asked)
        for path in ("/v1/reports/rca", "/v1/reports/weekly-summary", "/v1/charts/cases-by-age")
    ]

    assert [(answer.status_code, answer.headers["retry-after"]) for answer in answers] == [(503, "2")] * 3


async def test_a_vendor_reads_of_its_own_cases_alone(
    caller: Any, reporting_app: FastAPI, reporting: httpx.AsyncClient, work: WorkStream
) -> None:
    """No internal case, no internal cause, no other vendor's; and the client narrowed to the vendor reads the same counts."""
    own = await _report(caller(reporting_app, Role.VENDOR_POC, vendor="acme"), work)
    narrowed = await _report(reporting, work, vendor="acme")

    assert own["scope"]["vendors"] == ["acme"]
    assert [_value(report["opened"]) for report in (own, narrowed)] == [3, 3]
    assert {each["title"] for each in own["cost"]["cases"]} == {"Kept", "Came back", "Late"}
    assert "tooling_gap" not in {each["code"] for each in own["causes"]}
    assert own["overdue_by_owner"] == narrowed["overdue_by_owner"]
