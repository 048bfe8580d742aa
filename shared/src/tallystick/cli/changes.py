"""`tallystick decomposition` and `tallystick effect`: why a rate changed, and whether a plan worked."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

import typer
from pydantic import ValidationError
from rich.console import Group

from tallystick.cli.change_tables import change_tables, effect_tables
from tallystick.cli.console import out
from tallystick.cli.filters import PANEL, FromDay, Names, ToDay, filtered
from tallystick.cli.numbers import print_scope
from tallystick.cli.options import DEFAULT_URL, AsJson, Connection, ProgrammeName, TokenFile, TokenText, Url, refused
from tallystick.client import Filters
from tallystick.schemas.decomposition import Facet, RateMeasure
from tallystick.schemas.effect import EffectPlan
from tallystick.schemas.metric import View
from tallystick.schemas.programme import ErrorClass

_WINDOWS = "The windows, in days of the programme's time zone"
_PROMISE = "The promise"

Measured = Annotated[RateMeasure, typer.Option("--measure", "-m", help="Which rate.")]
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="DAY", rich_help_panel=_WINDOWS)]


@filtered
def decomposition(
    programme: ProgrammeName,
    filters: Filters,
    measure: Measured = "error_rate",
    by: Annotated[
        list[Facet] | None,
        typer.Option("--by", "-b", help="What to cut the change by, up to four; all one by one if left out."),
    ] = None,
    begin: FromDay = None,
    end: ToDay = None,
    baseline_from: Annotated[
        str | None, typer.Option(metavar="DAY", rich_help_panel=PANEL, help="The first day of what it is compared with.")
    ] = None,
    baseline_to: Annotated[str | None, typer.Option(metavar="DAY", rich_help_panel=PANEL, help="The day after its last.")] = None,
    view: Annotated[View, typer.Option(help="Which judgement counts.")] = View.ADJUDICATED,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many segments of each cut at most.")] = 10,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """Show why a rate changed: how much is mix and how much rate, by segment, which segments lead, and what else was different.

    Without a period it covers the four weeks that end with the last audit, beside the eight before them.
    """
    query: Filters = {
        "measure": measure,
        "by": by,
        **filters,
        "from": begin,
        "to": end,
        "baseline_from": baseline_from,
        "baseline_to": baseline_to,
        "view": view,
        "limit": limit,
    }
    found = Connection.of(url, token, token_file).run(lambda tallystick: tallystick.decomposition(programme, query))
    if as_json:
        typer.echo(found.model_dump_json(by_alias=True))
        return
    out.print(Group(*change_tables(found)))
    print_scope(found.scope)


def effect(
    programme: ProgrammeName,
    case: Annotated[
        UUID | None, typer.Option(help="Judge the plan that is registered for this case, instead of one that options say.")
    ] = None,
    baseline_from: Day = None,
    baseline_to: Day = None,
    verification_from: Day = None,
    verification_to: Day = None,
    measure: Measured = "error_rate",
    wanted: Annotated[
        float, typer.Option(min=0.0, max=1.0, rich_help_panel=_PROMISE, help="By which share it falls beyond the rest.")
    ] = 0.5,
    minimum_sample: Annotated[int, typer.Option(min=1, rich_help_panel=_PROMISE, help="Audits after, at least.")] = 100,
    control_vendor: Annotated[
        list[str] | None, typer.Option(rich_help_panel=_PROMISE, help="Take the rest from this vendor's audits alone.")
    ] = None,
    vendor: Names = None,
    site: Names = None,
    queue: Names = None,
    market: Names = None,
    language: Names = None,
    policy: Names = None,
    error_class: Annotated[list[ErrorClass] | None, typer.Option(rich_help_panel=PANEL)] = None,
    error_code: Names = None,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """Show whether a plan worked: a rate before and after in its scope (the filters) beside the rest, with the verdict of now."""
    scope = {
        "vendor": vendor,
        "site": site,
        "queue": queue,
        "market": market,
        "language": language,
        "policy": policy,
        "error_class": error_class,
        "error_code": error_code,
    }
    windows = {
        "baseline": (baseline_from, baseline_to),
        "verification": (verification_from, verification_to),
    }
    promise = {"measure": measure, "wanted": wanted, "minimum_sample": minimum_sample, "control_vendor": control_vendor}
    connection = Connection.of(url, token, token_file)
    if case is None:
        plan = _plan(scope, windows, promise)
    else:
        plan = connection.run(lambda tallystick: tallystick.plans.read(programme, case)).effect
    found = connection.run(lambda tallystick: tallystick.effect(programme, plan))
    if as_json:
        typer.echo(found.model_dump_json(by_alias=True))
        return
    out.print(Group(*effect_tables(found)))
    print_scope(found.scope)


def _plan(
    scope: Mapping[str, Sequence[str] | None],
    windows: Mapping[str, tuple[datetime | None, datetime | None]],
    promise: Mapping[str, object],
) -> EffectPlan:
    """The plan that options say."""
    given = {name: value for name, value in promise.items() if value is not None}
    given["scope"] = {name: values for name, values in scope.items() if values}
    for name, (first, end) in windows.items():
        if first is None or end is None:
            missing = f"--{name}-{'from' if first is None else 'to'}"
            raise typer.BadParameter("a plan has both windows; or name its --case.", param_hint=missing)
        given[name] = {"from": first.date(), "to": end.date(), "time_zone": "UTC"}  # the zone is the programme's: it is not sent
    try:
        return EffectPlan.model_validate(given)
    except ValidationError as error:
        raise refused(error) from None
