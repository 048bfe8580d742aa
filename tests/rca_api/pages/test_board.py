"""The board of cases: who sees which, in which column, narrowed by what, and how a case is opened there."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from appeals import Clock
from conftest import Caller
from dashboard_browser import Person, form_token, said, visitor
from rca_api.pages import say
from tallystick.schemas.principal import Role


async def opened(client: httpx.AsyncClient, programme: str, title: str, **fields: Any) -> dict[str, Any]:
    """A new case."""
    answer = await client.post("/v1/cases", params={"programme": programme}, json={"title": title, **fields})
    assert answer.status_code == 201, answer.text
    case: dict[str, Any] = answer.json()
    return case


def column(page: httpx.Response, label: str) -> str:
    """What stands in a column."""
    found = re.search(rf"<section class=\"column\"[^>]*>\s*<h2[^>]*>{label} (.*?)</section>", page.text, re.DOTALL)
    assert found is not None
    return found[1]


async def test_cases_stand_in_the_column_of_their_state(
    manager: Person, rca: httpx.AsyncClient, programme: str, case: dict[str, Any]
) -> None:
    """With priority, owner, age, where they come from, and until when something is to be known."""
    await opened(rca, programme, "To be looked into", priority="high")
    step = await rca.post(
        f"/v1/cases/{case['id']}/steps", params={"programme": programme}, json={"step": "analyse"}, headers={"If-Match": '"1"'}
    )
    assert step.status_code == 200

    page = await manager.opens()

    assert "To be looked into" in column(page, "Open")
    assert "High" in column(page, "Open")
    assert case["title"] in column(page, "Analysis")
    assert "Acme" in column(page, "Analysis")
    assert "2 under way, none overdue" in said(page)


async def test_what_is_overdue_comes_first_and_can_be_seen_alone(manager: Person, rca: httpx.AsyncClient, programme: str) -> None:
    """Said in words and marked, before all that presses more by its priority."""
    await opened(rca, programme, "Presses", priority="critical")
    await opened(rca, programme, "Late", due_at="2026-01-15T12:00:00Z", priority="low")

    page, alone = await manager.opens(), await manager.opens("/cases?overdue=true")

    assert column(page, "Open").index("Late") < column(page, "Open").index("Presses")
    assert "overdue for" in column(page, "Open")
    assert "1 overdue" in said(page)
    assert "Presses" not in alone.text


async def test_filters_stand_in_the_address(manager: Person, rca: httpx.AsyncClient, programme: str) -> None:
    """Vendor, owner, priority: any of the values of each; every one is a link that takes it away."""
    await opened(rca, programme, "Of acme", vendor="acme", owner="ann")
    await opened(rca, programme, "Of borealis", vendor="borealis", owner="bob")
    path = f"{manager.home}/cases"

    page = await manager.opens("/cases?vendor=acme&owner=ann&owner=bob")
    tidied = await manager.opens("/cases?vendor=acme&vendor=acme&owner=")

    assert "Of acme" in page.text
    assert "Of borealis" not in page.text
    assert f'href="{path}?vendor=acme&amp;owner=bob"' in page.text
    assert (tidied.status_code, tidied.headers["location"]) == (303, f"{path}?vendor=acme")
    assert (await manager.opens("/cases?colour=red")).status_code == 422


async def test_a_vendors_people_see_their_own_cases_alone(poc: Person, rca: httpx.AsyncClient, programme: str) -> None:
    """Neither those of others nor internal ones, no vendor to choose, and nothing to open."""
    await opened(rca, programme, "Of acme", vendor="acme")
    await opened(rca, programme, "Of borealis", vendor="borealis")
    await opened(rca, programme, "Internal")

    page = await poc.opens()

    assert "Of acme" in page.text
    assert "borealis" not in page.text.lower()
    assert "Internal" not in page.text
    assert "Open a case" not in page.text


async def test_pages_are_offered_to_those_for_whom_they_open(person: Callable[..., Person]) -> None:
    """An auditor is led to no numbers, an analyst to no form."""
    auditor, analyst = await person(Role.AUDITOR).opens(), await person(Role.ANALYST).opens()

    nav = re.search(r'<nav class="pages".*?</nav>', auditor.text, re.DOTALL)
    assert nav is not None
    assert re.findall(r">([^<]+)</a>", nav[0]) == ["My work", "Sampling", "Cases", "My actions", "People"]
    assert "Appeals" in analyst.text
    assert "Open a case" not in analyst.text


async def test_a_manager_opens_a_case_on_the_board(manager: Person, rca: httpx.AsyncClient, programme: str) -> None:
    """With its scope; pressed twice, the button opens one case."""
    page = await manager.opens()
    fields = {"title": "New here", "vendor": "acme", "priority": "high", "key": "pressed", "site": "lisbon"}

    answers = [await manager.sends("/cases", "new-case", page, **fields) for _ in range(2)]

    found = (await rca.get("/v1/cases", params={"programme": programme})).json()["items"]
    assert [(answer.status_code, answer.headers["location"]) for answer in answers] == [(303, f"{manager.home}/cases")] * 2
    assert [(each["title"], each["vendor"], each["opened_by"]) for each in found] == [("New here", "acme", "manager")]
    assert found[0]["scope"]["site"] == ["lisbon"]


async def test_what_was_typed_comes_back_where_the_form_cannot_be_taken(manager: Person) -> None:
    """On the page, with what is wrong, and nothing lost."""
    fields = {"description": "Long thoughts\nin two lines", "vendor": "nobody-knows", "priority": "high", "title": "Kept"}

    answer = await manager.sends("/cases", "new-case", **fields)
    empty = await manager.sends("/cases", "new-case", **fields | {"title": ""})

    assert answer.status_code == 409
    assert "The programme knows no such vendor." in answer.text
    assert "Long thoughts\nin two lines</textarea>" in answer.text
    assert 'value="Kept"' in answer.text
    assert empty.status_code == 422
    assert "Title: field required" in empty.text
    assert "Long thoughts" in empty.text


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}])
async def test_no_other_site_sends_a_form(
    manager: Person, rca: httpx.AsyncClient, programme: str, headers: dict[str, str]
) -> None:
    """Though the browser would bring the cookie along; and what it sent is not shown as if somebody had typed it."""
    token = form_token(await manager.opens())

    answer = await manager.browser.post(f"{manager.home}/cases", data={"form_token": token, "title": "Forged"}, headers=headers)

    assert answer.status_code == 403
    assert "Forged" not in answer.text
    assert (await rca.get("/v1/cases", params={"programme": programme})).json()["items"] == []


async def test_a_form_of_another_sign_in_is_refused_and_shows_what_was_typed(
    manager: Person, poc: Person, rca_app: FastAPI
) -> None:
    """It may be one's own from yesterday: then one copies it from there."""
    foreign = form_token(await poc.opens())

    answer = await manager.browser.post(f"{manager.home}/cases", data={"form_token": foreign, "title": "Typed yesterday"})
    async with visitor(rca_app) as nobody:
        without = await nobody.post(f"{manager.home}/cases", data={"title": "Nobody"})

    assert answer.status_code == without.status_code == 403
    assert "Typed yesterday" in answer.text


