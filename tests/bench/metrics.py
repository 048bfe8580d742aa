"""The dashboard's question over millions of audits, against one row read by hand, against fewer audits, and against DuckDB."""

import itertools
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from functools import cache
from pathlib import Path
from statistics import median

import asyncpg
import duckdb

from bench import wire
from bench.figures import Figure, quantile
from bench.ground import Ground
from bench.rows import ERRORS, FIRST_DAY, MARKETS, MODERATORS_A_SITE, POLICIES, QUEUES, SITES, WEEKS, programme_document
from reporting_api.projection.apply import _apply_sql
from tallystick.schemas.programme import Programme

_QUESTION = "/v1/metrics?programme={programme}&measure=audits&measure=accuracy&by=week&by=vendor&by=site"
_FILTERS = "&queue=live&market=PL"
_SAME_QUESTION = """
    select date_trunc('week', day) as week, vendor, site, count(*), count(*) filter (not incorrect)
    from '{facts}' {where} group by all order by all
"""
_OTHER_LIMIT = itertools.count(1001)
_SAME_FILTERS = "where queue = 'live' and market = 'PL'"


async def measure(ground: Ground) -> AsyncIterator[Figure]:
    """Accuracy by week, vendor and site: over everything, and for one queue in one market."""
    many, few, rounds, block = (200_000, 20_000, 3, 20) if ground.quick else (5_000_000, 500_000, 8, 60)
    large, small = "metrics-large", "metrics-small"
    async with ground.database("reporting") as database:
        await _fill(database, small, few)
        await _fill(database, large, many)
        await database.execute("vacuum analyze facts")
        await database.execute("vacuum analyze rollups")
        ids = await database.fetch("select audit_id from facts where programme = $1 limit 50", large)
        with tempfile.TemporaryDirectory(prefix="tallystick-bench-") as directory:
            facts = Path(directory) / "facts.parquet"
            await _export(database, large, facts)
            rows = [f"/facts/{row['audit_id']}?programme={large}" for row in ids]
            async with ground.reference() as address:
                for what, filters, where in (("Metrics", "", ""), ("Metrics, two filters", _FILTERS, _SAME_FILTERS)):
                    sql = _SAME_QUESTION.format(facts=facts, where=where)
                    await _agree(ground, _QUESTION.format(programme=large) + filters, sql)
                    ours, again, fewer, row, duck = [], [], [], [], []
                    for _ in range(rounds):
                        row.append(await _block(ground, address, rows, block))
                        ours.append(await _ask(ground, large, filters, block))
                        again.append(await _ask(ground, large, filters, block, once=False))
                        fewer.append(await _ask(ground, small, filters, block))
                        duck.append(await ground.measured(_ask_duckdb, sql, max(block // 6, 5)))
                    for figure in _figures(f"{what} over {many:,} audits", f"over {few:,}", ours, again, fewer, row, duck):
                        yield figure


def _figures(
    what: str,
    against_fewer: str,
    ours: Sequence[list[float]],
    again: Sequence[list[float]],
    fewer: Sequence[list[float]],
    row: Sequence[list[float]],
    duck: Sequence[list[float]],
) -> list[Figure]:
    p95, row_p95 = _p95s(ours), _p95s(row)
    return [
        Figure.at_most(f"{what}, median, against one row", _medians(ours), _medians(row), None),
        Figure.at_most(f"{what}, p95, against one row", p95, row_p95, 10),
        Figure.at_most(f"{what}, p95, the same again, against one row", _p95s(again), row_p95, None),
        Figure.at_most(f"{what}, p95, {against_fewer}", p95, _p95s(fewer), 1.3),
        Figure.at_least(f"{what}, median, against DuckDB", _medians(ours), _medians(duck), 1.0),
    ]


def _p95s(blocks: Sequence[list[float]]) -> list[float]:
    return [quantile(block, 0.95) for block in blocks]


def _medians(blocks: Sequence[list[float]]) -> list[float]:
    return [median(block) for block in blocks]


async def _fill(database: asyncpg.Connection, programme: str, count: int) -> None:
    """Put facts where the projection would have put them, and sum them up as the projection does."""
    pairs = [(vendor, site) for vendor, sites in SITES.items() for site in sites]
    codes, classes, severities = zip(*ERRORS, strict=True)
    words = ([vendor for vendor, _ in pairs], [site for _, site in pairs], QUEUES, [*MARKETS], [*MARKETS.values()], POLICIES)
    document = Programme.model_validate(programme_document(programme))
    await database.execute("set synchronous_commit = off; set work_mem = '512MB'; select setseed(0.7)")
    await database.execute(
        (Path(__file__).parent / "facts.sql").read_text(),
        *(programme, count, FIRST_DAY.date(), WEEKS * 7, *words, codes, classes, severities, MODERATORS_A_SITE),
    )
    await database.execute(_sum_up(), programme)
    await database.execute(
        """
        insert into cursors (programme, epoch, position, time_zone, document, applied_at, caught_up_at, checked_at)
        values ($1, gen_random_uuid(), $2, $3, $4, now(), now(), now())
        """,
        *(programme, count, document.time_zone, document.model_dump_json()),
    )


def _sum_up() -> str:
    """The service's own way from facts to sums: what follows the facts in its statement, fed with all that are stored."""
    _, place, rest = _apply_sql(known=False).partition("delta as ")
    return f"with side as (select 1 as sign, facts.* from facts where programme = $1), {place}{rest}"


async def _export(database: asyncpg.Connection, programme: str, to: Path) -> None:
    """The same facts as Parquet, sorted by day."""
    lines = to.with_suffix(".csv")
    await database.copy_from_query(
        "select day, vendor, site, queue, market, language, policy, moderator, error_class, error_code, severity, incorrect,"
        " handling_time_s from facts where programme = $1 order by day",
        programme,
        output=lines,
        format="csv",
        header=True,
    )
    duckdb.execute(f"copy (from read_csv('{lines}') order by day) to '{to}' (format parquet, compression zstd)")
    lines.unlink()


async def _agree(ground: Ground, target: str, sql: str) -> None:
    """Insist that the product and DuckDB give the same numbers."""
    address = ground.stack.service_url("reporting-api")
    answer = await ground.measured(wire.once, address, wire.request("GET", target, ground.token))
    ours = [
        (*row["dimensions"].values(), row["numbers"]["audits"]["value"], row["numbers"]["accuracy"]["numerator"])
        for row in answer.content()["rows"]
    ]
    theirs = [(f"{week:%Y-%m-%d}", *rest) for week, *rest in duckdb.execute(sql).fetchall()]
    if ours != theirs:
        raise RuntimeError(f"the product and DuckDB do not agree: {ours[:3]} and {theirs[:3]}")


async def _ask(ground: Ground, programme: str, filters: str, count: int, *, once: bool = True) -> list[float]:
    """Ask the question, each time with another limit: to the service that is another question, with the same work behind it."""
    question = _QUESTION.format(programme=programme) + filters
    targets = [f"{question}&limit={next(_OTHER_LIMIT)}" for _ in range(count + wire.WARM_UP)] if once else [question]
    return await _block(ground, ground.stack.service_url("reporting-api"), targets, count)


async def _block(ground: Ground, address: str, targets: Sequence[str], count: int) -> list[float]:
    requests = [wire.request("GET", target, ground.token) for target in targets]
    return await ground.measured(wire.again_and_again, address, requests, count)


@cache
def _duckdb() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"threads": 2})


def _ask_duckdb(sql: str, count: int) -> list[float]:
    """Seconds of `count` answers, after a few that are not counted."""
    seconds = []
    for number in range(count + 3):
        started = time.perf_counter()
        _duckdb().execute(sql).fetchall()
        if number >= 3:
            seconds.append(time.perf_counter() - started)
    return seconds
