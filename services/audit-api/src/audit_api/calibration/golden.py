"""Golden items: concluded items hidden in everyday work. What auditors say of them is held against the benchmark at ingest.

Nobody who audits may tell them from others. So an item becomes golden without a new position, and while there are any, every row
of a batch takes a second position, for the result that it may have: no gap in the stream says which row had one.
"""

from collections.abc import Sequence
from importlib.resources import files
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, literal, select, update
from sqlalchemy.dialects.postgresql import insert

from audit_api.calibration.problems import refused, require_state
from audit_api.calibration.tables import calibration_items, golden_items, golden_results
from audit_api.metadata import streams
from tallystick.schemas.calibration import SessionAction
from tallystick.schemas.principal import MANAGERS, Role
from tallystick.service.database import ReadSession, WriteSession, scoped
from tallystick.service.feed import rows_after, take_positions

_RESULTS = (files(__package__) / "golden_results.sql").read_text()
_g, _o = golden_items.c, golden_results.c


async def are_hidden(session: ReadSession, programme: str) -> bool:
    """Whether a programme has golden items at all."""
    there = select(_g.item_id).where(_g.programme == programme).limit(1)
    return (await session.execute(there)).first() is not None


async def record_results(session: WriteSession, programme: str, rows: int) -> None:
    """Hold the audits just taken over from the stage against the golden items, at positions `rows` behind theirs."""
    driver = await session.driver()
    await driver.execute(_RESULTS, programme, rows)


async def hide(session: WriteSession, current: Row[Any], item: Row[Any]) -> None:
    """Hide an item in everyday work; once it is, nothing changes."""
    require_state(current.state, SessionAction.HIDE)
    about = current.scale["about"]
    if about is None:
        raise refused("/scale/about", "missing", "The scale is about no judgement of an audit.")
    if item.benchmark is None or item.content_ref is None:
        raise refused("", "incomplete", "It takes a benchmark, and a reference that audits can have.")
    values = {"programme": item.programme, "item_id": item.id, "content_ref": item.content_ref}
    statement = insert(golden_items).values(**values, about=about, benchmark=item.benchmark).on_conflict_do_nothing()
    await session.execute(statement)
    holder = select(_g.item_id).where(_g.programme == item.programme, _g.content_ref == item.content_ref)
    if (await session.execute(holder)).scalar_one() != item.id:
        raise refused("", "content_taken", "Another golden item shows the same content.")


async def unhide(session: WriteSession, current: Row[Any], item: Row[Any]) -> None:
    """Hide an item no longer. The results that there are stay."""
    require_state(current.state, SessionAction.UNHIDE)
    await session.execute(delete(golden_items).where(_g.programme == item.programme, _g.item_id == item.id))


async def forget_audit(session: WriteSession, programme: str, audit_id: UUID) -> None:
    """Erase the auditor of an erased audit from its result, and hide the items that were taken from it no longer.

    That takes a position whether there is a result or not: a gap in the stream would say that there was one.
    """
    of_audit = scoped(select(calibration_items.c.id), calibration_items, programme, session.principal)
    taken = of_audit.where(calibration_items.c.audit_id == audit_id)
    hidden = scoped(delete(golden_items), golden_items, programme, session.principal)
    await session.execute(hidden.where(_g.item_id.in_(taken)))
    position = await take_positions(session, streams, programme, 1)
    result = scoped(update(golden_results), golden_results, programme, session.principal)
    await session.execute(result.where(_o.audit_id == audit_id).values(auditor=None, position=position))


async def list_results(
    session: ReadSession, programme: str, *, auditors: Sequence[str], vendors: Sequence[str], before: UUID | None, limit: int
) -> list[dict[str, Any]]:
    """The newest results, recorded before the result `before`; newest first."""
    statement = scoped(select(golden_results), golden_results, programme, session.principal).order_by(_o.id.desc()).limit(limit)
    for column, values in ((_o.auditor, auditors), (_o.vendor, vendors)):
        if values:
            statement = statement.where(column.in_(values))
    if before is not None:
        statement = statement.where(_o.id < literal(before, _o.id.type))
    return [_document(row) for row in await session.execute(statement)]


def _document(row: Row[Any]) -> dict[str, Any]:
    return {str(name): value for name, value in row._mapping.items()}


async def read_changes(session: ReadSession, programme: str, after: int, limit: int) -> list[dict[str, Any]]:
    """Results as the feed shows them: to those who may know which items are golden."""
    if not session.principal.holds(*MANAGERS, Role.SERVICE):
        return []
    return [
        {
            "position": row.position,
            "id": row.id,
            "revision": 1 if row.auditor is not None else 2,
            "erased": row.auditor is None,
            "data": _document(row),
        }
        for row in await rows_after(session, golden_results, programme, after, limit)
    ]
