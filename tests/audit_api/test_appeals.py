"""Appeals: raised by a vendor, claimed and decided by somebody who had no part in the audit, escalated once, and never edited."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from appeals import CORRECT, Appeal, Clock, People, claim, configure, decide, new_appeal, recorded, step, submit, submitted
from batches import CSV, NDJSON, Found, encoded, problem, pushed
from conftest import Caller
from factories import programme_document
from tallystick.schemas.appeal import TRANSITIONS, AppealAction, AppealBatchResult, AppealHistory, AppealPage
from tallystick.schemas.appeal import Appeal as AppealModel
from tallystick.schemas.audit import AuditRevisions
from tallystick.schemas.principal import Role

NO_SUCH = "01a204a9-4350-70e1-b4e8-fc290367a4d0"


async def read(client: httpx.AsyncClient, programme: str, appeal: Appeal) -> Appeal:
    """The appeal as it stands."""
    answer = await client.get(f"/v1/appeals/{appeal['id']}", params={"programme": programme})
    assert answer.status_code == 200, answer.text
    AppealModel.model_validate_json(answer.content)
    found: Appeal = answer.json()
    return found


async def read_audit(client: httpx.AsyncClient, programme: str, audit_id: str) -> dict[str, Any]:
    """The audit as it stands."""
    found: dict[str, Any] = (await client.get(f"/v1/audits/{audit_id}", params={"programme": programme})).json()
    return found


async def test_an_overturned_appeal_revises_the_audit_and_reaches_the_vendor(people: People, programme: str) -> None:
    """Raised, claimed, overturned, acknowledged: the error is gone, the first judgement stays, and every step is on record."""
    [audit_id] = await recorded(people.recorder, programme, "A-1")
    appeal = await submitted(people.poc, programme, audit_id)
    claimed = await claim(people.adjudicator, programme)
    assert claimed is not None
    decided = await decide(people.adjudicator, programme, claimed, "overturned")
    audit = await read_audit(people.admin, programme, audit_id)
    seen = await read(people.poc, programme, appeal)
    acknowledged = (await step(people.poc, programme, seen, "acknowledgement")).json()
    where = {"programme": programme}
    history = (await people.poc.get(f"/v1/appeals/{appeal['id']}/history", params=where)).json()["items"]
    inside = (await people.admin.get(f"/v1/appeals/{appeal['id']}/history", params=where)).json()["items"]
    revisions = [
        (await client.get(f"/v1/audits/{audit_id}/revisions", params=where)).json()["items"][-1]
        for client in (people.poc, people.admin)
    ]

    assert decided.status_code == 200, decided.text
    assert (appeal["state"], appeal["stage"], appeal["contested"]) == ("submitted", "review", [
        "benchmark_action", "benchmark_policy", "verdict", "error_class", "error_code", "severity",
    ])  # fmt: skip
    assert (claimed["id"], claimed["state"], claimed["claimed_by"]) == (appeal["id"], "in_review", "judge-1")
    assert (audit["verdict"], audit["benchmark_action"], audit["error_code"]) == ("correct", "keep", None)
    assert audit["first_scored"]["verdict"] == "incorrect"
    assert (seen["state"], seen["reason"], seen["possible"]) == ("overturned", "It is overturned.", [])
    assert (seen["decided_by"], decided.json()["decided_by"]) == (None, "judge-1")
    assert (acknowledged["acknowledged_by"], acknowledged["state"]) == ("poc-a", "overturned")
    assert [(each["action"], each["by"]) for each in history] == [("submit", "poc-a"), ("claim", None), ("overturn", None)]
    assert [each["by"] for each in inside] == ["poc-a", "judge-1", "judge-1"]
    assert [revision["recorded_by"] for revision in revisions] == [None, "judge-1"]
    assert {(revision["reason"], revision["appeal_id"]) for revision in revisions} == {
        (f"Appeal {appeal['id']} overturned: It is overturned.", appeal["id"])
    }


async def test_an_amended_appeal_puts_the_adjudicators_judgement_in_place(people: People, programme: str) -> None:
    """Neither the audit nor the vendor was quite right; scorecard and comment are the adjudicator's too."""
    [audit_id] = await recorded(people.recorder, programme, "A-1")
    await submitted(people.poc, programme, audit_id)
    claimed = await claim(people.adjudicator, programme)
    assert claimed is not None
    as_it_is = {
        "benchmark_action": "remove", "benchmark_policy": "harassment", "verdict": "incorrect", "error_class": "false_negative",
        "error_code": "FN-HARASS", "severity": "major",
    }  # fmt: skip
    proposed = {"benchmark_action": "keep", "benchmark_policy": "no_violation", "verdict": "correct"}
    refused = [
        await decide(people.adjudicator, programme, claimed, "amended", judgement=judgement)
        for judgement in (as_it_is, proposed, as_it_is | {"error_code": "NO-SUCH"})
    ]
    shapes = [
        await decide(people.adjudicator, programme, claimed, "amended"),
        await decide(people.adjudicator, programme, claimed, "upheld", judgement=as_it_is),
    ]
    amended = await decide(people.adjudicator, programme, claimed, "amended", judgement=as_it_is | {"severity": "minor"})
    audit = await read_audit(people.admin, programme, audit_id)

    assert [
        (problem(answer), answer.json()["errors"][0]["pointer"], answer.json()["errors"][0]["code"]) for answer in refused
    ] == [
        ("appeal-refused", "/judgement", "same_as_audit"),
        ("appeal-refused", "/judgement", "same_as_proposal"),
        ("appeal-refused", "/judgement/error_code", "unknown_error_code"),
    ]
    assert [answer.status_code for answer in shapes] == [422, 422]
    assert (amended.json()["state"], audit["severity"], audit["first_scored"]["severity"]) == ("amended", "minor", "major")
    assert "escalate" in amended.json()["possible"]


