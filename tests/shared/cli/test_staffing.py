"""Auditors, items of work, exposure and staffing plans, as tables, as YAML and as JSON."""

from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from shared.cli.conftest import Command
from shared.cli.test_tables import lines
from shared.client.stub import Answer, Seen, Stub, json_answer, problem

AT = "2026-11-30T09:00:00Z"
ITEM_ID, PLAN_ID, DRAW_ID = (f"01a204c7-295c-735b-8c12-86ddf52a14c{place}" for place in range(3))


def an_auditor(name: str, **more: Any) -> dict[str, Any]:
    """An auditor as the service shows them."""
    minutes = {"monday": 300, "tuesday": 90}
    conflicts = {"moderators": ["m-17"], "sites": ["acme/krakow"], "vendors": ["borealis"]}
    absences = [{"first_day": "2026-12-24", "last_day": "2026-12-31"}]
    stamp = {"programme": "demo", "revision": 3, "changed_by": "max", "changed_at": AT, "active": True, "team": None}
    can = {"languages": ["pl"], "policies": [], "minutes": minutes, "absences": absences, "conflicts": conflicts}
    return {**stamp, **can, "auditor": name, "name": name.title(), **more}


def an_item(**more: Any) -> dict[str, Any]:
    """An item in somebody's hand."""
    none = dict.fromkeys(("draw_id", "stratum", "inclusion_probability", "audited_by", "audited_at"))
    where = {"vendor": "acme", "site": "lisbon", "queue": "live", "market": "ES", "language": "es"}
    decided = {"policy": "harassment", "action": "remove", "decided_at": AT, "content_ref": "item:7"}
    held = {"claimed_by": "ada", "claimed_at": AT, "lease_until": "2026-11-30T09:30:00Z", "handed_back": []}
    shown = {"modality": "image", "render_hints": ["blur", "mute"], "priority": 5, "due_at": "2026-12-04T22:00:00Z"}
    own = {"programme": "demo", "id": ITEM_ID, "revision": 2, "state": "claimed"}
    return {**none, **where, **decided, **held, **shown, **own, **more}


def a_plan(**more: Any) -> dict[str, Any]:
    """A staffing plan as the service shows it."""
    ground = {
        "people": 3, "present": 2, "strata": 2, "items": 90, "hours_needed": 4.5, "hours_there": 3.25, "seconds_per_item": 180,
        "daily_cap": 400, "weekly_cap": None,
    }  # fmt: skip
    given = {"draw_id": DRAW_ID, "stratum": "s-1", "auditor": "ada"}
    help_ = {"what": "train one person in pl", "language": "pl", "policy": None, "hours": 1.5, "items": 20}
    return {
        **a_head(),
        "optimal": False,
        "in_time": True,
        "gap": 0.02,
        "ground": ground,
        "assignments": [given | {"day": "2026-11-30", "items": 40}, given | {"day": "2026-12-01", "items": 22}],
        "loads": [{"auditor": "ada", "items": 62, "minutes": 186, "capacity": 195}],
        "gaps": [{"draw_id": DRAW_ID, "stratum": "s-2", "items": 28, "reason": "no_skill"}],
        "helps": [help_],
        "costs": [{"rule": "daily_cap", "items": 6}, {"rule": "weekly_cap", "items": 0}],
        **more,
    }


def a_head() -> dict[str, Any]:
    """A plan without its parts."""
    made = {"programme": "demo", "id": PLAN_ID, "made_by": "max", "made_at": AT, "items": 90, "covered": 62}
    return {"first_day": "2026-11-30", "last_day": "2026-12-04", "fair": 1.5, **made}


def test_auditors_are_listed_by_name_with_what_they_can_do(tallystick: Command, stub: Stub) -> None:
    """Or one a line, as the service shows them."""
    bo = an_auditor("bo", active=False, team="night", languages=[], policies=["hate"], absences=[], conflicts={})
    stub.script.extend([json_answer({"items": [an_auditor("ada"), bo]})] * 2)

    listed = tallystick("auditors", "list", "--inactive")
    as_json = tallystick("auditors", "list", "--json")

    assert lines(listed.out) == [
        ["ada", "Ada", "", "pl", "all", "6.5", "2026-12-24 to 2026-12-31", "borealis, acme/krakow, 1 moderator"],
        ["bo", "Bo (does not audit now)", "night", "all", "hate", "6.5", "", ""],
    ]
    assert ("active", "false") in stub.seen[0].query
    assert [orjson.loads(line)["auditor"] for line in as_json.out.splitlines()] == ["ada", "bo"]


