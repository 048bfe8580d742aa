"""A browser without eyes: it keeps cookies, asks for pages and says where its forms come from."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from tallystick.identity import sign_token
from tallystick.schemas.principal import Role
from tallystick.service.auth import SESSION_COOKIE


def visitor(app: FastAPI) -> httpx.AsyncClient:
    """A browser that nobody is signed in with."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False),
        base_url="http://test",
        headers={"Accept": "text/html", "Sec-Fetch-Site": "same-origin"},
        event_hooks={"response": [_read_closely]},
    )


class _Markup(HTMLParser):
    """What is wrong with the markup of a page: what browsers pass over, and people who hear a page stumble over."""

    VOID = frozenset({"meta", "link", "input", "br", "img", "hr"})

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.ids: list[str] = []
        self._open: list[str] = []
        self._meant: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        self.faults += [f"<{tag}> has {name} twice" for name in {*names} if names.count(name) > 1]
        told = {name: value or "" for name, value in attrs}
        self.ids += [told["id"]] if "id" in told else []
        for name in ("for", "aria-describedby", "aria-labelledby"):
            self._meant.update(told.get(name, "").split())
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element of a drawing, which has nothing in it."""

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.faults.append(f"</{tag}> closes something else")

    def found(self) -> list[str]:
        """All faults of a page that was read."""
        twice = [f"the id {each} is there twice" for each in {*self.ids} if self.ids.count(each) > 1]
        lost = [f"nothing has the id {each}" for each in self._meant - {*self.ids}]
        return self.faults + twice + lost + [f"<{tag}> is not closed" for tag in self._open]


async def _read_closely(page: httpx.Response) -> None:
    if page.headers.get("content-type", "").startswith("text/html"):
        markup = _Markup()
        markup.feed((await page.aread()).decode())
        assert markup.found() == [], f"{page.request.url}: {markup.found()}"


def form_token(page: httpx.Response) -> str:
    """The token that the forms of a page carry."""
    found = re.search(r'name="form_token" value="([^"]+)"', page.text)
    assert found is not None
    return found[1]


async def sign_in(browser: httpx.AsyncClient, token: str, following: str = "/") -> httpx.Response:
    """Send the form of the sign-in page."""
    page = await browser.get("/sign-in", params={"next": following})
    return await browser.post("/sign-in", data={"token": token, "next": following, "form_token": form_token(page)})


class Person:
    """Somebody who is signed in, in a programme."""

    def __init__(self, browser: httpx.AsyncClient, programme: str) -> None:
        self.browser = browser
        self.home = f"/programmes/{programme}"

    async def opens(self, below: str = "/cases") -> httpx.Response:
        """A page below the programme's path."""
        return await self.browser.get(f"{self.home}{below}")

    async def sends(self, below: str, form: str, seen: httpx.Response | None = None, /, **fields: Any) -> httpx.Response:
        """A form, with the token of the page that the person has before them."""
        page = seen or await self.opens()
        data = {"form_token": form_token(page), "form": form, **fields}
        return await self.browser.post(f"{self.home}{below}", data=data)


@asynccontextmanager
async def signing_in(app: FastAPI, identity: Path, programme: str) -> AsyncIterator[Callable[..., Person]]:
    """Sign people in to an app's pages: `person(Role.VENDOR_POC, vendor="acme", subject="poc")`."""
    browsers: list[httpx.AsyncClient] = []

    def make(*roles: Role, vendor: str | None = None, subject: str = "someone") -> Person:
        browser = visitor(app)
        browsers.append(browser)
        token = sign_token(
            identity, subject=subject, roles=roles, programmes=[programme], vendor=vendor, ttl=timedelta(minutes=10)
        )
        browser.cookies.set(SESSION_COOKIE, token)
        return Person(browser, programme)

    yield make
    for browser in browsers:
        await browser.aclose()


class _Text(HTMLParser):
    """What a page says, without its markup."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def said(page: httpx.Response) -> str:
    """The words of a page, with plain spaces and hyphens."""
    assert page.status_code == 200, page.text
    text = _Text()
    text.feed(page.text)
    return re.sub(r"\s+", " ", " ".join(text.parts)).replace("\N{EN DASH}", "-")