async def test_a_decision_can_be_escalated_once_to_somebody_else_and_is_final_then(
    people: People, programme: str, audit_app: FastAPI, caller: Caller
) -> None:
    """Arbitration is never for who decided first and never for auditors; what it decides cannot be escalated."""
    first = caller(audit_app, Role.QUALITY_MANAGER, subject="manager-0")
    [audit_id] = await recorded(people.recorder, programme, "A-1")
    appeal = await submitted(people.poc, programme, audit_id)
    claimed = await claim(first, programme)
    assert claimed is not None
    upheld = (await decide(first, programme, claimed, "upheld")).json()
    again = await submit(people.poc, programme, audit_id, comment="And yet.")
    await step(people.poc, programme, upheld, "acknowledgement")
    escalated = (
        await step(people.poc, programme, await read(people.poc, programme, appeal), "escalation", {"note": "No."})
    ).json()
    nobodys = [await claim(client, programme) for client in (first, people.adjudicator, people.recorder)]
    arbitrated = await claim(people.arbitrator, programme, stage="arbitration")
    assert arbitrated is not None
    final = (await decide(people.arbitrator, programme, arbitrated, "upheld")).json()
    more = await step(people.poc, programme, final, "escalation", {"note": "Still no."})

    assert (problem(again), again.json()["appeal_id"]) == ("appeal-decided", appeal["id"])
    assert (escalated["state"], escalated["stage"], escalated["acknowledged_at"]) == ("submitted", "arbitration", None)
    assert (escalated["escalate_until"], escalated["reason"]) == (None, "It is upheld.")
    assert nobodys == [None, None, None]
    assert (arbitrated["id"], final["state"], final["possible"]) == (appeal["id"], "upheld", [])
    assert (problem(more), more.json()["possible"]) == ("appeal-state", [])


