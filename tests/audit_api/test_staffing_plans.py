"""Staffing plans: what waits and who is there, arranged, kept, and told so that nobody's protection shows."""

import asyncio
from collections import Counter
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import insert

from audit_api.exposure.ledger import opt_out, reserve
from audit_api.staffing.plan_routes import Arranging
from audit_api.staffing.tables import auditors
from conftest import Caller
from factories import programme_document
from items import item_row, put_items
from staffing_problems import random_problem
from tallystick.schemas.base import new_id
from tallystick.schemas.principal import Role
from tallystick.schemas.programme import Programme
from tallystick.schemas.staffing import NewAuditor, StaffingPlan
from tallystick.service.auth import ALL, Principal
from tallystick.service.database import Database
from tallystick.service.problems import TooManyRequests

WEEK = {"first_day": "2026-11-30", "last_day": "2026-12-04"}
"""A Monday to its Friday."""
DUE = datetime(2026, 12, 5, tzinfo=UTC)
MADE = datetime(2026, 11, 27, tzinfo=UTC)
HOUR = dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday"), 60)


class Office:
    """A programme with work and people, put there as draws and managers would."""

    def __init__(self, app: FastAPI, programme: str, manager: httpx.AsyncClient) -> None:
        self.app = app
        self.database: Database = app.state.database
        self.programme = programme
        self.manager = manager

    async def configure(self, **rules: Any) -> None:
        """Six minutes an item."""
        document = programme_document(self.programme, handing={"seconds_per_item": 360}, **rules)
        answer = await self.manager.put(f"/v1/programmes/{self.programme}", json=document, headers={"If-Match": "*"})
        answer.raise_for_status()

    async def staff(self, auditor: str, **changes: Any) -> None:
        """Somebody who audits, an hour a day unless it is said otherwise."""
        person = NewAuditor.model_validate({"name": auditor, "minutes": HOUR, **changes})
        row = {"programme": self.programme, "auditor": auditor, "name": auditor, "document": person.model_dump(mode="json")}
        async with self.database.writing(principal("boss")) as session:
            await session.execute(insert(auditors).values(**row, revision=1, changed_by="boss", changed_at=MADE))

    async def draw(self, items: int, stratum: str = "s-1", **changes: Any) -> UUID:
        """A draw with items that wait."""
        draw_id = new_id()
        work = {"draw_id": draw_id, "stratum": stratum, "due_at": DUE, **changes}
        await put_items(self.app, [item_row(self.programme, **work) for _ in range(items)])
        return draw_id

    async def plan(self, **asked: Any) -> StaffingPlan:
        """The plan for the week."""
        answer = await self.manager.post("/v1/staffing-plans", params={"programme": self.programme}, json={**WEEK, **asked})
        assert answer.status_code == 201, answer.text
        return StaffingPlan.model_validate_json(answer.content)


def principal(subject: str, *roles: Role) -> Principal:
    """Somebody of the client."""
    return Principal(subject, frozenset(roles or {Role.ADMIN}), frozenset({ALL}), None, "")


def gaps(plan: StaffingPlan) -> dict[str, int]:
    """Items by reason."""
    found = Counter[str]()
    for gap in plan.gaps:
        found[gap.reason.value] += gap.items
    return found


@pytest.fixture
async def office(audit_app: FastAPI, programme: str, caller: Caller) -> Office:
    """Where a manager plans."""
    place = Office(audit_app, programme, caller(audit_app, Role.ADMIN, subject="boss"))
    await place.configure()
    return place


async def test_a_plan_arranges_who_is_there_for_what_waits(office: Office) -> None:
    """Skills, conflicts, absences and days off are kept; what waits is covered, and the plan says of what it was made."""
    draw = await office.draw(60)
    await office.draw(10, "s-2", language="pl", moderator="m-2")
    await office.staff("ana", languages=["es"])
    await office.staff("bo", languages=["es", "pl"], absences=[{"first_day": "2026-11-30", "last_day": "2026-11-30"}])
    await office.staff("cy", conflicts={"moderators": ["m-1", "m-2"]})
    await office.staff("di", active=False)
    plan = await office.plan()

    assert (plan.items, plan.covered, plan.optimal, plan.in_time, plan.gap) == (70, 70, True, True, 0)
    assert (plan.ground.people, plan.ground.present, plan.ground.strata, plan.ground.items) == (3, 3, 2, 70)
    assert (plan.ground.hours_needed, plan.ground.hours_there) == (7, 14)
    assert {load.auditor for load in plan.loads if load.items} == {"ana", "bo"}
    assert {(each.auditor, each.stratum) for each in plan.assignments} <= {("ana", "s-1"), ("bo", "s-1"), ("bo", "s-2")}
    assert not [each for each in plan.assignments if each.auditor == "bo" and each.day == date(2026, 11, 30)]
    assert sum(each.items for each in plan.assignments if each.draw_id == draw) == 60
    assert (plan.gaps, plan.helps) == ((), ())


async def test_a_plan_says_what_is_missing_and_what_would_help(office: Office) -> None:
    """Reasons by stratum, one person trained, hours, and what caps cost."""
    await office.configure(exposure={"daily_cap": 24})
    await office.draw(100, harm=1)
    await office.draw(20, "s-2", language="pl")
    await office.draw(3, "s-3", due_at=MADE)
    for number in range(5):
        await office.staff(f"qa-{number}", languages=["es"])
    plan = await office.plan()

    assert plan.covered == 100
    assert {gap.stratum: gap.reason.value for gap in plan.gaps} == {"s-2": "no_skill", "s-3": "too_late"}
    assert [(help_.language, help_.items) for help_ in plan.helps if help_.hours is None] == [("pl", 20)]
    assert [(help_.language, help_.policy, help_.hours, help_.items) for help_ in plan.helps if help_.hours] == [
        ("pl", "harassment", 2.0, 20)
    ]
    assert [(cost.rule, cost.items) for cost in plan.costs] == [
        ("daily_cap", 0),
        ("weekly_cap", 0),
        ("daily_cap and weekly_cap", 0),
    ]


