"""The routes of signals."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from reporting_api.metrics.question import EARLIEST, LATEST
from reporting_api.metrics.routes import NumbersRead
from reporting_api.signals.records import document, get_signal, list_signals
from tallystick.schemas.base import Day, Slug
from tallystick.schemas.signal import Detector, Signal, SignalPage, SignalState
from tallystick.service.auth import enter
from tallystick.service.database import Reading
from tallystick.service.paging import Paged
from tallystick.service.parameters import in_order
from tallystick.service.problems import COMMON, InvalidCursor, responses
from tallystick.service.replies import not_modified, reply, revision_etag

router = APIRouter(tags=["signals"], responses=responses(*COMMON))

ProgrammeQuery = Annotated[Slug, Query(description="Whose signals.")]


@router.get("/v1/signals", response_model=SignalPage, responses=responses(InvalidCursor), summary="List signals")
async def read_signals(
    programme: ProgrammeQuery,
    principal: NumbersRead,
    session: Reading,
    paging: Paged,
    vendor: Annotated[list[Slug], Query(description="Repeat it for several: any of them.")] = [],  # noqa: B006 - FastAPI copies defaults
    detector: Annotated[list[Detector], Query(description="Repeat it for several: any of them.")] = [],  # noqa: B006
    state: Annotated[list[SignalState], Query(description="Repeat it for several: any of them.")] = [],  # noqa: B006
    from_: Annotated[Day | None, Query(alias="from", ge=EARLIEST, le=LATEST, description="Raised on this day or later.")] = None,
    to: Annotated[Day | None, Query(ge=EARLIEST, le=LATEST, description="Raised before this day.")] = None,
) -> Response:
    """Signals that match all filters, those raised last first. A vendor's people see those about their own vendor alone."""
    enter(principal, programme)
    in_order(from_, to)
    before = (date.fromisoformat(paging.after[0]), UUID(paging.after[1])) if paging.after else None
    rows = await list_signals(
        session,
        programme,
        vendors=vendor,
        detectors=detector,
        states=state,
        start=from_,
        end=to,
        before=before,
        limit=paging.limit + 1,
    )
    page = rows[: paging.limit]
    last = [page[-1].raised_on, page[-1].id] if len(rows) > len(page) else None
    return reply(SignalPage(items=tuple(map(document, page))), headers=paging.headers(last))


@router.get("/v1/signals/{signal_id}", response_model=Signal, summary="Read a signal")
async def read_signal(
    request: Request,
    signal_id: Annotated[UUID, Path(description="The signal's id.")],
    programme: ProgrammeQuery,
    principal: NumbersRead,
    session: Reading,
) -> Response:
    """The signal as the facts show it now."""
    enter(principal, programme)
    row = await get_signal(session, programme, signal_id)
    etag = revision_etag(row.revision)
    return not_modified(request, etag) or reply(document(row), etag=etag)