async def test_a_decision_is_escalated_in_time_or_not_at_all(people: People, programme: str, clock: Clock) -> None:
    """Until the end of the last working day; what may be done is told accordingly, under another tag."""
    await configure(people, programme, appeals={"escalation_days": 2}, calendar={"working_days": list(_WEEK)})
    [audit_id] = await recorded(people.recorder, programme, "A-1")
    await submitted(people.poc, programme, audit_id)
    claimed = await claim(people.adjudicator, programme)
    assert claimed is not None
    upheld = await decide(people.adjudicator, programme, claimed, "upheld")
    until = datetime.fromisoformat(upheld.json()["escalate_until"])
    clock.now = until - timedelta(seconds=1)
    before = await people.poc.get(f"/v1/appeals/{claimed['id']}", params={"programme": programme})
    clock.now = until
    after = await people.poc.get(
        f"/v1/appeals/{claimed['id']}", params={"programme": programme}, headers={"If-None-Match": before.headers["etag"]}
    )
    late = await step(people.poc, programme, upheld.json(), "escalation", {"note": "No."})

    assert (before.json()["possible"], after.status_code, after.json()["possible"]) == (["escalate"], 200, [])
    assert (problem(late), late.json()["possible"]) == ("appeal-state", [])


STEPS: dict[AppealAction, tuple[str, Any]] = {
    AppealAction.RELEASE: ("release", {"note": "Not mine."}),
    AppealAction.UPHOLD: ("decision", {"outcome": "upheld", "reason": "So."}),
    AppealAction.OVERTURN: ("decision", {"outcome": "overturned", "reason": "So."}),
    AppealAction.WITHDRAW: ("withdrawal", {"note": "Seen."}),
    AppealAction.ESCALATE: ("escalation", {"note": "No."}),
}


async def _in(state: str, people: People, programme: str, number: int) -> Appeal:
    """An appeal in one of the states that people bring it to."""
    [audit_id] = await recorded(people.recorder, programme, f"{state}-{number}")
    appeal = await submitted(people.poc, programme, audit_id)
    if state == "withdrawn":
        appeal = (await step(people.poc, programme, appeal, "withdrawal", {"note": "Seen."})).json()
    elif state != "submitted":
        claimed = await claim(people.adjudicator, programme)
        assert claimed is not None
        appeal = claimed
        if state != "in_review":
            appeal = (await decide(people.adjudicator, programme, appeal, state)).json()
    assert appeal["state"] == state
    return appeal


@pytest.mark.parametrize("state", ["submitted", "in_review", "upheld", "overturned", "withdrawn"])
async def test_the_table_of_transitions_is_all_there_is(people: People, programme: str, state: str) -> None:
    """Whatever it does not list is a 409 that lists what is possible; what it lists leads where it says."""
    for number, (action, (name, body)) in enumerate(STEPS.items()):
        appeal = await _in(state, people, programme, number)
        [transition] = [each for each in TRANSITIONS if each.action is action]
        client = people.poc if Role.VENDOR_POC in transition.by else people.adjudicator
        answer = await step(client, programme, appeal, name, body)
        listed = [each.action for each in TRANSITIONS if state in each.sources and each.by]

        assert appeal["possible"] == listed
        if state in transition.sources:
            assert answer.json()["state"] == transition.target, answer.text
        else:
            assert (answer.status_code, problem(answer), answer.json()["possible"]) == (409, "appeal-state", listed)
            assert (await read(people.poc, programme, appeal))["revision"] == appeal["revision"]
        if state == "submitted" and action is not AppealAction.WITHDRAW:  # out of the way of the next claim
            await step(people.poc, programme, appeal, "withdrawal", {"note": "Seen."})


async def test_a_step_names_the_version_that_it_is_meant_for(people: People, programme: str) -> None:
    """428 without If-Match, 412 with another version; the tag of any form in which the version was read will do."""
    [audit_id] = await recorded(people.recorder, programme, "A-1")
    appeal = await submitted(people.poc, programme, audit_id)
    tag = (await people.poc.get(f"/v1/appeals/{appeal['id']}", params={"programme": programme})).headers["etag"]
    answers = [
        await step(people.poc, programme, appeal, "withdrawal", {"note": "Seen."}, if_match=each) for each in (None, '"7"', tag)
    ]
    known = await people.poc.get(
        f"/v1/appeals/{appeal['id']}", params={"programme": programme}, headers={"If-None-Match": answers[2].headers["etag"]}
    )

    assert [answer.status_code for answer in answers] == [428, 412, 200]
    assert known.status_code == 304