def test_what_is_shown_of_auditors_is_taken_back_unchanged(tallystick: Command, stub: Stub, tmp_path: Path) -> None:
    """Nothing is written where nothing is different."""
    stub.handle = lambda _: json_answer({"items": [an_auditor("ada"), an_auditor("bo", team="night")]})
    shown = tallystick("auditors", "show")
    (tmp_path / "auditors.yaml").write_text(shown.out)
    ran = tallystick("auditors", "apply", "auditors.yaml")

    assert yaml.safe_load(shown.out)["auditors"]["bo"]["team"] == "night"
    assert ran.out.splitlines() == ["ada: unchanged", "bo: unchanged"]
    assert "0 added, 0 changed, 2 unchanged." in ran.err
    assert {seen.method for seen in stub.seen} == {"GET"}


@pytest.mark.parametrize("dry", [False, True])
def test_applied_auditors_are_added_or_changed_from_what_was_read(
    tallystick: Command, stub: Stub, tmp_path: Path, dry: bool
) -> None:
    """Those who are new without a version, the others with theirs; a dry run writes nothing."""
    document = {"auditors": {"ada": {"name": "Ada Lopes"}, "new one": {"name": "Nia"}}}
    (tmp_path / "auditors.yaml").write_text(yaml.safe_dump(document))

    def handle(seen: Seen) -> Answer:
        if seen.method == "GET":
            return json_answer({"items": [an_auditor("ada"), an_auditor("bo")]})
        return json_answer(an_auditor("ada"))

    stub.handle = handle

    ran = tallystick("auditors", "apply", "auditors.yaml", *(["--dry-run"] if dry else []))

    written = [(seen.path, seen.headers.get("if-match")) for seen in stub.seen if seen.method == "PUT"]
    both = [("/audit/v1/auditors/ada", '"3"'), ("/audit/v1/auditors/new one", None)]
    assert ran.out.splitlines() == ["ada: changed", "new one: added"]
    assert written == ([] if dry else both)
    assert ("dry run" in ran.err) == dry


def test_who_is_refused_is_named(tallystick: Command, stub: Stub, tmp_path: Path) -> None:
    """With what the programme does not know, and after those who were taken."""
    (tmp_path / "auditors.yaml").write_text("auditors: {ada: {name: Ada}, bo: {name: Bo, languages: [xx]}, cy: {name: Cy}}")
    errors = [{"pointer": "/languages/0", "code": "unknown_language", "detail": "The programme knows no such language."}]
    stub.script.extend([json_answer({"items": []}), json_answer(an_auditor("ada"), 201)])
    stub.script.append(problem(409, "auditor-refused", errors=errors))

    ran = tallystick("auditors", "apply", "auditors.yaml")

    assert (ran.code, ran.out) == (1, "ada: added\n")
    assert "bo: Auditor refused (409)" in ran.err
    assert "/languages/0: The programme knows no such language." in ran.err


def test_a_file_of_nobody_is_no_document_of_auditors(tallystick: Command, stub: Stub, tmp_path: Path) -> None:
    """It is told with its place, and nothing is asked for."""
    (tmp_path / "auditors.yaml").write_text("auditors: {ada: {nmae: Ada}}")
    ran = tallystick("auditors", "apply", "auditors.yaml")

    assert ran.code == 1
    assert "/auditors/ada/nmae" in ran.err
    assert stub.seen == []


def test_an_item_is_claimed_and_shown(tallystick: Command, stub: Stub) -> None:
    """With how it should be shown, and what it was left out for."""
    told = {"reason": None, "message": "Here is something lighter.", "lighter": True, "again_at": None}
    stub.script.extend([json_answer({"item": an_item(), **told})] * 2)

    ran = tallystick("work", "claim", "--lighter")
    as_json = tallystick("work", "claim", "--json")

    rows = lines(ran.out)
    assert ["id", ITEM_ID] in rows
    assert ["content", "item:7"] in rows
    assert ["show it", "blur, mute"] in rows
    assert ["decided", "remove, harassment, at 2026-11-30 09:00 UTC"] in rows
    assert ["yours until", "2026-11-30 09:30 UTC"] in rows
    assert "Here is something lighter." in ran.err
    assert [orjson.loads(seen.body) for seen in stub.seen] == [{"lighter": True}, {"lighter": False}]
    assert orjson.loads(as_json.out)["item"]["id"] == ITEM_ID


def test_why_there_is_no_item_is_told_with_when_to_ask_again(tallystick: Command, stub: Stub) -> None:
    """It is no failure."""
    stub.script.append(
        json_answer({"item": None, "reason": "on_a_break", "message": "Enjoy your break.", "lighter": False, "again_at": AT})
    )
    ran = tallystick("work", "claim")

    assert (ran.code, ran.out) == (0, "")
    assert "Enjoy your break. Ask again from 2026-11-30 09:00 UTC on." in ran.err


