"""The pages on which items are audited, in a real browser behind the real gateway: by keyboard alone, and without scripts.

Screenshots of them are in `tests/output` afterwards.
"""

import re
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx
import orjson
import pytest
from playwright.async_api import Browser, expect

from factories import programme_document
from system.browsing import NARROW, OUTPUT, Visit, visiting
from system.drawing import done, draw_by_queue
from tallystick.schemas.base import new_id
from tallystick.schemas.principal import Role


@pytest.fixture(scope="module")
async def auditing(system: Any) -> str:
    """The path of a programme with a plan, a draw and its items, and the auditors qa-1 to qa-3."""
    slug = f"w-{new_id().hex[-16:]}"
    policies = [("no_violation", "No violation", 0), ("harassment", "Harassment", 3), ("hate", "Hate speech", 4)]
    document = programme_document(
        slug,
        name="Live streams, Iberia",
        policy_set={"version": "1", "policies": [{"code": code, "name": name, "harm": harm} for code, name, harm in policies]},
        scorecard=[{"code": "depth", "name": "Looked deep enough", "weight": 3}, {"code": "words", "name": "Words to the user"}],
        exposure={"daily_cap": 400, "weekly_cap": 1500},
    )
    headers = {"Authorization": f"Bearer {system.token(Role.ADMIN, subject='ada')}"}
    where = {"programme": slug}
    async with httpx.AsyncClient(base_url=f"{system.url}/audit/v1", headers=headers, timeout=30, trust_env=False) as admin:
        await done(admin.put(f"/programmes/{slug}", json=document))
        for number in (1, 2, 3):
            await done(admin.put(f"/auditors/qa-{number}", params=where, json={"name": f"Quinn {number}"}))
        await draw_by_queue(system, admin, where)
    return f"/programmes/{slug}"


async def _recorded(system: Any, auditing: str, auditor: str) -> list[dict[str, Any]]:
    """What somebody has recorded, oldest first."""
    headers = {"Authorization": f"Bearer {system.token(Role.QUALITY_MANAGER)}"}
    where = {"programme": auditing.rpartition("/")[2], "auditor": auditor}
    async with httpx.AsyncClient(base_url=f"{system.url}/audit/v1", headers=headers, timeout=30, trust_env=False) as manager:
        found: list[dict[str, Any]] = (await done(manager.get("/audits", params=where)))["items"]
    return sorted(found, key=lambda each: str(each["id"]))


async def _type(visit: Visit, *keys: str) -> None:
    for key in keys:
        await visit.page.keyboard.press(key)


async def test_an_auditor_works_by_keyboard_alone(chromium: Browser, system: Any, auditing: str) -> None:
    """Claim, find correct, find an error, narrow by typing, keep for longer, give back: no hand leaves the keys."""
    token = system.token(Role.AUDITOR, subject="qa-1")
    async with visiting(chromium, system, auditing, token=token) as visit:
        await visit.sign_in(f"{auditing}/work")
        page = visit.page
        await _type(visit, "n")
        await expect(page.locator("#item")).to_be_focused()
        first = await page.locator(".facts a").inner_text()
        await _type(visit, "?")
        await expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
        await _type(visit, "Escape", "c")
        await expect(page.get_by_role("radio", name="correct", exact=True)).to_be_checked()
        await _type(visit, "1", "4")
        await expect(page.get_by_role("button", name="Record, and the next one")).to_be_focused()
        await _type(visit, "Enter")

        await expect(page.get_by_text("Recorded.")).to_be_visible()
        await expect(page.locator("#item")).to_be_focused()
        second = await page.locator(".facts a").inner_text()
        assert second != first
        await _type(visit, "i", "1")
        await page.keyboard.type("no viol")
        await expect(page.locator("#judge-benchmark_policy").get_by_role("radio")).to_have_count(1)
        await _type(visit, "Enter")
        await page.keyboard.type("seen where")
        await _type(visit, "Enter")
        await expect(page.get_by_role("radio", name="False positive: over-enforced")).to_be_checked()
        await _type(visit, "2")
        await expect(page.get_by_role("radio", name="Major")).to_be_checked()
        await _type(visit, "1", "2", "m")
        await page.keyboard.type("It was satire: c and i are letters here.")
        await _type(visit, "Escape", "k")
        await expect(page.get_by_label("Comment")).to_have_value("It was satire: c and i are letters here.")
        await expect(page.get_by_role("radio", name="Harassment seen where none is")).to_be_checked()
        await _type(visit, "Control+Enter")

        await expect(page.locator(".facts a")).not_to_have_text(second)
        await expect(page.get_by_text("Recorded.")).to_be_visible()
        await expect(page.locator("#item")).to_be_focused()
        await _type(visit, "h", "Enter")
        await expect(page.get_by_text("Given back.")).to_be_visible()
        await expect(page.locator("#next")).to_be_focused()
        await _type(visit, "g")
        await expect(page.locator("#item")).to_be_focused()
        assert visit.said == []

    correct, wrong = await _recorded(system, auditing, "qa-1")
    assert (correct["verdict"], [line["rating"] for line in correct["scorecard"]]) == ("correct", [1, None])
    names = ("benchmark_action", "benchmark_policy", "error_code", "error_class", "severity")
    assert [wrong[name] for name in names] == ["keep", "no_violation", "FP-HARASS", "false_positive", "major"]
    assert wrong["comment"].startswith("It was satire")


