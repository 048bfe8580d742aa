"""Charts as Vega-Lite specifications, data included: anybody with a Vega-Lite renderer can draw them, the dashboard does.

A specification names the kinds of its marks (`band`, `series`, `signal`, …) as Vega-Lite styles and brings light colours for
them; a page may put others in the place of `config`.
"""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request, Response

from reporting_api.dashboard import view
from reporting_api.metrics.answer import permitted
from reporting_api.metrics.routes import NumbersRead, numbers_etag
from reporting_api.metrics.standing import read_standing
from reporting_api.reports.periods import settled
from reporting_api.reports.quality_summary import accuracy_by_week
from reporting_api.reports.routes import Reported
from reporting_api.reports.top_error_trends import pareto, ranked_codes
from tallystick.schemas.report import ParetoBar, TrendPoint
from tallystick.service.database import Reading
from tallystick.service.pages import words
from tallystick.service.problems import COMMON, responses
from tallystick.service.replies import not_modified, reply

Spec = dict[str, Any]
Named = tuple[str, str]
"""The name of a field, and how it is called."""

BARS = 12
"""Codes that get a bar of their own; the rest share one."""

_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
WEEK: Spec = {
    "field": "week",
    "type": "ordinal",
    "axis": {
        "title": None,
        "labelAngle": 0,
        "labelOverlap": "parity",
        "labelSeparation": 8,
        "labelExpr": "utcFormat(toDate(datum.value), '%-d %b')",
    },
}
"""The weeks of a chart, from left to right."""
_SIGNAL, _PARTIAL = "datum.signals != ''", "!datum.complete"

router = APIRouter(prefix="/v1/charts", tags=["charts"], responses=responses(*COMMON))


@router.get("/accuracy-over-time", response_model=Spec, summary="Read the chart of accuracy by week")
async def read_accuracy_over_time(request: Request, principal: NumbersRead, question: Reported, session: Reading) -> Response:
    """A Vega-Lite specification: accuracy by week with its intervals, the limits of a Laney p' chart, signals and the target."""
    standing = await read_standing(session, question.programme)
    question = settled(standing, permitted(question, principal))
    etag = numbers_etag(standing, principal, {"chart": "accuracy-over-time", "question": question})
    if (known := not_modified(request, etag)) is not None:
        return known
    trend = await accuracy_by_week(session, standing, question)
    return reply(accuracy_over_time(trend, standing.targets.accuracy), etag=etag)


@router.get("/error-pareto", response_model=Spec, summary="Read the Pareto chart of errors")
async def read_error_pareto(request: Request, principal: NumbersRead, question: Reported, session: Reading) -> Response:
    """A Vega-Lite specification: errors by code, the most frequent first, with their cumulative share."""
    standing = await read_standing(session, question.programme)
    question = settled(standing, permitted(question, principal))
    etag = numbers_etag(standing, principal, {"chart": "error-pareto", "question": question})
    if (known := not_modified(request, etag)) is not None:
        return known
    return reply(error_pareto(pareto(standing, await ranked_codes(session, standing, question))), etag=etag)


def accuracy_over_time(trend: Sequence[TrendPoint], target: float | None) -> Spec:
    """Accuracy by week."""
    return share_over_time(view.accuracy_caption(trend), trend, ("accuracy", "Accuracy"), ("audits", "Audits"), target)


def share_over_time(
    description: str, trend: Sequence[TrendPoint], share_of: Named, size: Named, target: float | None = None
) -> Spec:
    """A share by week: limits as a band of steps, since they follow what each week's share is divided by."""
    (share_name, share_label), (size_name, size_label) = share_of, size
    weeks = [
        {
            "week": point.week.isoformat(),
            share_name: point.number.value,
            "low": point.number.interval.low if point.number.interval else None,
            "high": point.number.interval.high if point.number.interval else None,
            size_name: point.number.denominator,
            "centre": point.centre,
            "lower": point.lower,
            "upper": point.upper,
            "complete": point.complete,
            "signals": view.rules(point),
        }
        for point in trend
    ]
    low, high = _reach(trend, target)
    share = {"type": "quantitative", "scale": {"domain": [low, high], "zero": False}}
    tooltip = [
        {"field": "week", "type": "nominal", "title": "Week from"},
        {"field": share_name, "type": "quantitative", "title": share_label, "format": ".1%"},
        {"field": "low", "type": "quantitative", "title": "Interval from", "format": ".1%"},
        {"field": "high", "type": "quantitative", "title": "to", "format": ".1%"},
        {"field": size_name, "type": "quantitative", "title": size_label, "format": ","},
        {"field": "lower", "type": "quantitative", "title": "Lower limit", "format": ".1%"},
        {"field": "upper", "type": "quantitative", "title": "Upper limit", "format": ".1%"},
        {"field": "signals", "type": "nominal", "title": "Signal"},
    ]
    y = {"field": share_name, **share, "title": None, "axis": {"format": "~%", "tickCount": 6}}
    layers: list[Spec] = [
        {
            "mark": {"type": "bar", "style": "band"},
            "encoding": {"y": {"field": "lower", **share}, "y2": {"field": "upper"}},
        },
        {"mark": {"type": "tick", "style": "centre"}, "encoding": {"y": {"field": "centre", **share}}},
        {"mark": {"type": "rule", "style": "interval"}, "encoding": {"y": {"field": "low", **share}, "y2": {"field": "high"}}},
        {"mark": {"type": "line", "style": "series"}, "encoding": {"y": y}},
        *(
            {"transform": [{"filter": test}], "mark": {"type": "point", "style": style}, "encoding": {"y": y, "tooltip": tooltip}}
            for test, style in (
                (f"!({_SIGNAL}) && datum.complete", "week"),
                (f"!({_SIGNAL}) && {_PARTIAL}", "partial"),
                (_SIGNAL, "signal"),
            )
        ),
    ]
    if target is not None:
        layers.insert(
            2,
            {
                "data": {"values": [{"target": target}]},
                "mark": {"type": "rule", "style": "target"},
                "encoding": {"y": {"field": "target", **share}},
            },
        )
    for layer in layers:
        if "data" not in layer:
            layer["encoding"]["x"] = {**WEEK, "scale": {"paddingInner": 0, "paddingOuter": 0}}
    return spec(description, weeks, layers, height=280)


