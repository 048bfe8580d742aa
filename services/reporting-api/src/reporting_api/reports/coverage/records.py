"""The strata of draws as they are known, each with its items by state and what audits found, and audits by day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, Row, Select, and_, cast, func, or_, select, true

from reporting_api.tables import facts, sample_draws, sample_items, sample_strata
from tallystick.schemas.sampling import DrawState, ItemState
from tallystick.service.database import ReadSession, scoped
from tallystick.service.days import day_in_sql

_d, _s, _i, _f = sample_draws.c, sample_strata.c, sample_items.c, facts.c


@dataclass(frozen=True, slots=True)
class Asked:
    """What coverage is asked about: draws whose period touches the days from `start` up to, and not including, `end`."""

    programme: str
    plans: tuple[UUID, ...]
    draws: tuple[UUID, ...]
    vendors: tuple[str, ...]
    start: date
    end: date


def _strata(session: ReadSession, asked: Asked, *columns: Any) -> Select[Any]:
    """The strata asked about, with their draws. Withdrawn draws, and strata without decisions in what was drawn, are left out."""
    of_draw = and_(_d.programme == _s.programme, _d.draw_id == _s.draw_id)
    statement = scoped(select(*columns), sample_strata, asked.programme, session.principal)
    statement = statement.select_from(sample_strata.join(sample_draws, of_draw)).where(
        _d.state != DrawState.WITHDRAWN,
        _d.first_day < asked.end,
        _d.last_day >= asked.start,
        or_(_d.state == DrawState.COMMITTED, _s.decisions > 0),
    )
    for column, values in ((_s.vendor, asked.vendors), (_d.plan_id, asked.plans), (_d.draw_id, asked.draws)):
        if values:
            statement = statement.where(column.in_(values))
    return statement


async def read_strata(session: ReadSession, asked: Asked, since: datetime) -> Sequence[Row[Any]]:
    """Every stratum with its items by state, when they were audited, and how many since a moment, and errors as adjudicated."""
    of_item = and_(_f.programme == _i.programme, _f.audit_id == _i.audit_id)
    states = [func.count().filter(_i.state == state).label(state.value) for state in ItemState]
    lately = func.count().filter(_i.state == ItemState.AUDITED, _i.audited_at >= since)
    found = (
        select(
            *states,
            lately.label("lately"),
            func.min(_i.audited_at).label("first_audited_at"),
            func.max(_i.audited_at).label("last_audited_at"),
            func.count(_f.audit_id).label("judged"),
            func.count().filter(_f.incorrect).label("errors"),
        )
        .select_from(sample_items.outerjoin(facts, of_item))
        .where(_i.programme == _s.programme, _i.draw_id == _s.draw_id, _i.stratum == _s.stratum)
        .correlate(sample_strata)
        .lateral("found")
    )
    of_draw = [
        _d[name] for name in ("plan_id", "draw_id", "title", "state", "first_day", "last_day", "drawn_at", "due_at", "wanted")
    ]
    of_stratum = [_s[name] for name in ("stratum", "vendor", "values", "decisions", "planned", "drawn")]
    statement = _strata(session, asked, *of_draw, *of_stratum, *found.c).join(found, true())
    return (await session.execute(statement)).all()


async def read_audits_by_day(session: ReadSession, asked: Asked, first: date, last: date, time_zone: str) -> dict[date, int]:
    """How many items of the strata asked about were audited on each day; `first` and `last` are those of the outermost ones."""
    day = day_in_sql(_i.audited_at, first, last, time_zone)
    audited = (
        select(day.label("day"), func.count().label("audits"))
        .where(_i.programme == _s.programme, _i.draw_id == _s.draw_id, _i.stratum == _s.stratum)
        .where(_i.state == ItemState.AUDITED, _i.audited_at.is_not(None))
        .group_by(day)
        .correlate(sample_strata)
        .lateral("audited")  # by stratum, whatever is known of how many there are: not every item with every stratum
    )
    days = _strata(session, asked, audited.c.day, cast(func.sum(audited.c.audits), Integer)).join(audited, true())
    return {row[0]: row[1] for row in await session.rows(days.group_by(audited.c.day))}