async def test_everything_works_without_scripts(chromium: Browser, system: Any, auditing: str) -> None:
    """As plain forms, with no key named that would do nothing."""
    token = system.token(Role.AUDITOR, subject="qa-2")
    async with visiting(chromium, system, auditing, token=token, java_script_enabled=False) as visit:
        page = visit.page
        await visit.go("work")
        await page.get_by_label("Access token").fill(visit.token)
        await page.get_by_role("button", name="Sign in").click()
        await page.get_by_role("button", name="Hand me the next item").click()
        await expect(page.locator("kbd:visible")).to_have_count(0)
        await page.get_by_role("radio", name="incorrect").check()
        await page.get_by_role("radio", name="keep", exact=True).check()
        await page.get_by_role("radio", name="No violation").check()
        await page.get_by_role("radio", name="Harassment seen where none is").check()
        for line in ("Looked deep enough", "Words to the user"):
            await page.get_by_role("group", name=line).get_by_role("radio", name="met", exact=True).check()
        await page.get_by_role("button", name="Record, and stop").click()
        await expect(page.locator("#judge-severity-wrong")).to_be_visible()
        await page.screenshot(path=OUTPUT / "work-refused.png", full_page=True)
        await page.get_by_role("radio", name="Minor").check()
        await page.get_by_role("button", name="Record, and stop").click()
        await expect(page.get_by_text("Recorded.")).to_be_visible()
        await expect(page.get_by_text("Nothing is in your hand")).to_be_visible()

    [recorded] = await _recorded(system, auditing, "qa-2")
    assert (recorded["severity"], recorded["error_class"]) == ("minor", "false_positive")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_work_is_for_every_screen_and_every_reader(
    chromium: Browser, system: Any, auditing: str, scheme: Literal["light", "dark"]
) -> None:
    """Contrast, landmarks, labels, 360 pixels, a silent console, one host: with an item and its errors open, and without."""
    token = system.token(Role.AUDITOR, subject="qa-3")
    OUTPUT.mkdir(exist_ok=True)
    async with visiting(chromium, system, auditing, token=token, color_scheme=scheme) as visit:
        await visit.sign_in(f"{auditing}/work")
        page = visit.page
        found: list[str] = []
        widths: list[int] = []

        async def look(name: str) -> None:
            for width in (1280, NARROW):
                await page.set_viewport_size({"width": width, "height": 900})
                await page.screenshot(path=OUTPUT / f"{name}-{width}-{scheme}.png", full_page=True)
                found.extend(await visit.ask("contrast") + await visit.ask("faults"))
                widths.append(await visit.overflow())

        if await page.locator("#next").count():
            await look("work-none")
            await _type(visit, "n")
        await expect(page.locator("#item")).to_be_focused()
        await _type(visit, "i")
        for summary in await page.locator("main summary:visible").all():
            await summary.click()
        await look("work-item")
        await page.locator("#item").focus()
        await _type(visit, "?")
        await look("work-keys")

        assert found == []
        assert max(widths) <= 0
        assert visit.said == []
        assert {urlsplit(url).netloc for url in visit.requests} == {urlsplit(visit.url).netloc}


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_both_sides_see_what_was_drawn(
    chromium: Browser, system: Any, auditing: str, scheme: Literal["light", "dark"]
) -> None:
    """The client every plan and draw; the vendor its own part, with the receipt to repeat it from."""
    OUTPUT.mkdir(exist_ok=True)
    for name, token in (
        ("manager", system.token(Role.QUALITY_MANAGER, subject="ann")),
        ("poc", system.token(Role.VENDOR_POC, vendor="acme", subject="poc")),
    ):
        async with visiting(chromium, system, auditing, token=token, color_scheme=scheme) as visit:
            await visit.sign_in(f"{auditing}/sampling")
            found: list[str] = []
            widths: list[int] = []
            for place in ("sampling", "draw"):
                for width in (1280, NARROW):
                    await visit.page.set_viewport_size({"width": width, "height": 900})
                    await visit.page.screenshot(path=OUTPUT / f"{place}-{name}-{width}-{scheme}.png", full_page=True)
                    found.extend(await visit.ask("contrast") + await visit.ask("faults"))
                    widths.append(await visit.overflow())
                if place == "sampling":
                    await visit.page.get_by_role("link", name=re.compile(r"\d{4}")).first.click()
                    await expect(visit.page.get_by_role("heading", name="Strata")).to_be_visible()
            async with visit.page.expect_download() as downloading:
                await visit.page.get_by_role("link", name="Acme").click()
            receipt = orjson.loads(Path(await (await downloading.value).path()).read_bytes())

            assert receipt["vendor"] == "acme"
            assert found == []
            assert max(widths) <= 0
            assert visit.said == []