def test_items_in_hand_are_listed(tallystick: Command, stub: Stub) -> None:
    """Those that are claimed, unless other states are named."""
    audited = an_item(state="audited", audited_by="bo", lease_until=None)
    stub.script.extend([json_answer({"items": [an_item()]}), json_answer({"items": [audited, audited]})])
    stub.script.append(json_answer({"items": [audited]}))

    own = tallystick("work", "mine")
    more = tallystick("work", "mine", "--state", "audited", "--claimed-by", "bo", "--limit", "1")
    as_json = tallystick("work", "mine", "--json")

    cells = ["acme", "live", "es", "harassment", "remove", "2026-12-04 22:00"]
    assert lines(own.out) == [[ITEM_ID, "claimed", "ada", *cells, "2026-11-30 09:30"]]
    assert lines(more.out) == [[ITEM_ID, "audited", "bo", *cells, ""]]
    assert "The first 1 are shown" in more.err
    assert ("state", "claimed") in stub.seen[0].query
    assert {("state", "audited"), ("claimed_by", "bo")} <= set(stub.seen[1].query)
    assert orjson.loads(as_json.out)["audited_by"] == "bo"


@pytest.mark.parametrize(("state", "said"), [("waiting", "it goes to somebody else"), ("void", "nobody is asked to audit it")])
def test_an_item_is_handed_back_from_what_was_read(tallystick: Command, stub: Stub, state: str, said: str) -> None:
    """With its reason, and what became of it."""
    stub.script.extend([json_answer(an_item()), json_answer(an_item(state=state, revision=3))])
    ran = tallystick("work", "hand-back", ITEM_ID, "--reason", "unavailable", "--comment", "It is gone.")

    assert said in ran.err
    assert (stub.seen[1].path, stub.seen[1].headers["if-match"]) == (f"/audit/v1/sample-items/{ITEM_ID}/hand-back", '"2"')
    assert orjson.loads(stub.seen[1].body) == {"reason": "unavailable", "comment": "It is gone."}


def test_ones_own_ledger_is_shown_beside_its_caps(tallystick: Command, stub: Stub) -> None:
    """By day and by week, with what is not handed out."""
    day = {"day": "2026-11-30", "dose": 12.25, "minutes": 61, "items": 9}
    ledger: dict[str, Any] = {"programme": "demo", "today": 12.25, "daily_cap": 400, "week": 1500, "weekly_cap": 1500}
    ledger |= {"break_due_at": AT, "break_until": None, "opted_out": ["hate"], "days": [day], "weeks": []}
    capless = ledger | {"daily_cap": None, "weekly_cap": None, "weeks": [day], "days": []}
    stub.script.extend([json_answer(ledger), json_answer(capless), json_answer(ledger)])

    ran, without = tallystick("exposure", "mine"), tallystick("exposure", "mine")
    as_json = tallystick("exposure", "mine", "--json")

    assert lines(ran.out) == [
        ["today", "12.2 of 400"],
        ["this week", "1,500.0 of 1,500"],
        ["break due", "2026-11-30 09:00 UTC"],
        ["not handed to you", "hate"],
        ["2026-11-30", "12.2", "61", "9"],
    ]
    assert ["today", "12.2, without a cap"] in lines(without.out)
    assert "By week, from its Monday" in without.out
    assert orjson.loads(as_json.out)["today"] == 12.25


def test_groups_are_shown_by_week_and_what_is_hidden_is_said(tallystick: Command, stub: Stub) -> None:
    """People of small teams are together."""
    group = {"team": "night", "week": "2026-11-23", "people": 6, "mean_dose": 101.25, "mean_minutes": 300}
    stub.script.append(json_answer({"items": [group, group | {"team": None}], "hidden": True}))
    stub.script.append(json_answer({"items": [], "hidden": False}))

    ran = tallystick("exposure", "summary", "--weeks", "3")
    as_json = tallystick("exposure", "summary", "--json")

    assert lines(ran.out) == [
        ["2026-11-23", "night", "6", "101.2", "300"],
        ["2026-11-23", "all others together", "6", "101.2", "300"],
    ]
    assert "There is more that is not shown" in ran.out
    assert dict(stub.seen[0].query) == {"programme": "demo", "weeks": "3"}
    assert orjson.loads(as_json.out) == {"items": [], "hidden": False}


