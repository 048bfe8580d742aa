"""What statements cost in a programme that is younger than its statistics: PostgreSQL expects it to have no rows at all."""

import asyncio
from datetime import UTC, date, datetime

import asyncpg

from conftest import Noted
from reporting_api.metrics.appeals import appeal_sums
from reporting_api.metrics.sums import Cut
from reporting_api.reports.coverage.records import Asked, read_strata
from reporting_api.reports.work.records import read_work
from statements import explained
from tallystick.schemas.metric import Dimension, View
from tallystick.schemas.principal import Role
from tallystick.service.auth import Principal
from tallystick.service.database import Database
from tallystick_embedded.postgres import Cluster

MANY = 1000
EVERYBODY = Principal("tests", frozenset({Role.ADMIN}), frozenset({"*"}), None, "")
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
_DRAWS = """
insert into sample_draws (programme, draw_id, position, plan_id, plan_version, title, state, first_day, last_day)
select $1, uuidv7(), n, uuidv7(), 1, 'Everyday', 'drawn', date '2026-03-01' - n, date '2026-03-01' - n
from generate_series(1, $2) n
"""
_STRATA = """
insert into sample_strata
select programme, draw_id, 's-' || n, 'acme', '{}', 10, 1, 1 from sample_draws, generate_series(1, 20) n where programme = $1
"""
_AUDITS = """
insert into facts
    (programme, audit_id, position, day, vendor, site, queue, market, language, policy, audit_party, automated_detection,
    error_class, error_code, severity, moderator, auditor, incorrect, first_incorrect, first_error_class, first_error_code,
    first_severity)
select $1, uuidv7(), n, current_date, 'acme', '', '', '', '', '', '', '', '', '', '', '', '', false, false, '', '', ''
from generate_series(1, $2) n
"""
_APPEALS = """
insert into appeals
    (programme, appeal_id, position, audit_id, vendor, state, stage, ground, error_class, error_code, severity, submitted_at)
select programme, uuidv7(), position, audit_id, vendor, 'upheld', '', '', '', '', '', now() from facts where programme = $1
"""


async def _fill(cluster: Cluster, programme: str, tables: str, things: str, parts: str) -> int:
    """Fill two tables for a programme and, before PostgreSQL counts their rows, for an older one; answers the second's pages."""
    store = await asyncpg.connect(cluster.url("reporting", "postgres"))
    for each in (f"{programme}-older", programme):
        await store.execute(f"analyze {tables}")
        await store.execute(things, each, MANY)
        await store.execute(parts, each)
    size = "select pg_relation_size($1::text::regclass) / current_setting('block_size')::int"
    pages: int = await store.fetchval(size, tables.rpartition(" ")[2])
    await store.close()
    return pages


async def test_the_causes_of_all_cases_are_read_once(
    reporting_database: Database, cluster: Cluster, programme: str, noted: Noted
) -> None:
    """They are not read anew for each case."""
    pages = await _fill(cluster, programme, "cases, causes", _CASES, _CAUSES)
    async with reporting_database.reading(EVERYBODY) as session:
        with noted() as seen:
            work = await read_work(session, programme, ())
        await asyncio.sleep(0)  # the driver tells of a statement in the next turn of the loop
    _, [buffers] = await explained(cluster, "reporting", [pair for pair in seen if "FROM causes" in pair[0]])

    assert {case.causes for case in work.cases.values()} == {(("training_gap", "people"),)}
    assert buffers < MANY + pages


async def test_coverage_reads_the_strata_of_the_days_asked_about(
    reporting_database: Database, cluster: Cluster, programme: str, noted: Noted
) -> None:
    """Not those of all draws that there ever were."""
    pages = await _fill(cluster, programme, "sample_draws, sample_strata", _DRAWS, _STRATA)
    asked = Asked(programme, (), (), (), date(2026, 2, 26), date(2026, 3, 1))
    async with reporting_database.reading(EVERYBODY) as session:
        with noted() as seen:
            strata = await read_strata(session, asked, datetime(2026, 3, 1, tzinfo=UTC))
        await asyncio.sleep(0)
    _, [buffers] = await explained(cluster, "reporting", [pair for pair in seen if "FROM sample_strata" in pair[0]])
    store = await asyncpg.connect(cluster.url("reporting", "postgres"))
    for table in ("sample_strata", "sample_draws"):  # none of them are left for other tests
        await store.execute(f"delete from {table} where programme = any ($1)", [programme, f"{programme}-older"])
        await store.execute(f"vacuum analyze {table}")
    await store.close()

    assert len(strata) == 3 * 20
    assert buffers < pages // 2


async def test_the_audit_of_each_appeal_is_looked_up(
    reporting_database: Database, cluster: Cluster, programme: str, noted: Noted
) -> None:
    """The appeals of a programme are not held against all of its audits."""
    pages = await _fill(cluster, programme, "facts, appeals", _AUDITS, _APPEALS)
    cut = Cut(programme, (Dimension.VENDOR,), {}, None, None, View.ADJUDICATED)
    async with reporting_database.reading(EVERYBODY) as session:
        with noted() as seen:
            sums = await appeal_sums(session, cut)
        await asyncio.sleep(0)
    _, [buffers] = await explained(cluster, "reporting", [pair for pair in seen if "FROM appeals" in pair[0]])

    assert sums[("acme",)]["upheld"] == MANY
    assert buffers < MANY * 6 + pages
