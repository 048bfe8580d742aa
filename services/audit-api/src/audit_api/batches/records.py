"""Batches as they are kept: who pushed what, with which outcome, and the rows that created nothing."""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ColumnClause, Row, insert, literal, not_, select, union_all

from audit_api.audits.tables import audits
from audit_api.batches.merging import find_standing
from audit_api.batches.reading import Row as SentRow
from audit_api.batches.results import Result
from audit_api.batches.tables import audit_batch_rows, audit_batches
from tallystick.schemas.audit import NewAudit, RowVerdict
from tallystick.service.database import ReadSession, WriteSession, scoped
from tallystick.service.problems import NotFound
from tallystick.service.turns import Turn

_LOOKED_UP_AT_ONCE = 500  # rows: reading them keeps everybody else waiting for some milliseconds
COUNTED = tuple(verdict.value for verdict in RowVerdict)


async def keep_batch(session: WriteSession, batch: dict[str, Any], rest: Sequence[Result]) -> None:
    """Record a batch and what became of the rest of its rows.

    The audits are the record of those that were created, rows that repeat an audit are counted alone, and all others are kept
    with their errors.
    """
    await session.execute(insert(audit_batches).values(batch))
    if rest:
        driver = await session.driver()
        await driver.execute(
            _KEEP_ROWS,
            batch["programme"],
            batch["id"],
            batch["vendor"],
            [result.row for result in rest],
            [result.verdict for result in rest],
            [result.external_id for result in rest],
            [result.audit_id for result in rest],
            [None if not result.errors else _json(result) for result in rest],
        )


_KEEP_ROWS = """
    insert into audit_batch_rows (programme, batch_id, vendor, row, verdict, external_id, audit_id, errors)
    select $1, $2, $3, kept.* from unnest($4::integer[], $5::text[], $6::text[], $7::uuid[], $8::jsonb[]) as kept
"""


def _json(result: Result) -> str:
    return orjson.dumps([error.__dict__ for error in result.errors]).decode()


async def get_batch(session: ReadSession, programme: str, batch_id: UUID) -> dict[str, Any]:
    """A batch as its GET shows it; a problem where there is none to see."""
    statement = scoped(select(audit_batches), audit_batches, programme, session.principal)
    row = (await session.execute(statement.where(audit_batches.c.id == batch_id))).one_or_none()
    if row is None:
        raise NotFound("There is no such batch.")
    return batch_document(row._mapping)


def batch_document(batch: Any) -> dict[str, Any]:
    """A batch as the API shows it, from its row or from what is to become one."""
    counts = {verdict: batch[verdict] for verdict in COUNTED}
    shown = {str(name): value for name, value in batch.items() if name not in counts}
    return shown | {"dry_run": False, "counts": {"rows": sum(counts.values()), **counts}}


def row_document(row: Row[Any]) -> dict[str, Any]:
    """The verdict on a row as the API shows it."""
    return {
        "row": row.row,
        "verdict": row.verdict,
        "external_id": row.external_id,
        "audit_id": row.audit_id,
        "errors": row.errors or [],
    }


async def list_rows(
    session: ReadSession,
    programme: str,
    batch_id: UUID,
    verdicts: Sequence[RowVerdict],
    after: int,
    limit: int,
    hidden_if: ColumnClause[bool] | None = None,
) -> Sequence[Row[Any]]:
    """The verdicts on a batch's rows after a row number, in the order of rows.

    Without those of audits that keep from the reader whose work they are: the batch would tell.
    """
    a, r = audits.c, audit_batch_rows.c
    created = select(
        a.batch_row.label("row"),
        literal(RowVerdict.CREATED.value).label("verdict"),
        a.external_id,
        a.id.label("audit_id"),
        literal(None).label("errors").cast(r.errors.type),
    )
    created = scoped(created, audits, programme, session.principal).where(a.batch_id == batch_id, a.batch_row > after)
    others = scoped(select(r.row, r.verdict, r.external_id, r.audit_id, r.errors), audit_batch_rows, programme, session.principal)
    others = others.where(r.batch_id == batch_id, r.row > after)
    if hidden_if is not None:
        hidden = select(a.id).where(a.programme == r.programme, a.id == r.audit_id, hidden_if)
        created, others = created.where(not_(hidden_if)), others.where(not_(hidden.exists()))
    if verdicts:
        others = others.where(r.verdict.in_(verdicts))
    parts = [others] if verdicts and RowVerdict.CREATED not in verdicts else [created, others]
    rows = union_all(*(part.order_by(part.selected_columns[0]).limit(limit).subquery().select() for part in parts))
    return (await session.execute(rows.order_by("row").limit(limit))).all()


async def repetitions(session: ReadSession, programme: str, rows: Iterator[SentRow[NewAudit]]) -> list[dict[str, Any]]:
    """The verdicts on rows that repeat an audit, as the API shows them. The rows are read some at a time: there may be many."""
    verdicts: list[dict[str, Any]] = []
    while some := await _repeated(rows):
        numbers, names = [number for number, _ in some], [(audit.external_id, audit.vendor) for _, audit in some]
        found = await find_standing(session, programme, numbers, names, [None] * len(some))  # whatever their content is by now
        standing = {number: audit_id for number, _, audit_id, _ in found}
        verdicts += [
            {
                "row": number,
                "verdict": RowVerdict.DUPLICATE,
                "external_id": audit.external_id,
                "audit_id": standing[number],
                "errors": [],
            }
            for number, audit in some
        ]
    return verdicts


async def _repeated(rows: Iterator[SentRow[NewAudit]]) -> list[tuple[int, NewAudit]]:
    """Some of the next rows that can be read."""
    some: list[tuple[int, NewAudit]] = []
    turn = Turn()
    for row in rows:
        if turn.is_over:
            await turn.pass_on()
        if row.content is not None:
            some.append((row.number, row.content))
        if len(some) == _LOOKED_UP_AT_ONCE:
            break
    return some
