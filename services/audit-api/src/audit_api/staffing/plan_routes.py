"""The routes of staffing plans."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response

from audit_api.exposure.summary import WELLBEING
from audit_api.metadata import idempotency_keys
from audit_api.programmes.records import get_programme, read_document
from audit_api.staffing.optimiser.problem import Plan, Problem
from audit_api.staffing.planning import answer_of, assignments_of, read_question
from audit_api.staffing.plans import get_plan, keep_plan, list_plans
from audit_api.staffing.routes import Auditing, Managing
from tallystick.schemas.principal import MANAGERS
from tallystick.schemas.staffing import NewStaffingPlan, StaffingPlan, StaffingPlanPage
from tallystick.service.auth import enter
from tallystick.service.clock import now
from tallystick.service.database import Database, Reading, Writing
from tallystick.service.idempotency import REPLAYED, IdempotencyKey, Once, Outcome
from tallystick.service.paging import Paged
from tallystick.service.parameters import ProgrammeQuery
from tallystick.service.problems import (
    COMMON,
    IdempotencyKeyReused,
    InvalidCursor,
    InvalidRequest,
    RequestInProgress,
    TooManyRequests,
    responses,
)
from tallystick.service.replies import created_at, links, reply, revision_etag

router = APIRouter(tags=["staffing"], responses=responses(*COMMON))

PLANS_PATH = "/v1/staffing-plans"
PlanId = Annotated[UUID, Path(description="The plan's id.")]

_ONE = {"staffing_id": "$response.body#/id", "programme": "$request.query.programme"}
_FIRST = {**_ONE, "staffing_id": "$response.body#/items/0/id"}


class Arranging:
    """Plans that a process works on, in threads. A further one is told to come back.

    Args:
        at_once: how many it works on at a time.
        seconds: of the solver, for one plan.
    """

    def __init__(self, at_once: int, seconds: float) -> None:
        self._at_once = at_once
        self._seconds = seconds
        self.under_way: set[asyncio.Future[Plan]] = set()

    async def plan(self, problem: Problem) -> Plan:
        """The plan for a problem. Its place is free again when the thread has ended, whatever became of the request."""
        if len(self.under_way) >= self._at_once:
            raise TooManyRequests("Other plans are being made.", headers={"Retry-After": "10"})
        thread = asyncio.ensure_future(asyncio.to_thread(_optimise, problem, self._seconds))
        self.under_way.add(thread)
        thread.add_done_callback(self.under_way.discard)
        return await asyncio.shield(thread)


def _optimise(problem: Problem, seconds: float) -> Plan:
    """The plan, in a thread that loads SciPy if none did before: a service that plans nothing starts without it."""
    from audit_api.staffing.optimiser.optimise import optimise  # noqa: PLC0415

    return optimise(problem, seconds)


@router.post(
    PLANS_PATH,
    response_model=StaffingPlan,
    status_code=201,
    responses={
        201: {"links": links(_ONE, "read_staffing_plan")},
        **responses(InvalidRequest, RequestInProgress, IdempotencyKeyReused, TooManyRequests),
    },
    summary="Make a staffing plan",
)
async def create_staffing_plan(
    request: Request,
    new: NewStaffingPlan,
    principal: Managing,
    session: Writing,
    programme: ProgrammeQuery,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Arrange people for a period, so that as much as can be of what is drawn and waits is audited before it is due.

    From now on items go to people as this plan says, where it says something for the day. It is never changed: make another.
    """
    enter(principal, programme)
    payload = new.model_dump_json().encode()
    once = Once(idempotency_keys, session, programme, "create_staffing_plan", idempotency_key, payload)
    if (earlier := await once.earlier()) is not None:
        return _made(await get_plan(session, programme, earlier.id), REPLAYED)
    document = await read_document(session, programme)
    arranging: Arranging = request.app.state.arranging
    database: Database = request.app.state.database
    async with database.reading(WELLBEING) as wellbeing:
        question = await read_question(session, wellbeing, document, new)
    plan = await arranging.plan(question.problem)
    answer, assignments = answer_of(question, plan), assignments_of(question, plan)
    plan_id = await keep_plan(session, programme, new, answer, assignments, now(request))
    await once.keep(Outcome(plan_id, 0))
    return _made(await get_plan(session, programme, plan_id))


def _made(shown: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    location = created_at("staffing-plans", shown["id"], shown["programme"])
    return reply(shown, status=201, etag=revision_etag(1), headers={**location, **(headers or {})})


@router.get(
    PLANS_PATH,
    response_model=StaffingPlanPage,
    responses={200: {"links": links(_FIRST, "read_staffing_plan")}, **responses(InvalidCursor)},
    summary="List staffing plans",
)
async def read_staffing_plans(programme: ProgrammeQuery, principal: Auditing, session: Reading, paging: Paged) -> Response:
    """Plans without their parts, newest first."""
    enter(principal, programme)
    await get_programme(session, programme)
    before = UUID(paging.after[0]) if paging.after else None
    found = await list_plans(session, programme, before, paging.limit + 1)
    page = found[: paging.limit]
    return reply({"items": page}, headers=paging.headers([page[-1]["id"]] if len(found) > len(page) else None))


@router.get(PLANS_PATH + "/{staffing_id}", response_model=StaffingPlan, summary="Read a staffing plan")
async def read_staffing_plan(staffing_id: PlanId, programme: ProgrammeQuery, principal: Auditing, session: Reading) -> Response:
    """A plan with its assignments: those of all for managers, their own for who audits."""
    enter(principal, programme)
    of = None if principal.holds(*MANAGERS) else principal.subject
    return reply(await get_plan(session, programme, staffing_id, of=of))
