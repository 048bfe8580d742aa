"""The whole life of cases against a model: whatever is done, in whatever order, by whichever side, while time passes.

Hypothesis makes its choices in a thread of its own; the requests run in the loop of the test. Two replicas hear signals, remind,
escalate and judge side by side.
"""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

import httpx
from fastapi import FastAPI
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from actions import agreed, changed, moved, notices, registered
from appeals import Clock
from case_model import ACTION_STEPS, DAY, OWNERS, PEOPLE, WATCH, Action, Case, Cause, Place, Plan, Told, hear, midnight
from cases import NEW, SHOWN, asked
from conftest import Caller, asking, listening
from factories import programme_document
from judged_effects import judging
from raised_signals import Signals
from rca_api.actions.following_up import follow_up
from rca_api.plans.judging import judge
from rca_api.signals.following import follow
from rca_api.signals.records import OvertakenError
from tallystick.client import Tallystick
from tallystick.schemas.action import ActionStep
from tallystick.schemas.base import new_id
from tallystick.schemas.effect import EffectVerdict
from tallystick.schemas.principal import Role
from tallystick.schemas.programme import Programme
from tallystick.service.database import Database

Result = TypeVar("Result")

BEGINNING = datetime(2026, 10, 1, 8, tzinfo=UTC)
EVERY_DAY = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
STEPS = ("analyse", "plan", "start", "verify", "cancel", "reopen", "close", "override")

cases = st.runner().flatmap(lambda machine: st.sampled_from(machine.cases))
managers = st.sampled_from(["nina", "nina", "nina", "pia", "otto"])
places = st.tuples(st.sampled_from(["lisbon", "cairo"]), st.sampled_from([None, "live", "chat"]))


