"""How long others wait while something is done."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter


@asynccontextmanager
async def turns() -> AsyncIterator[list[float]]:
    """Ask for the event loop again and again meanwhile, and answer the seconds that each time took, once it is over."""
    waited: list[float] = []
    done = asyncio.Event()

    async def wait() -> None:
        while not done.is_set():
            begun = perf_counter()
            await asyncio.sleep(0)
            waited.append(perf_counter() - begun)

    waiting = asyncio.create_task(wait())
    try:
        yield waited
    finally:
        done.set()
        await waiting
