"""The routes of items of work."""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from sqlalchemy import Row

from audit_api.items.auditing import audit_item, require_in_hand
from audit_api.items.claiming import claim
from audit_api.items.problems import ItemNotInHand, ItemRefused, NotStaffed
from audit_api.items.records import (
    document,
    end_in_hand,
    get_item,
    list_items,
    move_item,
    read_given_back,
    staffed,
    waiting_again,
)
from audit_api.metadata import idempotency_keys, streams
from audit_api.programmes.records import read_document
from audit_api.sampling.items import replace
from tallystick.schemas.base import Code, Reference
from tallystick.schemas.principal import MANAGERS, Role
from tallystick.schemas.sampling import (
    Claim,
    HandBack,
    HandBackReason,
    ItemState,
    NewClaim,
    NewItemAudit,
    SampleItem,
    SampleItemPage,
)
from tallystick.service.auth import Principal, allowed, enter
from tallystick.service.clock import now
from tallystick.service.database import Reading, Writing
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
from tallystick.service.replies import IfMatch, links, not_modified, reply, require_match, revision_etag

router = APIRouter(tags=["items"], responses=responses(*COMMON))

Auditing = Annotated[Principal, allowed(*MANAGERS, Role.AUDITOR)]
ItemId = Annotated[UUID, Path(description="The item's id.")]
_MANY = Query(description="Repeat it for several: any of them.")
_LATER = ("claimed_by", "claimed_at", "lease_until", "audited_by", "audited_at")
"""What nobody's item has; it is somebody else's by the time that giving it back is asked again."""
_PROGRAMME = {"programme": "$request.query.programme"}
_IN_HAND = {"item_id": "$response.body#/item/id", **_PROGRAMME}
_AGREEING = {
    "verdict": "correct",
    "benchmark_action": "$response.body#/item/action",
    "benchmark_policy": "$response.body#/item/policy",
}
_LINKS_OF_CLAIM = {
    **links(_IN_HAND, "read_item"),
    **links(_IN_HAND, "create_item_audit", body={"judgement": _AGREEING}),
    **links({**_IN_HAND, "if-match": '"{$response.body#/item/revision}"'}, "create_hand_back", "create_renewal"),
}
_LINKS = links(
    {"item_id": "$response.body#/id", **_PROGRAMME},
    "read_item",
    "create_item_audit",
    changing=("create_hand_back", "create_renewal"),
)


@router.post(
    "/v1/sample-item-claims",
    response_model=Claim,
    responses={200: {"links": _LINKS_OF_CLAIM}, **responses(NotStaffed, InvalidRequest)},
    summary="Claim the next item",
)
async def create_item_claim(
    request: Request, new: NewClaim, programme: ProgrammeQuery, principal: Auditing, session: Writing
) -> Response:
    """Be handed the next best item that one may audit, or told why there is none. No two people are handed the same item.

    Who has one in hand is handed the same again, so asking again does no harm and needs no `Idempotency-Key`.
    """
    enter(principal, programme)
    claimed = await claim(session, programme, now(request), lighter=new.lighter)
    shown = None if claimed.item is None else _document(claimed.item, principal)
    told = {"reason": claimed.reason, "message": claimed.message, "lighter": claimed.lighter, "again_at": claimed.again_at}
    return reply({"item": shown, **told})


def _document(item: Row[Any], principal: Principal) -> dict[str, Any]:
    return document(item, manager=principal.holds(*MANAGERS))


@router.get(
    "/v1/sample-items",
    response_model=SampleItemPage,
    responses={
        200: {"links": links({"item_id": "$response.body#/items/0/id", **_PROGRAMME}, "read_item")},
        **responses(InvalidCursor),
    },
    summary="List items",
)
async def read_items(
    programme: ProgrammeQuery,
    principal: Auditing,
    session: Reading,
    paging: Paged,
    state: Annotated[list[ItemState], _MANY] = [],  # noqa: B006 - FastAPI copies defaults
    draw_id: Annotated[list[UUID], _MANY] = [],  # noqa: B006
    stratum: Annotated[list[Code], _MANY] = [],  # noqa: B006
    claimed_by: Annotated[list[Reference], _MANY] = [],  # noqa: B006
) -> Response:
    """Items that match all filters, newest first: one's own, or all of them for managers."""
    enter(principal, programme)
    await read_document(session, programme)
    drawn: dict[str, list[Any]] = {"draw_id": draw_id, "stratum": stratum} if principal.holds(*MANAGERS) else {}
    narrowed: dict[str, list[Any]] = {"state": state, "claimed_by": claimed_by, **drawn}
    before = UUID(paging.after[0]) if paging.after else None
    rows = await list_items(session, programme, narrowed, before=before, limit=paging.limit + 1)
    page = [_document(row, principal) for row in rows[: paging.limit]]
    return reply({"items": page}, headers=paging.headers([page[-1]["id"]] if len(rows) > len(page) else None))


@router.get("/v1/sample-items/{item_id}", response_model=SampleItem, responses={200: {"links": _LINKS}}, summary="Read an item")
async def read_item(
    request: Request, item_id: ItemId, programme: ProgrammeQuery, principal: Auditing, session: Reading
) -> Response:
    """An item that one has in hand or has audited, or any for managers."""
    enter(principal, programme)
    item = await get_item(session, programme, item_id)
    etag = revision_etag(item.revision)
    return not_modified(request, etag) or reply(_document(item, principal), etag=etag)


