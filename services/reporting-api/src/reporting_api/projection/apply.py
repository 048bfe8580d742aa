"""Applying a page of changes to facts and sums: what is added is the difference between an audit's old and its new state."""

from functools import cache
from importlib.resources import files

import asyncpg

from reporting_api.cuboids import cells_sql
from reporting_api.projection.page import Audits
from tallystick.service.database import WriteSession


@cache
def _apply_sql(*, known: bool) -> str:
    """The statement for audits of which some are known, or for those that are all new: the check costs these a seventh."""
    statements = files(__package__)
    cells = cells_sql(statements.joinpath("cells.sql").read_text())
    changes = statements.joinpath("known.sql").read_text() if known else ""
    return statements.joinpath("apply.sql").read_text().replace("/*cells*/", cells).replace("/*known*/", changes)


_DELETE_CELLS = """
delete from rollups
using unnest($2::smallint[], $3::date[], $4::smallint[], $5::text[]) as emptied (cuboid, day, view, cell)
cross join lateral (
    select kept.ctid
    from rollups as kept
    where kept.programme = $1 and kept.cuboid = emptied.cuboid and kept.day = emptied.day and kept.view = emptied.view
        and kept.cell = emptied.cell collate "C"
    limit 1
) as found
where rollups.ctid = found.ctid
"""
"""Of a programme that is younger than its statistics the planner expects no cells, and would read all of them for these."""


async def apply_audits(session: WriteSession, programme: str, audits: Audits) -> None:
    """Bring facts and rollups to the state of these audits. A cell that nothing is left in goes, and the names in it with it.

    Audits that have not changed since they were taken in are new, unless their page was applied before: they are taken for new
    until one is not. The commit does not wait for the disk: the cursor moves in the same transaction, so what a crash takes away
    is read again.
    """
    connection = await session.driver()
    await connection.execute("set local work_mem = '64MB'; set local synchronous_commit = off")
    emptied = None
    if not audits.changed:
        await connection.execute("savepoint unknown")
        try:
            emptied = await connection.fetch(_apply_sql(known=False), programme, *audits.columns)
        except asyncpg.UniqueViolationError:
            await connection.execute("rollback to savepoint unknown")
        await connection.execute("release savepoint unknown")
    if emptied is None:
        emptied = await connection.fetch(_apply_sql(known=True), programme, *audits.columns)
    if emptied:
        await connection.execute(_DELETE_CELLS, programme, *zip(*emptied, strict=True))
