"""Endpoints and their deliveries: reading, writing, and which secrets sign."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, insert, select, update

from tallystick.schemas.base import new_id
from tallystick.schemas.webhook import DeliveryState, EndpointState, NewEndpoint
from tallystick.service.database import ReadSession, WriteSession, scoped
from tallystick.service.problems import NotFound
from tallystick.service.webhooks.signing import Vault
from tallystick.service.webhooks.tables import Webhooks

TEST = "endpoint.test"
"""The type of a notice that tells of nothing but its endpoint."""
TEST_PATH = "/v1/webhook-endpoints/{id}"
OVERLAP = timedelta(hours=24)
"""For how long a secret goes on to sign after it was replaced."""
_SECRETS_KEPT = 5
_FRESH: Mapping[str, Any] = {
    "state": DeliveryState.PENDING,
    "attempts": 0,
    "status": None,
    "reason": None,
    "delivered_at": None,
}

Secrets = Sequence[Mapping[str, Any]]
"""The newest first, each `sealed` and with `until` when it signs."""


def signing_secrets(vault: Vault, endpoint_id: UUID, kept: Secrets, now: datetime) -> list[str]:
    """The secrets of an endpoint that sign at a time, the newest first; none where the service's own has been changed since."""
    signing = (secret for secret in kept if secret["until"] is None or datetime.fromisoformat(secret["until"]) > now)
    unsealed = (vault.unseal(secret["sealed"], endpoint_id) for secret in signing)
    return [secret for secret in unsealed if secret is not None]


def endpoint_document(row: Row[Any]) -> dict[str, Any]:
    """An endpoint as its GET shows it."""
    return {str(name): value for name, value in row._mapping.items() if name != "secrets"}


def delivery_document(row: Row[Any]) -> dict[str, Any]:
    """A delivery as lists show it."""
    hidden = {"programme", "vendor", "subject_vendor"}
    return {str(name): value for name, value in row._mapping.items() if name not in hidden}


async def get_endpoint(
    session: ReadSession, webhooks: Webhooks, programme: str, endpoint_id: UUID, *, to_change: bool = False
) -> Row[Any]:
    """One endpoint, locked where it or its deliveries are to be changed; a problem where there is none to see."""
    endpoints = webhooks.endpoints
    statement = scoped(select(endpoints), endpoints, programme, session.principal).where(endpoints.c.id == endpoint_id)
    row = (await session.execute(statement.with_for_update() if to_change else statement)).one_or_none()
    if row is None:
        raise NotFound("There is no such endpoint.")
    return row


async def count_endpoints(session: ReadSession, webhooks: Webhooks, programme: str) -> int:
    """How many endpoints the principal's party has."""
    endpoints = webhooks.endpoints
    own = endpoints.c.vendor.is_not_distinct_from(session.principal.vendor)
    counting = scoped(select(func.count()).select_from(endpoints), endpoints, programme, session.principal)
    return int((await session.execute(counting.where(own))).scalar_one())


