"""What rca-api does beside requests: it follows signals and gathers evidence. Of all replicas one does so at a time."""

import asyncio
from contextlib import AbstractAsyncContextManager
from functools import partial

from fastapi import FastAPI

from rca_api.evidence.gathering import gather_all
from rca_api.service import NAME
from rca_api.settings import RcaSettings
from rca_api.signals.following import follow_all
from tallystick.service.background import beside_requests
from tallystick.service.leading import leading
from tallystick.service.neighbours import neighbours


async def work(app: FastAPI) -> None:
    """Work for as long as this replica leads."""
    settings: RcaSettings = app.state.settings
    url = settings.database_url.get_secret_value()
    async with leading(url, "signals and evidence") as still, neighbours(settings, NAME) as client:
        while True:
            await still()
            await follow_all(app.state.database, client, app.state.clock)
            await gather_all(app.state.database, client, app.state.clock)
            await asyncio.sleep(settings.follow_seconds)


def working(app: FastAPI) -> AbstractAsyncContextManager[None]:
    """Work beside the requests of a service."""
    return beside_requests("signals and evidence", partial(work, app))
