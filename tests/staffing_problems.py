"""Problems for the optimiser, and a check of its plans that knows nothing of how they come about."""

import random
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta

from audit_api.staffing.optimiser.problem import Assignment, Person, Plan, Problem, Stratum

MONDAY = date(2026, 11, 30)
_HARMS = (0, 0, 1, 1, 2, 4)


def random_problem(
    seed: int, people: int, strata: int, days: int, *, load: float = 1.1, languages: int = 8, policies: int = 12
) -> Problem:
    """A programme with absences, conflicts, caps and due days, and `load` times the work that its people have time for."""
    rng = random.Random(seed)  # noqa: S311 - the same problem for a seed, nothing secret
    calendar = [day for day in (MONDAY + timedelta(days=after) for after in range(2 * days + 2)) if day.isoweekday() < 6][:days]
    tongues = [f"language-{place}" for place in range(languages)]
    shares = [1 / (1 + place) for place in range(languages)]
    rules = [f"policy-{place:02}" for place in range(policies)]
    seconds = {rule: rng.choice([45, 60, 90, 120, 180, 240]) for rule in rules}
    harms = {rule: rng.choice(_HARMS) for rule in rules}
    auditors = tuple(
        Person(
            key=f"auditor-{place:04}",
            languages=frozenset(rng.choices(tongues, shares, k=2)),
            policies=frozenset(rng.sample(rules, rng.randint(min(3, policies), min(7, policies)))),
            minutes=tuple(0 if rng.random() < 0.1 else rng.choice([360, 390, 420, 450]) for _ in calendar),
            conflicts=frozenset(f"stratum-{rng.randrange(strata):05}" for _ in range(5)) if strata else frozenset(),
            daily_cap=rng.choice([None, 20_000, 30_000]),
            weekly_cap=rng.choice([None, 80_000, 120_000]),
            declined=frozenset(rng.sample(rules, 1)) if rng.random() < 0.1 else frozenset(),
        )
        for place in range(people)
    )
    drafts = []
    for _ in range(strata):
        rule = rng.choice(rules)
        drafts.append((rng.randint(5, 400), seconds[rule] + 15 * rng.randrange(3), rule))
    time = 60 * sum(sum(person.minutes) for person in auditors)
    scale = load * time / max(1, sum(items * each for items, each, _ in drafts))
    work = tuple(
        Stratum(
            key=f"stratum-{place:05}",
            waiting=int(items * scale),
            seconds=each,
            language=rng.choices(tongues, shares)[0],
            policy=rule,
            dose=harms[rule] * each,
            due=rng.choice(calendar[min(2, days - 1) :]),
            weight=rng.choice([1.0, 1.0, 2.0]),
        )
        for place, (items, each, rule) in enumerate(drafts)
    )
    return Problem(work, auditors, tuple(calendar))


def broken_rules(problem: Problem, plan: Plan) -> Iterator[str]:
    """What a plan breaks."""
    for each in plan.assignments:
        if each.items < 1:
            yield f"{each} has no items"
        if each.day not in problem.days:
            yield f"{each} is on no day of the plan"
    yield from _forbidden(problem, plan)
    yield from _overloaded(problem, plan)
    yield from _deferred(problem, plan)
    yield from _unaccounted(problem, plan)


def _forbidden(problem: Problem, plan: Plan) -> Iterator[str]:
    work = {stratum.key: stratum for stratum in problem.work}
    people = {person.key: person for person in problem.people}
    for each in plan.assignments:
        stratum, person = work[each.stratum], people[each.person]
        if stratum.language not in person.languages or stratum.policy not in person.policies - person.declined:
            yield f"{each} lacks the skill"
        if stratum.key in person.conflicts:
            yield f"{each} is a conflict"
        if each.day > stratum.due:
            yield f"{each} is too late"


class _Load:
    """The seconds and the dose of a plan, by person and day, and the dose by week."""

    def __init__(self, problem: Problem, plan: Plan) -> None:
        self.work = {stratum.key: stratum for stratum in problem.work}
        self.time, self.daily = Counter[tuple[str, date]](), Counter[tuple[str, date]]()
        self.weekly = Counter[tuple[str, tuple[int, int]]]()
        for each in plan.assignments:
            self.add(each, each.day, each.items)

    def add(self, each: Assignment, day: date, items: int) -> None:
        """Items of an assignment, on a day; a negative number takes them away."""
        stratum = self.work[each.stratum]
        self.time[each.person, day] += items * stratum.seconds
        self.daily[each.person, day] += items * stratum.dose
        self.weekly[each.person, day.isocalendar()[:2]] += items * stratum.dose


def _overloaded(problem: Problem, plan: Plan) -> Iterator[str]:
    load = _Load(problem, plan)
    for person in problem.people:
        for day, minutes in zip(problem.days, person.minutes, strict=True):
            if load.time[person.key, day] > 60 * minutes:
                yield f"{person.key} works too long on {day}"
            if person.daily_cap is not None and load.daily[person.key, day] > person.daily_cap:
                yield f"{person.key} is above their daily cap on {day}"
        for week in dict.fromkeys(day.isocalendar()[:2] for day in problem.days):
            dose = load.weekly[person.key, week]
            if person.weekly_cap is not None and dose and dose > person.weekly_cap:
                yield f"{person.key} is above their weekly cap in {week}"


def _deferred(problem: Problem, plan: Plan) -> Iterator[str]:
    """What is left for a later day although an earlier one of the same person has room for all of it."""
    load, people = _Load(problem, plan), {person.key: person for person in problem.people}
    for each in plan.assignments:
        person = people[each.person]
        load.add(each, each.day, -each.items)
        for day, minutes in zip(problem.days, person.minutes, strict=True):
            week = day.isocalendar()[:2]
            if day >= each.day:
                break
            load.add(each, day, each.items)
            if load.time[each.person, day] <= 60 * minutes and (
                not load.work[each.stratum].dose
                or (
                    (person.daily_cap is None or load.daily[each.person, day] <= person.daily_cap)
                    and (person.weekly_cap is None or load.weekly[each.person, week] <= person.weekly_cap)
                )
            ):
                yield f"{each} could be done on {day}"
            load.add(each, day, -each.items)
        load.add(each, each.day, each.items)


def _unaccounted(problem: Problem, plan: Plan) -> Iterator[str]:
    given: Counter[str] = Counter()
    for each in plan.assignments:
        given[each.stratum] += each.items
    left = {each.stratum: each for each in plan.uncovered}
    for stratum in problem.work:
        missing = left[stratum.key].items if stratum.key in left else 0
        if given[stratum.key] + missing != stratum.waiting:
            yield f"{stratum.key}: {given[stratum.key]} given and {missing} left are not {stratum.waiting}"
        if stratum.key in left and sum(items for _, items in left[stratum.key].reasons) != missing:
            yield f"{stratum.key}: the reasons do not sum to {missing}"
