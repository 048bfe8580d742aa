"""The endpoints of webhooks, and what was delivered to them."""

from collections.abc import AsyncIterator
from uuid import UUID

from tallystick.client.transport import Query, Transport, parsed
from tallystick.schemas.base import new_id
from tallystick.schemas.webhook import (
    Delivery,
    DeliveryPage,
    DeliveryState,
    Endpoint,
    EndpointPage,
    EndpointSecret,
    NewEndpoint,
)


class Webhooks:
    """The endpoints to which a programme's notices are delivered."""

    def __init__(self, transport: Transport, address: str) -> None:
        self._transport = transport
        self._address = f"{address}/v1/webhook-endpoints"

    async def create(self, programme: str, endpoint: NewEndpoint) -> EndpointSecret:
        """Create an endpoint; the answer holds its secret."""
        return await self._transport.create(EndpointSecret, self._address, endpoint, {"programme": programme})

    async def list(self, programme: str, *, page: int = 100) -> AsyncIterator[Endpoint]:
        """Every endpoint that the caller may see, newest first."""
        query: Query = {"programme": programme, "limit": page}
        async for response in self._transport.pages(self._address, query):
            for endpoint in parsed(EndpointPage, response).items:
                yield endpoint

    async def read(self, programme: str, endpoint: UUID) -> Endpoint:
        """One endpoint as it stands."""
        return await self._transport.read(Endpoint, f"{self._address}/{endpoint}", {"programme": programme})

    async def put(self, programme: str, endpoint: UUID, new: NewEndpoint, *, revision: int) -> Endpoint:
        """Change the `revision` of an endpoint that was read, and enable it."""
        response = await self._transport.request(
            "PUT", f"{self._address}/{endpoint}", query={"programme": programme}, body=new, headers=_match(revision)
        )
        return parsed(Endpoint, response)

    async def delete(self, programme: str, endpoint: UUID, *, revision: int) -> None:
        """Delete the `revision` of an endpoint that was read."""
        await self._transport.request(
            "DELETE", f"{self._address}/{endpoint}", query={"programme": programme}, headers=_match(revision)
        )

    async def replace_secret(self, programme: str, endpoint: UUID, *, revision: int) -> EndpointSecret:
        """A new secret for the `revision` of an endpoint that was read. The one before signs for 24 hours more."""
        response = await self._transport.request(
            "POST", f"{self._address}/{endpoint}/secret", query={"programme": programme}, headers=_match(revision)
        )
        return parsed(EndpointSecret, response)

    async def test(self, programme: str, endpoint: UUID) -> Delivery:
        """Put a test on its way to an endpoint."""
        headers = {"Idempotency-Key": str(new_id())}
        response = await self._transport.request(
            "POST", f"{self._address}/{endpoint}/test", query={"programme": programme}, headers=headers
        )
        return parsed(Delivery, response)

    async def deliveries(
        self, programme: str, endpoint: UUID, state: DeliveryState | None = None, *, page: int = 100
    ) -> AsyncIterator[Delivery]:
        """What was delivered to an endpoint, all or in one state, newest first."""
        query: Query = {"programme": programme, "state": state, "limit": page}
        async for response in self._transport.pages(f"{self._address}/{endpoint}/deliveries", query):
            for delivery in parsed(DeliveryPage, response).items:
                yield delivery

    async def replay(self, programme: str, delivery: Delivery) -> Delivery:
        """Deliver a notice again."""
        address = f"{self._address}/{delivery.endpoint_id}/deliveries/{delivery.id}/replay"
        return parsed(Delivery, await self._transport.request("POST", address, query={"programme": programme}))


def _match(revision: int) -> dict[str, str]:
    return {"If-Match": f'"{revision}"'}
