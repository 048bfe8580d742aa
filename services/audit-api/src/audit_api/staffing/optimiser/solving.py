"""The solver: the most weight that can be covered, and among such plans a fair one."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import floor
from typing import Self

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csc_array, vstack

from audit_api.staffing.optimiser.model import Floats, Model, Rows

_NODES = 2000
"""Of the search for whole numbers: a limit that, unlike time, does not depend on the machine."""
_SOLVED = 0


class Budget:
    """Seconds that are left."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """None are less than 0."""
        return max(0.0, self._end - time.monotonic())


@dataclass(frozen=True, slots=True)
class Solution:
    """Values of the variables, and what no solution is better than."""

    values: Floats
    bound: float
    complete: bool
    """Whether the solver came to its end."""
    prices: Floats
    """What one more unit of each row's limit would be worth; nothing where whole numbers were searched for."""

    @classmethod
    def nothing(cls, model: Model, *, complete: bool) -> Self:
        """Nobody does anything; the bound is all that is open to anybody."""
        return cls(np.zeros(model.width), _all(model), complete, np.zeros(len(model.most.limits)))


def cover(model: Model, budget: Budget, *, whole: bool) -> Solution:
    """The most weight. With whole numbers of items where `whole`, else as a linear programme."""
    if not model.people:
        return Solution.nothing(model, complete=True)
    found = _solve(model, -model.weight, ((model.most,), (model.equal,)), budget, whole=whole)
    if found is None:
        return Solution.nothing(model, complete=False)
    return replace(found, bound=min(_all(model), -found.bound))


def even_out(model: Model, covered: Solution, fair: float, budget: Budget, *, whole: bool) -> Solution:
    """A solution that covers as much, in which people's shares lie outside of what is fair by as little as can be.

    A person's share of load is the part of their time that they work; their share of harm is their dose per hour of their time.
    It is fair where it is at most `fair` times the mean of all who can be given something, and at least that mean over `fair`.
    What shares lie outside of that, in means, is summed.
    """
    people = np.unique(model.person)
    if len(people) < 2 or not covered.complete:  # noqa: PLR2004 - nobody to be compared with
        return covered
    seconds = model.ground.seconds.sum(axis=1)
    rows, shares, width, costs = Rows(), Rows(), model.width, [np.zeros(model.width)]
    for amounts in (model.time, model.dose):
        mean = float(amounts @ covered.values[: model.people]) / seconds[people].sum()
        if mean <= 0:
            continue
        for person in people:
            columns = np.flatnonzero(model.person == person)
            share = amounts[columns] / (seconds[person] * mean)
            above, short, below = (
                width,
                width + 1,
                width + 2,
            )  # the excess, what is lacking to `fair`, and how much of that is too much
            shares.add(np.append(columns, [above, short]), np.append(share, [-1.0, 1.0]), fair)
            rows.add(np.array([short, below]), np.array([1.0, -1.0]), fair - 1 / fair)
            width += 3
        costs.append(np.tile([1.0, 0.0, 1.0], len(people)))
    reached = float(model.weight @ covered.values)
    rows.add(np.flatnonzero(model.weight), -model.weight[model.weight > 0], -reached + 1e-7 * max(1.0, reached))
    found = _solve(model, np.concatenate(costs), ((model.most, rows), (model.equal, shares)), budget, whole=whole)
    return covered if found is None else replace(covered, values=found.values[: model.width])


def _solve(
    model: Model, costs: Floats, rows: tuple[Sequence[Rows], Sequence[Rows]], budget: Budget, *, whole: bool
) -> Solution | None:
    """The least cost under rows that are at most and rows that are equal to their limits, with a bound from below.

    None where no solution was found in time.
    """
    if not budget.left:
        return None
    (upper, limits), (equal, sums) = (_joined(each, len(costs)) for each in rows)
    if not whole:
        options = {"time_limit": budget.left}
        found = linprog(costs, upper, limits, equal, sums, method="highs-ipm", options=options)
        return Solution(found.x, found.fun, complete=True, prices=-found.ineqlin.marginals) if found.status == _SOLVED else None
    constraints = [LinearConstraint(upper, -np.inf, limits), LinearConstraint(equal, sums, sums)]
    kinds = np.arange(len(costs)) < model.people
    options = {"time_limit": budget.left, "node_limit": _NODES, "mip_rel_gap": 0.0}
    found = milp(costs, integrality=kinds.astype(np.int64), bounds=Bounds(0, np.inf), constraints=constraints, options=options)
    if found.x is None:
        return None
    return Solution(found.x, found.mip_dual_bound, complete=found.status == _SOLVED, prices=np.zeros(len(limits)))


def _joined(parts: Sequence[Rows], width: int) -> tuple[csc_array, Floats]:
    limits = np.array([limit for each in parts for limit in each.limits], dtype=np.float64)
    return csc_array(vstack([each.matrix(width) for each in parts])), limits


def whole_bound(model: Model, bound: float) -> float:
    """The same bound, tightened where all weights are whole numbers."""
    whole = bool(np.all(model.weight == np.round(model.weight)))
    return float(floor(bound + 1e-6 * max(1.0, bound))) if whole else bound


def _all(model: Model) -> float:
    """The weight of all that is waiting and open to anybody."""
    ground = model.ground
    trades = np.unique(model.trade)
    places = [place for trade in trades for place in ground.trades[trade].strata if ground.open_days[place]]
    return float(sum(ground.work[place].waiting * ground.work[place].weight for place in places))
