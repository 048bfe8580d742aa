"""Cases and their causes against a model: whatever is done to them, in whatever order, by whichever side.

Hypothesis makes its choices in a thread of its own; the requests run in the loop of the test. Signals come in between.
Steps that need an action plan are left to the tests of action plans.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

import httpx
from fastapi import FastAPI
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from appeals import Clock
from cases import NEW, SHOWN, asked
from conftest import Caller
from factories import programme_document
from raised_signals import Signals
from rca_api.signals.following import follow
from tallystick.client import Tallystick
from tallystick.schemas.base import new_id
from tallystick.schemas.case import CASE_TRANSITIONS, FINISHED
from tallystick.schemas.principal import Role
from tallystick.schemas.programme import Programme

Result = TypeVar("Result")

BEGINNING = datetime(2026, 10, 1, 8, tzinfo=UTC)
WATCH_DAYS = 10
SITES = ("lisbon", "cairo")
STEPS = ("analyse", "plan", "override", "cancel", "reopen")
TARGETS = {str(each.step): (each.sources, each.target) for each in CASE_TRANSITIONS}


@dataclass
class Cause:
    """A cause as the model knows it."""

    id: str
    share: float
    shown: bool
    internal: bool
    by_vendor: bool
    state: str = "proposed"


@dataclass
class Case:
    """A case as the model knows it."""

    id: str
    site: str
    programme: str
    state: str = "open"
    signals: list[str] = field(default_factory=list)
    closed_at: datetime | None = None
    reopened: int = 0
    steps: list[str] = field(default_factory=lambda: ["open"])
    causes: list[Cause] = field(default_factory=list)

    @property
    def document(self) -> dict[str, Any]:
        """What a request about it needs to know."""
        return {"id": self.id, "programme": self.programme}


cases = st.runner().flatmap(lambda machine: st.sampled_from(machine.cases))
some = precondition(lambda machine: machine.cases)


class Cases(RuleBasedStateMachine):
    """What can be done to cases. The fixtures of the test are put into its class."""

    loop: asyncio.AbstractEventLoop
    apps: dict[str, FastAPI]
    clients: dict[str, httpx.AsyncClient]
    neighbours: Tallystick
    clock: Clock

    def __init__(self) -> None:
        super().__init__()
        self.programme = f"m-{new_id().hex[-16:]}"
        self.document = programme_document(self.programme, cases={"watch_days": WATCH_DAYS})
        self.signals = Signals(self.apps["reporting"], self.programme)
        self.clock.now = BEGINNING
        self.cases: list[Case] = []
        self.raised = 0

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do something in the test's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def ask(self, who: str, case: Case, method: str, path: str, body: Any = None) -> httpx.Response:
        """Ask something about a case."""
        return self.run(asked(self.clients[who], case.document, method, path, body))

    @initialize()
    def configure(self) -> None:
        """A programme of its own, with a case that has a cause and is closed, and one that is new."""
        answer = self.run(self.clients["audit"].put(f"/v1/programmes/{self.programme}", json=self.document))
        assert answer.status_code == 201
        for site in SITES:
            self.open(site)
        for who, share in (("manager", 0.75), ("poc", 0.5)):
            self.propose(self.cases[0], who, share, shown=True, internal=False)
        self.settle(self.cases[0], self.cases[0].causes[0], "accepted")
        for step in ("analyse", "plan", "override"):
            self.move(self.cases[0], step, "manager")

    @rule(site=st.sampled_from(SITES))
    def open(self, site: str) -> None:
        """A manager opens a case about a site of acme."""
        new = NEW | {"scope": {"site": [site]}}
        answer = self.run(self.clients["manager"].post("/v1/cases", params={"programme": self.programme}, json=new))
        assert answer.status_code == 201
        self.cases.append(Case(answer.json()["id"], site, self.programme))

    @some
    @rule(case=cases, step=st.sampled_from(STEPS), who=st.sampled_from(["manager", "manager", "manager", "poc", "auditor"]))
    def move(self, case: Case, step: str, who: str) -> None:
        """Somebody tries to move a case on; those who steer it can, where the table says so and a cause has evidence."""
        sources, target = TARGETS[step]
        if step == "override":
            answer = self.ask(who, case, "POST", "/closure", {"conclusion": "Done.", "override": "Enough."})
        else:
            answer = self.ask(who, case, "POST", "/steps", {"step": step, "note": "Because."})
        shown = any(cause.state == "accepted" and cause.shown for cause in case.causes)
        if who != "manager":
            expected = 403
        elif case.state not in sources or (step == "plan" and not shown):
            expected = 409
        else:
            expected = 200
            case.state = target
            case.steps.append(step)
            case.closed_at = self.clock.now if step == "override" else None
            case.reopened += step == "reopen"
        assert answer.status_code == expected, answer.text

    @some
    @rule(
        case=cases,
        who=st.sampled_from(["manager", "poc"]),
        share=st.sampled_from([0.25, 0.5, 0.75]),
        shown=st.booleans(),
        internal=st.booleans(),
    )
    def propose(self, case: Case, who: str, share: float, shown: bool, internal: bool) -> None:
        """Either side proposes a cause; a vendor's people for both sides alone."""
        body = {"code": "workflow", "share": share, "evidence": SHOWN if shown else []}
        answer = self.ask(who, case, "POST", "/causes", body | {"audience": "internal" if internal else "vendor"})
        if who == "poc" and internal:
            assert answer.status_code == 403
        elif case.state in FINISHED:
            assert answer.status_code == 409
        else:
            assert answer.status_code == 201, answer.text
            case.causes.append(Cause(answer.json()["id"], share, shown, internal, who == "poc"))

    @precondition(lambda machine: any(case.causes for case in machine.cases))
    @rule(data=st.data(), outcome=st.sampled_from(["accepted", "accepted", "rejected"]))
    def decide(self, data: st.DataObject, outcome: str) -> None:
        """A manager decides about a cause; accepted ones explain the whole at most."""
        case = data.draw(st.sampled_from([case for case in self.cases if case.causes]))
        self.settle(case, data.draw(st.sampled_from(case.causes)), outcome)

    def settle(self, case: Case, cause: Cause, outcome: str) -> None:
        """Decide about a cause."""
        answer = self.ask("manager", case, "POST", f"/causes/{cause.id}/decision", {"outcome": outcome, "reason": "So it is."})
        others = sum(each.share for each in case.causes if each.state == "accepted" and each is not cause)
        if case.state in FINISHED or (outcome == "accepted" and others + cause.share > 1):
            assert answer.status_code == 409, answer.text
        else:
            assert answer.status_code == 200, answer.text
            cause.state = outcome

    @precondition(lambda machine: any(case.causes for case in machine.cases))
    @rule(data=st.data(), share=st.sampled_from([0.25, 0.75]))
    def change_as_vendor(self, data: st.DataObject, share: float) -> None:
        """A vendor's people change what their own proposed, until it is decided about; what is internal is not there for them."""
        case = data.draw(st.sampled_from([case for case in self.cases if case.causes]))
        cause = data.draw(st.sampled_from(case.causes))
        answer = self.ask("poc", case, "PATCH", f"/causes/{cause.id}", {"share": share})
        if case.state in FINISHED:
            expected = 409
        elif cause.internal:
            expected = 404
        elif not cause.by_vendor:
            expected = 403
        elif cause.state != "proposed":
            expected = 409
        else:
            expected = 200
            cause.share = share
        assert answer.status_code == expected, answer.text

    @rule(site=st.sampled_from(SITES), replicas=st.integers(1, 2))
    def signal(self, site: str, replicas: int) -> None:
        """A signal of the last days is raised and heard: it joins, opens again, or is drafted a case for."""
        self.raised += 1
        day = self.clock.now.date() - timedelta(days=2)
        key = self.run(self.signals.raise_one({"vendor": "acme", "site": site, "queue": f"q{self.raised}"}, day))
        document = Programme.model_validate(self.document)
        for _ in range(replicas):
            self.run(follow(self.apps["rca"].state.database, self.neighbours, document, self.clock))
        self.hear(site, f"q{self.raised}", key, day + timedelta(weeks=1))

    def hear(self, site: str, queue: str, key: str, until: date) -> None:
        """What the model makes of a signal about a queue of a site."""
        about = [case for case in self.cases if case.site == site]
        going_on = [case for case in about if case.state not in FINISHED]
        if going_on:
            going_on[0].signals.append(key)
            return
        watched = [
            case for case in about
            if case.closed_at is not None and self.clock.now <= case.closed_at + timedelta(days=WATCH_DAYS)
        ]  # fmt: skip
        if watched and until > watched[0].closed_at.date():  # type: ignore[union-attr] # those that are watched are closed
            case = watched[0]
            case.state, case.closed_at, case.reopened = "reopened", None, case.reopened + 1
            case.signals.append(key)
            case.steps.append("reopen")
            return
        answer = self.run(self.clients["manager"].get("/v1/cases", params={"programme": self.programme, "limit": 1}))
        drafted = answer.json()["items"][0]
        assert (drafted["signals"], drafted["scope"]["queue"]) == ([key], [queue])
        # A case about one queue takes no signal of another: the model need not look for it again.
        self.cases.append(Case(drafted["id"], f"{site}/{queue}", self.programme, signals=[key]))

    @rule(days=st.integers(1, 6))
    def wait(self, days: int) -> None:
        """Time passes."""
        self.clock.move(days=days)

    @invariant()
    def every_case_is_as_the_model_says(self) -> None:
        """State, signals, how often it was opened again and the steps that led there; no case is there twice."""
        where = {"programme": self.programme}
        found = self.run(self.clients["manager"].get("/v1/cases", params=where)).json()["items"] if self.cases else []
        by_id = {case["id"]: case for case in found}
        assert by_id.keys() == {case.id for case in self.cases}
        for case in self.cases:
            seen = by_id[case.id]
            assert (seen["state"], seen["signals"], seen["reopened"]) == (case.state, case.signals, case.reopened)

    def teardown(self) -> None:
        """In the end both sides see the causes that are theirs to see, and the history has every step."""
        for case in self.cases:
            everything = [(cause.id, cause.state, cause.share) for cause in case.causes]
            shared = [(cause.id, cause.state, cause.share) for cause in case.causes if not cause.internal]
            for who, expected in (("manager", everything), ("poc", shared)):
                items = self.ask(who, case, "GET", "/causes").json()["items"]
                assert [(each["id"], each["state"], each["share"]) for each in items] == expected
                events = self.ask(who, case, "GET", "/steps").json()["items"]
                assert [event["step"] for event in events if event["step"]] == case.steps
                told = {event["about"] for event in events if event["kind"] == "cause"}
                assert told == {cause[0] for cause in expected}


async def test_cases_do_what_the_model_does(
    rca_app: FastAPI, reporting_app: FastAPI, audit: httpx.AsyncClient, caller: Caller, client: Tallystick, clock: Clock
) -> None:
    """States, causes and their shares, signals that join, draft and open again, and what each side is told."""

    class Driven(Cases):
        loop = asyncio.get_running_loop()
        apps = {"rca": rca_app, "reporting": reporting_app}  # noqa: RUF012 - given once
        clients = {  # noqa: RUF012
            "audit": audit,
            "manager": caller(rca_app, Role.QUALITY_MANAGER, subject="manager"),
            "auditor": caller(rca_app, Role.AUDITOR, subject="auditor"),
            "poc": caller(rca_app, Role.VENDOR_POC, vendor="acme", subject="poc"),
        }
        neighbours = client

    Driven.clock = clock
    how = settings(max_examples=8, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck))
    await asyncio.to_thread(run_state_machine_as_test, Driven, settings=how)
