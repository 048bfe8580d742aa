"""The report on coverage as readable tables."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tallystick.schemas.coverage import CoverageCounts, CoverageReport, DrawCoverage, Forecast, Precision, StratumCoverage

_COLUMNS = ("decisions", "planned", "audited", "in hand", "waiting", "missing", "coverage", "error rate ±", "forecast")


def coverage_tables(report: CoverageReport) -> RenderableType:
    """The report on coverage as tables: by draw, by stratum, and all of it in a sentence."""
    draws, strata = _table("Draws", "draw"), _table("Strata", "stratum")
    for draw in report.draws:
        draws.add_row(_period(draw), *_cells(draw.counts, draw.precision, draw.forecast))
    for each in report.strata:
        named = ", ".join(value or "(none)" for value in each.values.values())
        strata.add_row(f"{named}\n{_period(each)}", *_cells(each.counts, each.precision, each.forecast))
    target = "" if report.target is None else f"; the programme aims at {report.target:.0%}"
    share = report.overall.coverage.value
    covered = "Nothing is drawn" if share is None else f"{share:.1%} of what was planned is audited"
    said = f"{covered}{target}. {report.overall.gap:,} audits are left, {report.overall.missing:,} of them with nothing to audit."
    late = f"{report.late:,} of {report.strata_count:,} strata will not be covered in time at the present pace."
    return Group(draws, strata, Text(said), Text(late, "bold red" if report.late else ""))


def _table(title: str, first: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(first)
    for name in _COLUMNS:
        table.add_column(name, justify="left" if name == "forecast" else "right")
    return table


def _period(each: DrawCoverage | StratumCoverage) -> str:
    return f"{each.title}, {each.first_day} to {each.last_day}"


def _cells(counts: CoverageCounts, precision: Precision, forecast: Forecast) -> tuple[str | Text, ...]:
    numbers = (counts.decisions, counts.planned, counts.audited, counts.claimed, counts.waiting, counts.missing)
    share = "" if counts.coverage.value is None else f"{counts.coverage.value:.1%}"
    half = "" if precision.half_width is None else f"{precision.half_width:.1%}"
    wanted = "" if precision.planned is None or not half else f" of {precision.planned:.1%}"
    return (*(f"{number:,}" for number in numbers), share, half + wanted, _told(forecast))


def _told(forecast: Forecast) -> Text:
    if forecast.late is None:
        return Text(forecast.reason or "", "dim")
    if forecast.late:
        return Text(f"late: {forecast.audited or 0:,} by then, {forecast.days_left or 0:.1f} working days left", "bold red")
    return Text("in time", "green")
