"""Reading, against handlers written by hand: one audit, and a list of a hundred."""

import random
from collections.abc import AsyncIterator
from statistics import median

from bench import wire
from bench.figures import Figure
from bench.ground import Ground
from bench.rows import ndjson


async def measure(ground: Ground) -> AsyncIterator[Figure]:
    """One request after the other on a connection that is kept, in blocks of the product and the reference in turn."""
    count, rounds = (5_000, 3) if ground.quick else (50_000, 15)
    programme = await ground.programme("read")
    await ground.push(programme, ndjson(count))
    await ground.caught_up(programme)
    async with ground.database("audit") as database:
        await database.execute("vacuum analyze audits")
        ids = [row["id"] for row in await database.fetch("select id from audits where programme = $1", programme)]
    ids = random.Random(7).sample(ids, 200)  # noqa: S311 - any of them will do
    one = [f"/audits/{audit_id}?programme={programme}" for audit_id in ids]
    many = [f"/audits?programme={programme}&limit=100"]
    async with ground.reference() as address:
        for what, targets, block in (("One audit", one, 200), ("A list of 100 audits", many, 50)):
            ours, through, theirs = [], [], []
            for _ in range(rounds):
                theirs.append(await _block(ground, address, targets, block))
                ours.append(
                    await _block(ground, ground.stack.service_url("audit-api"), [f"/v1{each}" for each in targets], block)
                )
                through.append(await _block(ground, ground.stack.url, [f"/audit/v1{each}" for each in targets], block))
            yield Figure.at_least(what, ours, theirs, 0.5)
            yield Figure.at_least(f"{what}, through the gateway", through, theirs, None)


async def _block(ground: Ground, address: str, targets: list[str], count: int) -> float:
    requests = [wire.request("GET", target, ground.token) for target in targets]
    return median(await ground.measured(wire.again_and_again, address, requests, count))
