"""The forms of the page of sampling: a plan is previewed, drafted, published and retired."""

import re
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appeals import Clock
from audit_api.pages.plan_form import filled_in as filled_in_form
from audit_api.pages.plan_form import read_plan
from dashboard_browser import Person, said
from sampling import some_decisions, take_in
from tallystick.schemas.principal import Role
from tallystick.schemas.sampling import NewSamplingPlan

SAMPLING = "/sampling"


@pytest.fixture
def manager(person: Callable[..., Person]) -> Person:
    """A quality manager."""
    return person(Role.QUALITY_MANAGER, subject="manager")


def next_monday(clock: Clock) -> date:
    """The first day of the first week to come."""
    today = clock.now.date()
    return today + timedelta(days=7 - today.weekday())


def filled_in(clock: Clock, **changes: Any) -> dict[str, Any]:
    """A form that draws five decisions of every queue."""
    fields = {"title": "By hand", "strata": ["queue"], "period": "week", "starts_on": next_monday(clock).isoformat()}
    return fields | {"kind": "fixed", "each": "5", "minutes_per_audit": "6", "priority": "3"} | changes


async def sends(who: Person, below: str, form: str = "plan", **fields: Any) -> httpx.Response:
    """A form of the page."""
    return await who.sends(f"{SAMPLING}{below}", form, await who.opens(SAMPLING), **fields)


async def plans(audit: httpx.AsyncClient, programme: str) -> list[dict[str, Any]]:
    """The plans that there are."""
    found: list[dict[str, Any]] = (await audit.get("/v1/sampling-plans", params={"programme": programme})).json()["items"]
    return found


async def test_a_preview_says_what_a_plan_would_come_to_and_keeps_nothing(
    manager: Person, audit: httpx.AsyncClient, clock: Clock, programme: str
) -> None:
    """The form stays as it was filled in."""
    await take_in(audit, programme, some_decisions(next_monday(clock) - timedelta(days=14)))

    seen = await sends(manager, "/previews", **filled_in(clock, budget_audits="8"))

    words = said(seen)
    assert "What it would come to in a period" in words
    assert "Decisions 60 expected, in 4 strata" in words
    assert "Audits 8 · the budget cuts 12" in words
    assert "Hours 0.8" in words
    assert "The budget takes away 12 of 20 audits" in words
    assert "95\u202f% confidence" in seen.text
    assert 'value="By hand"' in seen.text
    assert re.search(r'value="queue" checked', seen.text)
    assert await plans(audit, programme) == []


async def test_a_plan_is_drafted_published_and_retired(
    manager: Person, audit: httpx.AsyncClient, clock: Clock, programme: str
) -> None:
    """A form that is sent twice drafts one plan; a page from before that is told so."""
    answer = await sends(manager, "/plans", **filled_in(clock, budget_hours="2,5"), key="once")
    again = await sends(manager, "/plans", **filled_in(clock, budget_hours="2,5"), key="once")

    assert (answer.status_code, again.status_code) == (303, 303), answer.text
    assert answer.headers["location"] == f"{manager.home}{SAMPLING}#plans"
    [drafted] = await plans(audit, programme)
    assert (drafted["title"], drafted["strata"], drafted["state"]) == ("By hand", ["queue"], "draft")
    assert drafted["allocation"] == {"kind": "fixed", "each": 5}
    assert (drafted["budget"], drafted["minutes_per_audit"], drafted["priority"]) == ({"audits": None, "hours": 2.5}, 6, 3)
    below = f"/plans/{drafted['id']}"

    published = await sends(manager, f"{below}/publication", f"publish-{drafted['id']}", revision="1")
    stale = await sends(manager, f"{below}/retirement", f"retire-{drafted['id']}", revision="1")
    page = await manager.opens(SAMPLING)
    retired = await sends(manager, f"{below}/retirement", f"retire-{drafted['id']}", revision="2")

    assert (published.status_code, stale.status_code, retired.status_code) == (303, 412, 303)
    assert "version 1" in said(page)
    assert "/publication" not in page.text
    [ended] = await plans(audit, programme)
    assert (ended["state"], ended["published_version"]) == ("retired", 1)
    assert "/retirement" not in (await manager.opens(SAMPLING)).text


@pytest.mark.parametrize(
    ("numbers", "allocation"),
    [
        ({"kind": "proportional", "total": "40"}, {"kind": "proportional", "total": 40}),
        ({"kind": "neyman", "total": "40", "weeks": "8"}, {"kind": "neyman", "total": 40, "weeks": 8}),
        (
            {"kind": "precision", "half_width": "2,5", "of": "all", "confidence": "90", "expected_error_rate": "5"},
            {"kind": "precision", "half_width": 0.025, "of": "all", "confidence": 0.9, "expected_error_rate": 0.05, "weeks": 13},
        ),
        (
            {"kind": "power", "difference": "10", "allocation_power_power": "90"},
            {"kind": "power", "difference": 0.1, "power": 0.9, "confidence": 0.95, "expected_error_rate": 0.1, "weeks": 13},
        ),
        ({"kind": "acceptance", "aql": "0.65", "level": "S-3"}, {"kind": "acceptance", "aql": 0.65, "level": "S-3"}),
    ],
    ids=lambda given: given["kind"],
)
async def test_each_allocation_takes_its_own_numbers(
    manager: Person,
    audit: httpx.AsyncClient,
    clock: Clock,
    programme: str,
    numbers: dict[str, str],
    allocation: dict[str, Any],
) -> None:
    """Those of others stand in the form and are left out."""
    answer = await sends(manager, "/plans", **filled_in(clock, **numbers))

    assert answer.status_code == 303, answer.text
    [drafted] = await plans(audit, programme)
    assert drafted["allocation"] == allocation


