"""What time does to items: those whose lease ran out wait again, and the feed tells what claims have changed.

Any number of replicas do this side by side: rows that another one has in hand are left to it.
"""

import asyncio
from contextlib import AbstractAsyncContextManager
from functools import partial

from fastapi import FastAPI
from sqlalchemy import any_, func, literal, select, update
from sqlalchemy.dialects.postgresql import ARRAY

from audit_api.exposure.summary import WELLBEING
from audit_api.items.records import let_go
from audit_api.metadata import streams
from audit_api.sampling.tables import sample_items
from audit_api.settings import AuditSettings
from tallystick.schemas.sampling import ItemState
from tallystick.service.background import beside_requests
from tallystick.service.clock import Clock
from tallystick.service.database import Database
from tallystick.service.feed import take_positions

_AT_ONCE = 500
_c = sample_items.c


async def let_leases_end(database: Database, clock: Clock) -> int:
    """Let items wait again whose lease has run out; answers how many. The time that they were in hand counts as exposure."""
    async with database.writing(WELLBEING) as session:
        now = clock()
        due = select(sample_items).where(_c.state == ItemState.CLAIMED, _c.lease_until <= now)
        rows = (await session.execute(due.limit(_AT_ONCE).with_for_update(skip_locked=True))).all()
        for row in rows:
            await let_go(session, row)
    return len(rows)


async def tell(database: Database) -> int:
    """Give the items that claims have changed their positions in the stream; answers how many."""
    told = 0
    async with database.reading(WELLBEING) as session:
        programmes = (await session.execute(select(_c.programme).where(~_c.told).distinct())).scalars().all()
    for programme in programmes:
        async with database.writing(WELLBEING) as session:
            await take_positions(session, streams, programme, 0)
            untold = select(_c.id).where(_c.programme == programme, ~_c.told)
            ids = (await session.execute(untold.limit(_AT_ONCE).with_for_update(skip_locked=True))).scalars().all()
            if not ids:
                continue
            first = await take_positions(session, streams, programme, len(ids))
            listed = literal(ids, ARRAY(_c.id.type))
            place = func.array_position(listed, _c.id) - 1
            changing = update(sample_items).where(_c.programme == programme, _c.id == any_(listed))
            await session.execute(changing.values(told=True, position=first + place))
            told += len(ids)
    return told


async def _run(app: FastAPI) -> None:
    settings: AuditSettings = app.state.settings
    while True:
        await let_leases_end(app.state.database, app.state.clock)
        await tell(app.state.database)
        await asyncio.sleep(settings.sweep_seconds)


def sweeping_items(app: FastAPI) -> AbstractAsyncContextManager[None]:
    """Sweep beside the requests of a service."""
    return beside_requests("items", partial(_run, app))