async def test_what_somebody_declined_looks_like_want_of_room(office: Office) -> None:
    """The plan keeps to an opt-out, and reads as if there were none: no skill is said to be missing, nobody is named."""
    await office.draw(10)
    await office.staff("ana")
    async with office.database.writing(principal("ana", Role.AUDITOR)) as session:
        await opt_out(session, office.programme, "ana", ["harassment"])
    plan = await office.plan()

    assert plan.covered == 0
    assert gaps(plan) == {"no_time": 10}
    assert [help_ for help_ in plan.helps if help_.hours is None] == []


async def test_caps_are_kept_whatever_the_week_has_seen(office: Office) -> None:
    """What is left of somebody's cap would show in what they are given: the plan is the same with and without a ledger.

    Below five people it does not say that it was exposure.
    """
    await office.configure(exposure={"weekly_cap": 60})
    await office.draw(30, harm=1)
    await office.staff("ana")
    few = await office.plan()
    own = {"id", "made_at"}
    document = Programme.model_validate(programme_document(office.programme, handing={"seconds_per_item": 360}))
    async with office.database.writing(principal("ana", Role.AUDITOR)) as session:
        await reserve(session, document, "ana", None, (new_id(), "harassment", 2, "image"), datetime(2026, 11, 30, 8, tzinfo=UTC))
    again = await office.plan()
    for number in range(4):
        await office.staff(f"qa-{number}")
    await office.draw(60, "s-2", harm=1)
    many = await office.plan()

    assert again.model_dump(exclude=own) == few.model_dump(exclude=own)
    assert few.covered == 10
    assert gaps(few) == {"no_time": 20}
    assert [(cost.rule, cost.items) for cost in few.costs][:2] == [("daily_cap", 0), ("weekly_cap", 20)]
    assert many.covered == 50
    assert gaps(many) == {"exposure": 40}


async def test_plans_are_kept_listed_and_shown_to_each_their_own(office: Office, audit_app: FastAPI, caller: Caller) -> None:
    """A key replays the first answer; managers see everybody, who audits their own part alone."""
    await office.draw(20)
    await office.staff("ana")
    await office.staff("bo")
    asked: dict[str, Any] = {
        "params": {"programme": office.programme},
        "json": {**WEEK, "fair": 1},
        "headers": {"Idempotency-Key": "once"},
    }
    first = await office.manager.post("/v1/staffing-plans", **asked)
    again = await office.manager.post("/v1/staffing-plans", **asked)
    newer = await office.plan()
    listed = await office.manager.get("/v1/staffing-plans", params={"programme": office.programme, "limit": 1})
    rest = await office.manager.get("/v1/staffing-plans" + listed.links["next"]["url"])
    address = f"/v1/staffing-plans/{first.json()['id']}"
    ana = caller(audit_app, Role.AUDITOR, subject="ana")
    own = StaffingPlan.model_validate_json((await ana.get(address, params={"programme": office.programme})).content)
    whole = await office.manager.get(address, params={"programme": office.programme})
    unknown = await office.manager.get(f"/v1/staffing-plans/{new_id()}", params={"programme": office.programme})

    assert first.json() == again.json() == whole.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert [plan["id"] for plan in (*listed.json()["items"], *rest.json()["items"])] == [str(newer.id), first.json()["id"]]
    assert {load["auditor"] for load in first.json()["loads"]} == {"ana", "bo"}
    assert {each.auditor for each in own.assignments} == {each.auditor for each in own.loads} == {"ana"}
    assert unknown.status_code == 404


async def test_without_anybody_or_anything_a_plan_is_empty(office: Office) -> None:
    """Nothing waits, nobody is there: that is a plan too."""
    plan = await office.plan()

    assert (plan.items, plan.covered, plan.optimal, plan.assignments, plan.gaps) == (0, 0, True, (), ())


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
async def test_the_first_and_the_last_day_of_all_are_days_too(office: Office, day: str) -> None:
    """The calendar ends there, and a plan for it is empty."""
    await office.draw(1)
    await office.staff("ana")
    plan = await office.plan(first_day=day, last_day=day)

    assert plan.items == 1


@pytest.mark.parametrize(
    "asked", [{"first_day": "2026-12-05"}, {"last_day": "2027-01-04"}, {"fair": 0.5}, {"fair": "NaN"}, {"unknown": 1}]
)
async def test_periods_that_make_no_sense_are_refused(office: Office, asked: dict[str, Any]) -> None:
    """They end before they begin, are longer than a month, or ask for what there is not."""
    answer = await office.manager.post("/v1/staffing-plans", params={"programme": office.programme}, json={**WEEK, **asked})

    assert answer.status_code == 422


async def test_plans_beyond_what_a_process_works_on_come_back_later() -> None:
    """A place is free again when its thread has ended, even where the request is gone."""
    arranging = Arranging(1, 60)
    problem = random_problem(1, people=40, strata=200, days=7)  # half a second of work: others ask well before it has ended
    first = asyncio.create_task(arranging.plan(problem))
    await asyncio.sleep(0)
    with pytest.raises(TooManyRequests):
        await arranging.plan(problem)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    with pytest.raises(TooManyRequests):
        await arranging.plan(problem)
    await asyncio.wait(arranging.under_way)
    plan = await arranging.plan(problem)

    assert plan.covered > 0
