"""How cases move: along the table of transitions, with a history that keeps everything."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from actions import agreed, registered, run
from appeals import Clock
from cases import asked, brought, caused, closed, done, opened, stepped
from conftest import Caller
from factories import programme_document
from rca_api.plans.records import STARTED
from tallystick.schemas.case import CASE_TRANSITIONS, FINISHED, CaseState, CaseStep
from tallystick.schemas.principal import Role

Case = dict[str, Any]


async def _history(client: httpx.AsyncClient, case: Case) -> list[dict[str, Any]]:
    """Everything that happened on a case, page by page."""
    address = f"/v1/cases/{case['id']}/steps"
    answer = await client.get(address, params={"programme": case["programme"], "limit": 2})
    events: list[dict[str, Any]] = answer.json()["items"]
    while "next" in answer.links:
        answer = await client.get(f"{address}{answer.links['next']['url']}")
        events += answer.json()["items"]
    return events


@pytest.mark.parametrize("state", CaseState)
async def test_only_the_steps_of_the_table_are_taken(
    rca: httpx.AsyncClient, rca_app: FastAPI, programme: str, state: CaseState
) -> None:
    """From every state every other step is refused, with those that are possible; those of the table lead where it says."""
    by_state = {step.step: step.target for step in CASE_TRANSITIONS if state in step.sources}
    case = await opened(rca, programme)
    await caused(rca, case)
    await agreed(rca, case)
    await done(registered(rca, case))
    for step in sorted(set(CaseStep) - {CaseStep.OPEN}):
        await _put(rca_app, case, state)
        if step in {CaseStep.CLOSE, CaseStep.OVERRIDE}:
            answer = await closed(rca, case, override="Enough." if step is CaseStep.OVERRIDE else None)
        else:
            answer = await stepped(rca, case, step, "Because.")
        expected = by_state.get(step)

        assert answer.status_code == (200 if expected else 409), f"{step}: {answer.text}"
        if expected:
            assert answer.json()["state"] == expected
            assert (await _history(rca, case))[-1]["step"] == step
        else:
            assert answer.json()["type"].endswith("/problems/case-state")
            assert answer.json()["possible"] == [each.step for each in CASE_TRANSITIONS if state in each.sources]


async def _put(rca_app: FastAPI, case: Case, state: CaseState) -> None:
    """Put a case into a state, however it may have come there, with all that any step from there needs."""
    this = {"programme": case["programme"], "id": case["id"]}
    await run(rca_app, "update cases set state = :state where programme = :programme and id = :id", state=state, **this)
    await run(rca_app, "update actions set state = 'verified' where programme = :programme and case_id = :id", **this)
    plan = "update plans set frozen = :frozen, verdict = 'effective' where programme = :programme and case_id = :id"
    await run(rca_app, plan, frozen=state in STARTED, **this)


async def test_a_case_leaves_analysis_with_a_cause_that_has_evidence(rca: httpx.AsyncClient, programme: str) -> None:
    """Neither a proposal nor an accepted cause without evidence will do; what is missing is said."""
    case = await brought(rca, await opened(rca, programme), "analysis")
    nothing = await stepped(rca, case, "plan")
    proposed = await done(asked(rca, case, "POST", "/causes", {"code": "workflow", "evidence": [{"reference": "x"}]}))
    only_proposed = await stepped(rca, case, "plan")
    await caused(rca, case, evidence=[])
    without = await stepped(rca, case, "plan")
    await done(asked(rca, case, "POST", f"/causes/{proposed['id']}/decision", {"outcome": "accepted"}))
    planned = await stepped(rca, case, "plan")

    for refused in (nothing, only_proposed, without):
        assert refused.status_code == 409
        assert refused.json()["type"].endswith("/problems/case-incomplete")
        assert [error["code"] for error in refused.json()["errors"]] == ["no_root_cause"]
        assert refused.json()["possible"] == ["plan", "cancel"]
    assert planned.json()["state"] == "action_plan"


async def test_a_step_needs_its_version_and_its_reason(rca: httpx.AsyncClient, programme: str) -> None:
    """Without If-Match 428, with another version 412, cancelled without a note 422; none of them changes anything."""
    case = await opened(rca, programme)
    answers = [await stepped(rca, case, "analyse", if_match=tag) for tag in (None, '"7"')]
    answers.append(await stepped(rca, case, "cancel"))
    answers.append(await stepped(rca, case, "override"))
    read = await asked(rca, case, "GET", "")

    assert [answer.status_code for answer in answers] == [428, 412, 422, 422]
    assert read.json() == case


async def test_a_closed_case_opens_again_with_its_root_cause_due_anew(
    rca: httpx.AsyncClient, audit: httpx.AsyncClient, programme: str, clock: Clock
) -> None:
    """Its conclusion leaves it for the history, and its due date runs on the programme's calendar from then."""
    document = programme_document(programme, targets={"root_cause_days": 2}, cases={"watch_days": 10})
    (await audit.put(f"/v1/programmes/{programme}", json=document, headers={"If-Match": '"1"'})).raise_for_status()
    clock.now = datetime(2026, 10, 1, 8, tzinfo=UTC)  # a Thursday
    case = await opened(rca, programme)
    finished = (await closed(rca, await brought(rca, case))).json()
    clock.now = datetime(2026, 10, 5, 8, tzinfo=UTC)
    unchanged = await asked(rca, case, "PATCH", "", {"priority": "high"})
    again = (await stepped(rca, case, "reopen", "It came back.")).json()

    assert case["due_at"] == "2026-10-05T22:00:00Z"
    assert finished["watch_until"] == "2026-10-11T08:00:00Z"
    assert unchanged.json()["type"].endswith("/problems/case-closed")
    assert (again["state"], again["reopened"], again["due_at"]) == ("reopened", 1, "2026-10-07T22:00:00Z")
    assert [again[name] for name in ("conclusion", "override", "closed_by", "closed_at", "watch_until")] == [None] * 5
    entry = [event for event in await _history(rca, case) if event["step"] == "override"]
    assert entry[0]["changed"]["conclusion"] == finished["conclusion"]
    assert [(each["step"], each["state"]) for each in again["moves"]] == [
        ("open", "open"),
        ("analyse", "analysis"),
        ("plan", "action_plan"),
        ("override", "closed"),
        ("reopen", "reopened"),
    ]
    assert again["moves"][0] == {"step": "open", "state": "open", "at": "2026-10-01T08:00:00Z", "due_at": None}
    assert again["moves"][2]["due_at"] == case["due_at"]


