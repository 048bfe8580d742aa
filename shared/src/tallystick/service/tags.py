"""ETags of content: every answer to a GET carries a strong ETag, also where its route gives it none; pages alone carry none.

That of a list, and of the numbers that a vendor is shown, is a digest of what this reader is shown. So it changes when that
does, for whatever reason (a position taken, a rating given, a due date gone by), and never for what happens elsewhere in the
programme, of which it says nothing.

The same revision looks different to different readers. Caches are told so: no answer is taken for that to another sign-in.
"""

import hashlib
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tallystick.service.replies import is_known

_OK = 200
_TAGGED = {"application/json", "text/markdown"}
_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "description": "The `ETag` of the answer that the reader has."},
}
_NOT_MODIFIED = {"description": "The reader has this answer already"}


class ContentTags:
    """ASGI middleware that gives answers to GET an ETag if they have none, and answers 304 to readers that know it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        held: Message | None = None

        async def answer(message: Message) -> None:
            nonlocal held
            if message["type"] == "http.response.start" and "principal" in scope:
                MutableHeaders(raw=message["headers"]).add_vary_header("Authorization, Cookie")
            if _lacks_tag(message):
                held = message  # until its content is there
                return
            if held is not None:
                start, held = held, None
                if not message.get("more_body", False):
                    start, message = _tagged(start, message, Headers(scope=scope))
                await send(start)
            await send(message)

        await self._app(scope, receive, answer)


def _lacks_tag(message: Message) -> bool:
    if message["type"] != "http.response.start" or message["status"] != _OK:
        return False
    headers = Headers(raw=message["headers"])
    return "etag" not in headers and headers.get("content-type", "").partition(";")[0] in _TAGGED


def _tagged(start: Message, content: Message, asked: Headers) -> tuple[Message, Message]:
    """An answer with the ETag of its content; a list that goes on is another than the same items at its end."""
    headers = MutableHeaders(raw=start["headers"])
    digest = hashlib.blake2b(content["body"], digest_size=8)
    digest.update(headers.get("link", "").encode())
    headers["ETag"] = etag = f'"{digest.hexdigest()}"'
    if not is_known(asked, etag):
        return start, content
    del headers["content-type"], headers["content-length"]
    return {**start, "status": 304, "headers": headers.raw}, {**content, "body": b""}


def add_tags(document: dict[str, Any]) -> None:
    """Complete an OpenAPI document: every operation that reads takes `If-None-Match`, and may answer 304."""
    for operation in (path["get"] for path in document["paths"].values() if "get" in path):
        operation.setdefault("parameters", []).append(_IF_NONE_MATCH)
        operation["responses"]["304"] = _NOT_MODIFIED
