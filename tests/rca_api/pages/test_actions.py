"""Actions on pages: agreed on with a case, done by whose they are, verified by somebody else; the plan; notices; coaching."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from appeals import Clock
from dashboard_browser import Person, said
from tallystick.schemas.principal import Role

ACTION = {"title": "Teach module 3 again", "kind": "corrective", "owner": "poc", "owner_vendor": "acme"}


@pytest.fixture(autouse=True)
def december(clock: Clock) -> None:
    """All of it happens in the weeks before the days that are named here."""
    clock.now = datetime(2026, 12, 7, 8, tzinfo=UTC)


@pytest.fixture
async def action(manager: Person, rca: httpx.AsyncClient, case: dict[str, Any]) -> dict[str, Any]:
    """An action of acme's point of contact, agreed on with the form of its case."""
    answer = await manager.sends(f"/cases/{case['id']}/actions", "action", **ACTION, due_at="2027-01-15")
    assert answer.status_code == 303, answer.text
    [found] = (await rca.get("/v1/actions", params={"programme": case["programme"]})).json()["items"]
    agreed: dict[str, Any] = found
    return agreed


async def stand(rca: httpx.AsyncClient, action: dict[str, Any]) -> dict[str, Any]:
    """The action as it stands."""
    found: dict[str, Any] = (await rca.get(f"/v1/actions/{action['id']}", params={"programme": action["programme"]})).json()
    return found


async def test_an_action_goes_from_agreed_to_verified(
    manager: Person, poc: Person, rca: httpx.AsyncClient, action: dict[str, Any]
) -> None:
    """Its owner completes it with evidence on the page of their actions; a manager finds it to be verified on theirs."""
    mine = await poc.opens("/actions")
    below = f"/actions/{action['id']}/steps"
    nothing = await poc.sends(below, f"complete-{action['id']}", mine, step="complete", revision="1")
    fields = {"step": "complete", "revision": "1", "note": "All were there", "evidence": "attendance-list: 14 of 14"}
    done = await poc.sends(below, f"complete-{action['id']}", nothing, **fields)
    to_verify = await manager.opens("/actions")
    verified = await manager.sends(below, "verify", to_verify, step="verify", revision="2")

    assert "1 to do, none overdue" in said(mine)
    assert "due 15 Jan 2027" in said(mine)
    assert "Verify" not in mine.text
    assert nothing.status_code == 422
    assert "takes evidence, or a note" in nothing.text
    assert (done.status_code, done.headers["location"]) == (303, f"{poc.home}/actions")
    assert "attendance-list" in to_verify.text
    assert "Teach module 3 again" in to_verify.text
    assert verified.status_code == 303
    assert (await stand(rca, action))["state"] == "verified"
    assert "Nothing is yours to do." in (await poc.opens("/actions")).text


async def test_a_case_shows_its_actions_with_the_steps_of_the_viewer(
    manager: Person, poc: Person, case: dict[str, Any], action: dict[str, Any]
) -> None:
    """And the board counts them; a step on the page of the case leads back there."""
    path = f"/cases/{case['id']}"
    theirs, board = await poc.opens(path), await manager.opens()
    started = await poc.sends(f"{path}/actions/{action['id']}/steps", "start", theirs, step="start", revision="1")
    stale = await poc.sends(f"{path}/actions/{action['id']}/steps", f"start-{action['id']}", theirs, step="start", revision="1")

    assert "Teach module 3 again" in theirs.text
    assert "Agree on an action" not in theirs.text
    assert "1 action to do" in said(board)
    assert started.headers["location"] == f"{poc.home}{path}#actions"
    assert stale.status_code == 412
    assert "in progress" in stale.text


async def test_a_manager_gives_an_action_another_owner_and_due_date(
    manager: Person, poc: Person, rca: httpx.AsyncClient, action: dict[str, Any]
) -> None:
    """On the page of its case and, once it is late, on that of one's own; what is left as it was is not changed."""
    case, below = f"/cases/{action['case_id']}", f"/actions/{action['id']}/changes"
    form = f"change-{action['id']}"
    fields = {"owner": "poc", "owner_vendor": "acme", "due_at": "2027-01-15"}
    same = await manager.sends(f"{case}{below}", form, **fields, revision="1")
    past = await manager.sends(f"{case}{below}", form, **fields | {"due_at": "2020-01-01"}, revision="1")
    later = await manager.sends(f"{case}{below}", form, **fields | {"due_at": "2027-02-01"}, revision="1")
    theirs = await manager.sends(below, form, owner="tina", due_at="2027-02-01", revision="2")
    stale = await manager.sends(below, form, owner="pia", due_at="2027-02-01", revision="2")

    assert "Change owner or due date" in (await manager.opens(case)).text
    assert "Change owner or due date" not in (await poc.opens(case)).text
    assert (same.status_code, past.status_code, stale.status_code) == (422, 409, 412)
    assert "Nothing is to be changed." in same.text
    assert f'id="{form}-due_at-wrong"' in past.text
    assert later.headers["location"] == f"{manager.home}{case}#actions"
    assert theirs.headers["location"] == f"{manager.home}/actions"
    now = await stand(rca, action)
    assert (now["owner"], now["owner_vendor"], now["due_at"]) == ("tina", None, "2027-02-01T23:00:00Z")


