"""Lots and what plans risk, as tables and as JSON."""

from typing import Any

import orjson

from shared.cli.conftest import Command
from shared.client.stub import Stub, json_answer

PLAN = {"code_letter": "J", "sample": 80, "accept": 2, "reject": 3, "aql": 1.0, "level": "II", "severity": "normal"}
LOT: dict[str, Any] = {
    **PLAN,
    "programme": "demo",
    "draw_id": "01a204c7-295c-735b-8c12-86ddf52a14c7",
    "stratum": "s-1",
    "vendor": "acme",
    "values": {"vendor": "acme", "risk": ""},
    "first_day": "2026-11-02",
    "last_day": "2026-11-08",
    "decisions": 1200,
    "audited": 41,
    "errors": 3,
    "verdict": "rejected",
}


def test_a_lot_is_a_line_of_its_period_its_audits_and_its_verdict(tallystick: Command, stub: Stub) -> None:
    """Or the service's own answer."""
    stub.script.extend([json_answer({"items": [LOT]})] * 2)
    shown = tallystick("lots", "list", "--vendor", "acme", "--verdict", "rejected", "--verdict", "open")
    as_json = tallystick("lots", "list", "--json")

    assert (shown.code, as_json.code) == (0, 0)
    for said in ("2026-11-02 to 2026-11-08", "acme, (none)", "J, normal, AQL 1", "41 of 80", "2/3", "rejected"):
        assert said in shown.out
    assert orjson.loads(as_json.out)["items"][0] == LOT
    assert sorted(stub.seen[0].query) == [
        ("limit", "100"), ("programme", "demo"), ("vendor", "acme"), ("verdict", "open"), ("verdict", "rejected"),
    ]  # fmt: skip


def test_a_curve_ends_with_what_either_side_risks(tallystick: Command, stub: Stub) -> None:
    """In a sentence, or as the service says it."""
    points = [{"error_rate": place / 400, "acceptance": 1 - place / 40} for place in range(41)]
    risks = {"lot_size": 1200, "producers_risk": 0.0466, "consumers_quality": 0.0652, "curve": points}
    stub.script.extend([json_answer(PLAN | risks)] * 2)
    shown = tallystick("lots", "curve", "--size", "1200", "--aql", "1")
    as_json = tallystick("lots", "curve", "--size", "1200", "--aql", "1", "--json")

    assert "J: 80 audits, accepted with up to 2 errors, rejected with 3." in shown.out
    assert "rejected with 4.7%; one in ten is accepted at an error rate of 6.5%." in shown.out
    assert "10.00%" in shown.out
    assert orjson.loads(as_json.out)["curve"] == points
