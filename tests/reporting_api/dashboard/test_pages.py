"""The pages: what they say, to whom, under which addresses, and with which headers."""

import re
from collections.abc import Callable
from datetime import date, timedelta

import httpx
import pytest
from fastapi import FastAPI

from conftest import Caller
from dashboard_browser import said, sign_in
from reporting_api.projection.cursors import start_anew
from reporting_api.projection.worker import SERVICE
from reporting_feed import Stream, error
from tallystick.schemas.principal import Role
from tallystick.service.database import Database
from tallystick.service.pages.page import HEADERS

MONDAY = date(2026, 9, 7)


async def test_who_is_not_signed_in_is_led_to_the_sign_in(browser: httpx.AsyncClient) -> None:
    """For pages; the API answers programs with a problem document."""
    page = await browser.get("/programmes/demo")
    document = await browser.get("/v1/charts/error-pareto", params={"programme": "demo"})

    assert (page.status_code, page.headers["location"]) == (303, "/sign-in?next=%2Fprogrammes%2Fdemo")
    assert (document.status_code, document.headers["content-type"]) == (401, "application/problem+json")


async def test_a_single_programme_needs_no_choice(
    reporting_app: FastAPI, reporting_database: Database, caller: Caller, stream: Stream
) -> None:
    """The start page of somebody with one programme is its dashboard; with several it lists them."""
    await Stream().project(reporting_database)
    alone = await caller(reporting_app, Role.ANALYST, programmes=(stream.programme,)).get("/")
    many = await caller(reporting_app, Role.ANALYST).get("/")

    assert alone.headers["location"] == f"/programmes/{stream.programme}"
    assert f'href="/programmes/{stream.programme}"' in many.text


