"""The report on appeals: its numbers are those of the metrics, and what it finds is what was planted."""

from datetime import UTC, date, datetime, timedelta
from math import comb
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi import FastAPI

from conftest import Caller
from reporting_api.statistics.quantiles import quantile, quantile_ranks
from reporting_feed import CORRECT, Stream, error
from tallystick.schemas.principal import Role
from tallystick.service.database import Database

MONDAY = date(2026, 8, 31)
NOW = datetime(2026, 9, 21, 12, 0, 30, tzinfo=UTC)
PAIRS = (("harassment", "FN-HARASS"), ("hate", "FN-HARASS"), ("hate", "FP-HARASS"))
MEASURES = ("audits", "appeals", "appeal_rate", "decided_appeals", "overturn_rate")


def _promised(stream: Stream, audit_id: str, **fields: Any) -> str:
    """An appeal of an audit that a decision is promised of within four days."""
    submitted = datetime.fromisoformat(stream.audits[audit_id]["audited_at"])
    return stream.appeal(audit_id, due_at=(submitted + timedelta(days=4)).isoformat(), **fields)


@pytest.fixture(scope="session")
async def stream(reporting_database: Database) -> Stream:
    """Two weeks, 10 of 30 audits wrong in each; most of what is appealed is upheld, but not hate as FP-HARASS."""
    stream = Stream(targets={"minimum_sample": 10, "appeal_turnaround_days": 4})
    for week in range(2):
        for place in range(90):
            policy, code = PAIRS[place % 3]
            where = {"vendor": "borealis", "site": "krakow"} if place % 2 else {"vendor": "acme", "site": "lisbon"}
            fields = {"policy": policy, "auditor": f"qa-{place % 4}", "day": MONDAY + timedelta(weeks=week, days=place % 5)}
            audit_id = stream.create(error(code) if place < 60 else None, **where, **fields)
            if place >= 60 or place % 5 == 4:
                continue
            ground = "context_missed" if place % 7 == 0 else "policy_misapplied"
            appeal_id = _promised(stream, audit_id, ground=ground)
            if week == 1 and place < 6:
                continue
            planted = code == "FP-HARASS"
            outcome = ("overturned" if place % 10 else "amended") if planted or place % 8 == 0 else "upheld"
            stream.decide(appeal_id, outcome, after=timedelta(hours=24 + 2 * place))
    await stream.project(reporting_database)
    return stream


