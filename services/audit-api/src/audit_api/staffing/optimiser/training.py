"""Which skill would help most, if one more person had it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from audit_api.staffing.optimiser.advice import gain_of
from audit_api.staffing.optimiser.model import Floats, Ground, Model, Trade
from audit_api.staffing.optimiser.problem import Person, Problem, Skill, Training
from audit_api.staffing.optimiser.solving import Budget, Solution

_SKILLS = 3
"""Of those that would help, how many are worked out."""
_New = tuple[Skill, str]


@dataclass(frozen=True, slots=True)
class _Want:
    """What is left of a trade."""

    trade: Trade
    items: int
    weight: float
    """Of one item, at most."""


def training(
    problem: Problem,
    ground: Ground,
    left: Mapping[int, int],
    windows: Sequence[range],
    base: tuple[Model, Solution],
    budget: Budget,
) -> tuple[Training, ...]:
    """What one person trained in one skill would do, for the skills that promise most.

    Each is given to the person for whom it promises most by the prices of their time and of their caps, of those who have the
    other half of the skill and have not declined it.
    Then the relaxation is solved with it, so that work which others take over counts as well.
    Training somebody else may do less or more.
    """
    found = []
    for (skill, name), person in _promising(ground, left, *base)[:_SKILLS]:
        languages = person.languages | {name} if skill is Skill.LANGUAGE else person.languages
        policies = person.policies | {name} if skill is Skill.POLICY else person.policies
        trained = replace(person, languages=languages, policies=policies)
        people = tuple(trained if each.key == person.key else each for each in problem.people)
        gain = gain_of(replace(problem, people=people), windows, base, budget)
        if gain is not None and gain[0] > 0:
            found.append(Training(skill, name, *gain))
    return tuple(sorted(found, key=lambda each: (-each.value, each.skill, each.name)))


def _promising(ground: Ground, left: Mapping[int, int], model: Model, solution: Solution) -> list[tuple[_New, Person]]:
    """Skills, each with the person whom it promises most; the most promising first."""
    wants = _wants(ground, left)
    of_second, of_dose = _prices(model, solution)
    best: dict[_New, tuple[float, int]] = {}
    for place, person in enumerate(ground.people):
        by_skill: dict[_New, list[_Want]] = defaultdict(list)
        for want in wants:
            new = _lacking(person, want.trade)
            if new is not None:
                by_skill[new].append(want)
        for new, wanted in by_skill.items():
            promise = _promise(wanted, float(ground.seconds[place].sum()), of_second[place], of_dose[place])
            if promise > best.get(new, (0.0, 0))[0]:
                best[new] = (promise, place)
    return [(new, ground.people[best[new][1]]) for new in sorted(best, key=lambda new: (-best[new][0], *new))]


def _wants(ground: Ground, left: Mapping[int, int]) -> list[_Want]:
    wants = []
    for trade in ground.trades:
        strata = [stratum for stratum in trade.strata if left.get(stratum) and ground.open_days[stratum]]
        if strata:
            items = sum(left[stratum] for stratum in strata)
            wants.append(_Want(trade, items, max(ground.work[stratum].weight for stratum in strata)))
    return wants


def _lacking(person: Person, trade: Trade) -> _New | None:
    """The one skill that somebody lacks for a trade; None where it is none or both, or where they have declined."""
    speaks, knows = trade.language in person.languages, trade.policy in person.policies
    if trade.policy in person.declined or speaks == knows:
        return None
    return (Skill.POLICY, trade.policy) if speaks else (Skill.LANGUAGE, trade.language)


def _promise(wanted: Sequence[_Want], seconds: float, of_second: float, of_dose: float) -> float:
    """The weight that a person would add in their time, less what that time and dose are worth elsewhere."""

    def profit(want: _Want) -> float:
        return want.weight / want.trade.seconds - of_second - of_dose * want.trade.dose / want.trade.seconds

    promise = 0.0
    for want in sorted(wanted, key=profit, reverse=True):
        taken = min(seconds, float(want.items * want.trade.seconds))
        promise += taken * max(0.0, profit(want))
        seconds -= taken
    return promise


def _prices(model: Model, solution: Solution) -> tuple[Floats, Floats]:
    """What one more second and one more unit of dose of each person would be worth, in the mean of their days."""
    people, windows = len(model.ground.people), max(1, len(model.windows))
    of_second, of_dose = np.zeros(people), np.zeros(people)
    for row, person in model.time_rows.items():
        of_second[person] += solution.prices[row] / windows
    for row, person in model.dose_rows.items():
        of_dose[person] += solution.prices[row] / windows
    return of_second, of_dose
