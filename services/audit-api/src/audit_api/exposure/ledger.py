"""The ledger: what was shown to whom, for how long. Everything here reads and writes a person's own rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, Select, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from audit_api.exposure.tables import breaks, exposure_weeks, exposures, opt_outs
from tallystick.schemas.programme import ExposureRules, Programme
from tallystick.service.database import ReadSession, WriteSession
from tallystick.service.days import day_of

_x = exposures.c
_MINUTE = 60
_LOOK_BACK = timedelta(hours=16)


def dose(rules: ExposureRules, harm: float, modality: str, seconds: float) -> float:
    """Harm of the policy times minutes times the weight of the modality."""
    weight: float = getattr(rules.weights, modality)
    return harm * seconds / _MINUTE * weight


def monday(day: date) -> date:
    """The first day of a day's week."""
    return day - timedelta(days=day.weekday())


async def reserve(
    session: WriteSession,
    programme: Programme,
    auditor: str,
    team: str | None,
    item: tuple[UUID, str, float, str],
    now: datetime,
) -> None:
    """Enter an item that is handed out (its id, policy, harm and modality) with the time that is expected of it.

    Each time is an entry of its own, with the day and the team of then: nothing that comes later moves it to others.
    """
    item_id, policy, harm, modality = item
    seconds = programme.handing.seconds_per_item
    entry = {
        "programme": programme.slug,
        "auditor": auditor,
        "item_id": item_id,
        "day": day_of(now, programme.time_zone),
        "began_at": now,
        "policy": policy,
        "harm": harm,
        "team": team or "",
        "seconds": seconds,
        "dose": dose(programme.exposure, harm, modality, seconds),
    }
    await session.execute(insert(exposures).values(entry))


async def settle(session: WriteSession, programme: str, auditor: str, item_id: UUID, seconds: int, now: datetime) -> None:
    """End an item's entry: the time that it took takes the place of what was expected. Looking counts, whatever came of it."""
    of_item = (_x.programme == programme, _x.auditor == auditor, _x.item_id == item_id, _x.ended_at.is_(None))
    ending = {"ended_at": now, "seconds": seconds, "dose": _x.dose * seconds / _x.seconds}
    await session.execute(update(exposures).where(*of_item).values(ending))


@dataclass(frozen=True)
class Standing:
    """What a person has been shown, and what they have said for their own protection."""

    today: float
    week: float
    """The dose since Monday."""
    break_until: datetime | None
    """`None` where they are not on a break."""
    opted_out: tuple[str, ...]
    """The policies that they are not handed work of."""


async def read_standing(session: ReadSession, programme: Programme, auditor: str, now: datetime) -> Standing:
    """All of it in one statement, since it is asked at every claim."""
    today, b = day_of(now, programme.time_zone), breaks.c
    of_today = func.coalesce(func.sum(_x.dose).filter(_x.day == today), 0.0).label("today")
    of_week = func.coalesce(func.sum(_x.dose), 0.0).label("week")
    until = select(func.max(b.until)).where(b.programme == programme.slug, b.auditor == auditor, b.until > now)
    mine = (_x.programme == programme.slug, _x.auditor == auditor, _x.day >= monday(today))
    chosen = func.array(_opted_out(programme.slug, auditor).scalar_subquery()).label("opted_out")
    statement = select(of_today, of_week, until.scalar_subquery().label("break_until"), chosen)
    [(shown_today, shown_this_week, break_until, policies_chosen)] = await session.rows(statement.where(*mine))
    return Standing(shown_today, shown_this_week, break_until, tuple(policies_chosen))


class Entry(NamedTuple):
    """When somebody looked at an item, and how harmful it was."""

    began_at: datetime
    ended_at: datetime
    harm: float


async def latest(session: ReadSession, programme: str, auditor: str, now: datetime) -> list[Entry]:
    """When the entries of the last hours began and ended, and their harm; newest first. What is in hand goes on until now."""
    ended = func.coalesce(_x.ended_at, func.least(now, _x.began_at + _x.seconds * timedelta(seconds=1)))
    statement = select(_x.began_at, ended.label("ended_at"), _x.harm).where(
        _x.programme == programme, _x.auditor == auditor, _x.began_at > now - _LOOK_BACK
    )
    return [Entry(*row) for row in await session.rows(statement.order_by(_x.began_at.desc()))]


async def days(session: ReadSession, programme: str, auditor: str) -> list[dict[str, Any]]:
    """A person's days, newest first."""
    minutes = func.sum(_x.seconds) / float(_MINUTE)
    sums = select(
        _x.day, func.sum(_x.dose).label("dose"), minutes.label("minutes"), func.count(_x.item_id.distinct()).label("items")
    )
    mine = sums.where(_x.programme == programme, _x.auditor == auditor).group_by(_x.day).order_by(_x.day.desc())
    return [_shown(row) for row in await session.execute(mine)]


def _shown(row: Row[Any]) -> dict[str, Any]:
    return {str(name): value for name, value in row._mapping.items()}


async def weeks(session: ReadSession, programme: str, auditor: str) -> list[dict[str, Any]]:
    """A person's weeks that days have been thinned out to, newest first."""
    c = exposure_weeks.c
    minutes = func.sum(c.seconds) / float(_MINUTE)
    sums = select(
        c.week.label("day"), func.sum(c.dose).label("dose"), minutes.label("minutes"), func.sum(c["items"]).label("items")
    )
    mine = sums.where(c.programme == programme, c.auditor == auditor).group_by(c.week).order_by(c.week.desc())
    return [_shown(row) for row in await session.execute(mine)]


async def opted_out(session: ReadSession, programme: str, auditor: str) -> list[str]:
    """The policies that a person is not handed work of."""
    return list((await session.execute(_opted_out(programme, auditor))).scalars())


def _opted_out(programme: str, auditor: str) -> Select[tuple[str]]:
    c = opt_outs.c
    return select(c.policy).where(c.programme == programme, c.auditor == auditor).order_by(c.policy)


async def opt_out(session: WriteSession, programme: str, auditor: str, policies: Sequence[str]) -> None:
    """Put these policies in the place of those that were opted out of before."""
    c = opt_outs.c
    await session.execute(delete(opt_outs).where(c.programme == programme, c.auditor == auditor))
    if policies:
        rows = [{"programme": programme, "auditor": auditor, "policy": policy} for policy in sorted(set(policies))]
        await session.execute(insert(opt_outs), rows)


async def take_break(session: WriteSession, programme: str, auditor: str, minutes: int, now: datetime) -> None:
    """Begin a break. One that is under way goes on, or longer."""
    begun = insert(breaks).values(programme=programme, auditor=auditor, began_at=now, until=now + timedelta(minutes=minutes))
    longer = {"until": func.greatest(breaks.c.until, begun.excluded.until)}
    await session.execute(begun.on_conflict_do_update(index_elements=["programme", "auditor", "began_at"], set_=longer))
