"""What statements cost in a programme that is younger than its statistics: PostgreSQL expects it to have no rows at all."""

import asyncio

import asyncpg

from conftest import Noted
from reporting_api.reports.work.records import read_work
from statements import explained
from tallystick.schemas.principal import Role
from tallystick.service.auth import Principal
from tallystick.service.database import Database
from tallystick_embedded.postgres import Cluster

MANY = 1000
_CASES = """
insert into cases
    (programme, case_id, position, title, state, measure, priority, scope, baseline_from, baseline_to, opened_at, overridden,
    moves)
select $1, uuidv7(), n, 'Case', 'open', 'error_rate', 'normal', '{}', current_date - 56, current_date, now(), false, '[]'
from generate_series(1, $2) n
"""
_CAUSES = """
insert into causes (programme, cause_id, position, case_id, audience, state, code, category)
select programme, uuidv7(), position, case_id, 'vendor', 'accepted', 'training_gap', 'people' from cases where programme = $1
"""


async def test_the_causes_of_all_cases_are_read_once(
    reporting_database: Database, cluster: Cluster, programme: str, noted: Noted
) -> None:
    """They are not read anew for each case."""
    store = await asyncpg.connect(cluster.url("reporting", "postgres"))
    for each in (f"{programme}-older", programme):
        await store.execute("analyze cases, causes")
        await store.execute(_CASES, each, MANY)
        await store.execute(_CAUSES, each)
    pages = await store.fetchval("select pg_relation_size('causes') / current_setting('block_size')::int")
    await store.close()
    everybody = Principal("tests", frozenset({Role.ADMIN}), frozenset({"*"}), None, "")
    async with reporting_database.reading(everybody) as session:
        with noted() as seen:
            work = await read_work(session, programme, ())
        await asyncio.sleep(0)  # the driver tells of a statement in the next turn of the loop
    _, [buffers] = await explained(cluster, "reporting", [pair for pair in seen if "FROM causes" in pair[0]])

    assert {case.causes for case in work.cases.values()} == {(("training_gap", "people"),)}
    assert buffers < MANY + pages + 50
