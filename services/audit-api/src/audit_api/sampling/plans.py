"""Plans: drafting and changing them, publishing their versions, retiring them."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Update, insert, select, update

from audit_api.lots.standard import AQLS
from audit_api.sampling.problems import SamplingPlanRefused, SamplingPlanState
from audit_api.sampling.tables import sampling_plan_versions, sampling_plans
from tallystick.schemas.base import new_id
from tallystick.schemas.problem import ProblemError
from tallystick.schemas.programme import Programme
from tallystick.schemas.sampling import AcceptanceAllocation, NewSamplingPlan, PlanState, SamplingPlan
from tallystick.service.database import ReadSession, WriteSession, scoped
from tallystick.service.problems import NotFound

_p, _v = sampling_plans.c, sampling_plan_versions.c


def plan_document(row: Row[Any]) -> SamplingPlan:
    """A plan as its GET shows it."""
    names = ("programme", "id", "revision", "position", "state", "published_version", "changed_by", "changed_at", "published_at")
    return SamplingPlan.model_validate({**row.document, **{name: row._mapping[name] for name in names}})


async def find_plan(session: ReadSession, programme: str, plan_id: UUID) -> Row[Any]:
    """The row of a plan; a problem where there is none to see. Who changes it holds the lock of the stream already."""
    statement = scoped(select(sampling_plans), sampling_plans, programme, session.principal).where(_p.id == plan_id)
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        raise NotFound("There is no such sampling plan.")
    return row


async def list_plans(
    session: ReadSession, programme: str, states: Sequence[PlanState], before: UUID | None, limit: int
) -> list[Row[Any]]:
    """Plans in any of the states, newest first, drafted before the plan `before`."""
    statement = scoped(select(sampling_plans), sampling_plans, programme, session.principal)
    if states:
        statement = statement.where(_p.state.in_(states))
    if before is not None:
        statement = statement.where(_p.id < before)
    return list((await session.execute(statement.order_by(_p.id.desc()).limit(limit))).all())


async def list_versions(session: ReadSession, programme: str, plan_id: UUID) -> list[Row[Any]]:
    """Every published version of a plan, newest first; a problem where there is no plan to see."""
    await find_plan(session, programme, plan_id)
    versions = sampling_plan_versions
    statement = scoped(select(versions), versions, programme, session.principal).where(_v.plan_id == plan_id)
    return list((await session.execute(statement.order_by(_v.version.desc()))).all())


def check_plan(plan: NewSamplingPlan, programme: Programme) -> None:
    """Hold a plan against the programme.

    Raises:
        SamplingPlanRefused: It names words that the programme does not know, or an AQL that is none of the standard's.
    """
    errors = list(_unknown(plan, programme))
    if isinstance(plan.allocation, AcceptanceAllocation) and plan.allocation.aql not in AQLS:
        errors.append(ProblemError(pointer="/allocation/aql", code="unknown_aql", detail="The standard has no such AQL."))
    if errors:
        raise SamplingPlanRefused("The programme does not take this plan.", errors=errors)


def _unknown(plan: NewSamplingPlan, programme: Programme) -> Iterator[ProblemError]:
    known: dict[str, set[str]] = {
        "vendor": {vendor.slug for vendor in programme.vendors},
        "site": {site for vendor in programme.vendors for site in vendor.sites},
        "queue": set(programme.queues),
        "market": set(programme.markets),
        "language": set(programme.languages),
        "policy": {policy.code for policy in programme.policy_set.policies},
        "action": set(programme.policy_set.actions),
    }
    for name, words in known.items():
        for place, word in enumerate(getattr(plan.scope, name)):
            if word not in words:
                detail = f"The programme knows no such {name}."
                yield ProblemError(pointer=f"/scope/{name}/{place}", code=f"unknown_{name}", detail=detail)


async def draft(session: WriteSession, programme: str, plan: NewSamplingPlan, position: int, moment: datetime) -> Row[Any]:
    """Write a new plan."""
    statement = insert(sampling_plans).values(
        programme=programme,
        id=new_id(),
        state=PlanState.DRAFT,
        document=plan.model_dump(mode="json"),
        changed_by=session.principal.subject,
        changed_at=moment,
        revision=1,
        position=position,
    )
    return (await session.execute(statement.returning(sampling_plans))).one()


async def change(session: WriteSession, current: Row[Any], plan: NewSamplingPlan, position: int, moment: datetime) -> Row[Any]:
    """Replace what a plan says. One that was published is a draft of its next version from then on, and the last one goes on."""
    require_not_retired(current)
    values = {"document": plan.model_dump(mode="json"), "state": PlanState.DRAFT}
    return await _write(session, current, position, moment, **values)


async def publish(session: WriteSession, current: Row[Any], position: int, moment: datetime) -> Row[Any]:
    """Make what a plan says its next version. One whose newest version is published already stays as it is."""
    require_not_retired(current)
    if current.state == PlanState.PUBLISHED:
        raise SamplingPlanState("The plan is published as it is.", state=current.state)
    version = (current.published_version or 0) + 1
    row = await _write(
        session,
        current,
        position,
        moment,
        state=PlanState.PUBLISHED,
        published_version=version,
        published_at=moment,
    )
    await session.execute(
        insert(sampling_plan_versions).values(
            programme=current.programme,
            plan_id=current.id,
            version=version,
            document=current.document,
            published_by=session.principal.subject,
            published_at=moment,
        )
    )
    return row


async def retire(session: WriteSession, current: Row[Any], position: int, moment: datetime) -> Row[Any]:
    """End a plan."""
    require_not_retired(current)
    return await _write(session, current, position, moment, state=PlanState.RETIRED)


def require_not_retired(current: Row[Any]) -> None:
    """Refuse what cannot be done with a plan that is retired."""
    if current.state == PlanState.RETIRED:
        raise SamplingPlanState("The plan is retired.", state=current.state)


async def _write(session: WriteSession, current: Row[Any], position: int, moment: datetime, **values: Any) -> Row[Any]:
    statement: Update = update(sampling_plans).where(_p.programme == current.programme, _p.id == current.id)
    statement = statement.values(
        **values,
        revision=current.revision + 1,
        position=position,
        changed_by=session.principal.subject,
        changed_at=moment,
    )
    return (await session.execute(statement.returning(sampling_plans))).one()
