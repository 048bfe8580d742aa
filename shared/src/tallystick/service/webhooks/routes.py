"""The routes of webhooks: endpoints, their secrets, and what was delivered to them."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

import httpx
from fastapi import APIRouter, Path, Query, Request, Response
from sqlalchemy import Row, Table

from tallystick.schemas.base import new_id
from tallystick.schemas.principal import Role
from tallystick.schemas.problem import ProblemError
from tallystick.schemas.webhook import (
    Delivery,
    DeliveryPage,
    DeliveryState,
    Endpoint,
    EndpointPage,
    EndpointSecret,
    EndpointState,
    NewEndpoint,
)
from tallystick.service.auth import Principal, allowed, enter
from tallystick.service.clock import now
from tallystick.service.database import Database, Reading, Writing
from tallystick.service.idempotency import REPLAYED, IdempotencyKey, Once, Outcome
from tallystick.service.paging import Paged
from tallystick.service.parameters import ProgrammeQuery
from tallystick.service.problems import (
    COMMON,
    Forbidden,
    IdempotencyKeyReused,
    InvalidCursor,
    InvalidRequest,
    NotFound,
    PreconditionFailed,
    PreconditionRequired,
    Problem,
    RequestInProgress,
    responses,
)
from tallystick.service.replies import IfMatch, created_at, links, not_modified, reply, require_match, revision_etag
from tallystick.service.webhooks import records
from tallystick.service.webhooks.signing import Vault, new_secret
from tallystick.service.webhooks.tables import Webhooks

MAX_ENDPOINTS = 50

WebhooksManage = Annotated[Principal, allowed(Role.ADMIN, Role.QUALITY_MANAGER, Role.VENDOR_POC)]
EndpointId = Annotated[UUID, Path(description="The endpoint's id.")]
DeliveryId = Annotated[UUID, Path(description="The delivery's id, which receivers know as `webhook-id`.")]

_ENDPOINTS = "/v1/webhook-endpoints"
_ONE = _ENDPOINTS + "/{endpoint_id}"
_OF_ENDPOINT = {"endpoint_id": "$response.body#/endpoint/id", "programme": "$request.query.programme"}
_LINKS = links(
    _OF_ENDPOINT,
    "read_endpoint", "create_test", "read_deliveries",
    changing=("put_endpoint", "delete_endpoint", "create_secret"),
)  # fmt: skip
_OF_DELIVERY = {
    "endpoint_id": "$response.body#/endpoint_id",
    "delivery_id": "$response.body#/id",
    "programme": "$request.query.programme",
}


class TooManyEndpoints(Problem):
    """The vendor, or the client, has as many endpoints in the programme as there may be: 50.

    Delete one that is no longer needed, or let one endpoint get further types of events.
    """

    status, title = 409, "There are too many endpoints"


class EndpointDisabled(Problem):
    """The endpoint has answered 410, so nothing is delivered to it any more.

    Put it again, with the address that is good now: that enables it.
    """

    status, title = 409, "The endpoint is disabled"


def endpoints_router(
    webhooks: Webhooks, idempotency_keys: Table, require_programme: Callable[[Request, Principal, str], Awaitable[object]]
) -> APIRouter:
    """The routes of a service's endpoints.

    Args:
        webhooks: of the service.
        idempotency_keys: of the service.
        require_programme: raises a problem where the principal sees no such programme.
    """
    router = APIRouter(tags=["webhooks"], responses=responses(*COMMON))
    event_types = ", ".join(f"`{event}`" for event in webhooks.events)

    @router.post(
        _ENDPOINTS,
        response_model=EndpointSecret,
        status_code=201,
        responses={
            201: {"links": _LINKS},
            **responses(TooManyEndpoints, RequestInProgress, IdempotencyKeyReused, InvalidRequest),
        },
        summary="Create an endpoint",
        description=f"Let notices be delivered to an address, of the types {event_types}.\n\n"
        "A vendor gets those of its own things, the client those of all vendors. The answer holds the secret that verifies them: "
        "no later answer does, but that to the same request with the same `Idempotency-Key`.",
    )
    async def create_endpoint(
        request: Request,
        new: NewEndpoint,
        principal: WebhooksManage,
        programme: ProgrammeQuery,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        enter(principal, programme)
        await require_programme(request, principal, programme)  # before the transaction: another service may be asked
        _check(request, webhooks, new)
        database: Database = request.app.state.database
        vault = _vault(request)
        async with database.writing(principal) as session:
            payload = new.model_dump_json().encode()
            once = Once(idempotency_keys, session, programme, "create_endpoint", idempotency_key, payload)
            if (earlier := await once.earlier()) is not None:
                return _replayed(await records.get_endpoint(session, webhooks, programme, earlier.id), new, vault)
            if await records.count_endpoints(session, webhooks, programme) >= MAX_ENDPOINTS:
                raise TooManyEndpoints(f"There may be {MAX_ENDPOINTS} endpoints.")
            endpoint_id, secret = new_id(), new_secret()
            sealed = vault.seal(secret, endpoint_id)
            row = await records.create_endpoint(session, webhooks, programme, new, endpoint_id, sealed, now(request))
            await once.keep(Outcome(endpoint_id, 0))
            return _created(records.endpoint_document(row), secret)

    @router.get(_ENDPOINTS, response_model=EndpointPage, responses=responses(InvalidCursor), summary="List endpoints")
    async def read_endpoints(programme: ProgrammeQuery, principal: WebhooksManage, session: Reading, paging: Paged) -> Response:
        """A vendor's own endpoints; the client sees those of all. Newest first, without their secrets."""
        enter(principal, programme)
        before = UUID(paging.after[0]) if paging.after else None
        rows = await records.list_endpoints(session, webhooks, programme, before, paging.limit + 1)
        page = [records.endpoint_document(row) for row in rows[: paging.limit]]
        return reply({"items": page}, headers=paging.headers([page[-1]["id"]] if len(rows) > len(page) else None))

    @router.get(_ONE, response_model=Endpoint, summary="Read an endpoint")
    async def read_endpoint(
        request: Request, endpoint_id: EndpointId, programme: ProgrammeQuery, principal: WebhooksManage, session: Reading
    ) -> Response:
        """The endpoint as it stands, without its secrets. One that has answered 410 is disabled."""
        enter(principal, programme)
        row = await records.get_endpoint(session, webhooks, programme, endpoint_id)
        return not_modified(request, revision_etag(row.revision)) or _endpoint(row)

    @router.put(
        _ONE,
        response_model=Endpoint,
        responses=responses(PreconditionFailed, PreconditionRequired, InvalidRequest),
        summary="Change an endpoint",
    )
    async def put_endpoint(
        request: Request,
        endpoint_id: EndpointId,
        new: NewEndpoint,
        programme: ProgrammeQuery,
        principal: WebhooksManage,
        session: Writing,
        if_match: IfMatch = None,
    ) -> Response:
        """Change its name, address or types of events, and enable it if it was disabled. Its secrets stay."""
        enter(principal, programme)
        _check(request, webhooks, new)
        current = await records.get_endpoint(session, webhooks, programme, endpoint_id, to_change=True)
        require_match(if_match, revision_etag(current.revision))
        changes = new.model_dump() | {"state": EndpointState.ENABLED}
        return _endpoint(await records.change_endpoint(session, webhooks, current, changes))

    @router.delete(
        _ONE, status_code=204, responses=responses(PreconditionFailed, PreconditionRequired), summary="Delete an endpoint"
    )
    async def delete_endpoint(
        endpoint_id: EndpointId,
        programme: ProgrammeQuery,
        principal: WebhooksManage,
        session: Writing,
        if_match: IfMatch = None,
    ) -> Response:
        """Deliver nothing to it any more, and forget what was delivered."""
        enter(principal, programme)
        current = await records.get_endpoint(session, webhooks, programme, endpoint_id, to_change=True)
        require_match(if_match, revision_etag(current.revision))
        await records.delete_endpoint(session, webhooks, current)
        return Response(status_code=204)

    @router.post(
        _ONE + "/secret",
        response_model=EndpointSecret,
        responses=responses(PreconditionFailed, PreconditionRequired),
        summary="Replace the secret of an endpoint",
    )
    async def create_secret(
        request: Request,
        endpoint_id: EndpointId,
        programme: ProgrammeQuery,
        principal: WebhooksManage,
        session: Writing,
        if_match: IfMatch = None,
    ) -> Response:
        """Make a new secret. For 24 hours both sign every notice, so a receiver may change over at any time within them.

        A vendor's secret is the vendor's: it is replaced by nobody else.
        """
        enter(principal, programme)
        current = await records.get_endpoint(session, webhooks, programme, endpoint_id, to_change=True)
        if current.vendor != principal.vendor:
            raise Forbidden("The secret of a vendor's endpoint is for the vendor's own people.")
        require_match(if_match, revision_etag(current.revision))
        moment, secret = now(request), new_secret()
        secrets = records.rotated(current.secrets, _vault(request).seal(secret, current.id), moment)
        row = await records.change_endpoint(session, webhooks, current, {"secrets": secrets})
        shown = {"endpoint": records.endpoint_document(row), "secret": secret, "previous_until": moment + records.OVERLAP}
        return reply(shown, etag=revision_etag(row.revision))

    return router


