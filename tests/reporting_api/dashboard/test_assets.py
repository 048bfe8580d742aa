"""What pages load: everything from here, under names that never change their meaning."""

import re
from pathlib import Path

import httpx
import pytest

from tallystick.service.pages.assets import Assets, pack_vega


async def assets(browser: httpx.AsyncClient) -> list[str]:
    """The addresses that the sign-in page loads."""
    return re.findall(r'(?:src|href)="(/static/[^"]+)"', (await browser.get("/sign-in")).text)


async def test_assets_are_cached_for_ever(browser: httpx.AsyncClient) -> None:
    """Each has a hash in its name, and its right media type."""
    for address in await assets(browser):
        answer = await browser.get(address)

        kind = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}[address.rpartition(".")[2]]
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["content-type"].startswith(kind)
        assert re.search(r"-[0-9a-f]{12}\.", address)


async def test_vega_is_packed_out_of_the_installed_wheel(reporting: httpx.AsyncClient) -> None:
    """One script, the same whenever it is asked for."""
    page = await reporting.get("/definitions")
    assert "vega" not in page.text

    address = reporting_app_asset(reporting, "vega.js")
    first, second = await reporting.get(address), await reporting.get(address)

    assert first.status_code == 200
    assert "window.vegaEmbed=" in first.text
    assert first.content == second.content
    assert "immutable" in first.headers["cache-control"]


async def test_vega_is_read_where_it_was_packed_at_installation(tmp_path: Path) -> None:
    """The first page of a process waits for nothing."""
    file = Assets("reporting_api.dashboard", tmp_path).install(await pack_vega())
    script = file.read_text()
    file.write_text("what lies there")

    assert "window.vegaEmbed=" in script
    assert list(tmp_path.iterdir()) == [file]
    assert await Assets("reporting_api.dashboard", tmp_path).prepare() == b"what lies there"


def reporting_app_asset(client: httpx.AsyncClient, name: str) -> str:
    """Where the app behind a client serves an asset."""
    transport = client._transport
    assert isinstance(transport, httpx.ASGITransport)
    address: str = transport.app.state.assets.address(name)  # type: ignore[attr-defined] # a FastAPI app
    return address


@pytest.mark.parametrize("name", ["nothing.js", "pages.css", "..%2fpage.py", "vega-000000000000.js"])
async def test_nothing_else_is_served(browser: httpx.AsyncClient, name: str) -> None:
    """Names are looked up in a list, never in a folder."""
    assert (await browser.get(f"/static/{name}")).status_code == 404
