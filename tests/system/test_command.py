"""The command `tallystick` on the whole product, through the gateway."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
import yaml

from factories import audit_row, decision_row, programme_document
from system.conftest import System
from system.drawing import draw_by_queue
from tallystick.cli import main
from tallystick.cli.demo import tell
from tallystick.cli.demo_calibration import DIVIDED_RATER
from tallystick.cli.demo_case import CaseStory
from tallystick.cli.demo_cast import Cast
from tallystick.client import Tallystick
from tallystick.sample import DISPUTED_CODE, PLANTED_CODE, PLANTED_QUEUE, PLANTED_SITE, sample, sequel
from tallystick.schemas.audit import NewAudit
from tallystick.schemas.base import new_id
from tallystick.schemas.case import NewCase
from tallystick.schemas.principal import Role
from tallystick.schemas.programme import Weekday
from tallystick_embedded.clock import put_clock

Run = Callable[..., Any]


@pytest.fixture
def run(
    system: System, programme: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Run:
    """Run the command as an admin for the test's programme; answers what it wrote, as JSON if it was asked for that."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TALLYSTICK_URL", system.url)
    monkeypatch.setenv("TALLYSTICK_TOKEN", system.token(Role.ADMIN))
    monkeypatch.setenv("TALLYSTICK_PROGRAMME", programme)

    async def command(*arguments: str, code: int = 0, raw: bool = False) -> Any:
        def act() -> None:
            with pytest.raises(SystemExit) as exit_:
                main(arguments)
            assert (exit_.value.code or 0) == code

        await asyncio.to_thread(act)
        written = capsys.readouterr().out
        return json.loads(written) if "--json" in arguments and not raw else written

    return command


async def test_a_programme_is_changed_and_shown(run: Run, programme: str, tmp_path: Path) -> None:
    """What is shown is what was applied."""
    document = programme_document(programme, name="Another name")
    (tmp_path / "programme.yaml").write_text(yaml.safe_dump(document))

    changes = await run("programme", "apply", "programme.yaml")

    assert "+name: Another name" in changes
    assert yaml.safe_load(await run("programme", "show", programme))["name"] == "Another name"


async def test_audits_go_in_and_come_back_as_lists_and_numbers(run: Run, system: System, programme: str, tmp_path: Path) -> None:
    """Pushed as a file, listed, revised, and counted."""
    wrong = {"verdict": "incorrect", "error_class": "false_positive", "error_code": "FP-HARASS", "severity": "major"}
    rows = [audit_row(f"A-{number}", **(wrong if number < 10 else {})) for number in range(40)]
    (tmp_path / "audits.json").write_text(json.dumps(rows))

    pushed = await run("push", "audits.json", "--json")
    listed = await run("audits", "list", "--verdict", "incorrect", "--limit", "1", "--json")
    await run("audits", "revise", listed["id"], "--verdict", "correct", "--reason", "Seen again.")
    shown = await run("audits", "show", listed["id"], "--json")
    await reached(system, programme, shown["audit"]["position"])
    numbers = await run("metrics", "-m", "errors", "-m", "accuracy", "-b", "vendor", "--vendor", "acme", "--json")

    assert (pushed["rows"], pushed["created"]) == (40, 40)
    assert [revision["judgement"]["verdict"] for revision in shown["revisions"]] == ["incorrect", "correct"]
    assert numbers["rows"][0]["dimensions"] == {"vendor": "acme"}
    assert numbers["rows"][0]["numbers"]["errors"]["value"] == 9
    assert numbers["rows"][0]["numbers"]["accuracy"]["numerator"] == 31
    assert "FP-HARASS" in await run("audits", "list", "--error-code", "FP-HARASS")
    assert "Seen again." in await run("audits", "show", listed["id"])
    assert "77.5 % (62.5 to 87.7)" in await run("metrics", "-m", "accuracy")
    assert "77.5 % (62.5 to 87.7)" in await run(
        "metrics", "-b", "site", "--compare", "--from", "2026-08-31", "--to", "2026-09-07"
    )


