"""The charts of changes and of effects, as Vega-Lite specifications like the others."""

from fastapi import APIRouter, Request, Response

from reporting_api.dashboard.charts import WEEK, Spec, spec
from reporting_api.decompositions.decomposition import decomposition
from reporting_api.decompositions.question import Changed, settled
from reporting_api.effects.effect import effect
from reporting_api.effects.question import Plan
from reporting_api.metrics.answer import permitted
from reporting_api.metrics.routes import NumbersRead, numbers_etag
from reporting_api.metrics.standing import read_standing
from tallystick.schemas.decomposition import Decomposition, SegmentPart
from tallystick.schemas.effect import Effect
from tallystick.service.clock import now
from tallystick.service.database import Reading
from tallystick.service.pages import words
from tallystick.service.problems import COMMON, responses
from tallystick.service.replies import not_modified, reply

BARS = 10
"""Segments that are drawn."""
_POINTS: Spec = {"format": "+.1f", "tickCount": 5, "titleAnchor": "end"}
"""The axis of points. Its title ends where it does: on a narrow screen it has the room below the names of the segments."""

router = APIRouter(prefix="/v1/charts", tags=["charts"], responses=responses(*COMMON))


@router.get("/decomposition", response_model=Spec, summary="Read the chart of why a rate changed")
async def read_decomposition_chart(request: Request, principal: NumbersRead, change: Changed, session: Reading) -> Response:
    """A Vega-Lite specification: mix and rate of the segments that contribute most, with the interval of each total.

    The segments that lead come first, then those of the cut with the most certain one.
    """
    permitted(change.period(after=True), principal)
    standing = await read_standing(session, change.programme)
    change = settled(standing, change, now(request))
    etag = numbers_etag(standing, principal, {"chart": "decomposition", "question": change})
    if (known := not_modified(request, etag)) is not None:
        return known
    return reply(decomposition_chart(await decomposition(session, standing, change)), etag=etag)


@router.get("/effect", response_model=Spec, summary="Read the chart of whether a plan worked")
async def read_effect_chart(request: Request, principal: NumbersRead, planned: Plan, session: Reading) -> Response:
    """A Vega-Lite specification: the rate by week in the scope and in the control, in both windows, with intervals."""
    standing = await read_standing(session, planned.programme)
    etag = numbers_etag(standing, principal, {"chart": "effect", "question": planned})
    if (known := not_modified(request, etag)) is not None:
        return known
    return reply(effect_chart(await effect(session, standing, planned)), etag=etag)


def decomposition_chart(found: Decomposition) -> Spec:
    """Bars of mix and of rate from 0 on, one beside the other, and the interval of their sum."""
    values = [_bar(each) for each in _shown(found)]
    y = {"field": "segment", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 220}}
    x = {"type": "quantitative", "title": "Part of the change, in percentage points", "axis": _POINTS}
    tooltip = [
        {"field": "segment", "type": "nominal", "title": "Segment"},
        {"field": "total", "type": "quantitative", "title": "Part of the change", "format": "+.2f"},
        {"field": "low", "type": "quantitative", "title": "Interval from", "format": "+.2f"},
        {"field": "high", "type": "quantitative", "title": "to", "format": "+.2f"},
        {"field": "mix", "type": "quantitative", "title": "Mix", "format": "+.2f"},
        {"field": "rate", "type": "quantitative", "title": "Rate", "format": "+.2f"},
        {"field": "before", "type": "quantitative", "title": "Rate before", "format": ".1%"},
        {"field": "after", "type": "quantitative", "title": "Rate after", "format": ".1%"},
    ]
    layers: list[Spec] = [
        {
            "mark": {"type": "bar", "style": style, "height": {"band": 0.36}, "yOffset": offset},
            "encoding": {"y": y, "x": {"field": field, **x}, "tooltip": tooltip},
        }
        for field, style, offset in (("rate", "changed", -5), ("mix", "waiting", 5))
    ]
    layers += [
        {
            "mark": {"type": "rule", "style": "interval"},
            "encoding": {"y": y, "x": {"field": "low", **x}, "x2": {"field": "high"}},
        },
        {"mark": {"type": "point", "style": "step"}, "encoding": {"y": y, "x": {"field": "total", **x}, "tooltip": tooltip}},
    ]
    return spec(_change_caption(found), values, layers, height=max(34 * len(values), 80))


