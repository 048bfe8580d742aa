"""`tallystick signals`: what detectors have found."""

from collections.abc import Awaitable, Callable
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from tallystick.cli import figures
from tallystick.cli.console import err, out
from tallystick.cli.filters import PANEL, FromDay, Names, ToDay
from tallystick.cli.options import DEFAULT_URL, Connection, ProgrammeName, TokenFile, TokenText, Url
from tallystick.client import Filters, Tallystick
from tallystick.schemas.signal import Detector, Signal, SignalState

_STYLES = {SignalState.ACTIVE: "bold red", SignalState.ENDED: "", SignalState.WITHDRAWN: "dim"}


def signals(
    programme: ProgrammeName,
    vendor: Names = None,
    detector: Annotated[list[Detector] | None, typer.Option(rich_help_panel=PANEL)] = None,
    state: Annotated[list[SignalState] | None, typer.Option(rich_help_panel=PANEL)] = None,
    begin: FromDay = None,
    end: ToDay = None,
    limit: Annotated[int, typer.Option(min=1, help="How many signals at most.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON, one signal a line, instead of a table.")] = False,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """List what detectors have found in the numbers, the newest first; `--from` and `--to` are days on which it was raised."""
    query: Filters = {"vendor": vendor, "detector": detector, "state": state, "from": begin, "to": end}
    found = Connection.of(url, token, token_file).run(_listing(programme, query, limit))
    if as_json:
        for signal in found:
            typer.echo(signal.model_dump_json(by_alias=True))
    elif found:
        out.print(_table(found))
    else:
        err.print("There are no such signals.")


def _listing(programme: str, query: Filters, limit: int) -> Callable[[Tallystick], Awaitable[list[Signal]]]:
    async def listed(tallystick: Tallystick) -> list[Signal]:
        found: list[Signal] = []
        async for signal in tallystick.signals(programme, query, page=min(limit, 1000)):
            found.append(signal)
            if len(found) == limit:
                break
        return found

    return listed


def _table(found: list[Signal]) -> Table:
    table = Table(title="Signals, those raised last first", title_justify="left")
    for column in ("raised", "detector", "state", "vendor", "observed", "before", "what"):
        table.add_column(column, overflow="fold", no_wrap=column == "raised")
    for signal in found:
        table.add_row(
            signal.raised_on.isoformat(),
            signal.detector.replace("_", " "),
            Text(signal.state, _STYLES[signal.state]),
            signal.vendor or "",
            figures.number(signal.observed, signal.measure),
            "" if signal.expected is None else figures.number(signal.expected, signal.measure),
            signal.summary,
        )
    return table
