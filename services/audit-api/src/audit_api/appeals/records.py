"""Reading appeals, and moving them along the table of transitions."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, Row, Select, and_, case, func, insert, literal, or_, select, text, update

from audit_api.appeals.problems import AppealState as WrongState
from audit_api.appeals.tables import OPEN as OPEN_SQL
from audit_api.appeals.tables import appeal_events, appeals
from audit_api.audits.tables import audits
from audit_api.metadata import streams, webhooks
from tallystick.schemas.appeal import OPEN, TRANSITIONS, Appeal, AppealAction, AppealStage, AppealState
from tallystick.schemas.principal import Role
from tallystick.service.auth import Principal
from tallystick.service.database import ReadSession, WriteSession, scoped
from tallystick.service.feed import take_positions
from tallystick.service.problems import NotFound
from tallystick.service.webhooks.outbox import announce

IS_OPEN = text(f"appeals.{OPEN_SQL}")
IS_SUBMITTED = text("appeals.state = 'submitted'")

_TRANSITION = {transition.action: transition for transition in TRANSITIONS}
_BY_VENDOR = frozenset(transition.action for transition in TRANSITIONS if Role.VENDOR_POC in transition.by)
_NOTICES = {
    AppealAction.UPHOLD: "appeal.decided",
    AppealAction.OVERTURN: "appeal.decided",
    AppealAction.AMEND: "appeal.decided",
    AppealAction.EXPIRE: "appeal.expired",
    AppealAction.ESCALATE: "appeal.escalated",
}
_COMPUTED = {"auditor", "overdue", "possible"}
_STORED = tuple(name for name in Appeal.model_fields if name not in _COMPUTED)
_UNNAMED_TO_VENDORS = ("claimed_by", "decided_by")
_WITH_AUDITS = appeals.join(audits, and_(audits.c.programme == appeals.c.programme, audits.c.id == appeals.c.audit_id))


def auditor_of(principal: Principal) -> ColumnElement[str | None]:
    """Who recorded an appealed audit, as the principal may know it.

    A vendor is not told here. Auditors are not while the appeal is open, since it may come to them, and nobody is who holds it.
    """
    if principal.vendor is not None:
        return literal(None)
    if not principal.holds(Role.ADMIN, Role.QUALITY_MANAGER, Role.SERVICE):
        return case((IS_OPEN, None), else_=audits.c.auditor)
    return case((appeals.c.claimed_by == principal.subject, None), else_=audits.c.auditor)


def documents(session: ReadSession, programme: str) -> Select[Any]:
    """The statement of all appeals of a programme that the principal may see, each with its audit beside it."""
    auditor = auditor_of(session.principal).label("auditor")
    return scoped(select(appeals, auditor).select_from(_WITH_AUDITS), appeals, programme, session.principal)


def document(row: Row[Any], principal: Principal, now: datetime) -> dict[str, Any]:
    """An appeal as its GET shows it to the principal at this time, from a row of `documents()`."""
    found = row._mapping
    shown = {name: found[name] for name in _STORED}
    if principal.vendor is not None:
        shown |= dict.fromkeys(_UNNAMED_TO_VENDORS)
    overdue = row.state in OPEN and row.due_at is not None and row.due_at < now
    return {**shown, "auditor": row.auditor, "overdue": overdue, "possible": possible(row, now)}


def possible(row: Row[Any], now: datetime) -> list[AppealAction]:
    """What may be done with an appeal now, by somebody whose part it is.

    A claim is over when its time is, and an appeal has expired then, whether or not that has been written down yet.
    """
    state = AppealState(row.state)
    if state in OPEN and row.expires_at is not None and row.expires_at <= now:
        state = AppealState.EXPIRED
    elif state is AppealState.IN_REVIEW and row.claimed_until <= now:
        state = AppealState.SUBMITTED
    actions = [each.action for each in TRANSITIONS if state in each.sources and row.stage in each.at and each.by]
    if AppealAction.ESCALATE in actions and (row.escalate_until is None or row.escalate_until <= now):
        actions.remove(AppealAction.ESCALATE)
    return actions


def require_possible(row: Row[Any], action: AppealAction, now: datetime) -> None:
    """Refuse what cannot be done to an appeal in its state, and say what can."""
    actions = possible(row, now)
    if action not in actions:
        raise WrongState(f"This appeal cannot take the action {action} now.", possible=actions)


def etag(appeal: dict[str, Any]) -> str:
    """Of the revision, and of the form in which this reader sees it at this time."""
    form = hashlib.sha256(orjson.dumps(appeal, default=str)).hexdigest()[:12]
    return f'"{appeal["revision"]}-{form}"'


async def get_appeal(session: ReadSession, programme: str, appeal_id: UUID, now: datetime) -> dict[str, Any]:
    """One appeal; a problem where there is none to see."""
    statement = documents(session, programme).where(appeals.c.id == appeal_id)
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        raise NotFound("There is no such appeal.")
    return document(row, session.principal, now)


async def find_appeal(session: ReadSession, programme: str, appeal_id: UUID) -> Row[Any]:
    """The row of one appeal; a problem where there is none to see. Who changes it holds the lock of the stream already."""
    statement = scoped(select(appeals), appeals, programme, session.principal).where(appeals.c.id == appeal_id)
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        raise NotFound("There is no such appeal.")
    return row


async def get_history(session: ReadSession, programme: str, appeal_id: UUID) -> list[dict[str, Any]]:
    """Every step of an appeal, oldest first. A vendor is told neither the client's people nor why one of them passed it on."""
    await find_appeal(session, programme, appeal_id)
    c = appeal_events.c
    statement = scoped(select(appeal_events), appeal_events, programme, session.principal).where(c.appeal_id == appeal_id)
    steps = []
    for row in await session.execute(statement.order_by(c.revision)):
        step = {name: row._mapping[name] for name in ("revision", "action", "state", "stage", "by", "at", "note")}
        if session.principal.vendor is not None and row.action not in _BY_VENDOR:
            step |= {"by": None} | ({"note": None} if row.action == AppealAction.RELEASE else {})
        steps.append(step)
    return steps


