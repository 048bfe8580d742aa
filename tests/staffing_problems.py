"""Problems for the optimiser, and a check of its plans that knows nothing of how they come about."""

import random
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta

from audit_api.staffing.optimiser.problem import Person, Plan, Problem, Stratum

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
            taken=rng.choice([0, 0, 10_000]),
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


def _overloaded(problem: Problem, plan: Plan) -> Iterator[str]:
    work = {stratum.key: stratum for stratum in problem.work}
    time, daily, weekly = Counter[tuple[str, date]](), Counter[tuple[str, date]](), Counter[tuple[str, tuple[int, int]]]()
    for each in plan.assignments:
        time[each.person, each.day] += each.items * work[each.stratum].seconds
        daily[each.person, each.day] += each.items * work[each.stratum].dose
        weekly[each.person, each.day.isocalendar()[:2]] += each.items * work[each.stratum].dose
    for person in problem.people:
        for day, minutes in zip(problem.days, person.minutes, strict=True):
            if time[person.key, day] > 60 * minutes:
                yield f"{person.key} works too long on {day}"
            if person.daily_cap is not None and daily[person.key, day] > person.daily_cap:
                yield f"{person.key} is above their daily cap on {day}"
        for place, week in enumerate(dict.fromkeys(day.isocalendar()[:2] for day in problem.days)):
            dose = weekly[person.key, week]
            if person.weekly_cap is not None and dose and dose > person.weekly_cap - (0 if place else person.taken):
                yield f"{person.key} is above their weekly cap in {week}"


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
