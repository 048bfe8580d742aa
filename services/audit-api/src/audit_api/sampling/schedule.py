"""What time does to sampling: draws are committed before their periods and made after them. Any number of replicas do this."""

import asyncio
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from fastapi import FastAPI
from sqlalchemy import Row, select

from audit_api.metadata import streams
from audit_api.programmes.records import find_programme
from audit_api.sampling.committing import commit_draws, is_behind, look_out, published_plans
from audit_api.sampling.drawing import make_draw
from audit_api.sampling.plans import find_plan
from audit_api.sampling.tables import draws
from audit_api.settings import AuditSettings
from tallystick.schemas.principal import Role
from tallystick.schemas.programme import Programme
from tallystick.schemas.sampling import DrawState, NewSamplingPlan, PlanState
from tallystick.service.auth import ALL, Principal
from tallystick.service.background import beside_requests
from tallystick.service.clock import Clock
from tallystick.service.database import Database, WriteSession
from tallystick.service.feed import take_positions

SAMPLER = Principal("audit-api", frozenset({Role.SERVICE}), frozenset({ALL}), None, "")
"""Whom draws are made by."""
_d = draws.c

log = structlog.get_logger()


async def keep_up(database: Database, clock: Clock) -> int:
    """Commit and make the draws that are due by now, in every programme; answers how many were made.

    Each is a transaction of its own, and one that fails is logged and tried again in the next round; the others go on. Of several
    replicas one commits a draw, under the lock of the programme's stream, and one makes it: the others pass over a draw that is
    being made.
    """
    await _commit_due(database, clock)
    return await _draw_due(database, clock)


async def _commit_due(database: Database, clock: Clock) -> None:
    async with database.reading(SAMPLER) as session:
        plans = await published_plans(session)
    for each in plans:
        with _alone("not committed", programme=each.programme, plan=str(each.id)):
            await _commit(database, each, clock)


@contextmanager
def _alone(event: str, **named: str) -> Iterator[None]:
    """Keep what fails in the block from what comes after it."""
    try:
        yield
    except Exception:
        log.exception(event, **named)


async def _commit(database: Database, each: Row[Any], clock: Clock) -> None:
    """Commit the draws of a plan that are to come, as far as they are not."""
    moment = clock()
    plan = NewSamplingPlan.model_validate(each.document)
    async with database.reading(SAMPLER) as session:
        found = await find_programme(session, each.programme)
        if found is None:
            return
        programme = Programme.model_validate(found.document)
        if not await is_behind(session, each, plan, programme.time_zone, moment):
            return
        outlook = await look_out(session, programme, each.id, plan, moment)
    async with database.writing(SAMPLER) as session:
        await take_positions(session, streams, each.programme, 0)
        current = await find_plan(session, each.programme, each.id)
        if current.state != PlanState.RETIRED and current.published_version == each.published_version:
            await commit_draws(session, current, outlook, clock())


async def _draw_due(database: Database, clock: Clock) -> int:
    async with database.reading(SAMPLER) as session:
        statement = select(_d.programme, _d.id).where(_d.state == DrawState.COMMITTED, _d.draw_after <= clock())
        due = (await session.execute(statement.order_by(_d.draw_after, _d.programme, _d.id))).all()
    made = 0
    for each in due:
        with _alone("not drawn", programme=each.programme, draw=str(each.id)):
            async with database.writing(SAMPLER) as session:
                draw = await lock_draw(session, each.programme, each.id, clock(), skip=True)
                if draw is not None:
                    await make_draw(session, draw, clock())
            made += draw is not None
    return made


async def lock_draw(
    session: WriteSession, programme: str, draw_id: UUID, moment: datetime, *, skip: bool = False
) -> Row[Any] | None:
    """The row of a draw that is due, locked; None where it is not, or no more, or where another replica makes it and `skip`."""
    this = (_d.programme == programme, _d.id == draw_id, _d.state == DrawState.COMMITTED, _d.draw_after <= moment)
    statement = select(draws).where(*this).with_for_update(skip_locked=skip)
    return (await session.execute(statement)).one_or_none()


async def _run(app: FastAPI) -> None:
    settings: AuditSettings = app.state.settings
    while True:
        if made := await keep_up(app.state.database, app.state.clock):
            log.info("drawn", draws=made)
        await asyncio.sleep(settings.sweep_seconds)


def sampling(app: FastAPI) -> AbstractAsyncContextManager[None]:
    """Commit and make draws beside the requests of a service."""
    return beside_requests("draws", partial(_run, app))
