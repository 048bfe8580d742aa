"""Work that goes on beside the requests of a service."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import structlog

_LONGEST_PAUSE_S = 5.0

log = structlog.get_logger()


@asynccontextmanager
async def beside_requests(name: str, work: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Do work that has no end for as long as the block lasts. Whatever ends it is logged, and it begins again."""
    task = asyncio.create_task(_over_and_over(name, work))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


def at_intervals(name: str, seconds: float, act: Callable[[], Awaitable[object]]) -> AbstractAsyncContextManager[None]:
    """Act beside the requests, again and again, with so many seconds in between."""

    async def acting() -> None:
        while True:
            await act()
            await asyncio.sleep(seconds)

    return beside_requests(name, acting)


async def _over_and_over(name: str, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        attempt = asyncio.ensure_future(work())
        try:
            await asyncio.wait({attempt})
        finally:
            attempt.cancel()
            await asyncio.wait({attempt})
        pause = random.uniform(_LONGEST_PAUSE_S / 2, _LONGEST_PAUSE_S)  # noqa: S311 - spreads retries, keeps no secret
        log.error("interrupted", work=name, again_in_s=round(pause, 2), exc_info=attempt.exception())
        await asyncio.sleep(pause)
