"""The sums of appeals, counted by the facts of their audits. Errors are those that were appealed, whatever was decided."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, true

from reporting_api.cuboids import APPEALS, ERROR_DIMENSIONS
from reporting_api.metrics.sums import MAX_GROUPS, Cut, Key, Sums, bounded, grouped, keyed
from reporting_api.tables import appeals, facts
from tallystick.schemas.appeal import DECIDED, OPEN, AppealState
from tallystick.service.database import ReadSession, scoped

DECIDED_APPEALS = appeals.c.state.in_(sorted(DECIDED))
OPEN_APPEALS = appeals.c.state.in_(sorted(OPEN))

_COUNTED: Mapping[str, ColumnElement[bool]] = {
    "appeals": true(),
    "decided": DECIDED_APPEALS,
    "changed": appeals.c.state.in_([AppealState.OVERTURNED, AppealState.AMENDED]),
    "open": OPEN_APPEALS,
    **{name: appeals.c.state == name for name in ("upheld", "overturned", "amended", "withdrawn", "expired")},
}
_SAME = (facts.c.programme == appeals.c.programme, facts.c.audit_id == appeals.c.audit_id)
APPEALED = select(facts).where(*_SAME).limit(1).lateral("facts")
"""The facts of an appeal's audit, for `appeals` to be joined with: looked up by its id.

Of a programme that is younger than its statistics the planner expects no facts, and would hold all of them against each appeal.
"""
WITH_FACTS = appeals.join(APPEALED, true())
_COLUMNS: Mapping[str, ColumnElement[Any]] = {**dict(APPEALED.c.items()), **{name: appeals.c[name] for name in ERROR_DIMENSIONS}}


async def appeal_sums(session: ReadSession, cut: Cut, *also: ColumnElement[str]) -> dict[Key, Sums]:
    """The sums of the appeals of a cut's audits by group, and within it by further columns of `appeals`.

    Raises:
        InvalidRequest: there are more than `MAX_GROUPS` groups.
    """
    counts = [
        func.count(appeals.c.audit_id.distinct()) if name == "appealed" else func.count().filter(_COUNTED[name])
        for name in APPEALS
    ]
    statement = appealed(session, cut).add_columns(*also, *counts).group_by(*also)
    rows = await session.rows(statement.limit(MAX_GROUPS + 1))
    bounded(len(rows))
    return keyed(rows, len(cut.by) + len(also), APPEALS)


def appealed(session: ReadSession, cut: Cut) -> Select[Any]:
    """The appeals of a cut's audits by its groups, for a statement to say what it wants of them."""
    statement = grouped(select().select_from(WITH_FACTS), cut, _COLUMNS, APPEALED.c.day)
    return scoped(statement, appeals, cut.programme, session.principal)
