"""The routes of notices."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from rca_api.cases.routes import CasesRead
from rca_api.notices.records import document, get_notice, list_notices
from tallystick.schemas.notice import Notice, NoticeKind, NoticePage
from tallystick.service.auth import enter
from tallystick.service.database import Reading
from tallystick.service.paging import Paged
from tallystick.service.parameters import ProgrammeQuery
from tallystick.service.problems import COMMON, InvalidCursor, responses
from tallystick.service.replies import links, not_modified, reply, revision_etag

router = APIRouter(tags=["notices"], responses=responses(*COMMON))


_FIRST = {"notice_id": "$response.body#/items/0/id", "programme": "$request.query.programme"}


@router.get(
    "/v1/notices",
    response_model=NoticePage,
    responses={200: {"links": links(_FIRST, "read_notice")}, **responses(InvalidCursor)},
    summary="List notices",
)
async def read_notices(
    programme: ProgrammeQuery,
    principal: CasesRead,
    session: Reading,
    paging: Paged,
    mine: Annotated[bool, Query(description="Those alone that the caller is told, by name or as one of all.")] = False,
    case_id: Annotated[UUID | None, Query(description="Those about this case alone.")] = None,
    kind: Annotated[list[NoticeKind], Query(description="Repeat it for several: any of them.")] = [],  # noqa: B006
) -> Response:
    """What people were told, newest first. A vendor's people see what was told to them."""
    enter(principal, programme)
    before = UUID(paging.after[0]) if paging.after else None
    found = await list_notices(session, programme, mine=mine, case_id=case_id, kinds=kind, before=before, limit=paging.limit + 1)
    page = [document(row) for row in found[: paging.limit]]
    return reply({"items": page}, headers=paging.headers([page[-1]["id"]] if len(found) > len(page) else None))


@router.get("/v1/notices/{notice_id}", response_model=Notice, summary="Read a notice")
async def read_notice(
    request: Request,
    notice_id: Annotated[UUID, Path(description="The notice's id.")],
    programme: ProgrammeQuery,
    principal: CasesRead,
    session: Reading,
) -> Response:
    """What somebody was told. Webhooks name it."""
    enter(principal, programme)
    notice = document(await get_notice(session, programme, notice_id))
    return not_modified(request, revision_etag(1)) or reply(notice, etag=revision_etag(1))
