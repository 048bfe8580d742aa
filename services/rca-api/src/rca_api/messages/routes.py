"""The routes of a case's conversation."""

from fastapi import APIRouter, Request, Response

from rca_api.cases.problems import CaseClosed
from rca_api.cases.records import get_case, get_unfinished
from rca_api.cases.routes import CaseId, CasesAnswer, CasesRead
from rca_api.messages.records import document, get_message, list_messages, write_message
from rca_api.metadata import idempotency_keys, streams
from rca_api.notices.records import News, tell
from tallystick.schemas.case import Audience, Message, MessagePage, NewMessage
from tallystick.schemas.notice import NoticeKind
from tallystick.service.auth import enter
from tallystick.service.clock import now
from tallystick.service.database import Reading, Writing
from tallystick.service.feed import take_positions
from tallystick.service.idempotency import REPLAYED, IdempotencyKey, Once, Outcome
from tallystick.service.paging import Paged
from tallystick.service.parameters import ProgrammeQuery
from tallystick.service.problems import COMMON, IdempotencyKeyReused, InvalidCursor, Problem, RequestInProgress, responses
from tallystick.service.replies import reply

router = APIRouter(tags=["conversation"], responses=responses(*COMMON))


class InternalConversation(Problem):
    """A vendor's people wrote to the conversation that the client's people keep among themselves.

    Send the message with `audience` `vendor`: both sides read it then.
    """

    status, title = 403, "The internal conversation is the client's own"


@router.post(
    "/v1/cases/{case_id}/messages",
    response_model=Message,
    status_code=201,
    responses=responses(InternalConversation, CaseClosed, RequestInProgress, IdempotencyKeyReused),
    summary="Say something on a case",
)
async def create_message(
    request: Request,
    case_id: CaseId,
    new: NewMessage,
    programme: ProgrammeQuery,
    principal: CasesAnswer,
    session: Writing,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Add to the conversation: for everybody on the case, or for the client's people alone. What was said does not change."""
    enter(principal, programme)
    if new.audience is Audience.INTERNAL and principal.vendor is not None:
        raise InternalConversation("A vendor's people speak to both sides.")
    payload = f"{case_id}\x1f{new.model_dump_json()}".encode()
    once = Once(idempotency_keys, session, programme, "create_message", idempotency_key, payload)
    if (earlier := await once.earlier()) is not None:
        return reply(document(await get_message(session, programme, earlier.id)), status=201, headers=REPLAYED)
    position = await take_positions(session, streams, programme, 1)
    case = await get_unfinished(session, programme, case_id)
    row = await write_message(session, case, new, position, now(request))
    text = f"{case.title}: {row.author} means you in the conversation."
    for mentioned in dict.fromkeys(new.mentions):
        news = News(NoticeKind.MENTIONED, text, row.vendor, case.id, row.id, mentioned)
        await tell(session, programme, news, now(request))
    message = document(row)
    await once.keep(Outcome(message["id"], position))
    return reply(message, status=201)


@router.get(
    "/v1/cases/{case_id}/messages",
    response_model=MessagePage,
    responses=responses(InvalidCursor),
    summary="Read the conversation on a case",
)
async def read_messages(
    case_id: CaseId, programme: ProgrammeQuery, principal: CasesRead, session: Reading, paging: Paged
) -> Response:
    """What was said, oldest first. A vendor's people see what was said to both sides."""
    enter(principal, programme)
    await get_case(session, programme, case_id)
    after = int(paging.after[0]) if paging.after else 0
    rows = await list_messages(session, programme, case_id, after, paging.limit + 1)
    page = rows[: paging.limit]
    headers = paging.headers([page[-1].position] if len(rows) > len(page) else None)
    return reply({"items": [document(row) for row in page]}, headers=headers)
