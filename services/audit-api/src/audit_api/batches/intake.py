"""How many batches a process takes in at once, and whose turn it is: a party that sends much, or slowly, keeps no other out."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import Request

from tallystick.service.problems import MalformedRequest, TooManyRequests

_SLOWEST_BODY_S = 120
_UNDISTURBED_S = 5
_LOOK_S = 1.0


@dataclass(eq=False, slots=True)
class Place:
    """A place among the batches that are taken in, held by a vendor or by the client (None)."""

    party: str | None
    arriving: asyncio.Timeout | None = None
    since: float = 0.0
    gives_way: bool = False

    async def body(self, request: Request) -> bytes:
        """The body in one piece. It has a place while it arrives, so it must arrive in time."""
        pieces: list[bytes] = []
        await self.pieces(request, pieces.append)
        return b"".join(pieces)

    async def pieces(self, request: Request, take: Callable[[bytes], None]) -> None:
        """Hand on a body as it arrives. The time that this takes is ours: how long the body itself takes is what is bounded.

        Others have their turn between the pieces.
        """
        clock = asyncio.get_running_loop().time
        self.since = clock()
        deadline = self.since + _SLOWEST_BODY_S
        try:
            async with asyncio.timeout_at(deadline) as self.arriving:
                arriving = self.arriving
                async for piece in request.stream():
                    begun = clock()
                    take(piece)
                    deadline += clock() - begun
                    if not self.gives_way:
                        arriving.reschedule(deadline)
                    await asyncio.sleep(0)
        except TimeoutError:
            if self.gives_way:
                raise _busy() from None
            raise MalformedRequest(f"The body did not arrive within {_SLOWEST_BODY_S} seconds. Send smaller batches.") from None
        finally:
            self.arriving = None


class Intake:
    """The places of a process. The bodies of the batches that hold them are what its memory is sized by.

    Args:
        places: how many there are.
        patience: seconds that a batch waits for one.
        undisturbed: seconds that a body may arrive before it can be made to give way.
    """

    def __init__(self, places: int, patience: float, undisturbed: float = _UNDISTURBED_S) -> None:
        self._places = places
        self._patience = patience
        self._undisturbed = undisturbed
        self._taken: list[Place] = []
        self._waiting: list[tuple[str | None, asyncio.Future[Place]]] = []

    @asynccontextmanager
    async def place(self, party: str | None) -> AsyncIterator[Place]:
        """A place for a batch of this party; a problem when none becomes free in time.

        A free place goes to the party that holds fewest, and among equals to who has waited longest. Where a party has none and
        another holds several, one of those whose body is long in arriving is broken off.
        """
        place = await self._turn(party)
        try:
            yield place
        finally:
            self._taken.remove(place)
            self._hand_on()

    async def _turn(self, party: str | None) -> Place:
        turn: asyncio.Future[Place] = asyncio.get_running_loop().create_future()
        waiting = (party, turn)
        self._waiting.append(waiting)
        self._hand_on()
        try:
            async with asyncio.timeout(self._patience):
                while not turn.done():
                    self._make_room(party)
                    await asyncio.wait([turn], timeout=_LOOK_S)
        except BaseException as ending:
            if turn.done():  # it came at the last moment
                self._taken.remove(turn.result())
                self._hand_on()
            else:
                self._waiting.remove(waiting)
            if isinstance(ending, TimeoutError):
                raise _busy() from None
            raise
        return turn.result()

    def _hand_on(self) -> None:
        while self._waiting and len(self._taken) < self._places:
            chosen = min(self._waiting, key=lambda waiting: self._held(waiting[0]))
            self._waiting.remove(chosen)
            party, turn = chosen
            self._taken.append(place := Place(party))
            turn.set_result(place)

    def _held(self, party: str | None) -> int:
        return sum(place.party == party and not place.gives_way for place in self._taken)

    def _make_room(self, party: str | None) -> None:
        if self._held(party) or any(place.gives_way for place in self._taken):
            return
        now = asyncio.get_running_loop().time()
        for place in self._taken:
            if place.arriving is not None and now - place.since >= self._undisturbed and self._held(place.party) > 1:
                place.gives_way = True
                place.arriving.reschedule(now)
                return


def _busy() -> TooManyRequests:
    return TooManyRequests("Other batches are being taken in.", headers={"Retry-After": "5"})
