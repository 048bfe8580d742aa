"""Audits, metrics and reports as tables."""

from typing import Any

import pytest

from factories import audit_row
from shared.cli.conftest import Command
from shared.client.stub import Stub, json_answer

SCOPE = {
    "programme": "demo",
    "filters": {"queue": ["live"]},
    "view": "adjudicated",
    "period": {"from": "2026-09-07", "to": "2026-09-21", "time_zone": "Europe/Berlin"},
    "epoch": None,
    "position": 1234,
}
PERIOD = {"from": "2026-08-24", "to": "2026-09-07", "time_zone": "Europe/Berlin"}
AUDIT_ID = "01a204c7-295c-735b-8c12-86ddf52a14c7"


def count(value: int) -> dict[str, Any]:
    """A counted number."""
    return {"value": value, "numerator": value, "denominator": None, "interval": None, "sufficient": True}


def share(value: float | None) -> dict[str, Any]:
    """A share of a hundred."""
    interval = None if value is None else {"low": value - 0.01, "high": value + 0.01, "level": 0.95, "method": "wilson"}
    number = {"value": value, "numerator": None, "denominator": 100, "interval": interval, "sufficient": value is not None}
    return number | ({"reason": "There are no audits to divide by."} if value is None else {})


def change(value: float, *, clear: bool = True) -> dict[str, Any]:
    """A difference of shares."""
    interval = {"low": value - 0.01, "high": value + 0.01, "level": 0.95, "method": "newcombe"}
    return {"value": value, "interval": interval, "clear": clear}


def point(week: str, value: float | None, *signals: str) -> dict[str, Any]:
    """A week of a trend."""
    limits = {"centre": 0.9, "lower": 0.88, "upper": 0.92, "z": 0.0}
    return {"week": week, "complete": True, "number": share(value), "signals": signals, **limits}


def audit(**changes: Any) -> dict[str, Any]:
    """An audit as the service shows it."""
    return {
        **audit_row(),
        "programme": "demo",
        "id": AUDIT_ID,
        "revision": 1,
        "position": 7,
        "policy_set_version": "1",
        "error_taxonomy_version": "1",
        "quality_score": 0.5,
        "batch_id": None,
        "recorded_by": "someone",
        "recorded_at": "2026-09-01T10:00:00Z",
        "first_scored": None,
        "erased": False,
        **changes,
    }


def lines(text: str) -> list[list[str]]:
    """The rows of a table as their cells."""
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in text.splitlines() if line.startswith("│")]


def test_metrics_stand_beside_those_of_the_period_before(tallystick: Command, stub: Stub) -> None:
    """With the places of rows that are tied, and a line for all together."""
    row = {
        "dimensions": {"site": "krakow"},
        "numbers": {"audits": count(1200), "accuracy": share(0.9)},
        "previous": {"audits": count(1000), "accuracy": share(0.93)},
        "change": {"audits": {"value": 200, "interval": None, "clear": None}, "accuracy": change(-0.03)},
        "rank": {"highest": 1, "lowest": 2, "tied": True},
    }
    totals = {"dimensions": {}, "numbers": {"audits": count(2400), "accuracy": share(None)}}
    alone = {**row, "dimensions": {"site": None}, "rank": {"highest": 3, "lowest": 3, "tied": False}}
    stub.script.append(
        json_answer(
            {
                "scope": SCOPE,
                "previous_period": PERIOD,
                "measures": ["audits", "accuracy"],
                "by": ["site"],
                "rows": [row, alone],
                "groups": 5,
                "totals": totals,
            }
        )
    )

    ran = tallystick("metrics", "-b", "site", "--queue", "live", "--queue", "video", "--limit", "2", "--compare")

    change_of_accuracy = "-3.0 pp (-4.0 to -2.0)"
    assert lines(ran.out) == [
        ["1 to 2", "krakow", "1,200", "1,000", "+200", "90.0 % (89.0 to 91.0)", "93.0 % (92.0 to 94.0)", change_of_accuracy],
        ["3", "none", "1,200", "1,000", "+200", "90.0 % (89.0 to 91.0)", "93.0 % (92.0 to 94.0)", change_of_accuracy],
        ["", "all", "2,400", "", "", "- There are no audits to divide by.", "", ""],
    ]
    assert "demo: 2026-09-07 to 2026-09-20, Europe/Berlin; queue live; adjudicated; position 1,234" in ran.err
    assert "2 of 5 rows are shown" in ran.err
    query = stub.seen[0].query
    assert [value for name, value in query if name == "queue"] == ["live", "video"]
    assert dict(query)["compare"] == "previous_period"
    assert "vendor" not in dict(query)


