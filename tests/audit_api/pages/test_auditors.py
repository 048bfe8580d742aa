"""The pages of those who audit: they are added and changed, and plans say who does what, and what is missing."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from appeals import Clock
from audit_api.pages.auditor_form import filled_in, read_auditor
from dashboard_browser import Person, said
from factories import programme_document
from items import item_row, put_items
from sampling import drawn
from tallystick.schemas.principal import Role
from tallystick.schemas.programme import Weekday
from tallystick.schemas.staffing import NewAuditor

AUDITORS, WORK = "/auditors", "/work"
ANA = {"name": "Ana", "auditor": "idp|ana & co", "team": "night", "languages": "pl", "policies": ["hate", "harassment"]}
HOURS = {f"minutes_{day}": "60" for day in list(Weekday)[:5]}


@pytest.fixture
def manager(person: Callable[..., Person]) -> Person:
    """A quality manager."""
    return person(Role.QUALITY_MANAGER, subject="manager")


async def sends(who: Person, below: str, form: str, **fields: Any) -> httpx.Response:
    """A form of the page."""
    return await who.sends(f"{AUDITORS}{below}", form, await who.opens(AUDITORS), **fields)


async def auditors(audit: httpx.AsyncClient, programme: str) -> list[dict[str, Any]]:
    """Those that there are."""
    found: list[dict[str, Any]] = (await audit.get("/v1/auditors", params={"programme": programme})).json()["items"]
    return found


async def test_somebody_is_added_and_changed(manager: Person, audit: httpx.AsyncClient, programme: str) -> None:
    """With all that can be said of them; the form begins with what was said, and knows whether somebody was faster."""
    away = {"absence_first_0": "2026-12-24", "absence_last_0": "2026-12-31", "absence_first_2": "2100-01-02"}
    conflicts = {"moderators": "m-17\r\nm-3, the second", "sites": "acme/cairo", "vendors": "borealis"}
    added = await sends(manager, "/people", "person", **ANA, **HOURS, **away, **conflicts, key="once")
    twice = await sends(manager, "/people", "person", **ANA, **HOURS, **away, **conflicts, key="once")

    assert (added.status_code, twice.status_code) == (303, 303), added.text
    assert added.headers["location"] == f"{manager.home}{AUDITORS}#people"
    [ana] = await auditors(audit, programme)
    assert (ana["auditor"], ana["name"], ana["team"], ana["revision"]) == ("idp|ana & co", "Ana", "night", 1)
    assert (ana["languages"], ana["policies"], ana["active"]) == (["pl"], ["hate", "harassment"], True)
    assert {day for day, minutes in ana["minutes"].items() if minutes == 60} == {*list(Weekday)[:5]}
    assert [(each["first_day"], each["last_day"]) for each in ana["absences"]] == [
        ("2026-12-24", "2026-12-31"),
        ("2100-01-02", "2100-01-02"),
    ]
    assert ana["conflicts"] == {"moderators": ["m-17", "m-3, the second"], "sites": ["acme/cairo"], "vendors": ["borealis"]}
    listed = await manager.opens(AUDITORS)
    assert "night: 1, 5 hours a week" in said(listed)
    assert "2 Jan 2100 Borealis, acme/cairo, 2 moderators" in said(listed)
    assert "?auditor=idp%7Cana%20%26%20co#person" in listed.text

    form = await manager.browser.get(f"{manager.home}{AUDITORS}", params={"auditor": "idp|ana & co"})
    gone = {"auditor": "idp|ana & co", "name": "Ana", "active": "false", "revision": "1"}
    changed = await sends(manager, "/people", "person", **gone)
    stale = await sends(manager, "/people", "person", **gone | {"team": "day"})

    assert "Change Ana" in said(form)
    for standing in ('name="languages" value="pl" checked', 'value="2026-12-31"', "m-3, the second</textarea>", 'value="night"'):
        assert standing in form.text
    assert (changed.status_code, stale.status_code) == (303, 412)
    assert "Change Ana" in stale.text
    assert 'name="revision" value="2"' in stale.text
    assert 'value="day"' in stale.text
    [ana] = await auditors(audit, programme)
    assert (ana["active"], ana["revision"], ana["languages"], sum(ana["minutes"].values())) == (False, 2, [], 0)
    assert "Who does not audit now: 1" in said(await manager.opens(AUDITORS))


@given(
    st.builds(
        NewAuditor,
        name=st.just("Ana"),
        team=st.sampled_from([None, "night"]),
        languages=st.lists(st.sampled_from(["pl", "es"]), unique=True).map(tuple),
        minutes=st.fixed_dictionaries({day: st.integers(0, 1440) for day in Weekday}),
        absences=st.lists(st.dates(), max_size=9).map(lambda days: [{"first_day": day, "last_day": day} for day in days]),
        conflicts=st.fixed_dictionaries({"moderators": st.lists(st.sampled_from(["m-1", "a, b"]), unique=True)}),
        active=st.booleans(),
    )
)
def test_somebody_who_is_saved_as_they_stand_stays_the_same(auditor: NewAuditor) -> None:
    """Whatever is said of them."""
    assert read_auditor(filled_in(auditor)) == auditor


@pytest.mark.parametrize(
    ("changes", "wrong", "status"),
    [
        ({"name": ""}, ["name"], 422),
        ({"auditor": ""}, ["auditor"], 422),
        ({"minutes_monday": "1441", "team": "the night"}, ["minutes_monday", "team"], 422),
        ({"absence_first_0": "2026-12-24", "absence_last_0": "2026-12-23"}, ["absences"], 422),
        ({"absence_last_1": "2026-12-24"}, ["absences"], 422),
        ({"languages": ["pl", "tlh"]}, ["languages"], 409),
        ({"sites": "acme/krakow", "vendors": "northwind"}, ["sites", "vendors"], 409),
        ({"auditor": "qa-1", "name": "Somebody else"}, ["auditor"], 409),
    ],
)
async def test_what_is_wrong_with_somebody_is_said_beside_its_field(
    manager: Person,
    auditor: Person,
    audit: httpx.AsyncClient,
    programme: str,
    changes: dict[str, Any],
    wrong: list[str],
    status: int,
) -> None:
    """With all that was filled in, and nobody is changed."""
    answer = await sends(manager, "/people", "person", **ANA | HOURS | {"moderators": "m-99"} | changes)

    assert auditor is not None
    assert answer.status_code == status
    assert [name for name in wrong if f'id="person-{name}-wrong"' not in answer.text] == []
    assert "should match" not in answer.text
    assert "m-99</textarea>" in answer.text
    assert [each["name"] for each in await auditors(audit, programme)] == ["Quinn"]


async def test_a_plan_says_who_does_what_and_what_is_missing(
    audit_app: FastAPI, audit: httpx.AsyncClient, clock: Clock, programme: str, manager: Person
) -> None:
    """By person, day and stratum, with names; reasons, what would help and what caps cost in words."""
    document = programme_document(programme, handing={"seconds_per_item": 360}, exposure={"daily_cap": 24})
    (await audit.put(f"/v1/programmes/{programme}", json=document, headers={"If-Match": "*"})).raise_for_status()
    made = await drawn(audit_app, audit, clock, programme)
    first = clock.now.date()
    await put_items(audit_app, [item_row(programme, stratum="alone", language="pl", due_at=datetime(2100, 1, 1, tzinfo=UTC))])
    await sends(manager, "/people", "person", **ANA | dict.fromkeys(HOURS, "600") | {"languages": "es"})

    answer = await sends(manager, "/plans", "staffing", first_day=f"{first}", last_day=f"{first}", fair="1,5", key="once")
    again = await sends(manager, "/plans", "staffing", first_day=f"{first}", last_day=f"{first}", fair="1,5", key="once")

    assert answer.status_code == 303, answer.text
    assert again.headers["location"] == answer.headers["location"]
    page = await manager.browser.get(answer.headers["location"])
    words = said(page)
    assert re.search(r"\d+ of \d+ items covered", words)
    assert "alone" in words
    assert "nobody who is there may audit it" in words
    assert "One person more who audits in pl: 1 item more" in words
    assert f"/sampling/draws/{made.draw['id']}" in page.text
    assert re.search(r"Ana Acme · (live|comments) Everyday", words)
    assert "items covered" in said(await manager.opens(AUDITORS))


async def test_what_protects_somebody_is_on_no_page(manager: Person, auditor: Person, put: Callable[..., Any]) -> None:
    """Neither a dose of theirs nor what they opted out of; caps are the programme's."""
    await put({"policy": "hate", "harm": 3.0, "due_at": datetime(2100, 1, 1, tzinfo=UTC)})
    first = "2099-12-28"
    before = await sends(manager, "/plans", "staffing", first_day=first, last_day=first)
    await auditor.sends(f"{WORK}/opt-outs", "opt-outs", await auditor.opens(WORK), policies="hate")
    after = await sends(manager, "/plans", "staffing", first_day=first, last_day=first)
    pages = [await manager.browser.get(answer.headers["location"]) for answer in (before, after)]

    assert "Everything is covered." in said(pages[0])
    assert "those who may audit it have no room for it" in said(pages[1])
    for page in (*pages, await manager.opens(AUDITORS), await manager.opens(f"{AUDITORS}?auditor=qa-1")):
        assert "dose" not in said(page).lower()
        assert "opted" not in said(page).lower()


