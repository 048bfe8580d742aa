"""`tallystick decisions`: send what moderators decided, and see where each source of that stands."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from tallystick.cli.console import FAILED, INTERRUPTED, ROWS_NOT_TAKEN, complain, err, out
from tallystick.cli.options import DEFAULT_URL, AsJson, Connection, ProgrammeName, TokenFile, TokenText, Url, duration
from tallystick.cli.pushing import progress_bar
from tallystick.client import Tallystick
from tallystick.client.decisions import LINES_PER_REQUEST, PushedDecisions
from tallystick.client.files import file_format, source_name
from tallystick.schemas.decision import DecisionSource

app = typer.Typer(name="decisions", help="Send decisions, and see where their sources stand.", no_args_is_help=True)

_SHOWN = 10


@app.command("push")
def push(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help=".ndjson, .jsonl or .json, also with .gz or .zst.")],
    programme: ProgrammeName,
    source: Annotated[
        str | None, typer.Option(help="What the file is called, whenever it is sent. [default: its name without endings]")
    ] = None,
    edition: Annotated[
        int | None, typer.Option(min=1, help="One more than before replaces all that the source has counted. [default: as it is]")
    ] = None,
    rows_per_request: Annotated[int, typer.Option(min=1, max=1_000_000, help="Lines in one request.")] = LINES_PER_REQUEST,
    compress: Annotated[
        bool | None, typer.Option("--compress/--no-compress", help="Pack requests with zstd. [default: if not loopback]")
    ] = None,
    patience: Annotated[str, typer.Option(metavar="TIME", help="How long to wait for a service to come back.")] = "10m",
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """Send files of decisions, each from the line on where its source stands, and show what became of the lines.

    Run again after an interruption, or with a file that has grown, it sends what is missing. No line is ever counted twice.
    Exit code 3 says that lines were rejected.
    """
    connection = Connection.of(url, token, token_file)
    names = _names(files, source)
    patience_s = duration(patience, "--patience").total_seconds()
    packed = not connection.is_loopback if compress is None else compress
    done: list[tuple[str, PushedDecisions]] = []

    async def act(tallystick: Tallystick) -> None:
        with progress_bar() as bar:
            for file, name in zip(files, names, strict=True):
                task = bar.add_task(file.name, total=file.stat().st_size, rows=0)
                pushed = await tallystick.decisions.push_file(
                    programme,
                    name,
                    file,
                    edition=edition,
                    lines_per_request=rows_per_request,
                    compress=packed,
                    on_progress=lambda so_far, task=task: bar.update(  # type: ignore[misc]
                        task, completed=so_far.bytes_read, rows=max(so_far.rows, so_far.resumed)
                    ),
                )
                done.append((name, pushed))

    try:
        connection.run(act, patience_s=patience_s)
    except KeyboardInterrupt:
        complain("Interrupted. The same command goes on from here.")
        raise typer.Exit(INTERRUPTED) from None
    _summarise(done, as_json=as_json)
    if any(pushed.rejected for _, pushed in done):
        raise typer.Exit(ROWS_NOT_TAKEN)


@app.command("sources")
def sources(
    programme: ProgrammeName,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """List the sources of decisions, and where each stands."""

    async def listed(tallystick: Tallystick) -> list[DecisionSource]:
        return [source async for source in tallystick.decisions.sources(programme)]

    found = Connection.of(url, token, token_file).run(listed)
    if as_json:
        for each in found:
            typer.echo(each.model_dump_json())
        return
    table = Table(title="Sources of decisions", title_justify="left")
    for column in ("vendor", "source", "edition", "lines", "decisions", "changed"):
        table.add_column(column, overflow="fold", justify="right" if column in {"edition", "lines", "decisions"} else "left")
    for each in found:
        lines, counted = f"{each.next_row:,}", f"{each.decisions:,}"
        table.add_row(
            each.vendor or "(client)", each.source, str(each.edition), lines, counted, f"{each.changed_at:%Y-%m-%d %H:%M}"
        )
    out.print(table)


def _names(files: list[Path], source: str | None) -> list[str]:
    """The name of each file's source; ends the command where a file is not there or two would have one name."""
    for file in files:
        file_format(file)
        if not file.is_file():
            complain(f"There is no file {file}.")
            raise typer.Exit(FAILED)
    names = [source or source_name(file) for file in files]
    if len(set(names)) < len(names):
        complain("Each file is a source of its own: send them one by one, with --source.")
        raise typer.Exit(FAILED)
    return names


def _summarise(done: list[tuple[str, PushedDecisions]], *, as_json: bool) -> None:
    columns = ("rows", "resumed", "repeated", "rejected", "counted", "late")
    if as_json:
        for name, pushed in done:
            counts = {column: getattr(pushed, column) for column in columns}
            typer.echo(json.dumps({"source": name, "edition": pushed.edition, **counts}))
        return
    table = Table(title="What became of the lines", title_justify="left")
    table.add_column("source", overflow="fold")
    for column in columns:
        table.add_column(column, justify="right")
    for name, pushed in done:
        table.add_row(name, *(f"{getattr(pushed, column):,}" for column in columns))
    out.print(table)
    for name, pushed in done:
        for fault in pushed.faults[:_SHOWN]:
            what = "; ".join(f"{error.pointer or 'the line'}: {error.detail}" for error in fault.errors)
            err.print(f"{name}, line {fault.row}: {what}")
        if pushed.rejected > _SHOWN:
            err.print(f"{name}: {pushed.rejected - _SHOWN:,} more lines were rejected.")
