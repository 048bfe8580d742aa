"""Migrations of every service: from nothing to what the code says, once, however many run at the same time."""

import asyncio
import os
import sys
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest
from alembic import command

from audit_api.app import metadata as of_audit
from rca_api.app import metadata as of_rca
from reporting_api.tables import metadata as of_reporting
from tallystick.service.migrate import head_revision, migrate, migration_config
from tallystick_embedded.postgres import Cluster

METADATA = {"audit": of_audit, "rca": of_rca, "reporting": of_reporting}
SERVICES = [pytest.param(f"{name}_api", name, id=name) for name in METADATA]


@pytest.mark.parametrize(("package", "database"), SERVICES)
async def test_an_empty_database_becomes_what_the_code_says(
    empty_database: Callable[[str], Any], cluster: Cluster, package: str, database: str
) -> None:
    """After the upgrade Alembic finds no difference between the database and the tables in the code; again changes nothing."""
    url = cluster.url(await empty_database(database), f"{database}_owner")
    for _ in range(2):
        await asyncio.to_thread(migrate, package, url)
        await asyncio.to_thread(command.check, migration_config(package, url, METADATA[database]))
    connection = await asyncpg.connect(url)
    revision = await connection.fetchval("select version_num from alembic_version")
    await connection.close()

    assert revision == head_revision(package)


@pytest.mark.parametrize(("package", "database"), SERVICES[:1])  # all migrate by the same code
async def test_two_migrations_at_once_do_the_work_once(
    empty_database: Callable[[str], Any], cluster: Cluster, package: str, database: str
) -> None:
    """Replicas may all migrate at their start: one does, the others wait, and all succeed."""
    url = cluster.url(await empty_database(database), f"{database}_owner")
    runs = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-m", package, "migrate",
            env={"PATH": os.environ["PATH"], "TALLYSTICK_OWNER_DATABASE_URL": url},
            stderr=asyncio.subprocess.PIPE,
        )
        for _ in range(2)
    ]  # fmt: skip
    errors = [(await run.communicate())[1].decode() for run in runs]

    assert [run.returncode for run in runs] == [0, 0], errors
    await asyncio.to_thread(command.check, migration_config(package, url, METADATA[database]))


@pytest.mark.parametrize(("package", "database"), SERVICES)
async def test_every_table_stands_behind_its_wall(
    empty_database: Callable[[str], Any], cluster: Cluster, package: str, database: str
) -> None:
    """The catalog: row-level security on and forced on every table but Alembic's, and a runtime role that cannot get round it."""
    name = await empty_database(database)
    await asyncio.to_thread(migrate, package, cluster.url(name, f"{database}_owner"))
    connection = await asyncpg.connect(cluster.url(name, f"{database}_owner"))
    tables = await connection.fetch(
        "select relname, relrowsecurity and relforcerowsecurity as walled,"
        " exists (select from pg_policy where polrelid = pg_class.oid) as ruled"
        " from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace"
    )
    bound = await connection.fetchval(
        "select not rolsuper and not rolbypassrls from pg_roles where rolname = $1", f"{database}_runtime"
    )
    owned = await connection.fetchval("select count(*) from pg_class where pg_get_userbyid(relowner) = $1", f"{database}_runtime")
    await connection.close()

    assert {row["relname"] for row in tables if not (row["walled"] and row["ruled"])} == {"alembic_version"}
    assert bound
    assert owned == 0