@pytest.mark.parametrize(
    ("days", "fair", "wrong"),
    [
        (("", "2026-12-04"), "1.5", "first_day"),
        (("2026-11-30", "2026-12-04"), "much", "fair"),
        (("2026-11-30", "2027-01-04"), "1.5", ""),
    ],
)
async def test_a_plan_that_cannot_be_made_says_why(manager: Person, days: tuple[str, str], fair: str, wrong: str) -> None:
    """Beside its field, and with what was typed."""
    answer = await sends(manager, "/plans", "staffing", first_day=days[0], last_day=days[1], fair=fair)

    assert answer.status_code == 422
    assert f'id="staffing-{wrong}-wrong"' in answer.text or "a plan is for 1 to 31 days" in answer.text.lower()
    assert f'value="{days[1]}"' in answer.text


async def test_the_pages_are_the_managers(manager: Person, person: Callable[..., Person]) -> None:
    """The navigation leads nobody else there; who comes all the same is refused."""
    assert f'href="{manager.home}{AUDITORS}"' in (await manager.opens("/sampling")).text
    for role, vendor in ((Role.AUDITOR, None), (Role.ANALYST, None), (Role.VENDOR_POC, "acme")):
        who = person(role, vendor=vendor)
        assert (await who.opens(AUDITORS)).status_code == 403
        assert AUDITORS not in (await who.opens("/sampling")).text
