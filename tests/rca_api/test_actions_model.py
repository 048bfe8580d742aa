"""Whatever is done to actions, by whomever and whenever: the service does what a model does, and tells each thing once.

A Hypothesis rule machine drives rca-api over HTTP while time moves and two replicas sweep.
"""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import httpx
from fastapi import FastAPI
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from actions import agreed, changed, moved, notices
from appeals import Clock
from cases import opened
from conftest import Caller
from factories import programme_document
from rca_api.actions.following_up import follow_up
from tallystick.schemas.action import ACTION_TRANSITIONS, ActionStep
from tallystick.schemas.base import new_id
from tallystick.schemas.principal import Role
from tallystick.service.database import Database

Result = TypeVar("Result")

BEGINNING = datetime(2026, 10, 5, 8, tzinfo=UTC)
EVERY_DAY = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
PEOPLE: dict[str, tuple[Role, str | None]] = {
    "pia": (Role.VENDOR_POC, "acme"),
    "paul": (Role.VENDOR_POC, "acme"),
    "bo": (Role.VENDOR_POC, "borealis"),
    "nina": (Role.QUALITY_MANAGER, None),
    "vera": (Role.QUALITY_MANAGER, None),
    "otto": (Role.AUDITOR, None),
}
OWNERS = {"pia": "acme", "nina": None, "otto": None}
DAY = timedelta(days=1)


@dataclass
class Action:
    """An action as the model knows it."""

    id: str
    owner: str
    due_at: datetime
    state: str = "open"
    done_by: str | None = None
    told: set[tuple[datetime, str, str]] = field(default_factory=set)
    """What was said: for which due date, what, at which station."""

    def stations(self) -> list[tuple[str, str, datetime]]:
        """What there is to say, and when; every day is a working day, and dates are ends of days."""
        chain = [("action.due_soon", "owner", -2), ("action.overdue", "owner", 0), ("action.escalated", "team_lead", 1)]
        chain += [("action.escalated", "quality_manager", 3), ("action.escalated", "gpm", 5)]
        own = [each for each in chain if each[1] != "team_lead" or OWNERS[self.owner]]
        return [(kind, station, self.due_at + days * DAY) for kind, station, days in own]

    def follow_up(self, now: datetime) -> None:
        """Say what is to be said by now."""
        if self.state not in {"open", "in_progress"}:
            return
        for kind, station, at in self.stations():
            if at <= now and (kind != "action.due_soon" or self.due_at > now):
                self.told.add((self.due_at, kind, station))


actions = st.runner().flatmap(lambda machine: st.sampled_from(machine.actions))
people = st.sampled_from(sorted(PEOPLE))


