"""Reading cases, opening them, closing them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, insert, select, update

from rca_api.cases.tables import cases
from tallystick.schemas.base import new_id
from tallystick.schemas.case import CaseState, NewCase
from tallystick.service.database import ReadSession, WriteSession, scoped
from tallystick.service.feed import rows_after
from tallystick.service.problems import NotFound


def document(row: Row[Any]) -> dict[str, Any]:
    """A case as its GET shows it."""
    return {str(name): value for name, value in row._mapping.items()}


def as_opened(case: dict[str, Any], position: int) -> dict[str, Any]:
    """The document of a case as it was when it was opened, at that position: all that changes later is that it is closed."""
    closing = {"closed_by": None, "closed_at": None, "conclusion": None}
    return case | closing | {"state": CaseState.OPEN, "revision": 1, "position": position}


async def get_case(session: ReadSession, programme: str, case_id: UUID) -> Row[Any]:
    """One case; a problem where there is none to see. Who changes it holds the lock of the stream already."""
    row = (await session.execute(_visible(session, programme).where(cases.c.id == case_id))).one_or_none()
    if row is None:
        raise NotFound("There is no such case.")
    return row


async def list_cases(
    session: ReadSession,
    programme: str,
    *,
    vendors: Sequence[str],
    states: Sequence[CaseState],
    before: UUID | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """The newest cases with any of the vendors and in any of the states, opened before the case `before`; newest first."""
    statement = _visible(session, programme).order_by(cases.c.id.desc()).limit(limit)
    if vendors:
        statement = statement.where(cases.c.vendor.in_(vendors))
    if states:
        statement = statement.where(cases.c.state.in_(states))
    if before is not None:
        statement = statement.where(cases.c.id < before)
    return (await session.execute(statement)).all()


def _visible(session: ReadSession, programme: str) -> Select[Any]:
    return scoped(select(cases), cases, programme, session.principal)


async def open_case(session: WriteSession, programme: str, new: NewCase, position: int) -> Row[Any]:
    """Write a new case."""
    statement = insert(cases).values(
        programme=programme,
        id=new_id(),
        **new.model_dump(mode="json"),
        state=CaseState.OPEN,
        revision=1,
        position=position,
        opened_by=session.principal.subject,
        opened_at=datetime.now(UTC),
    )
    return (await session.execute(statement.returning(cases))).one()


async def close_case(session: WriteSession, current: Row[Any], conclusion: str, position: int) -> Row[Any]:
    """Close a case with its conclusion."""
    statement = scoped(update(cases), cases, current.programme, session.principal).where(cases.c.id == current.id)
    closing = statement.values(
        state=CaseState.CLOSED,
        revision=current.revision + 1,
        position=position,
        closed_by=session.principal.subject,
        closed_at=datetime.now(UTC),
        conclusion=conclusion,
    )
    return (await session.execute(closing.returning(cases))).one()


async def read_changes(session: ReadSession, programme: str, after: int, limit: int) -> list[dict[str, Any]]:
    """Cases as the feed shows them."""
    return [
        {"position": row.position, "id": row.id, "revision": row.revision, "erased": False, "data": document(row)}
        for row in await rows_after(session, cases, programme, after, limit)
    ]
