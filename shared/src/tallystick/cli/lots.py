"""`tallystick lots`: what became of lots, and what a sampling plan risks."""

from typing import Annotated
from uuid import UUID

import typer
from rich.table import Table

from tallystick.cli.console import out
from tallystick.cli.options import DEFAULT_URL, AsJson, Connection, ProgrammeName, TokenFile, TokenText, Url
from tallystick.client import Tallystick
from tallystick.schemas.lot import Lot, LotPage, LotVerdict, Severity105
from tallystick.schemas.sampling import InspectionLevel

app = typer.Typer(name="lots", help="See what became of lots, and what a plan risks.", no_args_is_help=True)

_EVERY = 4
"""So many points of the curve make a row."""


@app.command("list")
def list_lots(
    programme: ProgrammeName,
    vendor: Annotated[list[str] | None, typer.Option(help="Of this vendor alone; may be repeated.")] = None,
    draw: Annotated[list[UUID] | None, typer.Option(help="Of this draw alone; may be repeated.")] = None,
    verdict: Annotated[list[LotVerdict] | None, typer.Option(help="Only those; may be repeated.")] = None,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """List lots, newest period first, each with what its audits say of it by now."""
    filters = {"vendor": vendor, "draw_id": [str(each) for each in draw or ()], "verdict": verdict}

    async def act(tallystick: Tallystick) -> list[Lot]:
        return [lot async for lot in tallystick.lots.list(programme, filters)]

    found = Connection.of(url, token, token_file).run(act)
    if as_json:
        typer.echo(LotPage(items=tuple(found)).model_dump_json(indent=2))
        return
    table = Table("period", "stratum", "decisions", "inspection", "audited", "errors", "Ac/Re", "verdict")
    for each in found:
        stratum = ", ".join(value or "(none)" for value in each.values.values())
        inspection = f"{each.code_letter}, {each.severity}, AQL {each.aql:g}"
        table.add_row(
            f"{each.first_day} to {each.last_day}",
            stratum,
            f"{each.decisions:,}",
            inspection,
            f"{each.audited:,} of {each.sample:,}",
            f"{each.errors:,}",
            f"{each.accept}/{each.reject}",
            each.verdict,
        )
    out.print(table)


@app.command("curve")
def show_curve(
    size: Annotated[int, typer.Option(min=1, help="Decisions in the lot.")],
    aql: Annotated[float, typer.Option(help="Errors in a hundred decisions, one of the standard's.")],
    level: Annotated[InspectionLevel, typer.Option(help="How large samples are.")] = InspectionLevel.II,
    severity: Annotated[Severity105, typer.Option(help="How severely the lot is inspected.")] = Severity105.NORMAL,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """Show how likely lots are accepted by their error rate, and what that risks on either side."""
    found = Connection.of(url, token, token_file).run(lambda tallystick: tallystick.lots.curve(size, aql, level, severity))
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
        return
    table = Table("error rate", "accepted")
    for point in found.curve[::_EVERY]:
        table.add_row(f"{point.error_rate:.2%}", f"{point.acceptance:.1%}")
    out.print(table)
    out.print(
        f"{found.code_letter}: {found.sample:,} audits, accepted with up to {found.accept} errors, rejected with {found.reject}."
        f" A lot exactly at the AQL is rejected with {found.producers_risk:.1%};"
        f" one in ten is accepted at an error rate of {found.consumers_quality:.1%}."
    )
