"""`tallystick staffing`: arrange who is to audit what, and read the plans."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import typer
from pydantic import ValidationError
from rich.table import Table
from rich.text import Text

from tallystick.cli.console import out, print_first
from tallystick.cli.options import DEFAULT_URL, AsJson, Connection, ProgrammeName, TokenFile, TokenText, Url, refused, up_to
from tallystick.cli.staffing_tables import Named, day_table, plan_tables
from tallystick.client import Tallystick
from tallystick.schemas.staffing import NewStaffingPlan, StaffingPlan, StaffingPlanHead

app = typer.Typer(name="staffing", help="Arrange who is to audit what, and read the plans.", no_args_is_help=True)

PlanId = Annotated[UUID, typer.Argument(metavar="ID", help="The plan's id.")]
_DAYS = ["%Y-%m-%d"]


@app.command("make")
def make_plan(
    programme: ProgrammeName,
    first_day: Annotated[datetime, typer.Option(formats=_DAYS, help="The first day.")],
    last_day: Annotated[datetime, typer.Option(formats=_DAYS, help="The last day; 31 days at most.")],
    fair: Annotated[
        float,
        typer.Option(help="How many times the mean share anybody should get at most, where no item less is covered for it."),
    ] = 1.5,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """Arrange people for a period, so that as much as can be is audited in time, and show the plan. It may take half a minute."""
    try:
        new = NewStaffingPlan(first_day=first_day.date(), last_day=last_day.date(), fair=fair)
    except ValidationError as error:
        raise refused(error, "last_day") from None

    async def act(tallystick: Tallystick) -> tuple[StaffingPlan, Named]:
        plan = await tallystick.staffing_plans.make(programme, new)
        return plan, Named() if as_json else await _named(tallystick, programme, plan)

    _show(*Connection.of(url, token, token_file).run(act), None, as_json=as_json)


@app.command("list")
def list_plans(
    programme: ProgrammeName,
    limit: Annotated[int, typer.Option(min=1, help="How many plans at most.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON, one plan a line, instead of a table.")] = False,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """List staffing plans, newest first. Work is handed out by the newest."""

    async def act(tallystick: Tallystick) -> tuple[list[StaffingPlanHead], bool]:
        return await up_to(limit, tallystick.staffing_plans.list(programme, page=min(limit, 1000)))

    found, more = Connection.of(url, token, token_file).run(act)
    if as_json:
        for each in found:
            typer.echo(each.model_dump_json())
        return
    table = Table()
    for column in ("id", "period", "covered", "items", "made (UTC)", "by"):
        table.add_column(column, no_wrap=column == "id", justify="right" if column in {"covered", "items"} else "left")
    for each in found:
        period, made = f"{each.first_day} to {each.last_day}", f"{each.made_at:%Y-%m-%d %H:%M}"
        table.add_row(str(each.id), period, f"{each.covered:,}", f"{each.items:,}", made, Text(each.made_by))
    print_first(table, limit, more=more)


@app.command("show")
def show_plan(
    plan: PlanId,
    programme: ProgrammeName,
    day: Annotated[
        datetime | None, typer.Option(formats=_DAYS, help="Who does which strata on this day, instead of the whole.")
    ] = None,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """Show who does how much, what is not covered and why, what would help, and what caps cost; to auditors their own part."""

    async def act(tallystick: Tallystick) -> tuple[StaffingPlan, Named]:
        found = await tallystick.staffing_plans.read(programme, plan)
        return found, Named() if as_json else await _named(tallystick, programme, found)

    _show(*Connection.of(url, token, token_file).run(act), None if day is None else day.date(), as_json=as_json)


def _show(plan: StaffingPlan, named: Named, day: date | None, *, as_json: bool) -> None:
    if as_json:
        typer.echo(plan.model_dump_json(indent=2))
        return
    out.print(plan_tables(plan, named) if day is None else day_table(plan, named, day))


async def _named(tallystick: Tallystick, programme: str, plan: StaffingPlan) -> Named:
    """The names of what a plan speaks of by its ids."""
    named = Named()
    for draw_id in {each.draw_id for each in plan.assignments} | {each.draw_id for each in plan.gaps}:
        draw = await tallystick.draws.read(programme, draw_id)
        named.draws[draw_id] = f"{draw.title}, {draw.first_day} to {draw.last_day}"
        async for each in tallystick.draws.strata(programme, draw_id):
            named.strata[draw_id, each.stratum] = ", ".join(value or "(none)" for value in each.values.values())
    return named
