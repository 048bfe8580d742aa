"""Cases, actions, why a rate changed and whether a plan worked, as tables and as JSON."""

from typing import Any

import orjson
import pytest

from shared.cli.conftest import Command
from shared.cli.test_tables import PERIOD, SCOPE, lines, share
from shared.client.stub import Answer, Seen, Stub, json_answer, problem

CASE_ID = "01a204c7-295c-735b-8c12-86ddf52a14c7"
ACTION_ID = "01a204c7-295c-735b-8c12-86ddf52a14c8"
AT = "2026-09-07T10:00:00Z"
INTERVAL = {"low": 0.01, "high": 0.03, "level": 0.95, "method": "quasi"}
PART = {"mix": 0.005, "rate": 0.015, "total": 0.02, "interval": INTERVAL, "clear": True}
SEGMENT = {
    "dimensions": {"site": "krakow", "moderator_tenure": None},
    "before": share(0.02),
    "after": share(0.2),
    "share_before": 0.1,
    "share_after": 0.1,
    "part": PART,
    "of_change": 0.9,
}
CIRCUMSTANCES = {
    "volume_before": 8000,
    "volume_after": 4100,
    "volume_change": 0.025,
    "moderators_before": 40,
    "moderators_after": 44,
    "new_moderators": 4,
    "new_moderators_share": share(0.1),
    "new_moderators_rate": share(0.3),
    "other_moderators_rate": share(0.05),
}


def changed(**more: Any) -> dict[str, Any]:
    """A change as the service takes it apart."""
    cut = {"by": ["site"], "mix": 0.005, "rate": 0.015, "dispersion": 1.2, "segments": [SEGMENT], "rest": 3, "others": PART}
    return {
        "scope": SCOPE,
        "measure": "error_rate",
        "before": share(0.03),
        "after": share(0.05),
        "baseline": PERIOD,
        "change": 0.02,
        "interval": INTERVAL,
        "clear": True,
        "cuts": [cut],
        "leading": [SEGMENT],
        "circumstances": CIRCUMSTANCES,
        **more,
    }


def judged(**more: Any) -> dict[str, Any]:
    """A judgement of a plan."""
    plan = {"scope": {"site": ["krakow"]}, "baseline": PERIOD, "verification": SCOPE["period"], "wanted": 0.5}
    week = {"week": "2026-09-07", "window": "verification", "scope": share(0.05), "control": share(0.04)}
    return {
        "scope": SCOPE,
        "plan": plan,
        "verdict": "effective",
        "why": "It fell by at least the wanted share.",
        "before": share(0.2),
        "after": share(0.05),
        "control_before": share(0.04),
        "control_after": share(0.04),
        "reduction": {"value": 0.75, "interval": {**INTERVAL, "low": 0.6, "high": 0.85}, "clear": True},
        "dispersion": 1.5,
        "weeks": [week],
        "sample": 250,
        "sample_needed": None,
        **more,
    }


def a_case(**more: Any) -> dict[str, Any]:
    """A case as the service shows it."""
    days = {"from": "2026-08-31", "to": "2026-09-07"}
    none = ("conclusion", "closed_by", "closed_at", "override", "watch_until", "evidence_at", "description")
    return {
        **dict.fromkeys(none),
        "programme": "demo",
        "id": CASE_ID,
        "revision": 3,
        "position": 9,
        "vendor": "acme",
        "title": "[Harassment] missed",
        "scope": {"site": ["krakow"]},
        "measure": "error_rate",
        "priority": "critical",
        "owner": "ann",
        "state": "analysis",
        "participants": [{"subject": "poc", "vendor": "acme"}],
        "opened_by": "rca-api",
        "opened_at": AT,
        "origin": "signal",
        "signals": ["k"],
        "period": days,
        "baseline": days,
        "due_at": AT,
        "overdue": True,
        "reopened": 0,
        "moves": [],
        "possible": ["plan", "cancel"],
        **more,
    }


