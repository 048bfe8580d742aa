"""The command of the benches."""

import argparse
import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import agreement, claims, decisions, effects, ingest, metrics, projection, read, staffing
from bench.figures import HEADINGS, Figure, markdown
from bench.ground import Ground
from tallystick_embedded.stack import Stack

BENCHES: Mapping[str, Callable[[Ground], AsyncIterator[Figure]]] = {
    "ingest": ingest.measure,
    "decisions": decisions.measure,
    "read": read.measure,
    "projection": projection.measure,
    "metrics": metrics.measure,
    "agreement": agreement.measure,
    "effects": effects.measure,
    "staffing": staffing.measure,
    "claims": claims.measure,
}


def main() -> None:
    """Run the benches that the command line names, all of them without a name."""
    parser = argparse.ArgumentParser(prog="tests/bench", description="Measure the product beside its references.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHES)}; all without any")
    parser.add_argument("--quick", action="store_true", help="take little of everything, to see that it works")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table there too")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - BENCHES.keys()
    if unknown:
        parser.error(f"there is no bench called {', '.join(sorted(unknown))}: choose of {', '.join(BENCHES)}")
    figures = asyncio.run(_run(arguments.names or list(BENCHES), quick=arguments.quick))
    console = Console()
    Console(width=max(console.width, 160)).print(_table(figures))
    if arguments.markdown is not None:
        arguments.markdown.write_text(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC\n\n{markdown(figures)}")


async def _run(names: list[str], *, quick: bool) -> list[Figure]:
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="tallystick-bench-") as directory:
        async with Stack(Path(directory) / "data", port=0) as stack, Ground(stack, quick=quick) as ground:
            for name in names:
                started = time.monotonic()
                async for figure in BENCHES[name](ground):
                    print(f"{name}: {' | '.join(figure.cells)}", flush=True)
                    figures.append(figure)
                print(f"{name}: {time.monotonic() - started:.0f} s", flush=True)
    return figures


def _table(figures: list[Figure]) -> Table:
    table = Table()
    for place, heading in enumerate(HEADINGS):
        table.add_column(heading, justify="right" if 0 < place < 5 else "left")
    for figure in figures:
        table.add_row(*figure.cells)
    return table
