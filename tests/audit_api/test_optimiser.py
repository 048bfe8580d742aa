"""The optimiser of staffing: against brute force, against its own rules, and where there is nothing to arrange."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit_api.staffing.optimiser.optimise import optimise
from audit_api.staffing.optimiser.problem import Lifted, Person, Problem, Reason, Skill, Status, Stratum
from staffing_problems import MONDAY, broken_rules, random_problem

DAYS = tuple(MONDAY + timedelta(days=after) for after in range(2))
LATER = MONDAY + timedelta(days=30)


def stratum(key: str = "s", waiting: int = 10, **changes: Any) -> Stratum:
    """Items of a minute each."""
    plain = Stratum(key, waiting, seconds=60, language="en", policy="spam", dose=0, due=LATER)
    return replace(plain, **changes)


def person(key: str = "p", **changes: Any) -> Person:
    """Somebody with ten minutes on each of two days."""
    plain = Person(key, frozenset({"en"}), frozenset({"spam"}), minutes=(10, 10))
    return replace(plain, **changes)


def reasons(problem: Problem) -> dict[str, dict[Reason, int]]:
    """By stratum."""
    return {each.stratum: dict(each.reasons) for each in optimise(problem).uncovered}


@st.composite
def small_problems(draw: st.DrawFn) -> Problem:
    """Up to three people, four strata and three days over a weekend: small enough to try everything."""
    languages, policies = st.sampled_from(["de", "en"]), st.sampled_from(["gore", "spam"])
    days = tuple(MONDAY + timedelta(days=after) for after in draw(st.sampled_from([(4,), (4, 5), (4, 7), (4, 5, 7)])))
    work = tuple(
        Stratum(
            f"s{place}",
            waiting=draw(st.integers(0, 3)),
            seconds=draw(st.sampled_from([40, 60, 90])),
            language=draw(languages),
            policy=draw(policies),
            dose=draw(st.integers(0, 3)),
            due=draw(st.sampled_from([*days, MONDAY])),
            weight=draw(st.sampled_from([1.0, 2.0, 2.5])),
        )
        for place in range(draw(st.integers(0, 4)))
    )
    people = tuple(
        Person(
            f"p{place}",
            languages=draw(st.frozensets(languages, min_size=1)),
            policies=draw(st.frozensets(policies, min_size=1)),
            minutes=tuple(draw(st.integers(0, 4)) for _ in days),
            conflicts=draw(st.frozensets(st.sampled_from([f"s{each}" for each in range(4)]), max_size=2)),
            daily_cap=draw(st.none() | st.integers(0, 4)),
            weekly_cap=draw(st.none() | st.integers(0, 6)),
            declined=draw(st.frozensets(policies, max_size=1)),
        )
        for place in range(draw(st.integers(0, 3)))
    )
    return Problem(work, people, days)


def most(problem: Problem) -> float:
    """The most weight that any plan covers, by trying all."""
    weeks = sorted({day.isocalendar()[:2] for day in problem.days})
    slots = [(one, day) for one in range(len(problem.people)) for day in range(len(problem.days))]
    rooms = []
    for one in problem.people:
        of_weeks = [10**6 if one.weekly_cap is None else one.weekly_cap for _ in weeks]
        daily = 10**6 if one.daily_cap is None else one.daily_cap
        rooms.append((tuple(60 * each for each in one.minutes), (daily,) * len(problem.days), tuple(of_weeks)))

    def less(numbers: tuple[int, ...], place: int, by: int) -> tuple[int, ...]:
        return (*numbers[:place], numbers[place] - by, *numbers[place + 1 :])

    @cache
    def best(at: int, left: int, slot: int, room: tuple[tuple[tuple[int, ...], ...], ...]) -> float:
        """From one stratum's slot on, with so many of its items left."""
        if at == len(problem.work):
            return 0.0
        if slot == len(slots) or not left:
            following = problem.work[at + 1].waiting if at + 1 < len(problem.work) else 0
            return best(at + 1, following, 0, room)
        found = best(at, left, slot + 1, room)
        of, (one, day) = problem.work[at], slots[slot]
        who = problem.people[one]
        skilled = of.language in who.languages and of.policy in who.policies - who.declined
        if not skilled or of.key in who.conflicts or problem.days[day] > of.due:
            return found
        seconds, daily, weekly = room[one]
        week = weeks.index(problem.days[day].isocalendar()[:2])
        if seconds[day] >= of.seconds and min(daily[day], weekly[week]) >= of.dose:
            after = (less(seconds, day, of.seconds), less(daily, day, of.dose), less(weekly, week, of.dose))
            found = max(found, of.weight + best(at, left - 1, slot, (*room[:one], after, *room[one + 1 :])))
        return found

    return best(0, problem.work[0].waiting if problem.work else 0, 0, tuple(rooms))


