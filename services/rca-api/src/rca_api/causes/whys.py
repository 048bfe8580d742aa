"""The tree of whys of a case: reading it, adding to it, changing it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, insert, select, update

from rca_api.causes.problems import CauseRefused
from rca_api.causes.tables import whys
from tallystick.schemas.base import new_id
from tallystick.schemas.case import Audience
from tallystick.schemas.cause import MAX_DEPTH, MAX_WHYS, NewWhy, Why, WhyChange
from tallystick.schemas.problem import ProblemError
from tallystick.service.database import ReadSession, WriteSession, scoped
from tallystick.service.feed import rows_after
from tallystick.service.problems import NotFound

_SHOWN = tuple(Why.model_fields)


def document(row: Row[Any]) -> dict[str, Any]:
    """A why as the API shows it."""
    return {name: row._mapping[name] for name in _SHOWN}


async def get_why(session: ReadSession, programme: str, case_id: UUID, why_id: UUID) -> Row[Any]:
    """One why of a case; a problem where there is none to see."""
    found = _of_case(session, programme, case_id).where(whys.c.id == why_id)
    row = (await session.execute(found)).one_or_none()
    if row is None:
        raise NotFound("There is no such why.")
    return row


async def list_whys(session: ReadSession, programme: str, case_id: UUID) -> Sequence[Row[Any]]:
    """All whys of a case that the principal may read, parents before their children."""
    return (await session.execute(_of_case(session, programme, case_id).order_by(whys.c.depth, whys.c.id))).all()


def _of_case(session: ReadSession, programme: str, case_id: UUID) -> Select[Any]:
    return scoped(select(whys), whys, programme, session.principal).where(whys.c.case_id == case_id)


async def add_why(session: WriteSession, case: Row[Any], new: NewWhy, position: int, now: datetime) -> Row[Any]:
    """Add a why to the tree of a case: at the root of a branch, or below another one.

    Raises:
        CauseRefused: there is no such parent to see, the vendor could not see it, or the tree is as large as it can be.
    """
    parent = None
    if new.parent is not None:
        found = _of_case(session, case.programme, case.id).where(whys.c.id == new.parent)
        parent = (await session.execute(found)).one_or_none()
        if parent is None:
            raise _refused("/parent", "unknown_why", "There is no such why on this case.")
        if parent.audience == Audience.INTERNAL and new.audience is Audience.VENDOR:
            raise _refused("/audience", "internal_parent", "What hangs from an internal why is internal, too.")
    depth = 1 if parent is None else parent.depth + 1
    if depth > MAX_DEPTH:
        raise _refused("/parent", "too_deep", f"A tree is at most {MAX_DEPTH} whys deep.")
    counted = _of_case(session, case.programme, case.id).with_only_columns(func.count())
    if (await session.execute(counted)).scalar_one() >= MAX_WHYS:
        raise _refused("", "too_many", f"A case has at most {MAX_WHYS} whys.")
    statement = insert(whys).values(
        programme=case.programme,
        id=new_id(),
        case_id=case.id,
        vendor=case.vendor if new.audience is Audience.VENDOR else None,
        **new.model_dump(mode="json", exclude={"parent"}),
        parent=new.parent,
        depth=depth,
        struck=False,
        by=session.principal.subject,
        by_vendor=session.principal.vendor,
        at=now,
        revision=1,
        position=position,
    )
    return (await session.execute(statement.returning(whys))).one()


def _refused(pointer: str, code: str, detail: str) -> CauseRefused:
    return CauseRefused("The case does not take this why.", errors=[ProblemError(pointer=pointer, code=code, detail=detail)])


async def change_why(session: WriteSession, current: Row[Any], change: WhyChange, position: int) -> Row[Any]:
    """Give fields of a why other values."""
    statement = scoped(update(whys), whys, current.programme, session.principal).where(whys.c.id == current.id)
    given = change.model_dump(mode="json", include=change.model_fields_set)
    changing = statement.values(**given, revision=current.revision + 1, position=position)
    return (await session.execute(changing.returning(whys))).one()


async def read_changes(session: ReadSession, programme: str, after: int, limit: int) -> list[dict[str, Any]]:
    """Whys as the feed shows them."""
    return [
        {"position": row.position, "id": row.id, "revision": row.revision, "erased": False, "data": document(row)}
        for row in await rows_after(session, whys, programme, after, limit)
    ]
