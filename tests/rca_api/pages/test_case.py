"""The page of one case: what it says, to whom, and what its forms do."""

import re
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from appeals import Clock
from dashboard_browser import Person, said
from factories import programme_document
from tallystick.service.pages import words


@pytest.fixture
def path(case: dict[str, Any]) -> str:
    """Of the page, below that of the programme."""
    return f"/cases/{case['id']}"


async def stand(rca: httpx.AsyncClient, case: dict[str, Any], what: str = "") -> Any:
    """A case as the API shows it, or something of it."""
    answer = await rca.get(f"/v1/cases/{case['id']}{what}", params={"programme": case["programme"]})
    assert answer.status_code == 200
    return answer.json()


async def test_a_case_says_where_it_stands_and_what_is_missing(manager: Person, path: str) -> None:
    """State, priority, owner, scope, origin; the steps that are possible, in words."""
    text = said(await manager.opens(path))

    assert "Harassment missed at lisbon" in text
    assert "shared with Acme" in text
    assert "lisbon" in text
    assert "Begin the analysis" in text
    assert "It is being gathered" in text


async def test_a_manager_moves_a_case_step_by_step(
    manager: Person, rca: httpx.AsyncClient, case: dict[str, Any], path: str
) -> None:
    """What is missing for a step is said before it is tried; with a cause that has evidence it can be taken."""
    await manager.sends(f"{path}/steps", "step-analyse", step="analyse", revision="1")
    before = said(await manager.opens(path))

    assert "Not yet: ✗ A case leaves its analysis with at least one accepted root cause that has evidence." in before

    cause = {"code": "training_gap", "share": "60", "evidence": "training-log-12: module 3 is missing", "audience": "vendor"}
    await manager.sends(f"{path}/causes", "cause", **cause)
    [proposed] = (await stand(rca, case, "/causes"))["items"]
    decided = await manager.sends(f"{path}/causes/{proposed['id']}/decision", "decide", revision="1", outcome="accepted")
    answer = await manager.sends(f"{path}/steps", "step-plan", step="plan", revision=str((await stand(rca, case))["revision"]))

    assert proposed["share"] == 0.6
    assert proposed["evidence"] == [{"kind": "document", "reference": "training-log-12", "note": "module 3 is missing"}]
    assert (decided.status_code, answer.status_code) == (303, 303)
    assert answer.headers["location"] == f"{manager.home}{path}#standing"
    assert (await stand(rca, case))["state"] == "action_plan"
    assert "explains 60 % of the error" in said(await manager.opens(path))


async def test_who_was_slower_loses_nothing(manager: Person, rca: httpx.AsyncClient, case: dict[str, Any], path: str) -> None:
    """The page says so, shows the case as it is now, and holds what was typed, ready to be sent again."""
    seen = await manager.opens(path)
    await manager.sends(f"{path}/steps", "step-analyse", seen, step="analyse", revision="1")

    fields = {"title": "A better title", "owner": "ann", "priority": "high", "description": "Typed for long"}
    late = await manager.sends(f"{path}/changes", "change", seen, revision="1", **fields)

    assert late.status_code == 412
    assert "Somebody changed this since you opened the page" in late.text
    assert "Typed for long</textarea>" in late.text
    assert 'name="revision" value="2"' in late.text
    assert (await stand(rca, case))["title"] == case["title"]

    again = await manager.sends(f"{path}/changes", "change", late, revision="2", **fields)

    assert again.status_code == 303
    assert (await stand(rca, case))["title"] == "A better title"


