"""The chart of cases by age and state, as a Vega-Lite specification like the others."""

from collections.abc import Sequence

from fastapi import APIRouter, Request, Response

from reporting_api.dashboard.charts import Spec, spec
from reporting_api.metrics.routes import NumbersRead
from reporting_api.metrics.standing import read_standing
from reporting_api.reports.work.records import read_work, read_work_standing
from reporting_api.reports.work.report import cases_by_age
from reporting_api.reports.work.routes import OfWork, as_of_end, asked_etag
from tallystick.schemas.rca_report import CaseAge
from tallystick.service.database import Reading
from tallystick.service.problems import COMMON, responses
from tallystick.service.replies import not_modified, reply

router = APIRouter(prefix="/v1/charts", tags=["charts"], responses=responses(*COMMON))


@router.get("/cases-by-age", response_model=Spec, summary="Read the chart of cases by age and state")
async def read_cases_by_age(request: Request, principal: NumbersRead, asked: OfWork, session: Reading) -> Response:
    """A Vega-Lite specification: the cases that go on, by how long ago they were opened, each bar by where they stand."""
    standing = await read_standing(session, asked.programme)
    work = await read_work_standing(session, standing)
    settled, as_of = as_of_end(request, standing, asked)
    etag = asked_etag(standing, work, principal, "cases-by-age", settled, as_of)
    if (known := not_modified(request, etag)) is not None:
        return known
    found = await read_work(session, asked.programme, settled.vendors)
    return reply(cases_chart(cases_by_age(found, as_of)), etag=etag)


def cases_chart(ages: Sequence[CaseAge]) -> Spec:
    """Cases by age as bars of their states."""
    values: list[Spec] = [
        {"age": _span(age), "state": state.replace("_", " "), "cases": count}
        for age in ages
        for state, count in age.states.items()
    ]
    total = sum(int(age.cases.value or 0) for age in ages)
    old = ages[-1]
    caption = f"Cases that go on, by age: {total}, of which {int(old.cases.value or 0)} for {old.from_days} days or more"
    order = [_span(age) for age in ages]
    layer: Spec = {
        "mark": {"type": "bar"},
        "encoding": {
            "x": {"field": "age", "type": "ordinal", "sort": order, "axis": {"title": "Days since opening", "labelAngle": 0}},
            "y": {"field": "cases", "type": "quantitative", "title": None, "axis": {"tickMinStep": 1, "format": ",d"}},
            "color": {"field": "state", "type": "nominal", "title": None, "sort": [state["state"] for state in values[:6]]},
            "tooltip": [
                {"field": "age", "type": "nominal", "title": "Days"},
                {"field": "state", "type": "nominal", "title": "State"},
                {"field": "cases", "type": "quantitative", "title": "Cases"},
            ],
        },
    }
    return spec(caption, values, [layer], height=220)


def _span(age: CaseAge) -> str:
    return f"{age.from_days}+" if age.to_days is None else f"{age.from_days}\N{EN DASH}{age.to_days - 1}"
