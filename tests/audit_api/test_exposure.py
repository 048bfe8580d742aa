"""Exposure: what is handed to a person stays within caps, cool-downs, rotation and breaks; their ledger is theirs alone."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from appeals import Clock
from audit_api.exposure.gate import Gate, gate
from audit_api.exposure.ledger import dose, opt_out, reserve, settle
from audit_api.exposure.summary import WELLBEING
from audit_api.exposure.thinning import thin_all
from audit_api.sampling.tables import sample_items
from conftest import Caller
from factories import programme_document
from items import item_row, put_items
from tallystick.schemas.metric import Dimension, Measure
from tallystick.schemas.principal import Role
from tallystick.schemas.programme import ExposureRules, Programme
from tallystick.schemas.sampling import NoItem
from tallystick.service.auth import ALL, Principal
from tallystick.service.database import Database

ME = "qa-1"
HARASSMENT = 4.0
"""Below what is heavy."""
HATE = 8.0
"""Heavy."""
NOON = datetime(2026, 9, 2, 12, tzinfo=UTC)
"""A Wednesday."""


def _person(subject: str, vendor: str | None = None) -> Principal:
    return Principal(subject, frozenset({Role.AUDITOR}), frozenset({ALL}), vendor, "")


def _document(slug: str, **rules: Any) -> Programme:
    return Programme.model_validate(programme_document(slug, exposure=rules, handing={"seconds_per_item": 60}))


async def _work(
    app: FastAPI, programme: Programme, at: datetime, *, harm: float = HARASSMENT, seconds: int = 60, who: str = ME
) -> datetime:
    """Audit one item, and answer when it is done."""
    database: Database = app.state.database
    item = uuid4()
    done = at + timedelta(seconds=seconds)
    async with database.writing(_person(who)) as session:
        await reserve(session, programme, who, (item, "hate", harm, "image"), at)
        await settle(session, programme.slug, who, item, seconds, done)
    return done


async def _gate(app: FastAPI, programme: Programme, at: datetime) -> Gate:
    database: Database = app.state.database
    async with database.reading(_person(ME)) as session:
        return await gate(session, programme, ME, at)


async def _ledger(client: httpx.AsyncClient, programme: str) -> dict[str, Any]:
    answer = await client.get("/v1/exposure", params={"programme": programme})
    assert answer.status_code == 200, answer.text
    ledger: dict[str, Any] = answer.json()
    return ledger


async def _configure(admin: httpx.AsyncClient, slug: str, **exposure: Any) -> None:
    """Give the programme policies with harm, and rules."""
    document = programme_document(slug, exposure=exposure, handing={"seconds_per_item": 60})
    (await admin.put(f"/v1/programmes/{slug}", json=document, headers={"If-Match": "*"})).raise_for_status()


@pytest.fixture
def me(audit_app: FastAPI, caller: Caller) -> httpx.AsyncClient:
    """The auditor whose ledger it is."""
    return caller(audit_app, Role.AUDITOR, subject=ME)


@pytest.mark.parametrize(
    ("modality", "expected"), [("text", 4 * 1.5 * 0.5), ("image", 4 * 1.5), ("audio", 4 * 1.5), ("video", 9.0), ("live", 12.0)]
)
def test_a_dose_is_harm_times_minutes_times_weight(modality: str, expected: float) -> None:
    """Ninety seconds of harm 4, by the weights that programmes begin with."""
    assert dose(ExposureRules(), 4, modality, 90) == pytest.approx(expected)


async def test_what_is_in_hand_counts_as_expected_and_what_is_done_as_it_was(audit_app: FastAPI, programme: str) -> None:
    """A minute is expected; it took three."""
    document = _document(programme, daily_cap=100)
    database: Database = audit_app.state.database
    item = uuid4()
    async with database.writing(_person(ME)) as session:
        await reserve(session, document, ME, (item, "hate", 10, "image"), NOON)
    in_hand = (await _gate(audit_app, document, NOON)).most
    async with database.writing(_person(ME)) as session:
        await settle(session, programme, ME, item, 180, NOON)
    done = (await _gate(audit_app, document, NOON)).most

    assert [in_hand, done] == pytest.approx([90, 70])


async def test_an_item_that_is_handed_out_twice_counts_twice(audit_app: FastAPI, programme: str) -> None:
    """Given back after 30 seconds, and audited in 60 another time."""
    document = _document(programme, daily_cap=100)
    database: Database = audit_app.state.database
    item = uuid4()
    for minute, seconds in ((0, 30), (10, 60)):
        at = NOON + timedelta(minutes=minute)
        async with database.writing(_person(ME)) as session:
            await reserve(session, document, ME, (item, "hate", 10, "image"), at)
            await settle(session, programme, ME, item, seconds, at + timedelta(seconds=seconds))

    assert (await _gate(audit_app, document, NOON + timedelta(minutes=20))).most == pytest.approx(85)


async def test_caps_leave_room_for_what_is_left_of_day_and_week(audit_app: FastAPI, programme: str) -> None:
    """The tighter of both holds; a day is full until midnight where the programme is, a week until Monday."""
    document = _document(programme, daily_cap=20, weekly_cap=30)
    await _work(audit_app, document, NOON - timedelta(days=1), harm=16)
    await _work(audit_app, document, NOON, harm=4)
    by_week = await _gate(audit_app, document, NOON + timedelta(hours=1))
    wider = _document(programme, daily_cap=5, weekly_cap=30)
    by_day = await _gate(audit_app, wider, NOON + timedelta(hours=1))

    assert [by_week.most, by_day.most] == pytest.approx([10, 1])
    assert [by_week.full, by_day.full] == [NoItem.WEEK_IS_FULL, NoItem.DAY_IS_FULL]
    assert by_week.full_until == datetime(2026, 9, 6, 22, tzinfo=UTC)
    assert by_day.full_until == datetime(2026, 9, 2, 22, tzinfo=UTC)


async def test_a_day_ends_where_the_programme_is(audit_app: FastAPI, programme: str) -> None:
    """Half past eleven at night in UTC is the next day in Berlin."""
    document = _document(programme, daily_cap=20)
    await _work(audit_app, document, datetime(2026, 9, 2, 20, 0, tzinfo=UTC), harm=15)

    assert (await _gate(audit_app, document, datetime(2026, 9, 2, 21, 0, tzinfo=UTC))).most == pytest.approx(5)
    assert (await _gate(audit_app, document, datetime(2026, 9, 2, 23, 30, tzinfo=UTC))).most == pytest.approx(20)


async def test_after_so_many_heavy_items_something_lighter_comes(audit_app: FastAPI, programme: str) -> None:
    """A lighter item, or a break, begins the count anew."""
    document = _document(programme, heavy_in_a_row=2)
    at = await _work(audit_app, document, NOON, harm=HATE)
    one = await _gate(audit_app, document, at)
    at = await _work(audit_app, document, at, harm=HATE)
    two = await _gate(audit_app, document, at)
    after_a_break = await _gate(audit_app, document, at + timedelta(minutes=15))
    at = await _work(audit_app, document, at, harm=HARASSMENT)
    lighter = await _gate(audit_app, document, at)

    assert [one.heavy, two.heavy, after_a_break.heavy, lighter.heavy] == [True, False, True, True]
    assert two.again_at == at - timedelta(seconds=60) + timedelta(minutes=15)
    assert two.message is not None
    assert two.closed is None


async def test_heavy_items_keep_their_distance(audit_app: FastAPI, programme: str) -> None:
    """Ten minutes of cool-down, whatever comes in between."""
    document = _document(programme, cool_down_minutes=10)
    done = await _work(audit_app, document, NOON, harm=HATE)
    at = await _work(audit_app, document, done, harm=HARASSMENT)
    cooling = await _gate(audit_app, document, at)
    cooled = await _gate(audit_app, document, done + timedelta(minutes=10))

    assert (cooling.heavy, cooling.again_at) == (False, done + timedelta(minutes=10))
    assert cooled.heavy


async def test_a_break_is_due_after_work_without_a_pause(audit_app: FastAPI, programme: str) -> None:
    """Nothing is handed out until there was a pause as long as a break; shorter ones are none."""
    document = _document(programme, break_after_minutes=30, break_minutes=10)
    at = NOON
    for _ in range(4):
        at = await _work(audit_app, document, at, seconds=300) + timedelta(minutes=4)
    due = await _gate(audit_app, document, at)
    last = at - timedelta(minutes=4)
    rested = await _gate(audit_app, document, last + timedelta(minutes=10))

    assert (due.closed, due.again_at) == (NoItem.BREAK_IS_DUE, last + timedelta(minutes=10))
    assert due.message is not None
    assert "10 minutes" in due.message
    assert rested.closed is None


async def test_a_break_lasts_as_long_as_was_asked(
    audit_app: FastAPI, programme: str, me: httpx.AsyncClient, clock: Clock
) -> None:
    """A shorter one asked for meanwhile does not end it earlier."""
    for minutes in (20, 5):
        answer = await me.put("/v1/exposure/break", params={"programme": programme}, json={"minutes": minutes})
        assert answer.status_code == 200, answer.text
    begun = clock.now
    document = _document(programme)
    during = await _gate(audit_app, document, begun + timedelta(minutes=19))
    after = await _gate(audit_app, document, begun + timedelta(minutes=20))

    assert datetime.fromisoformat(answer.json()["break_until"]) == begun + timedelta(minutes=20)
    assert (during.closed, during.again_at) == (NoItem.ON_A_BREAK, begun + timedelta(minutes=20))
    assert after.closed is None


async def test_an_opt_out_takes_a_policy_out_of_what_one_is_handed(
    audit_app: FastAPI, programme: str, me: httpx.AsyncClient, caller: Caller
) -> None:
    """It is the person's own: what somebody else reads of opt-outs is their own ones. The last word counts."""
    params = {"programme": programme}
    for policies in (["hate", "harassment"], ["hate"]):
        (await me.put("/v1/exposure/opt-outs", params=params, json={"policies": policies})).raise_for_status()
    manager = caller(audit_app, Role.QUALITY_MANAGER, subject="manager-1")

    assert (await _gate(audit_app, _document(programme), NOON)).opted_out == ("hate",)
    assert (await me.get("/v1/exposure/opt-outs", params=params)).json() == {"policies": ["hate"]}
    assert (await manager.get("/v1/exposure/opt-outs", params=params)).json() == {"policies": []}


