"""`tallystick push`: files of audits, through to their verdicts."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from tallystick.cli.console import FAILED, INTERRUPTED, ROWS_NOT_TAKEN, complain, err, out
from tallystick.cli.options import (
    DEFAULT_URL,
    Connection,
    ProgrammeName,
    TokenFile,
    TokenText,
    Url,
    duration,
)
from tallystick.client import Tallystick, TallystickError
from tallystick.client.files import file_format
from tallystick.client.journal import Target
from tallystick.client.push import ROWS_PER_REQUEST, push_file
from tallystick.client.push import Progress as Pushed
from tallystick.schemas.audit import RowVerdict


def push(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help=".csv, .ndjson, .jsonl or .json, also with .gz or .zst.")
    ],
    programme: ProgrammeName,
    profile: Annotated[str | None, typer.Option(help="The import profile that maps the file's own columns and values.")] = None,
    on_conflict: Annotated[
        Literal["reject", "revise"],
        typer.Option(help="A row whose id is known with other content: rejected, or a revision of the audit."),
    ] = "reject",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the verdicts and change nothing.")] = False,
    rows_per_request: Annotated[int, typer.Option(min=1, max=100_000, help="Rows in one request.")] = ROWS_PER_REQUEST,
    parallel: Annotated[int, typer.Option(min=1, max=16, help="Requests under way at a time. Revisions go one by one.")] = 1,
    compress: Annotated[
        bool | None, typer.Option("--compress/--no-compress", help="Pack requests with zstd. [default: if not loopback]")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume/--no-resume", help="Go on where an interrupted push of the same file stopped.")
    ] = True,
    patience: Annotated[str, typer.Option(metavar="TIME", help="How long to wait for a service to come back.")] = "10m",
    directory: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="The folder where rejected rows and the state of the push are kept. [default: beside the file]",
            exists=True,
            file_okay=False,
            writable=True,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write the summary as JSON, one line a file.")] = False,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """Push files of audits, and show what became of every row.

    Rows that were not taken are left in `FILE.rejected.csv` (or `.ndjson`), each as it was, with the reasons in front.
    Correct them there and push that file. Exit code 3 says that there are such rows.

    A push that was interrupted goes on where it stopped when it is run again. No row is ever taken twice.
    """
    connection = Connection.of(url, token, token_file)
    for file in files:
        file_format(file)
        if not file.is_file():
            complain(f"There is no file {file}.")
            raise typer.Exit(FAILED)
    patience_s = duration(patience, "--patience").total_seconds()
    target = Target(url, programme, profile, on_conflict, dry_run)
    packed = not connection.is_loopback if compress is None else compress
    pushed: list[tuple[Path, Pushed]] = []

    async def act(tallystick: Tallystick) -> None:
        with progress_bar() as bar:
            for file in files:
                task = bar.add_task(file.name, total=file.stat().st_size, rows=0)
                outcome = await push_file(
                    tallystick,
                    file,
                    target,
                    directory=directory or _beside(file),
                    rows_per_request=rows_per_request,
                    parallel=parallel,
                    compress=packed,
                    resume=resume,
                    on_progress=lambda progress, task=task: _advance(bar, task, progress),  # type: ignore[misc]
                )
                pushed.append((file, outcome))

    try:
        connection.run(act, patience_s=patience_s)
    except KeyboardInterrupt:
        complain("Interrupted. The same command goes on from here.")
        raise typer.Exit(INTERRUPTED) from None
    except TallystickError:
        if pushed:
            _summarise(pushed, as_json=as_json, dry_run=dry_run)
        raise
    _summarise(pushed, as_json=as_json, dry_run=dry_run)
    if any(outcome.not_taken for _, outcome in pushed):
        raise typer.Exit(ROWS_NOT_TAKEN)


def _beside(file: Path) -> Path:
    """Beside the file, or where nothing can be written there, here."""
    directory = file.parent
    if os.access(directory, os.W_OK):
        return directory
    err.print(f"{directory} cannot be written to: rejected rows and the state of the push are kept in {Path.cwd()}.")
    return Path.cwd()


def progress_bar() -> Progress:
    """How far files are, in bytes and rows."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        DownloadColumn(),
        TextColumn("{task.fields[rows]:,} rows"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=err,
    )


def _advance(bar: Progress, task: TaskID, progress: Pushed) -> None:
    bar.update(task, completed=progress.bytes_read, rows=progress.rows)


def _summarise(pushed: Sequence[tuple[Path, Pushed]], *, as_json: bool, dry_run: bool) -> None:
    if as_json:
        for file, outcome in pushed:
            typer.echo(json.dumps(_summary(file, outcome)))
        return
    table = Table(title="What would become of the rows" if dry_run else "What became of the rows")
    table.add_column("file", overflow="fold")
    for name in ("rows", *RowVerdict):
        table.add_column(name, justify="right")
    for file, outcome in pushed:
        table.add_row(file.name, f"{outcome.rows:,}", *(f"{outcome.counts[verdict]:,}" for verdict in RowVerdict))
    out.print(table)
    for file, outcome in pushed:
        if outcome.resumed:
            err.print(f"{file.name}: {outcome.resumed:,} of these rows were pushed by the run that was interrupted.")
        if outcome.rejected_file is not None:
            err.print(f"{file.name}: {outcome.not_taken:,} rows were not taken. See {outcome.rejected_file}.")


def _summary(file: Path, outcome: Pushed) -> dict[str, object]:
    return {
        "file": str(file),
        "rows": outcome.rows,
        **{verdict: outcome.counts[verdict] for verdict in RowVerdict},
        "resumed": outcome.resumed,
        "batches": [str(batch) for batch in outcome.batches],
        "rejected_file": str(outcome.rejected_file) if outcome.rejected_file else None,
    }
