"""The page of coverage in a real browser, behind the real gateway: what is left of a draw, on every screen and by keyboard.

Screenshots of it are in `tests/output` afterwards.
"""

import asyncio
import re
from collections.abc import Callable
from typing import Any, Literal

import httpx
import pytest
from playwright.async_api import Browser, expect

from system.browsing import NARROW, visiting
from system.drawing import draw_by_queue
from tallystick.schemas.principal import Role


@pytest.fixture
async def drawn(system: Any, gateway: Callable[..., httpx.AsyncClient], programme: str) -> str:
    """The path of a programme with a draw that reporting has heard of."""
    admin, analyst, where = gateway(Role.ADMIN), gateway(Role.ANALYST), {"programme": programme}
    admin.base_url = admin.base_url.join("/audit/v1")
    await draw_by_queue(system, admin, where)
    async with asyncio.timeout(60):
        while True:
            answer = await analyst.get("/reporting/v1/reports/coverage", params=where)
            if answer.is_success and answer.json()["strata"]:
                return f"/programmes/{programme}"
            await asyncio.sleep(0.2)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_coverage_is_for_every_screen_and_every_reader(
    chromium: Browser, system: Any, drawn: str, scheme: Literal["light", "dark"]
) -> None:
    """Contrast, landmarks, labels, 360 pixels, a chart, a silent console, one host; a draw is followed by keyboard."""
    async with visiting(chromium, system, drawn, color_scheme=scheme) as visit:
        await visit.sign_in(f"{drawn}/sampling")
        page = visit.page
        await page.get_by_role("link", name="Coverage").focus()
        await page.keyboard.press("Enter")
        await expect(page.locator(f'[data-drawn="{scheme}"] svg')).to_be_visible()
        for summary in await page.locator("section summary:visible").all():
            await summary.click()
        found = await visit.look("coverage", scheme)
        table = page.get_by_role("region", name="By stratum").get_by_role("table")
        await expect(table.get_by_role("row")).to_have_count(1 + 2)
        await expect(page.get_by_text(re.compile("0 of 20 planned audits")).first).to_be_visible()
        await page.get_by_role("region", name="By draw").get_by_role("link").first.focus()
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/coverage?draw_id=*")
        await expect(page.locator(f'[data-drawn="{scheme}"] svg')).to_be_visible()

        assert found == []
        assert page.viewport_size == {"width": NARROW, "height": 900}
        assert await visit.overflow() <= 0
        assert visit.said == []
        assert visit.from_here