async def test_an_unknown_policy_is_named_and_changes_nothing(programme: str, me: httpx.AsyncClient) -> None:
    """The programme has no policy `spam`."""
    params = {"programme": programme}
    (await me.put("/v1/exposure/opt-outs", params=params, json={"policies": ["hate"]})).raise_for_status()
    answer = await me.put("/v1/exposure/opt-outs", params=params, json={"policies": ["harassment", "spam"]})

    assert answer.status_code == 422
    assert answer.json()["type"].endswith("/problems/opt-out-refused")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/policies/1"]
    assert (await me.get("/v1/exposure/opt-outs", params=params)).json() == {"policies": ["hate"]}


async def test_a_ledger_is_its_persons_alone(
    audit_app: FastAPI, programme: str, me: httpx.AsyncClient, caller: Caller, clock: Clock
) -> None:
    """A manager who asks reads their own empty one; row-level security shows nobody anybody else's rows, by any statement."""
    document = _document(programme)
    await _work(audit_app, document, clock.now - timedelta(seconds=90), seconds=90)
    mine = await _ledger(me, programme)
    manager = caller(audit_app, Role.QUALITY_MANAGER, subject="manager-1")
    theirs = await _ledger(manager, programme)
    database: Database = audit_app.state.database
    seen = {}
    for who in (_person(ME), _person("manager-1"), _person(ME, "acme"), _person("audit-api")):
        async with database.reading(who) as session:
            driver = await session.driver()
            seen[(who.subject, who.vendor)] = await driver.fetchval(
                "select count(*) from exposures where programme = $1", programme
            )

    assert [(day["minutes"], day["items"]) for day in mine["days"]] == [(1.5, 1)]
    assert mine["today"] == pytest.approx(HARASSMENT * 1.5)
    assert theirs["days"] == []
    assert seen == {(ME, None): 1, ("manager-1", None): 0, (ME, "acme"): 0, ("audit-api", None): 0}


