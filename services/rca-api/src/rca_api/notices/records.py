"""Telling people, in the transaction in which it happens, and reading what they were told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, insert, or_, select

from rca_api.metadata import streams, webhooks
from rca_api.notices.tables import notices
from tallystick.schemas.action import Station
from tallystick.schemas.base import new_id
from tallystick.schemas.notice import NoticeKind
from tallystick.service.database import ReadSession, WriteSession, scoped
from tallystick.service.feed import rows_after, take_positions
from tallystick.service.problems import NotFound
from tallystick.service.webhooks.outbox import announce


@dataclass(frozen=True, slots=True)
class News:
    """Something to tell: what of, to whom, and whose people may read it besides the client's."""

    kind: NoticeKind
    text: str
    vendor: str | None
    case_id: UUID | None
    subject_id: UUID
    recipient: str | None = None
    station: Station | None = None


async def tell(session: WriteSession, programme: str, news: News, now: datetime) -> None:
    """Write a notice at a position of its own, and announce it to the endpoints of its vendor and the client.

    Whoever calls holds the lock of the stream.
    """
    notice_id = new_id()
    position = await take_positions(session, streams, programme, 1)
    values = {name: getattr(news, name) for name in News.__slots__}
    await session.execute(insert(notices).values(programme=programme, id=notice_id, position=position, created_at=now, **values))
    await announce(session, webhooks, programme, news.vendor, news.kind, notice_id, at=now)


def document(row: Row[Any]) -> dict[str, Any]:
    """A notice as the API shows it."""
    return {str(name): value for name, value in row._mapping.items()} | {"revision": 1}


async def get_notice(session: ReadSession, programme: str, notice_id: UUID) -> Row[Any]:
    """One notice; a problem where there is none to see."""
    row = (await session.execute(_visible(session, programme).where(notices.c.id == notice_id))).one_or_none()
    if row is None:
        raise NotFound("There is no such notice.")
    return row


async def list_notices(
    session: ReadSession, programme: str, *, mine: bool, case_id: UUID | None, kinds: Sequence[NoticeKind], before: UUID | None,
    limit: int,
) -> Sequence[Row[Any]]:  # fmt: skip
    """The newest notices before the notice `before`; newest first. `mine`: told to the principal, or to everybody."""
    c = notices.c
    statement = _visible(session, programme).order_by(c.id.desc()).limit(limit)
    if mine:
        statement = statement.where(or_(c.recipient == session.principal.subject, c.recipient.is_(None)))
    if case_id is not None:
        statement = statement.where(c.case_id == case_id)
    if kinds:
        statement = statement.where(c.kind.in_(kinds))
    if before is not None:
        statement = statement.where(c.id < before)
    return (await session.execute(statement)).all()


def _visible(session: ReadSession, programme: str) -> Select[Any]:
    return scoped(select(notices), notices, programme, session.principal)


async def read_changes(session: ReadSession, programme: str, after: int, limit: int) -> list[dict[str, Any]]:
    """Notices as the feed shows them."""
    return [
        {"position": row.position, "id": row.id, "revision": 1, "erased": False, "data": document(row)}
        for row in await rows_after(session, notices, programme, after, limit)
    ]