def an_action(**more: Any) -> dict[str, Any]:
    """An action as the service shows it."""
    none = ("description", "note", "done_by", "done_at", "verified_by", "verified_at", "on_time")
    return {
        **dict.fromkeys(none),
        "programme": "demo",
        "id": ACTION_ID,
        "case_id": CASE_ID,
        "vendor": "acme",
        "revision": 1,
        "position": 8,
        "kind": "corrective",
        "title": "Brief the night shift",
        "owner": "poc",
        "owner_vendor": "acme",
        "due_at": AT,
        "depends_on": [],
        "state": "in_progress",
        "overdue": True,
        "escalated_to": "quality_manager",
        "evidence": [],
        "opened_by": "ann",
        "opened_at": AT,
        "possible": ["complete"],
        **more,
    }


def test_cases_are_listed_up_to_the_limit(tallystick: Command, stub: Stub) -> None:
    """Narrowed by what is given alone; an internal one that is nobody's says so."""
    stub.script.append(json_answer({"items": [a_case(), a_case(vendor=None, owner=None, due_at=None, overdue=False), a_case()]}))

    ran = tallystick("cases", "list", "--limit", "2", "--overdue", "--state", "open", "--state", "analysis")

    first, second = lines(ran.out)
    assert first[1:] == [
        *("2026-09-07", "acme", "[Harassment] missed", "critical", "analysis", "ann", "2026-09-07 10:00"),
    ]
    assert (second[2], second[6], second[7]) == ("internal", "nobody", "")
    assert "The first 2 are shown" in ran.err
    assert stub.seen[0].query == [
        *(("state", "open"), ("state", "analysis"), ("overdue", "true"), ("programme", "demo"), ("limit", "2")),
    ]


@pytest.mark.parametrize("planned", ["judged", "registered", "nothing"])
def test_a_case_is_shown_with_all_that_is_on_it(tallystick: Command, stub: Stub, planned: str) -> None:
    """Its evidence with intervals, causes, actions, the plan or its verdict, and its history; as JSON the same."""
    none = {"decided_by": None, "decided_at": None, "reason": None, "why": None}
    cause: dict[str, Any] = {
        **none,
        "id": ACTION_ID,
        "case_id": CASE_ID,
        "revision": 1,
        "position": 8,
        "code": "training_gap",
        "share": 0.6,
        "category": "people_training",
        "text": "Module 3",
        "evidence": [],
        "audience": "vendor",
        "state": "proposed",
        "proposed_by": "poc",
        "proposed_at": AT,
    }
    event = {
        "id": ACTION_ID,
        "position": 9,
        "kind": "step",
        "step": "analyse",
        "state": "analysis",
        "by": "ann",
        "at": AT,
        "note": "Looked at.",
        "about": None,
        "changed": {},
    }
    vendors = {"kind": "segments", "audience": "vendor", "content": changed(leading=[]), "reason": None, "gathered_at": AT}
    plan = {
        "programme": "demo",
        "case_id": CASE_ID,
        "vendor": "acme",
        "revision": 1,
        "position": 8,
        "registered_by": "ann",
        "effect": judged()["plan"],
        "registered_at": AT,
        "frozen": True,
        "judge_on": "2026-10-05",
        "over_at": AT,
        "verdict": None,
        "judged": None,
        "judged_at": None,
        "extensions": [],
    }
    if planned == "judged":
        plan |= {"verdict": "effective", "judged": judged(), "judged_at": AT}
    answers = {
        f"/rca/v1/cases/{CASE_ID}": a_case(),
        f"/rca/v1/cases/{CASE_ID}/causes": {"items": [cause]},
        f"/rca/v1/cases/{CASE_ID}/evidence": {"items": [vendors, vendors | {"audience": "internal", "content": changed()}]},
        f"/rca/v1/cases/{CASE_ID}/steps": {"items": [event]},
        "/rca/v1/actions": {"items": [an_action()]},
        **({} if planned == "nothing" else {f"/rca/v1/cases/{CASE_ID}/plan": plan}),
    }

    def handle(seen: Seen) -> Answer:
        return json_answer(answers[seen.path]) if seen.path in answers else problem(404, "not-found")

    stub.handle = handle

    ran = tallystick("cases", "show", CASE_ID)
    document = orjson.loads(tallystick("cases", "show", CASE_ID, "--json").out)

    rows = lines(ran.out)
    assert ["taking part", "poc"] in rows
    assert ["about", "error rate, site krakow"] in rows
    assert "Error rate: 3.0 % (2.0 to 4.0) of 100 before, 5.0 % (4.0 to 6.0) of 100 after: +2.0 pp (+1.0 to +3.0)" in ran.out
    assert [row[3:] for row in rows if row[0].startswith("site krakow")] == [
        ["+2.0 pp (+1.0 to +3.0)", "+1.5 pp", "+0.5 pp", "90.0 %"]
    ]
    assert ["training_gap", "people training", "proposed", "60.0 %", "poc", "", "Module 3"] in rows
    assert [*an_row(), "2026-09-07 10:00", "quality manager"] in rows
    assert ["2026-09-07 10:00", "analyse", "analysis", "ann", "Looked at."] in rows
    assert ("Effect: effective." in ran.out) == (planned == "judged")
    assert ("judged from 2026-10-05 on" in ran.out) == (planned == "registered")
    assert set(document) == {"case", "causes", "evidence", "actions", "plan", "history"}
    assert (document["plan"] is None) == (planned == "nothing")