async def test_people_take_part_and_are_let_go(
    manager: Person, poc: Person, rca: httpx.AsyncClient, case: dict[str, Any], path: str
) -> None:
    """Of both sides, one by one, each once; of another vendor nobody."""
    await manager.sends(f"{path}/participants", "participant", subject="pia", of="acme", revision="1")
    await manager.sends(f"{path}/participants", "participant", subject="ann", revision="2")
    foreign = await manager.sends(f"{path}/participants", "participant", subject="x", of="borealis", revision="3")
    stale = await manager.sends(f"{path}/participants/removal", "remove-1", subject="pia", of="acme", revision="1")
    ours, theirs = await manager.opens(path), await poc.opens(path)
    await manager.sends(f"{path}/participants/removal", "remove-2", ours, subject="ann", revision="3")

    assert (foreign.status_code, stale.status_code) == (409, 412)
    assert 'value="x"' in foreign.text
    assert "Remove (pia)" in said(ours)
    assert "pia" in theirs.text
    assert "Remove" not in theirs.text
    assert (await stand(rca, case))["participants"] == [{"subject": "pia", "vendor": "acme"}]


async def test_cases_are_linked_and_the_link_is_taken_away(
    manager: Person, poc: Person, rca: httpx.AsyncClient, case: dict[str, Any], path: str
) -> None:
    """It is read from both, and taken away where it was made; a vendor sees no link to what is not shared with it."""
    other = (await rca.post("/v1/cases", params={"programme": case["programme"]}, json={"title": "A tool was slow"})).json()
    offered = await manager.opens(path)
    nothing = await manager.sends(f"{path}/links", "link", kind="related")
    linked = await manager.sends(f"{path}/links", "link", kind="caused_by", to=other["id"])
    [link] = (await stand(rca, case, "/links"))["items"]
    here, there = await manager.opens(path), await manager.opens(f"/cases/{other['id']}")
    theirs = await poc.opens(path)
    gone = await manager.sends(f"{path}/links/{link['id']}/removal", f"unlink-{link['id']}")

    assert f'<option value="{other["id"]}">A tool was slow (open, ' in offered.text
    assert nothing.status_code == 422
    assert 'id="link-to-wrong"' in nothing.text
    assert (linked.status_code, gone.status_code) == (303, 303)
    assert "Caused by A tool was slow" in said(here)
    assert "Unlink (A tool was slow)" in said(here)
    assert "Is the cause of Harassment missed at lisbon" in said(there)
    assert "Unlink" not in there.text
    assert "A tool was slow" not in theirs.text
    assert (await stand(rca, case, "/links"))["items"] == []


async def test_the_day_of_another_case_is_one_of_the_programme(
    clock: Clock, manager: Person, rca: httpx.AsyncClient, case: dict[str, Any], path: str
) -> None:
    """Between midnight in Berlin and midnight in UTC, the new day has begun."""
    clock.now = datetime(2026, 12, 7, 23, 30, tzinfo=UTC)
    await rca.post("/v1/cases", params={"programme": case["programme"]}, json={"title": "A tool was slow"})

    assert "A tool was slow (open, 8 Dec 2026)" in said(await manager.opens(path))


async def test_a_due_date_is_a_day_of_the_programme(manager: Person, path: str) -> None:
    """It is over when that day is, by the clocks of the programme; the form shows the same day again."""
    fields = {"title": "T", "priority": "normal", "due_at": "2027-02-01"}
    await manager.sends(f"{path}/changes", "change", revision="1", **fields)

    page = await manager.opens(path)
    assert 'type="date" value="2027-02-01"' in page.text
    assert "due 1 Feb 2027" in said(page)


