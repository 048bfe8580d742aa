"""Child processes that never outlive the supervisor, and whose output is forwarded line by line."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from subprocess import SubprocessError
from typing import Any

from tallystick_embedded.account import Account
from tallystick_embedded.errors import StackError

Log = Callable[[str, str], None]
"""Takes a program's name and one line that it wrote."""

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1
_LAST_LINES = 20


@dataclass(frozen=True)
class Program:
    """What to run, as whom, and how to ask it to stop."""

    name: str
    command: tuple[str | Path, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    patience: float = 30
    """Seconds from the stop signal to SIGKILL."""


class Child:
    """A program that runs until it is told to stop. Its end at any other time goes to `on_death`."""

    def __init__(self, program: Program, log: Log, on_death: Callable[[StackError], None]) -> None:
        self.program = program
        self._log = log
        self._on_death = on_death
        self._lines: deque[str] = deque(maxlen=_LAST_LINES)
        self._told_to_stop = False
        self._process: Process | None = None
        self._following: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def start(self) -> None:
        """Start the program."""
        self._told_to_stop = False
        self._lines.clear()
        self._process = await _spawn(self.program)
        self._following = asyncio.create_task(self._follow(self._process), name=self.program.name)

    async def stop(self, how: signal.Signals | None = None) -> None:
        """Send the stop signal (or `how`) and kill what does not end in time; returns when all its output is read."""
        self._told_to_stop = True
        if self._process is None or self._following is None:
            return
        for number, patience in ((how or self.program.stop_signal, self.program.patience), (signal.SIGKILL, None)):
            if self._process.returncode is None:
                self._process.send_signal(number)
            ended, _ = await asyncio.wait([self._following], timeout=patience)
            if ended:
                return

    async def until(self, ready: Callable[[], Awaitable[bool]], seconds: float) -> None:
        """Wait until `ready` says so.

        Raises:
            StackError: where the program ends or `seconds` pass before that.
        """
        deadline = time.monotonic() + seconds
        while not await ready():
            if self._following is None or self._following.done():
                raise self.complaint("ended before it was ready")
            if time.monotonic() > deadline:
                raise self.complaint(f"was not ready within {seconds:.0f} seconds")
            await asyncio.sleep(0.05)

    def complaint(self, what: str) -> StackError:
        """An error about this program that quotes its last lines."""
        return _complaint(self.program, what, self._lines)

    async def _follow(self, process: Process) -> None:
        def remember(name: str, line: str) -> None:
            self._lines.append(line)
            self._log(name, line)

        code = await _forward(process, self.program.name, remember)
        if not self._told_to_stop:
            self._on_death(self.complaint(_ending(code)))


def discard(_name: str, _line: str) -> None:
    """The log of those who want none."""


async def run_to_end(program: Program, log: Log = discard) -> None:
    """Run a program that ends by itself.

    Raises:
        StackError: where it fails, quoting its last lines.
    """
    lines: deque[str] = deque(maxlen=_LAST_LINES)

    def remember(name: str, line: str) -> None:
        lines.append(line)
        log(name, line)

    process = await _spawn(program)
    try:
        code = await _forward(process, program.name, remember)
    except asyncio.CancelledError:
        process.send_signal(program.stop_signal)
        await process.wait()
        raise
    if code != 0:
        raise _complaint(program, _ending(code), lines)


async def together(*work: Coroutine[Any, Any, None]) -> None:
    """Do all of it at once; the first error cancels the rest and is raised."""
    try:
        async with asyncio.TaskGroup() as tasks:
            for each in work:
                tasks.create_task(each)
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None


async def undisturbed(work: Coroutine[Any, Any, None]) -> None:
    """Do it to its end, whoever cancels the caller meanwhile: for stopping, whose every step has its own time limit."""
    task = asyncio.create_task(work)
    while not task.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.shield(task)
    task.result()


async def _spawn(program: Program) -> Process:
    try:
        return await asyncio.create_subprocess_exec(
            *program.command,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
            env={**os.environ, **program.environment},
            cwd="/",
            start_new_session=True,  # Ctrl-C in the terminal is for the supervisor, which stops the others in their order
            preexec_fn=partial(_settle, program, os.getpid()),
        )
    except (OSError, SubprocessError) as error:
        raise StackError(f"{program.name} cannot be started from {program.command[0]}: {error}") from error


def _settle(program: Program, supervisor: int) -> None:
    """Runs in the child before the program: take on its account, and die with the supervisor even if that is killed."""
    if program.account is not None:
        program.account.assume()
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, program.stop_signal, 0, 0, 0)
        if os.getppid() != supervisor:
            os._exit(1)


async def _forward(process: Process, name: str, log: Log) -> int:
    """Pass each line on until every process that holds the pipe has ended; returns the exit code."""
    assert process.stdout is not None  # noqa: S101 - it was asked for in _spawn
    rest = b""
    while chunk := await process.stdout.read(65_536):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            log(name, line.decode(errors="replace"))
    if rest:
        log(name, rest.decode(errors="replace"))
    return await process.wait()


def _ending(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def _complaint(program: Program, what: str, lines: deque[str]) -> StackError:
    quoted = "".join(f"\n  {line}" for line in lines)
    return StackError(f"{program.name} {what}." + (f" Its last lines:{quoted}" if quoted else " It wrote nothing."))
