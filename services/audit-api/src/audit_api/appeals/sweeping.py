"""What time does to appeals: claims lapse, and what nobody decided expires. Any number of replicas do this side by side."""

from contextlib import AbstractAsyncContextManager
from functools import partial

from fastapi import FastAPI

from audit_api.appeals.records import due_programmes, find_due, move
from audit_api.metadata import streams
from audit_api.settings import AuditSettings
from tallystick.schemas.appeal import AppealAction
from tallystick.schemas.principal import Role
from tallystick.service.auth import ALL, Principal
from tallystick.service.background import at_intervals
from tallystick.service.clock import Clock
from tallystick.service.database import Database
from tallystick.service.feed import take_positions

SWEEPER = Principal("audit-api", frozenset({Role.SERVICE}), frozenset({ALL}), None, "")
"""Whom time acts as."""

_AT_ONCE = 200


async def sweep(database: Database, clock: Clock) -> int:
    """Do what is due by now, in every programme, and answer how many steps that took.

    A step is taken under the lock of the programme's stream, on what is due still: of several replicas one takes it.
    """
    steps = 0
    async with database.reading(SWEEPER) as session:
        programmes = await due_programmes(session, clock())
    for programme in programmes:
        while taken := await _sweep(database, programme, clock):
            steps += taken
    return steps


async def _sweep(database: Database, programme: str, clock: Clock) -> int:
    async with database.writing(SWEEPER) as session:
        await take_positions(session, streams, programme, 0)
        now = clock()
        due = await find_due(session, programme, now, _AT_ONCE)
        first = await take_positions(session, streams, programme, len(due)) if due else 0
        for position, current in enumerate(due, first):
            expired = current.expires_at is not None and current.expires_at <= now
            action = AppealAction.EXPIRE if expired else AppealAction.LAPSE
            await move(session, current, action, position, now, by=None)
    return len(due)


def sweeping(app: FastAPI) -> AbstractAsyncContextManager[None]:
    """Sweep beside the requests of a service."""
    settings: AuditSettings = app.state.settings
    return at_intervals("appeals", settings.sweep_seconds, partial(sweep, app.state.database, app.state.clock))
