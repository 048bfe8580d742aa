"""The reports: what was planted is found and named, and every number is one that the metrics answer too."""

from datetime import date, timedelta
from typing import Any

import httpx
import numpy as np
import pytest

from reporting_api.reports import segments
from reporting_feed import Stream, error
from tallystick.schemas.principal import Role
from tallystick.service.database import Database

START = date(2026, 7, 6)
WEEKS = 12
SITES = {"acme": ("cairo", "krakow", "lisbon"), "borealis": ("athens", "bucharest")}
CODES = (("FN-HARASS", "false_negative"), ("FP-HARASS", "false_positive"), ("WS-HATE", "wrong_selection"))


def planted(chance: np.random.Generator) -> Stream:
    """Twelve weeks: misses at krakow/live become frequent in week 9, PL is over-enforced throughout, one code vanishes."""
    stream = Stream(time_zone="UTC", targets={"accuracy": 0.95, "critical_accuracy": 0.99, "minimum_sample": 30})
    for week in range(WEEKS):
        for vendor, sites in SITES.items():
            for site in sites:
                for queue in ("live", "comments", "profiles"):
                    for _ in range(22):
                        market = ("PL", "DE", "FR", "ES")[chance.integers(4)]
                        rates = {
                            "FN-HARASS": 0.4 if (site, queue) == ("krakow", "live") and week >= 8 else 0.01,
                            "FP-HARASS": 0.12 if market == "PL" else 0.02,
                            "WS-HATE": 0.03 if week < 8 else 0.0,
                        }
                        hit = next((each for each in CODES if chance.random() < rates[each[0]]), None)
                        day = START + timedelta(weeks=week, days=int(chance.integers(7)))
                        judgement = error(*hit) if hit else None
                        stream.create(judgement, vendor=vendor, site=site, queue=queue, market=market, day=day)
    return stream


@pytest.fixture(scope="session")
async def stream(reporting_database: Database) -> Stream:
    stream = planted(np.random.default_rng(11))
    await stream.project(reporting_database, limit=5000)
    return stream


async def _report(client: httpx.AsyncClient, name: str, stream: Stream, **query: Any) -> dict[str, Any]:
    answer = await client.get(f"/v1/reports/{name}", params={"programme": stream.programme, **query})
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def test_a_step_is_a_signal_that_names_its_segment_and_week(reporting: httpx.AsyncClient, stream: Stream) -> None:
    report = await _report(reporting, "top-error-trends", stream)
    found = [
        (each["error_code"], each["segment"], each["since"], each["direction"])
        for each in report["signals"]
        if each["error_code"] == "FN-HARASS"
    ]

    assert found == [("FN-HARASS", {"site": "krakow", "queue": "live"}, "2026-08-31", "up")]
    signal = report["signals"][0]
    assert signal["before"]["value"] < 0.05
    assert signal["after"]["value"] > 0.3
    assert signal["difference"]["clear"] is True
    assert [bool(point["signals"]) for point in signal["points"]] == [False] * 9 + [True] * 4


async def test_what_was_so_throughout_is_a_concentration_and_no_signal(reporting: httpx.AsyncClient, stream: Stream) -> None:
    report = await _report(reporting, "top-error-trends", stream)
    concentrations = {(each["error_code"], tuple(each["segment"].items())): each for each in report["concentrations"]}
    poland = concentrations["FP-HARASS", (("market", "PL"),)]

    assert not [each for each in report["signals"] if each["error_code"] == "FP-HARASS"]
    assert poland["signal"] is False
    assert poland["interval"]["low"] > 2
    assert concentrations["FN-HARASS", (("site", "krakow"), ("queue", "live"))]["signal"] is True


async def test_the_weekly_trend_of_a_code_has_limits_and_signals(reporting: httpx.AsyncClient, stream: Stream) -> None:
    report = await _report(reporting, "top-error-trends", stream)
    trends = {each["error_code"]: each for each in report["trends"]}
    misses = trends["FN-HARASS"]["points"]

    assert [point["week"] for point in misses] == [str(START + timedelta(weeks=week)) for week in range(-1, WEEKS)]
    assert misses[0]["number"]["value"] is None
    assert all("beyond_3_sigma" in point["signals"] for point in misses[-4:])
    assert not any(point["signals"] for point in misses[:-4])
    assert all(point["lower"] <= point["centre"] <= point["upper"] for point in misses[1:])
    assert trends["FP-HARASS"]["signals"] == 0