async def test_a_token_in_a_header_needs_a_form_of_ours_all_the_same(rca: httpx.AsyncClient, programme: str) -> None:
    """Pages are for people: programs have the API."""
    answer = await rca.post(f"/programmes/{programme}/cases", data={"title": "By a program"})

    assert answer.status_code == 403


async def test_a_programme_that_is_not_there_has_no_board(
    rca_app: FastAPI, caller: Caller, manager: Person, programme: str
) -> None:
    """A page says so, to a person, and alike for one that is not the viewer's."""
    there = caller(rca_app, Role.QUALITY_MANAGER, programmes=("other",))
    answers = [await there.get(f"/programmes/{each}/cases") for each in (programme, "no-such-programme")]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert "There is no such programme." in answers[0].text
    assert (await manager.browser.get("/programmes/no-such-programme/cases")).status_code == 404


async def test_a_board_needs_audit_api_only_once(manager: Person, rca_app: FastAPI) -> None:
    """What it knows of the programme it remembers while audit-api cannot be asked."""
    await manager.opens()
    neighbours, rca_app.state.neighbours = rca_app.state.neighbours, None
    try:
        again = await manager.opens()
    finally:
        rca_app.state.neighbours = neighbours

    assert again.status_code == 200


async def test_what_was_opened_yesterday_is_not_of_today(
    clock: Clock, manager: Person, rca: httpx.AsyncClient, programme: str
) -> None:
    """Days change at midnight in Berlin, however few hours have passed, and not at midnight in UTC."""
    clock.now = datetime(2026, 12, 7, 22, 30, tzinfo=UTC)
    await opened(rca, programme, "Late in the evening")
    clock.now = datetime(2026, 12, 7, 22, 50, tzinfo=UTC)
    evening = column(await manager.opens(), "Open")
    clock.now = datetime(2026, 12, 7, 23, 10, tzinfo=UTC)
    night = column(await manager.opens(), "Open")

    assert ", today" in evening
    assert ", 1 day" in night


def test_days_are_those_of_the_programme() -> None:
    """What is due at midnight is due on the day that ends with it."""
    midnight = datetime(2026, 9, 21, 22, tzinfo=UTC)

    assert say.due_day(midnight, "Europe/Warsaw").replace("\N{NO-BREAK SPACE}", " ") == "21 Sep 2026"
    assert say.day_of(midnight, "Europe/Warsaw").replace("\N{NO-BREAK SPACE}", " ") == "22 Sep 2026"
