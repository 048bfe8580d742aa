"""The optimiser: who audits what and when, so that the most is covered."""

import numpy as np

from audit_api.staffing.optimiser.advice import cap_costs, hours, reasons
from audit_api.staffing.optimiser.model import Floats, Ground, Model, ground_of, single_days, windows_of
from audit_api.staffing.optimiser.problem import Assignment, Plan, Problem, Status
from audit_api.staffing.optimiser.solving import Budget, Solution, cover, even_out, whole_bound
from audit_api.staffing.optimiser.spreading import Given, Room, bring_forward, fill, give_out
from audit_api.staffing.optimiser.training import training

EXACT = 300
"""Variables of people, up to which whole numbers are searched for."""
COLUMNS = 12_000
"""Variables of people, beyond which days are taken together."""

_NOTHING = 1e-6
"""What the solver may call something."""


def optimise(problem: Problem, seconds: float = 30.0, *, exact: int = EXACT) -> Plan:
    """A plan that covers the most weight, is fair where it may be without covering less, and early, with few strata in a day.

    Small problems are solved in whole numbers.
    Large ones are solved as linear programmes: over windows of days first, which gives the bound,
    and where strata fall due within windows, again by their due days for the people and trades that the first solution pairs.
    The solution is rounded down, packed into days, given out over strata and filled up.
    That keeps every rule, and loses weight in four places:

    - rounding down: less than one item for each variable that is not whole, which are no more than the programme has rows;
    - packing a window into its days: less than one item for each of a person's days where no cap on exposure binds;
    - due days within windows: what other pairs of people and trades would have covered;
    - conflicts in trades with so many of them that the programme leaves them out.

    Filling up wins back most of the first two. The plan says what all of it came to: no plan covers more than `bound`, so at most
    `bound - value` is lost. `status` is `optimal` only where nothing is.

    Equal problems have equal plans, whatever the order of work and people, unless the time runs out.

    Args:
        problem: What is waiting, and who is there.
        seconds: For the solver, all questions together. The plan comes first, then what caps cost, then training.
        exact: Variables up to which whole numbers are searched for.
    """
    budget = Budget(seconds)
    ground = ground_of(problem)
    whole = sum(len(trade.people) for trade in ground.trades) * len(problem.days) <= exact
    windows = single_days(ground) if whole else windows_of(ground, COLUMNS)
    model = Model(ground, windows)
    covered = cover(model, budget, whole=whole)
    chosen, even = _by_due_days(model, even_out(model, covered, problem.fair, budget, whole=whole), problem.fair, budget)
    room = Room(ground)
    given = give_out(chosen, even.values, room)
    left = {place: stratum.waiting for place, stratum in enumerate(ground.work) if stratum.waiting}
    for (_, stratum, _), items in given.items():
        left[stratum] -= items
    fill(ground, given, left, room)
    value = sum(items * ground.work[stratum].weight for (_, stratum, _), items in given.items())
    bound = max(value, whole_bound(model, covered.bound))
    uncovered = reasons(ground, left, room)
    bring_forward(ground, given, room)
    base = (model, cover(model, budget, whole=False) if whole else covered)
    caps = cap_costs(problem, windows, base, budget) if base[1].complete else None
    load, harm = _greatest(ground, model, given)
    return Plan(
        assignments=tuple(
            Assignment(ground.people[person].key, ground.work[stratum].key, problem.days[day], items)
            for (person, stratum, day), items in sorted(given.items(), key=lambda each: (each[0][2], each[0]))
            if items
        ),
        uncovered=uncovered,
        status=_status(value, bound, complete=covered.complete),
        value=value,
        bound=bound,
        training=training(problem, ground, left, windows, base, budget) if base[1].complete else (),
        hours=hours(ground, uncovered),
        caps=caps,
        greatest_load=load,
        greatest_harm=harm,
    )


def _by_due_days(model: Model, even: Solution, fair: float, budget: Budget) -> tuple[Model, Solution]:
    """The same solved again with windows that end where strata fall due, unless they do already or time has run out."""
    windows = windows_of(model.ground)
    if not even.complete or len(windows) <= len(model.windows):
        return model, even
    columns = np.flatnonzero(even.values[: model.people] > _NOTHING)
    pairs = frozenset(zip(model.person[columns].tolist(), model.trade[columns].tolist(), strict=True))
    narrower = Model(model.ground, windows, pairs)
    covered = cover(narrower, budget, whole=False)
    return (narrower, even_out(narrower, covered, fair, budget, whole=False)) if covered.complete else (model, even)


def _status(value: float, bound: float, *, complete: bool) -> Status:
    if bound - value <= 1e-6 * max(1.0, bound):
        return Status.OPTIMAL
    return Status.WITHIN_GAP if complete else Status.OUT_OF_TIME


def _greatest(ground: Ground, model: Model, given: Given) -> tuple[float | None, float | None]:
    """The greatest shares of load and of harm, in the mean of those who could have been given something; None where that is 0."""
    people = np.unique(model.person)
    worked, harmed = np.zeros(len(ground.people)), np.zeros(len(ground.people))
    for (person, stratum, _), items in given.items():
        worked[person] += items * ground.work[stratum].seconds
        harmed[person] += items * ground.work[stratum].dose
    seconds = ground.seconds.sum(axis=1)[people]

    def greatest(amounts: Floats) -> float | None:
        return float((amounts / seconds).max() * seconds.sum() / amounts.sum()) if amounts.any() else None

    return greatest(worked[people]), greatest(harmed[people])
