"""Forgetting candidates that no draw needs any more, beside the requests. Any number of replicas do it side by side."""

from contextlib import AbstractAsyncContextManager
from functools import partial

from fastapi import FastAPI
from sqlalchemy import delete, exists, select, tuple_

from audit_api.decisions.tables import decision_candidates
from audit_api.sampling.schedule import SAMPLER
from audit_api.sampling.tables import draws, sample_items
from tallystick.schemas.sampling import DrawState, ItemState
from tallystick.service.background import at_intervals
from tallystick.service.database import Database

_HOUR_S = 3600
_d, _i, _k = draws.c, sample_items.c, decision_candidates.c


async def forget_candidates(database: Database) -> None:
    """Forget the candidates of draws that are made and have nothing left to audit: none of them takes another's place."""
    left = exists().where(_i.programme == _d.programme, _i.draw_id == _d.id, _i.state.in_((ItemState.WAITING, ItemState.CLAIMED)))
    ended = select(_d.programme, _d.id).where(_d.state != DrawState.COMMITTED, ~left)
    async with database.writing(SAMPLER) as session:
        await session.execute(delete(decision_candidates).where(tuple_(_k.programme, _k.draw_id).in_(ended)))


def forgetting(app: FastAPI) -> AbstractAsyncContextManager[None]:
    """Forget beside the requests of a service."""
    return at_intervals("candidates", _HOUR_S, partial(forget_candidates, app.state.database))