async def test_managers_find_what_is_late_at_others(manager: Person, poc: Person, action: dict[str, Any], clock: Clock) -> None:
    """On the page of their own actions, to give it to somebody else or more time."""
    early = await manager.opens("/actions")
    clock.now = datetime(2027, 1, 20, tzinfo=UTC)

    late = await manager.opens("/actions")

    assert action["title"] not in early.text
    assert "Overdue at others" in late.text
    assert f'action="{manager.home}/actions/{action["id"]}/changes"' in late.text
    assert "Overdue at others" not in (await poc.opens("/actions")).text


async def test_another_vendor_sees_nothing_of_an_action(person: Callable[..., Person], action: dict[str, Any]) -> None:
    """Neither on its page of actions, nor by sending its form."""
    other = person(Role.VENDOR_POC, vendor="borealis", subject="other")

    page = await other.opens("/actions")
    sent = await other.sends(f"/actions/{action['id']}/steps", "start", page, step="start", revision="1")

    assert "Teach module 3 again" not in page.text
    assert sent.status_code == 404


async def test_people_read_what_they_were_told(poc: Person, action: dict[str, Any]) -> None:
    """The notice leads to the case."""
    page = await poc.opens("/actions")

    assert f'href="{poc.home}/cases/{action["case_id"]}">{action["title"]}: yours to do' in page.text


async def test_a_plan_is_registered_before_the_work_starts(
    manager: Person, poc: Person, rca: httpx.AsyncClient, case: dict[str, Any], clock: Clock
) -> None:
    """By a form that begins with the scope of the case; both sides read it. Windows that overlap come back as they were typed."""
    today = clock.now.date()
    windows = {
        "baseline_from": today - timedelta(days=70),
        "baseline_to": today - timedelta(days=14),
        "verification_from": today,
        "verification_to": today + timedelta(days=28),
    }
    given = {name: day.isoformat() for name, day in windows.items()}
    given |= {"measure": "error_rate", "wanted": "40", "minimum_sample": "200", "site": "lisbon"}
    path = f"/cases/{case['id']}"
    too_late = given | {"baseline_to": given["verification_to"]}
    overlapping = await manager.sends(f"{path}/plan", "register", **too_late)
    answer = await manager.sends(f"{path}/plan", "register", **given)

    plan = (await rca.get(f"/v1/cases/{case['id']}/plan", params={"programme": case["programme"]})).json()
    assert overlapping.status_code == 409
    assert "before the baseline has ended" in overlapping.text
    assert answer.headers["location"] == f"{manager.home}{path}#plan"
    assert (plan["effect"]["wanted"], plan["effect"]["scope"]["site"]) == (0.4, ["lisbon"])
    for viewer in (manager, poc):
        assert "falls by at least 40 % beyond the rest, judged on 200 audits or more" in said(await viewer.opens(path))


async def test_a_coached_person_answers(
    person: Callable[..., Person], manager: Person, rca: httpx.AsyncClient, programme: str
) -> None:
    """On the page of their actions, once it was held; nobody else is asked."""
    new = {
        "title": "Satire", "person": "mod-17", "subject": "mod", "vendor": "acme", "planned_for": "2026-12-01T09:00:00Z",
    }  # fmt: skip
    where = {"programme": programme}
    session = (await rca.post("/v1/coaching-sessions", params=where, json=new)).json()
    held = await rca.post(
        f"/v1/coaching-sessions/{session['id']}/notes",
        params=where,
        json={"notes": "We read three examples."},
        headers={"If-Match": '"1"'},
    )
    assert held.status_code == 200, held.text
    coached = person(Role.VENDOR_POC, vendor="acme", subject="mod")

    page = await coached.opens("/actions")
    answered = await coached.sends(
        f"/actions/coaching/{session['id']}/answer", f"answer-{session['id']}", page, agreed="false", text="Two", revision="2"
    )

    assert "We read three examples." in page.text
    assert answered.status_code == 303
    assert "We read three examples." not in (await manager.opens("/actions")).text
    found = (await rca.get(f"/v1/coaching-sessions/{session['id']}", params=where)).json()
    assert (found["state"], found["answered_by"]) == ("disputed", "mod")
