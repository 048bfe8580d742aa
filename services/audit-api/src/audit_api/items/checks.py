"""What checks the auditors themselves: golden items, and repeats of what somebody else has audited.

Nobody who audits may tell them from drawn ones. So one is made when it is handed out, to look like the drawn item in whose place
it comes: with its priority, due date, stratum and probability, and an id of the time of some item of that stratum.
"""

import os
import secrets
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, any_, case, cast, exists, func, literal, not_, or_, select, text
from sqlalchemy.dialects.postgresql import ARRAY, array, insert
from sqlalchemy.types import Text

from audit_api.audits.tables import audits
from audit_api.calibration.tables import calibration_items, calibration_raters, golden_items
from audit_api.decisions.tables import decision_columns
from audit_api.items.fitting import Asking
from audit_api.sampling.tables import sample_items
from tallystick.schemas.programme import Programme
from tallystick.schemas.sampling import ItemState
from tallystick.service.database import WriteSession, scoped

_i = sample_items.c
_REPEATED_WITHIN = timedelta(days=30)
_TIME_BYTES = 6  # of a UUIDv7
_DECISION = tuple(str(column.name) for column in decision_columns())
_AS_DRAWN = ("stratum", "inclusion_probability", "priority", "due_at", "decided_at")


async def make_check(
    session: WriteSession, programme: Programme, kind: str, drawn: Row[Any], asking: Asking, now: datetime
) -> Row[Any] | None:
    """Make a golden item or a repeat for somebody, in the place of a drawn one; None where there is none for them.

    Of two people who are being given a repeat of the same item at once, one is: the other waits until that is certain.
    """
    golden = kind == "golden"
    sources = (_golden(programme, drawn, asking) if golden else _audited(session, programme, asking, now)).subquery()
    fitting = select(sources).where(*asking.may(sources), *asking.protected(sources, programme)).limit(1)
    source = await (_any_golden(session, fitting) if golden else _any_by_rank(session, fitting, sources.c.rank))
    if source is None:
        return None
    values = {name: source._mapping[name] for name in _DECISION} | {name: drawn._mapping[name] for name in _AS_DRAWN}
    beside = scoped(select(_i.id, _i.rank), sample_items, programme.slug, session.principal)
    beside = beside.where(_i.draw_id == drawn.draw_id, _i.stratum == drawn.stratum).limit(1)
    alike = await _any_by_rank(session, beside, _i.rank) or drawn  # not just the drawn one, which is likely to come next
    own = {"id": _of_the_same_time(alike.id), "kind": kind, "origin_id": source.origin_id, "turn": drawn.turn}
    state = {"state": ItemState.WAITING, "told": True, "revision": drawn.revision, "position": 0, "harm": source.harm}
    statement = insert(sample_items).values(programme=programme.slug, **values, **own, **state)
    once = statement.on_conflict_do_nothing(index_elements=["programme", "origin_id"], index_where=text("kind = 'repeat'"))
    return (await session.execute(once.returning(sample_items))).one_or_none()


def _golden(programme: Programme, drawn: Row[Any], asking: Asking) -> Select[Any]:
    """Golden items that somebody has neither audited themselves nor met, of sessions in which they were not to rate."""
    a, g, k, r = audits.c, golden_items.c, calibration_items.c, calibration_raters.c
    harm = case({policy.code: policy.harm for policy in programme.policy_set.policies}, value=a.policy, else_=literal(0.0))
    made = sample_items.alias()
    mine = or_(made.c.claimed_by == asking.me, made.c.audited_by == asking.me, literal(asking.me) == any_(made.c.passed_by))
    met = exists().where(made.c.programme == programme.slug, made.c.origin_id == g.item_id, mine)
    rated = exists().where(r.programme == programme.slug, r.session_id == k.session_id, r.rater == asking.me)
    facts = [a[name] for name in _DECISION if name in a]
    columns = (
        *facts,
        a.external_id.label("decision_id"),
        literal(drawn.modality).label("modality"),
        literal(None, Text).label("risk"),
        cast(array([]), ARRAY(Text)).label("passed_by"),
        harm.label("harm"),
        g.item_id.label("origin_id"),
    )
    concluded = golden_items.join(calibration_items, (k.programme == g.programme) & (k.id == g.item_id)).join(
        audits, (a.programme == k.programme) & (a.id == k.audit_id)
    )
    of_others = (g.programme == programme.slug, not_(a.erased), a.auditor != asking.me, not_(met), not_(rated))
    return select(*columns).select_from(concluded).where(*of_others)


def _audited(session: WriteSession, programme: Programme, asking: Asking, now: datetime) -> Select[Any]:
    """Drawn items that somebody else has audited lately, and that nobody has been given again."""
    again = sample_items.alias()
    repeated = exists().where(again.c.programme == programme.slug, again.c.origin_id == _i.id, again.c.kind == "repeat")
    columns = (*(_i[name] for name in _DECISION), _i.passed_by, _i.harm, _i.id.label("origin_id"), _i.rank)
    lately = (_i.kind == "sampled", _i.state == ItemState.AUDITED, _i.audited_at > now - _REPEATED_WITHIN)
    statement = scoped(select(*columns), sample_items, programme.slug, session.principal)
    return statement.where(*lately, _i.audited_by != asking.me, not_(repeated))


async def _any_golden(session: WriteSession, fitting: Select[Any]) -> Row[Any] | None:
    """Any of them at random; there are not many."""
    return (await session.execute(fitting.order_by(func.random()))).one_or_none()


async def _any_by_rank(session: WriteSession, items: Select[Any], rank: ColumnElement[bytes]) -> Row[Any] | None:
    """One of the items, without looking at all: ranks are as good as random up to the highest, so the next after a random one."""
    highest = (await session.execute(items.order_by(rank.desc()))).one_or_none()
    if highest is None:
        return None
    after = secrets.randbelow(int.from_bytes(highest.rank) + 1).to_bytes(len(highest.rank))
    return (await session.execute(items.where(rank >= after).order_by(rank))).one_or_none()


def _of_the_same_time(drawn: UUID) -> UUID:
    """A new id that says the same time as another one."""
    fresh = bytearray(drawn.bytes[:_TIME_BYTES] + os.urandom(16 - _TIME_BYTES))
    fresh[6] = fresh[6] & 0x0F | 0x70
    fresh[8] = fresh[8] & 0x3F | 0x80
    return UUID(bytes=bytes(fresh))