async def test_decisions_go_in_and_their_sources_are_listed(run: Run, tmp_path: Path) -> None:
    """Under the name of their file; sent again, nothing is left to send."""
    (tmp_path / "day-1.ndjson").write_text("\n".join(json.dumps(decision_row(f"D-{number}")) for number in range(30)))

    pushed = await run("decisions", "push", "day-1.ndjson", "--json")
    again = await run("decisions", "push", "day-1.ndjson", "--json")

    assert (pushed["source"], pushed["counted"]) == ("day-1", 30)
    assert (again["rows"], again["resumed"]) == (0, 30)
    assert (await run("decisions", "sources", "--json"))["next_row"] == 30
    assert "day-1" in await run("decisions", "sources")
    assert "counted" in await run("decisions", "push", "day-1.ndjson")


async def test_reports_are_tables_and_json(run: Run, system: System, programme: str) -> None:
    """Without audits too."""
    await reached(system, programme, 0)
    empty = await run("report", "quality-summary")
    row = NewAudit.model_validate(audit_row())
    async with Tallystick(system.url, system.token(Role.ADMIN)) as tallystick:
        [result] = (await tallystick.audits.push(programme, [row])).results
        assert result.audit_id
        await reached(system, programme, (await tallystick.audits.read(programme, result.audit_id)).position)

    assert "accuracy" in empty
    assert "100.0 %" in await run("report", "quality-summary")
    assert "Top errors" in await run("report", "top-error-trends", "--limit", "5", "--vendor", "acme")
    assert (await run("report", "quality-summary", "--json"))["overall"]["adjudicated"]["audits"]["value"] == 1
    assert (await run("report", "top-error-trends", "--json"))["pareto"] == []


async def test_work_is_reported_with_the_audits_that_it_cost(run: Run, system: System, programme: str) -> None:
    """A case that was opened a moment ago is in the report, and in the letter of this week to its vendor."""
    today = str(datetime.now(ZoneInfo(programme_document(programme)["time_zone"])).date())
    async with Tallystick(system.url, system.token(Role.ADMIN)) as tallystick:
        [pushed] = (await tallystick.audits.push(programme, [NewAudit.model_validate(audit_row())])).results
        assert pushed.audit_id
        await reached(system, programme, (await tallystick.audits.read(programme, pushed.audit_id)).position)
        case = await tallystick.cases.open(programme, NewCase(vendor="acme", title="Too much *harassment* is missed"))
        async with asyncio.timeout(60):
            while True:
                [found] = (await tallystick.projections(programme)).items or (None,)
                if found is not None and found.work is not None and (found.work.position or 0) >= case.position:
                    break
                await asyncio.sleep(0.05)
    windows = {"baseline-from": "2026-08-24", "baseline-to": "2026-08-31", "verification-from": "2026-08-31"}
    plan = [word for name, day in windows.items() for word in (f"--{name}", day)] + ["--verification-to", "2026-09-07"]
    report = await run("report", "rca")
    weekly = await run("report", "weekly", "--vendor", "acme", "--week", today)

    assert [each in report for each in ("cases opened", "Cases that go on", "none yet", "Too much *harassment*")] == [True] * 4
    assert (await run("report", "rca", "--vendor", "acme", "--json"))["open"]["value"] == 1
    assert "Cases: 1 opened, 0 moved on, 0 closed; 1 goes on." in weekly
    assert str(case.id) in await run("cases", "list", "--vendor", "acme", "--state", "open")
    assert (await run("cases", "show", str(case.id), "--json"))["case"]["title"] == case.title
    assert "Too much *harassment*" in await run("cases", "show", str(case.id))
    assert await run("actions", "list", "--overdue", "--case", str(case.id), "--json", raw=True) == ""
    assert (await run("decomposition", "--vendor", "acme", "--json"))["after"]["denominator"] == 1
    assert "Effect: not yet decidable" in await run("effect", "--site", "krakow", *plan)
    assert (await run("report", "weekly", "--week", today, "--json"))["vendors"] == []
    letter = await run("report", "weekly", "--vendor", "acme", "--week", today, "--markdown")
    assert "- Too much \\*harassment\\* is missed: opened; now open" in letter.splitlines()


