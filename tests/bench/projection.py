"""From the feed to the numbers: how fast the projection is, and how soon a row is seen in the metrics."""

import asyncio
import time
from collections.abc import AsyncIterator

from bench import wire
from bench.figures import Figure, quantile
from bench.ground import BATCH_KIND, Ground, reached, until
from bench.rows import ndjson

_EVERY_S = 0.1
_ROWS = 100


async def measure(ground: Ground) -> AsyncIterator[Figure]:
    """The projection of 100,000 rows against their ingest; and the time from a 2xx until its rows are in the metrics."""
    count, rounds = (5_000, 2) if ground.quick else (50_000, 3)
    bodies = [ndjson(count), ndjson(count, start=count)]
    taken_in, projected = [], []
    for number in range(rounds):
        programme = await ground.programme(f"projection-{number}")
        await _followed(ground, programme)
        with ground.paused("reporting-api"):
            taken_in.append(sum([await ground.push(programme, body) for body in bodies]))
        started = time.perf_counter()
        await ground.caught_up(programme)
        projected.append(time.perf_counter() - started)
    yield Figure.at_least(f"Projection of {2 * count:,} rows, against their ingest", projected, taken_in, 1.0)
    for figure in await _visibility(ground):
        yield figure


async def _followed(ground: Ground, programme: str) -> None:
    """Return when reporting-api follows a programme."""
    async with ground.database("reporting") as reporting:
        await until(lambda: reached(reporting, programme), 0)
    await ground.caught_up(programme)


async def _visibility(ground: Ground) -> list[Figure]:
    """Push 1,000 rows a second and look at the metrics all the time."""
    programme = await ground.programme("visibility")
    await _followed(ground, programme)
    batches = 30 if ground.quick else 200
    requests = [
        wire.request(
            "POST",
            f"/audit/v1/audit-batches?programme={programme}",
            ground.token,
            ndjson(_ROWS, start=number * _ROWS),
            BATCH_KIND,
        )
        for number in range(batches)
    ]
    asked = wire.request("GET", f"/reporting/v1/metrics?programme={programme}&measure=audits", ground.token)
    seen: list[tuple[float, int]] = []
    pushing = asyncio.create_task(asyncio.to_thread(_push_steadily, ground.stack.url, requests))
    await asyncio.to_thread(_look, ground.stack.url, asked, batches * _ROWS, seen)
    answered = await pushing
    delays = []
    moments = iter(seen)
    moment, rows = next(moments)
    for number, at in enumerate(answered, 1):
        while rows < number * _ROWS or moment < at:
            moment, rows = next(moments)
        delays.append(moment - at)
    rate = (batches - 1) * _ROWS / (answered[-1] - answered[0])
    what = f"From 2xx to the metrics, {rate:,.0f} rows/s arriving"
    return [
        Figure.below(f"{what}, median", quantile(delays, 0.5), None, "s"),
        Figure.below(f"{what}, p95", quantile(delays, 0.95), 2, "s"),
    ]


def _push_steadily(address: str, requests: list[bytes]) -> list[float]:
    """Push one batch every tenth of a second; answers when each 2xx was there."""
    answered = []
    with wire.Connection(address) as connection:
        due = time.perf_counter()
        for sent in requests:
            time.sleep(max(0.0, due - time.perf_counter()))
            connection.exchange(sent).content()
            answered.append(time.perf_counter())
            due += _EVERY_S
    return answered


def _look(address: str, asked: bytes, rows: int, seen: list[tuple[float, int]]) -> None:
    """Ask for the number of audits again and again until all are there; notes when each answer was there."""
    with wire.Connection(address) as connection:
        while not seen or seen[-1][1] < rows:
            found = connection.exchange(asked).content()["rows"][0]["numbers"]["audits"]["value"]
            seen.append((time.perf_counter(), found))
            time.sleep(0.02)
