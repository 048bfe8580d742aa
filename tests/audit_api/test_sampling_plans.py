"""Plans: what the programme takes, what they would come to, and what their versions do to draws."""

import asyncio
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from appeals import Clock
from audit_api.metadata import streams
from audit_api.sampling.periods import Period, before, periods
from audit_api.sampling.schedule import SAMPLER, keep_up
from conftest import Caller
from factories import audit_row, missed, programme_document
from sampling import change, draws_of, next_monday, plan_document, publish, published, some_decisions, take_in
from tallystick.schemas.principal import Role
from tallystick.schemas.sampling import NewSamplingPlan, SamplePeriod
from tallystick.service.days import midnight
from tallystick.service.feed import take_positions

MONDAY = date(2026, 9, 7)


def plan(**changes: Any) -> NewSamplingPlan:
    """A plan by week."""
    return NewSamplingPlan.model_validate(plan_document(MONDAY, **changes))


@pytest.mark.parametrize(
    ("changes", "after", "first", "second"),
    [
        ({}, "2026-09-01", "2026-09-07/2026-09-13", "2026-09-14/2026-09-20"),
        ({}, "2026-09-07", "2026-09-14/2026-09-20", "2026-09-21/2026-09-27"),
        ({"starts_on": "2026-09-09"}, "2026-09-01", "2026-09-09/2026-09-13", "2026-09-14/2026-09-20"),
        ({"ends_on": "2026-09-15"}, "2026-09-07", "2026-09-14/2026-09-15", None),
        ({"period": "day"}, "2026-09-30", "2026-10-01/2026-10-01", "2026-10-02/2026-10-02"),
        ({"period": "month"}, "2026-09-01", "2026-09-07/2026-09-30", "2026-10-01/2026-10-31"),
    ],
)
def test_periods_are_whole_but_for_the_plans_own_ends(
    changes: dict[str, Any], after: str, first: str, second: str | None
) -> None:
    """Those that have begun are left out."""
    found = [f"{each.first}/{each.last}" for each in islice(periods(plan(**changes), date.fromisoformat(after)), 2)]

    assert found == ([first] if second is None else [first, second])


def test_what_is_expected_is_told_by_whole_periods_before_a_day() -> None:
    """Newest first, across the ends of months and years."""
    assert before(SamplePeriod.WEEK, date(2026, 9, 9), 2) == [
        Period(date(2026, 8, 31), date(2026, 9, 6)),
        Period(date(2026, 8, 24), date(2026, 8, 30)),
    ]
    assert before(SamplePeriod.MONTH, date(2026, 1, 1), 2) == [
        Period(date(2025, 12, 1), date(2025, 12, 31)),
        Period(date(2025, 11, 1), date(2025, 11, 30)),
    ]


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"scope": {"vendor": ["nobody"]}}, "/scope/vendor/0", "unknown_vendor"),
        ({"scope": {"queue": ["live", "none"]}}, "/scope/queue/1", "unknown_queue"),
        ({"allocation": {"kind": "acceptance", "aql": 3}}, "/allocation/aql", "unknown_aql"),
    ],
)
async def test_the_programme_refuses_what_it_does_not_know(
    audit: httpx.AsyncClient, programme: str, changes: dict[str, Any], pointer: str, code: str
) -> None:
    """Each fault is named, in a draft as in a preview."""
    for address in ("/v1/sampling-plans", "/v1/sampling-plan-previews"):
        answer = await audit.post(address, params={"programme": programme}, json=plan_document(MONDAY, **changes))

        assert answer.status_code == 409
        assert [(each["pointer"], each["code"]) for each in answer.json()["errors"]] == [(pointer, code)]


async def test_a_plan_is_drafted_once_under_a_key(audit: httpx.AsyncClient, programme: str, clock: Clock) -> None:
    """The first answer is replayed, whatever the plan has become."""
    of, key = {"programme": programme}, {"Idempotency-Key": "k"}
    document = plan_document(next_monday(clock))
    first = await audit.post("/v1/sampling-plans", params=of, json=document, headers=key)
    address = f"/v1/sampling-plans/{first.json()['id']}"
    stale = await audit.put(address, params=of, json=document, headers={"If-Match": '"7"'})
    nameless = await audit.put(address, params=of, json=document)
    await audit.post(f"{address}/publication", params=of, headers={"If-Match": '"1"'})
    twice = await audit.post(f"{address}/publication", params=of, headers={"If-Match": "*"})
    again = await audit.post("/v1/sampling-plans", params=of, json=document, headers=key)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert [each.status_code for each in (stale, nameless, twice)] == [412, 428, 409]


