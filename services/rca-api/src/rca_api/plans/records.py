"""Reading plans, registering them, keeping what was judged."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, insert, select, update

from rca_api.cases.tables import cases
from rca_api.plans.tables import plan_versions, plans
from tallystick.schemas.case import CaseState
from tallystick.schemas.effect import Effect, EffectPlan, EffectVerdict
from tallystick.schemas.plan import CasePlan, Extension
from tallystick.service.database import ReadSession, WriteSession, scoped
from tallystick.service.days import midnight
from tallystick.service.feed import rows_after
from tallystick.service.problems import NotFound

STARTED = frozenset({CaseState.IN_PROGRESS, CaseState.VERIFICATION})
"""States of a case in which its plan stands, and is judged."""
AGAIN = timedelta(days=1)
"""After how long an effect that was not yet decidable is judged again."""
RETRY = timedelta(minutes=5)
"""After how long a judgement of which nothing came is tried again."""

_STORED = tuple(name for name in CasePlan.model_fields if name != "judge_on")


def document(row: Row[Any]) -> dict[str, Any]:
    """A plan as its GET shows it."""
    return {**{name: row._mapping[name] for name in _STORED}, "judge_on": row.effect["verification"]["to"]}


async def find_plan(session: ReadSession, programme: str, case_id: UUID) -> Row[Any] | None:
    """The plan of a case, if it has one. Who changes it holds the lock of the stream already."""
    return (await session.execute(_visible(session, programme).where(plans.c.case_id == case_id))).one_or_none()


async def get_plan(session: ReadSession, programme: str, case_id: UUID) -> Row[Any]:
    """The plan of a case; a problem where it has none."""
    row = await find_plan(session, programme, case_id)
    if row is None:
        raise NotFound("The case has no plan.")
    return row


def _visible(session: ReadSession, programme: str) -> Select[Any]:
    return scoped(select(plans), plans, programme, session.principal)


async def list_versions(
    session: ReadSession, programme: str, case_id: UUID, before: int | None, limit: int
) -> Sequence[dict[str, Any]]:
    """The superseded versions of a plan before the revision `before`, the newest first."""
    c = plan_versions.c
    statement = scoped(select(c.document), plan_versions, programme, session.principal).where(c.case_id == case_id)
    if before is not None:
        statement = statement.where(c.revision < before)
    return (await session.execute(statement.order_by(c.revision.desc()).limit(limit))).scalars().all()


async def register(
    session: WriteSession, case: Row[Any], current: Row[Any] | None, effect: EffectPlan, position: int, now: datetime
) -> Row[Any]:
    """Register how the effect will be judged, in place of what was registered before."""
    values = {
        "effect": effect.model_dump(mode="json"),
        "registered_by": session.principal.subject,
        "registered_at": now,
        "over_at": midnight(effect.verification.to, effect.verification.time_zone),
        "frozen": False,
        "judge_at": None,
        "verdict": None,
        "judged": None,
        "judged_at": None,
        "extensions": [],
    }
    if current is not None:
        return await _change(session, current, position, **values)
    new = {"programme": case.programme, "case_id": case.id, "vendor": case.vendor, "revision": 1, "position": position}
    return (await session.execute(insert(plans).values({**new, **values}).returning(plans))).one()


async def freeze(session: WriteSession, plan: Row[Any], position: int) -> Row[Any]:
    """Let a plan stand as it is from now on, and have its effect judged when its window is over."""
    return await _change(session, plan, position, frozen=True, judge_at=plan.over_at)


async def extend(session: WriteSession, plan: Row[Any], extension: Extension, position: int, now: datetime) -> Row[Any]:
    """Put off the end of the verification window, on record."""
    effect = EffectPlan.model_validate(plan.effect)
    window = effect.verification.model_copy(update={"to": extension.to})
    over_at = midnight(extension.to, window.time_zone)
    given = {"before": effect.verification.to.isoformat(), "by": session.principal.subject, "at": now.isoformat()}
    return await _change(
        session,
        plan,
        position,
        effect=effect.model_copy(update={"verification": window}).model_dump(mode="json"),
        over_at=over_at,
        judge_at=over_at,
        extensions=[*plan.extensions, extension.model_dump(mode="json") | given],
    )


async def claim_judgements(session: WriteSession, now: datetime, limit: int) -> Sequence[Row[Any]]:
    """The plans that are to be judged by now, of all programmes; each is handed out once, and again when nothing came of that.

    Nothing that anybody reads changes by it, so no position is taken.
    """
    of_case = and_(cases.c.programme == plans.c.programme, cases.c.id == plans.c.case_id)
    due = select(plans).join(cases, of_case).where(plans.c.judge_at <= now, cases.c.state.in_(STARTED))
    claimed = (
        await session.execute(due.order_by(plans.c.judge_at).limit(limit).with_for_update(of=plans, skip_locked=True))
    ).all()
    for plan in claimed:
        this = scoped(update(plans), plans, plan.programme, session.principal).where(plans.c.case_id == plan.case_id)
        await session.execute(this.values(judge_at=now + RETRY))
    return claimed


async def keep_judgement(session: WriteSession, plan: Row[Any], effect: Effect, position: int, now: datetime) -> Row[Any]:
    """Keep what was judged. What is not yet decidable is judged again."""
    decided = effect.verdict is not EffectVerdict.NOT_YET_DECIDABLE
    return await _change(
        session,
        plan,
        position,
        verdict=effect.verdict,
        judged=effect.model_copy(update={"judged_at": now}).model_dump(mode="json"),
        judged_at=now,
        judge_at=None if decided else now + AGAIN,
    )


async def _change(session: WriteSession, plan: Row[Any], position: int, **values: Any) -> Row[Any]:
    """Write a further revision of a plan, and keep the one before."""
    kept = CasePlan.model_validate(document(plan)).model_dump(mode="json")
    of_plan = {"programme": plan.programme, "case_id": plan.case_id, "vendor": plan.vendor}
    await session.execute(insert(plan_versions).values(**of_plan, revision=plan.revision, document=kept))
    statement = scoped(update(plans), plans, plan.programme, session.principal).where(plans.c.case_id == plan.case_id)
    changing = statement.values(**values, revision=plan.revision + 1, position=position)
    return (await session.execute(changing.returning(plans))).one()


async def read_changes(session: ReadSession, programme: str, after: int, limit: int) -> list[dict[str, Any]]:
    """Plans as the feed shows them, under the ids of their cases."""
    return [
        {"position": row.position, "id": row.case_id, "revision": row.revision, "erased": False, "data": document(row)}
        for row in await rows_after(session, plans, programme, after, limit)
    ]