class Life(RuleBasedStateMachine):
    """All that can be done to cases. The fixtures of the test are put into its class."""

    loop: asyncio.AbstractEventLoop
    apps: dict[str, FastAPI]
    audit: httpx.AsyncClient
    clients: dict[str, httpx.AsyncClient]
    neighbours: Tallystick
    clock: Clock
    replicas: list[Database]
    verdict: list[EffectVerdict | None]
    """What reporting says of effects, in one place."""

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do something in the test's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def ask(self, who: str, case: Case, method: str, path: str, body: Any = None) -> httpx.Response:
        """Ask something about a case."""
        return self.run(asked(self.clients[who], case.document, method, path, body))

    @initialize()
    def tell_a_whole_story(self) -> None:
        """A case from its opening to its closure with effect and the recurrence of its fault; and others on their way."""
        self.programme = f"m-{new_id().hex[-16:]}"
        self.clock.now = BEGINNING
        changes = {"time_zone": "UTC", "calendar": {"working_days": EVERY_DAY}, "cases": {"watch_days": WATCH.days}}
        self.document = programme_document(self.programme, **changes)
        assert self.run(self.audit.put(f"/v1/programmes/{self.programme}", json=self.document)).status_code == 201
        self.signals = Signals(self.apps["reporting"], self.programme)
        self.raised: set[tuple[Place, date]] = set()
        self.cases: list[Case] = []
        self.open(("lisbon", None))
        self.signal(("lisbon", "live"))
        self.signal(("cairo", "chat"))
        first, other = self.cases
        self.agree(other, "pia", 1, waits=False)
        self.agree(other, "nina", 3, waits=False)
        for _ in range(4):
            self.move(first, "verify", "nina")
            self.carry_on(first)
        self.move(first, "close", "nina")
        for verdict in (None, EffectVerdict.NOT_YET_DECIDABLE, EffectVerdict.NOT_YET_DECIDABLE, EffectVerdict.EFFECTIVE):
            assert first.state == "verification"
            self.time_passes(72, verdict)
            self.move(first, "close", "nina")
        assert first.state == "closed"
        self.time_passes(24, None)
        self.signal(("lisbon", "live"))
        for _ in range(4):
            self.carry_on(other)
        self.time_passes(72, EffectVerdict.NOT_EFFECTIVE)
        for step in ("close", "override"):
            assert other.state == "verification"
            self.move(other, step, "nina")
        assert (first.state, first.reopened, other.state) == ("reopened", 1, "closed")
        for _ in range(2):
            self.carry_on(first)
        self.move(first, "start", "nina")
        assert first.refusals("start") == ["used_plan"]

    @rule(place=places)
    def open(self, place: Place) -> None:
        """A manager opens a case about a place of acme."""
        site, queue = place
        new = NEW | {"scope": {"site": [site]} | ({"queue": [queue]} if queue else {})}
        answer = self.run(self.clients["nina"].post("/v1/cases", params={"programme": self.programme}, json=new))
        assert answer.status_code == 201
        self.cases.append(Case(answer.json()["id"], place, self.programme))

    @rule(case=cases, step=st.sampled_from(STEPS), who=managers)
    def move(self, case: Case, step: str, who: str) -> None:
        """Somebody tries to move a case on: managers can where the table says so and nothing is missing, which is said."""
        if step in {"close", "override"}:
            why = "Enough." if step == "override" else None
            answer = self.ask(who, case, "POST", "/closure", {"conclusion": "Done.", "override": why})
        else:
            answer = self.ask(who, case, "POST", "/steps", {"step": step, "note": "Because."})
        refusals = case.refusals(step)
        if PEOPLE[who][0] is not Role.QUALITY_MANAGER:
            assert answer.status_code == 403
        elif refusals is not None:
            assert answer.status_code == 409, answer.text
            assert [each["code"] for each in answer.json().get("errors", [])] == refusals
        else:
            assert answer.status_code == 200, answer.text
            case.take(step, self.clock.now)

    @rule(case=cases)
    def carry_on(self, case: Case) -> None:
        """What comes next on a case is done about it, if it can be."""
        if case.state in {"open", "reopened"}:
            self.move(case, "analyse", "nina")
        elif case.state == "analysis":
            self.propose(case, "pia", 0.25, shown=True, internal=False)
            self.settle(case, case.causes[-1], "accepted")
            self.move(case, "plan", "nina")
        elif case.state == "action_plan":
            self.agree(case, "pia", 3, waits=False)
            self.agree(case, "nina", 1, waits=True)
            self.register(case, 2)
            self.move(case, "start", "nina")
        elif case.state == "in_progress":
            for action in case.actions:
                self.act(case, action, "pia" if OWNERS[action.owner] else "nina", ActionStep.COMPLETE)
                self.act(case, action, "vera", ActionStep.VERIFY)
            self.move(case, "verify", "nina")
        else:
            self.move(case, "close", "nina")

    @rule(
        case=cases,
        who=st.sampled_from(["nina", "pia"]),
        share=st.sampled_from([0.25, 0.5, 0.75]),
        shown=st.booleans(),
        internal=st.booleans(),
    )
    def propose(self, case: Case, who: str, share: float, *, shown: bool, internal: bool) -> None:
        """Either side proposes a cause; a vendor's people for both sides alone."""
        body = {"code": "workflow", "share": share, "evidence": SHOWN if shown else []}
        answer = self.ask(who, case, "POST", "/causes", body | {"audience": "internal" if internal else "vendor"})
        expected = 403 if who == "pia" and internal else 409 if case.finished else 201
        assert answer.status_code == expected, answer.text
        if expected == 201:
            case.causes.append(Cause(answer.json()["id"], share, shown, internal, who == "pia"))

    @rule(case=cases, data=st.data(), outcome=st.sampled_from(["accepted", "accepted", "rejected"]))
    def decide(self, case: Case, data: st.DataObject, outcome: str) -> None:
        """A manager decides about a cause."""
        if case.causes:
            self.settle(case, data.draw(st.sampled_from(case.causes)), outcome)

    def settle(self, case: Case, cause: Cause, outcome: str) -> None:
        """Decide about a cause; accepted ones explain the whole at most."""
        answer = self.ask("nina", case, "POST", f"/causes/{cause.id}/decision", {"outcome": outcome, "reason": "So it is."})
        others = sum(each.share for each in case.causes if each.state == "accepted" and each is not cause)
        expected = 409 if case.finished or (outcome == "accepted" and others + cause.share > 1) else 200
        assert answer.status_code == expected, answer.text
        if expected == 200:
            cause.state = outcome

    @rule(case=cases, data=st.data(), share=st.sampled_from([0.25, 0.75]))
    def change_as_vendor(self, case: Case, data: st.DataObject, share: float) -> None:
        """A vendor's people change what their own proposed, until it is decided about; what is internal is not there for them."""
        if not case.causes:
            return
        cause = data.draw(st.sampled_from(case.causes))
        answer = self.ask("pia", case, "PATCH", f"/causes/{cause.id}", {"share": share})
        there = 404 if cause.internal else 403 if not cause.by_vendor else 409 if cause.state != "proposed" else 200
        expected = 409 if case.finished else there
        assert answer.status_code == expected, answer.text
        if expected == 200:
            cause.share = share

    @rule(case=cases, days=st.integers(0, 4))
    def register(self, case: Case, days: int) -> None:
        """A manager registers how the effect will be judged: before the work starts, by a window that is not over."""
        to = self.clock.now.date() + days * DAY
        window = {"from": str(to - 7 * DAY), "to": str(to), "time_zone": "UTC"}
        baseline = {"from": "2026-08-03", "to": "2026-08-31", "time_zone": "UTC"}
        effect = {"scope": {}, "baseline": baseline, "verification": window}
        answer = self.run(registered(self.clients["nina"], case.document, "*", **effect))
        expected = 200 if not case.finished and case.state not in {"in_progress", "verification"} and days else 409
        assert answer.status_code == expected, answer.text
        if expected == 200:
            case.plan = Plan(to)

    @rule(case=cases, days=st.integers(-1, 5))
    def extend(self, case: Case, days: int) -> None:
        """A manager puts off the end of the window, while work goes on and nothing is decided."""
        to = self.clock.now.date() + days * DAY
        answer = self.ask("nina", case, "POST", "/plan/extensions", {"to": str(to), "reason": "Too few."})
        plan = case.judged
        if case.plan is None and not case.finished:
            assert answer.status_code == 404
        elif plan is None or plan.verdict not in {None, "not_yet_decidable"} or to <= plan.to or midnight(to) <= self.clock.now:
            assert answer.status_code == 409, answer.text
        else:
            assert answer.status_code == 200, answer.text
            plan.to, plan.judge_at = to, midnight(to)

    @rule(case=cases, owner=st.sampled_from(sorted(OWNERS)), days=st.integers(1, 6), waits=st.booleans())
    def agree(self, case: Case, owner: str, days: int, *, waits: bool) -> None:
        """A manager agrees on an action, perhaps one that waits for the one before; so many whole days are left for it."""
        before = case.actions[-1] if waits and case.actions else None
        who = {"owner": owner, "owner_vendor": OWNERS[owner]}
        if case.finished:
            assert self.ask("nina", case, "POST", "/actions", {"kind": "corrective", "title": "Late"} | who).status_code == 409
            return
        after = [before.id] if before else []
        made = self.run(agreed(self.clients["nina"], case.document, due_days=days, depends_on=after, **who))
        due_at = datetime.fromisoformat(made["due_at"])
        assert due_at == midnight(self.clock.now.date()) + (days + 1) * DAY
        case.actions.append(Action(made["id"], owner, due_at, before))
        case.told["action.assigned", made["id"], None] += 1

    @rule(case=cases, data=st.data(), who=st.sampled_from(sorted(PEOPLE)), step=st.sampled_from(list(ActionStep)))
    def act_somehow(self, case: Case, data: st.DataObject, who: str, step: ActionStep) -> None:
        """Somebody takes a step, whether or not it is theirs or there is one to take."""
        if case.actions:
            self.act(case, data.draw(st.sampled_from(case.actions)), who, step)

    def act(self, case: Case, action: Action, who: str, step: ActionStep) -> None:
        """Somebody takes a step of an action: its owner's side and managers, and to verify it somebody else."""
        answer = self.run(moved(self.clients[who], action_of(case, action), step))
        refused = 404 if who == "bo" else 409 if case.finished else action.refusal(who, step)
        assert answer.status_code == (refused or 200), f"{who} {step} {action}: {answer.text}"
        if refused is None:
            action.state = ACTION_STEPS[step][1]
            action.done_by = {ActionStep.COMPLETE: who, ActionStep.REJECT: None}.get(step, action.done_by)
            if step in {ActionStep.COMPLETE, ActionStep.REJECT}:
                kind = "action.done" if step is ActionStep.COMPLETE else "action.rejected"
                case.told[kind, action.id, None] += 1

    @rule(case=cases, data=st.data(), days=st.integers(-1, 8), owner=st.sampled_from([None, *sorted(OWNERS)]))
    def change_action(self, case: Case, data: st.DataObject, days: int, owner: str | None) -> None:
        """A manager moves a due date, and perhaps gives the action to somebody else, who is told."""
        if not case.actions:
            return
        action = data.draw(st.sampled_from(case.actions))
        due_at = midnight(self.clock.now.date()) + days * DAY
        whose = {} if owner is None else {"owner": owner, "owner_vendor": OWNERS[owner]}
        answer = self.run(changed(self.clients["nina"], action_of(case, action), due_at=due_at.isoformat(), **whose))
        taken = not case.finished and action.undone and due_at > self.clock.now
        assert answer.status_code == (200 if taken else 409), answer.text
        if taken:
            case.told["action.assigned", action.id, None] += owner not in {None, action.owner}
            action.due_at, action.owner = due_at, owner or action.owner

    @rule(place=places)
    def signal(self, place: Place) -> None:
        """A signal of the last days is raised, and heard by both replicas: it joins, opens again, or is drafted a case for."""
        day = self.clock.now.date() - 2 * DAY
        while (place, day) in self.raised:
            day -= DAY
        self.raised.add((place, day))
        scope = {"vendor": "acme", "site": place[0]} | ({"queue": place[1]} if place[1] else {})
        key = self.run(self.signals.raise_one(scope, day))
        self.run(self._follow())
        if hear(self.cases, place, key, day + timedelta(weeks=1), self.clock.now):
            return
        where: dict[str, Any] = {"programme": self.programme, "limit": 1}
        [drafted] = self.run(self.clients["nina"].get("/v1/cases", params=where)).json()["items"]
        assert (drafted["signals"], drafted["origin"]) == ([key], "signal")
        self.cases.append(Case(drafted["id"], place, self.programme, [key]))

    async def _follow(self) -> None:
        await asyncio.gather(*(self._follow_on(database) for database in self.replicas))

    async def _follow_on(self, database: Database) -> None:
        with suppress(OvertakenError):
            await follow(database, self.neighbours, Programme.model_validate(self.document), self.clock)

    @rule(hours=st.sampled_from([5, 24, 60, 150]), verdict=st.sampled_from([None, *EffectVerdict]))
    def time_passes(self, hours: int, verdict: EffectVerdict | None) -> None:
        """Time passes, and both replicas look around at once; reporting may have something to say of effects."""
        self.clock.move(hours=hours)
        self.verdict[0] = verdict
        self.run(self._sweep())
        for case in self.cases:
            case.pass_time(self.clock.now, verdict)
            if case.plan is not None:
                plan = self.ask("pia", case, "GET", "/plan").json()
                assert (plan["verdict"], plan["frozen"], plan["judge_on"]) == (
                    case.plan.verdict, case.plan.frozen, str(case.plan.to)
                )  # fmt: skip

    async def _sweep(self) -> None:
        neighbours = self.apps["rca"].state.neighbours
        await asyncio.gather(*(follow_up(database, self.clock) for database in self.replicas))
        await asyncio.gather(*(judge(database, neighbours, self.clock) for database in self.replicas))

    @invariant()
    def everything_is_as_the_model_says(self) -> None:
        """Cases with their signals, actions with their due dates, and what people were told: all of it, and each once."""
        found = {each["id"]: each for each in self._all("/v1/cases")}
        assert found.keys() == {case.id for case in self.cases}
        actions = {each["id"]: each for each in self._all("/v1/actions")}
        assert actions.keys() == {action.id for case in self.cases for action in case.actions}
        for case in self.cases:
            seen = found[case.id]
            assert (seen["state"], seen["signals"], seen["reopened"]) == (case.state, case.signals, case.reopened)
            for action in case.actions:
                seen = actions[action.id]
                assert (seen["state"], seen["owner"]) == (action.state, action.owner)
                assert seen["overdue"] == (action.undone and action.due_at < self.clock.now)
        told = self.run(notices(self.clients["nina"], self.programme))
        expected: Told = sum((case.told for case in self.cases), Counter())
        assert Counter((each["kind"], each["subject_id"], each["station"]) for each in told) == +expected

    def _all(self, path: str) -> list[dict[str, Any]]:
        where: dict[str, Any] = {"programme": self.programme, "limit": 500}
        items: list[dict[str, Any]] = self.run(self.clients["nina"].get(path, params=where)).json()["items"]
        return items

    def teardown(self) -> None:
        """In the end both sides see the causes that are theirs to see, and the history has every step."""
        for case in getattr(self, "cases", []):
            everything = [(cause.id, cause.state, cause.share) for cause in case.causes]
            shared = [(cause.id, cause.state, cause.share) for cause in case.causes if not cause.internal]
            for who, expected in (("nina", everything), ("pia", shared)):
                items = self.ask(who, case, "GET", "/causes").json()["items"]
                assert [(each["id"], each["state"], each["share"]) for each in items] == expected
                events = self.ask(who, case, "GET", "/steps").json()["items"]
                assert [event["step"] for event in events if event["step"]] == case.steps
                told = {event["about"] for event in events if event["kind"] == "cause"}
                assert told == {cause[0] for cause in expected}


