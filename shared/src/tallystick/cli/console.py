"""Where the command writes, and how it says that something failed.

What others named and wrote is printed in the terminal of somebody else. Characters by which a text could command a terminal, or
turn the order of a line around, are shown as replacement characters.
"""

import sys
from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from tallystick.client import Outage

FAILED = 1
ROWS_NOT_TAKEN = 3
UNREACHABLE = 4
INTERRUPTED = 130

_WIDTH_IN_PIPES = 200
_CONTROLS = {*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029} - {ord("\t"), ord("\n")}
_TURNING = {*range(0x202A, 0x202F), *range(0x2066, 0x206A)}
_SHOWN = dict.fromkeys(_CONTROLS | _TURNING, "\N{REPLACEMENT CHARACTER}")


def harmless(text: str) -> str:
    """A text without what terminals obey."""
    return text.translate(_SHOWN)


class _Harmless(Console):
    """Writes texts as such, whoever wrote them."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """What a renderable consists of. Colours come to it later, and are its own."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(harmless(segment.text), segment.style)


out = _Harmless(highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else _WIDTH_IN_PIPES)
"""Results: what a script may read. What people named stands there as they named it, `[brackets]` and `:colons:` too."""
err = _Harmless(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)
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
