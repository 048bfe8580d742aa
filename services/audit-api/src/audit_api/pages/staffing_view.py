"""What the pages of auditors say: teams, who is there when, and staffing plans by person, day and stratum."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from audit_api.pages import say
from tallystick.schemas.programme import Weekday
from tallystick.schemas.sampling import Draw, StratumValues
from tallystick.schemas.staffing import Auditor, StaffingLoad, StaffingPlan, Uncovered
from tallystick.service.pages import words

DAYS = [(each, each.value[:3].capitalize()) for each in Weekday]
ACTIVE = (("true", "audits"), ("false", "does not audit now"))
REASONS = {
    Uncovered.NO_SKILL: "nobody who is there may audit it",
    Uncovered.NO_TIME: "those who may audit it have no room for it",
    Uncovered.EXPOSURE: "those who may audit it would be shown too much",
    Uncovered.TOO_LATE: "it is due before there is time for it",
}
_RULES = {"daily_cap": "The daily cap", "weekly_cap": "The weekly cap", "daily_cap and weekly_cap": "Both caps"}


@dataclass(frozen=True, slots=True)
class Team:
    """Those of a team who audit now."""

    name: str | None
    people: int
    hours: float
    """In a week without absences."""


@dataclass(frozen=True, slots=True)
class Share:
    """What somebody is given over the period, and of it on each day."""

    name: str
    load: StaffingLoad
    items: Mapping[date, int]


def teams(auditors: Iterable[Auditor]) -> list[Team]:
    """The teams of those who audit now, by name; who is of none comes last."""
    people: dict[str | None, list[Auditor]] = defaultdict(list)
    for each in auditors:
        if each.active:
            people[each.team].append(each)
    found = [Team(name, len(those), sum(map(hours, those))) for name, those in people.items()]
    return sorted(found, key=lambda team: (team.name is None, team.name or ""))


def hours(auditor: Auditor) -> float:
    """For audits in a week without absences."""
    return sum(auditor.minutes.values()) / 60


def away(auditor: Auditor, today: date) -> list[str]:
    """The absences that are not over."""
    return [_days(each.first_day, each.last_day) for each in auditor.absences if each.last_day >= today]


def conflicts(auditor: Auditor, vendors: Mapping[str, str]) -> str:
    """Whose decisions somebody must not audit, shortly."""
    given, moderators = auditor.conflicts, len(auditor.conflicts.moderators)
    some = [f"{moderators} moderator{'' if moderators == 1 else 's'}"] if moderators else []
    return ", ".join([*(vendors.get(each, each) for each in given.vendors), *given.sites, *some])


def _days(first: date, last: date) -> str:
    return words.day(first) if first == last else f"{words.day(first)} to {words.day(last)}"


def days(plan: StaffingPlan) -> list[date]:
    """The days of a plan."""
    return [plan.first_day + timedelta(days=after) for after in range((plan.last_day - plan.first_day).days + 1)]


def how_good(plan: StaffingPlan) -> str:
    """How far the plan can be from the best one."""
    if plan.optimal:
        return "No plan covers more."
    further = f"Another plan might cover more, by at most {words.share(plan.gap)} of the weight."
    return further if plan.in_time else f"{further} Time ran out: a much better plan may exist."


def shares(plan: StaffingPlan, names: Mapping[str, str]) -> list[Share]:
    """Who is given how much, by name."""
    items: dict[str, Counter[date]] = defaultdict(Counter)
    for each in plan.assignments:
        items[each.auditor][each.day] += each.items
    found = [Share(names.get(load.auditor, load.auditor), load, items[load.auditor]) for load in plan.loads]
    return sorted(found, key=lambda share: (share.name, share.load.auditor))


@dataclass(frozen=True, slots=True)
class Named:
    """The names of what a plan speaks of by its ids."""

    draws: Mapping[UUID, Draw]
    strata: Mapping[tuple[UUID, str], StratumValues]
    vendors: Mapping[str, str]

    def draw(self, draw_id: UUID) -> str:
        """The title of a draw, and its days."""
        draw = self.draws.get(draw_id)
        return str(draw_id) if draw is None else f"{draw.title}, {_days(draw.first_day, draw.last_day)}"

    def stratum(self, draw_id: UUID, stratum: str) -> str:
        """What the decisions of a stratum have in common, the vendor first."""
        values = self.strata.get((draw_id, stratum))
        if values is None:
            return stratum
        vendor = next((value for name, value in values.items() if name == "vendor"), "")
        return f"{self.vendors.get(vendor, vendor)} \N{MIDDLE DOT} {say.stratum(values)}"


def costs(plan: StaffingPlan) -> list[tuple[str, int]]:
    """The caps that keep items from being covered, each with what there would be more without it."""
    return [(_RULES[each.rule], each.items) for each in plan.costs if each.items]


def shown_day(plan: StaffingPlan, asked: date | None, today: date) -> date:
    """The day whose work is shown: the one that was asked for; today, or else the first, of those that have any."""
    if asked in days(plan):
        return asked
    worked = sorted({each.day for each in plan.assignments})
    return today if today in worked else next(iter(worked), plan.first_day)


def week_later(day: date) -> date:
    """The last of seven days from a day on."""
    return day + timedelta(days=6)
