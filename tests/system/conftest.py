"""The whole product behind its gateway: the embedded stack, or the one that SYSTEM_URL names (Compose)."""

import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from factories import programme_document
from system.browsing import chromium, home
from tallystick.identity import sign_token
from tallystick.schemas.base import new_id
from tallystick.schemas.principal import Role
from tallystick_embedded.stack import Stack

__all__ = ["chromium", "home"]  # fixtures


@dataclass
class System:
    """A running Tallystick: its gateway's address, and the directory of its local issuer."""

    url: str
    identity: Path
    clock: Path
    """The directory in which it is said by how much the clocks are before the machine's."""

    @property
    def shift(self) -> Path:
        """Of cases."""
        return self.clock / "shift"

    @property
    def shift_of_audit(self) -> Path:
        """Of audit-api."""
        return self.clock / "shift-of-audit"

    def token(
        self, *roles: Role, vendor: str | None = None, programmes: tuple[str, ...] = ("*",), subject: str = "someone"
    ) -> str:
        """An access token of its local issuer."""
        return sign_token(
            self.identity, subject=subject, roles=roles, programmes=programmes, vendor=vendor, ttl=timedelta(hours=1)
        )


@pytest.fixture(scope="session")
async def system(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    """The system under test."""
    if url := os.environ.get("SYSTEM_URL"):
        yield System(url, Path(os.environ["SYSTEM_IDENTITY"]), Path(os.environ["SYSTEM_CLOCK"]))
        return
    clock = tmp_path_factory.mktemp("clock")
    environment = {
        "TALLYSTICK_DELIVER": "false",  # Schemathesis makes up addresses for webhooks
        "TALLYSTICK_DETECT_AFTER_SECONDS": "0.5",
        "TALLYSTICK_FOLLOW_SECONDS": "0.5",
        "TALLYSTICK_SWEEP_SECONDS": "0.5",
        "TALLYSTICK_CLOCK_SHIFT": str(clock / "shift"),
        "TALLYSTICK_AUDIT_CLOCK_SHIFT": str(clock / "shift-of-audit"),
    }
    async with Stack(tmp_path_factory.mktemp("system"), port=0, environment=environment) as stack:
        yield System(stack.url, stack.identity, clock)


@pytest.fixture
async def gateway(system: System) -> AsyncIterator[Callable[..., httpx.AsyncClient]]:
    """Make clients of the gateway: `gateway(Role.ADMIN)`, `gateway(Role.VENDOR_POC, vendor="acme")`, `gateway()` for nobody."""
    clients: list[httpx.AsyncClient] = []

    def make(*roles: Role, **claims: Any) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {system.token(*roles, **claims)}"} if roles else {}
        client = httpx.AsyncClient(base_url=system.url, headers=headers, timeout=30, trust_env=False)
        clients.append(client)
        return client

    yield make
    for client in clients:
        await client.aclose()


@pytest.fixture
async def programme(gateway: Callable[..., httpx.AsyncClient]) -> str:
    """The slug of a programme that is this test's own."""
    slug = f"s-{new_id().hex[-16:]}"
    answer = await gateway(Role.ADMIN).put(f"/audit/v1/programmes/{slug}", json=programme_document(slug))
    answer.raise_for_status()
    return slug
