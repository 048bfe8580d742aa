"""Handing out items of work to many people at once, against a bare `SELECT … FOR UPDATE SKIP LOCKED` and an update."""

import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import asyncpg

from bench import wire
from bench.figures import Figure
from bench.ground import Ground
from bench.rows import MARKETS, MODERATORS_A_SITE, POLICIES, SITES
from items import item_row
from tallystick.schemas.principal import Role
from tallystick.schemas.staffing import NewAuditor

_HARM = {"spam": 0.0, "harassment": 3.0, "hate": 8.0}
_CAPPED = {"daily_cap": 400.0, "weekly_cap": 1600.0}
_AT_ONCE = 32
_AGAIN = """
    update {0} set state = 'waiting', claimed_by = null, claimed_at = null, lease_until = null, told = true, revision = 1
    where state = 'claimed'
"""


async def measure(ground: Ground) -> AsyncIterator[Figure]:
    """Everybody claims one item, in rounds of the product and the reference in turn; what was claimed waits again after each."""
    items, people, rounds = (1_000, 100, 2) if ground.quick else (10_000, 500, 9)
    programme = await ground.programme("claims", exposure=_CAPPED)
    subjects = [f"qa-{number}" for number in range(people)]
    async with ground.database("audit") as database:
        await _prepare(database, programme, subjects, items)
        tokens = [ground.stack.token(Role.AUDITOR, subject=subject) for subject in subjects]
        target = f"/v1/sample-item-claims?programme={programme}"
        claims = [wire.request("POST", target, token, b"{}") for token in tokens]
        bare = [wire.request("POST", f"/claims?programme={programme}&auditor={subject}", "", b"{}") for subject in subjects]
        ours, theirs = [], []
        async with ground.reference() as address:
            for number in range(rounds + 1):
                theirs.append(await ground.measured(wire.side_by_side, address, bare, _AT_ONCE))
                ours.append(await ground.measured(wire.side_by_side, ground.stack.service_url("audit-api"), claims, _AT_ONCE))
                for table in ("sample_items", "bare_items"):
                    await _start_anew(database, table, people)
                if number == 0:  # after which everything is compiled, prepared and known
                    ours, theirs = [], []
        await database.execute("drop table bare_items")
    yield Figure.at_least(f"{people} claims of {items:,} items, {_AT_ONCE} people at once", ours, theirs, None)


async def _prepare(database: asyncpg.Connection, programme: str, subjects: list[str], items: int) -> None:
    """The people, the items, and a table with the same items and the same indexes."""
    rows = list(_rows(programme, items))
    chance = random.Random(3)  # noqa: S311 - no secret
    languages = sorted(set(MARKETS.values()))
    people = [
        (programme, subject, subject, _auditor(subject, chance.sample(languages, 3)), 1, "bench", datetime.now(UTC))
        for subject in subjects
    ]
    columns = ("programme", "auditor", "name", "document", "revision", "changed_by", "changed_at")
    await database.copy_records_to_table("auditors", records=people, columns=columns)
    await database.execute("create table bare_items (like sample_items including all)")
    for table in ("sample_items", "bare_items"):
        await database.copy_records_to_table(table, records=[tuple(row.values()) for row in rows], columns=list(rows[0]))
        await database.execute(f"vacuum analyze {table}")


def _auditor(subject: str, languages: list[str]) -> str:
    return NewAuditor(name=subject, languages=tuple(languages)).model_dump_json()


def _rows(programme: str, items: int) -> list[dict[str, Any]]:
    chance = random.Random(5)  # noqa: S311 - no secret
    rows = []
    for _ in range(items):
        vendor = chance.choice(sorted(SITES))
        policy, (market, language) = chance.choice(POLICIES), chance.choice(sorted(MARKETS.items()))
        facts = {"vendor": vendor, "site": chance.choice(SITES[vendor]), "market": market, "language": language, "policy": policy}
        moderator = chance.randrange(MODERATORS_A_SITE)
        place = {"moderator": f"m-{moderator}", "turn": chance.randrange(1, 9), "priority": chance.choice((3, 5))}
        rows.append(item_row(programme, **facts, **place, harm=_HARM[policy]))
    return rows


async def _start_anew(database: asyncpg.Connection, table: str, people: int) -> None:
    """Let what was claimed wait again, and see that everybody was handed something."""
    done = await database.execute(_AGAIN.format(table))
    if done != f"UPDATE {people}":
        raise RuntimeError(f"not everybody was handed an item: {done} in {table}")
    await database.execute("delete from exposures")
    await database.execute(f"vacuum analyze {table}")
