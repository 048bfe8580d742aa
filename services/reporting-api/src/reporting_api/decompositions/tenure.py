"""How long moderators had been at work when their decisions were audited: since the first of their decisions that was."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, case, func, select

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

    First days are found by windows over the programme's facts, in one pass: joined to them they would be looked up audit by audit
    where the planner does not yet know how many there are.

    Raises:
        InvalidRequest: there are more than `MAX_GROUPS` groups.
    """
    columns = fact_columns(cut.view)
    first = func.min(facts.c.day).over(partition_by=[facts.c.vendor, facts.c.moderator])
    begun = func.min(facts.c.day).over(partition_by=facts.c.vendor)
    shown = [column.label(name) for name, column in columns.items()]
    every = scoped(select(*shown, first.label("first"), begun.label("begun")), facts, cut.programme, session.principal)
    seen = every.subquery("seen")
    known = {name: seen.c[name] for name in columns}
    band = _band(known, seen.c.first, seen.c.begun)
    statement = grouped(select(), cut, known, seen.c.day).add_columns(band).group_by(band)
    statement = statement.add_columns(*counted_facts(known, names))
    rows = await session.rows(statement.limit(MAX_GROUPS + 1))
    bounded(len(rows))
    return keyed(rows, len(cut.by) + 1, names)


async def beginners(session: ReadSession, programme: str, start: date, end: date) -> set[Moderator]:
    """Moderators whose first audited decision is in a period, at least `SETTLING` days after their vendor's first."""
    first = select(facts.c.vendor, facts.c.moderator, func.min(facts.c.day)).group_by(facts.c.vendor, facts.c.moderator)
    begun = select(facts.c.vendor, func.min(facts.c.day)).group_by(facts.c.vendor)
    days = await session.rows(scoped(first, facts, programme, session.principal))
    begins = {row[0]: row[1] for row in await session.rows(scoped(begun, facts, programme, session.principal))}
    return {
        (vendor, moderator)
        for vendor, moderator, day in days
        if moderator and start <= day < end and (day - begins[vendor]).days >= SETTLING
    }


def _band(
    columns: Mapping[str, ColumnElement[Any]], first: ColumnElement[date], begun: ColumnElement[date]
) -> ColumnElement[str]:
    days = columns["day"] - first
    return case(
        (columns["moderator"] == "", ""),
        (days >= _OLD, "over_13_weeks"),
        (first < begun + SETTLING, ""),
        (days < _YOUNG, "under_4_weeks"),
        else_="4_to_13_weeks",
    ).label("tenure")
