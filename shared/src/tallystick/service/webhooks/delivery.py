"""Delivering: what is due is claimed, posted and settled, beside the requests, by as many processes as there are.

A claim moves a delivery's next attempt to when this one is taken for lost, so each attempt is made by one process, and one that
dies in it is followed by another: at least once. Endpoints are served side by side, so one that hangs delays itself alone.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from importlib.metadata import version
from importlib.resources import files
from typing import Any
from uuid import UUID

import httpx
import orjson
import structlog
from fastapi import FastAPI
from sqlalchemy import delete, update

from tallystick.schemas.webhook import DeliveryReason, DeliveryState, EndpointState
from tallystick.service.auth import ALL, Principal
from tallystick.service.background import beside_requests
from tallystick.service.clock import Clock
from tallystick.service.database import Database, WriteSession
from tallystick.service.webhooks.connections import Answer, Lookup, Resolve, Wire
from tallystick.service.webhooks.records import TEST, TEST_PATH, signing_secrets
from tallystick.service.webhooks.settings import WebhookSettings
from tallystick.service.webhooks.signing import Vault, signed_headers
from tallystick.service.webhooks.tables import Webhooks

DELAYS = (
    timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=5),
    timedelta(hours=10), timedelta(hours=14), timedelta(hours=20), timedelta(hours=24),
)  # fmt: skip
"""After the first attempt, the second and so on, each more or less by a tenth: ten attempts over three days."""

LOST_AFTER = timedelta(seconds=60)
KEPT = timedelta(days=30)
_JITTER = 0.1
_LONGEST_RETRY_AFTER = DELAYS[-1]
_AT_ONCE = 4
_LOOK_AROUND_S = 1.0
_CLEAN_EVERY = timedelta(hours=1)
_COURIER = Principal("webhooks", frozenset(), frozenset({ALL}), None, "")
_HAND_OUT, _CLAIM = (files(__package__).joinpath(name).read_text() for name in ("hand_out.sql", "claim.sql"))
_AGENT = f"Tallystick/{version('tallystick')}"

log = structlog.get_logger()

Claimed = Mapping[str, Any]
"""A delivery with the address and the secrets of its endpoint."""


class Courier:
    """Delivers the webhooks of a service.

    Args:
        webhooks: of the service.
        database: of the service.
        settings: of the service.
        clock: says what is due, and what time a notice is signed for.
        resolve: asked for the addresses of hosts.
    """

    def __init__(
        self, webhooks: Webhooks, database: Database, settings: WebhookSettings, clock: Clock, resolve: Resolve | None = None
    ) -> None:
        self._webhooks = webhooks
        self._database = database
        self._clock = clock
        self._vault = Vault(settings.secret.get_secret_value())
        self._prefix = settings.root_path
        self._wire = Wire(settings.webhook_networks, resolve or Lookup())

    async def run(self) -> None:
        """Deliver until cancelled."""
        serving: dict[UUID, asyncio.Task[None]] = {}
        clean_at = self._clock()
        try:
            while True:
                for endpoint_id, deliveries in (await self.claim(serving)).items():
                    serving[endpoint_id] = asyncio.create_task(self.serve(deliveries))
                if self._clock() >= clean_at:
                    await self.clean()
                    clean_at = self._clock() + _CLEAN_EVERY
                looking_around = asyncio.create_task(asyncio.sleep(_LOOK_AROUND_S))
                await asyncio.wait({looking_around, *serving.values()}, return_when=asyncio.FIRST_COMPLETED)
                looking_around.cancel()
                for endpoint_id in [each for each, task in serving.items() if task.done()]:
                    if (failure := serving.pop(endpoint_id).exception()) is not None:
                        log.error("webhooks not settled", endpoint=str(endpoint_id), exc_info=failure)
        finally:
            for task in serving.values():
                task.cancel()
            if serving:
                await asyncio.wait(serving.values())

    async def claim(self, busy: Collection[UUID] = ()) -> Mapping[UUID, Sequence[Claimed]]:
        """Hand out what was announced and claim what is due, by endpoint; nothing at endpoints that are busy."""
        now = self._clock()
        claimed: dict[UUID, list[Claimed]] = defaultdict(list)
        async with self._database.writing(_COURIER) as session:
            driver = await session.driver()
            await driver.execute(_HAND_OUT, now)
            for row in await driver.fetch(_CLAIM, now, now + LOST_AFTER, list(busy), _AT_ONCE):
                claimed[row["endpoint_id"]].append(dict(row))
        return claimed

    async def serve(self, deliveries: Sequence[Claimed]) -> None:
        """Make claimed attempts at one endpoint, side by side."""
        await asyncio.gather(*map(self._attempt, deliveries))

    async def _attempt(self, delivery: Claimed) -> None:
        now = self._clock()
        secrets = signing_secrets(self._vault, delivery["endpoint_id"], orjson.loads(delivery["secrets"]), now)
        if secrets:
            body = self._body(delivery)
            signed = signed_headers(secrets, delivery["id"], now, body)
            answer = await self._wire.post(
                delivery["url"], {"Content-Type": "application/json", "User-Agent": _AGENT, **signed}, body
            )
        else:
            answer = Answer(reason=DeliveryReason.SECRET)
        log.info(
            "webhook",
            delivery=str(delivery["id"]),
            endpoint=str(delivery["endpoint_id"]),
            attempt=delivery["attempts"],
            status=answer.status,
            reason=answer.reason,
        )
        async with self._database.writing(_COURIER) as session:
            await self._settle(session, delivery, answer)

    def _body(self, delivery: Claimed) -> bytes:
        """The same bytes for every attempt."""
        path = TEST_PATH if delivery["type"] == TEST else self._webhooks.events[delivery["type"]]
        data = {
            "programme": delivery["programme"],
            "id": str(delivery["subject_id"]),
            "vendor": delivery["subject_vendor"],
            "url": f"{self._prefix}{path.format(id=delivery['subject_id'])}?programme={delivery['programme']}",
        }
        notice = {"type": delivery["type"], "timestamp": delivery["created_at"], "data": data}
        return orjson.dumps(notice, option=orjson.OPT_UTC_Z)

    async def _settle(self, session: WriteSession, delivery: Claimed, answer: Answer) -> None:
        """Write down what came of an attempt, unless it was taken for lost or replayed meanwhile."""
        c = self._webhooks.deliveries.c
        now = self._clock()
        outcome: dict[str, Any] = {"status": answer.status, "reason": answer.reason, "next_attempt_at": None}
        if answer.status is not None and httpx.codes.is_success(answer.status):
            outcome |= {"state": DeliveryState.DELIVERED, "delivered_at": now}
        elif answer.status == HTTPStatus.GONE or delivery["attempts"] > len(DELAYS):
            outcome["state"] = DeliveryState.FAILED
        else:
            outcome["next_attempt_at"] = now + _delay(delivery["attempts"], answer.retry_after, now)
        of_programme = c.programme == delivery["programme"]
        if answer.status == HTTPStatus.GONE:
            await self._disable(session, delivery)
        await session.execute(
            update(self._webhooks.deliveries)
            .where(of_programme, c.id == delivery["id"], c.attempts == delivery["attempts"])
            .where(c.next_attempt_at == delivery["next_attempt_at"])
            .values(outcome)
        )

    async def _disable(self, session: WriteSession, delivery: Claimed) -> None:
        """Serve an endpoint no more that is gone, and give up what else was on its way there."""
        endpoints, deliveries = self._webhooks.endpoints, self._webhooks.deliveries
        of_endpoint = (endpoints.c.programme == delivery["programme"], endpoints.c.id == delivery["endpoint_id"])
        disabling = {"state": EndpointState.DISABLED, "revision": endpoints.c.revision + 1}
        await session.execute(update(endpoints).where(*of_endpoint).values(disabling))
        others = deliveries.c.id != delivery["id"], deliveries.c.state == DeliveryState.PENDING
        await session.execute(
            update(deliveries)
            .where(deliveries.c.programme == delivery["programme"], deliveries.c.endpoint_id == delivery["endpoint_id"], *others)
            .values(state=DeliveryState.FAILED, reason=DeliveryReason.DISABLED, status=None, next_attempt_at=None)
        )

    async def clean(self) -> None:
        """Forget what was settled long ago."""
        c = self._webhooks.deliveries.c
        async with self._database.writing(_COURIER) as session:
            settled_long_ago = c.state != DeliveryState.PENDING, c.created_at < self._clock() - KEPT
            await session.execute(delete(self._webhooks.deliveries).where(*settled_long_ago))


def delivering(app: FastAPI, webhooks: Webhooks) -> AbstractAsyncContextManager[None]:
    """Deliver beside the requests of a service, where its settings say so."""
    settings: WebhookSettings = app.state.settings
    if not settings.deliver:
        return nullcontext()
    courier = Courier(webhooks, app.state.database, settings, app.state.clock)
    return beside_requests("webhooks", courier.run)


def _delay(attempts: int, retry_after: str, now: datetime) -> timedelta:
    """How long to wait after so many attempts: no shorter than the receiver asks for, within bounds."""
    planned = DELAYS[attempts - 1] * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - spreads retries, keeps no secret
    return max(planned, min(_asked(retry_after, now), _LONGEST_RETRY_AFTER))


def _asked(retry_after: str, now: datetime) -> timedelta:
    if retry_after.isdecimal():
        return timedelta(seconds=int(retry_after[:9]))
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return timedelta()
    return moment.replace(tzinfo=moment.tzinfo or UTC) - now