def an_row() -> list[str]:
    """The first cells of an action in a table."""
    return [ACTION_ID, "Brief the night shift", "corrective", "in progress", "poc (acme)"]


def test_actions_that_are_overdue_are_listed_and_one_is_shown(tallystick: Command, stub: Stub) -> None:
    """With where it can be seen that it is done, and what it waits for."""
    stub.script.append(json_answer({"items": [an_action(), an_action()]}))
    evidence = [
        {"kind": "document", "reference": "list-7", "note": "All have signed."},
        {"kind": "audit", "reference": "a-1", "note": None},
    ]
    done = {"done_by": "poc", "done_at": AT, "on_time": False, "depends_on": [CASE_ID], "evidence": evidence}
    stub.script.append(json_answer(an_action(**done)))
    stub.script.append(json_answer({"items": [an_action()]}))

    listed = tallystick("actions", "list", "--mine", "--overdue", "--limit", "1", "--case", CASE_ID, "--owner-vendor", "acme")
    shown = tallystick("actions", "show", ACTION_ID)
    as_json = tallystick("actions", "list", "--json")

    assert lines(listed.out) == [[*an_row(), "2026-09-07 10:00", "quality manager"]]
    assert "The first 1 are shown" in listed.err
    assert dict(stub.seen[0].query) == {
        "mine": "true",
        "overdue": "true",
        "owner_vendor": "acme",
        "case_id": CASE_ID,
        "programme": "demo",
        "limit": "1",
    }
    rows = lines(shown.out)
    assert ["evidence", "list-7: All have signed."] in rows
    assert ["on time", "no"] in rows
    assert ["done", "2026-09-07 10:00 UTC by poc"] in rows
    assert orjson.loads(as_json.out)["id"] == ACTION_ID


