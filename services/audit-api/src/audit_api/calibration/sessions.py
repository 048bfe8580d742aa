"""Sessions: reading them, drafting them, and moving them on."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Row,
    Select,
    Text,
    Update,
    cast,
    delete,
    distinct,
    func,
    insert,
    literal,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from audit_api.calibration.problems import CalibrationRefused, refused, require_state
from audit_api.calibration.tables import calibration_items, calibration_raters, calibration_sessions
from audit_api.calibration.visibility import READERS, of_own_side, visible
from audit_api.metadata import streams
from audit_api.programmes.records import get_programme
from tallystick.schemas.base import new_id
from tallystick.schemas.calibration import CalibrationSession, NewSession, SessionAction, SessionState
from tallystick.schemas.problem import ProblemError
from tallystick.service.auth import Principal
from tallystick.service.database import ReadSession, WriteSession
from tallystick.service.feed import take_positions
from tallystick.service.problems import NotFound

_s, _r = calibration_sessions.c, calibration_raters.c
_NAMES = tuple(name for name in CalibrationSession.model_fields if name != "raters")
_SHOWN = text(", ".join(f"calibration_sessions.{name}{'::text' if name in {'id', 'scale'} else ''}" for name in _NAMES))


def documents(programme: str, principal: Principal) -> Select[Any]:
    """The statement of all sessions of a programme that a principal may see, with the raters that it may know of."""
    rater = func.json_build_object("subject", _r.rater, "vendor", _r.vendor)
    raters = (
        select(cast(func.coalesce(func.json_agg(aggregate_order_by(rater, _r.rater)), literal_column("'[]'::json")), Text))
        .where(_r.programme == _s.programme, _r.session_id == _s.id, of_own_side(calibration_raters, principal))
        .correlate(calibration_sessions)
        .scalar_subquery()
    )
    return visible(select(_SHOWN, raters).select_from(calibration_sessions), programme, principal)


def document(row: Sequence[Any]) -> dict[str, Any]:
    """A session as its GET shows it, from a row of the columns in `documents()`."""
    shown: dict[str, Any] = dict(zip((*_NAMES, "raters"), row, strict=True))
    return shown | {name: orjson.Fragment(shown[name]) for name in ("scale", "raters")}


async def get_session(session: ReadSession, programme: str, session_id: UUID) -> dict[str, Any]:
    """One session; a problem where there is none to see."""
    found = await session.rows(documents(programme, session.principal).where(_s.id == session_id))
    if not found:
        raise NotFound("There is no such session.")
    return document(found[0])


async def find_session(session: ReadSession, programme: str, session_id: UUID) -> Row[Any]:
    """The row of one session; a problem where there is none to see. Who changes it holds the lock of the stream already."""
    statement = visible(select(calibration_sessions), programme, session.principal).where(_s.id == session_id)
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        raise NotFound("There is no such session.")
    return row


async def draft(session: WriteSession, programme: str, new: NewSession, position: int, moment: datetime) -> UUID:
    """Write a new session."""
    session_id = new_id()
    await session.execute(
        insert(calibration_sessions).values(
            programme=programme,
            id=session_id,
            vendors=[],
            **new.model_dump(mode="json", exclude={"raters", "deadline"}),
            deadline=new.deadline,
            state=SessionState.DRAFT,
            facilitator=session.principal.subject,
            created_at=moment,
            items=0,
            revision=1,
            position=position,
        )
    )
    await _name_raters(session, programme, session_id, new)
    return session_id


async def edit(session: WriteSession, current: Row[Any], new: NewSession, position: int) -> None:
    """Replace what may be changed of a draft."""
    values = {**new.model_dump(mode="json", exclude={"raters", "deadline"}), "deadline": new.deadline}
    await session.execute(_change(current, position).values(**values))
    await session.execute(delete(calibration_raters).where(*_raters_of(current)))
    await _name_raters(session, current.programme, current.id, new)


async def _name_raters(session: WriteSession, programme: str, session_id: UUID, new: NewSession) -> None:
    configured = (await get_programme(session, programme)).document
    vendors = {None, *(vendor["slug"] for vendor in configured["vendors"])}
    unknown = [
        ProblemError(pointer=f"/raters/{place}/vendor", code="unknown_vendor", detail="The programme knows no such vendor.")
        for place, rater in enumerate(new.raters)
        if rater.vendor not in vendors
    ]
    if unknown:
        raise CalibrationRefused("Raters belong to the programme's vendors or to the client.", errors=unknown)
    if new.raters:
        await session.execute(
            insert(calibration_raters),
            [
                {"programme": programme, "session_id": session_id, "rater": rater.subject, "vendor": rater.vendor, "rated": 0}
                for rater in new.raters
            ],
        )


async def open_scoring(session: WriteSession, current: Row[Any], moment: datetime) -> None:
    """Let the raters begin: from now on the session is there for them, and for their vendors."""
    target = require_state(current.state, SessionAction.OPEN)
    raters = (await session.execute(select(_r.rater).where(*_raters_of(current)))).all()
    if not current.items or not raters:
        raise refused("/items" if raters else "/raters", "missing", "There is somebody to rate, and something to be rated.")
    if current.deadline <= moment:
        raise refused("/deadline", "in_the_past", "The deadline is over.")
    vendors = (
        select(func.coalesce(func.array_agg(distinct(_r.vendor)), cast([], ARRAY(Text))))
        .where(*_raters_of(current), _r.vendor.is_not(None))
        .scalar_subquery()
    )
    await _move(session, current, state=target, opened_at=moment, vendors=vendors)


async def review(session: WriteSession, current: Row[Any], moment: datetime) -> None:
    """End scoring and lay the ratings open.

    Who rates holds the lock of its own row as a rater. With the locks of all of them, every rating that was accepted is there,
    and every later one finds the session in review.
    """
    target = require_state(current.state, SessionAction.REVIEW)
    await session.execute(select(_r.rater).where(*_raters_of(current)).order_by(_r.rater).with_for_update())
    await _move(session, current, state=target, reviewed_at=moment)


async def conclude(session: WriteSession, current: Row[Any], conclusion: str, position: int, moment: datetime) -> None:
    """Close the session with what it came to. Its items become precedent."""
    target = require_state(current.state, SessionAction.CONCLUDE)
    await session.execute(_change(current, position).values(state=target, concluded_at=moment, conclusion=conclusion))


async def count_items(session: WriteSession, current: Row[Any], position: int, items: int) -> None:
    """Remember how many items a draft has come to hold."""
    await session.execute(_change(current, position).values(items=items))


async def _move(session: WriteSession, current: Row[Any], **values: Any) -> None:
    """Change a session together with all its items, which look different to many from now on: all get new positions."""
    position = await take_positions(session, streams, current.programme, current.items + 1)
    changed = _change(current, position).values(**values).returning(_s.vendors)
    vendors = (await session.execute(changed)).scalar_one()
    c = calibration_items.c
    await session.execute(
        update(calibration_items)
        .where(c.programme == current.programme, c.session_id == current.id)
        .values(vendors=vendors, position=literal(position, BigInteger) + c.number, revision=c.revision + 1)
    )


def _change(current: Row[Any], position: int) -> Update:
    this = (_s.programme == current.programme, _s.id == current.id)
    return update(calibration_sessions).where(*this).values(revision=current.revision + 1, position=position)


def _raters_of(current: Row[Any]) -> tuple[Any, ...]:
    return _r.programme == current.programme, _r.session_id == current.id


async def list_sessions(
    session: ReadSession, programme: str, states: Sequence[SessionState], before: UUID | None, limit: int
) -> list[dict[str, Any]]:
    """The newest sessions in any of the states, drafted before the session `before`; newest first."""
    statement = documents(programme, session.principal).order_by(_s.id.desc()).limit(limit)
    if states:
        statement = statement.where(_s.state.in_(states))
    if before is not None:
        statement = statement.where(_s.id < before)
    return [document(row) for row in await session.rows(statement)]


async def read_changes(session: ReadSession, programme: str, after: int, limit: int) -> list[dict[str, Any]]:
    """Sessions as the feed shows them."""
    if not session.principal.holds(*READERS):
        return []
    statement = documents(programme, session.principal).where(_s.position > after).order_by(_s.position).limit(limit)
    found = [document(row) for row in await session.rows(statement)]
    return [{**{name: each[name] for name in ("position", "id", "revision")}, "erased": False, "data": each} for each in found]