class Actions(RuleBasedStateMachine):
    """Everything that can be done about actions. The fixtures of the test are put into its class."""

    loop: asyncio.AbstractEventLoop
    clock: Clock
    admin: httpx.AsyncClient
    audit: httpx.AsyncClient
    clients: dict[str, httpx.AsyncClient]
    replicas: list[Database]

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do something in the test's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    @initialize()
    def configure(self) -> None:
        """A programme whose days all count, with a case and two actions."""
        self.programme = f"m-{new_id().hex[-16:]}"
        self.clock.now = BEGINNING
        document = programme_document(self.programme, time_zone="UTC", calendar={"working_days": EVERY_DAY})
        assert self.run(self.audit.put(f"/v1/programmes/{self.programme}", json=document)).status_code == 201
        self.case = self.run(opened(self.admin, self.programme))
        self.actions: list[Action] = []
        for owner in ("pia", "nina"):
            self.agree(owner, 3)

    @rule(owner=st.sampled_from(sorted(OWNERS)), days=st.integers(1, 6))
    def agree(self, owner: str, days: int) -> None:
        """A manager agrees on an action; so many whole days are left for it."""
        made = self.run(agreed(self.admin, self.case, owner=owner, owner_vendor=OWNERS[owner], due_days=days))
        due_at = datetime.fromisoformat(made["due_at"])
        midnight = self.clock.now.replace(hour=0, minute=0)
        assert due_at == midnight + (days + 1) * DAY
        self.actions.append(Action(made["id"], owner, due_at))

    @rule(action=actions, who=people, step=st.sampled_from(list(ActionStep)))
    def move(self, action: Action, who: str, step: ActionStep) -> None:
        """Somebody takes a step, whether or not it is theirs or there is one to take."""
        answer = self.run(moved(self.clients[who], {"id": action.id, "programme": self.programme}, step))
        expected = self._expected(action, who, step)
        assert answer.status_code == expected, f"{who} {step} {action}: {answer.text}"
        if expected == 200:
            [action.state] = [each.target for each in ACTION_TRANSITIONS if each.step is step]
            action.done_by = {ActionStep.COMPLETE: who, ActionStep.REJECT: None}.get(step, action.done_by)

    def _expected(self, action: Action, who: str, step: ActionStep) -> int:
        role, vendor = PEOPLE[who]
        if vendor == "borealis":
            return 404
        manages = role is Role.QUALITY_MANAGER
        owns = who == action.owner or (vendor is not None and vendor == OWNERS[action.owner])
        if step in {ActionStep.START, ActionStep.COMPLETE}:
            theirs = owns or manages
        elif step is ActionStep.CANCEL:
            theirs = manages
        else:
            theirs = manages and who not in {action.owner, action.done_by}
        [sources] = [each.sources for each in ACTION_TRANSITIONS if each.step is step]
        return 403 if not theirs else 200 if action.state in sources else 409

    @rule(action=actions, days=st.integers(-1, 8), owner=st.sampled_from([None, *sorted(OWNERS)]))
    def change(self, action: Action, days: int, owner: str | None) -> None:
        """A manager moves the due date, and perhaps gives the action to somebody else."""
        due_at = self.clock.now.replace(hour=0, minute=0) + days * DAY
        whose = {} if owner is None else {"owner": owner, "owner_vendor": OWNERS[owner]}
        target = {"id": action.id, "programme": self.programme}
        answer = self.run(changed(self.admin, target, due_at=due_at.isoformat(), **whose))
        taken = action.state in {"open", "in_progress"} and due_at > self.clock.now
        assert answer.status_code == (200 if taken else 409), answer.text
        if taken:
            action.due_at, action.owner = due_at, owner or action.owner

    @rule(hours=st.sampled_from([5, 24, 60]))
    def time_passes(self, hours: int) -> None:
        """Time passes, and both replicas look around at once."""
        self.clock.move(hours=hours)
        self.run(self._sweep())
        for action in self.actions:
            action.follow_up(self.clock.now)

    async def _sweep(self) -> None:
        await asyncio.gather(*(follow_up(database, self.clock) for database in self.replicas))

    @invariant()
    def everything_is_told_once(self) -> None:
        """The notices of each action are those of the model, each once."""
        found = self.run(notices(self.admin, self.programme, "action.due_soon", "action.overdue", "action.escalated"))
        told = Counter((each["subject_id"], each["kind"], each["station"]) for each in found)
        expected = Counter((action.id, kind, station) for action in self.actions for _, kind, station in action.told)
        assert told == expected

    @invariant()
    def actions_are_as_the_model_says(self) -> None:
        """Their states, owners and due dates, and whether they are overdue."""
        answer = self.run(self.admin.get("/v1/actions", params={"programme": self.programme, "limit": 500}))
        shown = {each["id"]: each for each in answer.json()["items"]}
        for action in self.actions:
            open_still = action.state in {"open", "in_progress"}
            assert (shown[action.id]["state"], shown[action.id]["owner"]) == (action.state, action.owner)
            assert shown[action.id]["overdue"] == (open_still and action.due_at < self.clock.now)


async def test_actions_and_time_go_as_in_the_model(
    rca_app: FastAPI, rca: httpx.AsyncClient, audit: httpx.AsyncClient, caller: Caller, clock: Clock
) -> None:
    """Over HTTP, as owners, colleagues, managers and strangers, with dates that change and two replicas that sweep."""
    clients = {name: caller(rca_app, role, vendor=vendor, subject=name) for name, (role, vendor) in PEOPLE.items()}
    replicas = [Database(rca_app.state.settings.database_url.get_secret_value(), 2) for _ in range(2)]
    fixtures = {"loop": asyncio.get_running_loop(), "clock": clock, "admin": rca, "audit": audit}
    machine = type("Machine", (Actions,), fixtures | {"clients": clients, "replicas": replicas})
    modest = settings(
        max_examples=8, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    await asyncio.to_thread(run_state_machine_as_test, machine, settings=modest)
    for database in replicas:
        await database.close()