def test_the_quality_summary_is_read_at_a_glance(tallystick: Command, stub: Stub) -> None:
    """Targets, changes, ranks, and the weeks that break a rule."""
    measures = ("accuracy", "critical_accuracy", "false_positive_rate", "false_negative_rate", "quality_score")
    numbers = {"audits": count(1000), "errors": count(80), "handling_time": share(None)}
    numbers |= dict.fromkeys(measures, share(0.92))
    changes = {name: change(0.01, clear=False) for name in numbers}
    vendor = {"dimensions": {"vendor": "acme"}, "numbers": numbers, "rank": {"highest": 1, "lowest": 1, "tied": False}}
    report = {
        "scope": {**SCOPE, "period": None},
        "previous_period": PERIOD,
        "overall": {"adjudicated": numbers, "first_scored": numbers},
        "previous": numbers,
        "change": changes,
        "targets": [{"measure": "accuracy", "target": 0.95, "number": share(0.92), "standing": "missed"}],
        "vendors": [vendor],
        "sites": [{**vendor, "dimensions": {"vendor": "acme", "site": None}}],
        "trend": [point("2026-09-07", 0.95), point("2026-09-14", 0.89, "beyond_3_sigma"), point("2026-09-21", None)],
    }
    stub.script.append(json_answer(report))

    ran = tallystick("report", "quality-summary", "--view", "first_scored", "--from", "2026-09-07")

    accuracy = ["accuracy", "92.0 % (91.0 to 93.0)", "95.0 % missed", "+1.0 pp (+0.0 to +2.0)"]
    assert accuracy in lines(ran.out)
    assert ["1", "acme", "1,000", "92.0 % (91.0 to 93.0)", "92.0 % (91.0 to 93.0)"] in lines(ran.out)
    assert "Accuracy by week  █▁" in ran.out
    assert "week of 2026-09-14: beyond 3 sigma" in ran.out
    assert "demo: no audits;" in ran.err
    assert dict(stub.seen[0].query) == {"programme": "demo", "view": "first_scored", "from": "2026-09-07"}


def test_the_top_errors_name_where_they_changed(tallystick: Command, stub: Stub) -> None:
    """Signals are segments that changed; concentrations may have been there throughout."""
    named = {"error_code": "FN-HARASS", "name": "Harassment missed"}
    points = [point("2026-09-07", 0.01), point("2026-09-14", 0.2, "beyond_3_sigma")]
    segment = {"site": "krakow", "queue": "live"}
    concentration = {
        **named,
        "segment": segment,
        "share": share(0.5),
        "rate": share(0.2),
        "elsewhere": share(0.02),
        "ratio": 10.0,
        "interval": {"low": 8.0, "high": 12.0, "level": 0.95, "method": "katz"},
        "z": 20.0,
        "signal": True,
    }
    only_here = {**concentration, "segment": {"market": None}, "ratio": None, "interval": None, "signal": False}
    bar = {
        **named,
        "errors": count(50),
        "share": share(0.5),
        "cumulative_share": 0.5,
        "rate": share(0.05),
        "change": change(0.02),
    }
    report = {
        "scope": SCOPE,
        "previous_period": PERIOD,
        "errors": count(100),
        "pareto": [bar, {**bar, "error_code": None, "name": None, "cumulative_share": 1.0}],
        "trends": [{**named, "points": points, "signals": 1}],
        "appeared": [{**named, "errors_before": 0, "errors_since": 9, "since": "2026-09-14", "chance": 0.001}],
        "vanished": [],
        "signals": [
            {
                **named,
                "segment": segment,
                "since": "2026-09-14",
                "direction": "up",
                "before": share(0.01),
                "after": share(0.2),
                "difference": change(0.19),
                "z": 12.0,
                "points": points,
            }
        ],
        "concentrations": [concentration, only_here],
    }
    stub.script.append(json_answer(report))

    ran = tallystick("report", "top-error-trends", "--limit", "10")

    rows = lines(ran.out)
    assert rows[0] == ["FN-HARASS", "50", "50.0 %", "50.0 %", "5.0 % (4.0 to 6.0)", "▁█", "1", "+2.0 pp (+1.0 to +3.0)"]
    assert rows[1][0] == "none"
    assert rows[2][:3] == ["FN-HARASS", "site krakow, queue live", "2026-09-14"]
    assert rows[2][5] == "+19.0 pp (+18.0 to +20.0)"
    assert rows[3][5:] == ["10.0 (8.0 to 12.0)", "see the signal"]
    assert rows[4][1] == "market none"
    assert rows[4][5:] == ["only here", "throughout"]
    assert "FN-HARASS has appeared since 2026-09-14: 9 after 0." in ran.out


