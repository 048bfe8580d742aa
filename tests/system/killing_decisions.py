"""Killing processes at random while decisions are sent, and comparing what is counted with what was sent."""

import asyncio
import random
import sys
from asyncio.subprocess import DEVNULL, PIPE
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx
import orjson

from factories import decision_row, programme_document
from tallystick.draw import Frame, canonical
from tallystick.schemas.base import new_id
from tallystick.schemas.decision import Decision
from tallystick.schemas.principal import Role
from tallystick_embedded.stack import Stack

VICTIMS = ("audit-api", "postgres")
_LINES = 3000


@dataclass
class Counted:
    """What was killed how often, what was sent, and what was found at the end."""

    kills: dict[str, int]
    sent: Frame
    frames: Frame
    counts: int
    """Of all cells."""


async def kill_while_sending(stack: Stack, directory: Path, kills: int, chance: random.Random) -> Counted:
    """Send files with the product's own command, one after the other, until `kills` kills have been survived."""
    slug = f"k-{new_id().hex[-16:]}"
    token = directory / "token-of-decisions"
    token.write_text(stack.token(Role.ADMIN))
    headers = {"Authorization": f"Bearer {token.read_text()}"}
    async with httpx.AsyncClient(base_url=stack.url, headers=headers, timeout=30) as client:
        (await client.put(f"/audit/v1/programmes/{slug}", json=programme_document(slug))).raise_for_status()
    told = Counted(dict.fromkeys(VICTIMS, 0), Frame(), Frame(), 0)
    killing = asyncio.create_task(_kill(stack, kills, chance, told))
    number = 0
    while not killing.done():
        number += 1
        rows = [decision_row(f"K-{number}-{line}", moderator=f"m-{chance.randrange(9)}") for line in range(_LINES)]
        told.sent += Frame.of(canonical(Decision.model_validate(row)) for row in rows)
        path = directory / f"decisions-{number}.ndjson"
        path.write_bytes(b"\n".join(map(orjson.dumps, rows)))
        await _send(stack.url, token, slug, path)
    await killing
    connection = await asyncpg.connect(stack.database_url("audit").replace("audit_runtime@", "postgres@"))
    for row in await connection.fetch("select decisions, digest from decision_frames where programme = $1", slug):
        told.frames += Frame.read(row["decisions"], row["digest"])
    told.counts = await connection.fetchval("select sum(decisions)::int from decision_counts where programme = $1", slug)
    await connection.close()
    return told


async def _kill(stack: Stack, kills: int, chance: random.Random, told: Counted) -> None:
    for number in range(kills):
        victim = VICTIMS[number % len(VICTIMS)]
        await asyncio.sleep(chance.uniform(0.05, 0.8))
        await stack.kill(victim)
        told.kills[victim] += 1
        await asyncio.sleep(chance.uniform(0, 0.3))
        await stack.restart(victim)


async def _send(url: str, token: Path, programme: str, path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(Path(sys.executable).with_name("tallystick"), "decisions", "push", path, "--programme", programme),
        *("--url", url, "--token-file", token, "--rows-per-request", "150"),
        stdout=DEVNULL,
        stderr=PIPE,
    )
    _, errors = await process.communicate()
    if process.returncode:
        raise RuntimeError(errors.decode())
