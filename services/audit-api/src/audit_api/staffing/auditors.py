"""Reading auditors, and writing what they can do."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, literal, select, tuple_, update

from audit_api.staffing.tables import auditors
from tallystick.schemas.staffing import NewAuditor
from tallystick.service.database import ReadSession, WriteSession, scoped
from tallystick.service.problems import NotFound

_c = auditors.c


def document(row: Row[Any]) -> dict[str, Any]:
    """An auditor as the API shows them."""
    own = {name: getattr(row, name) for name in ("programme", "auditor", "revision", "changed_by", "changed_at")}
    return {**row.document, **own}


async def find_auditor(session: ReadSession, programme: str, auditor: str, *, lock: bool = False) -> Row[Any] | None:
    """The row of one auditor; None where there is none. With `lock` nothing is handed to them by anybody else meanwhile."""
    statement = scoped(select(auditors), auditors, programme, session.principal).where(_c.auditor == auditor)
    return (await session.execute(statement.with_for_update() if lock else statement)).one_or_none()


async def get_auditor(session: ReadSession, programme: str, auditor: str) -> Row[Any]:
    """The row of one auditor; a problem where there is none."""
    row = await find_auditor(session, programme, auditor)
    if row is None:
        raise NotFound("There is no such auditor.")
    return row


async def list_auditors(
    session: ReadSession, programme: str, *, active: bool | None, after: tuple[str, str] | None, limit: int
) -> Sequence[Row[Any]]:
    """Auditors after a name and subject, by name."""
    statement = scoped(select(auditors), auditors, programme, session.principal).order_by(_c.name, _c.auditor).limit(limit)
    if active is not None:
        statement = statement.where(_c.document["active"].as_boolean() == active)
    if after is not None:
        statement = statement.where(tuple_(_c.name, _c.auditor) > tuple_(*map(literal, after)))
    return (await session.execute(statement)).all()


async def create_auditor(session: WriteSession, programme: str, auditor: str, new: NewAuditor, now: datetime) -> Row[Any]:
    """Write an auditor for the first time."""
    statement = insert(auditors).values(programme=programme, auditor=auditor, revision=1, **_written(session, new, now))
    return (await session.execute(statement.returning(auditors))).one()


async def change_auditor(session: WriteSession, current: Row[Any], new: NewAuditor, now: datetime) -> Row[Any]:
    """Write an auditor anew."""
    statement = scoped(update(auditors), auditors, current.programme, session.principal).where(_c.auditor == current.auditor)
    changing = statement.values(revision=current.revision + 1, **_written(session, new, now))
    return (await session.execute(changing.returning(auditors))).one()


def _written(session: WriteSession, new: NewAuditor, now: datetime) -> dict[str, Any]:
    return {
        "name": new.name,
        "document": new.model_dump(mode="json"),
        "changed_by": session.principal.subject,
        "changed_at": now,
    }