async def test_nobody_writes_into_anothers_ledger(audit_app: FastAPI, programme: str) -> None:
    """Row-level security holds it, whatever a statement says."""
    database: Database = audit_app.state.database
    with pytest.raises(Exception, match="row-level security"):
        async with database.writing(_person("someone")) as session:
            await reserve(session, _document(programme), ME, (uuid4(), "hate", 1, "text"), NOON)


@pytest.mark.parametrize("people", [4, 5])
async def test_managers_read_means_of_five_or_more(
    audit_app: FastAPI, programme: str, caller: Caller, people: int, store: asyncpg.Connection
) -> None:
    """A team of five has a figure. One of four, with nobody else beside it, has none, and that there is more is said."""
    document = _document(programme)
    for number in range(people):
        await store.execute(
            "insert into auditors (programme, auditor, name, document, revision, changed_by, changed_at)"
            " values ($1, $2, $2, '{\"team\": \"night\"}', 1, 'x', now())",
            programme,
            f"qa-{number}",
        )
        await _work(audit_app, document, NOON, seconds=60 * (number + 1), who=f"qa-{number}")
    manager = caller(audit_app, Role.QUALITY_MANAGER, subject="manager-1")
    answer = await manager.get("/v1/exposure/summary", params={"programme": programme})
    shown = {"team": "night", "week": "2026-08-31", "people": 5, "mean_dose": HARASSMENT * 3, "mean_minutes": 3}

    assert answer.status_code == 200, answer.text
    assert answer.json() == ({"items": [shown], "hidden": False} if people == 5 else {"items": [], "hidden": True})


