"""The charts of appeals, as Vega-Lite specifications like the others."""

from collections.abc import Sequence

from fastapi import APIRouter, Request, Response

from reporting_api.dashboard import appeal_view
from reporting_api.dashboard.charts import WEEK, Spec, share_over_time, spec
from reporting_api.metrics.answer import permitted
from reporting_api.metrics.routes import NumbersRead, numbers_etag
from reporting_api.metrics.standing import read_standing
from reporting_api.reports.appeals import appeals_by_week
from reporting_api.reports.periods import settled
from reporting_api.reports.routes import Appealed
from tallystick.schemas.appeal_report import AppealWeek
from tallystick.service.database import Reading
from tallystick.service.problems import COMMON, responses
from tallystick.service.replies import not_modified, reply

router = APIRouter(prefix="/v1/charts", tags=["charts"], responses=responses(*COMMON))


@router.get("/appeals-over-time", response_model=Spec, summary="Read the chart of appeals by week")
async def read_appeals_over_time(request: Request, principal: NumbersRead, question: Appealed, session: Reading) -> Response:
    """A Vega-Lite specification: the appeals of the audits of each week, stacked by what became of them."""
    standing = await read_standing(session, question.programme)
    question = settled(standing, permitted(question, principal))
    etag = numbers_etag(standing, principal, {"chart": "appeals-over-time", "question": question})
    if (known := not_modified(request, etag)) is not None:
        return known
    return reply(appeals_over_time(await appeals_by_week(session, standing, question)), etag=etag)


@router.get("/overturn-rate-over-time", response_model=Spec, summary="Read the chart of the overturn rate by week")
async def read_overturn_rate_over_time(
    request: Request, principal: NumbersRead, question: Appealed, session: Reading
) -> Response:
    """A Vega-Lite specification: the share of decided appeals that changed the verdict, with intervals and p' limits."""
    standing = await read_standing(session, question.programme)
    question = settled(standing, permitted(question, principal))
    etag = numbers_etag(standing, principal, {"chart": "overturn-rate-over-time", "question": question})
    if (known := not_modified(request, etag)) is not None:
        return known
    return reply(overturn_rate_over_time(await appeals_by_week(session, standing, question)), etag=etag)


def appeals_over_time(by_week: Sequence[AppealWeek]) -> Spec:
    """Appeals by week as bars of parts: what changed the verdict lowest, so that it is compared along the axis."""
    values: list[Spec] = []
    for each in by_week:
        reached = 0
        for style, label, outcomes in appeal_view.PARTS:
            count = sum(int(getattr(each.outcomes, outcome).value or 0) for outcome in outcomes)
            values.append(
                {
                    "week": each.week.isoformat(),
                    "part": style,
                    "outcome": label,
                    "appeals": count,
                    "from": reached,
                    "to": reached + count,
                }
            )
            reached += count
    tooltip = [
        {"field": "week", "type": "nominal", "title": "Week from"},
        {"field": "outcome", "type": "nominal", "title": "Outcome"},
        {"field": "appeals", "type": "quantitative", "title": "Appeals", "format": ","},
    ]
    height = {"field": "from", "type": "quantitative", "title": None, "axis": {"tickCount": 5, "tickMinStep": 1, "format": ",d"}}
    week = {**WEEK, "scale": {"domain": [each.week.isoformat() for each in by_week], "padding": 0.15}}
    drawn = {value["part"] for value in values if value["appeals"]}
    layers: list[Spec] = [
        {
            "transform": [{"filter": f"datum.part === '{style}' && datum.appeals > 0"}],
            "mark": {"type": "bar", "style": style},
            "encoding": {"x": week, "y": height, "y2": {"field": "to"}, "tooltip": tooltip},
        }
        for style, _, _ in appeal_view.PARTS
        if style in drawn or not drawn
    ]
    return spec(appeal_view.appeals_caption(by_week), values, layers, height=260)


def overturn_rate_over_time(by_week: Sequence[AppealWeek]) -> Spec:
    """The overturn rate by week on its control chart."""
    trend = [each.overturn_rate for each in by_week]
    named = (("overturn_rate", "Overturn rate"), ("decided_appeals", "Decided appeals"))
    return share_over_time(appeal_view.overturn_caption(by_week), trend, *named)
