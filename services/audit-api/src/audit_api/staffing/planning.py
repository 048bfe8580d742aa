"""What waits and who is there, as the optimiser asks for it, and what it answers as a staffing plan.

Opt-outs are read as `WELLBEING` and go no further than the optimiser. Ledgers are not read: what is left of somebody's cap would
show in what they are given. The gate keeps caps when work is handed out.
Reasons are told so that they point at nobody: that something is declined looks like want of room, and so do caps where few may do
the work.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil, floor
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Label, Row, String, case, func, literal, select

from audit_api.exposure.ledger import dose
from audit_api.exposure.summary import FEWEST
from audit_api.exposure.tables import opt_outs
from audit_api.sampling.tables import sample_items
from audit_api.staffing.optimiser.problem import Lifted, Person, Plan, Problem, Reason, Skill, Status, Stratum
from audit_api.staffing.tables import auditors
from tallystick.schemas.base import Wire
from tallystick.schemas.programme import Programme, Weekday
from tallystick.schemas.sampling import ItemState
from tallystick.schemas.staffing import (
    CapCost,
    NewAuditor,
    NewStaffingPlan,
    StaffingAssignment,
    StaffingGap,
    StaffingGround,
    StaffingHelp,
    StaffingLoad,
    Uncovered,
)
from tallystick.service.database import ReadSession

_FINE = 1000
"""Parts of a dose that the optimiser tells apart."""
_LEAST = 9
"""The priority of what is handed out last."""
_HELPS = 10
_HOUR = 3600
_RULES = {Lifted.DAILY: "daily_cap", Lifted.WEEKLY: "weekly_cap", Lifted.BOTH: "daily_cap and weekly_cap"}
_REASONS = {
    Reason.CONFLICT: Uncovered.NO_SKILL,
    Reason.DUE: Uncovered.TOO_LATE,
    Reason.HOURS: Uncovered.NO_TIME,
}


Cells = Mapping[str, tuple[UUID, str]]
"""Draw and stratum by the key of a stratum of the problem."""
Cell = tuple[Stratum, Row[Any]]
"""A stratum of the problem, with the row that it was made of."""


@dataclass(frozen=True, slots=True)
class Question:
    """The problem of a period, and what its keys mean."""

    problem: Problem
    cells: Cells
    ground: StaffingGround

    def able(self, stratum: Stratum, *, willing: bool) -> int:
        """How many people have the skill for a stratum; with `willing`, of those who have not declined it."""
        skilled = (
            each
            for each in self.problem.people
            if stratum.language in each.languages
            and stratum.policy in each.policies
            and not (willing and stratum.policy in each.declined)
        )
        return sum(1 for _ in skilled)


class Answer(Wire):
    """What is kept of a plan besides its assignments."""

    optimal: bool
    in_time: bool
    gap: float
    ground: StaffingGround
    loads: tuple[StaffingLoad, ...]
    gaps: tuple[StaffingGap, ...]
    helps: tuple[StaffingHelp, ...]
    costs: tuple[CapCost, ...]


async def read_question(session: ReadSession, wellbeing: ReadSession, programme: Programme, new: NewStaffingPlan) -> Question:
    """What the optimiser is asked about a period. The second session is that of `WELLBEING`."""
    days = tuple(new.first_day + timedelta(days=after) for after in range((new.last_day - new.first_day).days + 1))
    rows = await session.execute(select(auditors.c.auditor, auditors.c.document).where(auditors.c.programme == programme.slug))
    staff = {row.auditor: NewAuditor.model_validate(row.document) for row in rows}
    staff = {auditor: person for auditor, person in sorted(staff.items()) if person.active}
    cells, work = _work(programme, await _waiting(session, programme.slug, staff.values()))
    declined = await _declined(wellbeing, programme.slug)
    people = tuple(
        _person(programme, auditor, person, work, days, declined.get(auditor, frozenset())) for auditor, person in staff.items()
    )
    ground = StaffingGround(
        people=len(people),
        present=sum(any(person.minutes) for person in people),
        strata=len(set(cells.values())),
        items=sum(stratum.waiting for stratum, _ in work),
        hours_needed=sum(stratum.waiting * stratum.seconds for stratum, _ in work) / _HOUR,
        hours_there=sum(sum(person.minutes) for person in people) / 60,
        seconds_per_item=programme.handing.seconds_per_item,
        daily_cap=programme.exposure.daily_cap,
        weekly_cap=programme.exposure.weekly_cap,
    )
    return Question(Problem(tuple(stratum for stratum, _ in work), people, days, new.fair), cells, ground)


async def _waiting(session: ReadSession, programme: str, staff: Iterable[NewAuditor]) -> Sequence[Row[Any]]:
    """How many drawn items wait, by all that makes a difference to who may do them, and when."""
    c = sample_items.c
    conflicts = [person.conflicts for person in staff]
    named = {moderator for each in conflicts for moderator in each.moderators}
    sites = {site for each in conflicts for site in each.sites}
    site = c.vendor + literal("/", String) + c.site
    parts = (
        c.draw_id,
        c.stratum,
        c.vendor,
        case((c.moderator.in_(named), c.moderator), else_="").label("avoided_moderator"),
        case((site.in_(sites), site), else_="").label("avoided_site"),
        c.language,
        c.policy,
        c.modality,
        c.harm,
        c.priority,
        c.due_at,
        c.passed_by,
    )
    kinds = select(*parts, func.count().label("items")).where(
        c.programme == programme, c.state == ItemState.WAITING, c.kind == "sampled", c.draw_id.is_not(None)
    )
    grouped = kinds.group_by(*(part.name if isinstance(part, Label) else part for part in parts))
    return (await session.execute(grouped)).all()


def _work(programme: Programme, waiting: Sequence[Row[Any]]) -> tuple[Cells, list[Cell]]:
    """Strata of the problem, each with what it was made of, and the draw and stratum behind each key."""
    seconds, zone = programme.handing.seconds_per_item, ZoneInfo(programme.time_zone)
    cells: dict[str, tuple[UUID, str]] = {}
    work: list[Cell] = []
    for row in sorted(waiting, key=lambda each: tuple(map(str, each))):
        key = f"{len(work):06}"
        cells[key] = (row.draw_id, row.stratum)
        harm = dose(programme.exposure, row.harm, row.modality, seconds)
        stratum = Stratum(
            key=key,
            waiting=row.items,
            seconds=seconds,
            language=row.language,
            policy=row.policy,
            dose=ceil(harm * _FINE - 1e-6),
            due=_last_day(row.due_at, zone),
            weight=float(_LEAST + 1 - row.priority),
        )
        work.append((stratum, row))
    return cells, work


def _last_day(due_at: datetime, zone: ZoneInfo) -> date:
    """The last day that ends, or on which work can end, before something is due."""
    return (due_at - timedelta(microseconds=1)).astimezone(zone).date()


def _person(
    programme: Programme,
    auditor: str,
    person: NewAuditor,
    work: Sequence[Cell],
    days: Sequence[date],
    declined: frozenset[str],
) -> Person:
    rules, handing = programme.exposure, programme.handing
    for_drawn = 1 - handing.golden_share - handing.repeat_share
    weekdays = list(Weekday)
    conflicts = person.conflicts
    return Person(
        key=auditor,
        languages=frozenset(person.languages or (stratum.language for stratum, _ in work)),
        policies=frozenset(person.policies or (stratum.policy for stratum, _ in work)),
        minutes=tuple(
            0
            if any(absence.first_day <= day <= absence.last_day for absence in person.absences)
            else floor(person.minutes.get(weekdays[day.weekday()], 0) * for_drawn)
            for day in days
        ),
        conflicts=frozenset(
            stratum.key
            for stratum, row in work
            if row.avoided_moderator in conflicts.moderators
            or row.avoided_site in conflicts.sites
            or row.vendor in conflicts.vendors
            or auditor in row.passed_by
        ),
        daily_cap=None if rules.daily_cap is None else floor(rules.daily_cap * _FINE),
        weekly_cap=None if rules.weekly_cap is None else floor(rules.weekly_cap * _FINE),
        declined=declined,
    )


async def _declined(wellbeing: ReadSession, programme: str) -> dict[str, frozenset[str]]:
    c = opt_outs.c
    found: dict[str, set[str]] = defaultdict(set)
    for row in await wellbeing.execute(select(c.auditor, c.policy).where(c.programme == programme)):
        found[row.auditor].add(row.policy)
    return {auditor: frozenset(policies) for auditor, policies in found.items()}


def assignments_of(question: Question, plan: Plan) -> list[StaffingAssignment]:
    """Who is to audit how much of which draw's stratum on which day."""
    sums: dict[tuple[str, date, UUID, str], int] = defaultdict(int)
    for each in plan.assignments:
        sums[each.person, each.day, *question.cells[each.stratum]] += each.items
    return [
        StaffingAssignment(auditor=auditor, day=day, draw_id=draw, stratum=stratum, items=items)
        for (auditor, day, draw, stratum), items in sorted(sums.items(), key=lambda each: (each[0][1], *map(str, each[0])))
    ]


