"""The routes of objectives."""

import hashlib
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from sqlalchemy import Row

from rca_api.cases.records import get_case
from rca_api.cases.routes import CasesWrite
from rca_api.metadata import idempotency_keys, streams
from rca_api.objectives.problems import ObjectiveEnded, ObjectiveRefused
from rca_api.objectives.records import READERS, document, end_objective, get_objective, list_objectives, set_objective
from rca_api.objectives.standing import read_standing, require_taken
from rca_api.programmes import get_programme
from tallystick.schemas.base import Reference, Slug
from tallystick.schemas.objective import NewObjective, Objective, ObjectiveOf, ObjectivePage, ObjectiveRead
from tallystick.schemas.problem import ProblemError
from tallystick.service.auth import Principal, allowed, enter
from tallystick.service.clock import now
from tallystick.service.database import Database, Reading, WriteSession, Writing
from tallystick.service.feed import take_positions
from tallystick.service.idempotency import REPLAYED, IdempotencyKey, Once, Outcome
from tallystick.service.paging import Paged
from tallystick.service.parameters import ProgrammeQuery
from tallystick.service.problems import (
    COMMON,
    IdempotencyKeyReused,
    InvalidCursor,
    InvalidRequest,
    PreconditionFailed,
    PreconditionRequired,
    RequestInProgress,
    responses,
)
from tallystick.service.replies import IfMatch, created_at, links, not_modified, reply, require_match, revision_etag

router = APIRouter(tags=["objectives"], responses=responses(*COMMON))

ObjectivesRead = Annotated[Principal, allowed(*READERS)]
ObjectiveId = Annotated[UUID, Path(description="The objective's id.")]
_ONE = {"objective_id": "$response.body#/id", "programme": "$request.query.programme"}
_LINKS = links(_ONE, "read_objective", changing=("create_ending",))
_MANY = Query(description="Repeat it for several: any of them.")


@router.post(
    "/v1/objectives",
    response_model=Objective,
    status_code=201,
    responses={
        201: {"links": _LINKS},
        **responses(ObjectiveRefused, RequestInProgress, IdempotencyKeyReused, InvalidRequest),
    },
    summary="Set an objective",
)
async def create_objective(
    request: Request,
    new: NewObjective,
    programme: ProgrammeQuery,
    principal: CasesWrite,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Say what a person, site or vendor is to reach in a period. How it stands is read from the metrics, and typed in nowhere."""
    enter(principal, programme)
    database: Database = request.app.state.database
    payload = new.model_dump_json().encode()

    def once(session: WriteSession) -> Once:
        return Once(idempotency_keys, session, programme, "create_objective", idempotency_key, payload)

    async with database.writing(principal) as session:
        if (earlier := await once(session).earlier()) is not None:
            return _created(await get_objective(session, programme, earlier.id), REPLAYED)
        if new.case_id is not None:
            _require_case(new, await get_case(session, programme, new.case_id))
    # Between the two transactions: no connection waits while audit-api is asked.
    require_taken(await get_programme(request.app.state.neighbours, programme), new)
    async with database.writing(principal) as session:
        if (earlier := await once(session).earlier()) is not None:
            return _created(await get_objective(session, programme, earlier.id), REPLAYED)
        position = await take_positions(session, streams, programme, 1)
        objective = await set_objective(session, programme, new, position, now(request))
        await once(session).keep(Outcome(objective.id, position))
        return _created(objective)


def _require_case(new: NewObjective, case: Row[Any]) -> None:
    if new.vendor is not None and case.vendor != new.vendor:
        error = ProblemError(pointer="/case_id", code="other_vendor", detail="The case is not shared with this vendor.")
        raise ObjectiveRefused("The programme does not take this objective.", errors=[error])


def _created(objective: Row[Any], headers: dict[str, str] | None = None) -> Response:
    location = created_at("objectives", objective.id, objective.programme)
    return reply(document(objective), status=201, etag=revision_etag(objective.revision), headers={**location, **(headers or {})})


@router.get("/v1/objectives", response_model=ObjectivePage, responses=responses(InvalidCursor), summary="List objectives")
async def read_objectives(
    programme: ProgrammeQuery,
    principal: ObjectivesRead,
    session: Reading,
    paging: Paged,
    of: Annotated[list[ObjectiveOf], _MANY] = [],  # noqa: B006 - FastAPI copies defaults
    name: Annotated[list[Reference], _MANY] = [],  # noqa: B006
    vendor: Annotated[list[Slug], _MANY] = [],  # noqa: B006
    case_id: Annotated[list[UUID], _MANY] = [],  # noqa: B006
    ended: Annotated[bool | None, Query(description="Those alone that were taken back, or those alone that hold.")] = None,
) -> Response:
    """Objectives that match all filters, newest first, without how they stand."""
    enter(principal, programme)
    narrowed: dict[str, list[Any]] = {"of": of, "name": name, "vendor": vendor, "case_id": case_id}
    before = UUID(paging.after[0]) if paging.after else None
    rows = await list_objectives(session, programme, narrowed, ended=ended, before=before, limit=paging.limit + 1)
    page = [document(row) for row in rows[: paging.limit]]
    return reply({"items": page}, headers=paging.headers([page[-1]["id"]] if len(rows) > len(page) else None))


@router.get("/v1/objectives/{objective_id}", response_model=ObjectiveRead, summary="Read how an objective stands")
async def read_objective(
    request: Request, objective_id: ObjectiveId, programme: ProgrammeQuery, principal: ObjectivesRead
) -> Response:
    """The objective with its number by the metrics of now, as adjudicated, and whether that meets the target.

    By the interval: met or missed only where all of it is on one side.
    """
    enter(principal, programme)
    database: Database = request.app.state.database
    async with database.reading(principal) as session:
        objective = Objective.model_validate(document(await get_objective(session, programme, objective_id)))
    shown = await read_standing(request.app.state.neighbours, objective)
    if principal.vendor is not None:  # the position moves with what others record
        shown = shown.model_copy(update={"stands_on": None})
    tag = revision_etag(objective.revision, hashlib.sha256(shown.model_dump_json().encode()).hexdigest()[:12])
    return not_modified(request, tag) or reply(shown, etag=tag)


@router.post(
    "/v1/objectives/{objective_id}/end",
    response_model=Objective,
    responses=responses(ObjectiveEnded, PreconditionFailed, PreconditionRequired, InvalidRequest),
    summary="Take an objective back",
)
async def create_ending(
    request: Request,
    objective_id: ObjectiveId,
    programme: ProgrammeQuery,
    principal: CasesWrite,
    session: Writing,
    if_match: IfMatch = None,
) -> Response:
    """It holds no more from now on, and stays readable."""
    enter(principal, programme)
    position = await take_positions(session, streams, programme, 1)
    current = await get_objective(session, programme, objective_id)
    require_match(if_match, revision_etag(current.revision))
    if current.ended_at is not None:
        raise ObjectiveEnded("It was taken back before.")
    objective = await end_objective(session, current, position, now(request))
    return reply(document(objective), etag=revision_etag(objective.revision))