def test_the_report_on_appeals_is_read_at_a_glance(tallystick: Command, stub: Stub) -> None:
    """Outcomes by group with places, times in days, what waits and for how long, and the patterns."""
    outcomes = {
        name: count(place) for place, name in enumerate(("open", "upheld", "overturned", "amended", "withdrawn", "expired"))
    }
    numbers = {"appeals": count(15), "decided_appeals": count(6), "overturn_rate": share(0.5)}
    place = {"highest": 1, "lowest": 2, "tied": True}
    group = {"name": None, "numbers": {**numbers, "appeal_rate": share(0.1)}, "outcomes": outcomes, "rank": place}
    days: dict[str, Any] = {"value": 216_000, "numerator": None, "denominator": 6, "sufficient": True}
    days["interval"] = {"low": 86_400, "high": 259_200, "level": 0.95, "method": "order-statistics"}
    none = {"value": None, "numerator": None, "denominator": 0, "interval": None, "sufficient": False, "reason": "None decided."}
    pair = {"policy": "hate", "policy_name": None, "whole_policy": False, "error_code": "FP", "error_name": None, "rank": place}
    stub.script.append(
        json_answer(
            {
                "scope": SCOPE,
                "previous_period": None,
                "as_of": "2026-09-21T12:00:00Z",
                "turnaround_days": 4,
                "overall": {**group, "dimensions": {}, "rank": None},
                "change": None,
                "vendors": [{**group, "dimensions": {"vendor": f"v-{number}"}} for number in range(12)],
                "sites": [],
                "policies": [],
                "error_codes": [],
                "auditors": [{**group, "dimensions": {"auditor": None}}],
                "grounds": [{**group, "dimensions": {"ground": "technical"}, "numbers": numbers}],
                "weeks": [],
                "times": [{"stage": None, "median": days, "p90": none, "on_time": share(0.8)}],
                "open": {
                    "ages": [{"from_days": 30, "to_days": None, "open": count(3), "overdue": count(2)}],
                    "oldest": None,
                    **{name: count(3) for name in ("open", "in_review", "in_arbitration", "overdue", "undated")},
                },
                "patterns": {
                    "examined": count(4),
                    "too_few": count(5),
                    "clauses": count(0),
                    "found": [{**pair, "overturn_rate": share(0.9), "rest": share(0.2), "difference": change(0.7)}],
                },
                "escalations": {"rate": share(0.2), "overturn_rate": share(None), "outcomes": outcomes},
                "expired": share(0.05),
            }
        )
    )

    ran = tallystick("report", "appeals", "--vendor", "acme")

    rows = lines(ran.out)
    half, tenth = "50.0 % (49.0 to 51.0)", "10.0 % (9.0 to 11.0)"
    assert rows[0] == ["", "15", tenth, half, "0", "1", "2", "3", "4", "5"]
    assert rows[1][:4] == ["1 to 2", "v-0", "15", tenth]
    assert rows[11][1] == "none"
    assert rows[12][1:5] == ["technical", "15", "", half]
    assert rows[13] == ["all", "2.5 days (1.0 to 3.0)", "- None decided.", "80.0 % (79.0 to 81.0)"]
    assert rows[14] == ["30 or more", "3", "2"]
    assert rows[15][1:3] == ["hate", "FP"]
    assert "2 more with --json" in ran.out
    assert "Time to decision, 4 working days promised" in ran.out
    assert "Overturned again and again (pairs of policy and error code with enough decisions: 4, with too few: 5)" in ran.out
    assert "Expired undecided: 5.0 % (4.0 to 6.0)" in ran.out
    assert dict(stub.seen[0].query)["vendor"] == "acme"


