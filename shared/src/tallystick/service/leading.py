"""Work that one replica does for all: it holds an advisory lock, on a connection of its own, for as long as it does.

A replica that dies lets go of the lock at once. The lock spares double work and keeps nothing right by itself: whatever is done
under it has to come out the same when two do it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg
from sqlalchemy import make_url

_LOOK_AGAIN_S = 2.0
_TIMEOUT_S = 10.0
_TRY = "select pg_try_advisory_lock(hashtextextended($1, 0))"


@asynccontextmanager
async def leading(database_url: str, work: str) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    """Wait until no other replica does this work, then do it; answers a function that fails once the lock is lost."""
    url = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(url, timeout=_TIMEOUT_S, command_timeout=_TIMEOUT_S)
    try:
        while not await connection.fetchval(_TRY, work):  # noqa: ASYNC110 - what is waited for happens elsewhere
            await asyncio.sleep(_LOOK_AGAIN_S)
        yield lambda: connection.execute("select")
    finally:
        connection.terminate()
