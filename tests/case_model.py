"""A model of root-cause cases and their whole life: what the service has to do, in as few words as that takes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from tallystick.schemas.action import ACTION_TRANSITIONS, ActionStep
from tallystick.schemas.case import CASE_TRANSITIONS, FINISHED
from tallystick.schemas.principal import Role

DAY = timedelta(days=1)
WATCH = timedelta(days=10)
AGAIN, RETRY = DAY, timedelta(minutes=5)
STEPS = {str(each.step): (each.sources, each.target) for each in CASE_TRANSITIONS}
ACTION_STEPS = {each.step: (each.sources, each.target) for each in ACTION_TRANSITIONS}
PEOPLE: dict[str, tuple[Role, str | None]] = {
    "nina": (Role.QUALITY_MANAGER, None),
    "vera": (Role.QUALITY_MANAGER, None),
    "otto": (Role.AUDITOR, None),
    "pia": (Role.VENDOR_POC, "acme"),
    "paul": (Role.VENDOR_POC, "acme"),
    "bo": (Role.VENDOR_POC, "borealis"),
}
"""Who takes part; all cases are shared with acme."""
OWNERS = {"pia": "acme", "nina": None, "otto": None}
"""Who owns actions, and of which vendor they are."""
Place = tuple[str, str | None]
"""A site, and a queue of it or all."""
Told = Counter[tuple[str, str, str | None]]
"""What was said how often: kind, about what, at which station."""


def midnight(day: date) -> datetime:
    """When a day begins."""
    return datetime.combine(day, time.min, UTC)


def contains(whole: Place, part: Place) -> bool:
    """Whether a place is all of another or more."""
    return whole[0] == part[0] and whole[1] in {None, part[1]}


@dataclass
class Cause:
    """Why it went wrong, as somebody says."""

    id: str
    share: float
    shown: bool
    internal: bool
    by_vendor: bool
    state: str = "proposed"


@dataclass
class Action:
    """What is done about it."""

    id: str
    owner: str
    due_at: datetime
    waits_for: "Action | None" = None
    state: str = "open"
    done_by: str | None = None
    said: set[tuple[datetime, str, str]] = field(default_factory=set)
    """For which due date, what, at which station."""

    @property
    def undone(self) -> bool:
        """Whether its owner has something to do."""
        return self.state in {"open", "in_progress"}

    @property
    def settled(self) -> bool:
        """Whether nothing is left to do."""
        return self.state in {"verified", "cancelled"}

    def due(self, now: datetime) -> list[tuple[str, str]]:
        """What is to be said by now and was not, and at which station; every day is a working day."""
        chain = [("action.due_soon", "owner", -2), ("action.overdue", "owner", 0), ("action.escalated", "team_lead", 1)]
        chain += [("action.escalated", "quality_manager", 3), ("action.escalated", "gpm", 5)]
        found = [
            (kind, station)
            for kind, station, days in chain
            if self.undone and self.due_at + days * DAY <= now and (station != "team_lead" or OWNERS[self.owner])
            and (kind != "action.due_soon" or self.due_at > now) and (self.due_at, kind, station) not in self.said
        ]  # fmt: skip
        self.said |= {(self.due_at, *each) for each in found}
        return found

    def refusal(self, who: str, step: ActionStep) -> int | None:
        """With which status a step is refused."""
        role, vendor = PEOPLE[who]
        manages = role is Role.QUALITY_MANAGER
        owns = who == self.owner or (vendor is not None and vendor == OWNERS[self.owner])
        theirs = owns or manages if step in {ActionStep.START, ActionStep.COMPLETE} else manages
        if step in {ActionStep.VERIFY, ActionStep.REJECT} and who in {self.owner, self.done_by}:
            theirs = False
        waits = step is ActionStep.COMPLETE and self.waits_for is not None and not self.waits_for.settled
        return 403 if not theirs else 409 if self.state not in ACTION_STEPS[step][0] or waits else None


@dataclass
class Plan:
    """How the effect is judged."""

    to: date
    frozen: bool = False
    verdict: str | None = None
    judge_at: datetime | None = None


@dataclass
class Case:
    """A case, all that belongs to it, and what people were told of it."""

    id: str
    place: Place
    programme: str
    signals: list[str] = field(default_factory=list)
    state: str = "open"
    closed_at: datetime | None = None
    reopened: int = 0
    steps: list[str] = field(default_factory=lambda: ["open"])
    causes: list[Cause] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    plan: Plan | None = None
    told: Told = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.told["case.opened", self.id, None] += 1

    @property
    def document(self) -> dict[str, Any]:
        """What a request about it needs to know."""
        return {"id": self.id, "programme": self.programme}

    @property
    def finished(self) -> bool:
        """Whether nothing is added to it any more."""
        return self.state in FINISHED

    @property
    def judged(self) -> Plan | None:
        """Its plan, if work goes on that it is judged by."""
        return self.plan if self.state in {"in_progress", "verification"} else None

    def refusals(self, step: str) -> list[str] | None:
        """What speaks against a step of a manager: what is missing for it, nothing for its state alone; None if nothing does."""
        if self.state not in STEPS[step][0]:
            return []
        shown = any(cause.state == "accepted" and cause.shown for cause in self.causes)
        missing = {
            "plan": [] if shown else ["no_root_cause"],
            "start": [*self._no_action(), *self._no_plan()],
            "verify": self._open_actions(),
            "close": [*self._open_actions(), *self._no_effect()],
        }
        return missing.get(step) or None

    def _no_action(self) -> list[str]:
        return ["no_action"] if all(action.state == "cancelled" for action in self.actions) else []

    def _no_plan(self) -> list[str]:
        return ["no_plan"] if self.plan is None else ["used_plan"] if self.plan.frozen else []

    def _open_actions(self) -> list[str]:
        return self._no_action() if all(action.settled for action in self.actions) else ["open_actions"]

    def _no_effect(self) -> list[str]:
        verdict = self.plan.verdict if self.plan else None
        return [] if verdict == "effective" else [f"effect_{verdict or 'not_judged'}"]

    def take(self, step: str, now: datetime) -> None:
        """Take a step."""
        self.state = STEPS[step][1]
        self.steps.append(step)
        self.closed_at = now if self.state == "closed" else None
        self.reopened += step == "reopen"
        if step == "start" and self.plan:
            self.plan.frozen, self.plan.judge_at = True, midnight(self.plan.to)
        if self.state in {"closed", "reopened"}:
            self.told[f"case.{self.state}", self.id, None] += 1

    def pass_time(self, now: datetime, says: str | None) -> None:
        """Tell what time brings, and judge as reporting says; None: it says nothing now."""
        if not self.finished:
            self.told.update((kind, action.id, station) for action in self.actions for kind, station in action.due(now))
        plan = self.judged
        if plan is None or plan.judge_at is None or plan.judge_at > now:
            return
        if says is None:
            plan.judge_at = now + RETRY
            return
        self.told["plan.judged", self.id, None] += says != plan.verdict
        plan.verdict, plan.judge_at = says, now + AGAIN if says == "not_yet_decidable" else None

    def is_about(self, place: Place) -> bool:
        """Whether a signal about a place is about this case's fault."""
        return contains(self.place, place) or contains(place, self.place)


def nearest(cases: Sequence[Case], place: Place) -> Case | None:
    """Of cases about a place the same place first, then the narrowest, then the oldest."""
    about = [case for case in cases if case.is_about(place)]
    return max(about, key=lambda case: (case.place == place, case.place[1] is not None), default=None)


def hear(cases: Sequence[Case], place: Place, key: str, until: date, now: datetime) -> bool:
    """Let a signal join a case that goes on, or open one again that is watched; False where it is to be drafted a new one."""
    if case := nearest([case for case in cases if not case.finished], place):
        case.signals.append(key)
        return True
    case = nearest([case for case in cases if case.closed_at is not None and now <= case.closed_at + WATCH], place)
    if case is None or case.closed_at is None or until <= case.closed_at.date():
        return False
    case.take("reopen", now)
    case.signals.append(key)
    return True
