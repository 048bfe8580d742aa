"""The routes of what sessions leave behind: precedent, and the results of golden items."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import StringConstraints
from sqlalchemy import literal

from audit_api.calibration.golden import list_results
from audit_api.calibration.precedents import search
from tallystick.schemas.base import Code, Plain, Reference, Slug
from tallystick.schemas.calibration import RATERS, GoldenResultPage, PrecedentPage
from tallystick.schemas.principal import MANAGERS
from tallystick.service.auth import Principal, allowed, enter
from tallystick.service.database import Reading
from tallystick.service.paging import Paged
from tallystick.service.parameters import ProgrammeQuery
from tallystick.service.problems import COMMON, InvalidCursor, responses
from tallystick.service.replies import reply

router = APIRouter(tags=["calibration"], responses=responses(*COMMON, InvalidCursor))

_MANY = Query(description="Repeat it for several: any of them.")


@router.get("/v1/precedents", response_model=PrecedentPage, summary="Search what was concluded before")
async def read_precedents(
    programme: ProgrammeQuery,
    principal: Annotated[Principal, allowed(*RATERS)],
    session: Reading,
    paging: Paged,
    q: Annotated[
        Annotated[Plain, StringConstraints(max_length=500)] | None,
        Query(description='Words of title, question, conclusion or discussion; `"…"`, `or` and `-` as in a search engine.'),
    ] = None,
    policy: Annotated[list[Code], _MANY] = [],  # noqa: B006 - FastAPI copies defaults
    error_code: Annotated[list[Code], _MANY] = [],  # noqa: B006
) -> Response:
    """Items of concluded sessions with their benchmark, newest first; for a vendor, of sessions in which its people rated."""
    enter(principal, programme)
    before = (literal(datetime.fromisoformat(paging.after[0])), literal(UUID(paging.after[1]))) if paging.after else None
    found = await search(
        session, programme, words=q, policies=policy, error_codes=error_code, before=before, limit=paging.limit + 1
    )
    page = found[: paging.limit]
    last = (page[-1]["concluded_at"].isoformat(), page[-1]["item_id"]) if len(found) > len(page) else None
    return reply({"items": page}, headers=paging.headers(last))


@router.get("/v1/golden-results", response_model=GoldenResultPage, summary="List the results of golden items")
async def read_golden_results(
    programme: ProgrammeQuery,
    principal: Annotated[Principal, allowed(*MANAGERS)],
    session: Reading,
    paging: Paged,
    auditor: Annotated[list[Reference], _MANY] = [],  # noqa: B006 - FastAPI copies defaults
    vendor: Annotated[list[Slug], _MANY] = [],  # noqa: B006
) -> Response:
    """What auditors said of golden items in everyday work, beside the benchmark; newest first."""
    enter(principal, programme)
    before = UUID(paging.after[0]) if paging.after else None
    found = await list_results(session, programme, auditors=auditor, vendors=vendor, before=before, limit=paging.limit + 1)
    page = found[: paging.limit]
    return reply({"items": page}, headers=paging.headers([page[-1]["id"]] if len(found) > len(page) else None))