def _of_plans(seen: Seen) -> Answer:
    """A service with one plan of one draw."""
    draw = {"programme": "demo", "id": DRAW_ID, "title": "Everyday", "first_day": "2026-11-23", "last_day": "2026-11-29"}
    made = {"plan_id": PLAN_ID, "plan_version": 1, "revision": 2, "position": 7, "state": "drawn", "due_at": AT, "drawn_at": AT}
    keyed = {"commitment": "00" * 32, "key": "00" * 32, "committed_at": AT, "draw_after": AT}
    more = {**made, **keyed, "dimensions": ["risk"], "allocation": {"kind": "fixed", "each": 45}}
    counts = {"decisions": 500, "planned": 90, "drawn": 90}
    strata = [
        {"stratum": code, "vendor": "acme", "values": {"vendor": "acme", "risk": risk}, **counts}
        for code, risk in (("s-1", "high"), ("s-2", ""))
    ]
    answers = {
        f"/audit/v1/draws/{DRAW_ID}": draw | more | counts,
        f"/audit/v1/draws/{DRAW_ID}/strata": {"items": strata},
        f"/audit/v1/staffing-plans/{PLAN_ID}": a_plan(),
    }
    if seen.path == "/audit/v1/staffing-plans":
        return json_answer(a_plan(), 201) if seen.method == "POST" else json_answer({"items": [a_head()]})
    return json_answer(answers[seen.path])


def test_a_plan_is_made_and_shown_with_what_it_leaves(tallystick: Command, stub: Stub) -> None:
    """Who does how much, what is not covered and why, what would help, what caps cost, by the names of draws and strata."""
    stub.handle = _of_plans
    period = ("--first-day", "2026-11-30", "--last-day", "2026-12-04")
    ran = tallystick("staffing", "make", *period, "--fair", "2")
    shown = tallystick("staffing", "show", PLAN_ID)
    as_json = tallystick("staffing", "make", *period, "--json")

    assert ran.out == shown.out
    assert f"Plan {PLAN_ID}, 2026-11-30 to 2026-12-04, made 2026-11-30 09:00 UTC by max" in ran.out
    assert "62 of 90 items are covered. Another plan might cover more, by 2.0% of the weight at most." in ran.out
    assert "2 of 3 people have time in the period; 4.5 hours are needed, 3.2 are there." in ran.out
    assert lines(ran.out) == [
        ["ada", "62", "186", "195", "Mon 30 Nov: 40, Tue 01 Dec: 22"],
        ["acme, (none)", "Everyday, 2026-11-23 to 2026-11-29", "28", "nobody who is there may audit it"],
        ["train one person in pl", "1.5", "20"],
    ]
    assert "What caps cost in items: 6 more without the daily cap." in ran.out
    assert orjson.loads(stub.seen[0].body) == {"first_day": "2026-11-30", "last_day": "2026-12-04", "fair": 2.0}
    assert orjson.loads(as_json.out)["id"] == PLAN_ID


def test_a_day_of_a_plan_is_shown_by_person_and_stratum(tallystick: Command, stub: Stub) -> None:
    """And says so where nobody is given anything."""
    stub.handle = _of_plans
    monday, friday = (tallystick("staffing", "show", PLAN_ID, "--day", day) for day in ("2026-11-30", "2026-12-04"))

    assert lines(monday.out) == [["ada", "acme, high", "Everyday, 2026-11-23 to 2026-11-29", "40"]]
    assert "Monday, 2026-11-30" in monday.out
    assert "Nothing is given to anybody on 2026-12-04." in friday.out


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"optimal": True}, ("No plan covers more.", "What caps cost")),
        ({"in_time": False, "costs": []}, ("a much better one may exist.", "Time ran out before it was worked out")),
        ({"gaps": [], "helps": [], "costs": [], "loads": []}, ("Everything is covered.", "No cap costs an item.")),
    ],
)
def test_how_good_a_plan_is_is_said(tallystick: Command, stub: Stub, changes: dict[str, Any], said: tuple[str, ...]) -> None:
    """In a sentence for each case."""
    plan = a_plan(**changes)
    stub.handle = lambda seen: json_answer(plan) if seen.path.endswith(PLAN_ID) else _of_plans(seen)
    ran = tallystick("staffing", "show", PLAN_ID)

    assert [each for each in said if each not in ran.out] == []


def test_plans_are_listed(tallystick: Command, stub: Stub) -> None:
    """Up to the limit."""
    stub.script.extend([json_answer({"items": [a_head(), a_head()]})] * 2)
    listed = tallystick("staffing", "list", "--limit", "1")
    as_json = tallystick("staffing", "list", "--json")

    assert lines(listed.out) == [[PLAN_ID, "2026-11-30 to 2026-12-04", "62", "90", "2026-11-30 09:00", "max"]]
    assert "The first 1 are shown" in listed.err
    assert [orjson.loads(line)["covered"] for line in as_json.out.splitlines()] == [62, 62]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--first-day", "2026-12-04", "--last-day", "2026-11-30"), "--last-day"),
        (("--first-day", "2026-12-04", "--last-day", "2026-12-05", "--fair", "0.5"), "--fair"),
    ],
)
def test_a_period_that_is_none_is_wrong_usage(tallystick: Command, stub: Stub, arguments: tuple[str, ...], named: str) -> None:
    """And names the option."""
    ran = tallystick("staffing", "make", *arguments)

    assert ran.code == 2
    assert named in ran.err
    assert stub.seen == []
