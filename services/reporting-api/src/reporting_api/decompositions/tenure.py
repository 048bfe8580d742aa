"""How long moderators had been at work when their decisions were audited: since the first of their decisions that was."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import ColumnElement, Subquery, and_, case, func, select

from reporting_api.metrics.sums import MAX_GROUPS, Cut, Key, Sums, bounded, counted_facts, fact_columns, grouped, keyed
from reporting_api.tables import facts
from tallystick.service.database import ReadSession, scoped

SETTLING = 28
"""Days from the first audit of a vendor on in which a first decision does not say that the moderator is new."""

_YOUNG, _OLD = 28, 91

Moderator = tuple[str, ...]
"""Vendor and moderator."""


async def tenure_sums(session: ReadSession, cut: Cut, names: Sequence[str]) -> dict[Key, Sums]:
    """The sums of a cut by group and, last, by the moderator's tenure; empty where it is not known.

    Raises:
        InvalidRequest: there are more than `MAX_GROUPS` groups.
    """
    columns = fact_columns(cut.view)
    first, begun = _first(session, cut.programme), _begun(session, cut.programme)
    same = and_(facts.c.vendor == first.c.vendor, facts.c.moderator == first.c.moderator)
    joined = facts.outerjoin(first, same).join(begun, facts.c.vendor == begun.c.vendor)
    band = _band(first.c.day, begun.c.day)
    statement = grouped(select().select_from(joined), cut, columns, facts.c.day).add_columns(band).group_by(band)
    statement = statement.add_columns(*counted_facts(columns, names))
    rows = await session.rows(scoped(statement, facts, cut.programme, session.principal).limit(MAX_GROUPS + 1))
    bounded(len(rows))
    return keyed(rows, len(cut.by) + 1, names)


async def beginners(session: ReadSession, programme: str, start: date, end: date) -> set[Moderator]:
    """Moderators whose first audited decision is in a period, at least `SETTLING` days after their vendor's first."""
    first, begun = _first(session, programme), _begun(session, programme)
    statement = (
        select(first.c.vendor, first.c.moderator)
        .select_from(first.join(begun, first.c.vendor == begun.c.vendor))
        .where(first.c.day >= begun.c.day + SETTLING, first.c.day >= start, first.c.day < end)
    )
    return {tuple(row) for row in await session.rows(statement)}


def _first(session: ReadSession, programme: str) -> Subquery:
    statement = select(facts.c.vendor, facts.c.moderator, func.min(facts.c.day).label("day"))
    statement = statement.where(facts.c.moderator != "").group_by(facts.c.vendor, facts.c.moderator)
    return scoped(statement, facts, programme, session.principal).subquery("first")


def _begun(session: ReadSession, programme: str) -> Subquery:
    statement = select(facts.c.vendor, func.min(facts.c.day).label("day")).group_by(facts.c.vendor)
    return scoped(statement, facts, programme, session.principal).subquery("begun")


def _band(first: ColumnElement[date], begun: ColumnElement[date]) -> ColumnElement[str]:
    days = facts.c.day - first
    return case(
        (first.is_(None), ""),
        (days >= _OLD, "over_13_weeks"),
        (first < begun + SETTLING, ""),
        (days < _YOUNG, "under_4_weeks"),
        else_="4_to_13_weeks",
    ).label("tenure")
