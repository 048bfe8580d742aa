"""Judging the effects of plans whose windows are over. Any number of replicas do this side by side, and each is kept once."""

from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Row

from rca_api.cases.history import Event, record
from rca_api.cases.records import get_case
from rca_api.metadata import streams
from rca_api.notices.records import News, tell
from rca_api.plans.records import STARTED, claim_judgements, find_plan, keep_judgement
from rca_api.service import SERVICE
from tallystick.client import Tallystick, TallystickError
from tallystick.schemas.case import CaseEventKind
from tallystick.schemas.effect import Effect, EffectPlan
from tallystick.schemas.metric import Projection
from tallystick.schemas.notice import NoticeKind
from tallystick.service.clock import Clock
from tallystick.service.database import Database
from tallystick.service.feed import take_positions

_AT_ONCE = 20

log = structlog.get_logger()


async def judge(database: Database, neighbours: Tallystick, clock: Clock) -> int:
    """Judge what is to be judged by now, in every programme; answers how many judgements were kept.

    reporting-api is asked outside any transaction. What it says is kept under the lock of the programme's stream, if the plan is
    still the one that it was asked about.
    """
    kept = 0
    while True:
        async with database.writing(SERVICE) as session:
            claimed = await claim_judgements(session, clock(), _AT_ONCE)
        for plan in claimed:
            effect = await _asked(neighbours, plan)
            kept += effect is not None and await _keep(database, plan, effect, clock)
        if not claimed:
            return kept


async def _asked(neighbours: Tallystick, plan: Row[Any]) -> Effect | None:
    """What reporting-api says of a plan; None as long as it cannot, or has not counted all that happened in the window."""
    try:
        standing = (await neighbours.projections(plan.programme)).items
        if not standing or not all(_has_counted(each, plan.over_at) for each in standing):
            return None
        return await neighbours.effect(plan.programme, EffectPlan.model_validate(plan.effect))
    except TallystickError as failure:
        log.warning("effect not judged", programme=plan.programme, case=str(plan.case_id), reason=str(failure))
        return None


def _has_counted(projection: Projection, until: datetime) -> bool:
    return projection.lag_s == 0 or (projection.caught_up_at is not None and projection.caught_up_at >= until)


async def _keep(database: Database, asked: Row[Any], effect: Effect, clock: Clock) -> bool:
    async with database.writing(SERVICE) as session:
        position = await take_positions(session, streams, asked.programme, 1)
        now = clock()
        plan = await find_plan(session, asked.programme, asked.case_id)
        case = await get_case(session, asked.programme, asked.case_id)
        if plan is None or plan.revision != asked.revision or case.state not in STARTED:
            return False
        again = plan.verdict == effect.verdict
        plan = await keep_judgement(session, plan, effect, position, now)
        if again:  # nothing new: it is still not decidable
            return True
        event = Event(CaseEventKind.PLAN, now, position, note=effect.why, changed={"verdict": effect.verdict})
        await record(session, case, event)
        text = f"{case.title}: {effect.verdict.replace('_', ' ')}. {effect.why}"
        await tell(session, plan.programme, News(NoticeKind.PLAN_JUDGED, text, case.vendor, case.id, case.id), now)
    return True
