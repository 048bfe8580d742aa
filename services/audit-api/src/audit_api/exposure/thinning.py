"""Thinning of old entries, beside the requests. Any number of replicas do it side by side."""

from contextlib import AbstractAsyncContextManager
from functools import partial

from fastapi import FastAPI
from sqlalchemy import exists, or_, select

from audit_api.exposure.summary import WELLBEING, thin
from audit_api.exposure.tables import breaks, exposure_weeks, exposures
from audit_api.programmes.tables import programmes
from tallystick.schemas.programme import Programme
from tallystick.service.background import at_intervals
from tallystick.service.clock import Clock
from tallystick.service.database import Database

_HOUR_S = 3600


async def thin_all(database: Database, clock: Clock) -> None:
    """Thin the ledgers of every programme that has one, each in a transaction of its own."""
    kept = or_(*(exists().where(table.c.programme == programmes.c.programme) for table in (exposures, exposure_weeks, breaks)))
    async with database.reading(WELLBEING) as session:
        found = (await session.execute(select(programmes.c.document).where(kept))).scalars()
        documents = [Programme.model_validate(document) for document in found]
    for document in documents:
        async with database.writing(WELLBEING) as session:
            await thin(session, document, clock())


def thinning(app: FastAPI) -> AbstractAsyncContextManager[None]:
    """Thin beside the requests of a service."""
    return at_intervals("exposure", _HOUR_S, partial(thin_all, app.state.database, app.state.clock))
