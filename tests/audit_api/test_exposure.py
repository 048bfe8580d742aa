"""Exposure: what is handed to a person stays within caps, cool-downs, rotation and breaks; their ledger is theirs alone."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4
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
from audit_api.exposure.ledger import dose, monday, opt_out, reserve, settle
from audit_api.exposure.summary import WELLBEING, group_by_team, thin
from audit_api.exposure.thinning import thin_all
from audit_api.sampling.tables import sample_items
from conftest import Caller
from factories import programme_document
from items import hand_out, item_row, put_items
from tallystick.schemas.metric import Dimension, Measure
from tallystick.schemas.principal import Role
from tallystick.schemas.programme import ExposureRules, Programme
from tallystick.schemas.sampling import NoItem
from tallystick.service.auth import ALL, Principal
from tallystick.service.database import Database
from tallystick.service.days import day_of

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
    app: FastAPI,
    programme: Programme,
    at: datetime,
    *,
    harm: float = HARASSMENT,
    seconds: int = 60,
    who: str = ME,
    team: str | None = None,
) -> datetime:
    """Audit one item, and answer when it is done."""
    database: Database = app.state.database
    item = uuid4()
    done = at + timedelta(seconds=seconds)
    async with database.writing(_person(who)) as session:
        await reserve(session, programme, who, team, (item, "hate", harm, "image"), at)
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
        await reserve(session, document, ME, None, (item, "hate", 10, "image"), NOON)
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
            await reserve(session, document, ME, None, (item, "hate", 10, "image"), at)
            await settle(session, programme, ME, item, seconds, at + timedelta(seconds=seconds))

    assert (await _gate(audit_app, document, NOON + timedelta(minutes=20))).most == pytest.approx(85)


@pytest.mark.parametrize(
    ("in_hand", "told", "counted"), [(600, 0, 60), (600, 300, 300), (600, 3600, 600), (600, None, 600), (20, 0, 20), (20, 5, 20)]
)
async def test_what_is_told_of_handling_counts_within_the_time_in_hand(
    audit_app: FastAPI, programme: str, me: httpx.AsyncClient, caller: Caller, clock: Clock, store: asyncpg.Connection,
    in_hand: int, told: int | None, counted: int,
) -> None:  # fmt: skip
    """No more than the time in hand; and no less than is expected of an item, where it was in hand for so long."""
    await _configure(caller(audit_app, Role.ADMIN), programme)
    item = await hand_out(audit_app, programme, ME)
    database: Database = audit_app.state.database
    async with database.writing(_person(ME)) as session:
        await reserve(session, _document(programme), ME, None, (UUID(item), "harassment", HARASSMENT, "image"), clock.now)
    clock.move(seconds=in_hand)
    judgement = {"benchmark_action": "remove", "benchmark_policy": "harassment", "verdict": "correct"}
    body = {"judgement": judgement} if told is None else {"judgement": judgement, "handling_time_s": told}
    audited = await me.post(f"/v1/sample-items/{item}/audit", params={"programme": programme}, json=body)
    [entry] = await store.fetch("select seconds, dose from exposures where programme = $1", programme)

    assert audited.status_code == 200, audited.text
    assert tuple(entry) == (counted, pytest.approx(HARASSMENT * counted / 60))


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
    clock.now = await _work(audit_app, document, NOON, seconds=90)
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
            await reserve(session, _document(programme), ME, None, (uuid4(), "hate", 1, "text"), NOON)


async def _summary(manager: httpx.AsyncClient, programme: str) -> dict[str, Any]:
    answer = await manager.get("/v1/exposure/summary", params={"programme": programme})
    assert answer.status_code == 200, answer.text
    summary: dict[str, Any] = answer.json()
    return summary


@pytest.fixture
def manager(audit_app: FastAPI, caller: Caller, clock: Clock) -> httpx.AsyncClient:
    """A manager, who asks when the week of `NOON` is over."""
    clock.now = NOON + timedelta(days=7)
    return caller(audit_app, Role.QUALITY_MANAGER, subject="manager-1")


@pytest.mark.parametrize("people", [4, 5])
async def test_managers_read_means_of_five_or_more(
    audit_app: FastAPI, programme: str, manager: httpx.AsyncClient, people: int
) -> None:
    """A team of five has a figure. One of four, with nobody else beside it, has none, and that there is more is said."""
    document = _document(programme)
    for number in range(people):
        await _work(audit_app, document, NOON, seconds=60 * (number + 1), who=f"qa-{number}", team="night")
    shown = {"team": "night", "week": "2026-08-31", "people": 5, "mean_dose": HARASSMENT * 3, "mean_minutes": 3}
    expected = {"items": [shown], "hidden": False} if people == 5 else {"items": [], "hidden": True}

    assert await _summary(manager, programme) == expected


async def test_small_teams_are_shown_together(audit_app: FastAPI, programme: str, manager: httpx.AsyncClient) -> None:
    """Three of one team and two of another make five without a team's name; who was in both is one person still."""
    document = _document(programme)
    for number, team in enumerate(["day", "day", "day", "night"]):
        await _work(audit_app, document, NOON, who=f"qa-{number}", team=team)
    await _work(audit_app, document, NOON, who="qa-0", team="night")
    four = await _summary(manager, programme)
    await _work(audit_app, document, NOON, who="qa-4", team=None)
    five = await _summary(manager, programme)

    assert four == {"items": [], "hidden": True}
    assert [(group["team"], group["people"]) for group in five["items"]] == [(None, 5)]


