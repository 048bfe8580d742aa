"""The ground that benches stand on: the real stack, a second process that measures, and ways into the databases."""

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal, ParamSpec, Self, TypeVar

import asyncpg
import httpx
import psutil

from bench import wire
from bench.rows import programme_document
from tallystick.schemas.principal import Role
from tallystick_embedded.errors import StackError
from tallystick_embedded.process import Child, Program, discard
from tallystick_embedded.stack import Stack

_TESTS = Path(__file__).resolve().parents[1]
BATCH_KIND = "application/x-ndjson"

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class Ground:
    """What a bench works with.

    Args:
        stack: runs.
        quick: whether to take little of everything, to see that it works.
    """

    def __init__(self, stack: Stack, *, quick: bool) -> None:
        self.stack = stack
        self.quick = quick
        self.token = stack.token(Role.ADMIN)
        self._measuring = ProcessPoolExecutor(1, mp_context=get_context("spawn"))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._measuring.shutdown()

    async def measured(self, work: Callable[Arguments, Result], *args: Arguments.args, **_: Arguments.kwargs) -> Result:
        """Do the work in the process that measures."""
        return await asyncio.get_running_loop().run_in_executor(self._measuring, work, *args)

    async def programme(self, slug: str, **changes: Any) -> str:
        """Make a programme that takes the generated rows."""
        document = programme_document(slug) | changes
        async with httpx.AsyncClient(trust_env=False, headers={"Authorization": f"Bearer {self.token}"}) as client:
            (await client.put(f"{self.stack.url}/audit/v1/programmes/{slug}", json=document)).raise_for_status()
        return slug

    async def push(self, programme: str, body: bytes, *, expected: str = "created") -> float:
        """Push a batch through the gateway; answers the seconds, and insists that every row got the expected verdict."""
        sent = wire.request("POST", f"/audit/v1/audit-batches?programme={programme}", self.token, body, BATCH_KIND)
        answer = await self.measured(wire.once, self.stack.url, sent)
        counts = answer.content()["counts"]
        if counts[expected] != counts["rows"]:
            raise RuntimeError(f"not every row was {expected}: {counts}")
        return answer.seconds

    def process(self, name: str) -> psutil.Process:
        """The process of a service."""
        return psutil.Process(self.stack.pids[name])

    @contextlib.contextmanager
    def paused(self, name: str) -> Iterator[None]:
        """Let a service stand still, so that it takes nothing from what is measured."""
        process = self.process(name)
        process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            process.send_signal(signal.SIGCONT)

    @contextlib.asynccontextmanager
    async def database(self, name: Literal["audit", "reporting"]) -> AsyncIterator[asyncpg.Connection]:
        """A connection as the superuser, who passes row-level security."""
        connection = await asyncpg.connect(self.superuser_url(name))
        try:
            yield connection
        finally:
            await connection.close()

    def superuser_url(self, name: Literal["audit", "reporting"]) -> str:
        """The address of a database for the superuser."""
        return self.stack.database_url(name).replace(f"{name}_runtime@", "postgres@")

    @contextlib.asynccontextmanager
    async def reference(self) -> AsyncIterator[str]:
        """The handlers of `bench.reference` in a process of their own; answers their address."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        environment = {
            "PYTHONPATH": str(_TESTS),
            "AUDIT_DATABASE": self.superuser_url("audit"),
            "REPORTING_DATABASE": self.superuser_url("reporting"),
        }
        child = Child(
            Program("reference", (sys.executable, "-m", "bench.reference", str(port)), environment), discard, _unexpected
        )
        await child.start()
        address = f"http://127.0.0.1:{port}"

        async def ready() -> bool:
            with contextlib.suppress(OSError):
                await asyncio.to_thread(wire.once, address, wire.request("GET", "/", ""))
                return True
            return False

        try:
            await child.until(ready, 30)
            yield address
        finally:
            await child.stop()

    async def caught_up(self, programme: str) -> None:
        """Return when reporting-api has counted all that audit-api has."""
        async with self.database("audit") as audit, self.database("reporting") as reporting:
            head = await audit.fetchval("select position from streams where programme = $1", programme)
            await until(lambda: reached(reporting, programme), head)


async def until(position: Callable[[], Awaitable[int]], wanted: int) -> None:
    """Return when a position has been reached."""
    while await position() < wanted:
        await asyncio.sleep(0.02)


async def reached(reporting: asyncpg.Connection, programme: str) -> int:
    """Up to which position of a programme's feed reporting-api has counted; -1 where it has not begun."""
    position = await reporting.fetchval("select position from cursors where programme = $1", programme)
    return -1 if position is None else int(position)


def _unexpected(failure: StackError) -> None:
    raise failure