@settings(max_examples=120, deadline=None)
@given(problem=small_problems())
def test_small_plans_cover_as_much_as_any_plan(problem: Problem) -> None:
    """Solved in whole numbers, a plan is as good as the best of all plans, and says so."""
    plan = optimise(problem)

    assert plan.value == pytest.approx(most(problem))
    assert plan.status is Status.OPTIMAL
    assert list(broken_rules(problem, plan)) == []


@settings(max_examples=120, deadline=None)
@given(problem=small_problems())
def test_the_bound_of_a_rounded_plan_holds(problem: Problem) -> None:
    """Solved as a linear programme, a plan may cover less than the best, and never says that it is optimal when it is not."""
    plan = optimise(problem, exact=0)
    best = most(problem)

    assert plan.value <= best + 1e-6
    assert best <= plan.bound + 1e-6
    assert plan.status is (Status.OPTIMAL if plan.bound - plan.value <= 1e-6 * max(1.0, plan.bound) else Status.WITHIN_GAP)
    assert list(broken_rules(problem, plan)) == []


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6), load=st.sampled_from([0.3, 0.9, 1.5]), languages=st.integers(1, 8))
def test_no_rule_is_ever_broken(seed: int, load: float, languages: int) -> None:
    """In programmes of any kind, plans keep skills, conflicts, hours, caps and due days, and account for every item."""
    problem = random_problem(seed, people=15, strata=60, days=7, load=load, languages=languages, policies=5)
    plan = optimise(problem)

    assert list(broken_rules(problem, plan)) == []
    assert plan.status in {Status.OPTIMAL, Status.WITHIN_GAP}
    assert plan.gap < 0.05


def test_equal_problems_have_equal_plans() -> None:
    """The order in which work and people are named means nothing."""
    problem = random_problem(1, people=12, strata=50, days=6)
    rng = random.Random(2)  # noqa: S311 - a fixed order, nothing secret
    work, people = list(problem.work), list(problem.people)
    rng.shuffle(work)
    rng.shuffle(people)
    shuffled = replace(problem, work=tuple(work), people=tuple(people))

    assert optimise(problem) == optimise(problem) == optimise(shuffled)


@pytest.mark.parametrize("exact", [0, 300])
def test_without_people_work_or_days_nothing_is_planned(exact: int) -> None:
    """Where there is nothing to arrange, the plan is empty and complete, and what is left has its reason."""
    empty = optimise(Problem((), (), ()), exact=exact)
    nobody = optimise(Problem((stratum(),), (), DAYS), exact=exact)
    no_work = optimise(Problem((), (person(),), DAYS), exact=exact)
    no_days = optimise(Problem((stratum(),), (person(minutes=()),), ()), exact=exact)
    absent = optimise(Problem((stratum(),), (person(minutes=(0, 0)),), DAYS), exact=exact)

    for plan in (empty, nobody, no_work, no_days, absent):
        assert (plan.assignments, plan.value, plan.status, plan.gap) == ((), 0, Status.OPTIMAL, 0)
        assert (plan.greatest_load, plan.greatest_harm) == (None, None)
    assert [each.reasons for each in nobody.uncovered] == [((Reason.SKILL, 10),)]
    assert [each.reasons for each in no_days.uncovered] == [((Reason.DUE, 10),)]
    assert [each.reasons for each in absent.uncovered] == [((Reason.HOURS, 10),)]


def test_what_is_not_covered_says_why() -> None:
    """Each reason is told of the items that it keeps back."""
    before = MONDAY - timedelta(days=1)

    assert reasons(Problem((stratum(language="fr"),), (person(),), DAYS)) == {"s": {Reason.SKILL: 10}}
    assert reasons(Problem((stratum(),), (person(conflicts=frozenset({"s"})),), DAYS)) == {"s": {Reason.CONFLICT: 10}}
    assert reasons(Problem((stratum(due=before),), (person(),), DAYS)) == {"s": {Reason.DUE: 10}}
    assert reasons(Problem((stratum(waiting=15, due=MONDAY),), (person(),), DAYS)) == {"s": {Reason.DUE: 5}}
    assert reasons(Problem((stratum(waiting=27),), (person(),), DAYS)) == {"s": {Reason.HOURS: 7}}
    capped = person(daily_cap=6)
    assert reasons(Problem((stratum(waiting=25, dose=1),), (capped,), DAYS)) == {"s": {Reason.EXPOSURE: 8, Reason.HOURS: 5}}


