"""Whatever is done with plans and decisions, and whatever time does: every draw is one that anybody can repeat.

A Hypothesis rule machine drafts, changes, publishes and retires plans over HTTP, lets decisions come in, in time or late, and
moves the clock, while two replicas commit and draw. What was decided, and when it came in, the model remembers.
"""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any, TypeVar

import httpx
from fastapi import FastAPI
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from appeals import Clock, moved_by_hand
from audit_api.sampling.schedule import keep_up
from conftest import Caller
from factories import decision_row, programme_document
from sampling import ZONE, draws_of, take_in
from tallystick import draw as repeated
from tallystick.schemas.base import new_id
from tallystick.schemas.decision import Decision
from tallystick.schemas.principal import Role
from tallystick.schemas.sampling import NewSamplingPlan, Receipt, ReceiptStratum, StratumDimension

Result = TypeVar("Result")

BEGINNING = datetime(2026, 9, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
VENDORS = {"acme": "lisbon", "borealis": "krakow"}
documents = st.fixed_dictionaries(
    {
        "title": st.just("Plan"),
        "strata": st.sampled_from([[], ["queue"], ["queue", "market"], ["moderator"]]),
        "period": st.sampled_from(["day", "week"]),
        "starts_on": st.integers(0, 9).map(lambda days: (BEGINNING.date() + timedelta(days=days)).isoformat()),
        "allocation": st.sampled_from([{"kind": "fixed", "each": 3}, {"kind": "proportional", "total": 12}]),
        "scope": st.sampled_from([{}, {"vendor": ["acme"]}, {"queue": ["live"]}]),
        "settle_hours": st.sampled_from([0, 12]),
    }
)
plans = st.runner().flatmap(lambda machine: st.sampled_from(sorted(machine.plans)))
there_are_plans = precondition(lambda machine: machine.plans)


class Sampling(RuleBasedStateMachine):
    """Everything that can be done about draws. The fixtures of the test are put into its class."""

    loop: asyncio.AbstractEventLoop
    app: FastAPI
    clock: Clock
    client: httpx.AsyncClient

    def __init__(self) -> None:
        super().__init__()
        self.programme = f"d-{new_id().hex[-16:]}"
        self.clock.now = BEGINNING
        self.plans: dict[str, str] = {}
        """The state of each, by id."""
        self.decisions: list[Decision] = []
        self.receipts: dict[tuple[str, str], bytes] = {}
        self.told: dict[str, dict[str, Any]] = {}

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do something in the test's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Ask audit-api."""
        more["params"] = {"programme": self.programme} | more.get("params", {})
        return self.run(self.client.request(method, path, **more))

    @initialize(document=documents, shifts=st.lists(st.integers(0, 40), min_size=11, max_size=11))
    def configure(self, document: dict[str, Any], shifts: list[int]) -> None:
        """A programme of its own, with a plan, and eleven days by it."""
        document_of = programme_document(self.programme)
        assert self.run(self.client.put(f"/v1/programmes/{self.programme}", json=document_of)).status_code == 201
        self.draft(document)
        self.live(shifts, 24)

    @rule(document=documents)
    def draft(self, document: dict[str, Any]) -> None:
        """A plan is drafted and published."""
        if len(self.plans) < 3:
            drafted = self.ask("POST", "/v1/sampling-plans", json=document).json()
            self.plans[drafted["id"]] = "draft"
            self.publish(drafted["id"])

    @there_are_plans
    @rule(plan=plans, document=documents)
    def change(self, plan: str, document: dict[str, Any]) -> None:
        """A plan is changed: draws go on by its last version."""
        answer = self.ask("PUT", f"/v1/sampling-plans/{plan}", json=document, headers={"If-Match": "*"})
        assert answer.status_code == (409 if self.plans[plan] == "retired" else 200), answer.text
        if answer.is_success:
            self.plans[plan] = "draft"

    @there_are_plans
    @rule(plan=plans)
    def publish(self, plan: str) -> None:
        """A plan is published, where there is something to publish."""
        answer = self.ask("POST", f"/v1/sampling-plans/{plan}/publication", headers={"If-Match": "*"})
        assert answer.status_code == (200 if self.plans[plan] == "draft" else 409), answer.text
        if answer.is_success:
            self.plans[plan] = "published"

    @there_are_plans
    @rule(plan=plans)
    def retire(self, plan: str) -> None:
        """A plan ends."""
        if len(self.plans) == 3:
            answer = self.ask("POST", f"/v1/sampling-plans/{plan}/retirement", headers={"If-Match": "*"})
            assert answer.status_code == (409 if self.plans[plan] == "retired" else 200), answer.text
            self.plans[plan] = "retired"

    @rule(number=st.integers(0, 40), back=st.integers(0, 72), each=st.integers(1, 30), turn=st.integers(0, 11))
    def decide(self, number: int, back: int, each: int, turn: int) -> None:
        """Decisions of the last hours and days come in."""
        rows: list[dict[str, Any]] = []
        for place in range(turn, turn + number):
            vendor = sorted(VENDORS)[place % 2]
            moment = self.clock.now - timedelta(hours=back) - timedelta(minutes=place * each)
            words = {"queue": ("live", "comments")[place % 3 == 0], "market": ("ES", "PL")[place % 5 == 0]}
            who = {"vendor": vendor, "site": VENDORS[vendor], "moderator": f"m-{place % 3}"}
            rows.append(decision_row(f"D-{len(self.decisions) + len(rows)}", decided_at=moment.isoformat(), **words, **who))
        if rows:
            self.run(take_in(self.client, self.programme, rows, source=f"s-{len(self.decisions)}"))
            self.decisions += [Decision.model_validate(row) for row in rows]

    @rule(shifts=st.lists(st.integers(0, 40), min_size=3, max_size=9), hours=st.sampled_from([8, 12, 24]))
    def live(self, shifts: list[int], hours: int) -> None:
        """Shifts of so many decisions each go by, with two replicas that do what is due."""
        for number in shifts:
            self.clock.move(hours=hours)
            self.decide(number, 0, 5, number % 12)
            self.keep_up()

    def keep_up(self) -> None:
        """Two replicas do what is due."""

        async def both() -> None:
            await asyncio.gather(*(keep_up(self.app.state.database, self.clock) for _ in range(2)))

        self.run(both())
        for plan in self.plans:
            for draw in self.run(draws_of(self.client, self.programme, plan)):
                if draw["state"] in {"drawn", "missed"} and self.told.get(draw["id"], {}).get("state") != draw["state"]:
                    self.told[draw["id"]] = draw
                    self.check_new(draw)

    def check_new(self, draw: dict[str, Any]) -> None:
        """A draw was just made: of all decisions that had come in, by its version of the plan."""
        assert draw["drawn_at"] >= draw["draw_after"]
        versions = self.ask("GET", f"/v1/sampling-plans/{draw['plan_id']}/versions").json()["items"]
        [plan] = [
            NewSamplingPlan.model_validate(each["document"]) for each in versions if each["version"] == draw["plan_version"]
        ]
        first, last = (date.fromisoformat(draw[name]) for name in ("first_day", "last_day"))
        inside = [each for each in self.decisions if first <= each.decided_at.astimezone(ZONE).date() <= last]
        found = Counter(repeated.stratum_of(plan.dimensions(), each)[0] for each in inside if repeated.holds(plan.scope, each))
        vendors = [vendor for vendor in VENDORS if not plan.scope.vendor or vendor in plan.scope.vendor]
        strata: dict[str, ReceiptStratum] = {}
        for vendor in vendors:
            receipt = self.receipt(draw["id"], vendor)
            assert repeated.verify(Receipt.model_validate_json(receipt), self.decisions) == []
            self.receipts[draw["id"], vendor] = receipt
            strata |= {each.stratum: each for each in Receipt.model_validate_json(receipt).strata if each.decisions}

        assert {code: each.decisions for code, each in strata.items()} == found
        assert (draw["state"] == "drawn") == bool(found)
        drawn = {code: each.drawn for code, each in strata.items()}
        if plan.allocation.kind == "fixed":
            assert drawn == {code: min(3, number) for code, number in found.items()}
        else:
            assert sum(drawn.values()) == min(12, sum(found.values()))
        assert all(StratumDimension.VENDOR in each.values for each in strata.values())

    def receipt(self, draw: str, vendor: str) -> bytes:
        """What a vendor repeats a draw with."""
        answer = self.ask("GET", f"/v1/draws/{draw}/receipt", params={"vendor": vendor})
        assert answer.status_code == 200, answer.text
        return answer.content

    @invariant()
    def every_draw_only_goes_on(self) -> None:
        """It is committed before its period and keeps commitment and key; periods of a plan follow each other."""
        for plan in self.plans:
            found = self.run(draws_of(self.client, self.programme, plan))
            for draw in found:
                before = self.told.get(draw["id"])
                begins = datetime.combine(date.fromisoformat(draw["first_day"]), datetime.min.time(), ZONE)
                assert datetime.fromisoformat(draw["committed_at"]) + HOUR < begins
                assert (draw["key"] is None) == (draw["state"] == "committed")
                assert draw["key"] is None or repeated.commitment(bytes.fromhex(draw["key"])) == draw["commitment"]
                if before is not None:
                    assert draw["commitment"] == before["commitment"]
                    assert before["state"] == "committed" or draw == before
                self.told[draw["id"]] = draw
            kept = [draw for draw in found if draw["state"] != "withdrawn"]
            assert all(one["last_day"] < other["first_day"] for one, other in pairwise(kept))

    def teardown(self) -> None:
        """Its plans end, or the replicas would look after them in every example to come."""
        for plan, state in self.plans.items():
            if state != "retired":
                assert self.ask("POST", f"/v1/sampling-plans/{plan}/retirement", headers={"If-Match": "*"}).status_code == 200

    @invariant()
    def what_was_told_stays(self) -> None:
        """No decision that comes later changes a receipt."""
        for (draw, vendor), receipt in self.receipts.items():
            assert self.receipt(draw, vendor) == receipt


async def test_draws_can_be_repeated_whatever_happens(audit_app: FastAPI, caller: Caller) -> None:
    """Their decisions are those that had come in, their sizes those of the plan, and nothing that was told ever changes."""
    client, loop = caller(audit_app, Role.ADMIN), asyncio.get_running_loop()
    with moved_by_hand(audit_app) as clock:
        machine = type("Machine", (Sampling,), {"loop": loop, "app": audit_app, "clock": clock, "client": client})
        how = settings(max_examples=6, stateful_step_count=8, deadline=None, suppress_health_check=list(HealthCheck))
        await asyncio.to_thread(run_state_machine_as_test, machine, settings=how)
