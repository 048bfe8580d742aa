"""Work that goes on beside the requests of a service."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

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
