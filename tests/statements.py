"""Statements that a service gives to PostgreSQL, and what each costs as the service's role."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import orjson

from tallystick_embedded.postgres import Cluster

Statements = list[tuple[str, Any]]


@asynccontextmanager
async def runtime(cluster: Cluster, database: str) -> AsyncIterator[asyncpg.Connection]:
    """A transaction of a service's role, for the client's people, of which nothing stays."""
    connection = await asyncpg.connect(cluster.url(database, f"{database}_runtime"))
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("select set_config('app.programmes', '*', true), set_config('app.vendor', '*', true)")
    yield connection
    await transaction.rollback()
    await connection.close()


async def explained(
    cluster: Cluster, database: str, statements: Iterable[tuple[str, Any]], *settings: str
) -> tuple[list[str], list[int]]:
    """The plans of statements as a service's role has them, and how many buffers each reads."""
    plans: list[str] = []
    buffers: list[int] = []
    async with runtime(cluster, database) as connection:
        for setting in settings:
            await connection.execute(setting)
        for statement, parameters in statements:
            plan = orjson.loads(await connection.fetchval(f"explain (analyze, buffers, format json) {statement}", *parameters))
            plans.append(orjson.dumps(plan).decode())
            buffers.append(plan[0]["Plan"]["Shared Hit Blocks"] + plan[0]["Plan"]["Shared Read Blocks"])
    return plans, buffers
