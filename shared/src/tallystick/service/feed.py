"""Change feeds: every change of a programme in the order of commits, read by position.

A row carries the position at which it last changed. Positions are handed out by a row lock on the programme's stream, taken in
the writing transaction and held until it commits: a position is never visible before a smaller one, so a reader that goes on
from the last position it saw misses nothing. There are no gap timeouts because there are no gaps to wait for.

Positions go by the clock and not by how many there were, and vendors are not told where a stream ends: neither the gaps between
its own changes nor an answer without any tells a vendor what others record.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from types import MappingProxyType
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import StringConstraints
from sqlalchemy import BigInteger, Column, MetaData, Row, Table, Text, Uuid, cast, func, select, update
from sqlalchemy.dialects.postgresql import insert

from tallystick.schemas.base import Slug, new_id
from tallystick.schemas.change import ChangePage
from tallystick.schemas.principal import Role
from tallystick.service.auth import ALL, Principal, allowed, enter
from tallystick.service.database import Database, ReadSession, WriteSession, scoped
from tallystick.service.paging import load, sealer
from tallystick.service.problems import COMMON, FeedRewound, InvalidCursor, InvalidRequest, responses
from tallystick.service.replies import not_modified, reply

MAX_CHANGES = 20_000
_POLL_S = 0.1
_UNOPENED = UUID(int=0)
_MICROSECONDS = cast(func.extract("epoch", func.clock_timestamp()) * 1_000_000, BigInteger)  # read once the lock is held
_WATCHER = Principal("feed", frozenset(), frozenset({ALL}), None, "")


def stream_table(metadata: MetaData) -> Table:
    """The heads of a service's streams, one row a programme."""
    return Table(
        "streams",
        metadata,
        Column("programme", Text, primary_key=True),
        Column("epoch", Uuid, nullable=False),
        Column("position", BigInteger, nullable=False),
    )


@dataclass(frozen=True)
class Noun:
    """A kind of thing in a feed.

    `read(session, programme, after, limit)` answers the things that last changed after a position, in the order of positions, as
    the session's principal may see them: mappings of `position`, `id`, `revision`, `erased` and `data`.
    """

    name: str
    read: Callable[..., Awaitable[list[dict[str, Any]]]]
    by_field: bool = False
    """Whether `read` takes the names of the fields wanted after its limit: where there are so many things that it pays."""