def test_a_change_is_taken_apart_with_intervals(tallystick: Command, stub: Stub) -> None:
    """The parts of a cut sum to the change; what is not clear says so."""
    stub.script.append(json_answer(changed()))
    stub.script.append(json_answer(changed(change=0.02, clear=False, leading=[], cuts=[])))
    stub.script.append(
        json_answer(changed(change=None, interval=None, clear=None, reason="No audits before.", leading=[], cuts=[]))
    )

    ran = tallystick("decomposition", "-b", "site", "--vendor", "acme", "--from", "2026-09-07", "--baseline-to", "2026-08-31")
    unclear, nothing = tallystick("decomposition"), tallystick("decomposition")

    rows = lines(ran.out)
    part = ["+2.0 pp (+1.0 to +3.0)", "+1.5 pp", "+0.5 pp"]
    assert [row[0] for row in rows] == ["site krakow, moderator tenure none"] * 2 + ["3 others", "all"]
    assert rows[1][3:] == [*part, "90.0 %"]
    assert rows[2][3:] == [*part, ""]
    assert rows[3][3:] == ["+2.0 pp", "+1.5 pp", "+0.5 pp", ""]
    assert "Audits: 4,100 after 8,000 in the baseline (+2.5 % a day)." in ran.out
    assert "New moderators: 4 of 44, with 30.0 % (29.0 to 31.0); others 5.0 % (4.0 to 6.0)." in ran.out
    assert "position 1,234" in ran.err
    assert dict(stub.seen[0].query) == {
        "measure": "error_rate",
        "by": "site",
        "vendor": "acme",
        "from": "2026-09-07",
        "baseline_to": "2026-08-31",
        "view": "adjudicated",
        "limit": "10",
        "programme": "demo",
    }
    assert "+2.0 pp (+1.0 to +3.0) That may be chance." in unclear.out
    assert "No audits before." in nothing.out


WINDOWS = (
    *("--baseline-from", "2026-08-24", "--baseline-to", "2026-09-07"),
    *("--verification-from", "2026-09-07", "--verification-to", "2026-09-21"),
)


def test_an_effect_is_shown_with_the_numbers_that_it_stands_on(tallystick: Command, stub: Stub) -> None:
    """And with what is still needed where it cannot be decided yet."""
    undecided = {"verdict": "not_yet_decidable", "why": "The interval is too wide.", "sample_needed": 400, "dispersion": None}
    unknown = {"value": None, "interval": None, "clear": None, "reason": "Nothing before."}
    stub.script.append(json_answer(judged()))
    stub.script.append(json_answer(judged(**undecided, reduction=unknown, weeks=[])))

    ran = tallystick("effect", "--site", "krakow", "--queue", "live", "--wanted", "0.4", *WINDOWS)
    open_ = tallystick("effect", *WINDOWS)

    assert "Effect: effective. It fell by at least the wanted share." in ran.out
    assert ["in the scope", "20.0 % (19.0 to 21.0)", "5.0 % (4.0 to 6.0)"] in lines(ran.out)
    assert "Reduction beyond the rest: 75.0 % (60.0 to 85.0); wanted 50.0 %." in ran.out
    assert "weeks vary 1.5 times as much as chance alone" in ran.out
    assert ["2026-09-07", "verification", "5.0 % (4.0 to 6.0)", "4.0 % (3.0 to 5.0)"] in lines(ran.out)
    query = dict(stub.seen[0].query)
    assert (query["site"], query["wanted"], query["verification_to"]) == ("krakow", "0.4", "2026-09-21")
    assert "Effect: not yet decidable. The interval is too wide." in open_.out
    assert "Reduction beyond the rest: - Nothing before.; wanted 50.0 %." in open_.out
    assert "About 400 further audits should decide it." in open_.out


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--baseline-from", "2026-08-24"), "--baseline-to"),
        ((*WINDOWS, "--wanted", "0"), "--wanted"),
        ((*WINDOWS, "--vendor", "Two words"), "--vendor"),
    ],
)
def test_a_plan_that_is_none_is_wrong_usage(tallystick: Command, stub: Stub, arguments: tuple[str, ...], named: str) -> None:
    """And names the option."""
    ran = tallystick("effect", *arguments)

    assert ran.code == 2
    assert named in ran.err
    assert stub.seen == []
