"""People with a browser, signed in, and a case for them to look at."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from dashboard_browser import Person, signing_in
from tallystick.schemas.principal import Role


@pytest.fixture
async def person(rca_app: FastAPI, identity: Path, programme: str) -> AsyncIterator[Callable[..., Person]]:
    """Sign somebody in: `person(Role.VENDOR_POC, vendor="acme", subject="poc")`."""
    async with signing_in(rca_app, identity, programme) as make:
        yield make


@pytest.fixture
def manager(person: Callable[..., Person]) -> Person:
    """A quality manager of the client."""
    return person(Role.QUALITY_MANAGER, subject="manager")


@pytest.fixture
def poc(person: Callable[..., Person]) -> Person:
    """The point of contact of acme."""
    return person(Role.VENDOR_POC, vendor="acme", subject="poc")


@pytest.fixture
async def case(rca: httpx.AsyncClient, programme: str) -> dict[str, Any]:
    """A case that is shared with acme."""
    new = {"vendor": "acme", "title": "Harassment missed at lisbon", "scope": {"site": ["lisbon"]}, "owner": "manager"}
    answer = await rca.post("/v1/cases", params={"programme": programme}, json=new)
    answer.raise_for_status()
    opened: dict[str, Any] = answer.json()
    return opened