async def test_appeals_are_raised_from_a_file_and_decided(run: Run, system: System, tmp_path: Path) -> None:
    """By the vendor, an adjudicator and a quality manager, each with the command."""
    poc = system.token(Role.VENDOR_POC, subject="vic", vendor="acme")
    lead = system.token(Role.AUDITOR, subject="lea")
    manager = system.token(Role.QUALITY_MANAGER, subject="max")
    wrong = {"verdict": "incorrect", "error_class": "false_positive", "error_code": "FP-HARASS", "severity": "major"}
    (tmp_path / "audits.json").write_text(json.dumps([audit_row(f"A-{number}", **wrong) for number in range(3)]))
    (tmp_path / "appeals.csv").write_text(
        "external_id,ground,comment,proposed.verdict,proposed.severity\n"
        "A-0,context_missed,Seen in its thread.,correct,\n"
        "A-1,wrong_severity,Nobody saw it.,,minor\n"
        "A-9,context_missed,There is none.,correct,\n"
    )
    await run("push", "audits.json")

    submitted = await run("appeals", "submit", "appeals.csv", "--json", "--token", poc, code=3)
    raised = map(json.loads, (await run("appeals", "list", "--json", raw=True)).splitlines())
    ids = {appeal["ground"]: appeal["id"] for appeal in raised}
    first, second = ids["context_missed"], ids["wrong_severity"]
    claimed = await run("appeals", "claim", "--token", lead)
    decided = await run("appeals", "decide", first, "--outcome", "upheld", "--reason", "It stands.", "--token", lead)
    await run("appeals", "claim", "--token", lead)
    released = await run("appeals", "release", second, "--reason", "A friend.", "--token", lead)
    await run("appeals", "claim", "--token", manager)
    amend = ("--outcome", "amended", "--severity", "critical", "--reason", "Worse than that.")
    amended = await run("appeals", "decide", second, *amend, "--token", manager)
    await run("appeals", "acknowledge", second, "--token", poc)
    await run("appeals", "escalate", first, "--reason", "Look again.", "--token", poc)
    await run("appeals", "withdraw", first, "--reason", "Seen now.", "--token", poc)

    assert (submitted["created"], submitted["rejected"], len(ids)) == (2, 1, 2)
    assert first in claimed
    assert "in_review" in claimed
    assert "upheld" in decided
    assert "submitted" in released
    assert "amended" in amended
    shown = await run("appeals", "show", first)
    assert [step in shown for step in ("Seen in its thread.", "It stands.", "Look again.", "Seen now.")] == [True] * 4
    [listed] = [
        json.loads(line) for line in (await run("appeals", "list", "--state", "amended", "--json", raw=True)).splitlines()
    ]
    assert (listed["id"], listed["acknowledged_by"]) == (second, "vic")
    assert first in await run("appeals", "list", "--state", "withdrawn", "--not-overdue")


async def test_a_calibration_runs_from_draft_to_conclusion(run: Run, system: System, tmp_path: Path) -> None:
    """From files, by who facilitates and by a rater of the vendor."""
    rater = system.token(Role.VENDOR_POC, subject="vic", vendor="acme")
    session = {
        "title": "Banter",
        "question": "Which action?",
        "scale": {"categories": ["keep", "remove"]},
        "raters": [{"subject": "someone"}, {"subject": "vic", "vendor": "acme"}],
        "deadline": "2099-01-01T12:00:00Z",
        "items": [{"content_ref": "item:1", "policy": "harassment"}, {"content_ref": "item:2"}],
    }
    (tmp_path / "session.yaml").write_text(yaml.safe_dump(session))
    (tmp_path / "mine.csv").write_text("number,value,comment\n1,keep,\n2,remove,A threat.\n")
    (tmp_path / "theirs.ndjson").write_text('{"number": 1, "value": "remove"}\n\n{"number": 2, "value": "restrict"}\n')
    (tmp_path / "right.csv").write_text("number,value,by,discussion\n1,keep,consensus,Both smile.\n")

    drafted = (await run("calibration", "draft", "session.yaml")).strip()
    await run("calibration", "open", drafted)
    mine = await run("calibration", "rate", drafted, "mine.csv")
    theirs = await run("calibration", "rate", drafted, "theirs.ndjson", "--token", rater, code=3)
    progress = await run("calibration", "progress", drafted)
    blind = await run("calibration", "items", drafted, "--token", rater)
    await run("calibration", "review", drafted)
    set_ = await run("calibration", "benchmark", drafted, "right.csv")
    concluded = await run("calibration", "conclude", drafted, "--conclusion", "Smiles make banter.")
    seen = await run("calibration", "items", drafted, "--token", rater)

    assert mine.startswith("2 rows, 2 counted")
    assert "1 rejected" in theirs
    counts = {line.split("│")[1].strip(): line.split("│")[3].strip() for line in progress.splitlines() if line.startswith("│")}
    assert counts == {"someone": "2", "vic": "1"}
    assert "keep 1" not in blind
    assert set_.startswith("1 benchmarks set; 1 items are not")
    assert "concluded" in concluded
    assert "Both smile." in seen
    assert "keep 1" in seen
    assert drafted in await run("calibration", "list", "--state", "concluded")


