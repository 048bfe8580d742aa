"""Places among the batches that are taken in: bounded, and shared fairly among vendors and the client."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from fastapi import Request
from starlette.types import Message

from audit_api.batches.intake import Intake
from tallystick.service.problems import TooManyRequests


async def _settle() -> None:
    """Let everything happen that can happen now."""
    for _ in range(10):
        await asyncio.sleep(0)


class Sender:
    """A party's batches: how many have a place, and what they end with."""

    def __init__(self, intake: Intake, party: str | None) -> None:
        self._intake = intake
        self._party = party
        self._done = asyncio.Event()
        self._tasks: list[asyncio.Task[bytes]] = []
        self.placed = 0

    def send(self, *pieces: bytes) -> asyncio.Task[bytes]:
        """Send a batch. Without pieces of its body it never arrives; it is worked on until `finish()`."""
        messages = [{"type": "http.request", "body": piece, "more_body": piece is not pieces[-1]} for piece in pieces]

        async def receive() -> Message:
            return messages.pop(0) if messages else await asyncio.get_running_loop().create_future()

        async def batch() -> bytes:
            async with self._intake.place(self._party) as place:
                self.placed += 1
                body = await place.body(Request({"type": "http"}, receive))
                await self._done.wait()
                return body

        self._tasks.append(task := asyncio.create_task(batch()))
        return task

    def finish(self) -> None:
        """Be through with all batches that have arrived."""
        self._done.set()

    async def stop(self) -> None:
        """Break off what is left."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class Parties(AsyncExitStack):
    """Senders to one intake, stopped at the end."""

    def at(self, intake: Intake, party: str | None) -> Sender:
        """A sender of batches of this party."""
        self.push_async_callback((sender := Sender(intake, party)).stop)
        return sender


@pytest.fixture
async def parties() -> AsyncIterator[Parties]:
    """Who sends."""
    async with Parties() as parties:
        yield parties


async def test_a_free_place_goes_to_the_party_that_holds_fewest(parties: Parties) -> None:
    """A vendor that has sent much before does not go first; among equals, who has waited longest does."""
    intake = Intake(2, patience=60)
    acme, more, borealis = parties.at(intake, "acme"), parties.at(intake, "acme"), parties.at(intake, "borealis")
    acme.send(b"1")
    more.send(b"2")
    await _settle()
    more.send(b"3")
    borealis.send(b"4")
    await _settle()
    assert (acme.placed, more.placed, borealis.placed) == (1, 1, 0)

    acme.finish()
    await _settle()

    assert (more.placed, borealis.placed) == (1, 1)


async def test_slow_bodies_of_one_party_do_not_keep_another_out(parties: Parties) -> None:
    """One of them is broken off, to be sent again later; the other goes on, and so does a single one however slow."""
    intake = Intake(2, patience=60, undisturbed=0)
    acme, borealis, client = parties.at(intake, "acme"), parties.at(intake, "borealis"), parties.at(intake, None)
    slow = [acme.send(), acme.send()]
    await _settle()
    taken = borealis.send(b"1")
    client.send(b"2")
    await _settle()

    with pytest.raises(TooManyRequests):
        await slow[0]
    await _settle()
    assert (borealis.placed, client.placed, slow[1].done()) == (1, 0, False)

    borealis.finish()
    assert await taken == b"1"
    await _settle()
    assert (client.placed, slow[1].done()) == (1, False)


async def test_a_body_is_left_alone_for_its_first_seconds(parties: Parties) -> None:
    """Whoever sends at a usual pace is not disturbed, and nor is a batch whose body is there."""
    intake = Intake(2, patience=60, undisturbed=60)
    acme, borealis = parties.at(intake, "acme"), parties.at(intake, "borealis")
    under_way = [acme.send(), acme.send(b"1")]
    await _settle()
    borealis.send(b"2")
    await _settle()

    assert borealis.placed == 0
    assert not any(task.done() for task in under_way)


async def test_patience_ends(parties: Parties) -> None:
    """Who gets no place in time is told so, and stands in nobody's way after that."""
    intake = Intake(1, patience=0)
    acme, borealis, client = parties.at(intake, "acme"), parties.at(intake, "borealis"), parties.at(intake, None)
    first = acme.send(b"1")
    await _settle()
    with pytest.raises(TooManyRequests):
        await borealis.send(b"2")
    acme.finish()
    await first
    client.send(b"3")
    await _settle()

    assert client.placed == 1


async def test_whoever_goes_away_frees_the_place(parties: Parties) -> None:
    """While waiting and while being served, at the same moment too."""
    intake = Intake(1, patience=60)
    acme, borealis, client = parties.at(intake, "acme"), parties.at(intake, "borealis"), parties.at(intake, None)
    served = acme.send(b"1")
    await _settle()
    waiting = borealis.send(b"2")
    await _settle()
    served.cancel()
    acme.finish()
    await asyncio.sleep(0)
    waiting.cancel()
    client.send(b"3")
    await _settle()

    assert client.placed == 1