def _shown(found: Decomposition) -> list[SegmentPart]:
    """The leaders, and the segments of the clearest cut, each once."""
    rest = found.cuts[0].segments if found.cuts else ()
    led = [each.dimensions for each in found.leading]
    return [*found.leading, *(each for each in rest if each.dimensions not in led)][:BARS]


def _bar(each: SegmentPart) -> Spec:
    part = each.part
    return {
        "segment": words.segment(each.dimensions),
        "total": 100 * part.total,
        "mix": 100 * part.mix,
        "rate": 100 * part.rate,
        "low": 100 * part.interval.low if part.interval else None,
        "high": 100 * part.interval.high if part.interval else None,
        "before": each.before.value,
        "after": each.after.value,
    }


def _change_caption(found: Decomposition) -> str:
    if found.change is None:
        return found.reason or "There is nothing to take apart."
    text = f"The rate went from {words.share(found.before.value)} to {words.share(found.after.value)}"
    text += f": {words.points(found.change)} points{'' if found.clear else ', which may be chance'}."
    if not found.leading:
        return f"{text} No segment stands out."
    first = found.leading[0]
    return f"{text} {words.segment(first.dimensions)} leads it with {words.points(first.part.total)} points."


def effect_chart(found: Effect) -> Spec:
    """A line for the scope and one for the control, broken between the windows."""
    values = [
        {
            "week": week.week.isoformat(),
            "window": week.window,
            "group": group,
            "rate": number.value,
            "low": number.interval.low if number.interval else None,
            "high": number.interval.high if number.interval else None,
            "audits": number.denominator,
        }
        for week in found.weeks
        for group, number in (("Scope", week.scope), ("Control", week.control))
    ]
    y = {"type": "quantitative", "title": None, "axis": {"format": "~%", "tickCount": 6}}
    tooltip = [
        {"field": "week", "type": "nominal", "title": "Week from"},
        {"field": "group", "type": "nominal", "title": "Where"},
        {"field": "window", "type": "nominal", "title": "Window"},
        {"field": "rate", "type": "quantitative", "title": "Rate", "format": ".1%"},
        {"field": "low", "type": "quantitative", "title": "Interval from", "format": ".1%"},
        {"field": "high", "type": "quantitative", "title": "to", "format": ".1%"},
        {"field": "audits", "type": "quantitative", "title": "Of", "format": ","},
    ]
    layers: list[Spec] = []
    for group, line, point in (("Control", "centre", "partial"), ("Scope", "series", "week")):
        chosen = [{"filter": f"datum.group === '{group}'"}]
        layers += [
            {
                "transform": chosen,
                "mark": {"type": "rule", "style": "interval"},
                "encoding": {"x": WEEK, "y": {"field": "low", **y}, "y2": {"field": "high"}},
            },
            {
                "transform": chosen,
                "mark": {"type": "line", "style": line},
                "encoding": {"x": WEEK, "y": {"field": "rate", **y}, "detail": {"field": "window"}},
            },
            {
                "transform": chosen,
                "mark": {"type": "point", "style": point},
                "encoding": {"x": WEEK, "y": {"field": "rate", **y}, "tooltip": tooltip},
            },
        ]
    return spec(_effect_caption(found), values, layers, height=280)


def _effect_caption(found: Effect) -> str:
    if found.before.value is None or found.after.value is None:
        return found.why
    told = f"In the scope (filled) {words.share(found.before.value)} before and {words.share(found.after.value)} after"
    if found.control_before.value is None or found.control_after.value is None:
        return f"{told}. {found.why}"
    control = f"in the control {words.share(found.control_before.value)} and {words.share(found.control_after.value)}"
    return f"{told}; {control}. {found.why}"
