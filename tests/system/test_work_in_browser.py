"""The pages that people work on in a real browser, behind the real gateway: as a manager, and as a vendor's point of contact.

Screenshots of them are in `tests/output` afterwards.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.async_api import Browser, expect

from system.browsing import NARROW, OUTPUT, visiting
from tallystick.schemas.principal import Role


@pytest.fixture(scope="module")
async def case(system: Any, home: str) -> dict[str, Any]:
    """A case about the planted problem, with its evidence, whys, causes and words of both sides."""
    programme = home.rpartition("/")[2]
    where = {"programme": programme}

    def client(role: Role, **claims: Any) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {system.token(role, **claims)}"}
        return httpx.AsyncClient(base_url=f"{system.url}/rca/v1", headers=headers, params=where, timeout=30, trust_env=False)

    async with (
        client(Role.QUALITY_MANAGER, subject="ann") as manager,
        client(Role.VENDOR_POC, vendor="northwind", subject="poc") as poc,
    ):
        new = {
            "vendor": "northwind",
            "title": "Harassment in live streams is left standing",
            "description": "Since early September more and more harassment is missed.\nFirst seen in the weekly review.",
            "scope": {"site": ["harbour"], "queue": ["live"], "error_code": ["FN-HARASSMENT"]},
            "measure": "false_negative_rate",
            "priority": "high",
            "period": {"from": "2026-09-07", "to": "2026-09-28"},
        }
        opened = await _done(manager.post("/cases", json=new))
        address = f"/cases/{opened['id']}"
        first = await _done(
            poc.post(f"{address}/whys", json={"text": "New joiners do not know the live policy", "category": "people_training"})
        )
        reference = [{"kind": "document", "reference": "training-log-12", "note": "module 3 is missing"}]
        deeper = {
            "text": "The module about live streams was dropped",
            "parent": first["id"],
            "category": "process",
            "evidence": reference,
        }
        await _done(poc.post(f"{address}/whys", json=deeper))
        await _done(
            poc.post(f"{address}/causes", json={"code": "training_gap", "share": 0.6, "evidence": reference, "text": "Module 3"})
        )
        await _done(manager.post(f"{address}/messages", json={"text": "Can you look at the training?", "mentions": ["poc"]}))
        await _done(manager.post(f"{address}/messages", json={"text": "Between us: they were slow.", "audience": "internal"}))
        async with asyncio.timeout(60):
            while (await _done(manager.get(address)))["evidence_at"] is None:
                await asyncio.sleep(0.2)
        action = {"title": "Teach module 3 again", "kind": "corrective", "owner": "poc", "owner_vendor": "northwind"}
        await _done(manager.post(f"{address}/actions", json=action))
        found: dict[str, Any] = await _done(manager.get(address))
        return found


async def _done(answering: Any) -> Any:
    answer = await answering
    assert answer.is_success, answer.text
    return answer.json()


@pytest.fixture
def manager(system: Any) -> str:
    """The token of a quality manager."""
    token: str = system.token(Role.QUALITY_MANAGER, subject="ann")
    return token


@pytest.fixture
def poc(system: Any) -> Callable[[], str]:
    """The token of the vendor's point of contact."""
    token: str = system.token(Role.VENDOR_POC, vendor="northwind", subject="poc")
    return lambda: token


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_pages_are_for_every_screen_and_every_reader(
    chromium: Browser, system: Any, home: str, case: dict[str, Any], manager: str, scheme: Literal["light", "dark"]
) -> None:
    """Contrast, landmarks, labels, 360 pixels, charts, a silent console, one host."""
    pages = {"board": "cases", "case": f"cases/{case['id']}", "actions": "actions"}
    OUTPUT.mkdir(exist_ok=True)
    async with visiting(chromium, system, home, token=manager, color_scheme=scheme) as visit:
        await visit.sign_in(f"{home}/cases")
        found: list[str] = []
        widths: list[int] = []
        for name, path in pages.items():
            await visit.page.set_viewport_size({"width": 1280, "height": 900})
            await visit.go(path)
            if name == "case":
                await expect(visit.page.locator(f'[data-drawn="{scheme}"] svg').first).to_be_visible(timeout=20_000)
            await visit.page.screenshot(path=OUTPUT / f"{name}-{scheme}.png", full_page=True)
            for summary in await visit.page.locator("main summary:visible").all():
                await summary.click()
            found += await visit.ask("contrast") + await visit.ask("faults")
            await visit.page.set_viewport_size({"width": NARROW, "height": 800})
            widths.append(await visit.overflow())
            await visit.page.screenshot(path=OUTPUT / f"{name}-360-{scheme}.png", full_page=True)

        assert found == []
        assert max(widths) <= 0
        assert visit.said == []
        assert {urlsplit(url).netloc for url in visit.requests} == {urlsplit(visit.url).netloc}


async def test_a_manager_moves_a_case_and_a_point_of_contact_completes_an_action(
    chromium: Browser, system: Any, home: str, case: dict[str, Any], manager: str, poc: Callable[[], str]
) -> None:
    """By pressing what the pages offer, without scripts; the vendor's people see nothing internal and no one else's numbers."""
    path = f"{home}/cases/{case['id']}"
    async with visiting(chromium, system, home, token=manager, java_script_enabled=False) as visit:
        await visit.go(path)
        await visit.page.get_by_label("Access token").fill(visit.token)
        await visit.page.get_by_role("button", name="Sign in").click()
        await visit.page.get_by_role("button", name="Begin the analysis").click()
        await expect(visit.page.locator(".state")).to_have_text("Analysis")
        await expect(visit.page.locator(".lacks").first).to_contain_text("at least one accepted root cause")
        await visit.page.get_by_role("button", name="Record the decision").click()
        await visit.page.get_by_role("button", name="Plan the actions").click()
        await expect(visit.page.locator(".state")).to_have_text("Action plan")
        assert urlsplit(visit.page.url).path == path

    async with visiting(chromium, system, home, token=poc()) as visit:
        await visit.sign_in(path)
        await visit.go("actions")
        assert await visit.overflow() <= 0
        await visit.page.screenshot(path=OUTPUT / "actions-of-vendor.png", full_page=True)
        await visit.page.get_by_text("Mark as done …").click()
        await visit.page.get_by_label("Where it can be seen").fill("attendance-list: 14 of 14")
        await visit.page.get_by_role("button", name="Mark as done").click()
        await expect(visit.page.get_by_text("Nothing is yours to do.")).to_be_visible()
        await visit.go(f"cases/{case['id']}")
        await expect(visit.page.get_by_text("done, to be verified")).to_be_visible()
        await visit.page.get_by_label("Message").fill("The module is back since Monday.")
        await visit.page.get_by_role("button", name="Say it").press("Enter")
        await expect(visit.page.get_by_text("The module is back since Monday.")).to_be_visible()
        text = (await visit.page.content()).lower()
        await visit.page.screenshot(path=OUTPUT / "case-of-vendor.png", full_page=True)

        assert "between us" not in text
        assert "eastgale" not in text
        assert visit.said == []