async def test_a_plan_is_about_the_decisions_that_the_form_says(
    manager: Person, audit: httpx.AsyncClient, clock: Clock, programme: str
) -> None:
    """Several words of one kind and risk bands between commas, and how long late decisions are waited for."""
    scope = {"vendor": "acme", "queue": ["live", "comments"], "risk": "high, very-high", "automated_decision": "false"}
    await sends(manager, "/plans", **filled_in(clock, **scope, settle_hours="48"))

    [drafted] = await plans(audit, programme)
    found = {name: value for name, value in drafted["scope"].items() if value != []}
    assert found == {
        "vendor": ["acme"],
        "queue": ["live", "comments"],
        "risk": ["high", "very-high"],
        "automated_decision": False,
    }
    assert drafted["settle_hours"] == 48
    words = said(await manager.opens(SAMPLING))
    assert "5 of every stratum. Only vendor acme; queue live, comments; risk high, very-high; decided by people." in words


async def test_a_change_of_a_published_plan_is_the_draft_of_its_next_version(
    manager: Person, audit: httpx.AsyncClient, clock: Clock, programme: str
) -> None:
    """The form begins with what the plan says, is previewed without changing it, and is refused where somebody was faster."""
    await sends(manager, "/plans", **filled_in(clock, queue="live", kind="precision", half_width="2.5", confidence="90"))
    [drafted] = await plans(audit, programme)
    below = f"/plans/{drafted['id']}"
    await sends(manager, f"{below}/publication", f"publish-{drafted['id']}", revision="1")
    form = await manager.opens(f"{SAMPLING}?plan={drafted['id']}")
    changed = filled_in(clock, queue="comments", each="9", due_days="3")

    preview = await sends(manager, f"/previews?plan={drafted['id']}", **changed)
    unchanged = await plans(audit, programme)
    answer = await sends(manager, f"{below}/changes", **changed, revision="2")
    stale = await sends(manager, f"{below}/changes", **changed | {"title": "Too late"}, revision="2")
    again = await sends(manager, f"{below}/publication", f"publish-{drafted['id']}", revision="3")

    assert "version 1 goes on until that is published" in said(form)
    assert f'action="{manager.home}{SAMPLING}{below}/changes"' in form.text
    for name, value in (("half_width", "2.5"), ("confidence", "90"), ("weeks", "13"), ("due_days", "5")):
        assert f'name="{name}" type="number" value="{value}"' in form.text
    assert re.search(r'name="queue" value="live" checked', form.text)
    assert "What it would come to" in said(preview)
    assert f'action="{manager.home}{SAMPLING}{below}/changes"' in preview.text
    assert re.search(r'name="queue" value="comments" checked', preview.text)
    assert [each["revision"] for each in unchanged] == [2]
    assert (answer.status_code, stale.status_code, again.status_code) == (303, 412, 303)
    assert 'value="Too late"' in stale.text
    assert 'name="revision" value="3"' in stale.text
    [plan] = await plans(audit, programme)
    assert (plan["state"], plan["published_version"], plan["scope"]["queue"]) == ("published", 2, ["comments"])
    assert (plan["allocation"], plan["due_days"]) == ({"kind": "fixed", "each": 9}, 3)


async def test_a_change_keeps_what_the_programme_knows_no_more(
    manager: Person,
    audit: httpx.AsyncClient,
    clock: Clock,
    programme: str,
    configure: Callable[..., Awaitable[None]],
) -> None:
    """So that a plan for one queue does not become one for all by being saved: it is refused beside its field."""
    await sends(manager, "/plans", **filled_in(clock, queue="live"))
    [drafted] = await plans(audit, programme)
    await configure(queues=["comments"])

    form = await manager.opens(f"{SAMPLING}?plan={drafted['id']}")
    refused = await sends(manager, f"/plans/{drafted['id']}/changes", **filled_in(clock, queue="live"), revision="1")

    assert re.search(r'name="queue" value="live" checked> live \(not known\)', form.text)
    assert refused.status_code == 409
    assert 'id="plan-queue-wrong"' in refused.text


numbers = st.integers(1, 1000)
permille = st.integers(1, 500).map(lambda number: number / 1000)
some_words = st.lists(st.sampled_from(["live", "very-high", "a.b:c_d"]), unique=True)
allocations = st.one_of(
    st.fixed_dictionaries({"kind": st.just("fixed"), "each": numbers}),
    st.fixed_dictionaries({"kind": st.just("neyman"), "total": numbers, "weeks": st.integers(1, 104)}),
    st.fixed_dictionaries({"kind": st.just("precision"), "half_width": permille, "of": st.just("all")}),
    st.fixed_dictionaries({"kind": st.just("power"), "difference": st.just(0.011), "expected_error_rate": permille}),
    st.fixed_dictionaries({"kind": st.just("acceptance"), "aql": st.sampled_from([0.065, 1.0, 10.0])}),
)


