"""The report on coverage as tables and as JSON."""

from typing import Any

import orjson

from shared.cli.conftest import Command
from shared.cli.test_tables import PERIOD, share
from shared.client.stub import Stub, json_answer

PLAN_ID, DRAW_ID = "01a204c7-295c-735b-8c12-86ddf52a14c7", "01a204c7-295c-735b-8c12-86ddf52a14c8"
COUNTS = {
    "decisions": 1200, "planned": 80, "drawn": 78, "waiting": 30, "claimed": 2, "audited": 44, "void": 4, "missing": 4, "gap": 36,
    "coverage": share(0.55),
}  # fmt: skip
LATE = {"pace": 4.0, "days_left": 2.5, "audited": 54, "coverage": 0.675, "late": True, "reason": None}
EARLY = {"pace": None, "days_left": 4.5, "audited": None, "coverage": None, "late": None, "reason": "Too early."}
PRECISION = {"error_rate": share(0.1), "half_width": 0.081, "planned": 0.05, "wanted": True}
OF_DRAW = {
    "plan_id": PLAN_ID, "draw_id": DRAW_ID, "title": "Everyday", "state": "drawn", "first_day": "2026-09-07",
    "last_day": "2026-09-13", "due_at": "2026-09-21T22:00:00Z", "counts": COUNTS, "precision": PRECISION,
}  # fmt: skip


def report(**more: Any) -> dict[str, Any]:
    """A report of two strata, one of which is late."""
    strata = [
        OF_DRAW | {"stratum": f"s-{place}", "vendor": "acme", "values": {"vendor": "acme", "risk": risk}, "forecast": forecast}
        for place, (risk, forecast) in enumerate((("high", LATE), ("", EARLY)))
    ]
    scope = {"programme": "demo", "plans": [], "draws": [], "vendors": [], "period": PERIOD, "as_of": "2026-09-18T10:00:00Z"}
    return {
        "scope": scope | {"pace_days": 5, "epoch": None, "position": 7},
        "target": 0.95,
        "overall": COUNTS,
        "precision": PRECISION,
        "draws": [OF_DRAW | {"strata": 2, "late": 1, "forecast": LATE}],
        "strata": strata,
        "strata_count": 2,
        "late": 1,
        "days": [{"day": "2026-09-15", "planned": 80, "audited": 44, "coverage": 0.55}],
        **more,
    }


def test_coverage_is_shown_by_draw_and_by_stratum(tallystick: Command, stub: Stub) -> None:
    """With who is late, why there is no telling, and how well the rate is known; or as the service says it."""
    stub.script.extend([json_answer(report())] * 2)
    shown = tallystick("report", "coverage", "--plan", PLAN_ID, "--vendor", "acme")
    as_json = tallystick("report", "coverage", "--json")

    assert (shown.code, as_json.code) == (0, 0)
    for said in (
        "Everyday, 2026-09-07 to 2026-09-13",
        "acme, high",
        "acme, (none)",
        "8.1% of 5.0%",
        "late: 54 by then, 2.5 working days left",
        "Too early.",
        "55.0% of what was planned is audited; the programme aims at 95%.",
        "36 audits are left, 4 of them with nothing to audit.",
        "1 of 2 strata will not be covered in time at the present pace.",
    ):
        assert said in shown.out, said
    assert dict(stub.seen[0].query) == {"programme": "demo", "plan_id": PLAN_ID, "vendor": "acme", "limit": "40"}
    assert orjson.loads(as_json.out)["late"] == 1


def test_before_the_first_draw_nothing_is_covered(tallystick: Command, stub: Stub) -> None:
    """And that is what it says."""
    nothing = share(None) | {"reason": "It is not drawn yet."}
    empty = {"draws": [], "strata": [], "days": [], "strata_count": 0, "late": 0, "target": None}
    stub.script.append(json_answer(report(overall=COUNTS | {"coverage": nothing}, **empty)))

    assert "Nothing is drawn." in tallystick("report", "coverage").out


def test_what_people_named_stands_as_they_named_it(tallystick: Command, stub: Stub) -> None:
    """Brackets and colons mean nothing to the command, wherever they stand."""
    named = "Live [bold] :fire: [/red]"
    [stratum, *_] = report()["strata"]
    stratum |= {"title": named, "values": {"vendor": "acme", "moderator": named}}
    stub.script.append(json_answer(report(strata=[stratum], draws=[])))
    shown = tallystick("report", "coverage")

    assert shown.code == 0
    assert f"acme, {named}" in shown.out
    assert f"{named}, 2026-09-07 to 2026-09-13" in shown.out
