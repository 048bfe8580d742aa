"""Reading audits, revising them, erasing what names a person."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import (
    ARRAY,
    ColumnClause,
    Row,
    RowMapping,
    Select,
    Uuid,
    any_,
    bindparam,
    insert,
    literal,
    literal_column,
    select,
    text,
    update,
)

from audit_api.appeals.tables import OPEN
from audit_api.audits.judging import quality_score
from audit_api.audits.tables import audit_revisions, audits
from tallystick.schemas.audit import Judgement
from tallystick.schemas.principal import Role
from tallystick.service.auth import Principal
from tallystick.service.database import ReadSession, WriteSession, scoped
from tallystick.service.idempotency import Outcome
from tallystick.service.problems import NotFound

_NOBODY = "erased"  # stands where the name of a person did, who recorded an audit

REVISERS = (Role.ADMIN, Role.QUALITY_MANAGER, Role.AUDITOR)
"""Who may change a judgement, one by one or by a batch: nobody at a vendor, since the record is held by two."""

JUDGEMENT = (
    "benchmark_action",
    "benchmark_policy",
    "verdict",
    "error_class",
    "error_code",
    "severity",
    "attributable_to",
)
_IDS = ARRAY(Uuid)
_HIDDEN = {"content_hash", "batch_row", "checking"}
_AS_TEXT = {"id", "batch_id", "first_scored", "scorecard"}
_NAMES = tuple(str(column.name) for column in audits.c if column.name not in _HIDDEN)
_UNDER_APPEAL: ColumnClause[bool] = literal_column(f"""(
    audits.recorded_by <> (select current_setting('app.subject', true))
    and (
        select appeals.id from appeals
        where appeals.programme = audits.programme and appeals.audit_id = audits.id and appeals.{OPEN}
    ) is not null
)""")  # noqa: S608 - a constant is put in, that of the index, which has one at most; `exists` would read all appeals for a page
_IN_HAND: ColumnClause[bool] = literal_column("""(
    audits.id = any (array (
        select audit_id from appeals
        where appeals.claimed_by = (select current_setting('app.subject', true)) and appeals.state = 'in_review'
    ))
)""")  # looked up once for all rows: who holds any holds few
_TELLING = {"auditor", "recorded_by", "batch_id"}
_KEPT_BACK: dict[ColumnClause[bool] | None, tuple[str, ...]] = {
    None: (),
    _UNDER_APPEAL: ("stratum", "inclusion_probability"),
    _IN_HAND: (),
}
"""What is not shown of any audit to those from whom some keep whose work they are, by the condition under which these do."""
_HIDES = "hides"
_CHANGE = ("position", "id", "revision", "erased")


def hiding(principal: Principal) -> ColumnClause[bool] | None:
    """The condition under which an audit keeps from the principal whose work it is; None where it never does.

    To auditors it does as long as it is under appeal, which may come to them, and is not their own; to managers, who answer for
    the auditors, while they hold the appeal.
    """
    if principal.vendor is not None or principal.holds(Role.SERVICE):
        return None
    return _IN_HAND if principal.holds(Role.ADMIN, Role.QUALITY_MANAGER) else _UNDER_APPEAL


def kept_back(principal: Principal) -> tuple[str, ...]:
    """The fields of every audit that the principal is not shown.

    Auditors are not shown how an item was drawn, before they judge it and after: what checks them was not drawn at all.
    """
    return _KEPT_BACK[hiding(principal)]


@lru_cache(64)
def _documents(hidden_if: ColumnClause[bool] | None, names: tuple[str, ...] = _NAMES) -> Select[Any]:
    """The statement of all audits, as text: SQLAlchemy takes its time for every element of each execution.

    The last column says whether an audit keeps from the reader whose work it is.
    """
    shown = [f"audits.{name}::text" if name in _AS_TEXT else f"audits.{name}" for name in names]
    shown = ["null" if name in _KEPT_BACK[hidden_if] else each for name, each in zip(names, shown, strict=True)]
    hidden = "false" if hidden_if is None else hidden_if.name
    return select(text(", ".join((*shown, hidden)))).select_from(audits)


_ALL = {hidden_if: _documents(hidden_if) for hidden_if in _KEPT_BACK}
_ONE = {hidden_if: statement.where(audits.c.id == bindparam("audit_id")) for hidden_if, statement in _ALL.items()}


def document(row: Sequence[Any], names: tuple[str, ...] = _NAMES) -> dict[str, Any]:
    """An audit as its GET shows it, from a row of the columns in `documents()`. JSON columns pass through as they are."""
    shown: dict[str, Any] = dict(zip((*names, _HIDES), row, strict=True))
    if shown.pop(_HIDES) is not False:
        shown.update((name, None) for name in _TELLING if name in shown)
    for name in ("first_scored", "scorecard"):
        if shown.get(name) is not None:
            shown[name] = orjson.Fragment(shown[name])
    return shown


def documents(session: ReadSession, programme: str) -> Select[Any]:
    """The statement of all audits of a programme that the principal may see."""
    return scoped(_ALL[hiding(session.principal)], audits, programme, session.principal)


async def get_audit(session: ReadSession, programme: str, audit_id: UUID) -> dict[str, Any]:
    """One audit; a problem where there is none to see."""
    statement = scoped(_ONE[hiding(session.principal)], audits, programme, session.principal)
    found = await session.rows(statement, audit_id=audit_id)
    if not found:
        raise NotFound("There is no such audit.")
    return document(found[0])


async def get_first_version(session: ReadSession, programme: str, created: Outcome) -> dict[str, Any]:
    """An audit as it was when it was created, but for what has been erased since."""
    audit = await get_audit(session, programme, created.id)
    if audit["revision"] == 1:
        return audit
    statement = scoped(select(audit_revisions), audit_revisions, programme, session.principal)
    first = statement.where(audit_revisions.c.audit_id == created.id, audit_revisions.c.revision == 1)
    judged = _judged((await session.execute(first)).one()._mapping)
    return {**audit, **judged, "revision": 1, "position": created.position, "first_scored": None}


async def get_revisions(session: ReadSession, programme: str, audit_id: UUID) -> list[dict[str, Any]]:
    """Every version of an audit's judgement, oldest first."""
    current = await find_audit(session, programme, audit_id)
    statement = scoped(select(audit_revisions), audit_revisions, programme, session.principal)
    rows = await session.execute(statement.where(audit_revisions.c.audit_id == audit_id).order_by(audit_revisions.c.revision))
    versions = [_revision(row._mapping) for row in rows] or [_revision({**current._mapping, "reason": None, "appeal_id": None})]
    hidden = bool(await hidden_auditors(session, programme, [audit_id]))
    for version in versions:
        if hidden or (version["appeal_id"] is not None and session.principal.vendor is not None):
            version["recorded_by"] = None
    return versions


