"""What a programme's numbers stand on: how far its feed is counted, in which time zone, by which targets."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, select

from reporting_api.cuboids import smallest
from reporting_api.projection.cursors import find_cursor
from reporting_api.tables import rollups
from tallystick.schemas.programme import Programme, Targets
from tallystick.service.auth import enter
from tallystick.service.database import ReadSession, scoped
from tallystick.service.problems import NotFound, Unavailable


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the numbers of a programme stand."""

    programme: str
    epoch: UUID | None
    position: int
    begun_at: datetime
    """When the projection was begun that the numbers are from; a rebuild begins another."""
    time_zone: str
    targets: Targets
    names: dict[str, str]
    """What error codes are called, by code."""
    days: tuple[date, date] | None
    """The first day with audits that the principal may see, and the day after the last; None without any."""


async def read_standing(session: ReadSession, programme: str) -> Standing:
    """Where the numbers of a programme stand.

    Raises:
        NotFound: there is no programme that the principal may see under this name.
        Unavailable: since the projection was begun it has not yet come to the end of the feed, so the numbers are in part.
    """
    row = await find_cursor(session, enter(session.principal, programme), *_days(session, programme))
    if row is None:
        raise NotFound("There is no such programme.")
    if row.caught_up_at is None:
        raise Unavailable(
            "The numbers of this programme are being built. They are shown once all of its audits are counted.",
            headers={"Retry-After": "2"},
        )
    return Standing(
        programme,
        row.epoch,
        row.position,
        row.created_at,
        row.time_zone,
        Targets.model_validate(row.document["targets"]),
        {code["code"]: code["name"] for code in row.document["error_taxonomy"]["codes"]},
        None if row.first_day is None else (row.first_day, row.last_day + timedelta(days=1)),
    )


async def read_document(session: ReadSession, programme: str) -> Programme:
    """The programme as the feed last showed it and as the principal may see it.

    Raises:
        NotFound: there is no programme that the principal may see under this name.
    """
    row = await find_cursor(session, enter(session.principal, programme))
    if row is None:
        raise NotFound("There is no such programme.")
    return Programme.model_validate(row.document).as_seen_by(session.principal.vendor)


def _days(session: ReadSession, programme: str) -> tuple[ColumnElement[date], ColumnElement[date]]:
    """The first and the last day with audits that the principal may see."""
    days = select(rollups.c.day).where(rollups.c.cuboid == smallest(frozenset())).limit(1)
    days = scoped(days, rollups, programme, session.principal)
    first, last = days.order_by(rollups.c.day), days.order_by(rollups.c.day.desc())
    return first.scalar_subquery().label("first_day"), last.scalar_subquery().label("last_day")
