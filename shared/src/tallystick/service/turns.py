"""Turns of the event loop, for work on many rows."""

import asyncio
from time import perf_counter

_TURN_S = 0.0005


class Turn:
    """Work on many rows that lets others have their turn in between: they wait for half a millisecond of it, or for the one row.

    So does the database, where the service works on while that is at work.
    """

    def __init__(self) -> None:
        self._since = perf_counter()

    @property
    def is_over(self) -> bool:
        """Whether it is time to `pass_on`; asked before each row."""
        return perf_counter() - self._since > _TURN_S

    async def pass_on(self) -> None:
        """Let the others have their turn, and begin the next."""
        await asyncio.sleep(0)
        self._since = perf_counter()
