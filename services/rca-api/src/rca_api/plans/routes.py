"""The routes of plans."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy import Row

from rca_api.cases.history import Event, record
from rca_api.cases.problems import CaseClosed
from rca_api.cases.records import change_case, get_case, get_unfinished
from rca_api.cases.routes import CaseId, CasesRead, CasesWrite
from rca_api.metadata import streams
from rca_api.plans.problems import PlanFrozen, PlanNotOpen, PlanRefused
from rca_api.plans.records import STARTED, document, extend, find_plan, get_plan, list_versions, register
from rca_api.programmes import get_programme
from tallystick.schemas.case import CaseEventKind, CaseState
from tallystick.schemas.effect import EffectPlan, EffectVerdict
from tallystick.schemas.plan import CasePlan, Extension, PlanVersions
from tallystick.schemas.problem import ProblemError
from tallystick.schemas.programme import Programme
from tallystick.service.auth import enter
from tallystick.service.clock import now
from tallystick.service.database import Database, Reading, Writing
from tallystick.service.days import day_of
from tallystick.service.feed import take_positions
from tallystick.service.paging import Paged
from tallystick.service.parameters import ProgrammeQuery
from tallystick.service.problems import (
    COMMON,
    InvalidCursor,
    InvalidRequest,
    PreconditionFailed,
    PreconditionRequired,
    responses,
)
from tallystick.service.replies import IfMatch, links, not_modified, reply, require_match, revision_etag

router = APIRouter(tags=["plans"], responses=responses(*COMMON))

_ONE = {"case_id": "$request.path.case_id", "programme": "$request.query.programme"}
_LINKS = links(_ONE, "read_plan", "read_plan_versions", changing=("put_plan", "create_extension"))


@router.get("/v1/cases/{case_id}/plan", response_model=CasePlan, summary="Read a case's plan")
async def read_plan(
    request: Request, case_id: CaseId, programme: ProgrammeQuery, principal: CasesRead, session: Reading
) -> Response:
    """How the effect of the case's actions will be judged, and what was judged."""
    enter(principal, programme)
    await get_case(session, programme, case_id)
    plan = await get_plan(session, programme, case_id)
    tag = revision_etag(plan.revision)
    return not_modified(request, tag) or reply(document(plan), etag=tag)


@router.get(
    "/v1/cases/{case_id}/plan/versions",
    response_model=PlanVersions,
    responses=responses(InvalidCursor),
    summary="Read the versions of a case's plan",
)
async def read_plan_versions(
    case_id: CaseId, programme: ProgrammeQuery, principal: CasesRead, session: Reading, paging: Paged
) -> Response:
    """What the plan was before: every registration, extension and judgement that was superseded, the newest first."""
    enter(principal, programme)
    await get_plan(session, programme, case_id)
    before = int(paging.after[0]) if paging.after else None
    found = await list_versions(session, programme, case_id, before, paging.limit + 1)
    page = found[: paging.limit]
    return reply({"items": page}, headers=paging.headers([page[-1]["revision"]] if len(found) > len(page) else None))


@router.put(
    "/v1/cases/{case_id}/plan",
    response_model=CasePlan,
    responses={
        200: {"links": _LINKS},
        **responses(PlanRefused, PlanFrozen, CaseClosed, PreconditionFailed, PreconditionRequired, InvalidRequest),
    },
    summary="Register a case's plan",
)
async def put_plan(
    request: Request,
    case_id: CaseId,
    effect: EffectPlan,
    programme: ProgrammeQuery,
    principal: CasesWrite,
    if_match: IfMatch = None,
) -> Response:
    """State how the effect will be judged: before the work starts, for it cannot be changed after that.

    A case that is shared with a vendor is judged within that vendor's own audits, so that both sides can recompute it. To
    replace a plan takes `If-Match`; the first one needs none. A case that went back to its analysis needs another plan.
    """
    enter(principal, programme)
    database: Database = request.app.state.database
    async with database.reading(principal) as looking:
        await get_unfinished(looking, programme, case_id)  # before anybody is asked on its behalf
    configured = await get_programme(request.app.state.neighbours, programme)
    async with database.writing(principal) as session:
        position = await take_positions(session, streams, programme, 1)
        case, moment = await get_unfinished(session, programme, case_id), now(request)
        current = await find_plan(session, programme, case_id)
        if current is not None:
            require_match(if_match, revision_etag(current.revision))
        if case.state in STARTED:
            raise PlanFrozen("Work has started.")
        effect = _of_vendor(effect, case)
        _require_windows(effect, configured, moment)
        plan = await register(session, case, current, effect, position, moment)
        event = Event(CaseEventKind.PLAN, moment, position, changed=effect.model_dump(mode="json"))
        await record(session, case, event)
        return reply(document(plan), etag=revision_etag(plan.revision))