@given(
    allocation=allocations,
    strata=st.lists(st.sampled_from(["site", "queue", "policy"]), unique=True),
    scope=st.fixed_dictionaries(
        {"queue": some_words, "risk": some_words, "automated_decision": st.sampled_from([None, True, False])}
    ),
    minutes=st.integers(1, 6000).map(lambda number: number / 10),
    settle=st.integers(0, 720),
)
def test_a_plan_that_is_saved_as_it_stands_says_the_same(
    allocation: dict[str, Any], strata: list[str], scope: dict[str, Any], minutes: float, settle: int
) -> None:
    """Whatever it says, to the last digit."""
    document = {"title": "So", "starts_on": "2026-09-07", "allocation": allocation, "strata": strata, "scope": scope}
    plan = NewSamplingPlan.model_validate(document | {"minutes_per_audit": minutes, "settle_hours": settle})

    assert read_plan(filled_in_form(plan)) == plan


@pytest.mark.parametrize("below", ["/plans", "/previews"])
@pytest.mark.parametrize(
    ("changes", "wrong", "status"),
    [
        ({"title": ""}, ["title"], 422),
        ({"starts_on": "", "priority": "10"}, ["starts_on", "priority"], 422),
        ({"each": ""}, ["each"], 422),
        ({"kind": "power", "difference": "much"}, ["difference"], 422),
        ({"kind": "power", "difference": "10", "allocation_power_power": "100"}, ["allocation_power_power"], 422),
        ({"budget_audits": "0", "budget_hours": "all", "minutes_per_audit": "0"}, ["budget_audits", "budget_hours"], 422),
        ({"strata": ["mood"]}, ["strata"], 422),
        ({"settle_hours": "721", "risk": "so high"}, ["settle_hours", "risk"], 422),
        ({"site": ["lisbon", "nowhere"]}, ["site"], 409),
        ({"kind": "acceptance", "aql": "3"}, ["aql"], 409),
        ({"kind": "acceptance", "aql": "4", "minimum_per_stratum": "2"}, [], 422),
        ({"kind": "luck"}, [], 422),
    ],
)
async def test_what_is_wrong_is_said_beside_its_field(
    manager: Person,
    audit: httpx.AsyncClient,
    clock: Clock,
    programme: str,
    below: str,
    changes: dict[str, Any],
    wrong: list[str],
    status: int,
) -> None:
    """With all that was filled in; nothing is kept."""
    answer = await sends(manager, below, **filled_in(clock, due_days="17") | changes)

    assert answer.status_code == status
    assert [name for name in wrong if f'id="plan-{name}-wrong"' not in answer.text] == []
    assert 'id="plan-allocation_power_power-wrong"' not in answer.text or "allocation_power_power" in wrong
    assert 'role="alert"' in answer.text
    assert 'name="due_days" type="number" value="17"' in answer.text
    assert "What it would come to" not in answer.text
    assert await plans(audit, programme) == []


async def test_a_plan_without_a_period_to_come_is_not_published(
    manager: Person, audit: httpx.AsyncClient, clock: Clock, programme: str
) -> None:
    """The page says why, where it was asked."""
    past = next_monday(clock) - timedelta(days=14)
    ended = filled_in(clock, starts_on=past.isoformat(), ends_on=(past + timedelta(days=6)).isoformat())
    await sends(manager, "/plans", **ended)
    [drafted] = await plans(audit, programme)

    answer = await sends(manager, f"/plans/{drafted['id']}/publication", f"publish-{drafted['id']}", revision="1")

    assert answer.status_code == 409
    assert "No period of it begins more than an hour from now." in answer.text
    assert [each["state"] for each in await plans(audit, programme)] == ["draft"]


async def test_only_managers_are_shown_the_forms(
    manager: Person, person: Callable[..., Person], clock: Clock, audit: httpx.AsyncClient, programme: str
) -> None:
    """Who reads plans alone is refused when sending one."""
    await sends(manager, "/plans", **filled_in(clock))
    auditor = person(Role.AUDITOR, subject="qa-1")
    poc = person(Role.VENDOR_POC, vendor="acme", subject="poc")
    pages = [await who.opens(SAMPLING) for who in (auditor, poc)]

    assert "Draft a plan" in said(await manager.opens(SAMPLING))
    assert "By hand" in said(pages[0])
    for page in pages:
        assert "<form" not in page.text.split("<main", 1)[-1]
    seen = await manager.opens(SAMPLING)
    for who in (auditor, poc):
        who.browser.cookies.update({name: value for name, value in manager.browser.cookies.items() if "form" in name})
        refused = await who.sends(f"{SAMPLING}/plans", "plan", seen, **filled_in(clock))
        assert refused.status_code == 403
    assert len(await plans(audit, programme)) == 1
