"""What each detector finds, and what it leaves alone."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from calibration_feed import Session
from conftest import Caller
from factories import programme_document
from reporting_api.projection.worker import SERVICE
from reporting_api.signals.detection import find
from reporting_api.signals.findings import Finding
from reporting_api.signals.ground import SEGMENTS, Ground
from reporting_api.signals.runs import Run, runs
from reporting_api.signals.worker import detect
from reporting_api.tables import signals
from reporting_feed import Stream
from tallystick.schemas.calibration import SessionState
from tallystick.schemas.principal import Role
from tallystick.schemas.programme import Programme
from tallystick.service.database import Database

MONDAY = date(2026, 7, 6)
WHERE = ("acme", "lisbon", "live", "ES")
ELSEWHERE = ("borealis", "krakow", "live", "PL")
OFF = {"on": False}
QUIET = dict.fromkeys(("control_chart", "cusum", "ewma"), OFF)
"""Rates are looked at by tests of their own."""

Week = Mapping[tuple[str, str], tuple[int, int]]
"""By error class and code: errors, and critical ones among them."""


def ground(weeks: Sequence[Week], *, size: int = 500, targets: Mapping[str, float] | None = None, **detectors: Any) -> Ground:
    """Audits of acme week by week with these errors, and as many of borealis with two errors."""
    document = programme_document("p", detectors={**QUIET, **detectors}, targets=targets or {})
    audits: list[list[Any]] = []
    errors: list[list[Any]] = []
    for number, week in enumerate(weeks):
        monday = MONDAY + timedelta(weeks=number)
        wrong, critical = (sum(each[place] for each in week.values()) for place in (0, 1))
        audits.append([monday, *WHERE, size, wrong, critical, 0, 0])
        audits.append([monday, *ELSEWHERE, size, 2, 0, 0, 0])
        errors += [[monday, *WHERE, *kind, *counted] for kind, counted in week.items()]
        errors.append([monday, *ELSEWHERE, "false_positive", "FP-HARASS", 2, 0])
    today = MONDAY + timedelta(weeks=len(weeks))
    return Ground(
        Programme.model_validate(document), datetime(2026, 7, 1, tzinfo=UTC), 1, today, SEGMENTS, audits, errors, [], []
    )


def told(findings: Sequence[Finding]) -> list[tuple[str, str | None, str, str, str]]:
    return [(each.detector, each.vendor, str(each.since), str(each.raised_on), each.state) for each in findings]


CALM: Week = {("false_negative", "FN-HARASS"): (20, 0), ("false_positive", "FP-HARASS"): (15, 0)}
BAD: Week = {("false_negative", "FN-HARASS"): (60, 0), ("false_positive", "FP-HARASS"): (15, 0)}


def test_a_run_begins_with_so_many_weeks_and_ends_with_three_calm_ones() -> None:
    """Weeks that say nothing neither count nor break it; a week alone does not end it."""
    no, yes = False, True

    assert list(runs([no, yes, yes, no, yes, yes, None, yes], 3)) == [Run(4, 7, 7, ended=False)]
    assert list(runs([yes, yes, no, yes, no, no, no, no], 2)) == [Run(0, 1, 3, ended=True)]
    assert list(runs([yes, no, yes, no], 2)) == []


def test_a_target_is_missed_after_so_many_weeks_in_a_row() -> None:
    """Here the third week after a ramp of two: 85 % where 92 % are wanted. Borealis meets it."""
    found = find(ground([CALM] * 5 + [BAD] * 4, targets={"accuracy": 0.92}, target_missed={"periods": 3, "ramp_weeks": 2}))

    assert told(found) == [("target_missed", "acme", "2026-08-10", "2026-08-31", "active")]
    assert found[0].observed.value == 0.85
    assert found[0].summary == (
        "Accuracy at vendor acme: 85.0 % since the week of 2026-08-10, below the target of 92 % in 4 weeks."
    )


def test_a_vendor_has_its_first_quarter_to_come_up_to_its_targets() -> None:
    assert told(find(ground([BAD] * 16, targets={"accuracy": 0.92}))) == []
    assert told(find(ground([BAD] * 17, targets={"accuracy": 0.92}))) == [
        ("target_missed", "acme", "2026-10-05", "2026-11-02", "active")
    ]


def test_weeks_that_may_have_met_the_target_have_not_missed_it() -> None:
    """91 % of 500 may well be 92 %."""
    near = {("false_negative", "FN-HARASS"): (45, 0)}

    assert find(ground([near] * 20, targets={"accuracy": 0.92})) == []


def test_critical_errors_are_a_signal_where_there_are_more_than_before() -> None:
    """One a week is nothing new; ten are."""
    one = {("false_negative", "FN-HARASS"): (20, 1)}
    ten = {("false_negative", "FN-HARASS"): (20, 10)}

    assert find(ground([one] * 20)) == []
    [found] = find(ground([one] * 10 + [ten]))
    assert told([found]) == [("critical_error", "acme", "2026-09-14", "2026-09-21", "active")]
    assert (found.observed.numerator, found.observed.denominator, found.direction) == (490, 500, "down")


def test_each_critical_error_is_a_signal_where_a_programme_wants_it() -> None:
    one = {("false_negative", "FN-HARASS"): (20, 1)}
    found = find(ground([CALM, one, CALM, one, CALM, CALM, CALM, one], critical_error={"any": True}))

    assert told(found) == [
        ("critical_error", "acme", "2026-07-13", "2026-07-20", "ended"),
        ("critical_error", "acme", "2026-08-24", "2026-08-31", "active"),
    ]
    assert found[0].scope.given() == {
        "vendor": ("acme",),
        "site": ("lisbon",),
        "error_class": ("false_negative",),
        "error_code": ("FN-HARASS",),
    }


MANY: Week = {
    ("false_negative", "FN-A"): (30, 0),
    ("false_negative", "FN-B"): (25, 0),
    ("false_positive", "FP-C"): (20, 0),
    ("false_positive", "FP-D"): (5, 0),
}


def test_an_error_that_comes_among_the_most_frequent_and_stays_is_a_signal() -> None:
    """Those that always were are none, and neither is one that comes for a week or two."""
    risen = {**MANY, ("false_positive", "FP-D"): (28, 0)}

    assert find(ground([MANY] * 20)) == []
    assert find(ground([MANY] * 10 + [risen] * 2 + [MANY] * 2)) == []
    [found] = find(ground([MANY] * 10 + [risen] * 4))
    assert told([found]) == [("recurring_error", "acme", "2026-09-14", "2026-10-12", "active")]
    assert found.scope.error_code == ("FP-D",)


async def _kept(database: Database, programme: str) -> list[Any]:
    async with database.reading(SERVICE) as session:
        rows = await session.execute(select(signals).where(signals.c.programme == programme).order_by(signals.c.since))
        return list(rows.all())


async def test_appeals_that_change_more_verdicts_than_before_are_a_signal(
    reporting_database: Database, reporting: httpx.AsyncClient
) -> None:
    """By the week of the decision: 2 of 20 for eight weeks, and 16 of 20 then."""
    stream = Stream()
    for week in range(9):
        for number in range(20):
            appeal = stream.appeal(stream.create(day=MONDAY + timedelta(weeks=week)))
            stream.decide(appeal, "overturned" if number < (16 if week == 8 else 2) else "upheld")
    await stream.project(reporting_database)
    now = datetime(2026, 9, 8, tzinfo=UTC)
    await detect(reporting_database, stream.programme, now)
    [found] = await _kept(reporting_database, stream.programme)
    chart = await reporting.get("/v1/charts/signal", params={"programme": stream.programme, "signal": str(found.id)})

    assert (found.detector, found.vendor, found.measure, str(found.since)) == (
        "overturn_spike",
        "acme",
        "overturn_rate",
        "2026-08-31",
    )
    assert (found.observed["numerator"], found.observed["denominator"]) == (16, 20)
    assert (found.expected["numerator"], found.expected["denominator"]) == (16, 160)
    assert [week["overturn_rate"] for week in chart.json()["data"]["values"] if week["signals"]] == [0.8]


async def test_a_party_that_falls_short_in_calibration_is_a_signal_until_it_does_not(
    reporting_database: Database, reporting: httpx.AsyncClient, reporting_app: FastAPI, caller: Caller
) -> None:
    """Ann and Bob of acme miss the benchmark in one session after the other; the client's people and Kim do not."""
    stream = Stream()
    for day, (right, wrong) in enumerate((("keep", "remove"), ("keep", "remove"), ("keep", "keep"))):
        ratings = [{"qa-1": right, "qa-2": right, "ann": wrong, "bob": wrong, "kim": right} for _ in range(40)]
        Session(stream, ratings, day=day).benchmark(*["keep"] * 40).show(SessionState.CONCLUDED)
        await stream.project(reporting_database)
        await detect(reporting_database, stream.programme, datetime(2026, 9, 2 + day, 12, tzinfo=UTC))
        [found] = await _kept(reporting_database, stream.programme)
        assert found.revision == day + 1
    asked = {"programme": stream.programme, "signal": str(found.id)}
    chart = await reporting.get("/v1/charts/signal", params=asked)
    theirs = await caller(reporting_app, Role.VENDOR_POC, vendor="acme").get("/v1/charts/signal", params=asked)

    assert theirs.json() == chart.json()
    assert (found.detector, found.vendor, found.measure) == ("calibration_below_target", "acme", None)
    assert (str(found.since), str(found.raised_on), str(found.until)) == ("2026-09-01", "2026-09-02", "2026-09-03")
    assert (found.state, found.observed["value"]) == ("ended", 0)
    assert [bool(point["signals"]) for point in chart.json()["data"]["values"]] == [True, True]


