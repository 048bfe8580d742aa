"""How long others wait while something is done."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import thread_time


@asynccontextmanager
async def turns() -> AsyncIterator[list[float]]:
    """Ask for the event loop again and again meanwhile, and answer how long it was at work before each answer, once it is over.

    These are seconds of its own work: what other processes take of a busy machine is none of them.
    """
    waited: list[float] = []
    done = asyncio.Event()

    async def wait() -> None:
        while not done.is_set():
            begun = thread_time()
            await asyncio.sleep(0)
            waited.append(thread_time() - begun)

    waiting = asyncio.create_task(wait())
    try:
        yield waited
    finally:
        done.set()
        await waiting
