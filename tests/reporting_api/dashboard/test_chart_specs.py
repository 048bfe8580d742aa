"""The charts: Vega-Lite specifications from the API, with the numbers of the reports in them."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import vl_convert

from reporting_feed import Stream
from tallystick.service.database import Database

CHARTS = ("accuracy-over-time", "error-pareto", "appeals-over-time", "overturn-rate-over-time", "decomposition")


PLAN = {
    "site": "krakow",
    "baseline_from": "2026-09-07",
    "baseline_to": "2026-09-14",
    "verification_from": "2026-09-14",
    "verification_to": "2026-09-21",
}


async def test_the_chart_of_a_change_holds_the_parts_of_its_segments(reporting: httpx.AsyncClient, stream: Stream) -> None:
    """In percentage points, those of the cut with the most certain segment where none leads."""
    query = {"programme": stream.programme, "from": "2026-09-14", "by": "site"}
    spec = (await reporting.get("/v1/charts/decomposition", params=query)).json()
    found = (await reporting.get("/v1/decomposition", params=query)).json()
    compiled = vl_convert.vegalite_to_vega(spec, vl_version=max(vl_convert.get_vegalite_versions()))

    parts = {each["dimensions"]["site"]: each["part"] for each in found["cuts"][0]["segments"]}
    assert compiled["marks"]
    assert {bar["segment"]: (bar["mix"], bar["rate"]) for bar in spec["data"]["values"]} == {
        site: (100 * part["mix"], 100 * part["rate"]) for site, part in parts.items()
    }
    assert spec["description"].endswith("No segment stands out.")


async def test_the_title_of_a_changes_axis_ends_with_the_axis(reporting: httpx.AsyncClient, stream: Stream) -> None:
    """So that it is not cut off on a narrow screen, where the names of the segments leave less to the axis than it is long."""
    query = {"programme": stream.programme, "from": "2026-09-14", "by": "site"}
    spec = (await reporting.get("/v1/charts/decomposition", params=query)).json()
    drawn = vl_convert.vegalite_to_scenegraph({**spec, "width": 328}, vl_version=max(vl_convert.get_vegalite_versions()))
    [axis] = [each for each in _parts(drawn["scenegraph"], "axis") if any(_parts(each, "axis-title"))]
    [title] = [item for part in _parts(axis, "axis-title") for item in part["items"]]
    [line] = [item for part in _parts(axis, "axis-domain") for item in part["items"]]

    assert title["text"] == "Part of the change, in percentage points"
    assert (title["align"], title["x"]) == ("right", line["x2"])


def _parts(part: Any, role: str) -> Iterator[dict[str, Any]]:
    """What plays a role in a drawing."""
    if isinstance(part, dict):
        if part.get("role") == role:
            yield part
        for inner in part.values():
            yield from _parts(inner, role)
    elif isinstance(part, list):
        for inner in part:
            yield from _parts(inner, role)


async def test_the_chart_of_an_effect_holds_its_weeks(reporting: httpx.AsyncClient, stream: Stream) -> None:
    """A point for the scope and one for the control in each."""
    query = {"programme": stream.programme, **PLAN}
    answer = await reporting.get("/v1/charts/effect", params=query)
    spec, found = answer.json(), (await reporting.get("/v1/effect", params=query)).json()
    compiled = vl_convert.vegalite_to_vega(spec, vl_version=max(vl_convert.get_vegalite_versions()))
    again = await reporting.get(answer.url, headers={"If-None-Match": answer.headers["etag"]})

    assert compiled["marks"]
    assert [(each["week"], each["group"], each["rate"]) for each in spec["data"]["values"]] == [
        (week["week"], group.title(), week[group]["value"]) for week in found["weeks"] for group in ("scope", "control")
    ]
    assert found["why"] in spec["description"]
    assert again.status_code == 304


@pytest.mark.parametrize("chart", CHARTS)
async def test_a_specification_compiles_without_a_warning(reporting: httpx.AsyncClient, stream: Stream, chart: str) -> None:
    """With the Vega-Lite of the wheel that the pages use."""
    spec = (await reporting.get(f"/v1/charts/{chart}", params={"programme": stream.programme})).json()

    compiled = vl_convert.vegalite_to_vega(spec, vl_version=max(vl_convert.get_vegalite_versions()))

    assert compiled["marks"]


async def test_accuracy_over_time_holds_the_weeks_of_the_report(reporting: httpx.AsyncClient, stream: Stream) -> None:
    """The numbers are those of the quality summary."""
    query = {"programme": stream.programme, "site": "lisbon", "view": "first_scored"}

    spec = (await reporting.get("/v1/charts/accuracy-over-time", params=query)).json()
    report = (await reporting.get("/v1/reports/quality-summary", params=query)).json()

    shown = [(week["week"], week["accuracy"], week["audits"], week["lower"]) for week in spec["data"]["values"]]
    assert shown == [
        (point["week"], point["number"]["value"], point["number"]["denominator"], point["lower"]) for point in report["trend"]
    ]


async def test_the_pareto_chart_holds_the_codes_of_the_report(reporting: httpx.AsyncClient, stream: Stream) -> None:
    """The most frequent first, with what they add up to."""
    query = {"programme": stream.programme}

    spec = (await reporting.get("/v1/charts/error-pareto", params=query)).json()
    report = (await reporting.get("/v1/reports/top-error-trends", params=query)).json()

    shown = [(bar["code"], bar["errors"], bar["cumulative"]) for bar in spec["data"]["values"]]
    assert shown == [(bar["error_code"], bar["errors"]["value"], bar["cumulative_share"]) for bar in report["pareto"]]


async def test_the_charts_of_appeals_hold_the_weeks_of_the_report(
    reporting: httpx.AsyncClient, reporting_database: Database, stream: Stream
) -> None:
    """The parts of a bar stand on each other and reach the number of appeals."""
    wrong = [audit_id for audit_id, audit in stream.audits.items() if audit["verdict"] == "incorrect"]
    for audit_id, outcome in zip(wrong[:4], ("upheld", "overturned", "withdrawn", "amended"), strict=True):
        stream.decide(stream.appeal(audit_id), outcome)
    await stream.project(reporting_database)
    query = {"programme": stream.programme}
    bars = (await reporting.get("/v1/charts/appeals-over-time", params=query)).json()
    rates = (await reporting.get("/v1/charts/overturn-rate-over-time", params=query)).json()
    report = (await reporting.get("/v1/reports/appeals", params=query)).json()

    for week in report["weeks"]:
        counted = {name: each["value"] for name, each in week["outcomes"].items()}
        (changed, upheld, waiting, ended) = (bar for bar in bars["data"]["values"] if bar["week"] == week["week"])
        assert changed["appeals"] == counted["overturned"] + counted["amended"]
        assert (changed["from"], changed["to"], upheld["to"]) == (0, upheld["from"], waiting["from"])
        assert ended["to"] == week["appeal_rate"]["number"]["numerator"]
    assert bars["description"] == "4 appeals by the week of the audit: 2 overturned or amended, 1 upheld, 1 withdrawn or expired."
    assert [(each["overturn_rate"], each["decided_appeals"]) for each in rates["data"]["values"]] == [
        (week["overturn_rate"]["number"]["value"], week["overturn_rate"]["number"]["denominator"]) for week in report["weeks"]
    ]


@pytest.mark.parametrize("chart", CHARTS)
async def test_a_chart_that_has_not_changed_is_not_sent_again(reporting: httpx.AsyncClient, stream: Stream, chart: str) -> None:
    """Its ETag names the position of the stream that it stands on."""
    address = f"/v1/charts/{chart}?programme={stream.programme}"
    first = await reporting.get(address)

    again = await reporting.get(address, headers={"If-None-Match": first.headers["etag"]})

    assert again.status_code == 304


@pytest.mark.parametrize("chart", CHARTS)
async def test_a_chart_of_nothing_is_a_chart(reporting: httpx.AsyncClient, stream: Stream, chart: str) -> None:
    """No audits, no values, no error."""
    spec = (await reporting.get(f"/v1/charts/{chart}?programme={stream.programme}&site=nowhere")).json()

    assert spec["description"].startswith("There are no")
