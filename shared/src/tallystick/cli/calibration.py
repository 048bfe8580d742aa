"""`tallystick calibration`: take a session from its draft to its conclusion."""

from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from pydantic import Field, PositiveInt
from rich.table import Table
from rich.text import Text

from tallystick.cli.console import ROWS_NOT_TAKEN, err, out
from tallystick.cli.documents import read_document, read_rows
from tallystick.cli.options import DEFAULT_URL, Connection, ProgrammeName, TokenFile, TokenText, Url
from tallystick.client import Tallystick
from tallystick.schemas.calibration import (
    Benchmark,
    CalibrationItem,
    CalibrationSession,
    NewItem,
    NewSession,
    NumberedRating,
    SessionState,
)

app = typer.Typer(name="calibration", help="Take a calibration session from its draft to its conclusion.", no_args_is_help=True)

SessionId = Annotated[UUID, typer.Argument(metavar="ID", help="The session's id.")]


class SessionFile(NewSession):
    """A session together with its items, as one document."""

    items: Annotated[tuple[NewItem, ...], Field(min_length=1, max_length=10_000)]


class NumberedBenchmark(Benchmark):
    """The benchmark of one item."""

    number: PositiveInt


@app.command("list")
def list_sessions(
    programme: ProgrammeName,
    state: Annotated[list[SessionState] | None, typer.Option(help="Only those in this state; may be repeated.")] = None,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """List sessions, newest first."""

    async def act(tallystick: Tallystick) -> list[CalibrationSession]:
        return [session async for session in tallystick.calibration.list(programme, state or ())]

    table = Table()
    for column in ("id", "title", "state", "items", "raters", "deadline"):
        table.add_column(column, no_wrap=column == "id")
    for each in Connection.of(url, token, token_file).run(act):
        deadline = f"{each.deadline:%Y-%m-%d %H:%M} UTC"
        table.add_row(str(each.id), each.title, each.state, str(each.items), str(len(each.raters)), deadline)
    out.print(table)


@app.command("draft")
def draft_session(
    file: Annotated[Path, typer.Argument(help="YAML or JSON: the session and its items; - reads standard input.")],
    programme: ProgrammeName,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """Draft a session with its items, and write its id."""
    document = read_document(file, SessionFile, "session")
    new = NewSession.model_validate(document.model_dump(exclude={"items"}))

    async def act(tallystick: Tallystick) -> UUID:
        session = await tallystick.calibration.draft(programme, new)
        await tallystick.calibration.add_items(programme, session.id, document.items)
        return session.id

    typer.echo(Connection.of(url, token, token_file).run(act))


@app.command("open")
def open_session(
    session: SessionId,
    programme: ProgrammeName,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """Let the raters begin."""
    _step(
        Connection.of(url, token, token_file),
        programme,
        session,
        lambda tallystick, found: tallystick.calibration.open(programme, session, revision=found.revision),
    )


@app.command("rate")
def rate_items(
    session: SessionId,
    file: Annotated[Path, typer.Argument(help=".csv with the columns number, value, policy, comment; or .ndjson.")],
    programme: ProgrammeName,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """Give your own ratings from a file, and show what became of them. Exit code 3 says that some were rejected."""
    ratings = read_rows(file, NumberedRating)
    result = Connection.of(url, token, token_file).run(
        lambda tallystick: tallystick.calibration.rate_all(programme, session, ratings)
    )
    out.print(", ".join(f"{count:,} {name}" for name, count in result.counts.model_dump().items()))
    for row in result.results:
        for error in row.errors:
            err.print(Text(f"row {row.row}: {error.pointer} {error.detail}"))
    if result.counts.rejected:
        raise typer.Exit(ROWS_NOT_TAKEN)


@app.command("progress")
def show_progress(
    session: SessionId,
    programme: ProgrammeName,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """Show how many items the raters have rated; a rater sees its own count."""
    found = Connection.of(url, token, token_file).run(lambda tallystick: tallystick.calibration.progress(programme, session))
    table = Table(title=f"{found.state}, ratings until {found.deadline:%Y-%m-%d %H:%M} UTC", title_justify="left")
    for column in ("rater", "of", "rated", "items"):
        table.add_column(column, justify="right" if column in {"rated", "items"} else "left")
    for each in found.raters:
        table.add_row(each.rater, each.vendor or "the client", str(each.rated), str(each.items))
    out.print(table)


@app.command("review")
def review_session(
    session: SessionId,
    programme: ProgrammeName,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """End scoring and lay the ratings open."""
    _step(
        Connection.of(url, token, token_file),
        programme,
        session,
        lambda tallystick, found: tallystick.calibration.review(programme, session, revision=found.revision),
    )


@app.command("items")
def show_items(
    session: SessionId,
    programme: ProgrammeName,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """Show the items with what may be seen of their ratings: before review your own, from then on all."""

    async def act(tallystick: Tallystick) -> list[CalibrationItem]:
        return [item async for item in tallystick.calibration.items(programme, session)]

    table = Table()
    for column in ("number", "content", "policy", "own", "ratings", "benchmark", "discussion"):
        table.add_column(column, overflow="fold")
    for item in Connection.of(url, token, token_file).run(act):
        chosen = Counter(rating.value for rating in item.ratings)
        benchmark = item.benchmark
        table.add_row(
            str(item.number),
            item.content_ref or "",
            item.policy or "",
            item.own.value if item.own else "",
            ", ".join(f"{value} {count}" for value, count in chosen.most_common()),
            benchmark.value if benchmark else "",
            (benchmark.discussion or "") if benchmark else "",
        )
    out.print(table)


@app.command("benchmark")
def set_benchmarks(
    session: SessionId,
    file: Annotated[Path, typer.Argument(help=".csv with the columns number, value, by, discussion; or .ndjson.")],
    programme: ProgrammeName,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """Set the benchmarks of items from a file."""
    benchmarks = {row.number: row for row in read_rows(file, NumberedBenchmark)}

    async def act(tallystick: Tallystick) -> int:
        revisions = {item.number: item.revision async for item in tallystick.calibration.items(programme, session)}
        for number, row in benchmarks.items():
            benchmark = Benchmark(value=row.value, by=row.by, discussion=row.discussion)
            await tallystick.calibration.benchmark(programme, session, number, benchmark, revision=revisions.get(number, 1))
        return len(set(revisions) - set(benchmarks))

    others = Connection.of(url, token, token_file).run(act)
    out.print(f"{len(benchmarks):,} benchmarks set; {others:,} items are not in the file")


@app.command("conclude")
def conclude_session(
    session: SessionId,
    programme: ProgrammeName,
    conclusion: Annotated[str, typer.Option(help="What the session came to, in words; it is searched as precedent.")],
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """Close a session with what it came to; nothing of it changes after that."""
    _step(
        Connection.of(url, token, token_file),
        programme,
        session,
        lambda tallystick, found: tallystick.calibration.conclude(programme, session, conclusion, revision=found.revision),
    )


def _step(
    connection: Connection,
    programme: str,
    session: UUID,
    take: Callable[[Tallystick, CalibrationSession], Awaitable[CalibrationSession]],
) -> None:
    """Take one step from the session as it stands, and say where it stands then."""

    async def act(tallystick: Tallystick) -> CalibrationSession:
        return await take(tallystick, await tallystick.calibration.read(programme, session))

    found = connection.run(act)
    out.print(Text(f"{found.title}: {found.state}, {found.items:,} items, {len(found.raters)} raters"))