def answer_of(question: Question, plan: Plan) -> Answer:
    """What the plan says besides its assignments."""
    return Answer(
        optimal=plan.status is Status.OPTIMAL,
        in_time=plan.status is not Status.OUT_OF_TIME,
        gap=plan.gap,
        ground=question.ground,
        loads=tuple(_loads(question, plan)),
        gaps=tuple(_gaps(question, plan)),
        helps=tuple(_helps(plan))[:_HELPS],
        costs=tuple(CapCost(rule=_RULES[cost.lifted], items=max(0, cost.items)) for cost in plan.caps or ()),
    )


def _loads(question: Question, plan: Plan) -> Iterable[StaffingLoad]:
    items: dict[str, int] = defaultdict(int)
    for each in plan.assignments:
        items[each.person] += each.items
    for person in question.problem.people:
        minutes = items[person.key] * question.ground.seconds_per_item / 60
        yield StaffingLoad(auditor=person.key, items=items[person.key], minutes=minutes, capacity=sum(person.minutes))


def _gaps(question: Question, plan: Plan) -> Iterable[StaffingGap]:
    sums: dict[tuple[UUID, str, Uncovered], int] = defaultdict(int)
    work = {stratum.key: stratum for stratum in question.problem.work}
    for each in plan.uncovered:
        for reason, items in each.reasons:
            sums[*question.cells[each.stratum], _told(question, work[each.stratum], reason)] += items
    for (draw, stratum, told), items in sorted(sums.items(), key=lambda each: (-each[1], *map(str, each[0]))):
        yield StaffingGap(draw_id=draw, stratum=stratum, items=items, reason=told)


def _told(question: Question, stratum: Stratum, reason: Reason) -> Uncovered:
    """The reason in words that point at nobody's opt-outs, and at nobody's exposure."""
    if reason is Reason.SKILL:
        return Uncovered.NO_TIME if question.able(stratum, willing=False) else Uncovered.NO_SKILL
    if reason is Reason.EXPOSURE:
        return Uncovered.EXPOSURE if question.able(stratum, willing=True) >= FEWEST else Uncovered.NO_TIME
    return _REASONS[reason]


def _helps(plan: Plan) -> Iterable[StaffingHelp]:
    for each in plan.training:
        policy = each.name if each.skill is Skill.POLICY else None
        language = each.name if each.skill is Skill.LANGUAGE else None
        words = f"may audit policy {policy}" if policy else f"audits in {language}"
        what = f"one person more who {words}"
        yield StaffingHelp(what=what, language=language, policy=policy, hours=None, items=max(0, each.items))
    for short in plan.hours:
        what = f"{short.hours:.1f} h more of people who audit policy {short.policy} in {short.language}"
        yield StaffingHelp(what=what, language=short.language, policy=short.policy, hours=short.hours, items=short.items)
