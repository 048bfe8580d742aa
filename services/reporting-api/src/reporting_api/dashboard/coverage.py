"""The page of a programme's coverage, and its chart."""

from collections.abc import Sequence
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from reporting_api.dashboard import coverage_view
from reporting_api.dashboard.charts import Spec, spec
from reporting_api.dashboard.fields import Chip, others
from reporting_api.dashboard.head import head
from reporting_api.metrics.question import Narrowed
from reporting_api.metrics.routes import NumbersRead, numbers_etag
from reporting_api.metrics.standing import read_document, read_standing
from reporting_api.projection.cursors import find_cursor
from reporting_api.reports.coverage.records import Asked
from reporting_api.reports.coverage.report import coverage_report
from reporting_api.reports.coverage.routes import OfCoverage, minute_of
from tallystick.schemas.base import Slug
from tallystick.schemas.coverage import CoverageDay
from tallystick.service.database import Reading
from tallystick.service.pages.address import tidied
from tallystick.service.pages.page import TAG, page
from tallystick.service.problems import COMMON, NotFound, responses
from tallystick.service.replies import not_modified, reply

router = APIRouter()
"""Of the page, which is in no document of the API."""
charts_router = APIRouter(prefix="/v1/charts", tags=["charts"], responses=responses(*COMMON))

_MOST_STRATA = 200
"""On the page; the report has all of them."""


@router.get("/programmes/{programme}/coverage", dependencies=[Depends(tidied)], tags=[TAG], include_in_schema=False)
async def show_coverage(
    request: Request, principal: NumbersRead, programme: Annotated[Slug, Path()], narrowed: OfCoverage, session: Reading
) -> Response:
    """How much of what was planned is audited, what is left, and who is late."""
    standing = await read_standing(session, programme)
    cursor = await find_cursor(session, programme)
    if cursor is None:
        raise NotFound("There is no such programme.")
    context = head(request, principal, cursor, Narrowed(narrowed.filters, narrowed.start, narrowed.end), "/coverage")
    asked = narrowed.settled(standing, minute_of(request))
    report = await coverage_report(session, standing, context["document"], asked, minute_of(request), _MOST_STRATA)
    form = tuple(each for each in context["fields"] if each.name == "vendor")
    address = context["address"]
    chosen = [("Plan", "plan_id", each) for each in asked.plans] + [("Draw", "draw_id", each) for each in asked.draws]
    titles = {each.draw_id: coverage_view.named(each) for each in report.draws} | {
        each.plan_id: each.title for each in report.draws
    }
    more = tuple(Chip(label, titles.get(each, str(each)), address.without(name, str(each))) for label, name, each in chosen)
    context |= {"fields": form, "others": others(address, form), "chips": (*context["chips"], *more)}
    root: str = request.app.state.settings.root_path
    return page(
        request,
        "coverage.html",
        **context,
        scope=report.scope,
        report=report,
        say=coverage_view,
        chart=f"{root}/v1/charts/coverage-over-time?{urlencode(_pairs(asked))}",
    )


def _pairs(asked: Asked) -> list[tuple[str, str]]:
    """The query of what is asked about."""
    pairs = [("programme", asked.programme), ("from", asked.start.isoformat()), ("to", asked.end.isoformat())]
    many = (("vendor", asked.vendors), ("plan_id", asked.plans), ("draw_id", asked.draws))
    return pairs + [(name, str(value)) for name, values in many for value in values]


@charts_router.get("/coverage-over-time", response_model=Spec, summary="Read the chart of coverage by day")
async def read_coverage_over_time(
    request: Request,
    principal: NumbersRead,
    programme: Annotated[Slug, Query(description="Whose draws.")],
    narrowed: OfCoverage,
    session: Reading,
) -> Response:
    """A Vega-Lite specification: what was planned of the draws made by each day, and audited of it."""
    standing = await read_standing(session, programme)
    as_of = minute_of(request)
    asked = narrowed.settled(standing, as_of)
    etag = numbers_etag(standing, principal, {"chart": "coverage-over-time", "as_of": as_of, "question": asked})
    if (known := not_modified(request, etag)) is not None:
        return known
    document = await read_document(session, programme)
    report = await coverage_report(session, standing, document, asked, as_of, 1)
    return reply(coverage_over_time(report.days), etag=etag)


def coverage_over_time(days: Sequence[CoverageDay]) -> Spec:
    """What is audited, as a line, below the steps of what was planned."""
    values = [{**each.model_dump(mode="json"), "left": each.planned - each.audited} for each in days]
    # In UTC, since a day is no moment that readers elsewhere would see on another one.
    day = {"field": "day", "type": "temporal", "timeUnit": "utcyearmonthdate", "title": "Up to"}
    tooltip = [
        {**day, "format": "%-d %b %Y"},
        {"field": "planned", "type": "quantitative", "title": "Planned", "format": ","},
        {"field": "audited", "type": "quantitative", "title": "Audited", "format": ","},
        {"field": "coverage", "type": "quantitative", "title": "Coverage", "format": ".1%"},
    ]
    x = {**day, "axis": {"title": None, "format": "%-d %b", "tickCount": 6, "labelOverlap": True}}
    audits = {"type": "quantitative", "title": "Audits", "axis": {"tickCount": 5, "tickMinStep": 1, "format": ",d"}}
    layers: list[Spec] = [
        {
            "mark": {"type": "line", "style": "target", "interpolate": "step-after"},
            "encoding": {"x": x, "y": {"field": "planned", **audits}},
        },
        {
            "mark": {"type": "line", "style": "series", "interpolate": "step-after"},
            "encoding": {"x": x, "y": {"field": "audited", **audits}},
        },
        {
            "mark": {"type": "point", "style": "week"},
            "encoding": {"x": x, "y": {"field": "audited", **audits}, "tooltip": tooltip},
        },
    ]
    return spec(coverage_view.caption(days), values, layers, height=260)
