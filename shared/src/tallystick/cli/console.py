"""Where the command writes, and how it says that something failed."""

import sys

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tallystick.client import Outage

FAILED = 1
ROWS_NOT_TAKEN = 3
UNREACHABLE = 4
INTERRUPTED = 130

_WIDTH_IN_PIPES = 200

out = Console(highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else _WIDTH_IN_PIPES)
"""Results: what a script may read. What people named stands there as they named it, `[brackets]` and `:colons:` too."""
err = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)
"""Progress and errors: what a person may read."""


def print_first(table: Table, limit: int, *, more: bool) -> None:
    """Print the table of a list that has a limit, and say where there is more of it."""
    out.print(table)
    if more:
        err.print(f"The first {limit:,} are shown; --limit shows more.")


def complain(message: str) -> None:
    """Say what went wrong: the first line stands out."""
    first, *rest = message.splitlines() or [""]
    err.print(Text("tallystick: ", "bold red").append(first, "bold"))
    for line in rest:
        err.print(Text(line))


def report_outage(outage: Outage) -> None:
    """Say that the command waits, and for what."""
    lasted = f", {outage.lasted_s:.0f} s so far" if outage.lasted_s >= 1 else ""
    err.print(Text(f"{outage.reason}; trying again in {outage.delay_s:.1f} s{lasted}.", "yellow"))
