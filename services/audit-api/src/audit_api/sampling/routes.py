"""The routes of sampling plans."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from sqlalchemy import Row

from audit_api.metadata import idempotency_keys, streams
from audit_api.programmes.records import read_document
from audit_api.sampling.committing import Outlook, commit_draws, look_out, not_begun, withdraw
from audit_api.sampling.plans import (
    change,
    check_plan,
    draft,
    find_plan,
    list_plans,
    list_versions,
    plan_document,
    publish,
    require_not_retired,
    retire,
)
from audit_api.sampling.previewing import preview
from audit_api.sampling.problems import SamplingPlanRefused, SamplingPlanState, refused
from tallystick.schemas.principal import Role
from tallystick.schemas.sampling import (
    NewSamplingPlan,
    PlanPreview,
    PlanState,
    SamplingPlan,
    SamplingPlanPage,
    SamplingPlanVersion,
    SamplingPlanVersions,
)
from tallystick.service.auth import Principal, allowed, enter
from tallystick.service.clock import now
from tallystick.service.database import Reading, ReadSession, Writing
from tallystick.service.feed import take_positions
from tallystick.service.idempotency import REPLAYED, IdempotencyKey, Once, Outcome
from tallystick.service.paging import Paged
from tallystick.service.parameters import ProgrammeQuery
from tallystick.service.problems import (
    COMMON,
    IdempotencyKeyReused,
    InvalidCursor,
    PreconditionFailed,
    PreconditionRequired,
    RequestInProgress,
    responses,
)
from tallystick.service.replies import IfMatch, created_at, links, not_modified, reply, require_match, revision_etag

router = APIRouter(tags=["sampling"], responses=responses(*COMMON))

PLANS_PATH = "/v1/sampling-plans"
Planning = Annotated[Principal, allowed(Role.ADMIN, Role.QUALITY_MANAGER)]
PLAN_READERS = (Role.ADMIN, Role.QUALITY_MANAGER, Role.AUDITOR, Role.ANALYST)
PlansRead = Annotated[Principal, allowed(*PLAN_READERS)]
PlanId = Annotated[UUID, Path(description="The plan's id.")]

_ONE = {"plan_id": "$response.body#/id", "programme": "$request.query.programme"}
_LINKS = links(
    _ONE,
    "read_sampling_plan",
    "read_sampling_plan_versions",
    "read_draws",
    changing=("put_sampling_plan", "create_publication", "create_retirement"),
)
_AS_IT_STANDS: dict[int | str, dict[str, Any]] = {200: {"links": _LINKS}}
_MOVED = _AS_IT_STANDS | responses(SamplingPlanState, PreconditionFailed, PreconditionRequired)
_MOVED_OR_REFUSED = _AS_IT_STANDS | responses(SamplingPlanState, SamplingPlanRefused, PreconditionFailed, PreconditionRequired)


@router.post(
    PLANS_PATH,
    response_model=SamplingPlan,
    status_code=201,
    responses={201: {"links": _LINKS}, **responses(SamplingPlanRefused, RequestInProgress, IdempotencyKeyReused)},
    summary="Draft a sampling plan",
)
async def create_sampling_plan(
    request: Request,
    new: NewSamplingPlan,
    principal: Planning,
    session: Writing,
    programme: ProgrammeQuery,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Draft a plan: which decisions are divided by what, how many are audited of each period, and what that may cost."""
    enter(principal, programme)
    check_plan(new, await read_document(session, programme))
    once = Once(idempotency_keys, session, programme, "create_sampling_plan", idempotency_key, new.model_dump_json().encode())
    if (earlier := await once.earlier()) is not None:
        drafted = plan_document(await find_plan(session, programme, earlier.id))
        later = {"state": PlanState.DRAFT, "published_version": None, "published_at": None, "revision": 1}
        kept = {"position": earlier.position, **later, **new.model_dump()}
        return _drafted(SamplingPlan.model_validate({**drafted.model_dump(), **kept}), REPLAYED)
    position = await take_positions(session, streams, programme, 1)
    row = await draft(session, programme, new, position, now(request))
    await once.keep(Outcome(row.id, position))
    return _drafted(plan_document(row))


def _drafted(plan: SamplingPlan, headers: dict[str, str] | None = None) -> Response:
    location = created_at("sampling-plans", plan.id, plan.programme)
    return reply(plan, status=201, etag=revision_etag(1), headers={**location, **(headers or {})})


@router.post(
    "/v1/sampling-plan-previews", response_model=PlanPreview, responses=responses(SamplingPlanRefused), summary="Preview a plan"
)
async def create_sampling_plan_preview(
    request: Request, new: NewSamplingPlan, principal: Planning, session: Reading, programme: ProgrammeQuery
) -> Response:
    """What the plan would come to in a period: strata, audits, precision, hours, and what stands against it. Nothing is kept."""
    enter(principal, programme)
    return reply(await previewed(request, session, programme, new))


async def previewed(request: Request, session: ReadSession, programme: str, new: NewSamplingPlan) -> PlanPreview:
    """The preview of a plan that the programme takes."""
    known = await read_document(session, programme)
    check_plan(new, known)
    return await preview(session, known, new, now(request))


