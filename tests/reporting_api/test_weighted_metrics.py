"""Weighted measures: rates of all decisions from audits that were not drawn evenly, beside the naive ones."""

from datetime import date
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from conftest import Caller
from reporting_api.statistics.weighted import Drawn, weighted
from reporting_feed import CORRECT, Stream, error
from tallystick.schemas.principal import Role
from tallystick.service.database import Database

WEIGHTED = ["accuracy", "weighted_accuracy", "weighted_error_rate", "unweighted_audits"]


@pytest.fixture(scope="session")
async def drawn(reporting_database: Database) -> Stream:
    """Of acme's 1,000 everyday decisions 20 were drawn, one of them wrong; of its 50 risky ones 10, four wrong.

    Half of the risky ones are of another site. Borealis has 5 of 50, one wrong, and two audits that were not drawn.
    """
    stream = Stream()

    def audits(number: int, wrong: int, stratum: str | None, probability: float | None, **fields: Any) -> None:
        for place in range(number):
            judgement = error("FN-HARASS" if place % 2 else "FP-HARASS") if place < wrong else CORRECT
            stream.create(judgement, stratum=stratum, inclusion_probability=probability, **fields)

    audits(20, 1, "everyday", 0.02, vendor="acme", site="lisbon")
    audits(5, 1, "risky", 0.2, vendor="acme", site="lisbon")
    audits(5, 3, "risky", 0.2, vendor="acme", site="cairo", day=date(2026, 9, 8))
    audits(5, 1, "everyday", 0.1, vendor="borealis", site="krakow")
    audits(2, 2, None, None, vendor="borealis", site="krakow")
    await stream.project(reporting_database)
    return stream


async def _numbers(client: httpx.AsyncClient, stream: Stream, **query: Any) -> list[dict[str, Any]]:
    answer = await client.get("/v1/metrics", params={"programme": stream.programme, "measure": WEIGHTED, **query})
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()["rows"]
    return rows


ACME = weighted([Drawn(0.02, 20, 20, 1), Drawn(0.2, 10, 10, 4)])


async def test_a_sample_by_risk_is_weighted(reporting: httpx.AsyncClient, drawn: Stream) -> None:
    """Acme: 50 of 1,000 and 20 of 50 decisions are wrong, as estimated; the naive accuracy is far lower."""
    [row] = await _numbers(reporting, drawn, vendor="acme")
    found = row["numbers"]["weighted_accuracy"]

    assert row["numbers"]["accuracy"]["value"] == pytest.approx(25 / 30)
    assert found["value"] == pytest.approx(1 - 70 / 1050)
    assert (found["numerator"], found["denominator"], found["sufficient"]) == (pytest.approx(980), 1050, True)
    assert ACME.interval is not None
    assert found["interval"] == {
        "low": pytest.approx(1 - ACME.interval[1]),
        "high": pytest.approx(1 - ACME.interval[0]),
        "level": 0.95,
        "method": "wilson-effective",
    }
    assert row["numbers"]["weighted_error_rate"]["value"] == pytest.approx(70 / 1050)
    assert row["numbers"]["unweighted_audits"]["value"] == 0


async def test_a_site_across_strata_is_a_domain(reporting: httpx.AsyncClient, drawn: Stream) -> None:
    """What is outside of it still tells how much its strata vary."""
    rows = {row["dimensions"]["site"]: row["numbers"] for row in await _numbers(reporting, drawn, by="site", vendor="acme")}
    lisbon = weighted([Drawn(0.02, 20, 20, 1), Drawn(0.2, 10, 5, 1)])

    assert rows["cairo"]["weighted_error_rate"]["value"] == pytest.approx(0.6)
    assert rows["lisbon"]["weighted_error_rate"]["value"] == pytest.approx(lisbon.rate)
    assert lisbon.interval is not None
    assert rows["lisbon"]["weighted_error_rate"]["interval"]["high"] == pytest.approx(lisbon.interval[1])


async def test_audits_that_were_not_drawn_are_left_out_and_counted(reporting: httpx.AsyncClient, drawn: Stream) -> None:
    """Two of borealis have no probability: both wrong, and no part of the weighted rate."""
    [row] = await _numbers(reporting, drawn, vendor="borealis")

    assert row["numbers"]["accuracy"]["denominator"] == 7
    assert row["numbers"]["unweighted_audits"]["value"] == 2
    assert row["numbers"]["weighted_error_rate"]["value"] == pytest.approx(0.2)
    assert row["numbers"]["weighted_error_rate"]["sufficient"] is False


