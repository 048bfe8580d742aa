"""The routes of draws."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from audit_api.sampling.drawing import make_draw
from audit_api.sampling.draws import find_draw, get_draw, get_receipt, list_draws, list_strata, not_ready
from audit_api.sampling.problems import DrawNotReady
from audit_api.sampling.schedule import lock_draw
from tallystick.schemas.base import Slug
from tallystick.schemas.principal import Role
from tallystick.schemas.sampling import Draw, DrawPage, DrawState, DrawStrata, Receipt
from tallystick.service.auth import Principal, allowed, enter
from tallystick.service.clock import now
from tallystick.service.database import Reading, Writing
from tallystick.service.paging import Paged
from tallystick.service.parameters import ProgrammeQuery
from tallystick.service.problems import COMMON, InvalidCursor, responses
from tallystick.service.replies import links, not_modified, reply, revision_etag

router = APIRouter(tags=["sampling"], responses=responses(*COMMON))

DRAWS_PATH = "/v1/draws"
DrawsRead = Annotated[Principal, allowed(*Role)]
RECEIPT_READERS = (Role.ADMIN, Role.QUALITY_MANAGER, Role.ANALYST, Role.VENDOR_POC, Role.VENDOR_SYSTEM)
ReceiptsRead = Annotated[Principal, allowed(*RECEIPT_READERS)]
Drawing = Annotated[Principal, allowed(Role.ADMIN, Role.QUALITY_MANAGER)]
DrawId = Annotated[UUID, Path(description="The draw's id.")]

_FIRST = {"draw_id": "$response.body#/items/0/id", "programme": "$request.query.programme"}
_LINKS = links(_FIRST, "read_draw", "read_draw_strata", "read_receipt", "create_drawing")


@router.get(
    DRAWS_PATH,
    response_model=DrawPage,
    responses={200: {"links": _LINKS}, **responses(InvalidCursor)},
    summary="List draws",
)
async def read_draws(
    programme: ProgrammeQuery,
    principal: DrawsRead,
    session: Reading,
    paging: Paged,
    plan_id: Annotated[UUID | None, Query(description="Of this plan alone.")] = None,
    state: Annotated[list[DrawState], Query(description="Repeat it for several: any of them.")] = [],  # noqa: B006 - FastAPI copies defaults
) -> Response:
    """Draws, newest period first. A vendor sees those that are about it, with the numbers of its own strata."""
    enter(principal, programme)
    before = (date.fromisoformat(paging.after[0]), UUID(paging.after[1])) if paging.after else None
    found = await list_draws(session, programme, plan_id=plan_id, states=state, before=before, limit=paging.limit + 1)
    page = found[: paging.limit]
    last = [page[-1].first_day.isoformat(), page[-1].id] if len(found) > len(page) else None
    return reply(DrawPage(items=tuple(page)), headers=paging.headers(last))


@router.get(DRAWS_PATH + "/{draw_id}", response_model=Draw, summary="Read a draw")
async def read_draw(
    request: Request, draw_id: DrawId, programme: ProgrammeQuery, principal: DrawsRead, session: Reading
) -> Response:
    """The draw as it stands: the commitment to its key from before its period, and the key once it is drawn."""
    enter(principal, programme)
    found = await get_draw(session, programme, draw_id)
    etag = revision_etag(found.revision)
    return not_modified(request, etag) or reply(found, etag=etag)


@router.get(
    DRAWS_PATH + "/{draw_id}/strata",
    response_model=DrawStrata,
    responses=responses(InvalidCursor),
    summary="List the strata of a draw",
)
async def read_draw_strata(
    draw_id: DrawId,
    programme: ProgrammeQuery,
    principal: DrawsRead,
    session: Reading,
    paging: Paged,
    vendor: Annotated[list[Slug], Query(description="Repeat it for several: any of them.")] = [],  # noqa: B006 - FastAPI copies defaults
) -> Response:
    """The strata by their codes: how many decisions there were, how many audits were planned, how many were drawn."""
    enter(principal, programme)
    after = str(paging.after[0]) if paging.after else ""
    found = await list_strata(session, programme, draw_id, vendor, after, paging.limit + 1)
    page = found[: paging.limit]
    last = [page[-1].stratum] if len(found) > len(page) else None
    return reply(DrawStrata(items=tuple(page)), headers=paging.headers(last))


@router.get(
    DRAWS_PATH + "/{draw_id}/receipt",
    response_model=Receipt,
    responses=responses(DrawNotReady),
    summary="Read what it takes to repeat a draw",
)
async def read_receipt(
    draw_id: DrawId,
    programme: ProgrammeQuery,
    principal: ReceiptsRead,
    session: Reading,
    vendor: Annotated[Slug, Query(description="Whose decisions the receipt is about.")],
) -> Response:
    """The receipt of one vendor: with it and its own decisions it can repeat the draw, offline: `tallystick sample verify`."""
    enter(principal, programme)
    return reply(await get_receipt(session, programme, draw_id, vendor))


@router.post(DRAWS_PATH + "/{draw_id}/drawing", response_model=Draw, responses=responses(DrawNotReady), summary="Make a draw now")
async def create_drawing(
    request: Request, draw_id: DrawId, programme: ProgrammeQuery, principal: Drawing, session: Writing
) -> Response:
    """Draw the sample of a period that is over, once decisions of it are waited for no longer. The service does so by itself.

    A draw that was made before is answered as it is.
    """
    enter(principal, programme)
    await find_draw(session, programme, draw_id)
    moment = now(request)
    if (due := await lock_draw(session, programme, draw_id, moment)) is not None:
        await make_draw(session, due, moment)
    found = await find_draw(session, programme, draw_id)
    if found.state in {DrawState.COMMITTED, DrawState.WITHDRAWN}:
        raise not_ready(found)
    shown = await get_draw(session, programme, draw_id)
    return reply(shown, etag=revision_etag(shown.revision))