async def test_small_teams_are_shown_together(
    audit_app: FastAPI, programme: str, caller: Caller, store: asyncpg.Connection
) -> None:
    """Three of one team and two of another make five without a team's name."""
    document = _document(programme)
    for number, team in enumerate(["day", "day", "day", "night", "night"]):
        await store.execute(
            "insert into auditors (programme, auditor, name, document, revision, changed_by, changed_at)"
            " values ($1, $2, $2, jsonb_build_object('team', $3::text), 1, 'x', now())",
            programme,
            f"qa-{number}",
            team,
        )
        await _work(audit_app, document, NOON, who=f"qa-{number}")
    manager = caller(audit_app, Role.QUALITY_MANAGER, subject="manager-1")
    answer = await manager.get("/v1/exposure/summary", params={"programme": programme})

    assert [(group["team"], group["people"]) for group in answer.json()["items"]] == [(None, 5)]


async def test_old_days_become_weeks_and_old_weeks_are_forgotten(
    audit_app: FastAPI, programme: str, me: httpx.AsyncClient, caller: Caller, clock: Clock
) -> None:
    """What a week adds up to stays the same when its days are thinned out, however often that is done; then it is gone."""
    await _configure(caller(audit_app, Role.ADMIN), programme, keep_days=7, keep_weeks=4)
    document = _document(programme)
    start = clock.now
    await _work(audit_app, document, start, seconds=60)
    await _work(audit_app, document, start + timedelta(hours=1), seconds=120)
    clock.move(days=15)
    for _ in range(2):
        await thin_all(audit_app.state.database, clock)
    thinned = await _ledger(me, programme)
    clock.move(days=35)
    await thin_all(audit_app.state.database, clock)
    forgotten = await _ledger(me, programme)

    assert thinned["days"] == []
    assert sum(week["items"] for week in thinned["weeks"]) == 2
    assert sum(week["dose"] for week in thinned["weeks"]) == pytest.approx(HARASSMENT * 3)
    assert (forgotten["days"], forgotten["weeks"]) == ([], [])