def test_a_declined_policy_looks_like_any_other_that_somebody_lacks() -> None:
    """Neither the reason nor the advice of a plan tells who has declined something, or that anybody has."""
    declined = optimise(Problem((stratum(),), (person(declined=frozenset({"spam"})),), DAYS))
    unskilled = optimise(Problem((stratum(),), (person(policies=frozenset()),), DAYS))

    assert declined.uncovered == unskilled.uncovered
    assert declined.training == ()
    assert declined.hours == unskilled.hours


def test_training_that_helps_is_found() -> None:
    """The skill that would cover more is told with what it would cover, and nobody's name."""
    work = (stratum("busy", 20), stratum("idle", 12, policy="gore"))
    people = (person("a"), person("b", policies=frozenset({"fraud"})))
    plan = optimise(Problem(work, people, DAYS))

    assert [(each.skill, each.name, each.items) for each in plan.training] == [(Skill.POLICY, "gore", 12)]
    assert [(each.policy, each.items, each.hours) for each in plan.hours] == [("gore", 12, 0.2)]


def test_caps_cost_what_is_covered_without_them() -> None:
    """Each kind of cap is priced by lifting it, and both together."""
    plan = optimise(Problem((stratum(waiting=30, dose=1),), (person(daily_cap=6, weekly_cap=9),), DAYS))

    assert plan.covered == 9
    assert plan.caps is not None
    assert {each.lifted: each.items for each in plan.caps} == {Lifted.DAILY: 0, Lifted.WEEKLY: 3, Lifted.BOTH: 11}


def test_each_week_has_a_cap_of_its_own() -> None:
    """Days of one week share it."""
    days = (MONDAY + timedelta(days=3), MONDAY + timedelta(days=4), MONDAY + timedelta(days=7))
    plan = optimise(Problem((stratum(waiting=30, dose=1),), (person(weekly_cap=8, minutes=(10, 10, 10)),), days))

    assert [(each.day, each.items) for each in plan.assignments] == [(days[0], 8), (days[2], 8)]


@pytest.mark.parametrize("exact", [0, 300])
def test_load_and_harm_are_shared(exact: int) -> None:
    """Where all could do the work, nobody works or suffers much more than another, and not an item less is covered."""
    work = (stratum("hard", 12, dose=5, policy="gore"), stratum("light", 12))
    people = tuple(person(key, policies=frozenset({"spam", "gore"})) for key in "abcd")
    plan = optimise(Problem(work, people, DAYS, fair=1), exact=exact)

    assert plan.covered == 24
    assert plan.greatest_load == pytest.approx(1)
    assert plan.greatest_harm == pytest.approx(1)


def test_without_time_the_plan_keeps_its_rules_and_says_so() -> None:
    """A solver that is stopped leaves a plan that was filled up by hand, with a bound that holds."""
    problem = random_problem(3, people=10, strata=40, days=5)
    plan = optimise(problem, seconds=0)

    assert plan.status is Status.OUT_OF_TIME
    assert 0 < plan.value < plan.bound
    assert (plan.caps, plan.training) == (None, ())
    assert list(broken_rules(problem, plan)) == []


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Problem((stratum(), stratum()), (), DAYS),
        lambda: Problem((), (person(), person()), DAYS),
        lambda: Problem((), (), (DAYS[1], DAYS[0])),
        lambda: Problem((), (person(minutes=(1,)),), DAYS),
        lambda: Problem((), (person(minutes=(1, -1)),), DAYS),
        lambda: Problem((stratum(waiting=-1),), (), DAYS),
        lambda: Problem((stratum(seconds=0),), (), DAYS),
        lambda: Problem((), (), DAYS, fair=0.5),
    ],
)
def test_problems_that_make_no_sense_are_refused(wrong: Callable[[], Problem]) -> None:
    """They never reach the solver."""
    with pytest.raises(ValueError, match=r"must|needed|below|ascend|fairer"):
        wrong()
