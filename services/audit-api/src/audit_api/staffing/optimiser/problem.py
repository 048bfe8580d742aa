"""What the optimiser is asked, and what it answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Stratum:
    """Items alike enough to be planned together."""

    key: str
    waiting: int
    """Items that are still to be audited."""
    seconds: int
    """Of work for one item, at least 1."""
    language: str
    policy: str
    dose: int
    """Of harm for one item, in whole units: scale severity x seconds x modality as finely as it matters."""
    due: date
    """The last day on which it is worth auditing."""
    weight: float = 1.0
    """What one item is worth, above 0."""


@dataclass(frozen=True, slots=True)
class Person:
    """An auditor, as far as planning needs to know them."""

    key: str
    languages: frozenset[str]
    policies: frozenset[str]
    minutes: tuple[int, ...]
    """Of audit work by day; 0 where absent."""
    conflicts: frozenset[str] = frozenset()
    """Keys of strata that they must not get."""
    daily_cap: int | None = None
    """The most dose in a day; None where there is no cap."""
    weekly_cap: int | None = None
    """The most dose in a calendar week that begins on a Monday."""
    declined: frozenset[str] = frozenset()
    """Policies that they never get, trained or not. Nothing in the answer tells that these exist."""

    def may(self, language: str, policy: str) -> bool:
        """Whether they have the skill for such work, and have not declined it."""
        return language in self.languages and policy in self.policies and policy not in self.declined


@dataclass(frozen=True, slots=True)
class Problem:
    """Work, people and days. The order of work and people means nothing."""

    work: tuple[Stratum, ...]
    people: tuple[Person, ...]
    days: tuple[date, ...]
    """Those on which anybody may work, ascending."""
    fair: float = 1.5
    """How many times the mean share of load, and of harm, anybody may get before the plan counts it as unfair; at least 1."""

    def __post_init__(self) -> None:
        """Refuse what could not be planned.

        Raises:
            ValueError: Keys or days that are not unique and in order, minutes that do not match the days, numbers too low.
        """
        _require(_unique([stratum.key for stratum in self.work]), "The keys of strata must be unique.")
        _require(_unique([person.key for person in self.people]), "The keys of people must be unique.")
        _require(self.fair >= 1, "Nothing is fairer than 1: all have the mean.")
        _require(list(self.days) == sorted(set(self.days)), "Days must ascend.")
        for stratum in self.work:
            _require(stratum.waiting >= 0 and stratum.dose >= 0, f"Stratum {stratum.key}: nothing may be below 0.")
            _require(stratum.seconds >= 1 and stratum.weight > 0, f"Stratum {stratum.key}: seconds and weight must be above 0.")
        for person in self.people:
            _require(len(person.minutes) == len(self.days), f"Person {person.key}: as many minutes as days are needed.")
            numbers = (*person.minutes, person.daily_cap or 0, person.weekly_cap or 0)
            _require(min(numbers) >= 0, f"Person {person.key}: nothing may be below 0.")


class Status(StrEnum):
    """How good the plan is known to be."""

    OPTIMAL = "optimal"
    """No plan covers more."""
    WITHIN_GAP = "within_gap"
    """A plan may cover more, but none more than the bound."""
    OUT_OF_TIME = "out_of_time"
    """The solver was stopped: the plan keeps every rule, and the bound may be far off."""


class Reason(StrEnum):
    """Why items are not covered."""

    SKILL = "skill"
    """Nobody has the language and the policy."""
    CONFLICT = "conflict"
    """All who have the skill must not get this stratum."""
    DUE = "due"
    """It is due before anybody who may do it has room."""
    EXPOSURE = "exposure"
    """People who may do it have the time, and their caps do not leave the room."""
    HOURS = "hours"
    """Those who may do it have no time left."""


class Skill(StrEnum):
    """What somebody can be trained in."""

    LANGUAGE = "language"
    POLICY = "policy"


class Lifted(StrEnum):
    """Which caps on exposure are thought away."""

    DAILY = "daily"
    WEEKLY = "weekly"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Assignment:
    """Items of one stratum for one person on one day."""

    person: str
    stratum: str
    day: date
    items: int


@dataclass(frozen=True, slots=True)
class Uncovered:
    """Items of one stratum that nobody gets."""

    stratum: str
    items: int
    reasons: tuple[tuple[Reason, int], ...]
    """With the items that each keeps back; they sum to all of them."""


@dataclass(frozen=True, slots=True)
class Training:
    """What one more skill of one person would do. Who that is stays open."""

    skill: Skill
    name: str
    value: float
    """The weight that would be covered more."""
    items: int
    """The items that would be covered more; as good as the value where all weigh 1."""


@dataclass(frozen=True, slots=True)
class Hours:
    """The hours that are missing in one language and policy."""

    language: str
    policy: str
    items: int
    hours: float
    """Of somebody with the skill, the time and the caps, that would cover these items."""
    weight: float
    """Of these items."""


@dataclass(frozen=True, slots=True)
class CapCost:
    """What caps on exposure cost: the relaxation solved without them, less the relaxation with them."""

    lifted: Lifted
    value: float
    """The weight that would be covered more."""
    items: int
    """The items that would be covered more; as good as the value where all weigh 1."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Who audits what and when, what is left, and what would change that."""

    assignments: tuple[Assignment, ...]
    uncovered: tuple[Uncovered, ...]
    status: Status
    value: float
    """The weight of all that is covered."""
    bound: float
    """No plan for this problem covers more weight."""
    training: tuple[Training, ...]
    """The most helpful first. Empty where nothing would help, and where time ran out."""
    hours: tuple[Hours, ...]
    """The most weight for an hour first."""
    caps: tuple[CapCost, ...] | None
    """By what is lifted; None where time ran out."""
    greatest_load: float | None
    """The greatest share of their time that anybody works, in means of all who could have been given something.

    None without any work.
    """
    greatest_harm: float | None
    """The greatest dose per hour of their time that anybody gets, likewise; None without dose."""

    @property
    def covered(self) -> int:
        """The items that are covered."""
        return sum(each.items for each in self.assignments)

    @property
    def gap(self) -> float:
        """The share of the bound that is not covered, at most."""
        return max(0.0, 1 - self.value / self.bound) if self.bound else 0.0


def _unique(keys: Sequence[str]) -> bool:
    return len(set(keys)) == len(keys)


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)
