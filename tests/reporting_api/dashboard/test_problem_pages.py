"""Pages of problems: the `type` of every problem leads to one."""

import httpx

import audit_api.app
import rca_api.app
import reporting_api.app
from tallystick.service.problems import all_problems

SERVICES = (audit_api.app, rca_api.app, reporting_api.app)
"""Imported, they have declared all their problems."""


async def test_every_type_of_problem_of_every_service_has_its_page(browser: httpx.AsyncClient) -> None:
    """Without a sign-in: who is refused must be able to read why."""
    for problem in all_problems():
        page = await browser.get(f"/problems/{problem.slug()}")

        assert page.status_code == 200, problem.slug()
        assert f"<h1>{problem.title}</h1>".replace("'", "&#39;") in page.text
        assert f"status {problem.status}" in page.text


async def test_the_pages_are_listed(browser: httpx.AsyncClient) -> None:
    """All of them, each with a link."""
    page = await browser.get("/problems")

    for problem in all_problems():
        assert f'href="/problems/{problem.slug()}"' in page.text


async def test_links_between_the_pages_lead_to_pages(browser: httpx.AsyncClient) -> None:
    """And none leads into files that are not served."""
    listed = (await browser.get("/problems")).text
    slugs = {part.partition('"')[0] for part in listed.split('href="/problems/')[1:]}

    for slug in slugs:
        text = (await browser.get(f"/problems/{slug}")).text
        assert ".md" not in text, slug
        assert {part.partition('"')[0] for part in text.split('href="/problems/')[1:]} <= slugs


async def test_an_unknown_problem_is_not_found(browser: httpx.AsyncClient) -> None:
    """Like any other page that does not exist."""
    assert (await browser.get("/problems/nonsense")).status_code == 404
