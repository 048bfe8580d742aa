"""People with a browser, signed in to the pages of audit-api, and work for them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from conftest import Caller
from dashboard_browser import Person, signing_in
from factories import programme_document
from items import item_row, put_items
from tallystick.schemas.principal import Role

Put = Callable[..., Awaitable[list[str]]]
"""Put items there that wait, one for each of the changes given: `put({"policy": "hate"}, {})`."""


@pytest.fixture
async def person(audit_app: FastAPI, identity: Path, programme: str) -> AsyncIterator[Callable[..., Person]]:
    """Sign somebody in: `person(Role.AUDITOR, subject="qa-1")`."""
    async with signing_in(audit_app, identity, programme) as make:
        yield make


@pytest.fixture
async def configure(audit_app: FastAPI, caller: Caller, programme: str) -> Callable[..., Awaitable[None]]:
    """Change the programme's document."""

    async def change(**changes: Any) -> None:
        document = programme_document(programme, **changes)
        answer = await caller(audit_app, Role.ADMIN).put(f"/v1/programmes/{programme}", json=document, headers={"If-Match": "*"})
        answer.raise_for_status()

    return change


@pytest.fixture
async def auditor(audit_app: FastAPI, caller: Caller, person: Callable[..., Person], programme: str) -> Person:
    """The auditor qa-1, whom a manager has put there."""
    manager = caller(audit_app, Role.QUALITY_MANAGER, subject="manager")
    answer = await manager.put("/v1/auditors/qa-1", params={"programme": programme}, json={"name": "Quinn"})
    answer.raise_for_status()
    return person(Role.AUDITOR, subject="qa-1")


@pytest.fixture
def put(audit_app: FastAPI, programme: str) -> Put:
    """Put items there that wait."""

    async def waiting(*changes: dict[str, Any]) -> list[str]:
        return await put_items(audit_app, [item_row(programme, **each) for each in changes])

    return waiting