async def move(
    session: WriteSession,
    current: Row[Any],
    action: AppealAction,
    position: int,
    now: datetime,
    *,
    by: str | None,
    note: str | None = None,
    **values: Any,
) -> None:
    """Take a step: the appeal gets its new state and `values`, the history keeps the step, who wants to know is told.

    `by` is null where time does it. Whatever the step is, nobody holds the appeal after it unless `values` say so.
    """
    state, revision = _TRANSITION[action].target, current.revision + 1
    values = {"claimed_by": None, "claimed_until": None, "stage": AppealStage(current.stage), **values}
    await _change(session, current, position, state=state, **values)
    step = {"action": action, "state": state, "stage": values["stage"], "by": by, "at": now, "note": note}
    key = {"programme": current.programme, "appeal_id": current.id, "vendor": current.vendor, "revision": revision}
    await session.execute(insert(appeal_events).values(**key, **step))
    if action in _NOTICES:
        await announce(session, webhooks, current.programme, current.vendor, _NOTICES[action], current.id, at=now)


async def acknowledge(session: WriteSession, current: Row[Any], position: int, now: datetime) -> None:
    """Note that the vendor has taken note."""
    await _change(session, current, position, acknowledged_by=session.principal.subject, acknowledged_at=now)


async def _change(session: WriteSession, current: Row[Any], position: int, **values: Any) -> None:
    statement = scoped(update(appeals), appeals, current.programme, session.principal).where(appeals.c.id == current.id)
    await session.execute(statement.values(**values, revision=current.revision + 1, position=position))


async def open_appeal(session: ReadSession, programme: str, audit_id: UUID) -> UUID | None:
    """The appeal that an audit is under, if there is one."""
    statement = scoped(select(appeals.c.id), appeals, programme, session.principal).where(appeals.c.audit_id == audit_id, IS_OPEN)
    return (await session.execute(statement)).scalar_one_or_none()


async def erase_appeals(session: WriteSession, programme: str, audit_id: UUID, now: datetime) -> None:
    """Erase from all appeals of an audit, and from their histories, what can name a person. One that is open expires."""
    found = scoped(select(appeals), appeals, programme, session.principal).where(appeals.c.audit_id == audit_id)
    people = dict.fromkeys(("comment", "submitted_by", "claimed_by", "decided_by", "reason", "acknowledged_by", "escalate_until"))
    for current in (await session.execute(found)).all():
        position = await take_positions(session, streams, programme, 1)
        if current.state in OPEN:
            await move(session, current, AppealAction.EXPIRE, position, now, by=None, evidence=[], **people)
        else:
            await _change(session, current, position, evidence=[], **people)
        steps = scoped(update(appeal_events), appeal_events, programme, session.principal)
        await session.execute(steps.where(appeal_events.c.appeal_id == current.id).values(by=None, note=None))


async def read_changes(session: ReadSession, programme: str, after: int, limit: int, *, now: datetime) -> list[dict[str, Any]]:
    """Appeals as the feed shows them."""
    statement = documents(session, programme).where(appeals.c.position > after).order_by(appeals.c.position).limit(limit)
    rows: Sequence[Row[Any]] = (await session.execute(statement)).all()
    return [
        {
            "position": row.position,
            "id": row.id,
            "revision": row.revision,
            "erased": row.comment is None,
            "data": document(row, session.principal, now),
        }
        for row in rows
    ]


async def due_programmes(session: ReadSession, now: datetime) -> list[str]:
    """The programmes in which a claim or an undecided appeal has run out."""
    c = appeals.c
    lapsed = select(c.programme).where(text("appeals.state = 'in_review'"), c.claimed_until <= now)
    expired = select(c.programme).where(IS_OPEN, c.expires_at <= now)
    return list((await session.execute(lapsed.union(expired))).scalars())


async def find_due(session: ReadSession, programme: str, now: datetime, limit: int) -> Sequence[Row[Any]]:
    """Undecided appeals of a programme whose time, or whose claim, has run out."""
    c = appeals.c
    due = or_(c.expires_at <= now, c.claimed_until <= now)
    statement = scoped(select(appeals), appeals, programme, session.principal).where(IS_OPEN, due)
    return (await session.execute(statement.order_by(func.least(c.expires_at, c.claimed_until), c.id).limit(limit))).all()
