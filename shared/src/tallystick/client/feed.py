"""Following a change feed."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from functools import cached_property
from typing import Any, cast

import httpx
import msgspec

from tallystick.client.errors import FeedRewoundError, ProblemError, UnexpectedAnswerError
from tallystick.client.transport import Transport
from tallystick.schemas.change import Change

_SLACK_S = 30.0


class FeedPage(msgspec.Struct, frozen=True, dict=True):
    """A page of changes, fast to read: of what is in the changes it knows nothing until it is asked."""

    programme: str
    epoch: str
    content: msgspec.Raw = msgspec.field(name="changes")
    """The changes as they came over the wire, a JSON array."""
    cursor: str
    """Where to read on from."""
    position: int
    more: bool
    """Whether a further page was ready when this one was made."""

    @cached_property
    def changes(self) -> list[dict[str, Any]]:
        """The changes as plain dictionaries."""
        return cast("list[dict[str, Any]]", msgspec.json.decode(self.content))

    def typed(self) -> tuple[Change, ...]:
        """The changes as validated wire models."""
        return tuple(Change.model_validate(change, extra="ignore") for change in self.changes)


_PAGE = msgspec.json.Decoder(FeedPage)


async def follow(
    transport: Transport,
    address: str,
    programme: str,
    *,
    after: str | None,
    wait: float,
    limit: int,
    fields: Sequence[str],
) -> AsyncGenerator[FeedPage, None]:
    """Every page from `after` on; see `Tallystick.changes`.

    Whoever waits has the next page asked for before this one is looked into: its headers say how to read on.
    """

    def ask(after: str | None) -> asyncio.Task[httpx.Response]:
        query = {"programme": programme, "after": after, "wait": wait, "limit": limit, "fields": fields}
        patience_s = float("inf") if wait else None
        return asyncio.create_task(
            transport.request("GET", f"{address}/v1/changes", query=query, timeout_s=wait + _SLACK_S, patience_s=patience_s)
        )

    coming = ask(after)
    try:
        while True:
            try:
                response = await coming
            except ProblemError as refusal:
                if refusal.problem.type.endswith("/invalid-cursor"):  # its key or its reader's name has changed: it leads nowhere
                    raise FeedRewoundError(refusal.problem) from refusal
                raise
            ahead = response.links.get("next", {}).get("url") if wait else None
            if ahead is not None:
                coming = ask(httpx.URL(ahead).params["after"])
            try:
                page = _PAGE.decode(response.content)
            except msgspec.DecodeError as error:
                raise UnexpectedAnswerError(f"{address} answered no page of changes: {error}.") from error
            yield page
            if not (wait or page.more):
                return
            if ahead is None:
                coming = ask(page.cursor)
    finally:
        coming.cancel()
        await asyncio.wait({coming})
        if not coming.cancelled():
            coming.exception()
