"""Reading a case's conversation, adding to it.

The walls are those of every table: a message that the client's people keep among themselves has no vendor, so it is no vendor's.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, insert, select

from rca_api.messages.tables import case_messages
from tallystick.schemas.base import new_id
from tallystick.schemas.case import Audience, NewMessage
from tallystick.service.database import ReadSession, WriteSession, scoped
from tallystick.service.feed import rows_after
from tallystick.service.problems import NotFound


def document(row: Row[Any]) -> dict[str, Any]:
    """A message as the API shows it."""
    return {str(name): value for name, value in row._mapping.items() if name not in {"programme", "vendor"}}


async def get_message(session: ReadSession, programme: str, message_id: UUID) -> Row[Any]:
    """One message; a problem where there is none to see."""
    row = (await session.execute(_visible(session, programme).where(case_messages.c.id == message_id))).one_or_none()
    if row is None:
        raise NotFound("There is no such message.")
    return row


async def list_messages(session: ReadSession, programme: str, case_id: UUID, after: int, limit: int) -> Sequence[Row[Any]]:
    """The messages on a case after a position, oldest first."""
    c = case_messages.c
    statement = _visible(session, programme).where(c.case_id == case_id, c.position > after)
    return (await session.execute(statement.order_by(c.position).limit(limit))).all()


def _visible(session: ReadSession, programme: str) -> Select[Any]:
    return scoped(select(case_messages), case_messages, programme, session.principal)


async def write_message(session: WriteSession, case: Row[Any], new: NewMessage, position: int, now: datetime) -> Row[Any]:
    """Add a message to the conversation on a case."""
    statement = insert(case_messages).values(
        programme=case.programme,
        id=new_id(),
        case_id=case.id,
        vendor=case.vendor if new.audience is Audience.VENDOR else None,
        audience=new.audience,
        text=new.text,
        mentions=list(new.mentions),
        attachments=[each.model_dump(mode="json") for each in new.attachments],
        position=position,
        author=session.principal.subject,
        written_at=now,
    )
    return (await session.execute(statement.returning(case_messages))).one()


async def read_changes(session: ReadSession, programme: str, after: int, limit: int) -> list[dict[str, Any]]:
    """Messages as the feed shows them."""
    return [
        {"position": row.position, "id": row.id, "revision": 1, "erased": False, "data": document(row)}
        for row in await rows_after(session, case_messages, programme, after, limit)
    ]
