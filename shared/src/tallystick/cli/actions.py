"""`tallystick actions`: what is to be done about root causes, by whom and until when."""

from collections.abc import Iterable
from typing import Annotated
from uuid import UUID

import typer
from rich.table import Table
from rich.text import Text

from tallystick.cli import figures
from tallystick.cli.console import out, print_first
from tallystick.cli.filters import PANEL, Names
from tallystick.cli.options import DEFAULT_URL, AsJson, Connection, ProgrammeName, TokenFile, TokenText, Url, up_to
from tallystick.client import Filters, Tallystick
from tallystick.schemas.action import Action, ActionKind, ActionState

app = typer.Typer(name="actions", help="List actions, and show one.", no_args_is_help=True)

ActionId = Annotated[UUID, typer.Argument(metavar="ID", help="The action's id.")]


@app.command("list")
def list_actions(
    programme: ProgrammeName,
    mine: Annotated[bool, typer.Option("--mine", rich_help_panel=PANEL, help="Your own alone.")] = False,
    overdue: Annotated[
        bool, typer.Option("--overdue", rich_help_panel=PANEL, help="Those alone that should be done and are not.")
    ] = False,
    state: Annotated[list[ActionState] | None, typer.Option(rich_help_panel=PANEL)] = None,
    kind: Annotated[list[ActionKind] | None, typer.Option(rich_help_panel=PANEL)] = None,
    owner: Names = None,
    owner_vendor: Names = None,
    case: Annotated[list[UUID] | None, typer.Option(rich_help_panel=PANEL, help="Of this case.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many actions at most.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON, one action a line, instead of a table.")] = False,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """List actions, newest first."""
    query: Filters = {
        "mine": mine or None,
        "overdue": overdue or None,
        "state": state,
        "kind": kind,
        "owner": owner,
        "owner_vendor": owner_vendor,
        "case_id": [str(each) for each in case or ()],
    }

    async def act(tallystick: Tallystick) -> tuple[list[Action], bool]:
        return await up_to(limit, tallystick.actions.list(programme, query, page=min(limit, 1000)))

    found, more = Connection.of(url, token, token_file).run(act)
    if as_json:
        for action in found:
            typer.echo(action.model_dump_json())
        return
    print_first(action_table(found), limit, more=more)


@app.command("show")
def show_action(
    action: ActionId,
    programme: ProgrammeName,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """Show an action as it stands, with what it waits for, its evidence, and the steps that lead on."""
    found = Connection.of(url, token, token_file).run(lambda tallystick: tallystick.actions.read(programme, action))
    if as_json:
        typer.echo(found.model_dump_json())
        return
    shown = {
        "id": found.id,
        "case": found.case_id,
        "title": found.title,
        "description": found.description,
        "kind": found.kind,
        "state": _words(found.state),
        "owner": _owner(found),
        "due": figures.due(found.due_at, overdue=found.overdue),
        "escalated to": _words(found.escalated_to or ""),
        "waits for": ", ".join(map(str, found.depends_on)),
        "evidence": "\n".join(f"{each.reference}: {each.note}" if each.note else each.reference for each in found.evidence),
        "note": found.note,
        "done": f"{found.done_at:%Y-%m-%d %H:%M} UTC by {found.done_by}" if found.done_at else None,
        "on time": {True: "yes", False: "no", None: None}[found.on_time],
        "verified": f"{found.verified_at:%Y-%m-%d %H:%M} UTC by {found.verified_by}" if found.verified_at else None,
        "possible": ", ".join(found.possible),
    }
    out.print(figures.facts(shown))


def action_table(actions: Iterable[Action], title: str | None = None) -> Table:
    """Actions, those that are overdue in red."""
    table = Table(title=title, title_justify="left")
    for column in ("id", "title", "kind", "state", "owner", "due (UTC)", "escalated to"):
        table.add_column(column, no_wrap=column == "id", overflow="fold")
    for action in actions:
        table.add_row(
            str(action.id),
            Text(action.title),
            action.kind,
            _words(action.state),
            _owner(action),
            figures.due(action.due_at, overdue=action.overdue),
            _words(action.escalated_to or ""),
        )
    return table


def _owner(action: Action) -> str:
    return f"{action.owner} ({action.owner_vendor})" if action.owner_vendor else action.owner


def _words(name: str) -> str:
    return name.replace("_", " ")
