"""The commands `tallystick up` and `tallystick demo`."""

import asyncio
import contextlib
import signal
import sys
import tempfile
from collections.abc import Coroutine
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from tallystick.cli.demo import tell
from tallystick_embedded.clock import put_clock
from tallystick_embedded.errors import StackError
from tallystick_embedded.process import discard
from tallystick_embedded.stack import Stack

DataDir = Annotated[Path, typer.Option(readable=False, help="Where the databases and keys are kept; made at first start.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port of the gateway on this machine; 0 takes a free one.")]

_HURRY = {"TALLYSTICK_DETECT_AFTER_SECONDS": "2", "TALLYSTICK_FOLLOW_SECONDS": "0.5", "TALLYSTICK_SWEEP_SECONDS": "0.5"}
"""What the services do by themselves, they do soon."""


def up(data_dir: DataDir = Path("data"), port: Port = 8080) -> None:
    """Run the whole of Tallystick on this machine until Ctrl-C."""

    async def story() -> None:
        async with Stack(data_dir, port=port, say=_say, log=_log) as stack:
            _say(f"Tallystick runs at {stack.url}. Ctrl-C stops it.")
            await asyncio.Event().wait()

    _run(story())


def demo(
    port: Port = 8080,
    logs: Annotated[bool, typer.Option("--logs", help="Show what the processes log.")] = False,
) -> None:
    """Run Tallystick with sample data in a temporary directory until Ctrl-C; nothing is kept."""

    async def story() -> None:
        with tempfile.TemporaryDirectory(prefix="tallystick-demo-") as directory:
            shift = Path(directory) / "shift"
            of_audit = Path(directory) / "shift-of-audit"
            environment = _HURRY | {"TALLYSTICK_CLOCK_SHIFT": str(shift), "TALLYSTICK_AUDIT_CLOCK_SHIFT": str(of_audit)}
            log = _log if logs else discard
            async with Stack(Path(directory), port=port, say=_say, log=log, environment=environment) as stack:
                await tell(stack.url, stack.token, travel=partial(put_clock, shift), sample_travel=partial(put_clock, of_audit))
                _say("Ctrl-C stops Tallystick and removes its data.")
                await asyncio.Event().wait()

    _run(story())


def _run(story: Coroutine[Any, Any, None]) -> None:
    """Run until the story ends or a signal says so; a reason why not goes to standard error, with exit code 1."""
    try:
        asyncio.run(_until_signalled(story))
    except StackError as error:
        _write(sys.stderr, f"tallystick: {error}")
        raise typer.Exit(1) from None


async def _until_signalled(story: Coroutine[Any, Any, None]) -> None:
    loop = asyncio.get_running_loop()
    task = loop.create_task(story)
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _say(line: str) -> None:
    _write(sys.stdout, line)


def _log(name: str, line: str) -> None:
    _write(sys.stderr, f"{name:<13} | {line}")


def _write(stream: TextIO, line: str) -> None:
    """Print a line; where nobody reads any more, stop in order."""
    try:
        print(line, file=stream, flush=True)
    except BrokenPipeError:
        signal.raise_signal(signal.SIGTERM)
