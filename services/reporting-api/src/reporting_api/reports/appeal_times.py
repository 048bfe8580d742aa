"""How long appeals take: the decisions that were made, and those that are waited for."""

from collections.abc import Sequence
from datetime import datetime
from itertools import chain, pairwise

from sqlalchemy import Float, and_, cast, extract, func, or_
from sqlalchemy.dialects.postgresql import array

from reporting_api.metrics.appeals import DECIDED_APPEALS, OPEN_APPEALS, appealed
from reporting_api.metrics.numbers import counted, interval, proportion
from reporting_api.metrics.sums import Cut
from reporting_api.statistics.quantiles import quantile, quantile_ranks
from reporting_api.tables import appeals
from tallystick.schemas.appeal import AppealStage, AppealState
from tallystick.schemas.appeal_report import AppealAge, DecisionTimes, OpenAppeals
from tallystick.schemas.metric import Number
from tallystick.service.database import ReadSession

AGES = (0, 1, 3, 7, 14, 30)
"""The full days from which on an open appeal belongs to the next age."""

_BEGUN = func.coalesce(appeals.c.escalated_at, appeals.c.submitted_at)
"""What due dates and waiting run from."""
_DAY_S = 86_400


async def decision_times(session: ReadSession, cut: Cut, as_of: datetime, minimum_sample: int) -> tuple[DecisionTimes, ...]:
    """Of both stages together, then of each that there are appeals in."""
    overdue = and_(OPEN_APPEALS, appeals.c.due_at < as_of)
    promised = and_(appeals.c.due_at.is_not(None), or_(DECIDED_APPEALS, appeals.c.state == AppealState.EXPIRED.value, overdue))
    statement = (
        appealed(session, cut)
        .add_columns(
            appeals.c.stage,
            func.array_agg(cast(extract("epoch", appeals.c.decided_at - _BEGUN), Float)).filter(DECIDED_APPEALS),
            func.count().filter(and_(DECIDED_APPEALS, appeals.c.due_at.is_not(None), appeals.c.on_time)),
            func.count().filter(promised),
        )
        .group_by(appeals.c.stage)
    )
    stages = [(AppealStage(stage), taken or [], kept, due) for stage, taken, kept, due in await session.rows(statement)]
    all_taken = list(chain.from_iterable(each[1] for each in stages))
    together = (all_taken, sum(each[2] for each in stages), sum(each[3] for each in stages))
    return tuple(_times(*each, minimum_sample) for each in ((None, *together), *sorted(stages, reverse=True)))


def _times(stage: AppealStage | None, seconds: Sequence[float], kept: int, due: int, minimum_sample: int) -> DecisionTimes:
    taken = sorted(seconds)
    return DecisionTimes(
        stage=stage,
        median=_quantile(taken, 0.5, minimum_sample),
        p90=_quantile(taken, 0.9, minimum_sample),
        on_time=proportion(kept, due, minimum_sample, "No appeal was promised a decision by now."),
    )


def _quantile(taken: Sequence[float], share: float, minimum_sample: int) -> Number:
    ranks = quantile_ranks(len(taken), share)
    return Number(
        value=quantile(taken, share) if taken else None,
        numerator=None,
        denominator=len(taken),
        interval=ranks and interval((taken[ranks[0] - 1], taken[ranks[1] - 1]), "order-statistics"),
        sufficient=len(taken) >= minimum_sample,
        reason=None if taken else "No appeal has been decided.",
    )


async def open_appeals(session: ReadSession, cut: Cut, as_of: datetime) -> OpenAppeals:
    """What waits for a decision, by how long it has waited."""
    days = cast(extract("epoch", as_of - _BEGUN) / _DAY_S, Float)
    age = func.width_bucket(days, array([float(each) for each in AGES[1:]], type_=Float))
    statement = (
        appealed(session, cut)
        .add_columns(
            age,
            func.count(),
            func.count().filter(appeals.c.due_at < as_of),
            func.count().filter(appeals.c.state == AppealState.IN_REVIEW.value),
            func.count().filter(appeals.c.stage == AppealStage.ARBITRATION.value),
            func.count().filter(appeals.c.due_at.is_(None)),
            func.min(_BEGUN),
        )
        .where(OPEN_APPEALS)
        .group_by(age)
    )
    ages = {row[0]: row[1:] for row in await session.rows(statement)}
    open_, overdue, in_review, in_arbitration, undated = (sum(each[place] for each in ages.values()) for place in range(5))
    return OpenAppeals(
        open=counted(open_),
        in_review=counted(in_review),
        in_arbitration=counted(in_arbitration),
        overdue=counted(overdue),
        undated=counted(undated),
        oldest=min((each[-1] for each in ages.values()), default=None),
        ages=tuple(
            AppealAge(from_days=begin, to_days=end, open=counted(ages[place][0]), overdue=counted(ages[place][1]))
            if place in ages
            else AppealAge(from_days=begin, to_days=end, open=counted(0), overdue=counted(0))
            for place, (begin, end) in enumerate(pairwise((*AGES, None)))
        ),
    )