async def test_work_is_arranged_claimed_and_given_back(run: Run, system: System, programme: str, tmp_path: Path) -> None:
    """Auditors from a file, a plan of what was drawn, and the next item of one of them, who sees what it adds up to."""
    ada = system.token(Role.AUDITOR, subject="ada")
    minutes = dict.fromkeys(Weekday, 480)
    people = {"ada": {"name": "Ada", "minutes": minutes}, "bo": {"name": "Bo", "languages": ["pl"], "minutes": minutes}}
    (tmp_path / "auditors.yaml").write_text(yaml.safe_dump({"auditors": json.loads(json.dumps(people))}))
    headers = {"Authorization": f"Bearer {system.token(Role.ADMIN)}"}
    async with httpx.AsyncClient(base_url=f"{system.url}/audit/v1", headers=headers, timeout=30, trust_env=False) as admin:
        await draw_by_queue(system, admin, {"programme": programme})
    today = datetime.now(ZoneInfo(programme_document(programme)["time_zone"])).date()

    applied = await run("auditors", "apply", "auditors.yaml")
    (tmp_path / "shown.yaml").write_text(await run("auditors", "show"))
    again = await run("auditors", "apply", "shown.yaml")
    made = await run("staffing", "make", "--first-day", str(today), "--last-day", str(today + timedelta(days=4)))
    [plan] = [json.loads(line) for line in (await run("staffing", "list", "--json", raw=True)).splitlines()]
    own = await run("staffing", "show", plan["id"], "--json", "--token", ada)
    day = await run("staffing", "show", plan["id"], "--day", own["assignments"][0]["day"], "--token", ada)
    claimed = await run("work", "claim", "--json", "--token", ada)
    item = claimed["item"]["id"]
    mine = await run("work", "mine", "--token", ada)
    ledger = await run("exposure", "mine", "--json", "--token", ada)
    await run("work", "hand-back", item, "--reason", "skill", "--token", ada)
    await run("work", "hand-back", item, "--reason", "skill", "--token", ada, code=1)

    assert applied.splitlines() == ["ada: added", "bo: added"]
    assert again.splitlines() == ["ada: unchanged", "bo: unchanged"]
    assert "20 of 20 items are covered." in made
    assert (plan["items"], plan["covered"]) == (20, 20)
    assert "Every queue, every day" in day
    assert item in mine
    assert ledger["days"][0]["items"] == 1
    assert item not in await run("work", "mine", "--token", ada)
    assert "week" in await run("exposure", "summary")


