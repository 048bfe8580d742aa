"""The `reporting-api` command."""

import asyncio
from typing import Annotated

import typer

from reporting_api.app import create_app
from reporting_api.projection.worker import rebuild
from reporting_api.settings import ReportingSettings
from tallystick.service.manage import command

main = command("reporting_api", ReportingSettings, create_app)


@main.command("rebuild")
def run_rebuild(programme: Annotated[str | None, typer.Option(help="This programme alone.")] = None) -> None:
    """Drop facts and sums and fill them again from the feeds; the numbers come out the same."""
    reached = asyncio.run(rebuild(ReportingSettings(), programme))
    if not reached:
        typer.echo("There is no such programme.", err=True)
        raise typer.Exit(1)
    for name, position in reached.items():
        typer.echo(f"{name}: rebuilt up to position {position}")


if __name__ == "__main__":
    main()
