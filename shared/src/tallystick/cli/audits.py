"""`tallystick audits`: list, show and revise single audits."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import orjson
import typer
from pydantic import ValidationError
from rich.table import Table
from rich.text import Text

from tallystick.cli.console import out, print_first
from tallystick.cli.filters import PANEL, From, Names, To, filtered
from tallystick.cli.options import DEFAULT_URL, AsJson, Connection, ProgrammeName, TokenFile, TokenText, Url, refused, up_to
from tallystick.client import Filters, Tallystick
from tallystick.schemas.audit import Attribution, Audit, AuditRevision, Judgement, Verdict
from tallystick.schemas.programme import ErrorClass, Severity

app = typer.Typer(name="audits", help="List, show and revise audits.", no_args_is_help=True)

AuditId = Annotated[UUID, typer.Argument(metavar="ID", help="The audit's id.")]


@app.command("list")
@filtered
def list_audits(
    programme: ProgrammeName,
    filters: Filters,
    verdict: Annotated[list[Verdict] | None, typer.Option(rich_help_panel=PANEL)] = None,
    external_id: Names = None,
    batch: Annotated[list[UUID] | None, typer.Option(rich_help_panel=PANEL)] = None,
    begin: From = None,
    end: To = None,
    limit: Annotated[int, typer.Option(min=1, help="How many audits at most.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON, one audit a line, instead of a table.")] = False,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """List audits, newest first."""
    narrowed: Filters = {
        **filters,
        "verdict": verdict,
        "external_id": external_id,
        "batch_id": [str(each) for each in batch or ()],
        "from": begin,
        "to": end,
    }

    async def act(tallystick: Tallystick) -> tuple[list[Audit], bool]:
        return await up_to(limit, tallystick.audits.list(programme, narrowed, page=min(limit, 1000)))

    found, more = Connection.of(url, token, token_file).run(act)
    if as_json:
        for audit in found:
            typer.echo(audit.model_dump_json())
        return
    table = Table()
    for column in ("id", "external id", "audited at", "vendor", "site", "queue", "verdict", "error", "severity", "rev."):
        table.add_column(column, no_wrap=column == "id")
    for audit in found:
        style = "red" if audit.verdict is Verdict.INCORRECT else "green"
        table.add_row(
            str(audit.id),
            audit.external_id,
            f"{audit.audited_at:%Y-%m-%d %H:%M}",
            audit.vendor,
            audit.site,
            audit.queue,
            Text(audit.verdict, style),
            audit.error_code or audit.error_class or "",
            audit.severity or "",
            str(audit.revision),
        )
    print_first(table, limit, more=more)


@app.command("show")
def show_audit(
    audit: AuditId,
    programme: ProgrammeName,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """Show an audit as it stands, and every version of its judgement."""

    async def act(tallystick: Tallystick) -> tuple[Audit, Sequence[AuditRevision]]:
        return await tallystick.audits.read(programme, audit), await tallystick.audits.revisions(programme, audit)

    found, revisions = Connection.of(url, token, token_file).run(act)
    if as_json:
        document = {"audit": found.model_dump(mode="json"), "revisions": [each.model_dump(mode="json") for each in revisions]}
        typer.echo(orjson.dumps(document))
        return
    _print_audit(found)
    _print_revisions(revisions)


@app.command("revise")
def revise_audit(
    audit: AuditId,
    programme: ProgrammeName,
    reason: Annotated[str, typer.Option(help="Why; it stays on record.")],
    verdict: Annotated[Verdict | None, typer.Option()] = None,
    error_class: Annotated[ErrorClass | None, typer.Option()] = None,
    error_code: Annotated[str | None, typer.Option()] = None,
    severity: Annotated[Severity | None, typer.Option()] = None,
    attributable_to: Annotated[Attribution | None, typer.Option()] = None,
    benchmark_action: Annotated[str | None, typer.Option()] = None,
    benchmark_policy: Annotated[str | None, typer.Option()] = None,
    comment: Annotated[str | None, typer.Option()] = None,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """Append a revision: what is named changes, the rest of the judgement stays.

    A verdict of `correct` takes away the error class, code, severity and attribution that are not named.
    """
    changes = {
        "verdict": verdict,
        "error_class": error_class,
        "error_code": error_code,
        "severity": severity,
        "attributable_to": attributable_to,
        "benchmark_action": benchmark_action,
        "benchmark_policy": benchmark_policy,
        "comment": comment,
    }
    named = {name: str(value) for name, value in changes.items() if value is not None}
    if not named:
        raise typer.BadParameter("name what changes, such as --verdict correct.")

    async def act(tallystick: Tallystick) -> Audit:
        current = await tallystick.audits.read(programme, audit)
        return await tallystick.audits.revise(programme, audit, changed(current, named), reason, revision=current.revision)

    revised = Connection.of(url, token, token_file).run(act)
    _print_audit(revised)


def changed(audit: Audit, named: dict[str, str]) -> Judgement:
    """The judgement of an audit with some fields changed; a verdict of `correct` takes the error away that is not named."""
    kept = audit.model_dump(include=set(Judgement.model_fields))
    if named.get("verdict") == Verdict.CORRECT:
        kept |= dict.fromkeys(("error_class", "error_code", "severity", "attributable_to"))
    try:
        return Judgement.model_validate(kept | named)
    except ValidationError as error:
        raise refused(error) from None


def _print_audit(audit: Audit) -> None:
    table = Table(show_header=False)
    table.add_column("field", style="dim")
    table.add_column("value", overflow="fold")
    for name, value in audit.model_dump(mode="json", exclude_none=True, exclude={"first_scored", "scorecard"}).items():
        if value not in ([], False):
            table.add_row(name, _shown(value))
    for criterion in audit.scorecard or ():
        rating = "not applicable" if criterion.rating is None else f"{criterion.rating:.0%}"
        table.add_row(f"scorecard {criterion.code}", f"{rating}, weight {criterion.weight:g}")
    out.print(table)


def _print_revisions(revisions: Sequence[AuditRevision]) -> None:
    table = Table(title="Judgements, the oldest first")
    for column in ("rev.", "recorded at", "by", "verdict", "error", "severity", "reason"):
        table.add_column(column)
    for each in revisions:
        judgement = each.judgement
        table.add_row(
            str(each.revision),
            f"{each.recorded_at:%Y-%m-%d %H:%M}",
            each.recorded_by,
            judgement.verdict,
            judgement.error_code or judgement.error_class or "",
            judgement.severity or "",
            each.reason or "",
        )
    out.print(table)


def _shown(value: Any) -> Text:
    if isinstance(value, list):
        return Text(", ".join(map(str, value)))
    return Text(str(value))
