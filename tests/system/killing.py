"""Killing processes at random while audits are pushed, and comparing what is stored with what was sent."""

import asyncio
import random
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson

from factories import audit_row, missed, programme_document
from tallystick.schemas.base import new_id
from tallystick.schemas.principal import Role
from tallystick_embedded.stack import Stack

VICTIMS = ("audit-api", "postgres", "reporting-api")
_CAUGHT_UP_S = 120.0


@dataclass
class Toll:
    """What was killed how often, what was sent, and what was found at the end."""

    kills: dict[str, int]
    sent: dict[str, bool]
    """External id → whether the decision was right."""
    stored: dict[str, str]
    """External id → audit id, as the change feed tells it."""
    doubled: int
    """Audits that the feed names under an external id that it has named before."""
    counted: tuple[int, int]
    """Audits and right ones, as reporting counts them."""


def _rows(count: int, chance: random.Random) -> Iterator[dict[str, Any]]:
    for _ in range(count):
        external_id = f"K-{new_id()}"
        yield missed(external_id) if chance.random() < 0.1 else audit_row(external_id)


async def kill_while_pushing(stack: Stack, directory: Path, kills: int, chance: random.Random) -> Toll:
    """Push files with the product's own command, one after the other, until `kills` kills have been survived."""
    slug = f"k-{new_id().hex[-16:]}"
    token = directory / "token"
    token.write_text(stack.token(Role.ADMIN))
    headers = {"Authorization": f"Bearer {token.read_text()}"}
    async with httpx.AsyncClient(base_url=stack.url, headers=headers, timeout=30) as client:
        (await client.put(f"/audit/v1/programmes/{slug}", json=programme_document(slug))).raise_for_status()
    toll = Toll(dict.fromkeys(VICTIMS, 0), {}, {}, 0, (0, 0))
    killing = asyncio.create_task(_kill(stack, kills, chance, toll))
    number = 0
    while not killing.done():
        number += 1
        rows = list(_rows(4000, chance))
        toll.sent.update({row["external_id"]: row["verdict"] == "correct" for row in rows})
        path = directory / f"audits-{number}.ndjson"
        path.write_bytes(b"\n".join(orjson.dumps(row) for row in rows))
        await _push(stack.url, token, slug, path)
    await killing
    await _look(stack.url, token.read_text(), slug, toll)
    return toll


async def _kill(stack: Stack, kills: int, chance: random.Random, toll: Toll) -> None:
    for number in range(kills):
        victim = VICTIMS[number % len(VICTIMS)]
        await asyncio.sleep(chance.uniform(0.05, 0.8))
        await stack.kill(victim)
        toll.kills[victim] += 1
        await asyncio.sleep(chance.uniform(0, 0.3))
        await stack.restart(victim)


async def _push(url: str, token: Path, programme: str, path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(Path(sys.executable).with_name("tallystick"), "push", path, "--programme", programme),
        *("--url", url, "--token-file", token, "--rows-per-request", "200"),
        stdout=DEVNULL,
        stderr=PIPE,
    )
    _, errors = await process.communicate()
    if process.returncode:
        raise RuntimeError(errors.decode())


async def _look(url: str, token: str, programme: str, toll: Toll) -> None:
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30) as client:
        query: dict[str, Any] = {"programme": programme, "limit": 20_000}
        while True:
            page = (await client.get("/audit/v1/changes", params=query)).raise_for_status().json()
            for change in page["changes"]:
                if change["noun"] == "audit":
                    external_id = change["data"]["external_id"]
                    toll.doubled += external_id in toll.stored
                    toll.stored[external_id] = change["id"]
            query["after"] = page["cursor"]
            if not page["more"]:
                break
        async with asyncio.timeout(_CAUGHT_UP_S):
            while toll.counted[0] < len(toll.stored):
                answer = await client.get("/reporting/v1/metrics", params={"programme": programme, "measure": "accuracy"})
                rows = [] if answer.status_code == 503 else answer.raise_for_status().json()["rows"]  # 503: being built
                if rows:
                    accuracy = rows[0]["numbers"]["accuracy"]
                    toll.counted = (accuracy["denominator"], accuracy["numerator"])
                await asyncio.sleep(0.2)
