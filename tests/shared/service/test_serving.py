"""The command of a service: it starts on its schema, logs JSON, and stops without leaving anybody waiting."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from batches import push
from factories import audit_row
from tallystick.identity import sign_token
from tallystick.schemas.principal import Role
from tallystick_embedded.postgres import Cluster

CANARY = "c4n4ry-51b8"
_PATIENCE_S = 60
"""For a process to start or to end on a busy machine, which takes a fraction of that."""


@pytest.fixture
async def served(
    settings: Callable[..., dict[str, Any]],
    free_tcp_port: int,
    tmp_path: Path,
    audit_app: FastAPI,  # noqa: ARG001 - it migrates
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str, Path]]:
    """A process of audit-api: itself, its address and its log."""
    of_service = settings("audit", port=free_tcp_port)
    environment = {
        f"TALLYSTICK_{name.upper()}": value if isinstance(value, str) else json.dumps(value, default=str)
        for name, value in of_service.items()
    } | {f"TALLYSTICK_{name.upper()}": str(of_service[name]) for name in ("revoked", "service_jwks")}
    log = tmp_path / "log"
    with log.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "audit_api", "serve", env={"PATH": os.environ["PATH"], **environment}, stderr=stderr
        )
    address = f"http://127.0.0.1:{free_tcp_port}"
    async with httpx.AsyncClient(base_url=address, timeout=_PATIENCE_S) as client, asyncio.timeout(_PATIENCE_S):
        while not await _ready(client):
            assert process.returncode is None, log.read_text()
            await asyncio.sleep(0.05)
    yield process, address, log
    if process.returncode is None:
        process.kill()
        await process.wait()


async def _ready(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/readyz")).is_success
    except httpx.TransportError:
        return False


async def test_a_service_stops_without_leaving_anybody_waiting(
    served: tuple[asyncio.subprocess.Process, str, Path], identity: Path, programme: str
) -> None:
    """At SIGTERM a long poll is answered, the process ends by itself and soon, and its log holds JSON and no payload."""
    process, address, log = served
    token = sign_token(identity, subject="someone", roles=[Role.ADMIN], programmes=["*"], vendor=None, ttl=timedelta(minutes=5))
    async with httpx.AsyncClient(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=30) as client:
        taken = await push(client, programme, [audit_row(moderator=CANARY), audit_row("A-2", queue=CANARY), {CANARY: CANARY}])
        await client.get("/v1/audits", params={"programme": programme, "moderator": CANARY})
        cursor = (await client.get("/v1/changes", params={"programme": programme})).json()["cursor"]
        poll = asyncio.create_task(client.get("/v1/changes", params={"programme": programme, "after": cursor, "wait": 50}))
        await client.get("/livez")  # on a connection of its own, and later: the poll has arrived when this is answered
        process.send_signal(signal.SIGTERM)
        polled = await asyncio.wait_for(poll, 30)
    code = await asyncio.wait_for(process.wait(), _PATIENCE_S)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    requests = [line for line in lines if line["event"] == "request"]

    assert taken.json()["counts"]["created"] == 1
    assert (polled.status_code, polled.json()["changes"]) == (200, [])
    assert code in {0, -signal.SIGTERM}
    assert {"POST /v1/audit-batches 201", "GET /v1/audits 200", "GET /v1/changes 200"} <= {
        f"{line['method']} {line['route']} {line['status']}" for line in requests
    }
    assert CANARY not in log.read_text()
    assert token not in log.read_text()


async def test_a_service_does_not_start_on_a_stale_schema(
    empty_database: Callable[[str], Any], cluster: Cluster, free_tcp_port: int
) -> None:
    """The process ends with an error, and its last words say what to run."""
    url = cluster.url(await empty_database("audit"), "audit_runtime")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "audit_api", "serve",
        env={
            "PATH": os.environ["PATH"],
            "TALLYSTICK_DATABASE_URL": url,
            "TALLYSTICK_PORT": str(free_tcp_port),
            "TALLYSTICK_SECRET": "s" * 32,
        },
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, errors = await asyncio.wait_for(process.communicate(), _PATIENCE_S)

    assert process.returncode == 3
    assert b"run `audit-api migrate` first" in errors