async def test_a_claim_is_its_holders_alone_until_it_is_released_or_lapses(people: People, programme: str, clock: Clock) -> None:
    """Nobody else decides it or gives it back; when its time is over not even the holder does."""
    await configure(people, programme, appeals={"claim_minutes": 30})
    [audit_id] = await recorded(people.recorder, programme, "A-1")
    await submitted(people.poc, programme, audit_id)
    claimed = await claim(people.adjudicator, programme)
    assert claimed is not None
    others = [
        await decide(people.arbitrator, programme, claimed, "upheld"),
        await step(people.arbitrator, programme, claimed, "release", {"note": "No."}),
    ]
    released = (await step(people.adjudicator, programme, claimed, "release", {"note": "Not my language."})).json()
    second = await claim(people.arbitrator, programme)
    assert second is not None
    clock.move(minutes=30)
    late = await decide(people.arbitrator, programme, second, "upheld")
    history = (await people.poc.get(f"/v1/appeals/{second['id']}/history", params={"programme": programme})).json()["items"]

    assert [(answer.status_code, problem(answer)) for answer in others] == [(403, "appeal-claimed")] * 2
    assert (released["state"], released["claimed_by"], released["claimed_until"]) == ("submitted", None, None)
    assert second["claimed_by"] == "manager-1"
    assert (problem(late), late.json()["possible"]) == ("appeal-state", ["claim", "withdraw"])
    assert [(each["action"], each["note"]) for each in history][2] == ("release", None)


async def test_what_cannot_be_appealed_says_why(people: People, programme: str, clock: Clock) -> None:
    """Foreign, unknown, under appeal, out of time, with an unknown ground, with a proposal that cannot be or changes nothing."""
    await configure(people, programme, targets={"appeal_window_days": 5})
    one, two, erased = await recorded(people.recorder, programme, "A-1", "A-2", "A-3")
    where: dict[str, Any] = {"params": {"programme": programme}, "headers": {"If-Match": '"1"'}}
    await people.admin.post(f"/v1/audits/{erased}/erasure", json={"reason": "Asked for."}, **where)
    appeal = await submitted(people.poc, programme, one)
    refused = {
        "foreign": await submit(people.other_poc, programme, two),
        "unknown": await submit(people.poc, programme, NO_SUCH),
        "nameless": await submit(people.poc, programme, two, external_id="A-2"),
        "open": await submit(people.poc, programme, one, comment="Again."),
        "erased": await submit(people.poc, programme, erased),
        "ground": await submit(people.poc, programme, two, ground="no_such"),
        "contradiction": await submit(people.poc, programme, two, proposed={"verdict": "correct", "error_code": "FN-HARASS"}),
        "nothing": await submit(people.poc, programme, two, proposed={"severity": "major"}),
    }
    same = await submit(people.poc, programme, one)
    clock.move(days=9)
    refused["late"] = await submit(people.poc, programme, two)
    judgement = {"benchmark_action": "keep", "benchmark_policy": "hate", "verdict": "correct"}
    revision = await people.recorder.post(
        f"/v1/audits/{two}/revisions", json={"judgement": judgement, "reason": "Seen."}, **where
    )
    anew = await submit(people.poc, programme, two)

    assert {name: (answer.status_code, problem(answer)) for name, answer in refused.items()} == {
        "foreign": (404, "not-found"),
        "unknown": (404, "not-found"),
        "nameless": (422, "invalid-request"),
        "open": (409, "appeal-open"),
        "erased": (409, "audit-erased"),
        "ground": (409, "appeal-refused"),
        "contradiction": (409, "appeal-refused"),
        "nothing": (409, "appeal-refused"),
        "late": (409, "appeal-window-closed"),
    }
    assert refused["open"].json()["appeal_id"] == appeal["id"]
    assert [refused[name].json()["errors"][0]["pointer"] for name in ("ground", "contradiction", "nothing")] == [
        "/ground", "/proposed/error_code", "/proposed",
    ]  # fmt: skip
    assert (same.status_code, same.json()["id"]) == (200, appeal["id"])
    assert (revision.status_code, anew.status_code) == (201, 201)  # a new judgement opens the window anew


