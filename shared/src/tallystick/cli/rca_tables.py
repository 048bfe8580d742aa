"""The report on root causes as readable tables."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tallystick.cli import figures
from tallystick.schemas.metric import Number
from tallystick.schemas.rca_report import Cost, RcaReport

_MOST_COSTS = 15
_CLIENT = Text("client", "dim italic")


def rca_tables(report: RcaReport) -> RenderableType:
    """The report on root causes as tables."""
    groups: list[RenderableType] = [_overall(report), _ages(report)]
    if report.causes:
        groups.append(_causes(report))
    if report.cost.cases:
        groups.append(_costs(report.cost))
    if report.overdue_by_owner:
        groups.append(_overdue(report))
    return Group(*groups)


def _overall(report: RcaReport) -> Table:
    table = Table(title="Root causes", title_justify="left")
    table.add_column("")
    table.add_column("value (95 % interval)", justify="right")
    table.add_column("of", justify="right")
    for name, number in _rows(report):
        of = "" if number.denominator is None else f"{number.denominator:,}"
        table.add_row(name, figures.number(number), of)
    days = report.days_to_close
    table.add_row("median days to close", _plain(days), f"{days.denominator:,}")
    table.add_row("cost in errors, all cases", _plain(report.cost.errors), "")
    return table


def _rows(report: RcaReport) -> Iterator[tuple[str, Number]]:
    yield from (
        ("cases opened", report.opened),
        ("cases closed", report.closed),
        ("of these by override", report.overridden),
        ("cases cancelled", report.cancelled),
        ("cases opened again", report.reopened),
        ("cases that go on", report.open),
        ("closed cases still watched", report.watched),
        ("root causes on time", report.on_time.root_causes),
        ("actions on time", report.on_time.actions),
        ("effective plans", report.effects.rate),
        ("plans not yet decidable", report.effects.not_yet_decidable),
        ("recurrence", report.recurrence),
    )


def _plain(value: Number) -> Text:
    """A number that is no share, with its interval: `14.0 (5.0 to 24.8)`."""
    if value.value is None:
        return Text(f"- {value.reason or ''}".rstrip(), "dim")
    between = f" ({value.interval.low:,.1f} to {value.interval.high:,.1f})" if value.interval else ""
    return Text(f"{value.value:,.1f}{between}", "" if value.sufficient else "dim italic")


def _ages(report: RcaReport) -> Table:
    states = [each.state for each in report.states if each.cases.value]
    table = Table(title="Cases that go on, by age in days", title_justify="left")
    table.add_column("age", justify="right")
    for state in states:
        table.add_column(state.replace("_", " "), justify="right")
    table.add_column("all", justify="right")
    for age in report.ages:
        if age.cases.value:
            span = f"{age.from_days} or more" if age.to_days is None else f"{age.from_days} to {age.to_days - 1}"
            table.add_row(span, *(str(age.states[state] or "") for state in states), figures.number(age.cases))
    late = [str(each.overdue.value or "") for each in report.states if each.state in states]
    table.add_section()
    table.add_row("overdue", *late, str(sum(int(each.overdue.value or 0) for each in report.states)))
    return table


def _causes(report: RcaReport) -> Table:
    table = Table(title="By root cause", title_justify="left")
    for column in ("cause", "category"):
        table.add_column(column, overflow="fold")
    for column in ("open", "closed", "came back"):
        table.add_column(column, justify="right")
    for cause in report.causes:
        name = Text("none yet", "dim italic") if cause.code is None else Text(cause.name or cause.code)
        numbers = (figures.number(each) for each in (cause.open, cause.closed, cause.recurred))
        table.add_row(name, (cause.category or "").replace("_", " "), *numbers)
    return table


def _costs(cost: Cost) -> Table:
    table = Table(title="Errors beyond the rate before, while open", title_justify="left")
    for column in ("case", "vendor"):
        table.add_column(column, overflow="fold")
    for column in ("measure while open", "before", "errors beyond (95 % interval)"):
        table.add_column(column, justify="right")
    for case in cost.cases[:_MOST_COSTS]:
        vendor = case.vendor or Text("internal", "dim italic")
        numbers = (figures.number(case.open, case.measure), figures.number(case.baseline, case.measure), _plain(case.errors))
        table.add_row(Text(case.title), vendor, *numbers)
    return table


def _overdue(report: RcaReport) -> Table:
    table = Table(title="Overdue actions", title_justify="left")
    for column in ("vendor", "owner"):
        table.add_column(column, overflow="fold")
    for column in ("overdue", "of open ones"):
        table.add_column(column, justify="right")
    table.add_column("since (UTC)")
    for rows, owner in ((report.overdue_by_owner, True), (report.overdue_by_vendor, False)):
        for row in rows:
            name = Text(row.owner or "") if owner else Text("all", "dim italic")
            since = figures.due(row.oldest_due_at, overdue=False)
            table.add_row(row.vendor or _CLIENT, name, str(row.overdue.numerator), str(row.overdue.denominator), since)
        table.add_section()
    return table