def deliveries_router(webhooks: Webhooks, idempotency_keys: Table) -> APIRouter:
    """The routes of what a service delivers to endpoints."""
    router = APIRouter(tags=["webhooks"], responses=responses(*COMMON))

    @router.post(
        _ONE + "/test",
        response_model=Delivery,
        status_code=202,
        responses={
            202: {"links": links(_OF_DELIVERY, "create_replay")},
            **responses(EndpointDisabled, RequestInProgress, IdempotencyKeyReused),
        },
        summary="Send a test to an endpoint",
    )
    async def create_test(
        request: Request,
        endpoint_id: EndpointId,
        programme: ProgrammeQuery,
        principal: WebhooksManage,
        session: Writing,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """Deliver a notice of the type `endpoint.test`, signed and tried like any other. The deliveries show what came of it."""
        enter(principal, programme)
        endpoint = _served(await records.get_endpoint(session, webhooks, programme, endpoint_id, to_change=True))
        once = Once(idempotency_keys, session, programme, "create_test", idempotency_key, endpoint_id.bytes)
        if (earlier := await once.earlier()) is not None:
            row = await records.get_delivery(session, webhooks, programme, endpoint_id, earlier.id)
            return reply(records.as_created(records.delivery_document(row)), status=202, headers=REPLAYED)
        row = await records.create_test(session, webhooks, endpoint, now(request))
        await once.keep(Outcome(row.id, 0))
        return reply(records.delivery_document(row), status=202)

    @router.get(
        _ONE + "/deliveries",
        response_model=DeliveryPage,
        responses=responses(InvalidCursor),
        summary="List what was delivered to an endpoint",
    )
    async def read_deliveries(
        endpoint_id: EndpointId,
        programme: ProgrammeQuery,
        principal: WebhooksManage,
        session: Reading,
        paging: Paged,
        state: Annotated[list[DeliveryState], Query(description="Repeat it for several: any of them.")] = [],  # noqa: B006
    ) -> Response:
        """Every notice of the last 30 days with how far it has come, newest first."""
        enter(principal, programme)
        endpoint = await records.get_endpoint(session, webhooks, programme, endpoint_id)
        before = UUID(paging.after[0]) if paging.after else None
        rows = await records.list_deliveries(session, webhooks, endpoint, state, before, paging.limit + 1)
        page = [records.delivery_document(row) for row in rows[: paging.limit]]
        return reply({"items": page}, headers=paging.headers([page[-1]["id"]] if len(rows) > len(page) else None))

    @router.post(
        _ONE + "/deliveries/{delivery_id}/replay",
        response_model=Delivery,
        status_code=202,
        responses=responses(EndpointDisabled, RequestInProgress, IdempotencyKeyReused),
        summary="Deliver a notice again",
    )
    async def create_replay(
        request: Request,
        endpoint_id: EndpointId,
        delivery_id: DeliveryId,
        programme: ProgrammeQuery,
        principal: WebhooksManage,
        session: Writing,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """Deliver it now, whatever became of it, with ten attempts before it. Its `webhook-id` stays the same.

        The same `Idempotency-Key` again answers the delivery as it stands.
        """
        enter(principal, programme)
        once = Once(idempotency_keys, session, programme, "create_replay", idempotency_key, endpoint_id.bytes, delivery_id.bytes)
        if await once.earlier() is not None:
            delivery = await records.get_delivery(session, webhooks, programme, endpoint_id, delivery_id)
            return reply(records.delivery_document(delivery), status=202, headers=REPLAYED)
        _served(await records.get_endpoint(session, webhooks, programme, endpoint_id, to_change=True))
        delivery = await records.get_delivery(session, webhooks, programme, endpoint_id, delivery_id)
        delivery = await records.replay(session, webhooks, delivery, now(request))
        await once.keep(Outcome(delivery.id, 0))
        return reply(records.delivery_document(delivery), status=202)

    return router


def _vault(request: Request) -> Vault:
    return Vault(request.app.state.settings.secret.get_secret_value())


def _endpoint(row: Row[Any]) -> Response:
    return reply(records.endpoint_document(row), etag=revision_etag(row.revision))


def _created(endpoint: dict[str, Any], secret: str, headers: dict[str, str] | None = None) -> Response:
    location = created_at("webhook-endpoints", endpoint["id"], endpoint["programme"])
    shown = {"endpoint": endpoint, "secret": secret, "previous_until": None}
    return reply(shown, status=201, etag=revision_etag(1), headers={**location, **(headers or {})})


def _replayed(row: Row[Any], new: NewEndpoint, vault: Vault) -> Response:
    """The first answer again, as long as its endpoint is there: as it was created, with the secret that it has now."""
    secret = vault.unseal(row.secrets[0]["sealed"], row.id)
    if secret is None:
        raise NotFound("The secret that was made then cannot be read any more.")
    as_created = records.endpoint_document(row) | new.model_dump() | {"revision": 1, "state": EndpointState.ENABLED}
    return _created(as_created, secret, REPLAYED)


def _served(endpoint: Row[Any]) -> Row[Any]:
    if endpoint.state == EndpointState.DISABLED:
        raise EndpointDisabled("It has answered 410. Put it again first.")
    return endpoint


def _check(request: Request, webhooks: Webhooks, new: NewEndpoint) -> None:
    """Refuse an address that can be none of a receiver, and events that there are not. Whither it leads is seen at delivery."""
    errors = [
        ProblemError(pointer=f"/events/{number}", code="unknown_event", detail="There is no such type of event.")
        for number, event in enumerate(new.events)
        if event not in webhooks.events
    ]
    try:
        url = httpx.URL(new.url)
    except httpx.InvalidURL:
        url = httpx.URL()
    if not url.host:
        errors.append(ProblemError(pointer="/url", code="not_an_address", detail="This is no address."))
    elif url.userinfo:
        errors.append(ProblemError(pointer="/url", code="credentials", detail="An address holds no user and no password."))
    elif url.scheme == "http" and not request.app.state.settings.webhook_networks:
        errors.append(ProblemError(pointer="/url", code="not_https", detail="Notices are delivered over https."))
    if errors:
        raise InvalidRequest("Nothing can be delivered there.", errors=errors)