@router.get(PLANS_PATH, response_model=SamplingPlanPage, responses=responses(InvalidCursor), summary="List sampling plans")
async def read_sampling_plans(
    programme: ProgrammeQuery,
    principal: PlansRead,
    session: Reading,
    paging: Paged,
    state: Annotated[list[PlanState], Query(description="Repeat it for several: any of them.")] = [],  # noqa: B006 - FastAPI copies defaults
) -> Response:
    """Plans, newest first."""
    enter(principal, programme)
    before = UUID(paging.after[0]) if paging.after else None
    found = await list_plans(session, programme, state, before, paging.limit + 1)
    page = found[: paging.limit]
    shown = SamplingPlanPage(items=tuple(plan_document(row) for row in page))
    return reply(shown, headers=paging.headers([page[-1].id] if len(found) > len(page) else None))


@router.get(
    PLANS_PATH + "/{plan_id}",
    response_model=SamplingPlan,
    responses=_AS_IT_STANDS,
    summary="Read a sampling plan",
)
async def read_sampling_plan(
    request: Request, plan_id: PlanId, programme: ProgrammeQuery, principal: PlansRead, session: Reading
) -> Response:
    """The plan as it stands, published or not."""
    enter(principal, programme)
    row = await find_plan(session, programme, plan_id)
    etag = revision_etag(row.revision)
    return not_modified(request, etag) or reply(plan_document(row), etag=etag)


@router.get(
    PLANS_PATH + "/{plan_id}/versions", response_model=SamplingPlanVersions, summary="Read the versions of a sampling plan"
)
async def read_sampling_plan_versions(
    plan_id: PlanId, programme: ProgrammeQuery, principal: PlansRead, session: Reading
) -> Response:
    """Every published version, newest first: draws are made by them."""
    enter(principal, programme)
    rows = await list_versions(session, programme, plan_id)
    names = ("version", "document", "published_by", "published_at")
    versions = [SamplingPlanVersion.model_validate({name: row._mapping[name] for name in names}) for row in rows]
    return reply(SamplingPlanVersions(items=tuple(versions)))


@router.put(PLANS_PATH + "/{plan_id}", response_model=SamplingPlan, responses=_MOVED_OR_REFUSED, summary="Change a sampling plan")
async def put_sampling_plan(
    request: Request,
    plan_id: PlanId,
    new: NewSamplingPlan,
    programme: ProgrammeQuery,
    principal: Planning,
    session: Writing,
    if_match: IfMatch = None,
) -> Response:
    """Replace what the plan says. A published one becomes the draft of its next version; draws go on by the last one."""
    enter(principal, programme)
    position = await take_positions(session, streams, programme, 1)
    current = await find_plan(session, programme, plan_id)
    require_match(if_match, revision_etag(current.revision))
    require_not_retired(current)
    check_plan(new, await read_document(session, programme))
    return _answer(await change(session, current, new, position, now(request)))


def _answer(row: Row[Any]) -> Response:
    return reply(plan_document(row), etag=revision_etag(row.revision))


@router.post(
    PLANS_PATH + "/{plan_id}/publication",
    response_model=SamplingPlan,
    responses=_MOVED_OR_REFUSED,
    summary="Publish a sampling plan",
)
async def create_publication(
    request: Request,
    plan_id: PlanId,
    programme: ProgrammeQuery,
    principal: Planning,
    session: Writing,
    if_match: IfMatch = None,
) -> Response:
    """Make it the next version, and commit the draws of the periods to come: each key's commitment is published from then on.

    Draws of periods that have not begun are made by the new version; those that it has no period for are withdrawn. A period
    that has begun is drawn by the version that it began with.
    """
    enter(principal, programme)
    outlook = await _outlook(session, request, programme, await find_plan(session, programme, plan_id))
    position = await take_positions(session, streams, programme, 1)
    moment = now(request)
    current = await find_plan(session, programme, plan_id)
    require_match(if_match, revision_etag(current.revision))
    require_not_retired(current)
    check_plan(outlook.plan, await read_document(session, programme))
    published = await publish(session, current, position, moment)
    if published.document != outlook.plan.model_dump(mode="json"):  # changed meanwhile, and `If-Match: *`
        outlook = await _outlook(session, request, programme, published)
    if not await commit_draws(session, published, outlook, moment):
        raise refused("/ends_on", "no_period", "No period of it begins more than an hour from now.")
    return _answer(published)


async def _outlook(session: ReadSession, request: Request, programme: str, plan: Row[Any]) -> Outlook:
    document = NewSamplingPlan.model_validate(plan.document)
    return await look_out(session, await read_document(session, programme), plan.id, document, now(request))


@router.post(
    PLANS_PATH + "/{plan_id}/retirement", response_model=SamplingPlan, responses=_MOVED, summary="Retire a sampling plan"
)
async def create_retirement(
    request: Request,
    plan_id: PlanId,
    programme: ProgrammeQuery,
    principal: Planning,
    session: Writing,
    if_match: IfMatch = None,
) -> Response:
    """End it. Draws of periods that have not begun are withdrawn; those whose period has begun are made as committed."""
    enter(principal, programme)
    position = await take_positions(session, streams, programme, 1)
    current = await find_plan(session, programme, plan_id)
    require_match(if_match, revision_etag(current.revision))
    row = await retire(session, current, position, now(request))
    await withdraw(session, await not_begun(session, row, now(request)))
    return _answer(row)
