"""`tallystick metrics` and `tallystick report`: numbers as tables."""

import typer

reports = typer.Typer(name="report", help="Named reports.", no_args_is_help=True)


def metrics() -> None:
    """Numbers."""


@reports.command("x")
def x() -> None:
    """X."""
