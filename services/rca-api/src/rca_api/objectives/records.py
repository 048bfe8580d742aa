"""Reading objectives, setting them, ending them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, false, insert, select, update

from rca_api.objectives.tables import objectives
from tallystick.schemas.base import new_id
from tallystick.schemas.objective import NewObjective, Objective, ObjectiveOf
from tallystick.schemas.principal import Role
from tallystick.service.database import ReadSession, WriteSession, scoped
from tallystick.service.problems import NotFound

READERS = (Role.SERVICE, Role.ADMIN, Role.QUALITY_MANAGER, Role.ANALYST, Role.VENDOR_POC)
"""Who reads objectives: those who read numbers."""

_SHOWN = tuple(Objective.model_fields)


def document(row: Row[Any]) -> dict[str, Any]:
    """An objective as the API shows it."""
    return {name: row._mapping[name] for name in _SHOWN}


async def get_objective(session: ReadSession, programme: str, objective_id: UUID) -> Row[Any]:
    """One objective; a problem where there is none to see. Who changes it holds the lock of the stream already."""
    row = (await session.execute(_visible(session, programme).where(objectives.c.id == objective_id))).one_or_none()
    if row is None:
        raise NotFound("There is no such objective.")
    return row


async def list_objectives(
    session: ReadSession, programme: str, narrowed: Mapping[str, Sequence[Any]], *, ended: bool | None, before: UUID | None,
    limit: int,
) -> Sequence[Row[Any]]:  # fmt: skip
    """The newest objectives with any of the values in each column, set before the objective `before`; newest first.

    With `ended` those alone that were taken back, or those alone that hold.
    """
    c = objectives.c
    statement = _visible(session, programme).order_by(c.id.desc()).limit(limit)
    for name, values in narrowed.items():
        if values:
            statement = statement.where(c[name].in_(values))
    if ended is not None:
        statement = statement.where(c.ended_at.is_not(None) if ended else c.ended_at.is_(None))
    if before is not None:
        statement = statement.where(c.id < before)
    return (await session.execute(statement)).all()


def _visible(session: ReadSession, programme: str) -> Select[Any]:
    """The objectives that the principal may read: those who decide appeals read none of auditors, unless they manage them."""
    principal = session.principal
    statement = scoped(select(objectives), objectives, programme, principal)
    if not principal.holds(*READERS):
        return statement.where(false())
    if principal.holds(Role.AUDITOR) and not principal.holds(Role.ADMIN, Role.QUALITY_MANAGER):
        return statement.where(objectives.c.of != ObjectiveOf.AUDITOR)
    return statement


async def set_objective(session: WriteSession, programme: str, new: NewObjective, position: int, now: datetime) -> Row[Any]:
    """Write a new objective."""
    statement = insert(objectives).values(
        programme=programme,
        id=new_id(),
        revision=1,
        position=position,
        **new.model_dump(exclude={"scope", "period"}),
        scope=new.scope.model_dump(mode="json"),
        period=new.period.model_dump(mode="json"),
        set_by=session.principal.subject,
        set_at=now,
    )
    return (await session.execute(statement.returning(objectives))).one()


async def end_objective(session: WriteSession, current: Row[Any], position: int, now: datetime) -> Row[Any]:
    """Take an objective back."""
    statement = scoped(update(objectives), objectives, current.programme, session.principal).where(objectives.c.id == current.id)
    ending = {"ended_by": session.principal.subject, "ended_at": now}
    changing = statement.values(**ending, revision=current.revision + 1, position=position)
    return (await session.execute(changing.returning(objectives))).one()


async def read_changes(session: ReadSession, programme: str, after: int, limit: int) -> list[dict[str, Any]]:
    """Objectives as the feed shows them."""
    c = objectives.c
    statement = _visible(session, programme).where(c.position > after).order_by(c.position).limit(limit)
    return [
        {"position": row.position, "id": row.id, "revision": row.revision, "erased": False, "data": document(row)}
        for row in (await session.execute(statement)).all()
    ]