async def test_a_plan_that_is_over_is_not_published(audit: httpx.AsyncClient, programme: str) -> None:
    """Nothing would ever be drawn by it."""
    of = {"programme": programme}
    document = plan_document(MONDAY, ends_on="2026-09-20")
    drafted = (await audit.post("/v1/sampling-plans", params=of, json=document)).json()
    answer = await audit.post(f"/v1/sampling-plans/{drafted['id']}/publication", params=of, headers={"If-Match": "*"})

    assert answer.status_code == 409
    assert answer.json()["errors"][0]["code"] == "no_period"
    assert (await audit.get(f"/v1/sampling-plans/{drafted['id']}", params=of)).json()["state"] == "draft"


async def test_a_plan_for_later_is_published_now(
    audit_app: FastAPI, audit: httpx.AsyncClient, programme: str, clock: Clock
) -> None:
    """However long it is until its first period. The draw of that is committed five weeks before."""
    first = next_monday(clock) + timedelta(weeks=30)
    made = await published(audit, programme, plan_document(first))
    early = await draws_of(audit, programme, made["id"])
    clock.now += timedelta(weeks=26)
    await keep_up(audit_app.state.database, clock)
    later = await draws_of(audit, programme, made["id"])

    assert (made["state"], early) == ("published", [])
    assert [each["first_day"] for each in later] == [first.isoformat()]


async def test_what_begins_while_a_version_is_published_goes_on_as_it_began(
    audit_app: FastAPI, audit: httpx.AsyncClient, programme: str, clock: Clock
) -> None:
    """The publication waits for others who write to the programme; by then the first period counts as begun."""
    first = next_monday(clock)
    made = await published(audit, programme, plan_document(first))
    await change(audit, programme, made["id"], plan_document(first, strata=["market"]))
    clock.now = midnight(first, "Europe/Berlin") - timedelta(hours=1, seconds=1)
    async with audit_app.state.database.writing(SAMPLER) as session:
        await take_positions(session, streams, programme, 0)
        publishing = asyncio.create_task(publish(audit, programme, made["id"]))
        await asyncio.sleep(0.5)
        clock.move(seconds=2)
    await publishing
    begun, following, *_ = await draws_of(audit, programme, made["id"])

    assert (begun["plan_version"], begun["dimensions"]) == (1, ["vendor", "queue"])
    assert (following["plan_version"], following["dimensions"]) == (2, ["vendor", "market"])


async def test_a_preview_tells_what_a_plan_would_come_to(audit: httpx.AsyncClient, programme: str, clock: Clock) -> None:
    """By the mean of the last whole weeks with decisions, and past audits; what the budget cuts it says in sentences."""
    monday = next_monday(clock) - timedelta(weeks=1)
    for weeks in (1, 2):
        await take_in(audit, programme, some_decisions(monday - timedelta(weeks=weeks), 300), source=f"{weeks} ago")
    at = {"audited_at": (clock.now - timedelta(days=3)).isoformat(), "decided_at": (clock.now - timedelta(days=9)).isoformat()}
    rows = [audit_row(f"A-{number}", **at) for number in range(40)] + [missed(f"M-{number}", **at) for number in range(10)]
    (await audit.post("/v1/audit-batches", params={"programme": programme}, json=rows)).raise_for_status()
    document = plan_document(monday, allocation={"kind": "neyman", "total": 100}, budget={"audits": 60}, minimum_per_stratum=5)
    answer = await audit.post("/v1/sampling-plan-previews", params={"programme": programme}, json=document)
    found = answer.json()

    assert answer.status_code == 200, answer.text
    assert (found["strata_count"], found["decisions"], found["size"], found["cut"]) == (4, 300, 60, 40)
    assert found["hours"] == 4
    assert all(stratum["size"] >= 5 for stratum in found["strata"])
    assert 0 < found["half_width"] < 0.2
    rates = {(stratum["values"]["vendor"], stratum["values"]["queue"]): stratum["error_rate"] for stratum in found["strata"]}
    assert 0.19 < rates["acme", "live"] < 0.22
    assert found["notes"] == ["The budget takes away 40 of 100 audits, where they tell the least."]


