"""The composition of the command, and what its errors look like."""

import sys
from collections.abc import Sequence
from importlib.metadata import entry_points, version
from typing import Annotated

import typer

from tallystick.cli import (
    actions,
    appeals,
    auditors,
    audits,
    calibration,
    cases,
    changes,
    decisions,
    exposures,
    lots,
    numbers,
    programmes,
    pushing,
    reports,
    sampling,
    signals,
    staffing,
    tokens,
    work,
)
from tallystick.cli.console import FAILED, UNREACHABLE, complain
from tallystick.client import TallystickError, UnreachableError

COMMANDS = "tallystick.commands"
"""The entry points under which other distributions add commands."""


def create_app() -> typer.Typer:
    """The command with everything that is installed here."""
    app = typer.Typer(
        name="tallystick",
        help="Quality assurance for content moderation with outside vendors.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
    )

    @app.callback()
    def options(
        show_version: Annotated[
            bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
        ] = False,
    ) -> None:
        pass

    app.add_typer(tokens.app)
    app.add_typer(programmes.app)
    app.command("push")(pushing.push)
    app.add_typer(audits.app)
    app.add_typer(decisions.app)
    app.add_typer(appeals.app)
    app.add_typer(calibration.app)
    app.add_typer(sampling.app)
    app.add_typer(lots.app)
    app.add_typer(auditors.app)
    app.add_typer(work.app)
    app.add_typer(exposures.app)
    app.add_typer(staffing.app)
    app.command("metrics")(numbers.metrics)
    app.add_typer(reports.app)
    app.command("decomposition")(changes.decomposition)
    app.command("effect")(changes.effect)
    app.command("signals")(signals.signals)
    app.add_typer(cases.app)
    app.add_typer(actions.app)
    for entry in sorted(entry_points(group=COMMANDS), key=lambda entry: entry.name):
        app.command(entry.name)(entry.load())
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit: 0 done, 1 refused, 2 wrong usage, 3 rows not taken, 4 not reachable, 130 interrupted."""
    app = create_app()
    try:
        app(arguments)
    except UnreachableError as error:
        complain(f"No answer from {error}")
        sys.exit(UNREACHABLE)
    except (TallystickError, OSError) as error:
        complain(str(error))
        sys.exit(FAILED)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version("tallystick"))
        raise typer.Exit