def _revision(version: Mapping[str, Any] | RowMapping) -> dict[str, Any]:
    return {
        "revision": version["revision"],
        "judgement": {name: version[name] for name in (*JUDGEMENT, "scorecard", "comment")},
        **{name: version[name] for name in ("quality_score", "reason", "recorded_by", "recorded_at", "appeal_id")},
    }


async def find_audit(session: ReadSession, programme: str, audit_id: UUID) -> Row[Any]:
    """The row of one audit; a problem where there is none to see. Who changes it holds the lock of the stream already."""
    statement = scoped(select(audits), audits, programme, session.principal).where(audits.c.id == audit_id)
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        raise NotFound("There is no such audit.")
    return row


async def find_audits(session: ReadSession, programme: str, ids: Collection[UUID]) -> dict[UUID, Row[Any]]:
    """The rows of some audits by their ids, as far as there are any to see."""
    if not ids:
        return {}
    statement = scoped(select(audits), audits, programme, session.principal).where(audits.c.id == any_(literal(list(ids), _IDS)))
    return {row.id: row for row in await session.execute(statement)}


async def hidden_auditors(session: ReadSession, programme: str, ids: Collection[UUID]) -> frozenset[UUID]:
    """Which of some audits keep from the principal whose work they are."""
    hidden_if = hiding(session.principal)
    if hidden_if is None:
        return frozenset()
    statement = scoped(select(audits.c.id), audits, programme, session.principal).where(audits.c.id.in_(ids), hidden_if)
    return frozenset((await session.execute(statement)).scalars())