def _reach(trend: Sequence[TrendPoint], target: float | None) -> tuple[float, float]:
    """Between which shares everything on the chart lies, with a margin."""
    intervals = [point.number.interval for point in trend]
    seen = [bound for each in intervals if each is not None for bound in (each.low, each.high)]
    seen += [bound for point in trend for bound in (point.lower, point.upper, target) if bound is not None]
    low, high = (min(seen), max(seen)) if seen else (0.0, 1.0)
    margin = max((high - low) * 0.05, 0.002)
    return max(low - margin, 0.0), min(high + margin, 1.0)


def error_pareto(bars: Sequence[ParetoBar]) -> Spec:
    """Errors by code as bars from the top, and the share of all errors that they add up to."""
    shown, rest = bars[: BARS if len(bars) > BARS + 1 else len(bars)], bars[BARS:]
    values = [
        {
            "code": bar.error_code or "(none)",
            "name": bar.name or "",
            "errors": bar.errors.value,
            "share": bar.share.value,
            "cumulative": bar.cumulative_share,
        }
        for bar in shown
    ]
    if len(shown) < len(bars):
        errors = sum(int(bar.errors.value or 0) for bar in rest)
        share = sum(bar.share.value or 0 for bar in rest)
        values.append({"code": f"{len(rest)} others", "name": "", "errors": errors, "share": share, "cumulative": 1.0})
    y = {"field": "code", "type": "nominal", "sort": None, "title": None}
    tooltip = [
        {"field": "code", "type": "nominal", "title": "Code"},
        {"field": "name", "type": "nominal", "title": "Error"},
        {"field": "errors", "type": "quantitative", "title": "Errors", "format": ","},
        {"field": "share", "type": "quantitative", "title": "Share", "format": ".1%"},
        {"field": "cumulative", "type": "quantitative", "title": "Cumulative", "format": ".1%"},
    ]
    together = {
        "field": "cumulative",
        "type": "quantitative",
        "scale": {"domain": [0, 1]},
        "title": "Cumulative share",
        "axis": {"orient": "top", "format": "~%", "grid": False, "values": [0, 0.25, 0.5, 0.75, 1]},
    }
    counted = {"field": "errors", "type": "quantitative", "title": "Errors", "axis": {"tickCount": 4, "tickMinStep": 1}}
    layers: list[Spec] = [
        {"mark": {"type": "bar", "style": "amount"}, "encoding": {"y": y, "x": counted, "tooltip": tooltip}},
        {
            "layer": [
                {
                    "mark": {"type": "line", "style": "cumulative"},
                    "encoding": {"y": y, "x": together, "order": {"field": "cumulative"}},
                },
                {"mark": {"type": "point", "style": "step"}, "encoding": {"y": y, "x": together, "tooltip": tooltip}},
            ]
        },
    ]
    return {
        **spec(view.pareto_caption(bars), values, layers, height=max(26 * len(values), 60)),
        "resolve": {"scale": {"x": "independent"}},
    }


def spec(description: str, values: Sequence[Spec], layers: Sequence[Spec], *, height: int) -> Spec:
    """A chart with its data, in the light colours of the styles."""
    return {
        "$schema": _SCHEMA,
        "description": description.replace(words.THIN, " "),
        "width": "container",
        "height": height,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "data": {"values": list(values)},
        "layer": list(layers),
        "config": _CONFIG,
    }


_CONFIG: Spec = {
    "view": {"stroke": None},
    "style": {
        "band": {"color": "#dbe4f0"},
        "centre": {"color": "#7b8ba3", "thickness": 1.5},
        "target": {"color": "#5b4b8a", "strokeDash": [6, 4], "strokeWidth": 1.5},
        "interval": {"color": "#1f5fbf", "opacity": 0.5},
        "series": {"color": "#1f5fbf", "strokeWidth": 2},
        "week": {"color": "#1f5fbf", "shape": "circle", "filled": True, "size": 50, "opacity": 1},
        "partial": {
            "color": "#1f5fbf",
            "shape": "circle",
            "filled": True,
            "fill": "#ffffff",
            "stroke": "#1f5fbf",
            "size": 50,
            "opacity": 1,
        },
        "signal": {"color": "#b3261e", "shape": "diamond", "filled": True, "size": 160, "opacity": 1},
        "amount": {"color": "#8fb3e8"},
        "changed": {"color": "#b3261e"},
        "upheld": {"color": "#1f5fbf"},
        "waiting": {"color": "#8fb3e8"},
        "ended": {"color": "#b9c2cf"},
        "cumulative": {"color": "#5b4b8a", "strokeWidth": 1.5},
        "step": {"color": "#5b4b8a", "shape": "circle", "filled": True, "size": 40, "opacity": 1},
    },
}
