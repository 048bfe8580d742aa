"""Precedent: concluded items with a benchmark, found by policy, by error, and by the words of what was concluded.

PostgreSQL uses no GIN index under row-level security, because `@@` might tell of rows that a policy hides. So there is none: what
is searched are the stored words of one programme's sessions and items, found by the programme.
"""

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Select, and_, case, func, literal_column, null, or_, select, tuple_

from audit_api.calibration.tables import calibration_items, calibration_sessions
from audit_api.calibration.visibility import of_anothers_audit, visible
from tallystick.schemas.calibration import SessionState
from tallystick.service.database import ReadSession

_i, _s = calibration_items.c, calibration_sessions.c
_NAMES = (
    "session_id", "title", "number", "item_id", "content_ref", "policy", "error_code", "conclusion", "concluded_at", "benchmark",
)  # fmt: skip
_BENCHMARK: ColumnElement[str] = literal_column(
    "json_build_object('value', calibration_items.benchmark, 'by', calibration_items.benchmark_by,"
    " 'discussion', calibration_items.discussion)::text"
)


async def search(
    session: ReadSession,
    programme: str,
    *,
    words: str | None,
    policies: Sequence[str],
    error_codes: Sequence[str],
    before: tuple[Any, Any] | None,
    limit: int,
) -> list[dict[str, Any]]:
    """The newest precedents that match, concluded before the one with the key `before`; newest first."""
    error_code = case((of_anothers_audit(session.principal), null()), else_=_i.error_code)
    statement: Select[Any] = select(
        _i.session_id,
        _s.title,
        _i.number,
        _i.id,
        _i.content_ref,
        _i.policy,
        error_code,
        _s.conclusion,
        _s.concluded_at,
        _BENCHMARK,
    ).join(calibration_sessions, and_(_s.programme == _i.programme, _s.id == _i.session_id))
    statement = visible(statement, programme, session.principal).where(
        _i.programme == programme, _s.state == SessionState.CONCLUDED, _i.benchmark.is_not(None)
    )
    if words:
        statement = statement.where(or_(_matches(_s.search, words), _matches(_i.search, words)))
    if policies:
        statement = statement.where(_i.policy.in_(policies))
    if error_codes:
        statement = statement.where(error_code.in_(error_codes))
    if before is not None:
        statement = statement.where(tuple_(_s.concluded_at, _i.id) < tuple_(*before))
    rows = await session.rows(statement.order_by(_s.concluded_at.desc(), _i.id.desc()).limit(limit))
    found = [dict(zip(_NAMES, row, strict=True)) for row in rows]
    return [each | {"benchmark": orjson.Fragment(each["benchmark"])} for each in found]


def _matches(column: ColumnElement[Any], words: str) -> ColumnElement[bool]:
    """Whether a text has the words, as they stand or by their English stems."""
    query = func.websearch_to_tsquery
    return column.op("@@")(query("simple", words).op("||")(query("english", words)))
