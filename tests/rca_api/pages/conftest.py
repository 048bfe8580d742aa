"""People with a browser, signed in, and a case for them to look at."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from dashboard_browser import Person, visitor
from tallystick.identity import sign_token
from tallystick.schemas.principal import Role
from tallystick.service.auth import SESSION_COOKIE


@pytest.fixture
async def person(rca_app: FastAPI, identity: Path, programme: str) -> AsyncIterator[Callable[..., Person]]:
    """Sign somebody in: `person(Role.VENDOR_POC, vendor="acme", subject="poc")`."""
    browsers: list[httpx.AsyncClient] = []

    def make(*roles: Role, vendor: str | None = None, subject: str = "someone") -> Person:
        browser = visitor(rca_app)
        browsers.append(browser)
        token = sign_token(
            identity, subject=subject, roles=roles, programmes=[programme], vendor=vendor, ttl=timedelta(minutes=10)
        )
        browser.cookies.set(SESSION_COOKIE, token)
        return Person(browser, programme)

    yield make
    for browser in browsers:
        await browser.aclose()


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
