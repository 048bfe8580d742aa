"""The pages that people work on in a real browser, behind the real gateway: as a manager, and as a vendor's point of contact.

Screenshots of them are in `tests/output` afterwards.
"""

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.async_api import Browser, expect

from system.browsing import NARROW, OUTPUT, visiting
from tallystick.schemas.principal import Role
from tallystick_embedded.clock import put_clock


@pytest.fixture(scope="module")
async def case(system: Any, home: str) -> dict[str, Any]:
    """A case about the planted problem, with its evidence, whys, causes and words of both sides."""
    async with (
        _client(system, home, Role.QUALITY_MANAGER, subject="ann") as manager,
        _client(system, home, Role.VENDOR_POC, vendor="northwind", subject="poc") as poc,
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
        reference = [{"kind": "document", "reference": "training-log-12/" + "harbour/" * 12, "note": "module 3 is missing"}]
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
        other = await _done(manager.post("/cases", json={"title": "The tool for live streams is slow"}))
        await _done(manager.post(f"{address}/links", json={"to": other["id"], "kind": "caused_by"}))
        await _coached(manager, opened["id"])
        found: dict[str, Any] = await _done(manager.get(address))
        return found


def _client(system: Any, home: str, role: Role, **claims: Any) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {system.token(role, **claims)}"}
    where = {"programme": home.rpartition("/")[2]}
    return httpx.AsyncClient(base_url=f"{system.url}/rca/v1", headers=headers, params=where, timeout=30, trust_env=False)


async def _coached(manager: httpx.AsyncClient, case: str) -> None:
    """A session that was held and one to come, and objectives of a site and of the vendor."""
    new = {"vendor": "northwind", "case_id": case, "title": "Satire or not", "person": "mod-17", "subject": "poc"}
    for planned_for in ("2026-10-01T08:00:00Z", "2026-12-15T09:30:00Z"):
        session = await _done(manager.post("/coaching-sessions", json=new | {"planned_for": planned_for}))
    held = {"notes": "We read three examples of each.", "commitments": ["Read the clause again", "Ask when unsure"]}
    await _done(manager.post(f"/coaching-sessions/{session['id']}/notes", json=held, headers={"If-Match": '"1"'}))
    period = {"from": "2026-08-31", "to": "2026-09-28", "time_zone": "Europe/Berlin"}
    for of, name, target in (("site", "harbour", 0.99), ("vendor", "northwind", 0.6)):
        objective = {"of": of, "name": name, "target": target, "title": f"{name} gets better".capitalize()}
        await _done(manager.post("/objectives", json=objective | {"vendor": "northwind", "period": period}))


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
    pages = {"board": "cases", "case": f"cases/{case['id']}", "actions": "actions", "people": "people"}
    OUTPUT.mkdir(exist_ok=True)
    async with visiting(chromium, system, home, token=manager, color_scheme=scheme) as visit:
        await visit.sign_in(f"{home}/cases")
        found: list[str] = []
        widths: list[int] = []
        for name, path in pages.items():
            await visit.page.set_viewport_size({"width": 1280, "height": 900})
            await visit.go(path)
            if name == "case":
                await expect(visit.page.locator(f'[data-drawn="{scheme}"] svg').first).to_be_visible()
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


async def test_what_is_wrong_is_said_beside_its_field(chromium: Browser, system: Any, home: str, manager: str) -> None:
    """Where the field is seen and heard, with what was typed, on a narrow screen too."""
    async with visiting(chromium, system, home, token=manager, width=NARROW, color_scheme="dark") as visit:
        await visit.sign_in(f"{home}/people")
        await visit.page.get_by_text("Set an objective").click()
        form = visit.page.locator("#objective")
        for label, text in (("What is to be reached", "Nowhere gets better"), ("Name", "nowhere"), ("Target", "95")):
            await form.get_by_label(label).fill(text)
        await form.get_by_label("before").fill(f"{datetime.now(UTC).date() + timedelta(days=90)}")
        await form.get_by_role("button", name="Set it").click()
        field = visit.page.get_by_label("Name")
        await expect(field).to_have_value("nowhere")
        await expect(field).to_have_accessible_description(re.compile("There is no such site"))
        await expect(visit.page.locator("#objective-name-wrong")).to_be_visible()
        await visit.page.screenshot(path=OUTPUT / "people-refused-360-dark.png", full_page=True)

        assert await visit.ask("contrast") + await visit.ask("faults") == []
        assert await visit.overflow() <= 0


async def test_a_judged_plan_shows_its_verdict_and_its_chart(
    chromium: Browser, system: Any, home: str, manager: str, poc: Callable[[], str]
) -> None:
    """To both sides, with its numbers; what was not effective is closed by a manager nevertheless, with the reason."""
    path = f"{home}/cases/{await _judged(system, home)}"
    async with visiting(chromium, system, home, token=poc()) as visit:
        await visit.sign_in(path)
        await expect(visit.page.locator('[data-spec*="/charts/effect"][data-drawn="light"] svg')).to_be_visible()
        await expect(visit.page.locator(".verdict")).to_contain_text("Not effective")
        await expect(visit.page.locator("#effect-says")).to_contain_text("Beyond the rest it rose by")
        assert visit.said == []
    async with visiting(chromium, system, home, token=manager, color_scheme="dark") as visit:
        await visit.sign_in(path)
        await expect(visit.page.locator('[data-spec*="/charts/effect"][data-drawn="dark"] svg')).to_be_visible()
        await visit.page.screenshot(path=OUTPUT / "case-judged-dark.png", full_page=True)
        await visit.page.get_by_text("Close it nevertheless").first.click()
        form = visit.page.locator("#step-override")
        await form.get_by_label("Conclusion").fill("The queue is given up.")
        await form.get_by_label("Why it is closed although something is missing").fill("Nothing is left to mend.")
        await form.get_by_role("button").click()
        await expect(visit.page.locator(".state")).to_have_text("Closed")
        await expect(visit.page.get_by_text("Nothing is left to mend.").first).to_be_visible()
        assert visit.said == []


async def _judged(system: Any, home: str) -> str:
    """A case whose plan was registered in September, when the planted problem was on, and is judged now."""
    put_clock(system.shift, datetime(2026, 9, 21, 8, tzinfo=UTC) - datetime.now(UTC))
    async with _client(system, home, Role.ADMIN, subject="ada") as admin:
        new = {"vendor": "northwind", "title": "Live streams get no better", "scope": {"site": ["harbour"], "queue": ["live"]}}
        address = f"/cases/{(await _done(admin.post('/cases', json=new)))['id']}"

        async def step(name: str) -> None:
            await _done(admin.post(f"{address}/steps", json={"step": name}, headers={"If-Match": "*"}))

        await step("analyse")
        cause = {"code": "training_gap", "evidence": [{"reference": "training-log-12"}]}
        proposed = await _done(admin.post(f"{address}/causes", json=cause))
        decision = f"{address}/causes/{proposed['id']}/decision"
        await _done(admin.post(decision, json={"outcome": "accepted"}, headers={"If-Match": "*"}))
        await step("plan")
        windows = {"baseline": ("2026-07-20", "2026-08-31"), "verification": ("2026-09-07", "2026-09-28")}
        plan = {name: {"from": first, "to": end, "time_zone": "Europe/Berlin"} for name, (first, end) in windows.items()}
        await _done(admin.put(f"{address}/plan", json=plan | {"scope": new["scope"], "minimum_sample": 20}))
        await _done(admin.post(f"{address}/actions", json={"title": "Brief them", "kind": "corrective", "owner": "ada"}))
        await step("start")
        put_clock(system.shift, timedelta())
        async with asyncio.timeout(60):
            while (await _done(admin.get(f"{address}/plan")))["verdict"] is None:
                await asyncio.sleep(0.2)
    return address.rpartition("/")[2]
