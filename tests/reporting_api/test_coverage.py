"""The report on coverage: what is left of what was planned, whether it will be done in time, and how well the rate is known."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from appeals import Clock, moved_by_hand
from reporting_api.statistics.intervals import wilson
from reporting_feed import Stream, error
from tallystick.schemas.principal import Role
from tallystick.service.database import Database

FRIDAY_NOON = datetime(2026, 9, 18, 10, tzinfo=UTC)
"""Of the week after the period of the draw: by then three and a half working days have passed since it was drawn."""


@pytest.fixture(autouse=True)
def clock(reporting_app: FastAPI) -> Iterator[Clock]:
    """The clock of reporting-api, which stands at that Friday."""
    with moved_by_hand(reporting_app) as clock:
        clock.now = FRIDAY_NOON
        yield clock


def audited(stream: Stream, draw_id: str, number: int, wrong: int = 0, **fields: Any) -> None:
    """So many items of a draw that are audited, the first of them wrong, all on the Wednesday unless said otherwise."""
    moment = fields.pop("at", datetime(2026, 9, 16, 9, tzinfo=UTC))
    for place in range(number):
        vendor = fields.get("vendor", "acme")
        audit_id = stream.create(error() if place < wrong else None, vendor=vendor, day=moment.date(), auditor="qa-7")
        stream.item(draw_id=draw_id, state="audited", audit_id=audit_id, audited_at=moment.isoformat(), **fields)


async def read(client: httpx.AsyncClient, stream: Stream, **asked: Any) -> dict[str, Any]:
    """The report."""
    answer = await client.get("/v1/reports/coverage", params={"programme": stream.programme, **asked})
    assert answer.status_code == 200, answer.text
    report: dict[str, Any] = answer.json()
    return report


def two_strata() -> tuple[Stream, str]:
    """A draw of two vendors: of acme 7 of 10 are audited, 2 wait, 1 is claimed; of borealis 1, 8 wait, one has no substitute."""
    stream = Stream()
    mine = {"stratum": "s-0", "vendor": "acme", "values": {"vendor": "acme"}, "decisions": 200}
    other = {"stratum": "s-1", "vendor": "borealis", "values": {"vendor": "borealis"}}
    draw_id = stream.draw(strata=[mine, other])
    audited(stream, draw_id, 7, wrong=2)
    for state in ("waiting", "waiting", "claimed", "void"):
        stream.item(draw_id=draw_id, state=state)
    audited(stream, draw_id, 1, stratum="s-1", vendor="borealis")
    for _ in range(8):
        stream.item(draw_id=draw_id, stratum="s-1", vendor="borealis")
    stream.item(draw_id=draw_id, stratum="s-1", vendor="borealis", state="void")
    return stream, draw_id


async def test_every_audit_that_was_planned_is_somewhere(reporting: httpx.AsyncClient, reporting_database: Database) -> None:
    """Audited, in a hand, waiting, or lost; coverage is what is audited of what was planned."""
    stream, draw_id = two_strata()
    await stream.project(reporting_database)
    report = await read(reporting, stream)
    [late, early] = report["strata"]
    named = ("decisions", "planned", "drawn", "waiting", "claimed", "audited", "void", "missing", "gap")

    assert [early["counts"][name] for name in named] == [200, 10, 10, 2, 1, 7, 1, 0, 3]
    assert [late["counts"][name] for name in named] == [100, 10, 10, 8, 0, 1, 1, 1, 9]
    assert [report["overall"][name] for name in named] == [300, 20, 20, 10, 1, 8, 2, 1, 12]
    assert report["overall"]["coverage"]["value"] == 8 / 20
    [draw] = report["draws"]
    assert (draw["draw_id"], draw["strata"], draw["late"], draw["counts"]) == (draw_id, 2, 1, report["overall"])
    assert (report["strata_count"], report["late"]) == (2, 1)


async def test_there_is_no_coverage_of_what_is_not_to_be_audited(
    reporting: httpx.AsyncClient, reporting_database: Database
) -> None:
    """A stratum of which a plan takes none, or whose draw is to come: each has its reason."""
    stream = Stream()
    stream.draw(strata=[{"planned": 0, "drawn": 0}])
    stream.draw(state="committed", drawn_at=None, due_at=None, first_day="2026-09-14", strata=[{"planned": 4, "decisions": 0}])
    await stream.project(reporting_database)
    report = await read(reporting, stream)
    found = {each["state"]: each["counts"]["coverage"] for each in report["strata"]}

    assert [each["value"] for each in found.values()] == [None, None]
    assert found["drawn"]["reason"] == report["overall"]["coverage"]["reason"] == "Nothing of it was to be audited."
    assert found["committed"]["reason"] == "It is not drawn yet."


async def test_a_stratum_is_late_that_the_present_pace_will_not_cover(
    reporting: httpx.AsyncClient, reporting_database: Database
) -> None:
    """By the working days since it was drawn and until it is due, parts of days included; late ones come first."""
    stream, _ = two_strata()
    await stream.project(reporting_database)
    late, early = [each["forecast"] for each in (await read(reporting, stream))["strata"]]

    assert early["pace"] == pytest.approx(7 / 3.5)
    assert early["days_left"] == late["days_left"] == pytest.approx(1.5)
    assert (early["audited"], early["coverage"], early["late"]) == (10, 1.0, False)
    assert (late["audited"], late["late"], late["reason"]) == (1, True, None)


async def test_there_is_no_telling_on_the_day_of_the_draw(
    reporting: httpx.AsyncClient, reporting_database: Database, clock: Clock
) -> None:
    """Nor before it; once it is due, what is left is late."""
    stream, _ = two_strata()
    stream.draw(state="committed", drawn_at=None, due_at=None, first_day="2026-09-14", strata=[{"planned": 4, "decisions": 0}])
    await stream.project(reporting_database)
    clock.now = datetime(2026, 9, 15, 10, tzinfo=UTC)
    fresh = await read(reporting, stream)
    clock.now = datetime(2026, 9, 22, 10, tzinfo=UTC)
    over = await read(reporting, stream)

    reasons = {"Less than a working day has passed since it was drawn.", "It is not drawn yet."}
    assert {each["forecast"]["reason"] for each in fresh["strata"]} == reasons
    assert {each["forecast"]["late"] for each in fresh["strata"]} == {None}
    assert (fresh["overall"]["planned"], fresh["overall"]["gap"]) == (20, 12)
    assert over["late"] == 2


async def test_the_precision_is_that_of_a_sample_of_so_many_decisions(
    reporting: httpx.AsyncClient, reporting_database: Database
) -> None:
    """Where all are audited nothing is left to chance; what the plan wants stands beside it."""
    stream = Stream()
    wanted = {"kind": "precision", "half_width": 0.1, "of": "each", "confidence": 0.95}
    whole = stream.draw(strata=[{"decisions": 8, "planned": 8, "drawn": 8}], allocation=wanted)
    audited(stream, whole, 8, wrong=2)
    part = stream.draw(strata=[{"decisions": 1_000_000}], first_day="2026-09-08")
    audited(stream, part, 10, wrong=2)
    await stream.project(reporting_database)
    report = await read(reporting, stream)
    found = {each["draw_id"]: each["precision"] for each in report["strata"]}
    bounds = wilson(2, 10)

    assert bounds is not None
    assert (found[whole]["error_rate"]["value"], found[whole]["half_width"]) == (0.25, 0.0)
    assert (found[whole]["planned"], found[whole]["wanted"]) == (0.1, True)
    assert found[part]["error_rate"]["value"] == pytest.approx(0.2)
    assert found[part]["half_width"] >= (bounds[1] - bounds[0]) / 2
    assert found[part]["wanted"] is False


async def test_coverage_by_day_ends_with_that_of_now(reporting: httpx.AsyncClient, reporting_database: Database) -> None:
    """It begins with the day of the draw."""
    stream, draw_id = two_strata()
    audited(stream, draw_id, 1, at=datetime(2026, 9, 17, 9, tzinfo=UTC))
    await stream.project(reporting_database)
    days = (await read(reporting, stream))["days"]

    assert [(each["day"], each["planned"], each["audited"]) for each in days] == [
        ("2026-09-15", 20, 0),
        ("2026-09-16", 20, 8),
        ("2026-09-17", 20, 9),
        ("2026-09-18", 20, 9),
    ]
    assert days[-1]["coverage"] == 9 / 20


async def test_it_is_narrowed_by_plan_draw_vendor_and_period(
    reporting: httpx.AsyncClient, reporting_database: Database, reporting_app: FastAPI, caller: Callable[..., httpx.AsyncClient]
) -> None:
    """A vendor's people read of their own strata alone, and nobody's name stands in it."""
    stream, draw_id = two_strata()
    withdrawn = stream.draw(state="withdrawn", strata=[{}])
    await stream.project(reporting_database)
    poc = caller(reporting_app, Role.VENDOR_POC, vendor="borealis")
    own, foreign = await read(poc, stream), await read(poc, stream, vendor="acme")

    async def strata(**asked: Any) -> list[str]:
        return [each["stratum"] for each in (await read(reporting, stream, **asked))["strata"]]

    assert await strata(vendor="acme", draw_id=draw_id) == ["s-0"]
    assert await strata(limit=1) == ["s-1"]
    assert await strata(draw_id=withdrawn) == await strata(plan_id=draw_id) == []
    assert await strata(**{"from": "2026-09-14"}) == await strata(to="2026-09-07") == []
    assert await strata(**{"from": "2026-09-13", "to": "2026-09-14"}) == ["s-1", "s-0"]
    assert [each["vendor"] for each in own["strata"]] == ["borealis"]
    assert (own["overall"]["planned"], own["scope"]["vendors"], foreign["strata"], foreign["draws"]) == (10, ["borealis"], [], [])
    assert "qa-7" not in str(await read(reporting, stream))


async def test_the_etag_moves_with_the_feed_and_the_minute(
    reporting: httpx.AsyncClient, reporting_database: Database, clock: Clock
) -> None:
    stream, draw_id = two_strata()
    await stream.project(reporting_database)

    async def tag() -> str:
        answer = await reporting.get("/v1/reports/coverage", params={"programme": stream.programme})
        return str(answer.headers["etag"])

    first, again = await tag(), await tag()
    clock.now += timedelta(minutes=1)
    later = await tag()
    stream.item(draw_id=draw_id)
    await stream.project(reporting_database)

    assert first == again
    assert len({first, later, await tag()}) == 3
