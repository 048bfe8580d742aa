"""The effect of a plan over HTTP: the verdict, the numbers that it stands on, and why there is none."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from conftest import listening
from reporting_feed import Stream, error
from tallystick.client import Tallystick
from tallystick.identity import sign_token
from tallystick.schemas.effect import EffectPlan, EffectVerdict
from tallystick.schemas.metric import MetricFilter, Period
from tallystick.schemas.principal import Role
from tallystick.service.database import Database

START = date(2026, 6, 1)
PLAN = {
    "baseline_from": "2026-06-01",
    "baseline_to": "2026-07-27",
    "verification_from": "2026-07-27",
    "verification_to": "2026-08-24",
}
KRAKOW = {**PLAN, "site": "krakow", "queue": "live"}


def weekly(rates: Callable[[str, int], float], *, audits: int = 50, weeks: int = 12) -> Stream:
    """So many audits a week at krakow and, three times as many, at lisbon and athens; a rate of errors by site and week."""
    stream = Stream(time_zone="UTC", targets={"accuracy": 0.95, "minimum_sample": 30})
    for week in range(weeks):
        for site, vendor, size in (("krakow", "acme", 1), ("lisbon", "acme", 3), ("athens", "borealis", 3)):
            wrong = round(audits * size * rates(site, week)) + (week % 3 - 1) * size
            for place in range(audits * size):
                stream.create(
                    error() if place < wrong else None,
                    vendor=vendor,
                    site=site,
                    day=START + timedelta(weeks=week, days=place % 7),
                )
    return stream


@pytest.fixture(scope="module")
async def stream(reporting_database: Database) -> Stream:
    """At krakow four in ten are wrong, one in ten since the ninth week; one in ten elsewhere throughout."""
    stream = weekly(lambda site, week: 0.4 if site == "krakow" and week < 8 else 0.1)
    await stream.project(reporting_database, limit=5000)
    return stream


async def _ask(client: httpx.AsyncClient, stream: Stream, **query: Any) -> dict[str, Any]:
    answer = await client.get("/v1/effect", params={"programme": stream.programme, **query})
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def test_a_rate_that_fell_as_wanted_is_effective(reporting: httpx.AsyncClient, stream: Stream) -> None:
    """The reduction is one less the ratio of ratios, inside its interval."""
    found = await _ask(reporting, stream, **KRAKOW)

    assert found["verdict"] == "effective"
    ratio = (found["after"]["value"] / found["before"]["value"]) / (
        found["control_after"]["value"] / found["control_before"]["value"]
    )
    assert found["reduction"]["value"] == pytest.approx(1 - ratio)
    assert 0.5 < found["reduction"]["interval"]["low"] < found["reduction"]["value"] < found["reduction"]["interval"]["high"] < 1
    assert (found["sample"], found["sample_needed"]) == (200, None)
    assert found["dispersion"] >= 1


async def test_its_numbers_are_those_of_the_metrics(reporting: httpx.AsyncClient, stream: Stream) -> None:
    """In the scope; the control is what is left of the whole; the weeks add up to both."""
    found = await _ask(reporting, stream, **KRAKOW)
    period = {"programme": stream.programme, "measure": "error_rate", "from": "2026-06-01", "to": "2026-07-27"}
    scope = (await reporting.get("/v1/metrics", params={**period, "site": "krakow"})).json()["rows"][0]["numbers"]["error_rate"]
    whole = (await reporting.get("/v1/metrics", params=period)).json()["rows"][0]["numbers"]["error_rate"]

    assert found["before"] == scope
    for part in ("numerator", "denominator"):
        assert found["control_before"][part] == whole[part] - scope[part]
        baseline = [week for week in found["weeks"] if week["window"] == "baseline"]
        assert sum(week["scope"][part] for week in baseline) == scope[part]
        assert sum(week["control"][part] for week in baseline) == whole[part] - scope[part]
    assert [week["week"] for week in found["weeks"]] == [str(START + timedelta(weeks=week)) for week in range(12)]


async def test_a_rate_that_stays_is_not_effective(reporting: httpx.AsyncClient, stream: Stream) -> None:
    found = await _ask(reporting, stream, **PLAN, site="lisbon", control_vendor="borealis")

    assert found["verdict"] == "not_effective"
    assert found["reduction"]["interval"]["high"] < 0.5
    assert found["plan"]["control_vendor"] == ["borealis"]
    assert found["control_before"]["denominator"] == 8 * 150


async def test_what_happens_everywhere_is_no_effect(reporting: httpx.AsyncClient, reporting_database: Database) -> None:
    """Rates that halve in the scope and in the control alike have not fallen against it."""
    stream = weekly(lambda _, week: 0.4 if week < 8 else 0.2)
    await stream.project(reporting_database, limit=5000)
    found = await _ask(reporting, stream, **KRAKOW)

    assert found["after"]["value"] < found["before"]["value"]
    assert found["verdict"] == "not_effective"
    assert found["reduction"]["clear"] is False


async def test_too_few_audits_are_not_yet_decidable(reporting: httpx.AsyncClient, reporting_database: Database) -> None:
    """With the further sample that would decide it, or that the plan asks for."""
    stream = weekly(lambda site, week: 0.2 if site == "krakow" and week < 8 else 0.12, audits=20)
    await stream.project(reporting_database, limit=5000)
    found = await _ask(reporting, stream, **KRAKOW)
    short = await _ask(reporting, stream, **KRAKOW, minimum_sample=1000)

    assert found["verdict"] == short["verdict"] == "not_yet_decidable"
    assert found["reduction"]["interval"]["low"] < 0
    assert found["reduction"]["interval"]["high"] > 0.5
    assert found["sample"] == 80
    assert short["sample_needed"] >= 920
    assert "further" not in short["why"]


async def _reason(client: httpx.AsyncClient, stream: Stream, **query: Any) -> str:
    found = await _ask(client, stream, **query)
    assert found["verdict"] == "not_yet_decidable"
    assert (found["reduction"]["value"], found["reduction"]["interval"], found["sample_needed"]) == (None, None, None)
    assert found["why"] == found["reduction"]["reason"]
    reason: str = found["why"]
    return reason


async def test_where_nothing_can_be_compared_it_says_why(reporting: httpx.AsyncClient, stream: Stream) -> None:
    """No control, no audits, no errors before: a null with its reason, and never a number by accident."""
    everything = await _reason(reporting, stream, **PLAN, error_code="FN-HARASS")
    nowhere = await _reason(reporting, stream, **PLAN, site="porto")
    all_of_control = await _reason(reporting, stream, **PLAN, vendor="borealis", control_vendor="borealis")
    flawless = await _reason(reporting, stream, **PLAN, site="krakow", error_code="OTHER")

    assert everything == "The scope is all there is: nothing is left to compare with."
    assert nowhere == "There is nothing to divide by in the scope in the baseline."
    assert all_of_control == "There is nothing to divide by in the control in the baseline."
    assert flawless == "There was no error in the scope in the baseline, so there is no ratio."


async def test_one_week_on_each_side_decides_nothing(reporting: httpx.AsyncClient, stream: Stream) -> None:
    """It does not say by how much weeks vary."""
    windows = {"baseline_from": "2026-07-20", "verification_to": "2026-08-03"}
    found = await _ask(reporting, stream, **{**KRAKOW, **windows}, minimum_sample=1)

    assert found["verdict"] == "not_yet_decidable"
    assert found["reduction"]["value"] > 0
    assert (found["reduction"]["interval"], found["dispersion"]) == (None, None)
    assert "Too few weeks" in found["why"]


async def test_a_scope_without_errors_after_reached_all_that_can_be_wanted(
    reporting: httpx.AsyncClient, reporting_database: Database
) -> None:
    stream = weekly(lambda site, week: -1.0 if site == "krakow" and week >= 8 else 0.3)
    await stream.project(reporting_database, limit=5000)
    found = await _ask(reporting, stream, **KRAKOW, wanted=1)

    assert found["verdict"] == "effective"
    assert (found["reduction"]["value"], found["reduction"]["interval"]["high"]) == (1, 1)


async def test_the_client_asks_for_changes_and_effects(reporting_app: FastAPI, stream: Stream, identity: Path) -> None:
    """A plan goes out as it is, and comes back with its verdict."""
    token = sign_token(identity, subject="nina", roles=[Role.ANALYST], programmes=["*"], vendor=None, ttl=timedelta(minutes=5))
    plan = EffectPlan(
        scope=MetricFilter(site=("krakow",), queue=("live",)),
        control_vendor=("acme",),
        baseline=Period(from_=START, to=date(2026, 7, 27), time_zone="UTC"),
        verification=Period(from_=date(2026, 7, 27), to=date(2026, 8, 24), time_zone="UTC"),
        wanted=0.25,
    )
    async with listening(reporting_app) as address, Tallystick(token=token, reporting=address) as tallystick:
        found = await tallystick.effect(stream.programme, plan)
        change = await tallystick.decomposition(
            stream.programme, {"by": ["site"], "from": "2026-07-27", "to": "2026-08-24", "baseline_from": "2026-06-01"}
        )

    assert (found.plan, found.verdict) == (plan, EffectVerdict.EFFECTIVE)
    assert found.control_before.denominator == 8 * 150
    assert [each.dimensions for each in change.leading] == [{"site": "krakow"}]


@pytest.mark.principal(Role.VENDOR_POC, vendor="acme")
async def test_a_vendor_is_compared_with_its_own_audits_alone(reporting: httpx.AsyncClient, stream: Stream) -> None:
    """The control too, which is what `control_vendor` makes of it for others."""
    found = await _ask(reporting, stream, **KRAKOW)
    foreign = await _reason(reporting, stream, **KRAKOW, control_vendor="borealis")

    assert found["control_before"]["denominator"] == 8 * 150
    assert found["control_after"]["denominator"] == 4 * 150
    assert foreign == "There is nothing to divide by in the control in the baseline."


async def test_a_verdict_that_has_not_changed_is_not_sent_again(reporting: httpx.AsyncClient, stream: Stream) -> None:
    first = await reporting.get("/v1/effect", params={"programme": stream.programme, **KRAKOW})
    again = await reporting.get(first.url, headers={"If-None-Match": first.headers["etag"]})

    assert again.status_code == 304


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"verification_from": "2026-07-26"}, "query:verification_from"),
        ({"baseline_to": "2026-06-01"}, "query:to"),
        ({"wanted": 0}, "query:wanted"),
        ({"moderator": "m-1"}, "query:moderator"),
    ],
)
async def test_windows_follow_each_other(
    reporting: httpx.AsyncClient, stream: Stream, query: dict[str, Any], pointer: str
) -> None:
    answer = await reporting.get("/v1/effect", params={"programme": stream.programme, **KRAKOW, **query})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
