"""Following a change feed."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import httpx

from tallystick.client.errors import FeedRewoundError, ProblemError, UnexpectedAnswerError
from tallystick.client.transport import Transport, json_object
from tallystick.schemas.change import Change

_SLACK_S = 30.0


@dataclass(frozen=True, slots=True)
class FeedPage:
    """A page of changes, fast to read: the changes stay plain dictionaries, with the bytes that came beside them."""

    programme: str
    epoch: str
    changes: list[dict[str, Any]]
    cursor: str
    """Where to read on from."""
    position: int
    more: bool
    """Whether a further page was ready when this one was made."""
    content: bytes
    """The page as it came over the wire."""

    @classmethod
    def of(cls, response: httpx.Response) -> Self:
        """The page of a response."""
        document = json_object(response)
        try:
            return cls(
                programme=document["programme"],
                epoch=document["epoch"],
                changes=document["changes"],
                cursor=document["cursor"],
                position=document["position"],
                more=document["more"],
                content=response.content,
            )
        except KeyError as error:
            raise UnexpectedAnswerError(f"The page of changes lacks {error}.") from error

    def typed(self) -> tuple[Change, ...]:
        """The changes as validated wire models."""
        return tuple(Change.model_validate(change, extra="ignore") for change in self.changes)


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
            page = FeedPage.of(response)
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
