"""What was last searched for signals: which facts of a programme, on which day."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, select

from reporting_api.tables import detections
from tallystick.service.database import ReadSession


async def last_searches(session: ReadSession, programmes: Sequence[str]) -> Mapping[str, Row[Any]]:
    """Of each programme, the facts that were last searched; nothing of one that never was."""
    statement = select(detections).where(detections.c.programme.in_(programmes))
    return {row.programme: row for row in await session.execute(statement)}
