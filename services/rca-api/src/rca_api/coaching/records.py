"""Reading coaching sessions, arranging and changing them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, insert, or_, select, update

from rca_api.coaching.tables import coaching_sessions
from tallystick.schemas.base import new_id
from tallystick.schemas.coaching import Coaching, CoachingState, NewCoaching
from tallystick.schemas.principal import Role
from tallystick.service.auth import Principal
from tallystick.service.database import ReadSession, WriteSession, scoped
from tallystick.service.problems import NotFound

_SHOWN = tuple(Coaching.model_fields)


def document(row: Row[Any]) -> dict[str, Any]:
    """A session as the API shows it."""
    return {name: row._mapping[name] for name in _SHOWN}


async def get_coaching(session: ReadSession, programme: str, coaching_id: UUID) -> Row[Any]:
    """One session; a problem where there is none to see. Who changes it holds the lock of the stream already."""
    row = (await session.execute(_visible(session, programme).where(coaching_sessions.c.id == coaching_id))).one_or_none()
    if row is None:
        raise NotFound("There is no such coaching session.")
    return row


async def list_coaching(
    session: ReadSession, programme: str, *, mine: bool, persons: Sequence[str], states: Sequence[CoachingState],
    cases: Sequence[UUID], before: UUID | None, limit: int,
) -> Sequence[Row[Any]]:  # fmt: skip
    """The newest sessions arranged before the session `before`; newest first. `mine`: as the coach, or as who is coached."""
    c = coaching_sessions.c
    statement = _visible(session, programme).order_by(c.id.desc()).limit(limit)
    if mine:
        statement = statement.where(or_(c.coach == session.principal.subject, c.subject == session.principal.subject))
    if persons:
        statement = statement.where(c.person.in_(persons))
    if states:
        statement = statement.where(c.state.in_(states))
    if cases:
        statement = statement.where(c.case_id.in_(cases))
    if before is not None:
        statement = statement.where(c.id < before)
    return (await session.execute(statement)).all()


def _visible(session: ReadSession, programme: str) -> Select[Any]:
    statement = scoped(select(coaching_sessions), coaching_sessions, programme, session.principal)
    own = _own(session.principal)
    return statement if own is None else statement.where(own)


def _own(principal: Principal) -> ColumnElement[bool] | None:
    """What narrows the sessions to those in which the principal takes part; None for whoever reads those of others, too."""
    if principal.holds(Role.SERVICE, Role.ADMIN, Role.QUALITY_MANAGER, Role.VENDOR_POC):
        return None
    c = coaching_sessions.c
    return or_(c.coach == principal.subject, c.subject == principal.subject)


async def arrange(session: WriteSession, programme: str, new: NewCoaching, position: int, now: datetime) -> Row[Any]:
    """Write a new session."""
    subject = session.principal.subject
    statement = insert(coaching_sessions).values(
        programme=programme,
        id=new_id(),
        revision=1,
        position=position,
        **{**new.model_dump(), "coach": new.coach or subject, "audits": list(new.audits)},
        state=CoachingState.ARRANGED,
        commitments=[],
        arranged_by=subject,
        arranged_at=now,
    )
    return (await session.execute(statement.returning(coaching_sessions))).one()


async def change_coaching(session: WriteSession, current: Row[Any], position: int, **values: Any) -> Row[Any]:
    """Write a further revision of a session."""
    c = coaching_sessions.c
    statement = scoped(update(coaching_sessions), coaching_sessions, current.programme, session.principal)
    changing = statement.where(c.id == current.id).values(**values, revision=current.revision + 1, position=position)
    return (await session.execute(changing.returning(coaching_sessions))).one()


async def read_changes(session: ReadSession, programme: str, after: int, limit: int) -> list[dict[str, Any]]:
    """Coaching sessions as the feed shows them."""
    c = coaching_sessions.c
    statement = _visible(session, programme).where(c.position > after).order_by(c.position).limit(limit)
    return [
        {"position": row.position, "id": row.id, "revision": row.revision, "erased": False, "data": document(row)}
        for row in (await session.execute(statement)).all()
    ]