async def test_a_revised_audit_can_be_appealed_anew_and_its_old_decision_not_escalated_beside_that(
    people: People, programme: str
) -> None:
    """A new judgement is a new thing to disagree with, and an audit is under one appeal at a time."""
    [audit_id] = await recorded(people.recorder, programme, "A-1")
    await submitted(people.poc, programme, audit_id)
    claimed = await claim(people.adjudicator, programme)
    assert claimed is not None
    upheld = (await decide(people.adjudicator, programme, claimed, "upheld")).json()
    audit = await read_audit(people.admin, programme, audit_id)
    names = ("benchmark_action", "benchmark_policy", "verdict", "error_class", "error_code")
    judgement = {name: audit[name] for name in names} | {"severity": "critical"}
    revised = await people.admin.post(
        f"/v1/audits/{audit_id}/revisions",
        params={"programme": programme},
        json={"judgement": judgement, "reason": "Worse."},
        headers={"If-Match": '"1"'},
    )
    anew = await submitted(people.poc, programme, audit_id, comment="Now it is too severe.", proposed={"severity": "major"})
    escalated = await step(people.poc, programme, upheld, "escalation", {"note": "No."})

    assert revised.status_code == 201
    assert (anew["audit_revision"], anew["contested"]) == (2, ["severity"])
    assert (problem(escalated), escalated.json()["appeal_id"]) == ("appeal-open", anew["id"])


@pytest.mark.parametrize("media_type", [NDJSON, CSV])
async def test_appeals_are_raised_in_bulk_and_every_row_gets_its_verdict(people: People, programme: str, media_type: str) -> None:
    """Good rows are raised, bad ones say why, repetitions name what they repeat; the whole again creates nothing."""
    one, two, three = await recorded(people.recorder, programme, "A-1", "A-2", "A-3")
    await recorded(people.admin, programme, "B-1", vendor="borealis", site="krakow")
    before = await submitted(people.poc, programme, three)
    rows = [
        new_appeal(one), {**new_appeal(""), "audit_id": None, "external_id": "A-2"}, new_appeal(one), new_appeal(three),
        new_appeal(three, comment="Again."), {**new_appeal(""), "audit_id": None, "external_id": "B-1"},
        new_appeal(two, ground="no_such"), new_appeal(two, ground=""),
    ]  # fmt: skip
    flat = [
        {name: value for name, value in row.items() if name != "proposed"}
        | {"evidence": " ".join(row["evidence"]), "proposed.verdict": row["proposed"]["verdict"], "proposed.severity": ""}
        for row in rows
    ]
    body = encoded(rows if media_type == NDJSON else flat, media_type)
    how: dict[str, Any] = {"params": {"programme": programme}, "content": body}
    first, replayed = [
        await people.poc.post("/v1/appeal-batches", **how, headers={"Content-Type": media_type, "Idempotency-Key": "k"})
        for _ in range(2)
    ]
    again = await people.poc.post("/v1/appeal-batches", **how, headers={"Content-Type": media_type})
    answer = AppealBatchResult.model_validate_json(first.content)
    [raised] = (await people.poc.get("/v1/appeals", params={"programme": programme, "audit_id": one})).json()["items"]

    assert first.status_code == 201
    assert [(row.verdict, [error.code for error in row.errors]) for row in answer.results[:7]] == [
        ("created", []), ("created", []), ("duplicate", []), ("duplicate", []), ("rejected", ["appeal_open"]),
        ("rejected", ["not_found"]), ("rejected", ["appeal_open"]),
    ]  # fmt: skip
    assert (answer.counts.rows, answer.counts.created, answer.counts.duplicate, answer.counts.rejected) == (8, 2, 2, 4)
    assert answer.results[2].appeal_id == answer.results[0].appeal_id
    assert str(answer.results[3].appeal_id) == str(answer.results[4].appeal_id) == before["id"]
    assert answer.results[7].errors[0].pointer == "/ground"
    assert (replayed.json(), replayed.headers["idempotent-replayed"]) == (first.json(), "true")
    assert [row["verdict"] for row in again.json()["results"]][:4] == ["duplicate"] * 4
    assert (raised["evidence"], raised["proposed"]["verdict"], raised["ground"]) == (["case-7"], "correct", "context_missed")