async def list_endpoints(
    session: ReadSession, webhooks: Webhooks, programme: str, before: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """The newest endpoints that were made before the endpoint `before`; newest first."""
    endpoints = webhooks.endpoints
    statement = scoped(select(endpoints), endpoints, programme, session.principal)
    if before is not None:
        statement = statement.where(endpoints.c.id < before)
    return (await session.execute(statement.order_by(endpoints.c.id.desc()).limit(limit))).all()


async def create_endpoint(
    session: WriteSession, webhooks: Webhooks, programme: str, new: NewEndpoint, endpoint_id: UUID, sealed: str, now: datetime
) -> Row[Any]:
    """Write a new endpoint of the principal's party."""
    statement = insert(webhooks.endpoints).values(
        programme=programme,
        id=endpoint_id,
        revision=1,
        vendor=session.principal.vendor,
        **new.model_dump(),
        state=EndpointState.ENABLED,
        secrets=[{"sealed": sealed, "until": None}],
        created_by=session.principal.subject,
        created_at=now,
    )
    return (await session.execute(statement.returning(webhooks.endpoints))).one()


async def change_endpoint(session: WriteSession, webhooks: Webhooks, current: Row[Any], changes: Mapping[str, Any]) -> Row[Any]:
    """Write a further revision of an endpoint that is locked."""
    endpoints = webhooks.endpoints
    statement = scoped(update(endpoints), endpoints, current.programme, session.principal).where(endpoints.c.id == current.id)
    changing = statement.values(revision=current.revision + 1, **changes)
    return (await session.execute(changing.returning(endpoints))).one()


def rotated(kept: Secrets, sealed: str, now: datetime) -> Secrets:
    """The secrets of an endpoint with a new one before them; what signed until now does so for a while."""
    until = (now + OVERLAP).isoformat()
    earlier = [{**secret, "until": secret["until"] or until} for secret in kept]
    signing = [secret for secret in earlier if datetime.fromisoformat(secret["until"]) > now]
    return [{"sealed": sealed, "until": None}, *signing][:_SECRETS_KEPT]


async def delete_endpoint(session: WriteSession, webhooks: Webhooks, current: Row[Any]) -> None:
    """Delete an endpoint that is locked, with its deliveries."""
    endpoints, deliveries = webhooks.endpoints, webhooks.deliveries
    gone = scoped(delete(deliveries), deliveries, current.programme, session.principal)
    await session.execute(gone.where(deliveries.c.endpoint_id == current.id))
    await session.execute(
        scoped(delete(endpoints), endpoints, current.programme, session.principal).where(endpoints.c.id == current.id)
    )


async def create_test(session: WriteSession, webhooks: Webhooks, endpoint: Row[Any], now: datetime) -> Row[Any]:
    """Put a notice on its way that tells of nothing but its endpoint."""
    statement = insert(webhooks.deliveries).values(
        programme=endpoint.programme,
        id=new_id(),
        vendor=endpoint.vendor,
        endpoint_id=endpoint.id,
        type=TEST,
        subject_id=endpoint.id,
        subject_vendor=endpoint.vendor,
        created_at=now,
        next_attempt_at=now,
        **_FRESH,
    )
    return (await session.execute(statement.returning(webhooks.deliveries))).one()


async def get_delivery(
    session: ReadSession, webhooks: Webhooks, programme: str, endpoint_id: UUID, delivery_id: UUID
) -> Row[Any]:
    """One delivery to an endpoint; a problem where there is none to see."""
    deliveries = webhooks.deliveries
    statement = scoped(select(deliveries), deliveries, programme, session.principal)
    statement = statement.where(deliveries.c.endpoint_id == endpoint_id, deliveries.c.id == delivery_id)
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        raise NotFound("There is no such delivery.")
    return row


def as_created(delivery: dict[str, Any]) -> dict[str, Any]:
    """The document of a delivery as it was before its first attempt."""
    return {**delivery, **_FRESH, "next_attempt_at": delivery["created_at"]}


async def list_deliveries(
    session: ReadSession,
    webhooks: Webhooks,
    endpoint: Row[Any],
    states: Sequence[DeliveryState],
    before: UUID | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """The newest deliveries to an endpoint, in any of the states, made before the delivery `before`; newest first."""
    deliveries = webhooks.deliveries
    statement = scoped(select(deliveries), deliveries, endpoint.programme, session.principal)
    statement = statement.where(deliveries.c.endpoint_id == endpoint.id)
    if states:
        statement = statement.where(deliveries.c.state.in_(states))
    if before is not None:
        statement = statement.where(deliveries.c.id < before)
    return (await session.execute(statement.order_by(deliveries.c.id.desc()).limit(limit))).all()


async def replay(session: WriteSession, webhooks: Webhooks, delivery: Row[Any], now: datetime) -> Row[Any]:
    """Put a notice on its way once more, with all attempts before it."""
    deliveries = webhooks.deliveries
    statement = scoped(update(deliveries), deliveries, delivery.programme, session.principal)
    again = statement.where(deliveries.c.id == delivery.id).values({**_FRESH, "next_attempt_at": now})
    return (await session.execute(again.returning(deliveries))).one()