@pytest.mark.parametrize("weeks", [9, 12, 15, 19])
def test_week_by_week_finds_what_the_end_finds(weeks: int) -> None:
    """Of what was raised by then, by all detectors of audits."""
    risen = {**MANY, ("false_positive", "FP-D"): (40, 8)}
    history = [MANY] * 9 + [risen] * 4 + [BAD] * 7
    wanted: dict[str, Any] = {"targets": {"accuracy": 0.9}, "target_missed": {"periods": 3, "ramp_weeks": 4}}
    wanted |= {name: {"on": True} for name in QUIET}
    end, early = find(ground(history, **wanted)), find(ground(history[:weeks], **wanted))
    by_then = MONDAY + timedelta(weeks=weeks)

    assert {each.key for each in early} == {each.key for each in end if each.raised_on <= by_then}


def test_a_programme_that_is_too_large_is_watched_by_vendors_and_sites(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found there is still found, and named without its queue."""
    risen = {("false_negative", "FN-HARASS"): (120, 0)}
    by: dict[str, Any] = {name: {"on": True} for name in QUIET}
    monkeypatch.setattr("reporting_api.signals.ground.MOST_PLACES", 100)
    [found] = find(ground([CALM] * 10 + [risen], **by))

    assert found.scope.given() == {"vendor": ("acme",), "site": ("lisbon",), "error_class": ("false_negative",)}
