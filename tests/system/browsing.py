"""A real browser in front of the real gateway, and a programme with a planted problem to look at."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, urlsplit

import httpx
import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from tallystick.client import ProblemError, Tallystick
from tallystick.sample import sample
from tallystick.schemas.base import new_id
from tallystick.schemas.principal import Role

OUTPUT = Path(__file__).parents[1] / "output"
NARROW = 360
_IN_PAGE = (Path(__file__).parent / "in_page.js").read_text()
_AUDITS = 6000
_DECIDED = 36
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_PATIENCE_MS = 20_000
_FLAGS = (
    *("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)


@dataclass
class Visit:
    """A tab, everything it has asked for, and everything that its console has said."""

    page: Page
    url: str
    home: str
    """The dashboard's path."""
    token: str
    said: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    async def sign_in(self, following: str | None = None) -> None:
        """Open a sign-in link that leads to a page, the dashboard unless told."""
        following = following or self.home
        await self.page.goto(f"{self.url}/sign-in?next={quote(following)}#token={self.token}")
        await self.page.wait_for_url(f"{self.url}{following}")

    async def go(self, path: str) -> None:
        """Open a page."""
        below = path if path.startswith("/") else f"{self.home}/{path}".rstrip("/")
        await self.page.goto(f"{self.url}{below}")

    async def drawn(self, scheme: Literal["light", "dark"] = "light") -> None:
        """Wait until both charts are there."""
        await expect(self.page.locator(f'[data-drawn="{scheme}"] svg')).to_have_count(2)

    async def ask(self, what: Literal["contrast", "faults"]) -> list[str]:
        """What is wrong with the page."""
        found: list[str] = await self.page.evaluate(f"{_IN_PAGE.rstrip().removesuffix(';')}.{what}()")
        return found

    @property
    def from_here(self) -> bool:
        """Whether nothing was asked of another host."""
        return {urlsplit(url).netloc for url in self.requests} == {urlsplit(self.url).netloc}

    async def look(self, name: str, scheme: str) -> list[str]:
        """What is wrong with the page, wide and narrow; screenshots of it are in `tests/output` afterwards."""
        OUTPUT.mkdir(exist_ok=True)
        found: list[str] = []
        for width in (1280, NARROW):
            await self.page.set_viewport_size({"width": width, "height": 900})
            await self.page.screenshot(path=OUTPUT / f"{name}-{width}-{scheme}.png", full_page=True)
            found += await self.ask("contrast") + await self.ask("faults")
            if (pixels := await self.overflow()) > 0:
                found.append(f"{name} is {pixels} pixels wider than {width}")
        return found

    async def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        pixels: int = await self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        return pixels


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """The browser that is installed."""
    program = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if program is None:
        pytest.fail("No browser is installed. Install one: apt-get install chromium")
    unconfined = ["--no-sandbox"] if os.geteuid() == 0 else []
    expect.set_options(timeout=_PATIENCE_MS)  # a machine that is busy with the other half of the tests draws late
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=[*_FLAGS, *unconfined])
        yield browser
        await browser.close()


@pytest.fixture(scope="session")
async def home(system: Any) -> str:
    """The path of the dashboard of a programme with twelve weeks of audits and a planted problem, once all are counted."""
    data = sample(end=date(2026, 9, 27), count=_AUDITS, slug=f"b-{new_id().hex[-16:]}")
    programme = data.programme.slug
    async with Tallystick(system.url, system.token(Role.ADMIN)) as client:
        await client.programmes.put(data.programme)
        await client.audits.push(programme, data.audits())
        async with asyncio.timeout(60):
            while await _counted(client, programme, "audits") < _AUDITS:
                await asyncio.sleep(0.2)
        await _appealed(system, programme, data.programme.vendors[0].slug)
        async with asyncio.timeout(60):
            while await _counted(client, programme, "decided_appeals") < _DECIDED:
                await asyncio.sleep(0.2)
    return f"/programmes/{programme}"


async def _appealed(system: Any, programme: str, vendor: str) -> None:
    """Raise some appeals, and decide most of them."""

    def client(role: Role, **claims: Any) -> httpx.AsyncClient:
        token = system.token(role, subject=str(role), **claims)
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.AsyncClient(base_url=f"{system.url}/audit/v1", headers=headers, params={"programme": programme}, timeout=30)

    challenge = {"ground": "context_missed", "comment": "It was satire.", "proposed": {"verdict": "correct"}}
    async with client(Role.VENDOR_POC, vendor=vendor) as poc, client(Role.AUDITOR) as judge:
        wrong = (await poc.get("/audits", params={"verdict": "incorrect", "limit": _DECIDED + 5})).json()["items"]
        raised = await poc.post("/appeal-batches", json=[{"audit_id": audit["id"], **challenge} for audit in wrong])
        assert raised.json()["counts"]["created"] == _DECIDED + 5
        for number in range(_DECIDED):
            appeal = (await judge.post("/appeal-claims")).json()
            decision = {"outcome": "upheld" if number % 3 else "overturned", "reason": "Seen again."}
            if_match = {"If-Match": f'"{appeal["revision"]}"'}
            (await judge.post(f"/appeals/{appeal['id']}/decision", json=decision, headers=if_match)).raise_for_status()


async def _counted(client: Tallystick, programme: str, measure: str) -> float:
    try:
        return (await client.metrics(programme, {"measure": measure})).rows[0].numbers[measure].value or 0
    except ProblemError:  # reporting has not heard of the programme yet
        return 0


@asynccontextmanager
async def visiting(
    browser: Browser, system: Any, home: str, *, width: int = 1280, token: str = "", **options: Any
) -> AsyncIterator[Visit]:
    """A fresh browser profile with one tab, for an analyst or for whose token it is."""
    context = await browser.new_context(viewport={"width": width, "height": 900}, **options)
    page = await context.new_page()
    visit = Visit(page, system.url, home, token or system.token(Role.ANALYST))
    page.on("console", lambda message: visit.said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: visit.said.append(f"error: {error}"))
    page.on("request", lambda request: visit.requests.append(request.url))
    yield visit
    await context.close()