def action_of(case: Case, action: Action) -> dict[str, Any]:
    """What a request about an action needs to know."""
    return {"id": action.id, "programme": case.programme}


async def test_cases_live_as_in_the_model(
    rca_app: FastAPI, reporting_app: FastAPI, audit: httpx.AsyncClient, caller: Caller, client: Tallystick, clock: Clock
) -> None:
    """Opened, explained, planned, worked on, verified, judged, closed, opened again, cancelled; each thing told once."""
    verdict: list[EffectVerdict | None] = [None]
    replicas = [Database(rca_app.state.settings.database_url.get_secret_value(), 2) for _ in range(2)]
    fixtures = {
        "loop": asyncio.get_running_loop(),
        "apps": {"rca": rca_app, "reporting": reporting_app},
        "audit": audit,
        "clients": {name: caller(rca_app, role, vendor=vendor, subject=name) for name, (role, vendor) in PEOPLE.items()},
        "neighbours": client,
        "clock": clock,
        "replicas": replicas,
        "verdict": verdict,
    }
    machine = type("Machine", (Life,), fixtures)
    how = settings(max_examples=5, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    async with listening(judging(lambda: verdict[0])) as address, asking(rca_app, address):
        await asyncio.to_thread(run_state_machine_as_test, machine, settings=how)
    for database in replicas:
        await database.close()