@router.post(
    "/v1/sample-items/{item_id}/audit",
    response_model=SampleItem,
    responses=responses(ItemNotInHand, ItemRefused, RequestInProgress, IdempotencyKeyReused, InvalidRequest),
    summary="Audit an item in hand",
)
async def create_item_audit(
    request: Request,
    item_id: ItemId,
    new: NewItemAudit,
    programme: ProgrammeQuery,
    principal: Auditing,
    session: Writing,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Record the judgement. It becomes an audit under the item's id as its external id, with its stratum and probability."""
    enter(principal, programme)
    payload = (str(item_id).encode(), new.model_dump_json().encode())
    once = Once(idempotency_keys, session, programme, "create_item_audit", idempotency_key, *payload)
    if (earlier := await once.earlier()) is not None:
        return _moved(await get_item(session, programme, earlier.id), principal, REPLAYED)
    await take_positions(session, streams, programme, 0)  # the lock of the stream, which every writer takes first
    item = await audit_item(session, await get_item(session, programme, item_id), new, now(request))
    await once.keep(Outcome(item.id, item.position))
    return _moved(item, principal)


def _moved(item: Row[Any], principal: Principal, headers: dict[str, str] | None = None) -> Response:
    return reply(_document(item, principal), etag=revision_etag(item.revision), headers=headers)


@router.post(
    "/v1/sample-items/{item_id}/hand-back",
    response_model=SampleItem,
    responses=responses(
        ItemNotInHand, PreconditionFailed, PreconditionRequired, RequestInProgress, IdempotencyKeyReused, InvalidRequest
    ),
    summary="Give an item back",
)
async def create_hand_back(
    request: Request,
    item_id: ItemId,
    new: HandBack,
    programme: ProgrammeQuery,
    principal: Auditing,
    session: Writing,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """It goes to somebody else, and never comes to the same person again. Whose content is gone is void, and replaced.

    What is given back for one's wellbeing is taken back without a reason on record. Afterwards it answers 404 to whoever gave it
    back; the same `Idempotency-Key` is answered like the first time, and says nothing of what became of it since.
    """
    enter(principal, programme)
    gone = new.reason is HandBackReason.UNAVAILABLE
    payload = (str(item_id).encode(), b"gone" if gone else b"")  # without the reason, which a fingerprint of so few would tell
    once = Once(idempotency_keys, session, programme, "create_hand_back", idempotency_key, *payload)
    if (earlier := await once.earlier()) is not None:
        given = await read_given_back(session, programme, earlier.id)
        return _given_back(given, new.reason, earlier.position, principal, REPLAYED)
    await take_positions(session, streams, programme, 0)
    item = await get_item(session, programme, item_id)
    require_match(if_match, revision_etag(item.revision))
    require_in_hand(session, item)
    moment = now(request)
    entry = {"reason": new.reason, "comment": new.comment, "by": principal.subject, "at": moment.isoformat()}
    record = {} if new.reason is HandBackReason.WELLBEING else {"handed_back": [*item.handed_back, entry]}
    void = item.kind != "sampled" or gone
    state = ItemState.VOID if void else ItemState.WAITING
    position = await take_positions(session, streams, programme, 1)
    back = await end_in_hand(session, item, state, moment, position, **record, **waiting_again(principal.subject))
    if back is None:
        raise ItemNotInHand("The time for it ran out just now, and it went on to others.")
    if gone and item.kind == "sampled":
        await replace(session, back)
    await once.keep(Outcome(back.id, back.revision))
    return _given_back(back, new.reason, back.revision, principal)


def _given_back(
    item: Row[Any], reason: HandBackReason, revision: int, principal: Principal, headers: dict[str, str] | None = None
) -> Response:
    """An item as it was when it was given back. Who gives a check back is told what they would be told of a drawn one."""
    void = reason is HandBackReason.UNAVAILABLE or (item.kind != "sampled" and principal.holds(*MANAGERS))
    then = {"state": ItemState.VOID if void else ItemState.WAITING, "revision": revision} | dict.fromkeys(_LATER)
    return reply(_document(item, principal) | then, etag=revision_etag(revision), headers=headers)


@router.post(
    "/v1/sample-items/{item_id}/renewal",
    response_model=SampleItem,
    responses={200: {"links": _LINKS}, **responses(NotStaffed, ItemNotInHand, PreconditionFailed, PreconditionRequired)},
    summary="Have an item in hand for longer",
)
async def create_renewal(
    request: Request,
    item_id: ItemId,
    programme: ProgrammeQuery,
    principal: Auditing,
    session: Writing,
    if_match: IfMatch = None,
) -> Response:
    """Have it alone for as long again as when it was claimed, from now on. Who audits no more may finish what is in hand."""
    enter(principal, programme)
    item = await get_item(session, programme, item_id)
    require_match(if_match, revision_etag(item.revision))
    require_in_hand(session, item)
    await staffed(session, programme)
    minutes = (await read_document(session, programme)).handing.lease_minutes
    longer = await move_item(session, item, ItemState.CLAIMED, lease_until=now(request) + timedelta(minutes=minutes))
    if longer is None:
        raise ItemNotInHand("The time for it ran out just now, and it went on to others.")
    return _moved(longer, principal)
