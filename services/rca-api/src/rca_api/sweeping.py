"""What time does to work: people are reminded, what is overdue is escalated, effects are judged. Any number of replicas do it."""

import asyncio
from contextlib import AbstractAsyncContextManager
from functools import partial

from fastapi import FastAPI

from rca_api.actions.following_up import follow_up
from rca_api.plans.judging import judge
from rca_api.settings import RcaSettings
from tallystick.service.background import beside_requests


async def _run(app: FastAPI) -> None:
    settings: RcaSettings = app.state.settings
    while True:
        await follow_up(app.state.database, app.state.clock)
        await judge(app.state.database, app.state.neighbours, app.state.clock)
        await asyncio.sleep(settings.sweep_seconds)


def sweeping(app: FastAPI) -> AbstractAsyncContextManager[None]:
    """Sweep beside the requests of a service that has its neighbours."""
    return beside_requests("follow-up", partial(_run, app))
