"""A receiver of webhooks as vendors run one: it verifies with the official library, and answers what a test tells it to."""

import asyncio
from datetime import UTC, datetime
from typing import Any, NamedTuple

from standardwebhooks import Webhook
from starlette.requests import Request
from starlette.types import Receive, Scope, Send


class Notice(NamedTuple):
    """What arrived."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """Its `webhook-id`."""
        return self.headers["webhook-id"]

    def verified(self, secret: str) -> Any:
        """Its document, if it was signed with this secret within the last five minutes."""
        return Webhook(secret).verify(self.body, self.headers)

    def signed_with(self, secret: str) -> bool:
        """Whether it was signed with this secret, at whatever time it says."""
        moment = datetime.fromtimestamp(int(self.headers["webhook-timestamp"]), UTC)
        signature = Webhook(secret).sign(self.id, moment, self.body.decode())
        return signature in self.headers["webhook-signature"].split()


class Receiver:
    """An ASGI app that keeps what arrives. `answers` are given in turn, 204 after them; while it is held, it answers nothing."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.body = b""
        self.arrived = asyncio.Event()
        self.free = asyncio.Event()
        self.free.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a notice."""
        request = Request(scope, receive)
        self.notices.append(Notice(request.url.path, dict(request.headers), await request.body()))
        self.arrived.set()
        await self.free.wait()
        status, headers = self.answers.pop(0) if self.answers else (204, {})
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": self.body if status != 204 else b""})