async def take_positions(session: WriteSession, streams: Table, programme: str, count: int) -> int:
    """Take `count` positions and answer the first; none of them only locks the stream and answers the next.

    They are the microseconds of now and those that follow, or follow the last ones where the clock is behind these.
    The lock is held until the commit, so take it when all else is at hand, and before any other lock: that is the one order.
    The first positions of a programme open its stream.
    """
    first = streams.c.position - count + 1
    last = func.greatest(streams.c.position, _MICROSECONDS) + count if count else streams.c.position
    taken = (
        await session.execute(update(streams).where(streams.c.programme == programme).values(position=last).returning(first))
    ).scalar_one_or_none()
    if taken is None:
        await session.execute(insert(streams).values(programme=programme, epoch=new_id(), position=0).on_conflict_do_nothing())
        return await take_positions(session, streams, programme, count)
    return int(taken)


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a reader stands: in which life of the stream, and after which position."""

    epoch: UUID | None
    position: int


class Feed:
    """The feed of one service, over all its nouns."""

    def __init__(self, streams: Table, nouns: Sequence[Noun]) -> None:
        self._streams = streams
        self._nouns = nouns
        self._heads: dict[str, Cursor] = {}
        self._looked_at = -_POLL_S
        self._looking = asyncio.Lock()

    async def moved(self, database: Database, programme: str, head: Cursor) -> bool:
        """Whether a stream ends elsewhere than at `head` by now.

        One look at all streams serves every request of the process that waits: waiting costs the same for one reader and for
        hundreds. Only where streams end is seen for others here; what is in them each request reads as its own principal.
        """
        async with self._looking:
            if time.monotonic() - self._looked_at >= _POLL_S:
                c = self._streams.c
                async with database.reading(_WATCHER) as session:
                    rows = await session.rows(select(c.programme, c.epoch, c.position))
                self._heads = {slug: Cursor(epoch, position) for slug, epoch, position in rows}
                self._looked_at = time.monotonic()
        return self._heads.get(programme, Cursor(_UNOPENED, 0)) != head

    @property
    def field(self) -> str:
        """The pattern of a field of one of the nouns, such as `audit.verdict`."""
        return rf"^(?:{'|'.join(noun.name for noun in self._nouns)})\.[a-z][a-z0-9_]{{0,62}}$"

    async def head(self, session: ReadSession, programme: str) -> Cursor:
        """Where the stream ends. A programme that nothing was ever written to has a stream of length 0."""
        statement = scoped(select(self._streams.c.epoch, self._streams.c.position), self._streams, programme, session.principal)
        head = (await session.execute(statement)).one_or_none()
        return Cursor(head.epoch, head.position) if head else Cursor(_UNOPENED, 0)

    async def changes(
        self,
        session: ReadSession,
        programme: str,
        after: int,
        head: int,
        limit: int,
        parts: Mapping[str, Collection[str]] = MappingProxyType({}),
    ) -> list[dict[str, Any]]:
        """At most `limit` changes after a position and up to `head`, in the order of positions; of some nouns parts alone.

        In a read session all nouns are seen as of one moment; in any other, a noun may show more than one that was read before
        it, and nothing beyond the `head` that was read first is shown.
        """
        found: list[dict[str, Any]] = []
        for noun in self._nouns:
            read = await _read(noun, session, programme, after, limit, parts.get(noun.name))
            found += [{"noun": noun.name, **change} for change in read if change["position"] <= head]
        found.sort(key=itemgetter("position"))
        return found[:limit]


async def _read(
    noun: Noun, session: ReadSession, programme: str, after: int, limit: int, fields: Collection[str] | None
) -> list[dict[str, Any]]:
    if fields is None:
        return await noun.read(session, programme, after, limit)
    if noun.by_field:
        return await noun.read(session, programme, after, limit, fields)
    whole = await noun.read(session, programme, after, limit)
    return [{**each, "data": {name: value for name, value in (each["data"] or {}).items() if name in fields}} for each in whole]


async def rows_after(session: ReadSession, table: Table, programme: str, after: int, limit: int) -> Sequence[Row[Any]]:
    """The rows of a table that last changed after a position: an index range scan."""
    statement = scoped(select(table), table, programme, session.principal)
    statement = statement.where(table.c.position > after).order_by(table.c.position).limit(limit)
    return (await session.execute(statement)).all()


def feed_router(feed: Feed, *readers: Role) -> APIRouter:
    """The route of a feed, for the roles that may read its nouns one by one too."""
    router = APIRouter(tags=["changes"])

    @router.get(
        "/v1/changes",
        response_model=ChangePage,
        responses=responses(*COMMON, InvalidCursor, InvalidRequest, FeedRewound),
        summary="Read or follow the changes of a programme",
    )
    async def read_changes(
        request: Request,
        principal: Annotated[Principal, allowed(*readers)],
        programme: Annotated[Slug, Query(description="Whose stream to read.")],
        after: Annotated[str | None, Query(max_length=500, description="The cursor of the page before.")] = None,
        limit: Annotated[int, Query(ge=1, le=MAX_CHANGES, description="Changes on a page.")] = 1000,
        fields: Annotated[
            list[Annotated[str, StringConstraints(pattern=feed.field)]],
            Query(
                max_length=100,
                description="Of `data` these fields alone, such as `audit.verdict`; nouns that are not named come whole.",
            ),
        ] = [],  # noqa: B006
        wait: Annotated[float, Query(ge=0, le=60, description="Seconds to wait for a change if there is none yet.")] = 0,
    ) -> Response:
        """Everything that changed after the cursor, in the order of commits, each as it stands now and as the caller may see it.

        A thing that changed twice appears once, at its newest position; applying a change twice changes nothing. With `wait` the
        answer comes as soon as there is a change, or empty when the time is over or the service is about to stop. Read on from
        `cursor`. Where a further page is ready, `Link` leads there: it can be asked for before this one is looked into.
        """
        enter(principal, programme)
        parts: dict[str, set[str]] = {}
        for noun, _, name in (each.partition(".") for each in fields):
            parts.setdefault(noun, set()).add(name)
        database: Database = request.app.state.database
        serializer = sealer(request, principal, "changes", programme)
        cursor, told = _cursor(load(serializer, after)) if after else (None, 0)
        deadline = time.monotonic() + wait
        draining: asyncio.Event = request.app.state.draining
        while True:
            async with database.reading(principal) as session:
                head = await feed.head(session, programme)
                cursor = cursor or Cursor(head.epoch, 0)
                if cursor.epoch not in {head.epoch, _UNOPENED} or cursor.position > head.position:
                    raise FeedRewound("Drop what you built from this feed and start again without a cursor.")
                changes = (
                    await feed.changes(session, programme, cursor.position, head.position, limit + 1, parts)
                    if cursor.position < head.position
                    else []
                )
            end = head
            if principal.vendor is not None and cursor.position == 0 and not changes:
                head = Cursor(_UNOPENED, 0)  # a stream in which a vendor has no part is to it like one that does not exist
            reached = changes[limit - 1]["position"] if len(changes) > limit else head.position
            if principal.vendor is None:
                told = reached
            elif changes:
                told = changes[:limit][-1]["position"]
            cursor = Cursor(head.epoch, reached)
            while not (changes or time.monotonic() >= deadline or draining.is_set()):
                await asyncio.sleep(_POLL_S)
                if await feed.moved(database, programme, end):
                    break
            else:
                break
        etag = f'"{head.epoch}-{told}"'
        following, more = serializer.dumps([str(head.epoch), reached, told]), len(changes) > limit
        return not_modified(request, etag) or reply(
            {
                "programme": programme,
                "epoch": head.epoch,
                "changes": changes[:limit],
                "cursor": following,
                "position": told,
                "more": more,
            },
            etag=etag,
            headers={"Link": f'<?{urlencode({"programme": programme, "after": following})}>; rel="next"'} if more else {},
        )

    return router


def _cursor(loaded: list[Any]) -> tuple[Cursor, int]:
    """Where a reader stands, and which position it was told."""
    epoch, position, told = loaded
    return Cursor(UUID(epoch), int(position)), int(told)
