"""The embedded PostgreSQL: what it makes of the directory that it is given."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from tallystick_embedded import postgres
from tallystick_embedded.errors import StackError
from tallystick_embedded.postgres import Cluster
from tallystick_embedded.process import discard


def no_death(failure: StackError) -> None:
    raise AssertionError(failure)


def new_cluster(directory: Path) -> Cluster:
    return Cluster(directory, log=discard, on_death=no_death, options={"fsync": "off", "shared_buffers": "16MB"})


@asynccontextmanager
async def running(directory: Path) -> AsyncIterator[Cluster]:
    cluster = new_cluster(directory)
    try:
        await cluster.start()
        yield cluster
    finally:
        await cluster.stop()


@pytest.fixture(scope="module")
async def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cluster that was made and stopped, below a directory that only its owner may enter."""
    directory = tmp_path_factory.mktemp("private") / "a path with spaces"
    directory.parent.chmod(0o700)
    partial = directory.with_name(f"{directory.name}.partial")
    partial.mkdir()
    (partial / "PG_VERSION").write_text("18")
    async with running(directory):
        pass
    assert not partial.exists()
    return directory


async def test_a_first_start_that_was_interrupted_is_begun_again(directory: Path) -> None:
    """Nothing but a complete cluster ever stands at the directory's name."""
    assert (directory / "PG_VERSION").read_text() == "18\n"


async def test_roles_cannot_bypass_row_level_security_and_reach_their_own_database_only(directory: Path) -> None:
    """The runtime role of a service is no superuser and may not even connect to another service's database."""
    async with running(directory) as cluster:
        connection = await asyncpg.connect(cluster.url("audit", "audit_runtime"))
        try:
            (powers,) = await connection.fetch(
                "select rolsuper, rolbypassrls, rolcreatedb, rolcreaterole from pg_roles where rolname = current_user"
            )
            owner = await connection.fetchval("select datdba::regrole::text from pg_database where datname = 'audit'")
            listening = await connection.fetchval("show listen_addresses")
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await asyncpg.connect(cluster.url("rca", "audit_runtime"))
        finally:
            await connection.close()

    assert tuple(powers) == (False, False, False, False)
    assert owner == "audit_owner"
    assert listening == ""


async def test_a_pid_file_that_names_a_process_of_somebody_else_is_stale(directory: Path) -> None:
    """After a crash of the machine the number may belong to any program; this test's own process stands for it."""
    (directory / "postmaster.pid").write_text(f"{os.getpid()}\n{directory}\n")
    async with running(directory) as cluster:
        assert cluster.server.pid is not None


async def test_a_server_that_runs_already_is_named_with_the_way_to_stop_it(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two servers never work on one directory."""
    monkeypatch.setattr(postgres, "_SECONDS_FOR_PREDECESSOR", 0.2)
    async with running(directory) as cluster:
        with pytest.raises(StackError, match=f"kill -INT {cluster.server.pid}"):
            await new_cluster(directory).start()


async def test_a_killed_server_starts_again_on_what_was_committed(directory: Path) -> None:
    """SIGKILL of the server loses no transaction that it has confirmed."""
    async with running(directory) as cluster:
        connection = await asyncpg.connect(cluster.url("audit", "audit_owner"))
        await connection.execute("create table kept as select 1 as one")
        await cluster.server.stop(signal.SIGKILL)
        connection.terminate()
        await cluster.resume()
        connection = await asyncpg.connect(cluster.url("audit", "audit_owner"))
        try:
            assert await connection.fetchval("select one from kept") == 1
        finally:
            await connection.close()


async def test_a_directory_without_pg_version_is_refused(tmp_path: Path) -> None:
    """A restored half of a backup is not taken for a new cluster."""
    (tmp_path / "base").mkdir()
    with pytest.raises(StackError, match=r"PG_VERSION is missing.*move it away"):
        await new_cluster(tmp_path).start()


async def test_a_cluster_of_another_major_version_is_refused(tmp_path: Path) -> None:
    """The message says which version made it, and how to carry the data over."""
    (tmp_path / "PG_VERSION").write_text("16\n")
    with pytest.raises(StackError, match=r"made by PostgreSQL 16.*Dump it"):
        await new_cluster(tmp_path).start()
