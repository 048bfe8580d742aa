"""The history of cases: everything that happened, in the transaction in which it did."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select, tuple_

from rca_api.cases.tables import case_events
from tallystick.schemas.base import new_id
from tallystick.schemas.case import Audience, CaseEventKind, CaseState, CaseStep
from tallystick.service.database import ReadSession, WriteSession, scoped

_SHOWN = ("id", "position", "kind", "step", "state", "by", "at", "note", "about", "changed")


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens on a case: what, when, and at which position of the stream."""

    kind: CaseEventKind
    at: datetime
    position: int
    step: CaseStep | None = None
    note: str | None = None
    about: object = None
    changed: dict[str, Any] = field(default_factory=dict)
    """The new values by field, as JSON."""
    audience: Audience = Audience.VENDOR
    """Who may read of it: the vendor, too, or the client's people alone."""


async def record(session: WriteSession, case: Row[Any], event: Event, state: CaseState | None = None) -> None:
    """Add to the history of a case; `state` is the one that it is in afterwards, where that is another."""
    statement = insert(case_events).values(
        programme=case.programme,
        id=new_id(),
        case_id=case.id,
        vendor=case.vendor if event.audience is Audience.VENDOR else None,
        position=event.position,
        kind=event.kind,
        step=event.step,
        state=state or case.state,
        by=session.principal.subject,
        at=event.at,
        note=event.note,
        about=None if event.about is None else str(event.about),
        changed=event.changed,
    )
    await session.execute(statement)


async def list_events(
    session: ReadSession, programme: str, case_id: UUID, after: tuple[int, UUID] | None, limit: int
) -> Sequence[dict[str, Any]]:
    """What happened on a case after an entry (its position and id), oldest first, as the principal may read it."""
    c = case_events.c
    statement = scoped(select(*(c[name] for name in _SHOWN)), case_events, programme, session.principal)
    statement = statement.where(c.case_id == case_id).order_by(c.position, c.id).limit(limit)
    if after is not None:
        statement = statement.where(tuple_(c.position, c.id) > after)
    return [{name: row._mapping[name] for name in _SHOWN} for row in await session.execute(statement)]
