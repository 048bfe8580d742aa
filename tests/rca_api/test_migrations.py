"""Migrations that carry data over."""

import asyncio

import asyncpg
import orjson
from alembic import command

from tallystick.schemas.case import TakenStep
from tallystick.service.migrate import migration_config
from tallystick_embedded.postgres import Cluster

_CASE = """
    insert into cases (programme, id, title, scope, state, revision, position, opened_by, opened_at)
    values ('p', '00000000-0000-0000-0000-000000000001', 'Old', '{}', 'analysis', 2, 3, 'qm', '2026-09-01')
"""
_EVENTS = """
    insert into case_events (programme, id, case_id, position, kind, step, state, by, at, changed)
    select
        'p', gen_random_uuid(), '00000000-0000-0000-0000-000000000001', position, kind, step, state, 'qm', at::timestamptz, '{}'
    from (values
        (3, 'step', 'analyse', 'analysis', '2026-09-02T10:00Z'), (1, 'step', 'open', 'open', '2026-09-01T10:00Z'),
        (2, 'change', null, 'open', '2026-09-01T11:00Z')
    ) as happened (position, kind, step, state, at)
"""


async def test_cases_get_the_steps_that_their_history_knows(cluster: Cluster) -> None:
    """Those of before 0003 tell of them in their order, but not when they had been due."""
    server = await asyncpg.connect(cluster.url("postgres", "postgres"))
    await server.execute("create database rca_of_0002 owner rca_owner")
    url = cluster.url("rca_of_0002", "rca_owner")
    await asyncio.to_thread(command.upgrade, migration_config("rca_api", url), "0002")
    connection = await asyncpg.connect(url)
    await connection.execute("select set_config('app.programmes', '*', false), set_config('app.vendor', '*', false)")
    await connection.execute(_CASE)
    await connection.execute(_EVENTS)
    await asyncio.to_thread(command.upgrade, migration_config("rca_api", url), "0003")
    moves = [TakenStep.model_validate(each) for each in orjson.loads(await connection.fetchval("select moves from cases"))]
    await connection.close()
    await server.execute("drop database rca_of_0002 with (force)")
    await server.close()

    assert [(each.step, each.state, each.at.day, each.due_at) for each in moves] == [
        ("open", "open", 1, None),
        ("analyse", "analysis", 2, None),
    ]
