"""Taking a batch in, against a bare COPY of the same rows into the same table with the same indexes."""

import asyncio
import time
from collections.abc import AsyncIterator

from bench.figures import Figure
from bench.ground import Ground
from bench.rows import ndjson

_COPIED = "audits_reference"


async def measure(ground: Ground) -> AsyncIterator[Figure]:
    """50,000 rows in one request; the same rows again; the memory that 100,000 rows take."""
    count, rounds = (5_000, 2) if ground.quick else (50_000, 5)
    yield await _memory(ground)
    body = ndjson(count)
    first, again, copied = [], [], []
    with ground.paused("reporting-api"):  # it begins with a batch when that is committed, and would slow what comes next
        await ground.push(await ground.programme("ingest-warm-up"), body)
        async with ground.database("audit") as database:
            await database.execute(f"create table {_COPIED} (like audits including all)")
            await database.execute(f"alter table {_COPIED} owner to audit_owner")
            await database.execute("set role audit_owner")
            for number in range(rounds):
                programme = await ground.programme(f"ingest-{number}")
                first.append(await ground.push(programme, body))
                again.append(await ground.push(programme, body, expected="duplicate"))
                copied.append(await _copy(ground, programme))
            await database.execute(f"drop table {_COPIED}")
    yield Figure.at_least(f"Ingest of {count:,} rows, against COPY", first, copied, 0.5)
    yield Figure.at_least("The same rows again, against the first time", again, first, 1.0)


async def _copy(ground: Ground, programme: str) -> float:
    """COPY the rows that the product has just stored, as the owner of the table, in a transaction of its own."""
    async with ground.database("audit") as database:
        rows = await database.fetch("select * from audits where programme = $1", programme)
        records = [tuple(row) for row in rows]
        await database.execute("set role audit_owner")
        started = time.perf_counter()
        await database.copy_records_to_table(_COPIED, records=records, columns=list(rows[0].keys()))
        return time.perf_counter() - started


async def _memory(ground: Ground) -> Figure:
    """The peak of audit-api's resident memory during a request with as many rows as one may have, above that before it."""
    count = 10_000 if ground.quick else 100_000
    programme, body = await ground.programme("memory"), ndjson(count)
    await ground.stack.restart("audit-api")
    process = ground.process("audit-api")
    await ground.push(await ground.programme("memory-warm-up"), ndjson(1))
    idle = peak = process.memory_info().rss
    pushing = asyncio.create_task(ground.push(programme, body))
    while not pushing.done():
        peak = max(peak, process.memory_info().rss)
        await asyncio.sleep(0.02)
    await pushing
    what = f"Memory for {count:,} rows in {len(body) / 1e6:.0f} MB, above idle"
    return Figure.below(what, (peak - idle) / 1e6, 300, "MB")