def test_calibration_is_asked_for_as_a_trend_or_of_one_session(tallystick: Command, stub: Stub) -> None:
    """Without sessions the trend says why, and over whose ratings it would be."""
    scope = {
        "programme": "demo",
        "vendors": ["acme"],
        "policies": ["hate"],
        "period": None,
        "raters": "All raters.",
        "epoch": None,
    }
    golden = {"overall": share(None), "auditors": [], "reason": "None."}
    empty = {"sessions": [], "open": [], "alignment": [], "golden": golden, "next": {"raters": [], "reason": "None."}}
    stub.script.append(json_answer({"scope": scope | {"position": 7}, **empty, "reason": "No session has been concluded."}))

    shown = tallystick("report", "calibration", "--vendor", "acme", "--policy", "hate", "--from", "2026-09-01")
    tallystick("report", "calibration", "--session", AUDIT_ID)

    assert "No session has been concluded." in shown.out
    assert "demo: All raters. Items on hate. Position 7" in shown.err
    assert dict(stub.seen[0].query) == {
        "programme": "demo",
        "vendor": "acme",
        "policy": "hate",
        "from": "2026-09-01",
        "limit": "20",
    }
    assert dict(stub.seen[1].query)["session"] == AUDIT_ID


@pytest.mark.parametrize("command", ["quality-summary", "top-error-trends", "appeals", "calibration"])
def test_a_report_can_be_had_as_it_came(tallystick: Command, stub: Stub, command: str) -> None:
    """What is not understood is told, not shown."""
    stub.script.append(json_answer({"scope": SCOPE}))

    ran = tallystick("report", command, "--json")

    assert ran.code == 1
    assert "answered no" in ran.err


def test_audits_are_listed_up_to_the_limit(tallystick: Command, stub: Stub) -> None:
    """And the list says when there are more."""
    wrong = audit(verdict="incorrect", error_code="FN-HARASS", error_class="false_negative", severity="major")
    stub.script.append(json_answer({"items": [wrong, audit(), audit()]}))

    ran = tallystick("audits", "list", "--limit", "2", "--from", "2026-09-01", "--to", "2026-09-01T12:00Z")

    first, _ = lines(ran.out)
    assert first[:2] == [AUDIT_ID, "A-1"]
    assert first[6:9] == ["incorrect", "FN-HARASS", "major"]
    assert "The first 2 are shown" in ran.err
    query = dict(stub.seen[0].query)
    assert (query["from"], query["to"]) == ("2026-09-01", "2026-09-01T12:00Z")


def test_an_audit_is_shown_with_its_scorecard_and_its_history(tallystick: Command, stub: Stub) -> None:
    """What is not set is left out."""
    scorecard = [{"code": "decision", "weight": 60, "rating": 0.5}, {"code": "note", "weight": 10, "rating": None}]
    judgement = {"benchmark_action": "keep", "benchmark_policy": "no_violation", "verdict": "correct"}
    revision = {
        "revision": 1,
        "judgement": judgement,
        "quality_score": None,
        "reason": None,
        "recorded_by": "someone",
        "recorded_at": "2026-09-01T10:00:00Z",
    }
    stub.script.append(json_answer(audit(scorecard=scorecard, render_hints=["blur", "mute"])))
    stub.script.append(json_answer({"items": [revision]}))

    ran = tallystick("audits", "show", AUDIT_ID)

    assert ["scorecard decision", "50%, weight 60"] in lines(ran.out)
    assert ["scorecard note", "not applicable, weight 10"] in lines(ran.out)
    assert ["render_hints", "blur, mute"] in lines(ran.out)
    assert "comment" not in ran.out
    assert ["1", "2026-09-01 10:00", "someone", "correct", "", "", ""] in lines(ran.out)


def test_a_revision_needs_something_that_changes(tallystick: Command, stub: Stub) -> None:
    """And what it changes to must have the shape of it."""
    assert tallystick("audits", "revise", AUDIT_ID, "--reason", "Seen again.").code == 2
    stub.script.append(json_answer(audit()))

    ran = tallystick("audits", "revise", AUDIT_ID, "--reason", "Seen again.", "--error-code", "two words")

    assert ran.code == 2
    assert "--error-code" in ran.err
    assert [seen.method for seen in stub.seen] == ["GET"]
