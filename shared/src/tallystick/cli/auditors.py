"""`tallystick auditors`: who audits, and what they can do."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
import yaml
from pydantic import Field
from rich.table import Table
from rich.text import Text

from tallystick.cli.console import FAILED, complain, err, out
from tallystick.cli.documents import read_document
from tallystick.cli.options import DEFAULT_URL, Connection, ProgrammeName, TokenFile, TokenText, Url
from tallystick.client import ProblemError, Tallystick
from tallystick.schemas.base import Reference, Wire
from tallystick.schemas.staffing import Auditor, Conflicts, NewAuditor

app = typer.Typer(name="auditors", help="Say who audits, and what they can do.", no_args_is_help=True)

_MINUTES = 60


class AuditorsFile(Wire):
    """Several auditors as one document, each by the `sub` of their token."""

    auditors: Annotated[dict[Reference, NewAuditor], Field(min_length=1)]


@app.command("list")
def list_auditors(
    programme: ProgrammeName,
    active: Annotated[bool | None, typer.Option("--active/--inactive", help="Those alone who audit now, or who do not.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON, one auditor a line, instead of a table.")] = False,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """List auditors by name, with what they can do and when they are there. For managers."""

    async def act(tallystick: Tallystick) -> list[Auditor]:
        return [auditor async for auditor in tallystick.auditors.list(programme, active=active, page=1000)]

    found = Connection.of(url, token, token_file).run(act)
    if as_json:
        for each in found:
            typer.echo(each.model_dump_json())
        return
    out.print(_table(found))


@app.command("show")
def show_auditors(
    programme: ProgrammeName, url: Url = DEFAULT_URL, token: TokenText = None, token_file: TokenFile = None
) -> None:
    """Write all auditors as YAML, as `auditors apply` takes them back. For managers."""

    async def act(tallystick: Tallystick) -> dict[str, object]:
        found = [auditor async for auditor in tallystick.auditors.list(programme, page=1000)]
        return {each.auditor: _said(each).model_dump(mode="json", exclude_defaults=True) for each in found}

    content = {"auditors": Connection.of(url, token, token_file).run(act)}
    typer.echo(yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120), nl=False)


@app.command("apply")
def apply_auditors(
    file: Annotated[
        Path, typer.Argument(help="YAML or JSON: auditors, each by the `sub` of their token; - reads standard input.")
    ],
    programme: ProgrammeName,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would become of each, and change nothing.")] = False,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """Add auditors, or bring them to what a document says, and show what became of each. Others stay as they are.

    Where the programme does not take one of them, those before it are there: the same command goes on once that is mended.
    """
    document = read_document(file, AuditorsFile, "auditors")

    async def act(tallystick: Tallystick) -> Counter[str]:
        known = {each.auditor: each async for each in tallystick.auditors.list(programme, page=1000)}
        became: Counter[str] = Counter()
        for name, new in document.auditors.items():
            before = known.get(name)
            what = "added" if before is None else "unchanged" if _said(before) == new else "changed"
            if what != "unchanged" and not dry_run:
                await _put(tallystick, programme, name, new, before)
            out.print(Text(f"{name}: {what}"))
            became[what] += 1
        return became

    became = Connection.of(url, token, token_file).run(act)
    said = ", ".join(f"{became[what]:,} {what}" for what in ("added", "changed", "unchanged"))
    err.print(f"This would be {said}: it was a dry run." if dry_run else f"{said}.")


async def _put(tallystick: Tallystick, programme: str, name: str, new: NewAuditor, before: Auditor | None) -> None:
    """Write one auditor, and end the command, with the name of theirs, where that is refused."""
    try:
        await tallystick.auditors.put(programme, name, new, revision=None if before is None else before.revision)
    except ProblemError as error:
        complain(f"{name}: {error}")
        raise typer.Exit(FAILED) from None


def _said(auditor: Auditor) -> NewAuditor:
    return NewAuditor.model_validate(auditor.model_dump(include=set(NewAuditor.model_fields)))


def _table(auditors: Iterable[Auditor]) -> Table:
    table = Table()
    for column in ("auditor", "name", "team", "languages", "policies", "hours a week", "away", "must not audit"):
        table.add_column(column, overflow="fold", justify="right" if column == "hours a week" else "left")
    for each in auditors:
        table.add_row(
            Text(each.auditor),
            Text(each.name if each.active else f"{each.name} (does not audit now)", "" if each.active else "dim"),
            each.team or "",
            ", ".join(each.languages) or "all",
            ", ".join(each.policies) or "all",
            f"{sum(each.minutes.values()) / _MINUTES:g}",
            ", ".join(f"{away.first_day} to {away.last_day}" for away in each.absences),
            _conflicts(each.conflicts),
        )
    return table


def _conflicts(given: Conflicts) -> Text:
    people = f"{len(given.moderators):,} {'moderator' if len(given.moderators) == 1 else 'moderators'}"
    return Text(", ".join([*given.vendors, *given.sites, *([people] if given.moderators else [])]))