@pytest.fixture
def _noon(reporting_app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is three weeks after the first audit."""
    monkeypatch.setitem(reporting_app.state._state, "clock", lambda: NOW)


pytestmark = pytest.mark.usefixtures("_noon")


async def _report(client: httpx.AsyncClient, stream: Stream, **query: Any) -> dict[str, Any]:
    answer = await client.get("/v1/reports/appeals", params={"programme": stream.programme, **query})
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def _counts(group: dict[str, Any]) -> dict[str, int]:
    return {name: each["value"] for name, each in group["outcomes"].items() if each["value"]}


async def test_every_measure_in_the_report_is_one_of_the_metrics(reporting: httpx.AsyncClient, stream: Stream) -> None:
    """By each dimension, with the same interval and the same rank; outcomes add up to appeals; and change is Newcombe's."""
    report = await _report(reporting, stream, **{"from": "2026-09-07", "to": "2026-09-14"})
    asked = {
        "programme": stream.programme,
        "measure": MEASURES,
        "order": "-overturn_rate",
        "from": "2026-09-07",
        "to": "2026-09-14",
    }
    tables = {
        "vendors": ["vendor"],
        "sites": ["vendor", "site"],
        "policies": ["policy"],
        "error_codes": ["error_code"],
        "auditors": ["auditor"],
    }
    for table, by in tables.items():
        rows = (await reporting.get("/v1/metrics", params={**asked, "by": by})).json()["rows"]
        assert rows
        assert [(each["dimensions"], each["numbers"], each["rank"]) for each in report[table]] == [
            (row["dimensions"], row["numbers"], row["rank"]) for row in rows
        ]
    compared = {**asked, "order": "appeals", "compare": "previous_period"}
    (overall,) = (await reporting.get("/v1/metrics", params=compared)).json()["rows"]

    assert report["overall"]["numbers"] == overall["numbers"]
    assert report["change"] == overall["change"]
    assert report["scope"]["period"]["from"] == "2026-09-07"
    groups = [report["overall"], *(group for table in (*tables, "grounds") for group in report[table])]
    assert all(sum(_counts(group).values()) == group["numbers"]["appeals"]["value"] for group in groups)


async def test_the_report_counts_what_became_of_each_appeal(reporting: httpx.AsyncClient, stream: Stream) -> None:
    """Appealed one by one in plain Python; overturned errors stay the errors that were appealed."""
    report = await _report(reporting, stream)
    states = [appeal["state"].replace("submitted", "open") for appeal in stream.appeals.values()]
    codes = {group["dimensions"]["error_code"]: group for group in report["error_codes"]}
    false_positives = [appeal["state"] for appeal in stream.appeals.values() if appeal["error_code"] == "FP-HARASS"]

    assert _counts(report["overall"]) == {name: states.count(name) for name in set(states)}
    assert codes["FP-HARASS"]["name"] == "Harassment seen where none is"
    assert codes["FP-HARASS"]["numbers"]["appeals"]["value"] == len(false_positives)
    assert codes["FP-HARASS"]["numbers"]["appeal_rate"]["denominator"] == 180
    assert _counts(codes["FP-HARASS"])["overturned"] == false_positives.count("overturned")
    assert {group["dimensions"]["ground"]: group["name"] for group in report["grounds"]} == {
        "context_missed": "Context was missed",
        "policy_misapplied": "The policy was misapplied",
    }
    weeks = {week["week"]: week for week in report["weeks"]}
    assert len(weeks) == 13
    assert sum(week["outcomes"]["open"]["value"] for week in weeks.values()) == states.count("open")
    assert weeks["2026-08-31"]["appeal_rate"]["number"]["numerator"] == len(stream.appeals) / 2
    assert weeks["2026-08-24"]["overturn_rate"]["number"]["reason"] == "No appeal has been decided."


async def test_what_is_overturned_again_and_again_is_a_pattern(
    reporting: httpx.AsyncClient, reporting_database: Database, stream: Stream
) -> None:
    """Where the interval lies above that of the rest, and the sample is large enough; patterns that overlap are tied."""
    (pattern,) = (await _report(reporting, stream))["patterns"]["found"]
    few = await _report(reporting, stream, site="krakow", auditor="qa-1")

    assert (pattern["policy"], pattern["error_code"], pattern["rank"]["tied"]) == ("hate", "FP-HARASS", False)
    assert pattern["overturn_rate"]["value"] == 1
    assert pattern["rest"]["interval"]["high"] < pattern["overturn_rate"]["interval"]["low"]
    assert pattern["difference"]["clear"] is True
    assert few["patterns"] | {"found": len(few["patterns"]["found"])} == {
        "examined": few["patterns"]["examined"] | {"value": 0},
        "too_few": few["patterns"]["too_few"] | {"value": 3},
        "clauses": few["patterns"]["clauses"] | {"value": 1},
        "found": 0,
    }
    two = Stream(targets={"minimum_sample": 5})
    for code in ("A", "B", "C", "D"):
        for place in range(20):
            two.decide(two.appeal(two.create(error(code))), "overturned" if code in "AB" or place == 0 else "upheld")
    await two.project(reporting_database)
    found = (await _report(reporting, two))["patterns"]["found"]
    assert [(each["error_code"], each["rank"]) for each in found] == [
        (code, {"highest": 1, "lowest": 2, "tied": True}) for code in ("A", "B")
    ]


async def test_a_clause_overturned_again_and_again_is_a_pattern_whatever_the_errors(
    reporting: httpx.AsyncClient, reporting_database: Database
) -> None:
    """Where none of its pairs has enough decisions to be one; a clause of which a pair is one is not said again."""
    stream = Stream(targets={"minimum_sample": 12})
    for policy, codes, each in (("hate", "ABCD", 4), ("harassment", "AB", 20)):
        for code in codes:
            for place in range(each):
                changed = policy == "hate" or place == 0
                stream.decide(stream.appeal(stream.create(error(code), policy=policy)), "overturned" if changed else "upheld")
    await stream.project(reporting_database)
    patterns = (await _report(reporting, stream))["patterns"]
    (pattern,) = patterns["found"]

    assert [patterns[name]["value"] for name in ("examined", "too_few", "clauses")] == [2, 4, 2]
    assert (pattern["policy"], pattern["whole_policy"], pattern["error_code"], pattern["error_name"]) == (
        "hate",
        True,
        None,
        None,
    )
    assert (pattern["overturn_rate"]["numerator"], pattern["overturn_rate"]["denominator"]) == (16, 16)
    assert (pattern["rest"]["numerator"], pattern["rest"]["denominator"]) == (2, 40)


async def test_times_are_of_decisions_and_promises_of_all_that_fell_due(reporting: httpx.AsyncClient, stream: Stream) -> None:
    """Median and ninth decile with intervals of order statistics; what is overdue and still open was not on time."""
    report = await _report(reporting, stream)
    (together, review) = report["times"]
    hours = [
        (datetime.fromisoformat(appeal["decided_at"]) - datetime.fromisoformat(appeal["submitted_at"])).total_seconds()
        for appeal in stream.appeals.values()
        if appeal["decided_at"]
    ]
    low, high = quantile_ranks(len(hours), 0.5) or (0, 0)
    kept = sum(appeal["on_time"] is True for appeal in stream.appeals.values())

    assert together | {"stage": "review"} == review
    assert together["median"]["value"] == pytest.approx(np.quantile(hours, 0.5))
    assert together["p90"]["value"] == pytest.approx(np.quantile(hours, 0.9))
    assert together["median"]["interval"] == {
        "low": sorted(hours)[low - 1],
        "high": sorted(hours)[high - 1],
        "level": 0.95,
        "method": "order-statistics",
    }
    assert (together["on_time"]["numerator"], together["on_time"]["denominator"]) == (kept, len(stream.appeals))
    assert kept < len(hours) < len(stream.appeals)
    assert report["turnaround_days"] == 4


async def test_what_is_open_is_told_as_of_now_whatever_the_period(
    reporting: httpx.AsyncClient, reporting_app: FastAPI, reporting_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By full days since the submission or the escalation; overdue once the due date is past; filters count."""
    stream = Stream()
    day = NOW.replace(second=0)
    waiting = {0.5: "review", 1: "review", 2.9: "review", 3: "arbitration", 20: "review", 99: "review"}
    for days, stage in waiting.items():
        begun = (day - timedelta(days=days)).isoformat()
        fields = (
            {"escalated_at": begun, "submitted_at": "2026-01-01T00:00:00Z"} if stage == "arbitration" else {"submitted_at": begun}
        )
        due = None if days == 99 else (day - timedelta(days=days - 2)).isoformat()
        appeal = stream.appeal(stream.create(error(), day=date(2026, 5, 4)), stage=stage, due_at=due, **fields)
        if days == 20:
            stream.move(appeal, "in_review")
    stream.create(day=date(2026, 9, 21))
    await stream.project(reporting_database)
    found = (await _report(reporting, stream, **{"from": "2026-09-21", "to": "2026-09-22"}))["open"]

    assert [(age["from_days"], age["to_days"], age["open"]["value"], age["overdue"]["value"]) for age in found["ages"]] == [
        (0, 1, 1, 0),
        (1, 3, 2, 1),
        (3, 7, 1, 1),
        (7, 14, 0, 0),
        (14, 30, 1, 1),
        (30, None, 1, 0),
    ]
    names = ("open", "in_review", "in_arbitration", "overdue", "undated")
    assert {name: found[name]["value"] for name in names} == dict(zip(names, (6, 1, 1, 3, 1), strict=True))
    assert found["oldest"] == (day - timedelta(days=99)).isoformat().replace("+00:00", "Z")
    assert (await _report(reporting, stream, site="cairo"))["open"]["open"]["value"] == 0
    tag = (await reporting.get("/v1/reports/appeals", params={"programme": stream.programme})).headers["etag"]
    again = {"params": {"programme": stream.programme}, "headers": {"If-None-Match": tag}}
    assert (await reporting.get("/v1/reports/appeals", **again)).status_code == 304  # type: ignore[arg-type]
    monkeypatch.setitem(reporting_app.state._state, "clock", lambda: NOW + timedelta(minutes=1))
    assert (await reporting.get("/v1/reports/appeals", **again)).status_code == 200  # type: ignore[arg-type]


async def test_escalated_expired_and_withdrawn_appeals_are_told(
    reporting: httpx.AsyncClient, reporting_database: Database
) -> None:
    """What is escalated is open until arbitration has decided it, and its first decision no longer counts."""
    stream = Stream(targets={"minimum_sample": 2})
    appeals = [_promised(stream, stream.create(error())) for _ in range(6)]
    for appeal_id in appeals[:3]:
        stream.decide(appeal_id, "upheld")
    for appeal_id in appeals[1:3]:
        stream.move(
            appeal_id,
            "submitted",
            stage="arbitration",
            escalated_at="2026-09-10T12:00:00+00:00",
            due_at="2026-09-11T12:00:00+00:00",
        )
    stream.decide(appeals[2], "overturned", after=timedelta(hours=30))
    stream.move(appeals[3], "expired")
    stream.move(appeals[4], "withdrawn")
    await stream.project(reporting_database)
    report = await _report(reporting, stream)
    escalations = report["escalations"]

    assert _counts(report["overall"]) == {"open": 2, "upheld": 1, "overturned": 1, "expired": 1, "withdrawn": 1}
    assert (escalations["rate"]["numerator"], escalations["rate"]["denominator"]) == (2, 3)
    assert (escalations["overturn_rate"]["numerator"], escalations["overturn_rate"]["denominator"]) == (1, 1)
    assert _counts(escalations) == {"open": 1, "overturned": 1}
    assert (report["expired"]["numerator"], report["expired"]["denominator"]) == (1, 6)
    together, review, arbitration = report["times"]
    assert (arbitration["stage"], arbitration["median"]["value"]) == ("arbitration", 30 * 3600)
    assert [(each["on_time"]["numerator"], each["on_time"]["denominator"]) for each in (together, review, arbitration)] == [
        (1, 5),
        (1, 3),
        (0, 2),
    ]


async def test_a_vendor_reads_of_its_own_appeals_and_of_no_auditor(
    reporting_app: FastAPI, caller: Caller, stream: Stream
) -> None:
    """Neither of other vendors' appeals, nor whose verdicts are appealed; and the filter by auditor is refused."""
    own = caller(reporting_app, Role.VENDOR_POC, vendor="borealis")
    report = await _report(own, stream)
    number = sum(appeal["vendor"] == "borealis" for appeal in stream.appeals.values())

    assert report["overall"]["numbers"]["appeals"]["value"] == number
    assert [group["dimensions"] for group in report["vendors"]] == [{"vendor": "borealis"}]
    assert report["auditors"] is None
    assert "acme" not in str(report)
    assert "lisbon" not in str(report)
    refused = await own.get("/v1/reports/appeals", params={"programme": stream.programme, "auditor": "qa-1"})
    assert refused.status_code == 403


@pytest.mark.parametrize("audits", [0, 3])
async def test_without_appeals_there_is_a_report_without_numbers(
    reporting: httpx.AsyncClient, reporting_database: Database, audits: int
) -> None:
    """Every value is null with a reason or 0, and nothing fails."""
    stream = Stream()
    for _ in range(audits):
        stream.create(CORRECT)
    await stream.project(reporting_database)
    report = await _report(reporting, stream)

    numbers = report["overall"]["numbers"]
    assert (numbers["appeals"]["value"], numbers["overturn_rate"]["value"]) == (0, None)
    assert bool(numbers["appeal_rate"]["reason"]) == (audits == 0)
    (times,) = report["times"]
    assert (times["median"]["value"], times["median"]["reason"]) == (None, "No appeal has been decided.")
    assert times["on_time"]["reason"] == "No appeal was promised a decision by now."
    assert (report["open"]["oldest"], report["patterns"]["found"], report["grounds"]) == (None, [], [])
    assert report["escalations"]["rate"]["reason"] == "No appeal has been decided."


def test_ranks_of_quantiles_are_those_of_the_binomial_distribution() -> None:
    """The lower rank is the greatest, the upper one the smallest that keeps its tail.

    Source: David and Nagaraja, Order Statistics, 7.1.
    """
    assert quantile_ranks(10, 0.5) == (2, 9)
    assert quantile_ranks(20, 0.5) == (6, 15)
    assert quantile_ranks(100, 0.5) == (40, 61)
    assert quantile_ranks(5, 0.5) is None
    assert quantile_ranks(0, 0.5) is None
    for size, share in ((7, 0.5), (36, 0.9), (60, 0.9), (350, 0.5), (900, 0.9)):
        chances = [comb(size, hits) * share**hits * (1 - share) ** (size - hits) for hits in range(size + 1)]
        low = next(rank for rank in range(size + 1) if sum(chances[: rank + 1]) > 0.025)
        high = next((rank for rank in range(size + 1) if sum(chances[rank:]) <= 0.025), size + 1)
        assert quantile_ranks(size, share) == ((low, high) if low and high <= size else None)


def test_quantiles_are_interpolated_like_everybodys() -> None:
    """Definition 7 of Hyndman and Fan, which numpy, R and spreadsheets use."""
    sample = sorted([3.0, 1.5, 8.0, 2.0, 13.0])

    for share in (0, 0.1, 0.5, 0.9, 1):
        assert quantile(sample, share) == pytest.approx(np.quantile(sample, share))
    assert quantile([4.0], 0.9) == 4