async def test_nothing_drawn_is_null_with_a_reason(
    reporting: httpx.AsyncClient, reporting_database: Database, drawn: Stream
) -> None:
    """Where no audit carries a probability, and where there is no audit at all."""
    plain = Stream()
    plain.create()
    await plain.project(reporting_database)
    [row] = await _numbers(reporting, plain)
    [none] = await _numbers(reporting, drawn, queue="nowhere")

    assert row["numbers"]["weighted_accuracy"]["value"] is row["numbers"]["weighted_accuracy"]["interval"] is None
    assert row["numbers"]["weighted_accuracy"]["reason"] == "No audit here carries the probability that it was drawn with."
    assert row["numbers"]["unweighted_audits"]["value"] == 1
    assert none["numbers"]["weighted_accuracy"]["reason"] == "There are no audits to divide by."


async def test_errors_are_weighted_over_all_drawn_decisions(reporting: httpx.AsyncClient, drawn: Stream) -> None:
    """By error code the rate is of such errors over all decisions; codes add up to the error rate."""
    rows = {
        row["dimensions"]["error_code"]: row["numbers"]
        for row in await _numbers(reporting, drawn, by="error_code", vendor="acme")
    }

    assert rows["FP-HARASS"]["weighted_error_rate"]["value"] == pytest.approx((50 + 5 + 10) / 1050)
    assert rows["FN-HARASS"]["weighted_error_rate"]["value"] == pytest.approx(5 / 1050)
    assert rows["FN-HARASS"]["weighted_error_rate"]["denominator"] == 1050
    assert rows["FN-HARASS"]["unweighted_audits"]["value"] == 0


async def test_totals_order_and_periods_go_on_as_with_other_measures(reporting: httpx.AsyncClient, drawn: Stream) -> None:
    """Ranked by a weighted rate, compared with the period before, by week, with a total."""
    ordered = await reporting.get(
        "/v1/metrics",
        params={
            "programme": drawn.programme,
            "measure": ["weighted_error_rate"],
            "by": "site",
            "order": "-weighted_error_rate",
            "totals": True,
        },
    )
    compared = await _numbers(
        reporting, drawn, vendor="acme", compare="previous_period", **{"from": "2026-09-08", "to": "2026-09-15"}
    )
    weeks = await _numbers(reporting, drawn, by="week", vendor="acme")
    document = ordered.json()
    change = compared[0]["change"]["weighted_error_rate"]

    assert [row["dimensions"]["site"] for row in document["rows"]] == ["cairo", "krakow", "lisbon"]
    assert document["rows"][0]["rank"]["highest"] == 1
    assert document["totals"]["numbers"]["weighted_error_rate"]["denominator"] == 1100
    assert change["value"] == pytest.approx(0.6 - (50 + 5) / 1025)
    assert change["interval"]["method"] == "newcombe"
    assert [row["numbers"]["weighted_error_rate"]["value"] for row in weeks] == pytest.approx([55 / 1025, 0.6])


async def test_a_vendor_reads_the_same_numbers_as_its_client(
    reporting: httpx.AsyncClient, reporting_app: FastAPI, caller: Caller, drawn: Stream
) -> None:
    """A stratum is each vendor's own, so what another's audits of the same name say changes nothing."""
    vendor = caller(reporting_app, Role.VENDOR_POC, vendor="acme")
    own, clients = await _numbers(vendor, drawn, by="site"), await _numbers(reporting, drawn, by="site", vendor="acme")

    assert own == clients
    assert own == [row for row in await _numbers(reporting, drawn, by="site") if row["dimensions"]["site"] != "krakow"]


async def test_both_views_are_weighted(reporting: httpx.AsyncClient, reporting_database: Database) -> None:
    """What was put right counts as wrong as first scored."""
    stream = Stream()
    audits = [stream.create(error(), stratum="s", inclusion_probability=0.5) for _ in range(4)]
    await stream.project(reporting_database)
    stream.revise(audits[0], CORRECT)
    await stream.project(reporting_database)
    [now] = await _numbers(reporting, stream)
    [first] = await _numbers(reporting, stream, view="first_scored")

    assert now["numbers"]["weighted_accuracy"]["value"] == 0.25
    assert first["numbers"]["weighted_accuracy"]["value"] == 0
