"""What managers may know of exposure: means of five people or more, by week. And what becomes of old entries."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Date, Select, cast, delete, func, literal, select, union_all
from sqlalchemy.dialects.postgresql import insert

from audit_api.exposure.ledger import local_day, monday
from audit_api.exposure.tables import breaks, exposure_weeks, exposures
from audit_api.staffing.tables import auditors
from tallystick.schemas.principal import Role
from tallystick.schemas.programme import Programme
from tallystick.service.auth import ALL, Principal
from tallystick.service.database import ReadSession, WriteSession

WELLBEING = Principal("\x1fwellbeing", frozenset({Role.SERVICE}), frozenset({ALL}), None, "")
"""Whom the service acts as where it needs the ledgers of all; row-level security knows it, and no token can name it."""

FEWEST = 5
"""People in a group that is shown."""
_MINUTE = 60


async def group_by_team(session: ReadSession, programme: str, weeks: int) -> tuple[list[dict[str, Any]], bool]:
    """The newest weeks of groups of five people or more, newest first, and whether there is more that is not shown.

    Teams with fewer people are put together; where they are too few even so, they are not shown.
    """
    found: dict[Any, dict[str | None, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for person in await session.execute(_by_person(programme)):
        found[person.week][person.team].append((person.dose, person.seconds))
    groups, hidden = [], False
    for week in sorted(found, reverse=True)[:weeks]:
        large = {team: people for team, people in found[week].items() if team is not None and len(people) >= FEWEST}
        rest = [person for team, people in found[week].items() if team not in large for person in people]
        for team, people in [*sorted(large.items()), (None, rest)]:
            if len(people) >= FEWEST:
                groups.append(_group(week, team, people))
        hidden |= 0 < len(rest) < FEWEST
    return groups, hidden


def _by_person(programme: str) -> Select[Any]:
    """What each person was shown in each week, with the team they are of."""
    e, w = exposures.c, exposure_weeks.c
    monday_of = cast(func.date_trunc("week", e.day), Date)
    parts = union_all(
        select(e.auditor, monday_of.label("week"), e.dose, e.seconds).where(e.programme == programme),
        select(w.auditor, w.week, w.dose, w.seconds).where(w.programme == programme),
    ).subquery()
    team = auditors.c.document["team"].astext
    joined = parts.outerjoin(auditors, (auditors.c.programme == programme) & (auditors.c.auditor == parts.c.auditor))
    shown = (func.sum(parts.c.dose).label("dose"), func.sum(parts.c.seconds).label("seconds"))
    people = select(parts.c.week, team.label("team"), *shown).select_from(joined)
    return people.group_by(parts.c.week, parts.c.auditor, team)


def _group(week: Any, team: str | None, people: list[tuple[float, float]]) -> dict[str, Any]:
    return {
        "team": team,
        "week": week,
        "people": len(people),
        "mean_dose": sum(dose for dose, _ in people) / len(people),
        "mean_minutes": sum(seconds for _, seconds in people) / len(people) / _MINUTE,
    }


async def thin(session: WriteSession, programme: Programme, now: datetime) -> None:
    """Make weeks of the days that are over for longer than they are kept, and forget weeks that are. Two at once do it once."""
    rules, e, w = programme.exposure, exposures.c, exposure_weeks.c
    today = local_day(programme, now)
    kept_from = monday(today - timedelta(days=rules.keep_days))
    old = delete(exposures).where(e.programme == programme.slug, e.day < kept_from)
    gone = old.returning(e.auditor, e.day, e.dose, e.seconds).cte("gone")
    week = cast(func.date_trunc("week", gone.c.day), Date)
    summed = select(
        literal(programme.slug), gone.c.auditor, week, func.sum(gone.c.dose), func.sum(gone.c.seconds), func.count()
    ).group_by(gone.c.auditor, week)  # fmt: skip
    names = ["programme", "auditor", "week", "dose", "seconds", "items"]
    adding = insert(exposure_weeks).from_select(names, summed)
    more = {name: w[name] + adding.excluded[name] for name in names[3:]}
    await session.execute(adding.on_conflict_do_update(index_elements=names[:3], set_=more))
    weeks_from = monday(today - timedelta(weeks=rules.keep_weeks))
    await session.execute(delete(exposure_weeks).where(w.programme == programme.slug, w.week < weeks_from))
    await session.execute(delete(breaks).where(breaks.c.programme == programme.slug, breaks.c.until < now - timedelta(days=1)))