async def test_pages_load_nothing_from_elsewhere_and_stay_out_of_caches(reporting: httpx.AsyncClient, stream: Stream) -> None:
    """Neither scripts in the page, nor eval, nor another host, nor a frame around it."""
    page = await reporting.get(f"/programmes/{stream.programme}")

    policy = page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"
    assert policy == HEADERS["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert not re.search(r"<script(?![^>]* src=\"/static/)|<style| style=| on\w+=|(?:src|href)=\"https?:", page.text)


async def test_the_tiles_say_what_each_number_stands_on(reporting: httpx.AsyncClient, stream: Stream) -> None:
    """Value, interval, numerator and denominator, and the target with its verdict."""
    text = said(await reporting.get(f"/programmes/{stream.programme}"))

    assert "90.0 % 79.9-95.3 % at 95 % 54 of 60 audits" in text
    assert "Target 95 % undecided: it lies within the interval" in text
    assert "nothing to compare with" in text


async def test_too_few_audits_are_named_in_words(reporting: httpx.AsyncClient, stream: Stream) -> None:
    """Below the programme's minimum sample."""
    text = said(await reporting.get(f"/programmes/{stream.programme}", params={"site": "krakow"}))

    assert "Not enough audits: 20 of the 30 that it takes." in text
    assert "too few audits" in text


async def test_a_number_stands_beside_that_of_the_period_before(reporting: httpx.AsyncClient, stream: Stream) -> None:
    """With the difference, and whether it is more than chance."""
    address = f"/programmes/{stream.programme}?from=2026-09-14&to=2026-09-21"

    text = said(await reporting.get(address))

    assert "compared with 7 Sep 2026 to 13 Sep 2026 (7 days)" in text
    assert "within chance" in text


async def test_ties_are_marked(reporting: httpx.AsyncClient, stream: Stream) -> None:
    """Vendors whose intervals overlap share their places."""
    assert "1-2 (tied)" in said(await reporting.get(f"/programmes/{stream.programme}"))


async def test_both_judgements_can_be_seen(reporting: httpx.AsyncClient, reporting_database: Database, stream: Stream) -> None:
    """As adjudicated, unless the address says as first scored."""
    wrong = next(key for key, audit in stream.audits.items() if audit["verdict"] == "incorrect")
    stream.revise(wrong, {**dict.fromkeys(error()), "verdict": "correct"})
    await stream.project(reporting_database)

    adjudicated = said(await reporting.get(f"/programmes/{stream.programme}"))
    first_scored = said(await reporting.get(f"/programmes/{stream.programme}?view=first_scored"))

    assert "55 of 60 audits" in adjudicated
    assert "First scored: 90.0 %" in adjudicated
    assert "54 of 60 audits" in first_scored
    assert "Adjudicated: 91.7 %" in first_scored


async def test_filters_stand_in_the_address_and_each_can_be_removed(reporting: httpx.AsyncClient, stream: Stream) -> None:
    """The page links to itself without each of them, and keeps the others and the order."""
    page = await reporting.get(f"/programmes/{stream.programme}?site=lisbon&site=cairo&queue=live&sort=-errors")

    path = f"/programmes/{stream.programme}"
    assert f'href="{path}?site=cairo&amp;queue=live&amp;sort=-errors"' in page.text
    assert f'href="{path}?site=lisbon&amp;site=cairo&amp;sort=-errors"' in page.text
    assert "40" in said(page)


async def test_filters_without_a_field_outlive_the_form(reporting: httpx.AsyncClient, stream: Stream) -> None:
    """An error code has no field; the form hands it on."""
    page = await reporting.get(f"/programmes/{stream.programme}?error_code=FN-HARASS")

    assert '<input type="hidden" name="error_code" value="FN-HARASS">' in page.text


async def test_what_an_empty_form_field_adds_is_taken_out_of_the_address(reporting: httpx.AsyncClient, stream: Stream) -> None:
    """An address says what was chosen and nothing else."""
    path = f"/programmes/{stream.programme}"

    answer = await reporting.get(f"{path}?site=lisbon&site=lisbon&from=&to=&view=adjudicated")

    assert (answer.status_code, answer.headers["location"]) == (303, f"{path}?site=lisbon")


@pytest.mark.parametrize("query", ["from=never", "site=a%20b", "colour=red", "from=2026-09-02&to=2026-09-01", "sort=secret"])
async def test_an_address_that_cannot_be_understood_is_a_page_that_says_so(
    reporting: httpx.AsyncClient, stream: Stream, query: str
) -> None:
    """A person gets a page with the same status and words as the problem document."""
    answer = await reporting.get(f"/programmes/{stream.programme}?{query}")

    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("text/html")
    assert "Parts of the request are invalid" in answer.text


async def test_tables_are_sorted_by_links(reporting: httpx.AsyncClient, stream: Stream) -> None:
    """Without a script; the column says which way it is sorted."""
    page = await reporting.get(f"/programmes/{stream.programme}?sort=site")

    sites = re.findall(r">(cairo|krakow|lisbon)</a></th>", page.text)
    assert sites == ["cairo", "krakow", "lisbon"]
    assert 'aria-sort="ascending"' in page.text


async def test_what_a_chart_shows_is_said_in_words(reporting: httpx.AsyncClient, reporting_database: Database) -> None:
    """Its range and its signals, for those who do not see it; the table names the rules."""
    stream = Stream()
    for place in range(1200):
        week = place % 12
        wrong = place // 12 < (40 if week >= 10 else 5)
        stream.create(error() if wrong else None, day=MONDAY + timedelta(weeks=week - 11))
    await stream.project(reporting_database)

    text = said(await reporting.get(f"/programmes/{stream.programme}"))

    assert "Accuracy in 12 weeks, between 60.0 % and 95.0 %." in text
    assert "Signals in 2 weeks: 31 Aug 2026 (60.0 %), 7 Sep 2026 (60.0 %)." in text
    assert "beyond the limits (3 sigma)" in text
    assert "rose in the week of 31 Aug 2026 from 5.0 % (50 of 1,000) to 40.0 % (80 of 200) of audits." in text


@pytest.mark.parametrize("query", ["", "?site=nowhere", "?from=2020-01-01&to=2020-02-01"])
async def test_nothing_to_show_is_said_and_no_error(
    reporting: httpx.AsyncClient, reporting_database: Database, stream: Stream, query: str
) -> None:
    """A programme without audits, and filters that no audit passes."""
    if not query:
        stream = Stream()
        await stream.project(reporting_database)

    text = said(await reporting.get(f"/programmes/{stream.programme}{query}"))

    assert "There are no audits" in text


async def test_a_vendors_people_see_their_own_vendor_alone(reporting_app: FastAPI, caller: Caller, stream: Stream) -> None:
    """Its numbers, its sites, and no name of another vendor, not even where they ask for it."""
    own = caller(reporting_app, Role.VENDOR_POC, vendor="borealis")

    page = await own.get(f"/programmes/{stream.programme}")
    asked = await own.get(f"/programmes/{stream.programme}?vendor=acme")
    chart = await own.get("/v1/charts/accuracy-over-time", params={"programme": stream.programme})

    assert "18 of 20 audits" in said(page)
    assert "Borealis" in page.text
    assert not re.search("acme|lisbon|cairo", page.text, re.IGNORECASE)
    assert "There are no audits" in said(asked)
    assert sum(week["audits"] or 0 for week in chart.json()["data"]["values"]) == 20


async def test_a_programme_that_one_may_not_see_does_not_exist(reporting_app: FastAPI, caller: Caller, stream: Stream) -> None:
    """For a stranger to the programme and for a vendor that takes no part: the same page as for nonsense."""
    stranger = caller(reporting_app, Role.ANALYST, programmes=("another",))
    outsider = caller(reporting_app, Role.VENDOR_POC, vendor="zephyr")

    answers = [
        await stranger.get(f"/programmes/{stream.programme}"),
        await outsider.get(f"/programmes/{stream.programme}"),
        await stranger.get("/programmes/nonsense"),
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert stream.programme not in (await stranger.get("/")).text
    assert stream.programme not in (await outsider.get("/")).text


async def test_numbers_that_are_being_built_are_announced_on_a_page(
    reporting: httpx.AsyncClient, reporting_database: Database, stream: Stream
) -> None:
    async with reporting_database.writing(SERVICE) as session:
        await start_anew(session, stream.programme)
    answer = await reporting.get(f"/programmes/{stream.programme}")

    assert (answer.status_code, answer.headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert int(answer.headers["retry-after"]) > 0
    assert "The numbers of this programme are being built." in answer.text


async def test_a_role_that_reads_no_numbers_is_told_so(reporting_app: FastAPI, caller: Caller, stream: Stream) -> None:
    """An auditor signs in and is refused, with the roles that it takes."""
    answer = await caller(reporting_app, Role.AUDITOR).get(f"/programmes/{stream.programme}")

    assert answer.status_code == 403
    assert "quality_manager" in answer.text


async def test_a_browser_at_an_address_that_does_not_exist_gets_a_page(browser: httpx.AsyncClient) -> None:
    """A program gets a problem document, and so does everybody under `/v1/`."""
    page = await browser.get("/nothing/here")
    document = await browser.get("/nothing/here", headers={"Accept": "application/json"})
    api = await browser.get("/v1/nothing")

    assert [answer.status_code for answer in (page, document, api)] == [404, 404, 404]
    assert page.headers["content-type"].startswith("text/html")
    assert document.headers["content-type"] == api.headers["content-type"] == "application/problem+json"


async def test_what_a_url_says_is_shown_as_text(browser: httpx.AsyncClient, sign: Callable[..., str]) -> None:
    """Markup in an address does not become markup of the page."""
    await sign_in(browser, sign(Role.ADMIN))

    answers = [
        await browser.get('/sign-in?next=/"><b>x</b>'),
        await browser.get('/programmes/demo?site="><b>x</b>'),
        await browser.get('/programmes/demo?"><b>x</b>=1'),
    ]

    assert not any("<b>x" in answer.text for answer in answers)


async def test_the_definitions_are_a_page(reporting: httpx.AsyncClient) -> None:
    """The same that the API serves, for people."""
    text = said(await reporting.get("/definitions"))

    assert "1 - errors / audits" in text
    assert "Wilson 1927" in text