async def test_a_case_is_overdue_until_its_root_cause_is_known(rca: httpx.AsyncClient, programme: str, clock: Clock) -> None:
    """It is found as overdue, and its ETag is another one, though nobody touched it."""
    case = await opened(rca, programme, due_at="2026-10-05T22:00:00+02:00")
    clock.now = datetime(2026, 10, 5, 19, tzinfo=UTC)
    before = await asked(rca, case, "GET", "")
    clock.now = datetime(2026, 10, 6, tzinfo=UTC)
    after = await asked(rca, case, "GET", "")
    found = await rca.get("/v1/cases", params={"programme": programme, "overdue": True})
    planned = await brought(rca, case)

    assert (before.json()["overdue"], after.json()["overdue"]) == (False, True)
    assert before.headers["etag"] != after.headers["etag"]
    assert [each["id"] for each in found.json()["items"]] == [case["id"]]
    assert planned["overdue"] is False


async def test_the_history_keeps_everything_with_the_new_values(rca: httpx.AsyncClient, programme: str) -> None:
    """Steps with their notes, changes with the new values, whys, causes and links, in the order in which they happened."""
    case, other = await opened(rca, programme), await opened(rca, programme)
    change = {"owner": "nina", "participants": [{"subject": "pia", "vendor": "acme"}], "due_at": None}
    changed = await done(asked(rca, case, "PATCH", "", change, '"1"'))
    await done(stepped(rca, case, "analyse", "Shift by shift."))
    why = await done(asked(rca, case, "POST", "/whys", {"text": "New people"}))
    cause = await caused(rca, case)
    link = await done(asked(rca, case, "POST", "/links", {"to": other["id"], "kind": "duplicate"}))
    await asked(rca, case, "DELETE", f"/links/{link['id']}")
    events = await _history(rca, case)

    assert (changed["owner"], changed["participants"]) == ("nina", change["participants"])
    assert [(event["kind"], event["step"], event["about"]) for event in events] == [
        ("step", "open", None),
        ("change", None, None),
        ("step", "analyse", None),
        ("why", None, why["id"]),
        ("cause", None, cause["id"]),
        ("cause", None, cause["id"]),
        ("link", None, link["id"]),
        ("unlink", None, link["id"]),
    ]
    assert events[1]["changed"] == change
    assert (events[2]["note"], events[2]["by"], events[2]["state"]) == ("Shift by shift.", "someone", "analysis")
    assert events[5]["changed"] == {"code": "training_gap", "state": "accepted"}


