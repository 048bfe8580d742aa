"""The page of one's own work: an item is claimed, judged, kept for longer, given back; breaks and opt-outs."""

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from appeals import Clock
from audit_api.pages.say import link
from dashboard_browser import Person, form_token, said
from tallystick.schemas.principal import Role

Put = Callable[..., Awaitable[list[str]]]
WORK = "/work"
INCORRECT = {"verdict": "incorrect", "benchmark_action": "keep", "benchmark_policy": "no_violation", "error_code": "FP-HARASS"}
SCORECARD = [{"code": "depth", "name": "Looked deep enough", "weight": 3}, {"code": "tone", "name": "Words to the user"}]


async def sends(who: Person, below: str, form: str, seen: httpx.Response | None = None, **fields: Any) -> httpx.Response:
    """A form of the page, with what stands on it."""
    page = seen or await who.opens(WORK)
    return await who.sends(f"{WORK}{below}", form, page, **fields)


async def claim(who: Person, **fields: Any) -> httpx.Response:
    """The page after the next item was asked for."""
    answer = await sends(who, "/claim", "claim", **fields)
    assert answer.status_code == 303, answer.text
    return await who.browser.get(answer.headers["location"])


async def audits(audit: httpx.AsyncClient, programme: str) -> list[dict[str, Any]]:
    """What was recorded."""
    found: list[dict[str, Any]] = (await audit.get("/v1/audits", params={"programme": programme})).json()["items"]
    return found


async def test_an_item_is_claimed_judged_and_followed_by_the_next(
    auditor: Person, put: Put, audit: httpx.AsyncClient, programme: str
) -> None:
    """Who finds a decision correct says no more than that; the next item is there at once."""
    first, second = await put({"turn": 1}, {"turn": 2})
    empty = await auditor.opens(WORK)
    page = await claim(auditor)

    answer = await sends(auditor, f"/{first}/audit", "judge", page, verdict="correct", then="next", key="once")
    again = await sends(auditor, f"/{first}/audit", "judge", page, verdict="correct", then="next", key="once")
    following = await auditor.browser.get(answer.headers["location"])

    assert "Nothing is in your hand" in said(empty)
    assert f"item:{first}" in said(page)
    assert "Yours for 30 minutes" in said(page)
    assert "Recorded." in said(following)
    assert f"item:{second}" in said(following)
    assert again.headers["location"] == answer.headers["location"]
    [recorded] = await audits(audit, programme)
    assert (recorded["external_id"], recorded["verdict"], recorded["auditor"]) == (first, "correct", "qa-1")
    assert (recorded["benchmark_action"], recorded["benchmark_policy"]) == ("remove", "harassment")


async def test_an_error_is_recorded_with_what_its_code_says(
    auditor: Person, put: Put, audit: httpx.AsyncClient, programme: str
) -> None:
    """The class that the code names need not be said; whoever records and stops is handed nothing."""
    [item] = await put({})
    page = await claim(auditor)
    fields = INCORRECT | {"severity": "minor", "attributable_to": "training", "comment": "It was satire."}

    answer = await sends(auditor, f"/{item}/audit", "judge", page, **fields, then="stop")

    assert answer.headers["location"] == f"{auditor.home}{WORK}?told=recorded"
    [recorded] = await audits(audit, programme)
    assert recorded["error_class"] == "false_positive"
    assert {name: recorded[name] for name in fields} == fields


async def test_what_is_missing_is_said_beside_its_field(auditor: Person, put: Put) -> None:
    """With everything that was filled in, and the item still in hand."""
    [item] = await put({})
    page = await claim(auditor)
    fields = INCORRECT | {"comment": "Long thoughts"}

    without = await sends(auditor, f"/{item}/audit", "judge", page, **fields)
    nothing = await sends(auditor, f"/{item}/audit", "judge", page, comment="Kept")
    unknown = await sends(auditor, f"/{item}/audit", "judge", page, **fields | {"error_code": "NO-SUCH", "severity": "minor"})

    assert (without.status_code, nothing.status_code, unknown.status_code) == (409, 422, 409)
    assert 'id="judge-severity-wrong"' in without.text
    assert "Long thoughts</textarea>" in without.text
    assert re.search(r'value="FP-HARASS" checked', without.text)
    assert 'id="judge-verdict-wrong"' in nothing.text
    assert 'id="judge-error_code-wrong"' in unknown.text


