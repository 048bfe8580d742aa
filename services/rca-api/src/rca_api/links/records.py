"""Reading links between cases, making them, taking them away."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, insert, or_, select, update

from rca_api.links.tables import case_links
from tallystick.schemas.base import new_id
from tallystick.schemas.case import Audience, CaseLink, NewCaseLink
from tallystick.service.database import ReadSession, WriteSession, scoped
from tallystick.service.feed import rows_after
from tallystick.service.problems import NotFound

_SHOWN = tuple(CaseLink.model_fields)


def document(row: Row[Any]) -> dict[str, Any]:
    """A link as the API shows it."""
    return {name: row._mapping[name] for name in _SHOWN}


def audience_of(link: Row[Any]) -> Audience:
    """Who may read of a link."""
    return Audience.INTERNAL if link.vendor is None else Audience.VENDOR


async def get_link(session: ReadSession, programme: str, link_id: UUID) -> Row[Any]:
    """One link; a problem where there is none to see, or none any more."""
    found = _visible(session, programme).where(case_links.c.id == link_id)
    row = (await session.execute(found)).one_or_none()
    if row is None:
        raise NotFound("There is no such link.")
    return row


async def find_link(session: ReadSession, case: Row[Any], new: NewCaseLink) -> Row[Any] | None:
    """The same link, if there is one already."""
    c = case_links.c
    found = _standing(session, case.programme).where(c.case_id == case.id, c.to == new.to, c.kind == new.kind)
    return (await session.execute(found)).one_or_none()


async def list_links(session: ReadSession, programme: str, case_id: UUID) -> Sequence[Row[Any]]:
    """The links from a case and to it that the principal may see, oldest first."""
    c = case_links.c
    found = _standing(session, programme).where(or_(c.case_id == case_id, c.to == case_id))
    return (await session.execute(found.order_by(c.id))).all()


def _visible(session: ReadSession, programme: str) -> Select[Any]:
    return scoped(select(case_links), case_links, programme, session.principal)


def _standing(session: ReadSession, programme: str) -> Select[Any]:
    return _visible(session, programme).where(case_links.c.removed.is_(False))


async def make_link(
    session: WriteSession, case: Row[Any], other: Row[Any], new: NewCaseLink, position: int, now: datetime
) -> Row[Any]:
    """Link a case to another one. A vendor sees the link where both cases are shared with it."""
    statement = insert(case_links).values(
        programme=case.programme,
        id=new_id(),
        vendor=case.vendor if case.vendor == other.vendor else None,
        case_id=case.id,
        to=other.id,
        kind=new.kind,
        removed=False,
        revision=1,
        position=position,
        linked_by=session.principal.subject,
        linked_at=now,
    )
    return (await session.execute(statement.returning(case_links))).one()


async def remove_link(session: WriteSession, link: Row[Any], position: int) -> None:
    """Take a link away."""
    statement = scoped(update(case_links), case_links, link.programme, session.principal).where(case_links.c.id == link.id)
    await session.execute(statement.values(removed=True, revision=link.revision + 1, position=position))


async def read_changes(session: ReadSession, programme: str, after: int, limit: int) -> list[dict[str, Any]]:
    """Links as the feed shows them."""
    return [
        {"position": row.position, "id": row.id, "revision": row.revision, "erased": False, "data": document(row)}
        for row in await rows_after(session, case_links, programme, after, limit)
    ]
