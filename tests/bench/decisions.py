"""A million decisions in one request through the gateway, against reading the same lines as JSON and nothing else."""

import asyncio
import io
import json
import random
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta

import orjson
import zstandard

from bench import wire
from bench.figures import Figure
from bench.ground import BATCH_KIND, Ground
from bench.rows import FIRST_DAY, MARKETS, MODERATORS_A_SITE, POLICIES, QUEUES, SITES
from tallystick.draw import commitment
from tallystick.schemas.base import new_id
from tallystick.schemas.sampling import FixedAllocation, NewSamplingPlan, StratumDimension


async def measure(ground: Ground) -> AsyncIterator[Figure]:
    """The request, with a draw to come that all of them may be in; the memory that it takes; the lines read alone."""
    count, rounds = (20_000, 1) if ground.quick else (1_000_000, 3)
    packed, size = await ground.measured(_make, count)
    await ground.stack.restart("audit-api")
    taken, with_orjson, with_json = [], [], []
    peak = 0.0
    for number in range(rounds):
        programme = await _programme(ground, f"decisions-{number}")
        seconds, memory = await _push(ground, programme, packed, count)
        taken.append(seconds)
        peak = max(peak, memory)
        with_orjson.append(await ground.measured(_read, orjson.loads))
        with_json.append(await ground.measured(_read, json.loads))
    what = f"{count:,} decisions in one request of {len(packed) / 1e6:.0f} MB, {size / 1e6:.0f} MB unpacked"
    yield Figure.below(f"Memory for {what}, above idle", peak / 1e6, 300, "MB")
    yield Figure.at_least(f"{what}, against json.loads of its lines", taken, with_json, None)
    yield Figure.at_least(f"{what}, against orjson.loads of its lines", taken, with_orjson, None)


_made = bytearray()
"""The lines, in the process that measures."""


def _make(count: int) -> tuple[bytes, int]:
    """The lines as they are sent, and how long they are."""
    _made[:] = b"".join(_lines(count))
    return zstandard.ZstdCompressor(level=3).compress(bytes(_made)), len(_made)


def _lines(count: int) -> Iterator[bytes]:
    """Decisions of a week, as moderators of one site, market and language make them."""
    chance = random.Random(11)  # noqa: S311 - reproducible rows, no secret
    places = [(vendor, site) for vendor, sites in SITES.items() for site in sites]
    people = [
        (vendor, site, f"{site}-{number}", chance.choice(list(MARKETS.items())), chance.sample(QUEUES, 2))
        for vendor, site in places
        for number in range(MODERATORS_A_SITE)
    ]
    for number in range(count):
        vendor, site, moderator, (market, language), queues = chance.choice(people)
        decided = FIRST_DAY + timedelta(seconds=chance.randrange(7 * 86_400))
        row = {
            "decision_id": f"{chance.getrandbits(64):016x}",
            "vendor": vendor,
            "site": site,
            "queue": chance.choice(queues),
            "market": market,
            "language": language,
            "moderator": moderator,
            "decided_at": decided.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "action": chance.choice(("keep", "restrict", "remove")),
            "policy": chance.choice(POLICIES),
            "content_ref": f"video:{number:012}",
            "automated_detection": chance.random() < 0.3,
            "risk": chance.choice(("low", "high")),
            "modality": "video",
        }
        yield orjson.dumps(row) + b"\n"


def _read(loads: Callable[[bytes], object]) -> float:
    """Seconds that it takes to read the lines one by one."""
    started = time.perf_counter()
    for line in io.BytesIO(_made):
        loads(line)
    return time.perf_counter() - started


async def _programme(ground: Ground, slug: str) -> str:
    """A programme with a draw of the week that is committed."""
    await ground.programme(slug)
    first, key, draw_id = FIRST_DAY.date(), secrets.token_bytes(32), new_id()
    strata = (StratumDimension.SITE, StratumDimension.QUEUE, StratumDimension.POLICY)
    plan = NewSamplingPlan(title="Weekly", strata=strata, starts_on=first, allocation=FixedAllocation(each=20))
    async with ground.database("audit") as database:
        await database.execute(
            _DRAW, slug, draw_id, new_id(), first, first + timedelta(days=7), plan.model_dump_json(), commitment(key)
        )
        await database.execute("insert into draw_keys (programme, draw_id, key) values ($1, $2, $3)", slug, draw_id, key)
    return slug


_DRAW = """
    insert into draws (programme, id, plan_id, plan_version, state, first_day, last_day, time_zone, design, vendors, commitment,
        committed_at, draw_after, reserve, revision, position)
    values ($1, $2, $3, 1, 'committed', $4, $5, 'Europe/Berlin', $6, '{}', $7, now(), now() + interval '1 day', 60, 1, 0)
"""


async def _push(ground: Ground, programme: str, packed: bytes, count: int) -> tuple[float, float]:
    """Push all in one request; answers the seconds, and the memory that audit-api took beyond what it had before."""
    target = f"/audit/v1/decision-batches?programme={programme}&source=week"
    sent = wire.request("POST", target, ground.token, packed, BATCH_KIND, encoding="zstd")
    process = ground.process("audit-api")
    idle = peak = process.memory_info().rss
    pushing = asyncio.create_task(ground.measured(wire.once, ground.stack.url, sent))
    while not pushing.done():
        peak = max(peak, process.memory_info().rss)
        await asyncio.sleep(0.02)
    answer = await pushing
    counts = answer.content()["counts"]
    if counts["counted"] != count:
        raise RuntimeError(f"not every line was counted: {counts}")
    return answer.seconds, peak - idle
