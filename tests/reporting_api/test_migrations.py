"""Migrations that carry data over."""

import asyncio

import asyncpg
from alembic import command

from tallystick.service.migrate import migration_config
from tallystick_embedded.postgres import Cluster

_CELL = """
    insert into rollups
    select 'p', 0, '2026-09-01', 0, auditor, 'acme', '', '', '', '', '', '', '', '', auditor, audits, 0, 0, 0, 0, 0, 0, 0, 0
    from (values ('qa-erased', 0), ('qa-1', 1)) as cells (auditor, audits)
"""


async def test_names_in_cells_that_nothing_was_left_in_are_deleted(cluster: Cluster) -> None:
    """An erasure of before 0003 left them there."""
    server = await asyncpg.connect(cluster.url("postgres", "postgres"))
    await server.execute("create database reporting_of_0002 owner reporting_owner")
    url = cluster.url("reporting_of_0002", "reporting_owner")
    await asyncio.to_thread(command.upgrade, migration_config("reporting_api", url), "0002")
    connection = await asyncpg.connect(url)
    await connection.execute("select set_config('app.programmes', '*', false), set_config('app.vendor', '*', false)")
    await connection.execute(_CELL)
    await asyncio.to_thread(command.upgrade, migration_config("reporting_api", url), "0003")
    left = await connection.fetch("select auditor from rollups")
    await connection.close()
    await server.execute("drop database reporting_of_0002 with (force)")
    await server.close()

    assert [row["auditor"] for row in left] == ["qa-1"]
