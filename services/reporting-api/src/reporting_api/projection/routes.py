"""How far the numbers stand behind the facts."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from sqlalchemy import Row

from reporting_api.projection.cursors import find_cursor, lag_s, list_cursors
from reporting_api.signals.searches import last_searches
from tallystick.schemas.base import Slug
from tallystick.schemas.metric import Projection, ProjectionList
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
    """Up to which position the feed of each programme is counted. A fact is in the numbers once its `position` is reached."""
    if programme is None:
        rows = await list_cursors(session)
    else:
        row = await find_cursor(session, enter(principal, programme))
        rows = [] if row is None else [row]
    now = datetime.now(UTC)
    searched = await last_searches(session, [row.programme for row in rows])
    return reply(ProjectionList(items=tuple(standing_of(row, now, searched.get(row.programme)) for row in rows)))


def standing_of(row: Row[Any], now: datetime, searched: Row[Any] | None = None) -> Projection:
    """How far the numbers stand behind the facts, from a programme's cursor and what was last searched."""
    return Projection(
        programme=row.programme,
        epoch=row.epoch,
        position=row.position,
        applied_at=row.applied_at,
        checked_at=row.checked_at,
        caught_up_at=row.caught_up_at,
        lag_s=lag_s(row, now),
        searched=searched.position if searched is not None and searched.begun_at == row.created_at else None,
    )
