"""`tallystick appeals`: raise, list, claim and decide appeals."""

from collections import Counter
from collections.abc import Awaitable, Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from uuid import UUID

import orjson
import typer
from rich.table import Table
from rich.text import Text

from tallystick.cli import figures
from tallystick.cli.audits import changed
from tallystick.cli.console import FAILED, ROWS_NOT_TAKEN, complain, err, out
from tallystick.cli.filters import PANEL, From, To, filtered
from tallystick.cli.options import DEFAULT_URL, Connection, ProgrammeName, TokenFile, TokenText, Url
from tallystick.client import Filters, Tallystick
from tallystick.client.files import RowFile, file_format
from tallystick.client.rejected import Rejected
from tallystick.schemas.appeal import Appeal, AppealEvent, AppealRowVerdict, AppealStage, AppealState, Decision
from tallystick.schemas.audit import Attribution, Verdict
from tallystick.schemas.programme import ErrorClass, Severity

app = typer.Typer(name="appeals", help="Raise, list, claim and decide appeals.", no_args_is_help=True)

AppealId = Annotated[UUID, typer.Argument(metavar="ID", help="The appeal's id.")]
Why = Annotated[str, typer.Option(help="Why; the other party reads it.")]

_AMENDED = "What the audit says then; with --outcome amended"
_ROWS_PER_REQUEST = 10_000


class Outcome(StrEnum):
    """How an appeal is decided."""

    UPHELD = "upheld"
    OVERTURNED = "overturned"
    AMENDED = "amended"


@app.command("submit")
def submit_appeals(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help=".csv, .ndjson, .jsonl or .json, also with .gz or .zst.")
    ],
    programme: ProgrammeName,
    directory: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="The folder where rejected rows are left. [default: beside the file]",
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
    """Appeal the audits that files name, and show what became of every row.

    Rows that were not taken are left in `FILE.rejected.csv` (or `.ndjson`), each as it was, with the reasons in front.
    Exit code 3 says that there are such rows. The same rows again raise nothing.
    """
    for file in files:
        file_format(file)
        if not file.is_file():
            complain(f"There is no file {file}.")
            raise typer.Exit(FAILED)

    async def act(tallystick: Tallystick) -> list[tuple[Path, Counter[AppealRowVerdict]]]:
        return [(file, await _submit(tallystick, programme, file, directory or file.parent)) for file in files]

    submitted = Connection.of(url, token, token_file).run(act)
    if as_json:
        for file, counts in submitted:
            verdicts = {verdict.value: counts[verdict] for verdict in AppealRowVerdict}
            typer.echo(orjson.dumps({"file": str(file), "rows": counts.total(), **verdicts}))
    else:
        table = Table(title="What became of the rows")
        for name in ("file", "rows", *AppealRowVerdict):
            table.add_column(name, justify="left" if name == "file" else "right")
        for file, counts in submitted:
            table.add_row(file.name, f"{counts.total():,}", *(f"{counts[verdict]:,}" for verdict in AppealRowVerdict))
        out.print(table)
    if any(counts[AppealRowVerdict.REJECTED] for _, counts in submitted):
        raise typer.Exit(ROWS_NOT_TAKEN)


async def _submit(tallystick: Tallystick, programme: str, path: Path, directory: Path) -> Counter[AppealRowVerdict]:
    """Raise the appeals of one file, request by request, and leave the rows that were not taken."""
    counts: Counter[AppealRowVerdict] = Counter()
    with RowFile(path) as file:
        rejected = Rejected(directory / f"{path.name}.rejected.{'csv' if file.format == 'csv' else 'ndjson'}")
        rejected.begin()
        for chunk in file.chunks(_ROWS_PER_REQUEST):
            result = await tallystick.appeals.submit_all(programme, chunk.body, media_type=file.media_type)
            counts += Counter(row.verdict for row in result.results)
            rejected.write(chunk, [row for row in result.results if row.verdict is AppealRowVerdict.REJECTED])
    if rejected.size:
        err.print(f"{path.name}: {counts[AppealRowVerdict.REJECTED]:,} rows were not taken. See {rejected.path}.")
    return counts