def test_exposure_is_in_nothing_that_is_told_or_measured(audit_app: FastAPI) -> None:
    """Four routes answer of it, and no other part of the interface names it, feed and metrics included: it judges nobody."""
    document = audit_app.openapi()
    told = {path: str(routes).lower() for path, routes in document["paths"].items() if "exposure" not in path}

    assert {path for path in document["paths"] if "exposure" in path} == {
        "/v1/exposure", "/v1/exposure/summary", "/v1/exposure/opt-outs", "/v1/exposure/break",
    }  # fmt: skip
    assert [path for path, text in told.items() if "exposure" in text or "opt_out" in text] == []
    assert [measure for measure in (*Measure, *Dimension) if "dose" in measure or "exposure" in measure] == []


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(st.tuples(st.sampled_from([0.0, HARASSMENT, HATE]), st.integers(1, 60), st.integers(0, 90)), max_size=12),
    cap=st.integers(1, 40),
    row=st.integers(1, 3),
)
async def test_whoever_goes_through_the_gate_stays_within_the_rules(
    audit_app: FastAPI, programme: str, steps: list[tuple[float, int, int]], cap: int, row: int
) -> None:
    """Work is taken where the gate lets it through: no day goes beyond its cap, and never are too many heavy items in a row."""
    who = f"qa-{uuid4()}"
    document = _document(programme, daily_cap=cap, heavy_in_a_row=row, break_minutes=15)
    database: Database = audit_app.state.database
    at, taken = NOON, []
    for harm, seconds, pause in steps:
        at += timedelta(minutes=pause)
        async with database.writing(_person(who)) as session:
            through = await gate(session, document, who, at)
            fits = through.most is None or dose(document.exposure, harm, "image", 60) <= through.most
            if through.closed or not fits or (harm >= through.heavy_from and not through.heavy):
                continue
            item = uuid4()
            await reserve(session, document, who, (item, "hate", harm, "image"), at)
            await settle(session, programme, who, item, seconds, at + timedelta(seconds=seconds))
        taken.append((harm, seconds, at))
        at += timedelta(seconds=seconds)
    days: dict[Any, float] = {}
    for harm, seconds, when in taken:
        day = when.astimezone(ZoneInfo(document.time_zone)).date()
        days[day] = days.get(day, 0) + dose(document.exposure, harm, "image", seconds)
    for first, last in zip(taken, taken[row:], strict=False):
        between = taken[taken.index(first) : taken.index(last) + 1]
        gaps = [b[2] - a[2] - timedelta(seconds=a[1]) for a, b in pairwise(between)]
        assert not all(harm >= HATE for harm, _, _ in between) or max(gaps) >= timedelta(minutes=15)

    assert all(spent <= cap + 1e-6 for spent in days.values())


async def test_the_gate_narrows_what_is_selected(audit_app: FastAPI, programme: str) -> None:
    """Its conditions are those of a statement on items: opted-out policies, heavy content, and doses without room."""
    document = _document(programme, daily_cap=10, heavy_in_a_row=1)
    await _work(audit_app, document, NOON, harm=HATE)
    database: Database = audit_app.state.database
    async with database.writing(_person(ME)) as session:
        await opt_out(session, programme, ME, ["hate"])
    through = await _gate(audit_app, document, NOON + timedelta(minutes=1))
    rows: list[dict[str, Any]] = [
        {"policy": "hate"},
        {"harm": HATE},
        {"harm": 3.0},
        {"harm": 2.0},
        {"harm": 2.0, "modality": "video"},
    ]
    ids = await put_items(audit_app, [item_row(programme, **row) for row in rows])
    statement = select(sample_items.c.id).where(*through.protects(sample_items, document.exposure, 60))
    async with database.reading(WELLBEING) as session:
        found = await session.execute(statement.where(sample_items.c.programme == programme))

    assert through.most == pytest.approx(2)
    assert [str(each) for each in found.scalars()] == [ids[3]]