async def was_sent(session: ReadSession, current: Row[Any], content_hash: bytes) -> bool:
    """Whether a row with this content brought an earlier version of the audit: sent again, it is no news."""
    c = audit_revisions.c
    statement = scoped(select(c.revision), audit_revisions, current.programme, session.principal)
    return (
        await session.execute(statement.where(c.audit_id == current.id, c.content_hash == content_hash).limit(1))
    ).scalar_one_or_none() is not None


async def revise(
    session: WriteSession,
    current: Row[Any],
    judgement: Judgement,
    reason: str,
    position: int,
    now: datetime,
    *,
    content_hash: bytes | None = None,
    appeal_id: UUID | None = None,
) -> None:
    """Append a revision: the audit takes the new judgement and `position`, the history keeps every version.

    `content_hash` is that of the row that brought the new judgement, `appeal_id` the appeal whose decision it is.
    """
    new = judgement.model_dump(mode="json", include=set(Judgement.model_fields)) | {
        "quality_score": quality_score(judgement.scorecard)
    }
    await _append_version(session, current, new, reason, now, content_hash=content_hash, appeal_id=appeal_id)
    first_scored = current.first_scored or {name: current._mapping[name] for name in (*JUDGEMENT, "quality_score")}
    await _change(session, current, position, **new, first_scored=first_scored, content_hash=content_hash or current.content_hash)


async def erase(session: WriteSession, current: Row[Any], reason: str, position: int, now: datetime) -> None:
    """Erase what can name a person or the content from an audit and its history; what was judged, and how, stays."""
    await _append_version(session, current, _judged(current._mapping) | {"comment": None}, reason, now)
    c = audit_revisions.c
    earlier = (c.programme == current.programme, c.audit_id == current.id, c.revision <= current.revision)
    await session.execute(update(audit_revisions).where(*earlier).values(comment=None, reason=None, recorded_by=_NOBODY))
    await _change(
        session, current, position, moderator=None, auditor=None, content_ref=None, comment=None, recorded_by=_NOBODY, erased=True
    )


async def _append_version(
    session: WriteSession, current: Row[Any], judged: Mapping[str, Any], reason: str, now: datetime, **origin: bytes | UUID | None
) -> None:
    """Append to the history; the first time, after the version that stood alone until now."""
    key = {"programme": current.programme, "audit_id": current.id, "vendor": current.vendor}
    trail = {"reason": reason, "recorded_by": session.principal.subject, "recorded_at": now}
    origin = {"content_hash": None, "appeal_id": None, **origin}
    versions = [{**key, **judged, **trail, **origin, "revision": current.revision + 1}]
    if current.revision == 1:
        first = {"reason": None, "recorded_by": current.recorded_by, "recorded_at": current.recorded_at, "revision": 1}
        origin = {"content_hash": current.content_hash, "appeal_id": None}
        versions.insert(0, {**key, **_judged(current._mapping), **first, **origin})
    await session.execute(insert(audit_revisions), versions)


async def _change(session: WriteSession, current: Row[Any], position: int, **values: Any) -> None:
    await session.execute(
        update(audits)
        .where(audits.c.programme == current.programme, audits.c.id == current.id)
        .values(**values, revision=current.revision + 1, position=position)
    )


def _judged(row: RowMapping) -> dict[str, Any]:
    return {name: row[name] for name in (*JUDGEMENT, "scorecard", "comment", "quality_score")}


async def read_changes(
    session: ReadSession, programme: str, after: int, limit: int, fields: Collection[str] = ()
) -> list[dict[str, Any]]:
    """Audits as the feed shows them; with `fields` these alone."""
    names = (*_CHANGE, *(name for name in _NAMES if name in fields)) if fields else (*_CHANGE, *_NAMES)
    shown = names[len(_CHANGE) :]
    statement = _documents(hiding(session.principal), names).where(audits.c.position > after)
    statement = scoped(statement.order_by(audits.c.position).limit(limit), audits, programme, session.principal)
    return [
        {"position": position, "id": audit_id, "revision": revision, "erased": erased, "data": document(data, shown)}
        for position, audit_id, revision, erased, *data in await session.rows(statement)
    ]