async def test_a_group_says_nothing_of_one_person_in_it(audit_app: FastAPI, programme: str, manager: httpx.AsyncClient) -> None:
    """Four who are shown what is harmless, or next to nothing, do not make the mean of a fifth one's dose known."""
    document = _document(programme)
    await _work(audit_app, document, NOON, seconds=600, who="qa-0", team="harmless")
    await _work(audit_app, document, NOON, seconds=600, who="qa-5", team="little")
    for number in range(1, 5):
        await _work(audit_app, document, NOON, harm=0, who=f"qa-{number}", team="harmless")
        await _work(audit_app, document, NOON, seconds=1, who=f"qa-{number + 5}", team="little")

    found = await _summary(manager, programme)

    assert [(group["team"], group["people"]) for group in found["items"]] == [(None, 6)]


async def test_a_week_is_told_of_when_nothing_of_it_can_change(
    audit_app: FastAPI, programme: str, manager: httpx.AsyncClient, clock: Clock
) -> None:
    """Not while it goes on anywhere, whatever the programme's time zone says; nor while an item of it is in hand."""
    document = _document(programme)
    for number in range(5):
        await _work(audit_app, document, NOON, who=f"qa-{number}", team="night")
    database: Database = audit_app.state.database
    item = uuid4()
    async with database.writing(_person("qa-0")) as session:
        await reserve(session, document, "qa-0", "night", (item, "hate", 1, "image"), NOON)
    in_hand = await _summary(manager, programme)
    async with database.writing(_person("qa-0")) as session:
        await settle(session, programme, "qa-0", item, 60, NOON)
    shown = {}
    for hour in (11, 12):
        clock.now = datetime(2026, 9, 7, hour, tzinfo=UTC)  # a Monday
        shown[hour] = len((await _summary(manager, programme))["items"])

    assert in_hand == {"items": [], "hidden": True}
    assert shown == {11: 0, 12: 1}


_PEOPLE = st.integers(0, 11)
_TEAMS = st.sampled_from([None, "day", "night"])
_STEPS = st.one_of(
    st.tuples(st.just("work"), _PEOPLE, st.sampled_from([0.0, 1.0, HARASSMENT, HATE])),
    st.tuples(st.just("begin"), _PEOPLE, st.just(HARASSMENT)),
    st.tuples(st.just("end"), _PEOPLE, st.integers(1, 600)),
    st.tuples(st.just("move"), _PEOPLE, _TEAMS),
    st.tuples(st.just("zone"), st.just(0), st.sampled_from(["Pacific/Kiritimati", "Etc/GMT+12", "Europe/Berlin"])),
    st.tuples(st.just("wait"), st.just(0), st.integers(1, 60)),
    st.tuples(st.just("thin"), st.just(0), st.integers(7, 14)),
)