async def test_a_change_names_what_it_changes(rca: httpx.AsyncClient, programme: str) -> None:
    """Nothing, a title that is taken away, and people of another vendor are refused."""
    case = await opened(rca, programme)
    refused = [
        await asked(rca, case, "PATCH", "", body)
        for body in ({}, {"title": None}, {"state": "closed"}, {"participants": [{"subject": "bo", "vendor": "borealis"}]})
    ]

    assert [answer.status_code for answer in refused] == [422, 422, 422, 409]
    assert refused[3].json()["errors"][0]["pointer"] == "/participants/0/vendor"
    assert (await asked(rca, case, "GET", "")).json() == case


async def test_links_join_cases_of_one_vendor_for_that_vendor(
    rca: httpx.AsyncClient, rca_app: FastAPI, caller: Caller, programme: str
) -> None:
    """Those to an internal case are the client's alone; the same link again is the one that is there."""
    case, own, internal = [await opened(rca, programme, vendor=vendor) for vendor in ("acme", "acme", None)]
    links = [await done(asked(rca, case, "POST", "/links", {"to": each["id"]})) for each in (own, internal)]
    again = await done(asked(rca, case, "POST", "/links", {"to": own["id"]}))
    itself, nowhere = [
        await asked(rca, case, "POST", "/links", {"to": to}) for to in (case["id"], "01a204c7-295c-735b-8c12-86ddf52a14c7")
    ]
    poc = caller(rca_app, Role.VENDOR_POC, vendor="acme", programmes=(programme,))
    shown = {
        client: [link["id"] for link in (await asked(client, each, "GET", "/links")).json()["items"]]
        for client, each in ((rca, case), (poc, case))
    }
    of_other = (await asked(rca, internal, "GET", "/links")).json()["items"]
    told = [event["about"] for event in await _history(poc, case) if event["kind"] == "link"]
    feed = (await poc.get("/v1/changes", params={"programme": programme})).json()["changes"]

    assert again == links[0]
    assert (itself.status_code, nowhere.status_code) == (409, 409)
    assert shown == {rca: [link["id"] for link in links], poc: [links[0]["id"]]}
    assert [link["id"] for link in of_other] == [links[1]["id"]]
    assert told == [links[0]["id"]]
    assert [change["id"] for change in feed if change["noun"] == "case_link"] == [links[0]["id"]]


async def test_a_finished_case_takes_nothing_more(rca: httpx.AsyncClient, programme: str) -> None:
    """No message, why, cause, decision or change, whether it was closed or cancelled."""
    for finish in ("closed", "cancelled"):
        case = await opened(rca, programme)
        cause = await caused(rca, case)
        if finish == "closed":
            await done(closed(rca, await brought(rca, case)))
        else:
            await done(stepped(rca, case, "cancel", "A mistake."))
        refused = [
            await asked(rca, case, method, path, body)
            for method, path, body in (
                ("POST", "/messages", {"text": "More."}),
                ("POST", "/whys", {"text": "Because."}),
                ("POST", "/causes", {"code": "other"}),
                ("POST", f"/causes/{cause['id']}/decision", {"outcome": "accepted"}),
                ("PATCH", f"/causes/{cause['id']}", {"share": 0.1}),
                ("PATCH", "", {"priority": "low"}),
            )
        ]

        assert finish in FINISHED
        assert [answer.json()["type"].rsplit("/")[-1] for answer in refused] == ["case-closed"] * 6


def test_every_state_is_reached_and_left() -> None:
    """The table of transitions has no dead end but a cancelled case, and nothing that cannot be reached."""
    targets = {each.target for each in CASE_TRANSITIONS}
    sources = {state for each in CASE_TRANSITIONS for state in each.sources}

    assert targets == set(CaseState)
    assert sources == set(CaseState) - {CaseState.CANCELLED}