@app.command("list")
@filtered
def list_appeals(
    programme: ProgrammeName,
    filters: Filters,
    state: Annotated[list[AppealState] | None, typer.Option(rich_help_panel=PANEL)] = None,
    stage: Annotated[list[AppealStage] | None, typer.Option(rich_help_panel=PANEL)] = None,
    ground: Annotated[list[str] | None, typer.Option(rich_help_panel=PANEL)] = None,
    overdue: Annotated[bool | None, typer.Option("--overdue/--not-overdue", rich_help_panel=PANEL)] = None,
    begin: From = None,
    end: To = None,
    limit: Annotated[int, typer.Option(min=1, help="How many appeals at most.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON, one appeal a line, instead of a table.")] = False,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """List appeals, newest first."""
    own: Filters = {"state": state, "stage": stage, "ground": ground, "overdue": overdue, "from": begin, "to": end}
    narrowed: Filters = {**filters, **own}

    async def act(tallystick: Tallystick) -> list[Appeal]:
        found: list[Appeal] = []
        async for appeal in tallystick.appeals.list(programme, narrowed, page=min(limit, 1000)):
            found.append(appeal)
            if len(found) == limit:
                break
        return found

    found = Connection.of(url, token, token_file).run(act)
    if as_json:
        for appeal in found:
            typer.echo(appeal.model_dump_json())
        return
    table = Table()
    for column in ("id", "submitted", "vendor", "site", "policy", "error", "ground", "state", "due (UTC)", "possible"):
        table.add_column(column, no_wrap=column == "id")
    for appeal in found:
        table.add_row(
            str(appeal.id),
            f"{appeal.submitted_at:%Y-%m-%d %H:%M}",
            appeal.vendor,
            appeal.site,
            appeal.policy,
            appeal.error_code or "",
            appeal.ground,
            _standing(appeal),
            figures.due(appeal.due_at, overdue=appeal.overdue),
            ", ".join(appeal.possible),
        )
    out.print(table)


@app.command("show")
def show_appeal(
    appeal: AppealId,
    programme: ProgrammeName,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """Show an appeal as it stands, and every step of it."""

    async def act(tallystick: Tallystick) -> tuple[Appeal, tuple[AppealEvent, ...]]:
        return await tallystick.appeals.read(programme, appeal), await tallystick.appeals.history(programme, appeal)

    found, steps = Connection.of(url, token, token_file).run(act)
    _print(found)
    table = Table(title="Steps, the oldest first", title_justify="left")
    for column in ("at", "step", "state", "stage", "by", "note"):
        table.add_column(column, overflow="fold")
    for step in steps:
        table.add_row(f"{step.at:%Y-%m-%d %H:%M}", step.action, step.state, step.stage, step.by or "", step.note or "")
    out.print(table)


@app.command("claim")
def claim_appeal(
    programme: ProgrammeName,
    stage: Annotated[list[AppealStage] | None, typer.Option(rich_help_panel=PANEL)] = None,
    language: Annotated[list[str] | None, typer.Option(rich_help_panel=PANEL)] = None,
    market: Annotated[list[str] | None, typer.Option(rich_help_panel=PANEL)] = None,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """Claim the appeal that is due first of those that you may decide, and show it."""
    filters: Filters = {"stage": stage, "language": language, "market": market}
    claimed = Connection.of(url, token, token_file).run(lambda tallystick: tallystick.appeals.claim(programme, filters))
    if claimed is None:
        err.print("There is no appeal that you could decide.")
    else:
        _print(claimed)


@app.command("decide")
def decide_appeal(
    appeal: AppealId,
    programme: ProgrammeName,
    outcome: Annotated[Outcome, typer.Option(help="What becomes of the audit's verdict.")],
    reason: Why,
    verdict: Annotated[Verdict | None, typer.Option(rich_help_panel=_AMENDED)] = None,
    error_class: Annotated[ErrorClass | None, typer.Option(rich_help_panel=_AMENDED)] = None,
    error_code: Annotated[str | None, typer.Option(rich_help_panel=_AMENDED)] = None,
    severity: Annotated[Severity | None, typer.Option(rich_help_panel=_AMENDED)] = None,
    attributable_to: Annotated[Attribution | None, typer.Option(rich_help_panel=_AMENDED)] = None,
    benchmark_action: Annotated[str | None, typer.Option(rich_help_panel=_AMENDED)] = None,
    benchmark_policy: Annotated[str | None, typer.Option(rich_help_panel=_AMENDED)] = None,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """Decide an appeal that you have claimed. With `amended`, what is named changes, the rest of the audit's judgement stays."""
    changes = {
        "verdict": verdict,
        "error_class": error_class,
        "error_code": error_code,
        "severity": severity,
        "attributable_to": attributable_to,
        "benchmark_action": benchmark_action,
        "benchmark_policy": benchmark_policy,
    }
    named = {name: str(value) for name, value in changes.items() if value is not None}
    if bool(named) != (outcome is Outcome.AMENDED):
        raise typer.BadParameter("with amended, and with no other outcome, name what changes.", param_hint="--outcome")

    async def take(tallystick: Tallystick, found: Appeal) -> Appeal:
        judgement = changed(await tallystick.audits.read(programme, found.audit_id), named) if named else None
        decision = Decision(outcome=outcome.value, reason=reason, judgement=judgement)
        return await tallystick.appeals.decide(programme, appeal, decision, revision=found.revision)

    _step(Connection.of(url, token, token_file), programme, appeal, take)


@app.command("release")
def release_appeal(
    appeal: AppealId,
    programme: ProgrammeName,
    reason: Annotated[str, typer.Option(help="Why; the vendor does not read it.")],
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """Give an appeal back that you have claimed."""
    _step(
        Connection.of(url, token, token_file),
        programme,
        appeal,
        lambda tallystick, found: tallystick.appeals.release(programme, appeal, reason, revision=found.revision),
    )


@app.command("withdraw")
def withdraw_appeal(
    appeal: AppealId,
    programme: ProgrammeName,
    reason: Why,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """Take an open appeal back."""
    _step(
        Connection.of(url, token, token_file),
        programme,
        appeal,
        lambda tallystick, found: tallystick.appeals.withdraw(programme, appeal, reason, revision=found.revision),
    )


@app.command("escalate")
def escalate_appeal(
    appeal: AppealId,
    programme: ProgrammeName,
    reason: Why,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """Take a decision to arbitration, once."""
    _step(
        Connection.of(url, token, token_file),
        programme,
        appeal,
        lambda tallystick, found: tallystick.appeals.escalate(programme, appeal, reason, revision=found.revision),
    )


@app.command("acknowledge")
def acknowledge_appeal(
    appeal: AppealId,
    programme: ProgrammeName,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """Say that the vendor has read the decision."""
    _step(
        Connection.of(url, token, token_file),
        programme,
        appeal,
        lambda tallystick, found: tallystick.appeals.acknowledge(programme, appeal, revision=found.revision),
    )


def _step(connection: Connection, programme: str, appeal: UUID, take: Callable[[Tallystick, Appeal], Awaitable[Appeal]]) -> None:
    """Take one step from the appeal as it stands, and show where it stands then."""

    async def act(tallystick: Tallystick) -> Appeal:
        return await take(tallystick, await tallystick.appeals.read(programme, appeal))

    _print(connection.run(act))


def _print(appeal: Appeal) -> None:
    table = Table(show_header=False)
    table.add_column("field", style="dim")
    table.add_column("value", overflow="fold")
    contested = {name: getattr(appeal.proposed, name) for name in appeal.contested}
    proposed = ", ".join(f"{name} {'none' if value is None else value}" for name, value in contested.items())
    shown = {
        "id": appeal.id,
        "audit": appeal.audit_id,
        "state": _standing(appeal),
        "decision due": f"{appeal.due_at:%Y-%m-%d %H:%M} UTC" if appeal.due_at else None,
        "yours until": f"{appeal.claimed_until:%Y-%m-%d %H:%M} UTC" if appeal.claimed_until else None,
        "where": f"{appeal.vendor}, {appeal.site}, {appeal.queue}, {appeal.market}",
        "policy": appeal.policy,
        "error": appeal.error_code or appeal.error_class,
        "ground": appeal.ground,
        "comment": appeal.comment,
        "evidence": ", ".join(appeal.evidence),
        "proposed": proposed,
        "reason": appeal.reason,
        "possible": ", ".join(appeal.possible),
    }
    for name, value in shown.items():
        if value:
            table.add_row(name, Text(str(value)))
    out.print(table)


def _standing(appeal: Appeal) -> str:
    return f"{appeal.state} (arbitration)" if appeal.stage is AppealStage.ARBITRATION else appeal.state
