"""`tallystick metrics`: measures by dimensions, as a table."""

from datetime import timedelta
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from tallystick.cli import figures
from tallystick.cli.console import err, out
from tallystick.cli.filters import PANEL, FromDay, ToDay, filtered
from tallystick.cli.options import DEFAULT_URL, AsJson, Connection, ProgrammeName, TokenFile, TokenText, Url
from tallystick.client import Filters
from tallystick.schemas.appeal_report import AppealGroup, AppealPattern
from tallystick.schemas.metric import Dimension, Measure, Metrics, Row, Scope, View


@filtered
def metrics(
    programme: ProgrammeName,
    filters: Filters,
    measure: Annotated[
        list[Measure] | None, typer.Option("--measure", "-m", help="What to measure. [default: audits, accuracy]")
    ] = None,
    by: Annotated[list[Dimension] | None, typer.Option("--by", "-b", help="What to group by, up to three.")] = None,
    automated_detection: Annotated[
        bool | None, typer.Option("--automated-detection/--no-automated-detection", rich_help_panel=PANEL)
    ] = None,
    begin: FromDay = None,
    end: ToDay = None,
    view: Annotated[View, typer.Option(help="Which judgement counts.")] = View.ADJUDICATED,
    compare: Annotated[
        bool, typer.Option("--compare", help="Beside the numbers of as many days before; needs --from and --to.")
    ] = False,
    order: Annotated[
        str | None, typer.Option(help="A measure or dimension of the table; -accuracy puts the greatest first.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many rows at most.")] = 50,
    totals: Annotated[bool, typer.Option("--totals/--no-totals", help="Add a line for all together.")] = True,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """Show measures by dimensions, each number with its 95 % interval. Numbers from small samples are dim."""
    query: Filters = {
        "measure": measure,
        "by": by,
        **filters,
        "automated_detection": automated_detection,
        "from": begin,
        "to": end,
        "view": view,
        "compare": "previous_period" if compare else None,
        "order": order,
        "limit": limit,
        "totals": totals,
    }
    answer = Connection.of(url, token, token_file).run(lambda tallystick: tallystick.metrics(programme, query))
    if as_json:
        typer.echo(answer.model_dump_json(by_alias=True))
        return
    out.print(_table(answer))
    print_scope(answer.scope)
    if answer.groups > len(answer.rows):
        err.print(f"{len(answer.rows):,} of {answer.groups:,} rows are shown; --limit shows more.")


def print_scope(scope: Scope) -> None:
    """Say what numbers are about: the period, the filters, and the position that they stand on."""
    period = scope.period
    said = [f"{period.from_} to {period.to - timedelta(days=1)}, {period.time_zone}" if period else "no audits"]
    said += [f"{name} {' or '.join(values)}" for name, values in scope.filters.items()]
    said.append(scope.view)
    said += [f"position {scope.position:,}"] if scope.position is not None else []
    err.print(Text(f"{scope.programme}: {'; '.join(said)}", "dim"))


def _table(answer: Metrics) -> Table:
    compared = answer.previous_period is not None
    ranked = any(row.rank for row in answer.rows)
    table = Table()
    if ranked:
        table.add_column("rank", justify="right")
    for dimension in answer.by:
        table.add_column(_words(dimension), overflow="fold")
    for measure in answer.measures:
        table.add_column(_words(measure), justify="right")
        if compared:
            table.add_column("before", justify="right")
            table.add_column("change", justify="right")
    for row in answer.rows:
        names = [_name(row.dimensions[dimension]) for dimension in answer.by]
        table.add_row(*([rank(row)] if ranked else []), *names, *_numbers(row, answer, compared=compared))
    if answer.totals is not None and answer.by:
        lead: list[str | Text] = [""] * (len(answer.by) + ranked)
        lead[ranked] = "all"
        table.add_section()
        table.add_row(*lead, *_numbers(answer.totals, answer, compared=compared))
    return table


def _numbers(row: Row, answer: Metrics, *, compared: bool) -> list[Text]:
    cells: list[Text] = []
    for measure in answer.measures:
        cells.append(figures.number(row.numbers[measure], measure))
        if compared:
            cells.append(figures.number(row.previous[measure], measure) if row.previous else Text(""))
            cells.append(figures.difference(row.change[measure], measure) if row.change else Text(""))
    return cells


def rank(row: Row | AppealGroup | AppealPattern) -> str:
    """The places that a row may truly stand in: `2`, or `1 to 3` where intervals overlap."""
    if row.rank is None:
        return ""
    return f"{row.rank.highest} to {row.rank.lowest}" if row.rank.tied else str(row.rank.highest)


def _name(value: str | None) -> str | Text:
    return Text("none", "dim italic") if value is None else value


def _words(name: str) -> str:
    return name.replace("_", " ")