async def test_a_scorecard_is_rated_line_by_line(
    auditor: Person, put: Put, audit: httpx.AsyncClient, programme: str, configure: Callable[..., Awaitable[None]]
) -> None:
    """As the programme has it; a line may be not applicable, and none is passed over."""
    await configure(scorecard=SCORECARD)
    [item] = await put({})
    page = await claim(auditor)
    rated = {"verdict": "correct", "rating_depth": "0.5", "rating_tone": "none"}

    missing = await sends(auditor, f"/{item}/audit", "judge", page, verdict="correct", rating_depth="1")
    answer = await sends(auditor, f"/{item}/audit", "judge", page, **rated)

    assert "Looked deep enough" in said(page)
    assert missing.status_code == 422
    assert 'id="judge-rating_tone-wrong"' in missing.text
    assert answer.status_code == 303, answer.text
    [recorded] = await audits(audit, programme)
    assert [(line["code"], line["weight"], line["rating"]) for line in recorded["scorecard"]] == [
        ("depth", 3, 0.5),
        ("tone", 1, None),
    ]
    assert recorded["quality_score"] == 0.5


async def test_an_item_is_kept_for_longer_with_what_was_filled_in(auditor: Person, put: Put, clock: Clock) -> None:
    """Under the revision that the page then has; a page from before that is told so."""
    [item] = await put({})
    page = await claim(auditor)
    clock.now += timedelta(minutes=20)
    late = await auditor.opens(WORK)
    fields = {"revision": "2", "verdict": "incorrect", "comment": "So far"}

    longer = await sends(auditor, f"/{item}/renewal", "judge", page, **fields)
    stale = await sends(auditor, f"/{item}/renewal", "judge", page, **fields)

    assert "Yours for 10 minutes" in said(late)
    assert "Yours for 30 minutes" in said(longer)
    assert "So far</textarea>" in longer.text
    assert 'name="revision" value="3"' in longer.text
    assert stale.status_code == 412
    assert "So far</textarea>" in stale.text


async def test_what_was_filled_in_is_shown_where_the_item_is_gone(auditor: Person, put: Put) -> None:
    """Nobody loses words to another tab, or to a lease."""
    audited, given_back = await put({"turn": 1}, {"turn": 2})
    fields = {"verdict": "incorrect", "comment": "Three paragraphs", "rating_depth": "0.5"}
    page = await claim(auditor)
    await sends(auditor, f"/{audited}/audit", "judge", page, verdict="correct", key="in the other tab", then="next")
    await sends(auditor, f"/{given_back}/hand-back", "hand-back", page, reason="wellbeing", revision="2")

    here = await sends(auditor, f"/{audited}/audit", "judge", page, **fields)
    gone = await sends(auditor, f"/{given_back}/audit", "judge", page, **fields)

    assert here.status_code == 409
    assert "The item is not in your hand any more" in here.text
    assert gone.status_code == 404
    for answer in (here, gone):
        assert "Three paragraphs" in answer.text
        assert "<dt>Rating depth</dt><dd>0.5</dd>" in answer.text


async def test_an_item_is_given_back(auditor: Person, put: Put) -> None:
    """For one's wellbeing without a word; it does not come again."""
    [item] = await put({})
    page = await claim(auditor)

    without = await sends(auditor, f"/{item}/hand-back", "hand-back", page, revision="2")
    stale = await sends(auditor, f"/{item}/hand-back", "hand-back", page, reason="other", comment="Why", revision="1")
    answer = await sends(auditor, f"/{item}/hand-back", "hand-back", page, reason="wellbeing", revision="2")

    assert without.status_code == 422
    assert 'id="hand-back-reason-wrong"' in without.text
    assert stale.status_code == 412
    assert "Given back." in said(await auditor.browser.get(answer.headers["location"]))
    assert "Items wait, and none of them is for your languages and policies." in said(await claim(auditor))


async def test_nothing_comes_with_a_kind_word(auditor: Person) -> None:
    """Which says why."""
    assert "Nothing waits to be audited: well done." in said(await claim(auditor))
    assert "Nothing waits to be audited: well done." in said(await claim(auditor, lighter="true"))