@pytest.mark.parametrize(
    ("zone", "due", "over"),
    [
        ("America/Santiago", "2027-09-04", "2027-09-05T04:00:00Z"),
        ("America/Santiago", "2027-04-03", "2027-04-04T04:00:00Z"),
        ("America/Havana", "2027-10-30", "2027-10-31T04:00:00Z"),
        ("Pacific/Kiritimati", "2027-12-31", "2027-12-31T10:00:00Z"),
    ],
)
async def test_a_due_date_stays_where_clocks_change_at_midnight(
    clock: Clock, manager: Person, rca: httpx.AsyncClient, audit: httpx.AsyncClient, case: dict[str, Any], path: str,
    zone: str, due: str, over: str,
) -> None:  # fmt: skip
    """The day before one that begins at 01:00, or whose midnight comes twice, is shown as it was chosen, however often."""
    clock.now = datetime(2027, 3, 1, 8, tzinfo=UTC)
    document = programme_document(case["programme"], time_zone=zone)
    url = f"/v1/programmes/{case['programme']}"
    (await audit.put(url, json=document, headers={"If-Match": "*"})).raise_for_status()
    fields = {"title": "T", "priority": "normal", "due_at": due}
    await manager.sends(f"{path}/changes", "change", revision="1", **fields)
    page = await manager.opens(path)

    assert f'type="date" value="{due}"' in page.text
    assert f"due {words.day(due)}".replace("\N{NO-BREAK SPACE}", " ") in said(page)
    assert (await stand(rca, case))["due_at"] == over


async def test_a_due_date_within_a_day_stays_while_its_day_does(
    manager: Person, rca: httpx.AsyncClient, case: dict[str, Any], path: str
) -> None:
    """The form holds days: what it shows as it was changes nothing, another day is over when it ends, and none is none."""
    url, where = f"/v1/cases/{case['id']}", {"programme": case["programme"]}
    await rca.patch(url, params=where, json={"due_at": "2027-02-01T11:00:00Z"}, headers={"If-Match": "*"})
    found = []
    for revision, due_at in enumerate(("2027-02-01", "2027-02-02", ""), 2):
        fields = {"title": "Another", "priority": "normal", "due_at": due_at, "revision": str(revision)}
        await manager.sends(f"{path}/changes", "change", **fields)
        found.append((await stand(rca, case))["due_at"])

    assert found == ["2027-02-01T11:00:00Z", "2027-02-02T23:00:00Z", None]


async def test_a_day_without_a_day_after_it_is_refused(manager: Person, path: str) -> None:
    """The calendar ends with it."""
    fields = {"title": "T", "priority": "normal", "due_at": "9999-12-31"}
    answer = await manager.sends(f"{path}/changes", "change", revision="1", **fields)

    assert answer.status_code == 422


async def test_whys_grow_into_a_tree_and_a_fishbone(
    manager: Person, poc: Person, rca: httpx.AsyncClient, case: dict[str, Any], path: str
) -> None:
    """Both sides answer; what was found wrong stays readable, struck out."""
    await poc.sends(f"{path}/whys", "why", text="The new joiners had no training", category="people_training")
    [first] = (await stand(rca, case, "/whys"))["items"]
    await manager.sends(f"{path}/whys", "why", text="The trainer was ill", parent=first["id"], category="process")
    second = (await stand(rca, case, "/whys"))["items"][1]
    await manager.sends(f"{path}/whys/{second['id']}", "strike", revision="1", struck="yes")

    page = await manager.opens(path)
    assert second["parent"] == first["id"]
    assert "<del>The trainer was ill</del>" in page.text
    assert re.search(r"<dt>People and training</dt><dd><ul><li>The new joiners had no training", page.text)
    assert "And why is that?" in page.text


async def test_what_is_wrong_with_a_choice_is_said_beside_it(
    manager: Person, rca: httpx.AsyncClient, case: dict[str, Any], path: str
) -> None:
    """As beside any other field: whether a cause is one, and who reads something."""
    await manager.sends(f"{path}/causes", "cause", code="workload")
    [cause] = (await stand(rca, case, "/causes"))["items"]
    decide = f"decide-{cause['id']}"
    undecided = await manager.sends(f"{path}/causes/{cause['id']}/decision", decide, revision="1", outcome="perhaps")
    unheard = await manager.sends(f"{path}/messages", "message", text="To whom?", audience="nobody")

    assert [each.status_code for each in (undecided, unheard)] == [422, 422]
    assert f'id="{decide}-outcome-wrong"' in undecided.text
    assert 'id="message-audience-wrong"' in unheard.text


