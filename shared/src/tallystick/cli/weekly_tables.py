"""The weekly summary as readable tables."""

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tallystick.cli import figures
from tallystick.schemas.metric import Measure
from tallystick.schemas.weekly import ActionNews, CaseNews, VendorWeek, WeeklySummary

_SHOWN = (Measure.AUDITS, Measure.ERRORS, Measure.ACCURACY, Measure.CRITICAL_ACCURACY)


def weekly_tables(summary: WeeklySummary) -> RenderableType:
    """The weekly summary as tables, its sentences first."""
    title = f"Week of {summary.week}{f' for {summary.vendor}' if summary.vendor else ''}"
    groups: list[RenderableType] = [Text(title, "bold"), Text(summary.headline)]
    groups += [Text(f"  {sentence}") for sentence in summary.sentences]
    groups.append(_numbers(summary))
    if summary.vendors:
        groups.append(_vendors(summary.vendors))
    if summary.cases:
        groups.append(_cases(summary.cases))
    for name, actions in (("Overdue actions", summary.overdue), ("Due in the week after", summary.coming)):
        if actions:
            groups.append(_actions(name, actions))
    return Group(*groups)


def _numbers(summary: WeeklySummary) -> Table:
    table = Table()
    table.add_column("measure")
    for column in ("value (95 % interval)", "week before", "change"):
        table.add_column(column, justify="right")
    for measure in _SHOWN:
        numbers = [figures.number(each[measure], measure) for each in (summary.numbers, summary.previous) if measure in each]
        table.add_row(measure.replace("_", " "), *numbers, figures.difference(summary.change[measure], measure))
    return table


def _vendors(vendors: Iterable[VendorWeek]) -> Table:
    table = Table(title="By vendor", title_justify="left")
    table.add_column("rank", justify="right")
    table.add_column("vendor", overflow="fold")
    for column in ("accuracy", "change on the week before"):
        table.add_column(column, justify="right")
    for each in vendors:
        rank = each.rank
        place = "" if rank is None else f"{rank.highest} to {rank.lowest}" if rank.tied else str(rank.highest)
        accuracy = figures.number(each.accuracy, Measure.ACCURACY)
        table.add_row(place, each.vendor, accuracy, figures.difference(each.change, Measure.ACCURACY))
    return table


def _cases(cases: Iterable[CaseNews]) -> Table:
    table = Table(title="Cases", title_justify="left")
    for column in ("case", "vendor", "in the week", "now"):
        table.add_column(column, overflow="fold")
    for case in cases:
        vendor = case.vendor or Text("internal", "dim italic")
        table.add_row(Text(case.title), vendor, ", ".join(case.steps), case.state.replace("_", " "))
    return table


def _actions(title: str, actions: Iterable[ActionNews]) -> Table:
    table = Table(title=title, title_justify="left")
    for column in ("action", "owner", "due"):
        table.add_column(column, overflow="fold")
    for action in actions:
        table.add_row(Text(action.title), Text(action.owner), f"{action.due_at:%Y-%m-%d %H:%M}")
    return table
