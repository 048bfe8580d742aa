"""The pages on which managers plan, in a real browser behind the real gateway: by keyboard, on every screen.

Screenshots of them are in `tests/output` afterwards.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

import httpx
import pytest
from playwright.async_api import Browser, expect

from factories import programme_document
from sampling import plan_document, some_decisions, take_in
from system.browsing import visiting
from system.drawing import done, draw_by_queue
from tallystick.schemas.principal import Role

Gateway = Callable[..., httpx.AsyncClient]


def monday() -> date:
    """The first day of the week after the next, which begins more than an hour from now."""
    today = datetime.now(UTC).date()
    return today + timedelta(days=14 - today.weekday())


@pytest.fixture
async def decided(gateway: Gateway, programme: str) -> str:
    """The path of a programme with the decisions of a week, three weeks ago."""
    admin = gateway(Role.ADMIN)
    admin.base_url = admin.base_url.join("/audit")
    await take_in(admin, programme, some_decisions(monday() - timedelta(days=35)))
    return f"/programmes/{programme}"


async def test_a_plan_is_previewed_drafted_and_published_by_keyboard(chromium: Browser, system: Any, decided: str) -> None:
    """What is wrong is said beside its field first; the preview stands below the form, and the plan in the list at last."""
    async with visiting(chromium, system, decided, token=system.token(Role.QUALITY_MANAGER, subject="ann")) as visit:
        await visit.sign_in(f"{decided}/sampling")
        page, press = visit.page, visit.page.keyboard.press
        await page.locator("summary", has_text="Draft a plan").focus()
        await press("Enter")
        await press("Tab")
        title = page.get_by_label("Title")
        await expect(title).to_be_focused()
        await press("Enter")
        await expect(title).to_have_accessible_description("Title: field required.")
        visit.said.clear()  # the browser says there that the page was a refusal
        await title.focus()
        await page.keyboard.type("Live streams")
        await page.locator("details.choice", has_text="Queue").locator("summary").focus()
        for key in ("Enter", "Tab", "Space", "Escape"):
            await press(key)
        await page.get_by_role("checkbox", name="site").focus()
        await press("Space")
        await page.get_by_label("From the day").focus()
        await page.keyboard.type(f"{monday():%m%d%Y}")
        await page.get_by_label("How many are audited").focus()
        await page.keyboard.type("as many as a prec")
        await press("Tab")
        width = page.get_by_label("Half width of the interval")
        await expect(width).to_be_focused()
        await press("Control+A")
        await page.keyboard.type("20")
        await press("Enter")

        await expect(page.locator("#preview")).to_contain_text("30 expected, in 2 strata")
        await expect(page.get_by_role("region", name="Strata of the preview").get_by_role("row")).to_have_count(3)
        await expect(title).to_have_value("Live streams")
        assert await page.get_by_text("None is drafted.").is_visible()
        await press("Tab")
        await press("Tab")
        await expect(page.locator("#preview").get_by_role("button", name="Draft it")).to_be_focused()
        await press("Enter")
        await page.get_by_text("Publish …").focus()
        await press("Enter")
        await press("Tab")
        await press("Enter")
        plan = page.get_by_role("listitem").filter(has_text="Live streams")
        await expect(plan).to_contain_text("version 1")
        await expect(plan).to_contain_text(re.compile(r"what ± 20\s% of every stratum takes. Only queue live"))
        assert await page.get_by_role("region", name="Draws").get_by_role("link").count() > 0
        assert visit.said == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_plans_are_changed_on_every_screen(
    chromium: Browser, system: Any, gateway: Gateway, decided: str, scheme: Literal["light", "dark"]
) -> None:
    """With the preview and all that is folded open: contrast, landmarks, labels, 360 pixels, a silent console, one host."""
    admin = gateway(Role.ADMIN)
    where = {"programme": decided.rpartition("/")[2]}
    document = plan_document(monday(), scope={"queue": ["live"]}, allocation={"kind": "acceptance", "aql": 1.5})
    (await admin.post("/audit/v1/sampling-plans", params=where, json=document)).raise_for_status()
    token = system.token(Role.QUALITY_MANAGER, subject="ann")
    async with visiting(chromium, system, decided, token=token, color_scheme=scheme) as visit:
        await visit.sign_in(f"{decided}/sampling")
        await visit.page.get_by_role("link", name="Change …").click()
        await expect(visit.page.get_by_label("AQL")).to_have_value("1.5")
        await visit.page.get_by_role("button", name="Preview").click()
        await expect(visit.page.locator("#preview")).to_be_visible()
        for summary in await visit.page.locator("main .small summary:visible").all():
            await summary.click()
        found = await visit.look("sampling-change", scheme)

        assert found == []
        assert visit.said == []
        assert visit.from_here


@pytest.fixture
async def staffed(system: Any, gateway: Gateway, programme: str) -> str:
    """The path of a programme with more work than there are people for, and with nobody who may do half of it."""
    admin, where = gateway(Role.ADMIN), {"programme": programme}
    admin.base_url = admin.base_url.join("/audit/v1")
    handing = {"seconds_per_item": 600}
    document = programme_document(programme, handing=handing, exposure={"daily_cap": 400})
    await done(admin.put(f"/programmes/{programme}", json=document, headers={"If-Match": "*"}))
    every_day = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    for auditor, team in (("bo", "day"), ("cy", None)):
        person = {"name": auditor.capitalize(), "team": team, "languages": ["es"], "minutes": dict.fromkeys(every_day, 30)}
        await done(admin.put(f"/auditors/{auditor}", params=where, json=person))
    await draw_by_queue(system, admin, where, ("es", "pl"))
    return f"/programmes/{programme}"


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_manager_adds_somebody_and_asks_for_a_plan_by_keyboard(
    chromium: Browser, system: Any, staffed: str, scheme: Literal["light", "dark"]
) -> None:
    """What is wrong is said beside its field, then the plan says who does what; on every screen, for every reader."""
    token = system.token(Role.QUALITY_MANAGER, subject="ann")
    async with visiting(chromium, system, staffed, token=token, color_scheme=scheme) as visit:
        await visit.sign_in(f"{staffed}/sampling")
        page, press, tap = visit.page, visit.page.keyboard.press, visit.page.keyboard.type
        await page.get_by_role("link", name="Auditors").focus()
        await press("Enter")
        await page.locator("summary", has_text="Add somebody").focus()
        for key in ("Enter", "Tab"):
            await press(key)
        await tap("Ana")
        await press("Tab")
        await tap("ana")
        await press("Tab")
        await tap("the night")
        await press("Enter")
        team = page.get_by_label("Team", exact=True)
        await expect(team).to_have_accessible_description(re.compile("^Team: "))
        await expect(team).to_have_value("the night")
        found = await visit.look("auditors-refused", scheme)
        visit.said.clear()  # the browser says there that the page was a refusal
        await team.fill("night")
        await page.get_by_label("Mon", exact=True).fill("45")
        await page.get_by_role("checkbox", name="es", exact=True).focus()
        await press("Space")
        await press("Enter")
        row = page.get_by_role("row", name="Ana")
        await expect(row).to_contain_text("night")
        await expect(row).to_contain_text("45")
        await row.get_by_role("link").focus()
        await press("Enter")
        await expect(page.get_by_label("Team", exact=True)).to_have_value("night")
        await page.locator("summary", has_text="Ask for a plan").click()
        found += await visit.look("auditors", scheme)
        await page.get_by_label("To the day").last.focus()
        await press("Enter")

        gaps = page.get_by_role("region", name="What cannot be covered").first
        await expect(gaps.get_by_role("row", name="live")).to_contain_text("nobody who is there may audit it")
        await expect(page.get_by_role("listitem").filter(has_text="audits in pl")).to_be_visible()
        await expect(page.get_by_role("region", name="Who does how much").first).to_contain_text("Bo")
        found += await visit.look("staffing", scheme)
        for words in ("dose", "opted"):
            await expect(page.locator("body")).not_to_contain_text(words)

        assert found == []
        assert visit.said == []
        assert visit.from_here