async def test_an_appeal_is_raised_once_for_a_key(people: People, programme: str) -> None:
    """The same key replays the first answer; another payload under it is refused."""
    one, two = await recorded(people.recorder, programme, "A-1", "A-2")
    how: dict[str, Any] = {"params": {"programme": programme}, "headers": {"Idempotency-Key": "key"}}
    first, again, other = [await people.poc.post("/v1/appeals", json=new_appeal(each), **how) for each in (one, one, two)]

    assert (first.status_code, again.status_code, again.headers["idempotent-replayed"]) == (201, 201, "true")
    assert first.json() == again.json()
    assert problem(other) == "idempotency-key-reused"


async def test_lists_are_narrowed_and_paged(people: People, programme: str, clock: Clock) -> None:
    """By state, stage, ground, audit, the shared vocabulary, lateness and the day of submission in the programme's zone."""
    await configure(people, programme, targets={"appeal_turnaround_days": 1}, calendar={"working_days": list(_WEEK)})
    audits = [
        *await recorded(people.recorder, programme, "A-1", "A-2", "A-3"),
        *await recorded(people.recorder, programme, "A-4", language="pl", auditor="qa-9", severity="critical"),
    ]
    for audit_id in audits:
        await submitted(people.poc, programme, audit_id, ground="technical" if audit_id == audits[1] else "context_missed")
        clock.move(seconds=1)
    claimed = await claim(people.adjudicator, programme)
    assert claimed is not None
    clock.move(days=3)
    names = {audit_id: f"A-{number}" for number, audit_id in enumerate(audits, 1)}

    async def found(client: httpx.AsyncClient = people.admin, **query: Any) -> str:
        items: list[Appeal] = []
        answer = await client.get("/v1/appeals", params={"programme": programme, **query})
        while True:
            items += AppealPage.model_validate_json(answer.content).model_dump(mode="json")["items"]
            if "next" not in answer.links:
                return " ".join(names[item["audit_id"]] for item in items)
            answer = await client.get(str(answer.url.join(answer.links["next"]["url"])))

    assert await found() == await found(limit=1) == "A-4 A-3 A-2 A-1"
    assert await found(state="in_review") == "A-1"
    assert await found(state=["submitted", "in_review"], ground="technical") == "A-2"
    assert await found(stage="arbitration") == await found(vendor="borealis") == ""
    assert await found(language="pl", severity="critical", moderator="m-1") == await found(auditor="qa-9") == "A-4"
    assert await found(audit_id=[audits[0], audits[2]]) == "A-3 A-1"
    assert await found(overdue=True) == "A-4 A-3 A-2 A-1"
    assert await found(overdue=False) == ""
    day = (clock.now.astimezone().date()).isoformat()
    assert await found(to=day) == "A-4 A-3 A-2 A-1"
    assert await found(people.admin, **{"from": day}) == ""
    assert await found(people.other_poc) == ""


_WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@pytest.mark.parametrize(
    ("query", "pointer"), [({"from": "yesterday"}, "query:from"), ({"from": "2026-09-02", "to": "2026-09-01"}, "query:to")]
)
async def test_a_period_of_appeals_that_cannot_be_is_a_problem(
    people: People, programme: str, query: dict[str, str], pointer: str
) -> None:
    """422 names the parameter, once."""
    answer = await people.admin.get("/v1/appeals", params={"programme": programme, **query})

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_what_an_erased_audit_was_appealed_with_is_erased_too(people: People, programme: str, found: Found) -> None:
    """Comment, evidence, reasons and people are gone from the appeal, its history and the feed; an open appeal expires."""
    [audit_id] = await recorded(people.recorder, programme, "A-1")
    mark = f"secret-{programme}"
    appeal = await submitted(people.poc, programme, audit_id, comment=mark, evidence=[mark])
    claimed = await claim(people.adjudicator, programme)
    assert claimed is not None
    await step(people.adjudicator, programme, claimed, "release", {"note": mark})
    before = await found(mark)
    erased = await people.admin.post(
        f"/v1/audits/{audit_id}/erasure",
        params={"programme": programme},
        json={"reason": "Asked for."},
        headers={"If-Match": "*"},
    )
    after = await read(people.admin, programme, appeal)
    changes = (await people.poc.get("/v1/changes", params={"programme": programme})).json()["changes"]
    history = (await people.admin.get(f"/v1/appeals/{appeal['id']}/history", params={"programme": programme})).json()["items"]

    assert erased.status_code == 200
    assert set(before) == {"appeals", "appeal_events"}
    assert await found(mark) == []
    assert (after["state"], after["comment"], after["evidence"], after["submitted_by"]) == ("expired", None, [], None)
    assert [(each["action"], each["by"], each["note"]) for each in history][-1] == ("expire", None, None)
    assert [(change["noun"], change["erased"]) for change in changes][-2:] == [("audit", True), ("appeal", True)]


async def test_the_feed_shows_an_appeal_as_its_get_does(people: People, programme: str) -> None:
    """To each reader in its own form, at the position of its last step, after the revision that its decision made."""
    [audit_id] = await recorded(people.recorder, programme, "A-1")
    appeal = await submitted(people.poc, programme, audit_id)
    claimed = await claim(people.adjudicator, programme)
    assert claimed is not None
    await decide(people.adjudicator, programme, claimed, "overturned")
    for client in (people.poc, people.adjudicator, people.admin):
        changes = (await client.get("/v1/changes", params={"programme": programme})).json()["changes"]
        shown = await read(client, programme, appeal)
        assert [(change["noun"], change["data"]) for change in changes if change["noun"] == "appeal"] == [("appeal", shown)]
        assert [change["noun"] for change in changes[-2:]] == ["audit", "appeal"]
    nothing = (await people.other_poc.get("/v1/changes", params={"programme": programme})).json()["changes"]
    assert [change["noun"] for change in nothing] == ["programme"]


async def test_history_and_revisions_have_their_shape(people: People, programme: str) -> None:
    """What the routes answer is what the wire models say."""
    [audit_id] = await recorded(people.recorder, programme, "A-1")
    appeal = await submitted(people.poc, programme, audit_id)
    where = {"programme": programme}
    AppealHistory.model_validate_json((await people.poc.get(f"/v1/appeals/{appeal['id']}/history", params=where)).content)
    AuditRevisions.model_validate_json((await people.adjudicator.get(f"/v1/audits/{audit_id}/revisions", params=where)).content)


@pytest.mark.parametrize(
    ("calendar", "pointer"),
    [
        ({"country": "XX"}, "/calendar/country"),
        ({"country": "DE", "subdivision": "XX"}, "/calendar/subdivision"),
        ({"subdivision": "BY"}, "/calendar/subdivision"),
    ],
)
async def test_a_calendar_of_an_unknown_place_is_refused(
    people: People, programme: str, calendar: dict[str, str], pointer: str
) -> None:
    """When the programme is put, with a pointer to what is not known."""
    document = programme_document(programme, calendar=calendar)
    answer = await people.admin.put(f"/v1/programmes/{programme}", json=document, headers={"If-Match": "*"})

    assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]]) == (422, [pointer])


async def test_pushing_audits_does_not_care_about_appeals(people: People, programme: str) -> None:
    """A row that was pushed before is a duplicate while its audit is under appeal, too."""
    [audit_id] = await recorded(people.recorder, programme, "A-1")
    await submitted(people.poc, programme, audit_id, proposed=CORRECT)
    again = await recorded(people.recorder, programme, "A-1")

    assert again == [audit_id]
    assert (await pushed(people.recorder, programme, []))["counts"]["rows"] == 0