async def test_the_pareto_adds_up_to_all_errors(reporting: httpx.AsyncClient, stream: Stream) -> None:
    report = await _report(reporting, "top-error-trends", stream)
    counts = [bar["errors"]["value"] for bar in report["pareto"]]

    assert sum(counts) == report["errors"]["value"]
    assert counts == sorted(counts, reverse=True)
    assert report["pareto"][-1]["cumulative_share"] == 1
    assert report["pareto"][0]["name"] is not None


async def test_a_code_that_no_longer_occurs_has_vanished(reporting: httpx.AsyncClient, stream: Stream) -> None:
    report = await _report(reporting, "top-error-trends", stream)
    (vanished,) = report["vanished"]

    assert (vanished["error_code"], vanished["errors_since"], vanished["since"]) == ("WS-HATE", 0, "2026-08-31")
    assert vanished["errors_before"] > 0
    assert report["appeared"] == []


async def test_a_code_that_occurs_only_lately_has_appeared(reporting: httpx.AsyncClient, reporting_database: Database) -> None:
    stream = Stream(time_zone="UTC")
    for week in range(8):
        for place in range(40):
            new = week >= 5 and place < 4
            stream.create(
                error("NEW") if new else error() if place == 9 else None, day=START + timedelta(weeks=week, days=place % 7)
            )
    await stream.project(reporting_database)
    report = await _report(reporting, "top-error-trends", stream)

    assert [(each["error_code"], each["errors_since"]) for each in report["appeared"]] == [("NEW", 12)]
    assert report["vanished"] == []


async def test_every_number_of_a_report_is_one_of_the_metrics(reporting: httpx.AsyncClient, stream: Stream) -> None:
    summary = await _report(reporting, "quality-summary", stream)
    trends = await _report(reporting, "top-error-trends", stream)
    period = {"from": summary["scope"]["period"]["from"], "to": summary["scope"]["period"]["to"]}

    async def ask(**query: Any) -> list[dict[str, Any]]:
        answer = await reporting.get("/v1/metrics", params={"programme": stream.programme, **period, **query})
        rows: list[dict[str, Any]] = answer.json()["rows"]
        return rows

    (overall,) = await ask(measure=["accuracy", "error_rate", "handling_time"])
    for measure, number in overall["numbers"].items():
        assert summary["overall"]["adjudicated"][measure] == number
    sites = await ask(by=["vendor", "site"], measure="accuracy", order="-accuracy")
    assert [(each["dimensions"], each["numbers"]["accuracy"], each["rank"]) for each in summary["sites"]] == [
        (each["dimensions"], each["numbers"]["accuracy"], each["rank"]) for each in sites
    ]
    codes = await ask(by="error_code", measure="error_rate", order="-error_rate")
    assert [bar["rate"] for bar in trends["pareto"]] == [row["numbers"]["error_rate"] for row in codes]
    (segment,) = await ask(site="krakow", queue="live", error_code="FN-HARASS", measure="error_rate", **{"from": "2026-08-31"})
    assert trends["signals"][0]["after"] == segment["numbers"]["error_rate"]


async def test_targets_are_judged_by_the_interval(reporting: httpx.AsyncClient, stream: Stream) -> None:
    summary = await _report(reporting, "quality-summary", stream)
    standing = {each["measure"]: each["standing"] for each in summary["targets"]}
    few = await _report(
        reporting,
        "quality-summary",
        stream,
        site="lisbon",
        queue="live",
        market="ES",
        **{"from": "2026-07-06", "to": "2026-07-13"},
    )

    assert standing == {"accuracy": "missed", "critical_accuracy": "met"}
    assert {each["standing"] for each in few["targets"]} == {"undecided"}


async def test_the_summary_is_compared_with_the_period_before(reporting: httpx.AsyncClient, stream: Stream) -> None:
    summary = await _report(reporting, "quality-summary", stream, **{"from": "2026-08-31", "to": "2026-09-28"})

    assert summary["previous_period"] == {"from": "2026-08-03", "to": "2026-08-31", "time_zone": "UTC"}
    assert summary["previous"]["audits"]["value"] == summary["overall"]["adjudicated"]["audits"]["value"] == 4 * 5 * 3 * 22
    assert summary["change"]["false_negative_rate"]["clear"] is True