class _Shift:
    """Twelve people at work, and a manager who moves people and time zones as they like, and asks after every step."""

    def __init__(self, database: Database, teams: list[str | None]) -> None:
        self._database = database
        self._slug = f"p-{uuid4()}"
        self._teams = dict(enumerate(teams))
        self._zone, self._keep = "Europe/Berlin", 7
        self._at = datetime(2026, 9, 4, 20, tzinfo=UTC)  # a Friday
        self._held: dict[int, tuple[Any, date, str | None, float]] = {}
        self.entries: list[tuple[date, str | None, int, float]] = []
        """Week, team, person and dose of what is done."""
        self.told: dict[tuple[date, str | None], dict[str, Any]] = {}

    def _document(self) -> Programme:
        document = programme_document(
            self._slug, time_zone=self._zone, exposure={"keep_days": self._keep}, handing={"seconds_per_item": 60}
        )
        return Programme.model_validate(document)

    async def begin(self, person: int, harm: float) -> None:
        document, who, item, team = self._document(), f"qa-{person}", uuid4(), self._teams[person]
        if person not in self._held:
            async with self._database.writing(_person(who)) as session:
                await reserve(session, document, who, team, (item, "hate", harm, "image"), self._at)
            self._held[person] = (item, monday(day_of(self._at, document.time_zone)), team, harm)

    async def end(self, person: int, seconds: int) -> None:
        if person in self._held:
            item, week, team, harm = self._held.pop(person)
            async with self._database.writing(_person(f"qa-{person}")) as session:
                await settle(session, self._slug, f"qa-{person}", item, seconds, self._at)
            self.entries.append((week, team, person, harm * seconds / 60))

    async def work(self, person: int, harm: float) -> None:
        await self.begin(person, harm)
        await self.end(person, 60)

    async def move(self, person: int, team: str | None) -> None:
        self._teams[person] = team

    async def zone(self, _: int, zone: str) -> None:
        self._zone = zone

    async def wait(self, _: int, hours: int) -> None:
        self._at += timedelta(hours=hours)

    async def thin(self, _: int, days: int) -> None:
        self._keep = days
        if not self._held:  # what is in hand for weeks is not there: it is let go when the time for it is over
            async with self._database.writing(WELLBEING) as session:
                await thin(session, self._document(), self._at)

    async def ask(self) -> None:
        async with self._database.reading(WELLBEING) as session:
            groups, _ = await group_by_team(session, self._slug, 104, self._at)
        for group in groups:
            assert self.told.setdefault((group["week"], group["team"]), group) == pytest.approx(group)
        assert {(group["week"], group["team"]) for group in groups} == self.told.keys()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(_STEPS, min_size=10, max_size=40), teams=st.lists(_TEAMS, min_size=12, max_size=12))
async def test_no_answers_differ_by_what_a_few_people_were_shown(
    audit_app: FastAPI, steps: list[tuple[str, int, Any]], teams: list[str | None]
) -> None:
    """Whatever was told of a week stays as it was, and nothing is added to it.

    Its figures are sums of entries that no two of them share, of five people or more: no difference of any is about fewer.
    """
    shift = _Shift(audit_app.state.database, teams)
    everybody = [("work", person, HARASSMENT) for person in range(12)]
    over = [*(("end", person, 60) for person in range(12)), ("wait", 0, 24 * 9)]
    for step, person, value in [*everybody, *steps, *everybody, *over]:
        await getattr(shift, step)(person, value)
        await shift.ask()

    assert shift.told
    for (week, team), group in shift.told.items():
        named = {each for told, each in shift.told if told == week and each is not None}
        inside = [
            (person, shown)
            for when, of, person, shown in shift.entries
            if when == week and (of == team if team is not None else of not in named)
        ]
        doses: dict[int, float] = defaultdict(float)
        for person, shown in inside:
            doses[person] += shown
        people = [each for each in doses.values() if each > 0]
        assert group["people"] == len(people) >= 5
        assert group["mean_dose"] == pytest.approx(sum(people) / len(people))
        assert max(people) <= sum(people) / 2


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
            await reserve(session, document, who, None, (item, "hate", harm, "image"), at)
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
