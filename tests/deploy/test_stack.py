"""The supervisor, with the real PostgreSQL, services and gateway: it says what is wrong and leaves nothing behind."""

import asyncio
import os
import pwd
import signal
import socket
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tallystick.schemas.principal import Role
from tallystick_embedded.account import Account
from tallystick_embedded.errors import StackError
from tallystick_embedded.stack import Stack

PATIENCE = 180.0
"""Seconds for a step on a busy machine; each takes a fraction of that."""


def as_ordinary_user() -> Callable[[], None] | None:
    """What makes a child an ordinary user, where the tests run as root; it may still read root's virtual environment."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid, passes_permissions=True).assume


async def tallystick(*arguments: str | Path) -> Process:
    return await asyncio.create_subprocess_exec(
        *(Path(sys.executable).with_name("tallystick"), *arguments),
        cwd="/",
        stdout=PIPE,
        stderr=STDOUT,
        start_new_session=True,
        preexec_fn=as_ordinary_user(),
    )


async def output_until(process: Process, part: str) -> str:
    """What the process has written, up to the first line with this in it."""
    assert process.stdout is not None
    lines = [""]
    async with asyncio.timeout(PATIENCE):
        while part not in lines[-1]:
            line = await process.stdout.readline()
            assert line, "".join(lines)
            lines.append(line.decode())
    return "".join(lines)


async def refused(*arguments: str | Path) -> str:
    """What a command that cannot start says; its exit code is checked."""
    process = await tallystick(*arguments)
    async with asyncio.timeout(PATIENCE):
        output, _ = await process.communicate()

    assert process.returncode == 1
    return output.decode()


def descendants(pid: int) -> set[int]:
    """Whoever a process has started, and whoever these have; one that ends while it is asked has none."""
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return set()
    children = {int(child) for child in listed.split()}
    return children.union(*map(descendants, children))


def alive(pids: set[int]) -> set[int]:
    """Those that still run; one that only waits to be reaped does not."""

    def runs(pid: int) -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except FileNotFoundError:
            return False

    return set(filter(runs, pids))


def present(path: str) -> bool:
    return Path(path).exists()


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A data directory of the ordinary user, with a space in its path."""
    data_dir = tmp_path / "data of a team"
    data_dir.mkdir()
    if os.geteuid() == 0:
        os.chown(data_dir, pwd.getpwnam("nobody").pw_uid, -1)
    return data_dir


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_port_that_takes_a_permission_says_so(data_dir: Path) -> None:
    """An ordinary user is told why the web's own port is not theirs, and not to stop a program that is not there."""
    said = await refused("up", "--data-dir", data_dir, "--port", "80")

    assert "Port 80 cannot be used: those below 1024 are root's" in said
    assert "--port" in said
    assert "Stop the program" not in said


async def test_up_runs_until_it_is_told_to_stop_and_leaves_nothing_behind(data_dir: Path) -> None:
    """As an ordinary user: a killed supervisor takes all with it, the next start takes over, SIGTERM ends it with code 0."""
    port = free_port()
    command = ("up", "--data-dir", data_dir, "--port", str(port))
    first = await tallystick(*command)
    await output_until(first, "PostgreSQL ready")
    orphans = descendants(first.pid)
    first.kill()
    await first.wait()
    second = await tallystick(*command)
    output = await output_until(second, "Ctrl-C stops it.")

    assert orphans
    assert not alive(orphans)
    assert output.index("PostgreSQL ready") < output.index("audit-api ready") < output.index("gateway ready")
    assert f"http://127.0.0.1:{port}" in output

    same_directory, same_port = await asyncio.gather(
        refused("up", "--data-dir", data_dir, "--port", "0"),
        refused("up", "--data-dir", data_dir / "other", "--port", str(port)),
    )

    assert f"runs on {data_dir} already (process {second.pid})" in same_directory
    assert f"Port {port} cannot be used: Address already in use." in same_port

    everything = descendants(second.pid)
    sockets = (data_dir / "postgres" / "postmaster.pid").read_text().splitlines()[4]
    second.send_signal(signal.SIGTERM)
    async with asyncio.timeout(PATIENCE):
        rest, _ = await second.communicate()

    assert second.returncode == 0
    assert rest.decode().endswith("stopped\n")
    assert not alive(everything)
    assert not present(sockets)


async def test_a_death_that_nobody_asked_for_stops_everything_and_is_named(tmp_path: Path) -> None:
    """Before that, a service and the database are killed on purpose and brought back, as tests of failures do it."""
    everything: set[int] = set()
    logged: set[str] = set()

    async def live_and_die() -> None:
        async with Stack(tmp_path, port=0, log=lambda name, _: logged.add(name)) as stack:
            own = {pid for pid in stack.pids.values() if pid is not None}
            everything.update(own, *map(descendants, own))
            await kill_and_restart(stack)
            os.kill(stack.pids["rca-api"] or 0, signal.SIGKILL)
            await asyncio.sleep(PATIENCE)

    with pytest.raises(StackError, match=r"rca-api was ended by SIGKILL\. Its last lines:"):
        await live_and_die()

    assert {"postgres", "audit-api", "rca-api", "reporting-api", "gateway"} <= logged
    assert not alive(everything)


async def kill_and_restart(stack: Stack) -> None:
    """A killed service is unavailable; restarted, it answers again, and so do all after a crash of the database."""
    headers = {"Authorization": f"Bearer {stack.token(Role.ADMIN)}"}
    async with httpx.AsyncClient(base_url=stack.url, headers=headers, timeout=30, trust_env=False) as client:
        await stack.kill("audit-api")
        assert (await client.get("/audit/v1/programmes")).status_code == 503
        await stack.restart("audit-api")
        assert (await client.get("/audit/v1/programmes")).status_code == 200

        await stack.kill("postgres")
        await stack.restart("postgres")
        answers = [await client.get(f"/{name}/readyz") for name in ("audit", "rca", "reporting") * 3]
        assert {answer.status_code for answer in answers[-3:]} == {200}