async def test_something_lighter_comes_instead_and_says_so(
    auditor: Person, put: Put, configure: Callable[..., Awaitable[None]]
) -> None:
    """Where something heavier waits that a cap leaves no room for."""
    await configure(exposure={"daily_cap": 10})
    _, light = await put({"harm": 9.0, "policy": "hate", "priority": 1}, {})

    page = await claim(auditor)

    assert f"item:{light}" in said(page)
    assert "here is something lighter" in said(page)
    assert "of 10" in said(page)


async def test_a_cap_that_is_full_says_until_when(auditor: Person, put: Put, configure: Callable[..., Awaitable[None]]) -> None:
    """And thanks."""
    await configure(exposure={"daily_cap": 10})
    await put({"harm": 9.0})

    page = said(await claim(auditor))

    assert "That was enough for today" in page
    assert "on there is more" in page


async def test_a_break_begins_and_nothing_comes_meanwhile(auditor: Person, put: Put) -> None:
    """The page says until when."""
    await put({})

    taken = await sends(auditor, "/break", "break", minutes="20")
    wrong = await sends(auditor, "/break", "break", minutes="0")
    page = said(await claim(auditor))

    assert taken.headers["location"] == f"{auditor.home}{WORK}#care"
    assert wrong.status_code == 422
    assert 'id="break-minutes-wrong"' in wrong.text
    assert "Enjoy your break" in page
    assert "Break until" in page


async def test_opt_outs_are_set_and_taken_back(auditor: Person) -> None:
    """No reason is asked."""
    saved = await sends(auditor, "/opt-outs", "opt-outs", policies=["hate", "harassment"])
    wrong = await sends(auditor, "/opt-outs", "opt-outs", policies=["no-such-policy"])
    page = await auditor.opens(WORK)
    await sends(auditor, "/opt-outs", "opt-outs")

    assert saved.status_code == 303
    assert wrong.status_code == 422
    assert 'id="opt-outs-policies-wrong"' in wrong.text
    assert "What I am not handed: 2" in said(page)
    assert "What I am not handed: nothing" in said(await auditor.opens(WORK))


async def test_an_item_tells_nothing_that_could_sway_its_judge(auditor: Person, put: Put) -> None:
    """Neither who decided, nor for whom, nor how it was chosen; hints with the note that they are not known to reduce harm."""
    await put({"render_hints": ["blur", "mute"], "content_ref": "https://content.example/items/7", "moderator": "mod-77"})

    page = await claim(auditor)

    for word in ("mod-77", "acme", "Acme", "lisbon", "s-1", "stratum", "sampled"):
        assert word not in page.text
    assert "blurred, without sound" in said(page)
    assert "not known to reduce harm" in said(page)
    assert 'href="https://content.example/items/7" target="_blank" rel="noopener noreferrer"' in page.text


@pytest.mark.parametrize("reference", ["javascript:alert(1)", "item:7", "https://", "http://[", "data:text/html,x"])
def test_no_other_reference_becomes_a_link(reference: str) -> None:
    """It is shown as it is."""
    assert not link(reference)


async def test_who_is_no_auditor_of_the_programme_is_told_so(person: Callable[..., Person]) -> None:
    """A manager, too; asking all the same is refused."""
    for role in (Role.AUDITOR, Role.QUALITY_MANAGER):
        who = person(role, subject="nobody-yet")
        page = await who.opens(WORK)
        asked = await sends(who, "/claim", "claim", page)

        assert "You are not among the auditors of this programme" in said(page)
        assert asked.status_code == 403


@pytest.mark.parametrize("role", [Role.ANALYST, Role.VENDOR_POC])
async def test_others_have_no_work_here(person: Callable[..., Person], role: Role) -> None:
    """Neither the page nor its forms."""
    vendor = "acme" if role is Role.VENDOR_POC else None

    assert (await person(role, vendor=vendor).opens(WORK)).status_code == 403


async def test_no_other_site_claims_or_judges(auditor: Person, put: Put) -> None:
    """Though the browser would bring the cookie along."""
    await put({})
    token = form_token(await auditor.opens(WORK))

    forged = await auditor.browser.post(
        f"{auditor.home}{WORK}/claim", data={"form_token": token}, headers={"Sec-Fetch-Site": "cross-site"}
    )

    assert forged.status_code == 403
    assert "Nothing is in your hand" in said(await auditor.opens(WORK))
