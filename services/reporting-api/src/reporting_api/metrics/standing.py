"""What a programme's numbers stand on: how far its feed is counted, in which time zone, by which targets."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from uuid import UUID

import orjson
from sqlalchemy import SmallInteger, Text, bindparam, select, text

from reporting_api.cuboids import smallest
from reporting_api.projection.cursors import find_cursor, names_vendor
from reporting_api.tables import cursors
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
    shown: int | None
    """The position, to whom it may be told: to a vendor it would tell what others record, and when."""
    begun_at: datetime
    """When the projection was begun that the numbers are from; a rebuild begins another."""
    time_zone: str
    targets: Targets
    names: dict[str, str]
    """What error codes are called, by code."""
    days: tuple[date, date] | None
    """The first day with audits that the principal may see, and the day after the last; None without any."""


_STANDING = select(
    text(
        """
        epoch, position, created_at, time_zone, caught_up_at,
        document ->> 'targets', document ->> 'vendors', document #>> '{error_taxonomy,codes}',
        (
            select day from rollups
            where rollups.programme = cursors.programme and cuboid = :cuboid and (:vendor is null or vendor = :vendor)
            order by day limit 1
        ),
        (
            select day from rollups
            where rollups.programme = cursors.programme and cuboid = :cuboid and (:vendor is null or vendor = :vendor)
            order by day desc limit 1
        )
        """
    ).bindparams(bindparam("cuboid", smallest(frozenset()), SmallInteger), bindparam("vendor", type_=Text))
).select_from(cursors)
"""As text: it comes before every number, and SQLAlchemy takes its time for every element of each execution."""


async def read_standing(session: ReadSession, programme: str) -> Standing:
    """Where the numbers of a programme stand.

    Raises:
        NotFound: there is no programme that the principal may see under this name.
        Unavailable: since the projection was begun it has not yet come to the end of the feed, so the numbers are in part.
    """
    principal = session.principal
    statement = scoped(_STANDING, cursors, enter(principal, programme), principal)
    found = await session.rows(statement, vendor=principal.vendor)
    if not found or not names_vendor(orjson.loads(found[0][6]), principal):
        raise NotFound("There is no such programme.")
    [(epoch, position, begun_at, time_zone, caught_up_at, targets, _, codes, first, last)] = found
    if caught_up_at is None:
        raise Unavailable(
            "The numbers of this programme are being built. They are shown once all of its audits are counted.",
            headers={"Retry-After": "2"},
        )
    days = None if first is None else (first, last + timedelta(days=1))
    shown = position if principal.vendor is None else None
    return Standing(programme, epoch, position, shown, begun_at, time_zone, _targets(targets), _names(codes), days)


@lru_cache(256)
def _targets(document: str) -> Targets:
    return Targets.model_validate_json(document)


@lru_cache(256)
def _names(codes: str) -> dict[str, str]:
    return {code["code"]: code["name"] for code in orjson.loads(codes)}


async def read_document(session: ReadSession, programme: str) -> Programme:
    """The programme as the feed last showed it and as the principal may see it.

    Raises:
        NotFound: there is no programme that the principal may see under this name.
    """
    row = await find_cursor(session, enter(session.principal, programme))
    if row is None:
        raise NotFound("There is no such programme.")
    return Programme.model_validate(row.document).as_seen_by(session.principal.vendor)
