"""The `reporting-api` command."""

import asyncio
from typing import Annotated

import typer

from reporting_api.projection.worker import rebuild
from reporting_api.settings import ReportingSettings
from tallystick.client import TallystickError
from tallystick.service.manage import command
from tallystick.service.pages.assets import Assets, pack_vega

main = command("reporting_api", ReportingSettings)


@main.command("rebuild")
def run_rebuild(programme: Annotated[str | None, typer.Option(help="This programme alone.")] = None) -> None:
    """Drop facts, sums and work and fill them again from the feeds; the numbers come out the same."""
    try:
        reached = asyncio.run(rebuild(ReportingSettings(), programme))
    except TallystickError as error:
        typer.echo(f"The feeds cannot be read: {error}", err=True)
        raise typer.Exit(1) from None
    if not reached:
        typer.echo("There is no such programme.", err=True)
        raise typer.Exit(1)
    for (name, feed), position in reached.items():
        typer.echo(f"{name}: rebuilt up to position {position} of {feed}-api's feed")


@main.command("pack")
def run_pack() -> None:
    """Pack the scripts that draw charts into the installation, so that the first page of a process need not wait for that."""
    typer.echo(Assets("reporting_api.dashboard").install(asyncio.run(pack_vega())))


if __name__ == "__main__":
    main()