def _of_vendor(effect: EffectPlan, case: Row[Any]) -> EffectPlan:
    """The plan of a case that is shared with a vendor, narrowed to that vendor."""
    if case.vendor is None:
        return effect
    own = (case.vendor,)
    if effect.scope.vendor not in {(), own} or effect.control_vendor not in {(), own}:
        raise _refused("/scope/vendor", "other_vendor", "The case is shared with a vendor, and is judged within its audits.")
    return effect.model_copy(update={"scope": effect.scope.model_copy(update={"vendor": own}), "control_vendor": own})


def _require_windows(effect: EffectPlan, programme: Programme, moment: datetime) -> None:
    """Refuse windows that say nothing, and those whose outcome can be known already."""
    for name, window in (("baseline", effect.baseline), ("verification", effect.verification)):
        if window.time_zone != programme.time_zone:
            raise _refused(f"/{name}/time_zone", "other_time_zone", "Days are those of the programme's time zone.")
        if window.from_ >= window.to:
            raise _refused(f"/{name}/to", "empty_period", "The window ends before it begins.")
    if effect.baseline.to > effect.verification.from_:
        raise _refused("/verification/from", "overlap", "The verification window begins before the baseline has ended.")
    if effect.verification.to <= day_of(moment, programme.time_zone):
        raise _refused("/verification/to", "has_passed", "The verification window is over before the work starts.")


def _refused(pointer: str, code: str, detail: str) -> PlanRefused:
    return PlanRefused("The case does not take this plan.", errors=[ProblemError(pointer=pointer, code=code, detail=detail)])


@router.post(
    "/v1/cases/{case_id}/plan/extensions",
    response_model=CasePlan,
    responses=responses(PlanRefused, PlanNotOpen, CaseClosed, PreconditionFailed, PreconditionRequired, InvalidRequest),
    summary="Extend the verification window",
)
async def create_extension(
    request: Request,
    case_id: CaseId,
    extension: Extension,
    programme: ProgrammeQuery,
    principal: CasesWrite,
    session: Writing,
    if_match: IfMatch = None,
) -> Response:
    """Put off the end of the verification window, because the effect is not yet decidable. The reason stays on record."""
    enter(principal, programme)
    position = await take_positions(session, streams, programme, 1)
    case, moment = await get_unfinished(session, programme, case_id), now(request)
    current = await get_plan(session, programme, case_id)
    require_match(if_match, revision_etag(current.revision))
    if case.state not in STARTED:
        raise PlanNotOpen("Work has not started: register another plan.")
    if current.verdict not in {None, EffectVerdict.NOT_YET_DECIDABLE}:
        raise PlanNotOpen("The effect has been decided.")
    plan = await extend(session, current, extension, position, moment)
    if plan.over_at <= max(current.over_at, moment):
        raise _refused("/to", "no_extension", "This is not later than the window's end, and than now.")
    changed = {"verification_to": extension.to.isoformat()}
    event = Event(CaseEventKind.PLAN, moment, position, note=extension.reason, changed=changed)
    if case.state == CaseState.VERIFICATION:
        await change_case(session, case, event, due_at=plan.over_at)
    else:
        await record(session, case, event)
    return reply(document(plan), etag=revision_etag(plan.revision))
