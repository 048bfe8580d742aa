"""The dashboard in a real browser, behind the real gateway: what a person sees, presses and sends.

Screenshots of it are in `tests/output` afterwards.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.async_api import Browser, expect

from calibration import Facilitator, Hand, session_document
from system.browsing import NARROW, OUTPUT, Visit, visiting
from tallystick.client import Tallystick
from tallystick.schemas.principal import Role

PAGES = ("", "appeals", "coverage", "/definitions", "/problems", "/problems/not-found", "/nothing/here")
"""All kinds of page; those without a slash belong to the programme, and the empty one is its dashboard."""


@pytest.fixture(scope="module")
async def calibration(system: Any, home: str) -> str:
    """The path of the calibration of that programme: a concluded session, and one that is being scored."""
    programme = home.rpartition("/")[2]
    async with AsyncExitStack() as stack:

        async def calling(role: Role, subject: str, vendor: str | None = None) -> httpx.AsyncClient:
            headers = {"Authorization": f"Bearer {system.token(role, subject=subject, vendor=vendor)}"}
            client = httpx.AsyncClient(base_url=f"{system.url}/audit", headers=headers, timeout=30, trust_env=False)
            return await stack.enter_async_context(client)

        lead = Facilitator(await calling(Role.QUALITY_MANAGER, "lead"), programme)
        raters = {"qa-01": None, "qa-02": None, "poc-north": "northwind", "poc-east": "eastgale"}
        document = session_document(*raters.items(), target=0.85)
        policies = ("harassment", "hate_speech", "spam")
        items: list[dict[str, Any]] = [
            {"content_ref": f"item:{number:03d}", "policy": policies[number % 3]} for number in range(1, 41)
        ]
        items += [{"repeat_of": number} for number in range(1, 6)]
        session, scored = await lead.draft(items, **document), await lead.draft(items, **document | {"title": "Hate speech"})
        await lead.moved(session, "opening")
        await lead.moved(scored, "opening")
        right = [("keep", "restrict", "remove")[number * number % 3] for number in range(45)]
        for place, (rater, vendor) in enumerate(raters.items()):
            role = Role.AUDITOR if vendor is None else Role.VENDOR_POC
            hand = Hand(await calling(role, rater, vendor), programme, session)
            rows = [
                {"number": number + 1, "value": value if number % (9 - 2 * place) else "keep"}
                for number, value in enumerate(right)
                if (number + place) % 17
            ]
            assert (await hand.rate_all(rows)).status_code == 200
        await lead.moved(session, "review")
        for number, value in enumerate(right[:40], 1):
            assert (await lead.benchmark(session, number, value)).status_code == 200
        await lead.moved(session, "conclusion")
    async with Tallystick(system.url, system.token(Role.ADMIN)) as client, asyncio.timeout(60):
        while not (await client.calibration_trend(programme)).sessions:
            await asyncio.sleep(0.2)
    return f"{home}/calibration"


@pytest.fixture
async def visit(chromium: Browser, system: Any, home: str) -> AsyncIterator[Visit]:
    """A tab of 1280 pixels on a light screen, nobody signed in."""
    async with visiting(chromium, system, home) as visit:
        yield visit


async def test_a_sign_in_link_leads_in_and_its_token_is_in_no_address(visit: Visit) -> None:
    """It travels behind `#` and in the body of a form, and scripts cannot read what comes back."""
    await visit.sign_in()

    assert not any(visit.token in url for url in visit.requests)
    assert "#" not in visit.page.url
    assert await visit.page.evaluate("document.cookie") == ""
    cookies = {cookie["name"]: cookie for cookie in await visit.page.context.cookies()}
    assert cookies["tallystick_session"]["httpOnly"]
    assert cookies["tallystick_session"]["sameSite"] == "Lax"


async def test_a_link_opened_where_one_is_already_at_the_sign_in_works_too(visit: Visit) -> None:
    """Only what is behind `#` changes then, and the page is not loaded again."""
    await visit.go("/sign-in")

    await visit.page.goto(f"{visit.url}/sign-in#token={visit.token}")

    await visit.page.wait_for_url(re.compile(r"^(?!.*sign-in)"))


async def test_a_link_of_somebody_else_asks_who_is_signed_in(visit: Visit, system: Any) -> None:
    """It says who that is and sends nothing; a key then signs in instead."""
    await visit.sign_in()
    other = system.token(Role.QUALITY_MANAGER, subject="mallory")
    asked = len(visit.requests)

    await visit.page.goto(f"{visit.url}/sign-in#token={other}")
    button = visit.page.get_by_role("button", name="Sign in instead")
    await expect(button).to_be_focused()
    OUTPUT.mkdir(exist_ok=True)
    await visit.page.screenshot(path=OUTPUT / "sign-in-instead.png", full_page=True)
    faults = await visit.ask("contrast") + await visit.ask("faults")
    who = await visit.page.locator(".who").inner_text()
    paths = {urlsplit(url).path for url in visit.requests[asked:]}
    await visit.page.keyboard.press("Enter")
    await expect(visit.page.locator(".who")).to_contain_text("mallory")

    assert "mallory" not in who
    assert paths.isdisjoint({"/", visit.home})
    assert "#" not in visit.page.url
    assert faults == []
    assert not any(other in url for url in visit.requests)


async def test_one_signs_out_again(visit: Visit) -> None:
    """By a button; the page then asks for a sign-in."""
    await visit.sign_in()
    await visit.page.get_by_role("button", name="Sign out").click()
    await visit.page.wait_for_url("**/sign-in")

    await visit.go("")

    assert urlsplit(visit.page.url).path == "/sign-in"


async def test_everything_comes_from_here_and_the_console_stays_silent(visit: Visit) -> None:
    """No other host, no error, no warning, nothing that the content security policy stops; both charts are drawn."""
    await visit.sign_in()
    await visit.drawn()

    assert {urlsplit(url).netloc for url in visit.requests} == {urlsplit(visit.url).netloc}
    assert visit.said == []
    assert await visit.page.locator('[data-spec*="accuracy"] .mark-symbol path').count() == 12
    OUTPUT.mkdir(exist_ok=True)
    await visit.page.screenshot(path=OUTPUT / "dashboard-light.png", full_page=True)


async def test_the_planted_problem_is_named_as_a_signal(visit: Visit) -> None:
    """In words, with its place, its week, and both rates; the link narrows the page to that place."""
    await visit.sign_in()
    signals = visit.page.get_by_role("region", name="Signals").get_by_role("listitem")

    text = re.sub(r"\s", " ", await signals.first.inner_text())
    await signals.first.get_by_role("link").click()
    await visit.page.wait_for_url("**?site=harbour&queue=live")

    assert re.match(
        r"harbour · live: Harassment left standing \(FN-HARASSMENT\) rose in the week of 7 Sep 2026 from .* to .*", text
    )


async def test_a_screen_of_360_pixels_needs_no_sideways_scrolling(chromium: Browser, system: Any, home: str) -> None:
    """No page is wider than the window; wide tables scroll by themselves, charts shrink."""
    async with visiting(chromium, system, home, width=NARROW) as visit:
        await visit.go("/sign-in")
        widths = [await visit.overflow()]
        await visit.sign_in()
        for path in PAGES:
            await visit.go(path)
            for summary in await visit.page.locator("summary").all():
                await summary.click()
            widths.append(await visit.overflow())
        for path, name in (("", "dashboard-360.png"), ("appeals", "appeals-360.png")):
            await visit.go(path)
            await visit.drawn()
            widths.append(await visit.overflow())
            await visit.page.screenshot(path=OUTPUT / name, full_page=True)

        assert max(widths) <= 0


async def test_colours_follow_the_screen_while_the_page_is_open(visit: Visit) -> None:
    """Page and charts turn dark and light again."""
    await visit.sign_in()
    await visit.drawn()
    background = "getComputedStyle(document.body).backgroundColor"
    light = await visit.page.evaluate(background)

    await visit.page.emulate_media(color_scheme="dark")
    await visit.drawn("dark")
    dark = await visit.page.evaluate(background)
    await visit.page.screenshot(path=OUTPUT / "dashboard-dark.png", full_page=True)

    assert (light, dark) == ("rgb(244, 246, 249)", "rgb(15, 20, 27)")
    assert visit.said == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_all_text_stands_out_from_its_background(
    chromium: Browser, system: Any, home: str, scheme: Literal["light", "dark"]
) -> None:
    """By a contrast of at least 4.5, in the charts too."""
    async with visiting(chromium, system, home, color_scheme=scheme) as visit:
        await visit.sign_in()
        found = []
        for path in PAGES:
            await visit.go(path)
            if path in {"", "appeals"}:
                await visit.drawn(scheme)
            found += await visit.ask("contrast")
            await visit.page.screenshot(
                path=OUTPUT / f"{path.strip('/').replace('/', '-') or 'dashboard'}-{scheme}.png", full_page=True
            )

        assert found == []


async def test_pages_are_built_for_those_who_do_not_see_them(visit: Visit) -> None:
    """Landmarks, one title, headings in order, a label or name on everything, headers with a scope, targets one can hit."""
    await visit.go("/sign-in")
    found = await visit.ask("faults")
    await visit.sign_in(f"{visit.home}?site=harbour")
    await visit.drawn()
    found += await visit.ask("faults")
    for path in PAGES[1:]:
        await visit.go(path)
        found += await visit.ask("faults")

    assert found == []


async def test_the_keyboard_reaches_everything(visit: Visit) -> None:
    """Skip link first; a filter is opened, chosen, closed and applied without a mouse, and the focus can be seen."""
    await visit.sign_in()
    press = visit.page.keyboard.press

    await press("Tab")
    assert await visit.page.evaluate("document.activeElement.textContent") == "Skip to the content"
    await press("Enter")
    assert await visit.page.evaluate("document.activeElement.id") == "content"

    site = visit.page.locator("details.choice", has_text="Site")
    await site.locator("summary").focus()
    await press("Enter")
    await press("Tab")
    assert await visit.page.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth)") >= 2
    await press("Space")
    await press("Escape")
    assert await visit.page.evaluate("document.activeElement.tagName") == "SUMMARY"
    assert not await site.evaluate("details => details.open")

    await visit.page.get_by_role("button", name="Apply").focus()
    await press("Enter")
    await visit.page.wait_for_url("**?site=harbour")


async def test_what_is_chosen_stands_in_the_address_and_goes_with_one_click(visit: Visit) -> None:
    """Filters, view and order: the same address shows the same page, and a chip takes one filter away."""
    await visit.sign_in()
    page = visit.page
    await page.locator("details.choice", has_text="Queue").locator("summary").click()
    await page.get_by_label("live").check()
    await page.get_by_label("video").check()
    await page.get_by_role("textbox", name="From").fill("2026-08-17")
    await page.get_by_role("button", name="Apply").click()
    await page.get_by_role("link", name="As first scored").click()
    await page.get_by_role("link", name="Errors", exact=True).last.click()
    await page.get_by_role("link", name="Queue video").click()

    await page.wait_for_url("**?queue=live&from=2026-08-17&view=first_scored&sort=-errors")
    shown = await page.locator(".tile").all_inner_texts()
    await page.reload()

    assert await page.locator(".tile").all_inner_texts() == shown
    assert await page.locator('.switch [aria-current="true"]').inner_text() == "As first scored"


async def test_everything_can_be_read_without_scripts(chromium: Browser, system: Any, home: str) -> None:
    """The token is pasted into the form, and the numbers of the charts are in their tables."""
    async with visiting(chromium, system, home, java_script_enabled=False) as visit:
        await visit.go("")
        await visit.page.get_by_label("Access token").fill(visit.token)
        await visit.page.get_by_role("button", name="Sign in").click()
        await visit.page.get_by_text("The numbers of this chart").first.click()

        rows = visit.page.get_by_role("region", name="Accuracy by week").get_by_role("row")
        await expect(rows).to_have_count(1 + 13)
        await expect(visit.page.locator("noscript")).to_be_visible()
        await expect(visit.page.locator(".chart").first).not_to_be_visible()
        assert urlsplit(visit.page.url).path == home


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_calibration_is_for_every_screen_and_every_reader(
    chromium: Browser, system: Any, calibration: str, scheme: Literal["light", "dark"]
) -> None:
    """The trend and a session, reached by keyboard: contrast, landmarks, 360 pixels, a silent console, one host."""
    async with visiting(chromium, system, calibration, color_scheme=scheme) as visit:
        await visit.sign_in()
        found: list[str] = []
        OUTPUT.mkdir(exist_ok=True)
        for name in ("trend", "session"):
            if name == "session":
                await visit.page.get_by_role("link", name="Harassment in live streams").focus()
                await visit.page.keyboard.press("Enter")
                await visit.page.wait_for_url("**/calibration?session=*")
            await visit.page.set_viewport_size({"width": 1280, "height": 900})
            for summary in await visit.page.locator("section summary").all():
                await summary.click()
            found += await visit.ask("contrast") + await visit.ask("faults")
            await visit.page.screenshot(path=OUTPUT / f"calibration-{name}-{scheme}.png", full_page=True)
            await visit.page.set_viewport_size({"width": NARROW, "height": 800})
            await visit.page.screenshot(path=OUTPUT / f"calibration-{name}-360-{scheme}.png", full_page=True)
            assert await visit.overflow() <= 0

        assert found == []
        assert visit.said == []
        assert {urlsplit(url).netloc for url in visit.requests} == {urlsplit(visit.url).netloc}
        assert await visit.page.get_by_role("region", name="Raters two by two").get_by_role("row").count() == 1 + 6
        await visit.page.get_by_role("link", name="All sessions").click()
        await visit.page.wait_for_url(f"**{calibration}")
