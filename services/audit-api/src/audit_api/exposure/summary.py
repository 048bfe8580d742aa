"""What managers may know of exposure: means of five people or more, by week. And what becomes of old entries.

Whoever asks may ask again and again, and may meanwhile move people between teams and change the programme. So that no two answers
differ by what a few people were shown, a week is told of once nothing of it can change any more, by the teams that people were in
when they were shown it, and its groups have no entry in common. docs/exposure.md says what that leaves.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta, timezone
from typing import Any

from sqlalchemy import Date, Select, cast, delete, func, literal, select, union_all
from sqlalchemy.dialects.postgresql import insert

from audit_api.exposure.ledger import monday
from audit_api.exposure.tables import breaks, exposure_weeks, exposures
from tallystick.schemas.principal import Role
from tallystick.schemas.programme import Programme
from tallystick.service.auth import ALL, Principal
from tallystick.service.database import ReadSession, WriteSession
from tallystick.service.days import day_of

WELLBEING = Principal("\x1fwellbeing", frozenset({Role.SERVICE}), frozenset({ALL}), None, "")
"""Whom the service acts as where it needs the ledgers of all; row-level security knows it, and no token can name it."""

FEWEST = 5
"""People in a group that is shown."""
_MOST = 0.5
"""Of a group's dose, the most that may be one person's: beyond it the group would say what that person was shown."""
_LAST_ZONE = timezone(-timedelta(hours=12))
"""Where a week ends last: no change of the programme's time zone begins it anew."""
_MINUTE = 60

People = dict[str, tuple[float, float]]
"""Dose and seconds, by person."""


async def group_by_team(session: ReadSession, programme: str, weeks: int, now: datetime) -> tuple[list[dict[str, Any]], bool]:
    """The newest weeks of groups of five people or more, newest first, and whether there is more that is not shown.

    Of weeks that are over everywhere, and of which nothing is in hand. People are counted who were shown something with a dose.
    Teams with fewer people, or of which one person has most of the dose, are put together; where that is too few even so, they
    are not shown.
    """
    found: dict[date, dict[str, People]] = defaultdict(lambda: defaultdict(dict))
    in_hand: set[date] = set()
    for person in await session.execute(_by_person(programme, monday(now.astimezone(_LAST_ZONE).date()))):
        found[person.week][person.team][person.auditor] = (person.dose, person.seconds)
        if person.in_hand:
            in_hand.add(person.week)
    groups, hidden = [], False
    for week in sorted(found, reverse=True)[:weeks]:
        if week in in_hand:
            hidden = True
            continue
        large = {team: people for team, people in found[week].items() if team and _tells_of_nobody(people)}
        rest = _together(people for team, people in found[week].items() if team not in large)
        for team, people in [*sorted(large.items()), (None, rest)]:
            if team is not None or _tells_of_nobody(people):
                groups.append(_group(week, team, people))
        hidden |= bool(rest) and not _tells_of_nobody(rest)
    return groups, hidden


def _tells_of_nobody(people: People) -> bool:
    doses = [dose for dose, _ in people.values()]
    return len(doses) >= FEWEST and max(doses) <= _MOST * sum(doses)


def _together(teams: Iterable[People]) -> People:
    """The people of several teams; who was in more than one of them is one person."""
    sums: People = {}
    for team in teams:
        for auditor, (dose, seconds) in team.items():
            before = sums.get(auditor, (0.0, 0.0))
            sums[auditor] = (before[0] + dose, before[1] + seconds)
    return sums


def _by_person(programme: str, before: date) -> Select[Any]:
    """What each person was shown in each week before a day, by the team they were in, and whether any of it is in hand."""
    e, w = exposures.c, exposure_weeks.c
    monday_of = cast(func.date_trunc("week", e.day), Date)
    in_hand = e.ended_at.is_(None).label("in_hand")
    of_days = select(e.auditor, monday_of.label("week"), e.team, e.dose, e.seconds, in_hand)
    of_weeks = select(w.auditor, w.week, w.team, w.dose, w.seconds, literal(value=False))
    parts = union_all(
        of_days.where(e.programme == programme, e.day < before), of_weeks.where(w.programme == programme, w.week < before)
    ).subquery()
    c = parts.c
    shown = (func.sum(c.dose).label("dose"), func.sum(c.seconds).label("seconds"), func.bool_or(c.in_hand).label("in_hand"))
    people = select(c.week, c.team, c.auditor, *shown).group_by(c.week, c.team, c.auditor)
    return people.having(func.sum(c.dose) > 0)


def _group(week: date, team: str | None, people: People) -> dict[str, Any]:
    return {
        "team": team,
        "week": week,
        "people": len(people),
        "mean_dose": sum(dose for dose, _ in people.values()) / len(people),
        "mean_minutes": sum(seconds for _, seconds in people.values()) / len(people) / _MINUTE,
    }


async def thin(session: WriteSession, programme: Programme, now: datetime) -> None:
    """Make weeks of the days that are over for longer than they are kept, and forget weeks that are. Two at once do it once."""
    rules, e, w = programme.exposure, exposures.c, exposure_weeks.c
    today = day_of(now, programme.time_zone)
    kept_from = monday(today - timedelta(days=rules.keep_days))
    old = delete(exposures).where(e.programme == programme.slug, e.day < kept_from)
    gone = old.returning(e.auditor, e.day, e.team, e.item_id, e.dose, e.seconds).cte("gone")
    week = cast(func.date_trunc("week", gone.c.day), Date)
    key = (gone.c.auditor, week, gone.c.team)
    sums = (func.sum(gone.c.dose), func.sum(gone.c.seconds), func.count(gone.c.item_id.distinct()))
    summed = select(literal(programme.slug), *key, *sums).group_by(*key)
    names = ["programme", "auditor", "week", "team", "dose", "seconds", "items"]
    adding = insert(exposure_weeks).from_select(names, summed)
    more = {name: w[name] + adding.excluded[name] for name in names[4:]}
    await session.execute(adding.on_conflict_do_update(index_elements=names[:4], set_=more))
    weeks_from = monday(today - timedelta(weeks=rules.keep_weeks))
    await session.execute(delete(exposure_weeks).where(w.programme == programme.slug, w.week < weeks_from))
    await session.execute(delete(breaks).where(breaks.c.programme == programme.slug, breaks.c.until < now - timedelta(days=1)))
