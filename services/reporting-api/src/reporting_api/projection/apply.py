"""Applying a page of changes to facts and sums: what is added is the difference between an audit's old and its new state."""

from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from operator import itemgetter
from typing import Any, NamedTuple

import asyncpg

from reporting_api.cuboids import DIMENSIONS, cells_sql
from tallystick.service.database import WriteSession

_SAMPLE = ("stratum", "inclusion_probability")
_APPLIED = ("id", "position", "audited_at", *DIMENSIONS, "verdict", "quality_score", "handling_time_s", *_SAMPLE)
FIELDS = tuple(f"audit.{name}" for name in (*_APPLIED, "first_scored"))
"""What is asked for of the audits on a feed."""
_AUDIT = itemgetter(*_APPLIED)
_FIRST = itemgetter("verdict", "error_class", "error_code", "severity", "quality_score")
_UNCHANGED = (None,) * 5


_SEPARATOR = "\x1f"
"""No name on the wire can hold it."""


class Audits(NamedTuple):
    """The audits of a page as `apply.sql` takes them."""

    columns: Sequence[str]
    """The values of each column in one text, which is several times faster than arrays."""
    changed: bool
    """Whether some have changed since they were taken in: most likely they are known."""


def audits_of(changes: Iterable[dict[str, Any]]) -> Audits | None:
    """The audits among the changes of a feed's page; None without audits. One that stands there more than once counts as last.

    An erased audit is on the feed like any other, with nobody's name in it: it keeps counting.
    """
    latest = {change["id"]: change for change in changes if change["noun"] == "audit"}
    if not latest:
        return None
    audits = [change["data"] for change in latest.values()]
    first = [audit["first_scored"] for audit in audits]
    columns = [
        *map(_joined, zip(*map(_AUDIT, audits), strict=True)),
        *map(_joined, zip(*(_UNCHANGED if each is None else _FIRST(each) for each in first), strict=True)),
    ]
    return Audits(columns, any(change["revision"] > 1 for change in latest.values()))


def _joined(values: Sequence[Any]) -> str:
    try:
        return _SEPARATOR.join(values)
    except TypeError:  # not all of them are text
        return _SEPARATOR.join(["" if value is None else str(value) for value in values])


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
where rollups.programme = $1 and rollups.cuboid = emptied.cuboid and rollups.day = emptied.day
    and rollups.view = emptied.view and rollups.cell = emptied.cell collate "C"
"""


async def apply_audits(session: WriteSession, programme: str, time_zone: str, audits: Audits) -> None:
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
            emptied = await connection.fetch(_apply_sql(known=False), programme, time_zone, *audits.columns)
        except asyncpg.UniqueViolationError:
            await connection.execute("rollback to savepoint unknown")
        await connection.execute("release savepoint unknown")
    if emptied is None:
        emptied = await connection.fetch(_apply_sql(known=True), programme, time_zone, *audits.columns)
    if emptied:
        await connection.execute(_DELETE_CELLS, programme, *zip(*emptied, strict=True))