async def test_a_conversation_has_two_audiences(manager: Person, poc: Person, path: str) -> None:
    """What the client's people say among themselves is nowhere on the vendor's page, nor a form to say it with."""
    await manager.sends(f"{path}/messages", "message", text="Between us", audience="internal")
    await manager.sends(f"{path}/messages", "message", text="To you all", audience="vendor", mentions="poc, ann")
    await poc.sends(f"{path}/messages", "message", text="We look into it")
    await manager.sends(f"{path}/whys", "why", text="Secret reason", audience="internal")
    await manager.sends(f"{path}/causes", "cause", code="workload", text="Secret cause", audience="internal")

    ours, theirs = await manager.opens(path), await poc.opens(path)

    assert "Between us" in ours.text
    assert "to poc, ann" in ours.text
    for kept in ("Between us", "Secret reason", "Secret cause", 'value="internal"'):
        assert kept not in theirs.text
    assert "To you all" in theirs.text
    assert "We look into it" in ours.text


async def test_a_vendors_people_do_their_part_and_no_more(
    poc: Person, rca: httpx.AsyncClient, case: dict[str, Any], path: str
) -> None:
    """They propose causes and speak; to move the case, decide or change it is refused, and offered by no form."""
    page = await poc.opens(path)
    proposed = await poc.sends(f"{path}/causes", "cause", code="new_people", evidence="list-of-joiners")
    [cause] = (await stand(rca, case, "/causes"))["items"]
    refused = [
        await poc.sends(f"{path}/steps", "step-analyse", step="analyse", revision="1"),
        await poc.sends(f"{path}/changes", "change", title="Ours", priority="low", revision="1"),
        await poc.sends(f"{path}/causes/{cause['id']}/decision", "decide", outcome="accepted", revision="1"),
        await poc.sends(f"{path}/closure", "step-close", conclusion="Done", revision="1"),
        await poc.sends(f"{path}/messages", "message", text="Psst", audience="internal"),
    ]

    assert proposed.status_code == 303
    assert [answer.status_code for answer in refused] == [403] * 5
    assert "Propose a root cause" in page.text
    assert "Save the changes" not in page.text
    assert "Cancel the case" not in page.text
    assert "A quality manager moves the case on" in page.text


async def test_anothers_case_is_not_there(poc: Person, rca: httpx.AsyncClient, programme: str) -> None:
    """Neither to read nor to write to; an internal one neither."""
    for vendor in ("borealis", None):
        new = {"vendor": vendor, "title": "Not for acme"}
        other = (await rca.post("/v1/cases", params={"programme": programme}, json=new)).json()

        read = await poc.opens(f"/cases/{other['id']}")
        written = await poc.sends(f"/cases/{other['id']}/messages", "message", text="Hello")

        assert (read.status_code, written.status_code) == (404, 404)
        assert "Not for acme" not in read.text + written.text


async def test_a_case_is_cancelled_with_a_reason_and_opened_no_more(manager: Person, path: str) -> None:
    """Without the reason the form comes back; afterwards the page has no form but those of its frame."""
    without = await manager.sends(f"{path}/steps", "step-cancel", step="cancel", revision="1")
    await manager.sends(f"{path}/steps", "step-cancel", step="cancel", revision="1", note="A mistake")

    page = await manager.opens(path)

    assert without.status_code == 422
    assert "To cancel a case needs a note." in without.text
    assert "A mistake" in page.text
    assert page.text.count("<form") == 1


async def test_what_people_write_is_text_and_nothing_else(manager: Person, path: str) -> None:
    """No markup of theirs reaches the page."""
    await manager.sends(
        f"{path}/messages", "message", text="<script>alert(1)</script>", audience="vendor", evidence="<img src=x>"
    )

    page = await manager.opens(path)

    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(1)" in page.text
    assert "<img src=x>" not in page.text
