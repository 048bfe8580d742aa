"""`tallystick work`: claim items to audit, see one's own, and give them back."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import typer
from rich.table import Table
from rich.text import Text

from tallystick.cli import figures
from tallystick.cli.console import err, out, print_first
from tallystick.cli.filters import PANEL, Names
from tallystick.cli.options import DEFAULT_URL, AsJson, Connection, ProgrammeName, TokenFile, TokenText, Url, up_to
from tallystick.client import Tallystick
from tallystick.schemas.sampling import HandBack, HandBackReason, ItemState, SampleItem

app = typer.Typer(name="work", help="Claim items to audit, see your own, and give them back.", no_args_is_help=True)

ItemId = Annotated[UUID, typer.Argument(metavar="ID", help="The item's id.")]


@app.command("mine")
def list_items(
    programme: ProgrammeName,
    state: Annotated[list[ItemState] | None, typer.Option(rich_help_panel=PANEL, help="[default: claimed]")] = None,
    claimed_by: Names = None,
    limit: Annotated[int, typer.Option(min=1, help="How many items at most.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON, one item a line, instead of a table.")] = False,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """List what you have in hand, or what you have audited. Managers see everybody's, and narrow it with `--claimed-by`."""

    async def act(tallystick: Tallystick) -> tuple[list[SampleItem], bool]:
        states = state or (ItemState.CLAIMED,)
        found = tallystick.items.list(programme, states, claimed_by=claimed_by or (), page=min(limit, 1000))
        return await up_to(limit, found)

    found, more = Connection.of(url, token, token_file).run(act)
    if as_json:
        for item in found:
            typer.echo(item.model_dump_json())
        return
    print_first(_table(found), limit, more=more)


@app.command("claim")
def claim_item(
    programme: ProgrammeName,
    lighter: Annotated[bool, typer.Option("--lighter", help="Something light, without a reason.")] = False,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """Claim the next item that you may audit, and show it, or say why there is none. Who has one in hand is shown it again."""
    claimed = Connection.of(url, token, token_file).run(lambda tallystick: tallystick.items.claim(programme, lighter=lighter))
    if as_json:
        typer.echo(claimed.model_dump_json(indent=2))
        return
    if claimed.message:
        again = "" if claimed.again_at is None else f" Ask again from {_moment(claimed.again_at)} UTC on."
        err.print(Text(f"{claimed.message}{again}"))
    if claimed.item is not None:
        out.print(_facts(claimed.item))


@app.command("hand-back")
def hand_back_item(
    item: ItemId,
    programme: ProgrammeName,
    reason: Annotated[HandBackReason, typer.Option(help="Why. Of `wellbeing` nothing is kept, and nothing more is asked.")],
    comment: Annotated[str | None, typer.Option(help="What managers should know besides.")] = None,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """Give an item back that you have in hand. It goes to somebody else, and does not come to you again."""

    async def act(tallystick: Tallystick) -> SampleItem:
        found = await tallystick.items.read(programme, item)
        return await tallystick.items.hand_back(
            programme, item, HandBack(reason=reason, comment=comment), revision=found.revision
        )

    given = Connection.of(url, token, token_file).run(act)
    void = given.state is ItemState.VOID
    err.print("Given back: nobody is asked to audit it." if void else "Given back: it goes to somebody else.")


def _table(items: list[SampleItem]) -> Table:
    table = Table()
    for column in ("id", "state", "by", "vendor", "queue", "language", "policy", "action", "due (UTC)", "yours until (UTC)"):
        table.add_column(column, no_wrap=column == "id", overflow="fold")
    for each in items:
        table.add_row(
            str(each.id),
            each.state,
            Text(each.audited_by or each.claimed_by or ""),
            each.vendor,
            each.queue,
            each.language,
            each.policy,
            each.action,
            _moment(each.due_at),
            _moment(each.lease_until),
        )
    return table


def _facts(item: SampleItem) -> Table:
    decided = f"{item.action}, {item.policy}, at {_moment(item.decided_at)} UTC"
    return figures.facts(
        {
            "id": item.id,
            "content": item.content_ref,
            "show it": ", ".join(item.render_hints),
            "kind": item.modality,
            "where": f"{item.vendor}/{item.site}, {item.queue}, {item.market}, {item.language}",
            "decided": decided,
            "due": f"{_moment(item.due_at)} UTC",
            "yours until": f"{_moment(item.lease_until)} UTC" if item.lease_until else None,
        }
    )


def _moment(at: datetime | None) -> str:
    return figures.due(at, overdue=False).plain
