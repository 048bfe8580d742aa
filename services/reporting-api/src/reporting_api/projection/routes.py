"""How far the numbers stand behind the facts."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from sqlalchemy import Row

from reporting_api.projection.cursors import find_cursor, lag_s, list_cursors
from reporting_api.projection.work import find_work_cursor, list_work_cursors
from reporting_api.signals.searches import last_searches
from tallystick.schemas.base import Slug
from tallystick.schemas.metric import FeedStanding, Projection, ProjectionList
from tallystick.schemas.principal import Role
from tallystick.service.auth import Principal, allowed, enter
from tallystick.service.database import Reading
from tallystick.service.problems import COMMON, responses
from tallystick.service.replies import reply

router = APIRouter(tags=["projections"], responses=responses(*COMMON))

ProjectionsRead = Annotated[Principal, allowed(*Role)]


@router.get("/v1/projections", response_model=ProjectionList, summary="See how far the numbers stand behind the facts")
async def read_projections(
    principal: ProjectionsRead,
    session: Reading,
    programme: Annotated[Slug | None, Query(description="Of this programme alone.")] = None,
) -> Response:
    """Up to which position the feeds of each programme are counted. A fact is in the numbers once its `position` is reached."""
    if programme is None:
        rows = await list_cursors(session)
        works: dict[str, Row[Any] | None] = {work.programme: work for work in await list_work_cursors(session)}
    else:
        row = await find_cursor(session, enter(principal, programme))
        rows = [] if row is None else [row]
        works = {programme: await find_work_cursor(session, programme)} if rows else {}
    now = datetime.now(UTC)
    searched = await last_searches(session, [row.programme for row in rows])
    shown = (standing_of(row, now, searched.get(row.programme), works.get(row.programme)) for row in rows)
    if principal.vendor is not None:
        shown = (_to_vendor(each) for each in shown)
    return reply(ProjectionList(items=tuple(shown)))


_TELLING = dict.fromkeys(("position", "applied_at", "checked_at", "caught_up_at"))
"""What moves whenever anybody records something."""


def _to_vendor(standing: Projection) -> Projection:
    """What a vendor is told: how late the numbers are, and not when others recorded something.

    Nor the epoch of work: it begins with the first case, whosever that is.
    """
    work = None if standing.work is None else standing.work.model_copy(update={**_TELLING, "epoch": None})
    return standing.model_copy(update={**_TELLING, "searched": None, "work": work})


def standing_of(row: Row[Any], now: datetime, searched: Row[Any] | None = None, work: Row[Any] | None = None) -> Projection:
    """How far the numbers stand behind the facts, from a programme's cursors and what was last searched."""
    return Projection(
        programme=row.programme,
        searched=searched.position if searched is not None and searched.begun_at == row.created_at else None,
        work=None if work is None else FeedStanding(**_read(work, now)),
        **_read(row, now),
    )


def _read(row: Row[Any], now: datetime) -> dict[str, Any]:
    """How far a feed is read, from its cursor."""
    moments = {name: row._mapping[name] for name in ("applied_at", "checked_at", "caught_up_at")}
    return {"epoch": row.epoch, "position": row.position, **moments, "lag_s": lag_s(row, now)}
