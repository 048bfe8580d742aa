"""`tallystick report`: the named reports as readable tables."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tallystick.cli import figures
from tallystick.cli.appeal_tables import appeal_tables
from tallystick.cli.calibration_tables import session_tables, session_trend_tables
from tallystick.cli.console import err, harmless, out
from tallystick.cli.coverage_tables import coverage_tables
from tallystick.cli.filters import FromDay, Names, ToDay, filtered
from tallystick.cli.numbers import print_scope, rank
from tallystick.cli.options import DEFAULT_URL, AsJson, Connection, ProgrammeName, TokenFile, TokenText, Url
from tallystick.cli.rca_tables import rca_tables
from tallystick.cli.weekly_tables import weekly_tables
from tallystick.client import Filters
from tallystick.schemas.calibration_report import CalibrationReport, CalibrationScope, CalibrationTrend
from tallystick.schemas.metric import Measure, Row, View
from tallystick.schemas.rca_report import WorkScope
from tallystick.schemas.report import (
    QualitySummary,
    SegmentConcentration,
    SegmentSignal,
    TargetStanding,
    TopErrorTrends,
    TrendPoint,
)

app = typer.Typer(name="report", help="Show a named report.", no_args_is_help=True)

ViewOption = Annotated[View, typer.Option(help="Which judgement counts.")]

_STANDING_STYLES = {"met": "green", "missed": "bold red", "undecided": "yellow", "no_data": "dim"}
_SHOWN = (
    Measure.AUDITS,
    Measure.ERRORS,
    Measure.ACCURACY,
    Measure.CRITICAL_ACCURACY,
    Measure.FALSE_POSITIVE_RATE,
    Measure.FALSE_NEGATIVE_RATE,
    Measure.QUALITY_SCORE,
    Measure.HANDLING_TIME,
)
_BARS = " ▁▂▃▄▅▆▇█"
_MOST_CONCENTRATIONS = 8


@app.command("quality-summary")
@filtered
def quality_summary(
    programme: ProgrammeName,
    filters: Filters,
    begin: FromDay = None,
    end: ToDay = None,
    view: ViewOption = View.ADJUDICATED,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """Show how good the decisions were: overall, against the targets, by vendor and site, week by week."""
    query: Filters = {**filters, "from": begin, "to": end, "view": view}
    report = Connection.of(url, token, token_file).run(lambda tallystick: tallystick.quality_summary(programme, query))
    if as_json:
        typer.echo(report.model_dump_json(by_alias=True))
        return
    out.print(summary_tables(report))
    print_scope(report.scope)


@app.command("top-error-trends")
@filtered
def top_error_trends(
    programme: ProgrammeName,
    filters: Filters,
    begin: FromDay = None,
    end: ToDay = None,
    view: ViewOption = View.ADJUDICATED,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many error codes at most.")] = 20,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """Show which errors there are most of, which way they go, and where they change or concentrate."""
    query: Filters = {**filters, "from": begin, "to": end, "view": view, "limit": limit}
    report = Connection.of(url, token, token_file).run(lambda tallystick: tallystick.top_error_trends(programme, query))
    if as_json:
        typer.echo(report.model_dump_json(by_alias=True))
        return
    out.print(trend_tables(report, limit))
    print_scope(report.scope)


@app.command("appeals")
@filtered
def appeals(
    programme: ProgrammeName,
    filters: Filters,
    begin: FromDay = None,
    end: ToDay = None,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """Show how audits are appealed: outcomes, time to decision, what is open, and what is overturned again and again."""
    query: Filters = {**filters, "from": begin, "to": end}
    report = Connection.of(url, token, token_file).run(lambda tallystick: tallystick.appeal_report(programme, query))
    if as_json:
        typer.echo(report.model_dump_json(by_alias=True))
        return
    out.print(appeal_tables(report))
    print_scope(report.scope)


@app.command("calibration")
def calibration(
    programme: ProgrammeName,
    session: Annotated[UUID | None, typer.Option(help="The report on this session; without it, the trend.")] = None,
    vendor: Names = None,
    policy: Names = None,
    begin: FromDay = None,
    end: ToDay = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many sessions, or divisive items, at most.")] = 20,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """Show whether raters agree with each other and with the benchmark, what divides them, and who needs calibration next."""
    query: Filters = {"vendor": vendor, "policy": policy, "from": begin, "to": end, "limit": limit}
    connection = Connection.of(url, token, token_file)
    report: CalibrationReport | CalibrationTrend
    if session is None:
        report = connection.run(lambda tallystick: tallystick.calibration_trend(programme, query))
    else:
        report = connection.run(lambda tallystick: tallystick.calibration_report(programme, session, query))
    if as_json:
        typer.echo(report.model_dump_json(by_alias=True))
        return
    out.print(session_tables(report) if isinstance(report, CalibrationReport) else session_trend_tables(report))
    _print_calibration_scope(report.scope)


@app.command("rca")
def rca(
    programme: ProgrammeName,
    vendor: Names = None,
    begin: FromDay = None,
    end: ToDay = None,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """Show cases by age and cause, what was on time, whether what was done worked, what it cost, and what is overdue."""
    query: Filters = {"vendor": vendor, "from": begin, "to": end}
    report = Connection.of(url, token, token_file).run(lambda tallystick: tallystick.rca_report(programme, query))
    if as_json:
        typer.echo(report.model_dump_json(by_alias=True))
        return
    out.print(rca_tables(report))
    _print_work_scope(report.scope)


@app.command("coverage")
def coverage(
    programme: ProgrammeName,
    plan: Annotated[list[UUID] | None, typer.Option(help="Of this plan alone; may be repeated.")] = None,
    draw: Annotated[list[UUID] | None, typer.Option(help="Of this draw alone; may be repeated.")] = None,
    vendor: Names = None,
    begin: FromDay = None,
    end: ToDay = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Strata at most.")] = 40,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """Show how much of what was planned is audited, what is left, and whether it will be done in time."""
    of = {"plan_id": [str(each) for each in plan or ()], "draw_id": [str(each) for each in draw or ()]}
    query: Filters = {**of, "vendor": vendor, "from": begin, "to": end, "limit": limit}
    report = Connection.of(url, token, token_file).run(lambda tallystick: tallystick.coverage_report(programme, query))
    if as_json:
        typer.echo(report.model_dump_json(by_alias=True))
        return
    out.print(coverage_tables(report))


@app.command("weekly")
def weekly(
    programme: ProgrammeName,
    week: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="DAY", help="A day of it; the last whole one without.")
    ] = None,
    vendor: Annotated[str | None, typer.Option(help="For this vendor, to be sent to it; without it for the client.")] = None,
    letter: Annotated[bool, typer.Option("--markdown", help="Write the letter as Markdown.")] = False,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """Show what happened in a week: accuracy, signals, cases, actions, effects, appeals."""
    day = week and week.date()
    connection = Connection.of(url, token, token_file)
    if letter:
        written = connection.run(lambda tallystick: tallystick.weekly_letter(programme, week=day, vendor=vendor))
        typer.echo(harmless(written), nl=False)
        return
    summary = connection.run(lambda tallystick: tallystick.weekly_summary(programme, week=day, vendor=vendor))
    if as_json:
        typer.echo(summary.model_dump_json(by_alias=True))
        return
    out.print(weekly_tables(summary))
    _print_work_scope(summary.scope)


def _print_work_scope(scope: WorkScope) -> None:
    period, whose = scope.period, " or ".join(scope.vendors) or "all cases"
    said = (
        f"{period.from_} to {period.to - timedelta(days=1)}, {period.time_zone}; {whose}; as of {scope.as_of:%Y-%m-%d %H:%M} UTC"
    )
    read = "" if scope.position is None else f"; audits up to position {scope.position:,}, cases up to {scope.work_position:,}"
    err.print(Text(f"{scope.programme}: {said}{read}", "dim"))


def _print_calibration_scope(scope: CalibrationScope) -> None:
    said = [scope.raters, *([f"Items on {' or '.join(scope.policies)}."] if scope.policies else [])]
    said += [f"Position {scope.position:,}"] if scope.position is not None else []
    err.print(Text(f"{scope.programme}: {' '.join(said)}", "dim"))


def summary_tables(report: QualitySummary) -> RenderableType:
    """The quality summary as tables."""
    numbers = report.overall[report.scope.view]
    overall = Table(title="Quality summary", title_justify="left")
    overall.add_column("measure")
    overall.add_column("value (95 % interval)", justify="right")
    overall.add_column("target", justify="right")
    compared = bool(report.previous and report.previous[Measure.AUDITS].value)
    if compared:
        overall.add_column("change on the period before", justify="right")
    targets = {target.measure: target for target in report.targets}
    for measure in _SHOWN:
        cells = [Text(_words(measure)), figures.number(numbers[measure], measure), _target(targets.get(measure))]
        if compared and report.change:
            cells.append(figures.difference(report.change[measure], measure))
        overall.add_row(*cells)
    groups: list[RenderableType] = [overall]
    groups += [_ranking("By vendor", ("vendor",), report.vendors), _ranking("By site", ("vendor", "site"), report.sites)]
    groups.append(Text(f"Accuracy by week  {_sparkline(report.trend)}"))
    groups += _signal_lines(report.trend)
    return Group(*groups)


def trend_tables(report: TopErrorTrends, limit: int = 20) -> RenderableType:
    """The top error trends as tables."""
    trends = {trend.error_code: trend for trend in report.trends}
    pareto = Table(title="Top errors", title_justify="left")
    pareto.add_column("error", overflow="fold")
    for column in ("errors", "of all errors", "added up", "rate (95 % interval)", "by week", "signals"):
        pareto.add_column(column, justify="right")
    compared = any(bar.change and bar.change.value is not None for bar in report.pareto)
    if compared:
        pareto.add_column("change on the period before", justify="right")
    for bar in report.pareto[:limit]:
        trend = trends.get(bar.error_code)
        cells: list[str | Text] = [
            bar.error_code or Text("none", "dim italic"),
            figures.number(bar.errors),
            figures.share(bar.share.value),
            figures.share(bar.cumulative_share),
            figures.number(bar.rate),
            _sparkline(trend.points) if trend else "",
            Text(str(trend.signals), "bold red") if trend and trend.signals else "",
        ]
        if compared:
            cells.append(figures.difference(bar.change) if bar.change else "")
        pareto.add_row(*cells)
    groups: list[RenderableType] = [pareto]
    groups += [
        Text(f"{turn.error_code or 'none'} has {what} since {turn.since}: {turn.errors_since} after {turn.errors_before}.")
        for what, turns in (("appeared", report.appeared), ("vanished", report.vanished))
        for turn in turns
    ]
    if report.signals:
        groups.append(_signals(report.signals))
    if report.concentrations:
        groups.append(_concentrations(report.concentrations[:_MOST_CONCENTRATIONS]))
    return Group(*groups)


def _target(target: TargetStanding | None) -> Text:
    if target is None:
        return Text("")
    return Text(f"{figures.share(target.target)} {_words(target.standing)}", _STANDING_STYLES[target.standing])


def _ranking(title: str, dimensions: Sequence[str], rows: Iterable[Row]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("rank", justify="right")
    for dimension in dimensions:
        table.add_column(dimension, overflow="fold")
    measures = (Measure.AUDITS, Measure.ACCURACY, Measure.CRITICAL_ACCURACY)
    for measure in measures:
        table.add_column(_words(measure), justify="right")
    for row in rows:
        names = [row.dimensions[dimension] or "none" for dimension in dimensions]
        table.add_row(rank(row), *names, *(figures.number(row.numbers[measure], measure) for measure in measures))
    return table


def _signals(signals: Sequence[SegmentSignal]) -> Table:
    table = Table(title="Signals: a lasting change in one segment", title_justify="left")
    for column in ("error", "where", "since"):
        table.add_column(column, overflow="fold")
    for column in ("before", "after", "change", "by week"):
        table.add_column(column, justify="right")
    for signal in signals:
        table.add_row(
            Text(signal.error_code or "none", "bold red" if signal.direction == "up" else "bold green"),
            _where(signal.segment),
            str(signal.since),
            figures.number(signal.before),
            figures.number(signal.after),
            figures.difference(signal.difference),
            _sparkline(signal.points),
        )
    return table


def _concentrations(concentrations: Sequence[SegmentConcentration]) -> Table:
    table = Table(title="Concentrations: more frequent here than elsewhere", title_justify="left")
    for column in ("error", "where"):
        table.add_column(column, overflow="fold")
    for column in ("of its errors", "rate here", "rate elsewhere", "ratio (95 % interval)", ""):
        table.add_column(column, justify="right")
    for found in concentrations:
        interval = f" ({found.interval.low:.1f} to {found.interval.high:.1f})" if found.interval else ""
        table.add_row(
            found.error_code or "none",
            _where(found.segment),
            figures.share(found.share.value),
            figures.number(found.rate),
            figures.number(found.elsewhere),
            "only here" if found.ratio is None else f"{found.ratio:.1f}{interval}",
            "see the signal" if found.signal else "throughout",
        )
    return table


def _signal_lines(points: Sequence[TrendPoint]) -> Iterator[Text]:
    for point in points:
        if point.signals:
            yield Text(f"  week of {point.week}: {', '.join(map(_words, point.signals))}", "yellow")


def _sparkline(points: Sequence[TrendPoint]) -> Text:
    """The weeks as bars between the lowest and the highest; those that break a rule are red."""
    values = [point.number.value for point in points if point.number.value is not None]
    low, high = (min(values), max(values)) if values else (0.0, 0.0)
    line = Text()
    for point in points:
        value = point.number.value
        share = 0.0 if value is None or high == low else (value - low) / (high - low)
        bar = _BARS[0] if value is None else _BARS[1 + round(share * (len(_BARS) - 2))]
        line.append(bar, "bold red" if point.signals else "")
    return line


def _where(segment: dict[str, str | None]) -> str:
    return ", ".join(f"{dimension} {value or 'none'}" for dimension, value in segment.items())


def _words(name: str) -> str:
    return name.replace("_", " ")
