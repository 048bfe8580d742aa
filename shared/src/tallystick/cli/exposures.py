"""`tallystick exposure`: one's own ledger, and what managers may know of all together."""

from collections.abc import Iterable
from datetime import UTC
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from tallystick.cli import figures
from tallystick.cli.console import out
from tallystick.cli.options import DEFAULT_URL, AsJson, Connection, ProgrammeName, TokenFile, TokenText, Url
from tallystick.schemas.exposure import ExposureDay

app = typer.Typer(name="exposure", help="Read your own exposure, or that of groups.", no_args_is_help=True)

_NUMBERS = frozenset({"people", "dose", "minutes", "items", "mean dose", "mean minutes"})


@app.command("mine")
def show_own(
    programme: ProgrammeName,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """Show what looking at harmful content has added up to for you. Nobody else can read it."""
    found = Connection.of(url, token, token_file).run(lambda tallystick: tallystick.exposure.read(programme))
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
        return
    moments = {"break due": found.break_due_at, "on a break until": found.break_until}
    shown = {
        "today": _of_cap(found.today, found.daily_cap),
        "this week": _of_cap(found.week, found.weekly_cap),
        **{name: None if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" for name, at in moments.items()},
        "not handed to you": ", ".join(found.opted_out),
    }
    out.print(figures.facts(shown))
    for title, name, rows in (("By day", "day", found.days), ("By week, from its Monday", "week", found.weeks)):
        if rows:
            out.print(_ledger(title, name, rows))


@app.command("summary")
def show_summary(
    programme: ProgrammeName,
    weeks: Annotated[int, typer.Option(min=1, max=104, help="How many of the newest weeks that are over.")] = 8,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """Show means of groups of five people or more, by team and week, newest first. For managers; no figure is anybody's own."""
    found = Connection.of(url, token, token_file).run(lambda tallystick: tallystick.exposure.summary(programme, weeks=weeks))
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
        return
    table = _table("week", "team", "people", "mean dose", "mean minutes")
    for each in found.items:
        team = Text("all others together", "dim italic") if each.team is None else Text(each.team)
        table.add_row(str(each.week), team, f"{each.people:,}", f"{each.mean_dose:,.1f}", f"{each.mean_minutes:,.0f}")
    out.print(table)
    if found.hidden:
        out.print("There is more that is not shown: it would be about too few people, or its week is not done with.")


def _of_cap(dose: float, cap: float | None) -> Text:
    if cap is None:
        return Text(f"{dose:,.1f}, without a cap")
    return Text(f"{dose:,.1f} of {cap:,g}", "bold red" if dose >= cap else "")


def _ledger(title: str, name: str, rows: Iterable[ExposureDay]) -> Table:
    table = _table(name, "dose", "minutes", "items", title=title)
    for each in rows:
        table.add_row(str(each.day), f"{each.dose:,.1f}", f"{each.minutes:,.0f}", f"{each.items:,}")
    return table


def _table(*columns: str, title: str | None = None) -> Table:
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, justify="right" if column in _NUMBERS else "left")
    return table
