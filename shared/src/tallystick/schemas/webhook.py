"""Webhooks: notices that Tallystick delivers to an address, signed as Standard Webhooks 1.0 asks."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from tallystick.schemas.base import Code, Instant, Name, Slug, Wire, form

Address = Annotated[
    str,
    Field(min_length=9, max_length=2000),
    form(r"^https?://[^\x00-\x20\x7f]+$", "an address that begins with http:// or https://"),
]


class NewEndpoint(Wire):
    """Where notices go, and which."""

    name: Annotated[Name, Field(examples=["Ticket system"])]
    url: Annotated[Address, Field(examples=["https://hooks.example.com/tallystick"])]
    events: Annotated[tuple[Code, ...], Field(min_length=1, max_length=50, examples=[["appeal.decided"]])]
    """Types of events, such as `appeal.decided`."""


class EndpointState(StrEnum):
    """Whether an endpoint is served. One that answers 410 is disabled."""

    ENABLED = "enabled"
    DISABLED = "disabled"


class Endpoint(NewEndpoint):
    """An endpoint as it stands. Its secrets are shown once, when they are made."""

    programme: Slug
    id: UUID
    revision: int
    vendor: Slug | None
    """Whose notices it gets; `null` for the client's own: those of all vendors."""
    state: EndpointState
    created_by: str
    created_at: Instant


class EndpointSecret(Wire):
    """An endpoint with its new secret. After a rotation both secrets sign until the old one ends."""

    endpoint: Endpoint
    secret: str
    """`whsec_…`, for a Standard Webhooks library."""
    previous_until: Instant | None


class EndpointPage(Wire):
    """A page of endpoints; the next page is in the `Link` header."""

    items: tuple[Endpoint, ...]


class DeliveryState(StrEnum):
    """Where a notice stands with one endpoint."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class DeliveryReason(StrEnum):
    """Why no answer came."""

    ADDRESS = "address"
    """The host has no address, or one that is not public."""
    CONNECTION = "connection"
    TLS = "tls"
    """Its certificate above all."""
    TIMEOUT = "timeout"
    DISABLED = "disabled"
    """The endpoint was disabled before."""
    SECRET = "secret"  # noqa: S105 - the word, no secret
    """The endpoint's secret can no longer be read: replace it."""


class Delivery(Wire):
    """One notice on its way to one endpoint. What the endpoint answered is kept as a status alone."""

    id: UUID
    """The `webhook-id`: equal for all attempts and replays, for the receiver to know a repetition."""
    endpoint_id: UUID
    type: Code
    subject_id: UUID
    """The id of what it is about, such as the appeal's."""
    state: DeliveryState
    attempts: int
    status: int | None
    """The last answer's; `null` where none came."""
    reason: DeliveryReason | None
    next_attempt_at: Instant | None
    created_at: Instant
    delivered_at: Instant | None


class DeliveryPage(Wire):
    """A page of deliveries, the newest first; the next page is in the `Link` header."""

    items: tuple[Delivery, ...]