@pytest.mark.parametrize("kind", ["proportional", "neyman"])
async def test_a_preview_says_where_there_are_fewer_decisions_than_audits(
    audit: httpx.AsyncClient, programme: str, clock: Clock, kind: str
) -> None:
    """Of a total that is wanted, all decisions are audited, and the rest cannot be had."""
    monday = next_monday(clock)
    await take_in(audit, programme, some_decisions(monday - timedelta(weeks=2), 60))
    document = plan_document(monday, allocation={"kind": kind, "total": 100})
    answer = await audit.post("/v1/sampling-plan-previews", params={"programme": programme}, json=document)

    assert answer.json()["size"] == 60
    assert answer.json()["notes"][-1] == "There are 60 decisions, fewer than audits are wanted in all: 40 cannot be had."


async def test_a_new_version_makes_the_draws_that_have_not_begun(
    audit_app: FastAPI, audit: httpx.AsyncClient, programme: str, clock: Clock
) -> None:
    """With the keys that they are committed to; a period under way goes on as it began, and the next one does not overlap it."""
    first = next_monday(clock)
    made = await published(audit, programme, plan_document(first))
    begun, *others = await draws_of(audit, programme, made["id"])
    clock.now = datetime.fromisoformat(begun["draw_after"]) - timedelta(days=5)
    await keep_up(audit_app.state.database, clock)
    changed = plan_document(first, strata=["market"], ends_on=(first + timedelta(days=9)).isoformat())
    await change(audit, programme, made["id"], changed)
    await publish(audit, programme, made["id"])
    after = {each["id"]: each for each in await draws_of(audit, programme, made["id"])}
    second = after[others[0]["id"]]

    assert after[begun["id"]] == begun
    assert (second["plan_version"], second["dimensions"], second["last_day"]) == (2, ["vendor", "market"], changed["ends_on"])
    assert (second["commitment"], second["committed_at"]) == (others[0]["commitment"], others[0]["committed_at"])
    rest = [each for each in after.values() if each["id"] not in {begun["id"], second["id"]}]
    assert {each["state"] for each in rest} == {"withdrawn"}
    assert all(each["key"] is not None for each in rest)


async def test_another_time_zone_changes_the_draws_to_come(
    audit_app: FastAPI, audit: httpx.AsyncClient, programme: str, clock: Clock, caller: Caller
) -> None:
    """They are made by the days of the zone that the programme has when their period begins."""
    clock.now = clock.now.replace(hour=12)  # it is the same day in both zones, so as many draws are to come
    made = await published(audit, programme, plan_document(next_monday(clock)))
    before_it = await draws_of(audit, programme, made["id"])
    document = programme_document(programme, time_zone="America/New_York")
    admin = caller(audit_app, Role.ADMIN)
    (await admin.put(f"/v1/programmes/{programme}", json=document, headers={"If-Match": "*"})).raise_for_status()
    await asyncio.gather(keep_up(audit_app.state.database, clock), keep_up(audit_app.state.database, clock))
    after = await draws_of(audit, programme, made["id"])
    later = [
        datetime.fromisoformat(new["draw_after"]) - datetime.fromisoformat(old["draw_after"])
        for old, new in zip(before_it, after, strict=True)
    ]

    assert {each.total_seconds() / 3600 for each in later} <= {5.0, 6.0}
    assert {each["revision"] for each in after} == {2}


async def test_the_time_zone_stays_while_a_period_is_under_way(
    audit: httpx.AsyncClient, programme: str, clock: Clock, caller: Caller, audit_app: FastAPI
) -> None:
    """Its days would be others than those that its decisions were counted by."""
    made = await published(audit, programme, plan_document(next_monday(clock)))
    [draw, *_] = await draws_of(audit, programme, made["id"])
    clock.now = datetime.fromisoformat(draw["draw_after"]) - timedelta(hours=1)
    document = programme_document(programme, time_zone="America/New_York")
    admin, how = caller(audit_app, Role.ADMIN), {"If-Match": "*"}
    refused = await admin.put(f"/v1/programmes/{programme}", json=document, headers=how)
    other = await admin.put(f"/v1/programmes/{programme}", json=programme_document(programme, name="Other"), headers=how)

    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (409, "time-zone-in-use")
    assert datetime.fromisoformat(refused.json()["until"]) >= datetime.fromisoformat(draw["draw_after"])
    assert other.status_code == 200