async def test_a_report_covers_the_quarter_that_ends_with_the_last_audit(reporting: httpx.AsyncClient, stream: Stream) -> None:
    summary = await _report(reporting, "quality-summary", stream)

    assert summary["scope"]["period"] == {"from": "2026-06-29", "to": "2026-09-28", "time_zone": "UTC"}
    assert len(summary["trend"]) == 13


@pytest.mark.parametrize("query", [{"from": "2199-12-31"}, {"to": "1970-01-01"}])
async def test_a_report_on_a_period_without_audits_is_empty(
    reporting: httpx.AsyncClient, stream: Stream, query: dict[str, str]
) -> None:
    summary = await _report(reporting, "quality-summary", stream, **query)
    trends = await _report(reporting, "top-error-trends", stream, **query)

    assert summary["overall"]["adjudicated"]["audits"]["value"] == 0
    assert (trends["pareto"], trends["signals"], trends["concentrations"]) == ([], [], [])


async def test_a_report_covers_ten_years_at_most(reporting: httpx.AsyncClient, stream: Stream) -> None:
    query = {"programme": stream.programme, "from": "1970-01-01"}
    for name in ("quality-summary", "top-error-trends"):
        answer = await reporting.get(f"/v1/reports/{name}", params=query)

        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "query:from")


async def test_weeks_that_the_period_cuts_are_marked(reporting: httpx.AsyncClient, stream: Stream) -> None:
    summary = await _report(reporting, "quality-summary", stream, **{"from": "2026-07-08", "to": "2026-07-22"})

    assert [point["complete"] for point in summary["trend"]] == [False, True, False]


async def test_without_audits_there_are_reports_without_numbers(
    reporting: httpx.AsyncClient, reporting_database: Database
) -> None:
    """Every value is null with a reason, every list is empty, and nothing fails."""
    stream = Stream()
    await stream.project(reporting_database)
    summary = await _report(reporting, "quality-summary", stream)
    trends = await _report(reporting, "top-error-trends", stream)

    assert summary["scope"]["period"] is None
    assert summary["overall"]["adjudicated"]["accuracy"]["value"] is None
    assert summary["overall"]["adjudicated"]["accuracy"]["reason"]
    assert [each["standing"] for each in summary["targets"]] == ["no_data"]
    assert (summary["vendors"], summary["trend"], trends["pareto"], trends["signals"]) == ([], [], [], [])
    dated = await _report(reporting, "top-error-trends", stream, **{"from": "2026-07-06", "to": "2026-08-06"})
    assert (dated["trends"], dated["concentrations"]) == ([], [])


@pytest.mark.principal(Role.VENDOR_POC, vendor="borealis")
async def test_a_vendors_report_holds_its_own_audits_alone(reporting: httpx.AsyncClient, stream: Stream) -> None:
    summary = await _report(reporting, "quality-summary", stream)
    trends = await _report(reporting, "top-error-trends", stream)

    assert [row["dimensions"]["vendor"] for row in summary["vendors"]] == ["borealis"]
    assert "krakow" not in str(trends)


async def test_a_report_is_not_made_again_for_a_reader_that_has_it(reporting: httpx.AsyncClient, stream: Stream) -> None:
    for name in ("quality-summary", "top-error-trends"):
        query = {"programme": stream.programme}
        tag = (await reporting.get(f"/v1/reports/{name}", params=query)).headers["etag"]
        again = await reporting.get(f"/v1/reports/{name}", params=query, headers={"If-None-Match": tag})

        assert again.status_code == 304


@pytest.mark.parametrize("bound", ["MOST_CELLS", "MOST_PLACES"])
async def test_a_population_too_large_to_be_searched_is_refused(
    reporting: httpx.AsyncClient, stream: Stream, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    """However few of its combinations occur: memory is taken for all of them."""
    monkeypatch.setattr(segments, bound, 20)
    answer = await reporting.get("/v1/reports/top-error-trends", params={"programme": stream.programme})

    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (422, "invalid-request")
    assert "more than 20 groups" in answer.json()["detail"]