async def test_the_demonstration_finds_what_was_planted(system: System, capsys: pytest.CaptureFixture[str]) -> None:
    """It pushes its sample through the gateway, its people follow what is planted to its end, appeal and calibrate.

    The case is drafted by itself from a signal, explained by the vendor, worked on by both sides, shown to be gone, and closed.
    """
    travel, sample_travel = partial(put_clock, system.shift), partial(put_clock, system.shift_of_audit)
    sign = partial(_signed, system)
    await tell(system.url, sign, travel=travel, sample_travel=sample_travel)

    told = capsys.readouterr().out
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in told.splitlines() if line.startswith("│")]
    [signal] = [row for row in rows if row[0] == PLANTED_CODE and any("pp" in cell for cell in row) and "site" in row[1]]
    [pattern] = [row for row in rows if row[1:3] == ["harassment", DISPUTED_CODE]]
    outcomes = {row[1]: row[5:] for row in rows if len(row) == 11 and row[1] in {"northwind", "eastgale"}}
    standing = {
        row[1]: row[-1].split()[-1] for row in rows if len(row) == 6 and row[2] in {"the client", "northwind", "eastgale"}
    }
    assert signal[1] == f"site {PLANTED_SITE}, queue {PLANTED_QUEUE}"
    assert pattern[-1].startswith("+")
    assert outcomes["eastgale"] == ["4", "0", "0", "0", "0", "0"]
    assert outcomes["northwind"][-3:] == ["1", "1", "0"]
    assert [rater for rater, target in standing.items() if target == "missed"] == [DIVIDED_RATER]
    assert len(standing) == 5
    assert "northwind repeats its part" in told
    assert "decisions: all of it is as the receipt says." in told
    assert "33.3% of what was planned is audited. 80 audits are left, 0 of them with nothing to audit." in told
    assert "Audited so far: 40 of 120 that were drawn, by 2 people; 2 are in their hands." in told
    assert f"{system.url}/sign-in#token=" in told
    assert f"My work, as qa-ada audits there item by item: {system.url}/sign-in?next=/programmes/demo/work#token=" in told
    assert f"The same as northwind sees it, whose case it is: {system.url}/sign-in#token=" in told
    async with Tallystick(system.url, system.token(Role.QUALITY_MANAGER)) as manager:
        cases = [case async for case in manager.cases.list("demo", {"vendor": "northwind"}) if PLANTED_QUEUE in case.scope.queue]
        [case] = [case for case in cases if case.scope.site == (PLANTED_SITE,)]
        steps = [event.step async for event in manager.cases.history("demo", case.id) if event.kind == "step"]
        actions = [action async for action in manager.actions.list("demo", {"case_id": str(case.id)})]
        plan = await manager.plans.read("demo", case.id)
    assert case.origin == "signal"
    assert {(action.state, action.on_time) for action in actions} == {("verified", True)}
    assert {action.owner_vendor for action in actions} == {"northwind", None}
    assert steps == ["open", "analyse", "plan", "start", "verify", "close"]
    assert (case.state, case.override, plan.verdict) == ("closed", None, "effective")
    assert f"{system.url}/programmes/demo/cases/{case.id}" in told


async def test_where_the_clock_is_right_the_story_stops_at_its_verification(system: System) -> None:
    """As with Compose: nobody puts the clock of cases back, so the effect will be judged, on a day that it names."""
    today, programme = datetime.now(UTC).date(), f"d-{new_id().hex[-16:]}"
    before = sample(end=today - timedelta(days=1, weeks=4), count=6000, slug=programme)
    after = sequel(before, weeks=4, mended_after=1)
    work = CaseStory(Cast(system.url, programme, partial(_signed, system)), before, after, None)
    async with Tallystick(system.url, system.token(Role.ADMIN)) as tallystick:
        await tallystick.programmes.apply(before.programme)
        await tallystick.audits.push(programme, list(before.audits()))
        case = await work.begin()
        await tallystick.audits.push(programme, list(after.audits()))
        case = await work.end(case)
        plan = await tallystick.plans.read(programme, case.id)
        actions = [action async for action in tallystick.actions.list(programme, {"case_id": str(case.id)})]

    assert (case.state, case.origin, plan.frozen, plan.verdict) == ("verification", "signal", True, None)
    assert {(action.state, action.on_time) for action in actions} == {("verified", True)}
    assert case.due_at == plan.over_at
    assert (plan.judge_on, "rca-api", "will judge the effect") == work.chapters[-1]
    assert plan.judge_on > today


def _signed(system: System, *roles: Role, subject: str, vendor: str | None, **_: Any) -> str:
    return system.token(*roles, subject=subject, vendor=vendor)


async def reached(system: System, programme: str, position: int) -> None:
    """Wait until the numbers stand on a position."""
    async with Tallystick(system.url, system.token(Role.ADMIN)) as tallystick, asyncio.timeout(60):
        while not any((each.position or 0) >= position for each in (await tallystick.projections(programme)).items):
            await asyncio.sleep(0.05)
