"""Staffing plans as they are kept: written once, never changed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select

from audit_api.staffing.planning import Answer
from audit_api.staffing.tables import staffing_assignments, staffing_plans
from tallystick.schemas.base import new_id
from tallystick.schemas.staffing import NewStaffingPlan, StaffingAssignment
from tallystick.service.database import ReadSession, WriteSession, scoped
from tallystick.service.problems import NotFound

_p, _a = staffing_plans.c, staffing_assignments.c
_HEAD = ("programme", "id", "first_day", "last_day", "made_by", "made_at", "items", "covered")


async def keep_plan(
    session: WriteSession,
    programme: str,
    new: NewStaffingPlan,
    answer: Answer,
    assignments: Sequence[StaffingAssignment],
    now: datetime,
) -> UUID:
    """Write a plan with its assignments."""
    plan_id = new_id()
    await session.execute(
        insert(staffing_plans).values(
            programme=programme,
            id=plan_id,
            first_day=new.first_day,
            last_day=new.last_day,
            asked=new.model_dump(mode="json"),
            answer=answer.model_dump(mode="json"),
            items=answer.ground.items,
            covered=sum(each.items for each in assignments),
            made_by=session.principal.subject,
            made_at=now,
        )
    )
    if assignments:
        rows = [{"programme": programme, "plan_id": plan_id, **each.model_dump()} for each in assignments]
        await session.execute(insert(staffing_assignments), rows)
    return plan_id


async def get_plan(session: ReadSession, programme: str, plan_id: UUID, *, of: str | None = None) -> dict[str, Any]:
    """One plan; a problem where there is none. With `of`, of its people that one alone."""
    found = scoped(select(staffing_plans), staffing_plans, programme, session.principal).where(_p.id == plan_id)
    row = (await session.execute(found)).one_or_none()
    if row is None:
        raise NotFound("There is no such plan.")
    columns = (_a.auditor, _a.day, _a.draw_id, _a.stratum, _a["items"])
    statement = scoped(select(*columns), staffing_assignments, programme, session.principal).where(_a.plan_id == plan_id)
    if of is not None:
        statement = statement.where(_a.auditor == of)
    rows = (await session.execute(statement.order_by(_a.day, _a.auditor, _a.draw_id, _a.stratum))).all()
    assignments = [dict(zip(("auditor", "day", "draw_id", "stratum", "items"), each, strict=True)) for each in rows]
    loads = [load for load in row.answer["loads"] if of in {None, load["auditor"]}]
    return {**_head(row), **row.answer, "loads": loads, "assignments": assignments}


async def list_plans(session: ReadSession, programme: str, before: UUID | None, limit: int) -> list[dict[str, Any]]:
    """The newest plans that were made before one, without their parts."""
    columns = (*(_p[name] for name in _HEAD), _p.asked)
    statement = scoped(select(*columns), staffing_plans, programme, session.principal).order_by(_p.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(_p.id < before)
    return [_head(row) for row in await session.execute(statement)]


def _head(row: Row[Any]) -> dict[str, Any]:
    return {**{name: row._mapping[name] for name in _HEAD}, "fair": row.asked["fair"]}
