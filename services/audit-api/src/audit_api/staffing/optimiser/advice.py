"""What keeps items from being covered, and what would change that. Nobody is named."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from audit_api.staffing.optimiser.model import NO_CAP, Ground, Model, Trade, ground_of
from audit_api.staffing.optimiser.problem import CapCost, Hours, Lifted, Problem, Reason, Uncovered
from audit_api.staffing.optimiser.solving import Budget, Solution, cover
from audit_api.staffing.optimiser.spreading import Room, fill

_NEGLIGIBLE = 1e-6
"""In a value, what is the solver's tolerance."""


def reasons(ground: Ground, left: Mapping[int, int], room: Room) -> tuple[Uncovered, ...]:
    """Why items are left.

    What nobody may do is told by itself.
    Of the rest, exposure keeps back as much as fits into the time that people have left when their caps are thought away;
    of what then remains, due days keep back as much as fits in after them. Everything else lacks hours.
    """
    found: dict[int, list[tuple[Reason, int]]] = {stratum: [] for stratum, items in left.items() if items}
    rest: dict[int, int] = {}
    for trade in ground.trades:
        for stratum in found.keys() & set(trade.strata):
            reason = _by_itself(ground, trade, stratum)
            if reason is None:
                rest[stratum] = left[stratum]
            else:
                found[stratum].append((reason, left[stratum]))
    without_caps = room.copy()
    without_caps.daily[:] = without_caps.weekly[:] = NO_CAP
    _keep_back(ground, found, rest, without_caps, Reason.EXPOSURE)
    late = room.copy()
    late.seconds = without_caps.seconds
    _keep_back(ground, found, rest, late, Reason.DUE)
    for stratum, items in rest.items():
        if items:
            found[stratum].append((Reason.HOURS, items))
    return tuple(Uncovered(ground.work[stratum].key, left[stratum], tuple(found[stratum])) for stratum in sorted(found))


def _by_itself(ground: Ground, trade: Trade, stratum: int) -> Reason | None:
    """Why a stratum could not be covered if it were the only one."""
    if not trade.people:
        return Reason.SKILL
    if all(stratum in ground.closed[person] for person in trade.people):
        return Reason.CONFLICT
    return None if ground.open_days[stratum] else Reason.DUE


def _keep_back(
    ground: Ground, found: dict[int, list[tuple[Reason, int]]], rest: dict[int, int], room: Room, reason: Reason
) -> None:
    """Name the reason for what would fit into this room."""
    before = dict(rest)
    fill(ground, {}, rest, room, due=reason is not Reason.DUE)
    for stratum, items in before.items():
        if items > rest[stratum]:
            found[stratum].append((reason, items - rest[stratum]))


def hours(ground: Ground, uncovered: Sequence[Uncovered]) -> tuple[Hours, ...]:
    """The hours that are missing by language and policy, the most weight for an hour first.

    Hours do not help what was due before the first day.
    """
    work = {stratum.key: (stratum, open_days) for stratum, open_days in zip(ground.work, ground.open_days.tolist(), strict=True)}
    sums: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0, 0, 0])
    for each in uncovered:
        stratum, open_days = work[each.stratum]
        if open_days:
            of = sums[stratum.language, stratum.policy]
            of[0] += each.items
            of[1] += each.items * stratum.seconds / 3600
            of[2] += each.items * stratum.weight
    found = [Hours(language, policy, int(items), needed, weight) for (language, policy), (items, needed, weight) in sums.items()]
    return tuple(sorted(found, key=lambda each: (-each.weight / each.hours, each.language, each.policy)))


def cap_costs(
    problem: Problem, windows: Sequence[range], base: tuple[Model, Solution], budget: Budget
) -> tuple[CapCost, ...] | None:
    """What the daily caps, the weekly caps and both cost: the relaxation solved without them; None where time ran out."""
    costs = []
    for lifted in Lifted:
        people = tuple(
            replace(
                person,
                daily_cap=person.daily_cap if lifted is Lifted.WEEKLY else None,
                weekly_cap=person.weekly_cap if lifted is Lifted.DAILY else None,
            )
            for person in problem.people
        )
        gain = gain_of(replace(problem, people=people), windows, base, budget) if people != problem.people else (0.0, 0)
        if gain is None:
            return None
        costs.append(CapCost(lifted, *gain))
    return tuple(costs)


def gain_of(changed: Problem, windows: Sequence[range], base: tuple[Model, Solution], budget: Budget) -> tuple[float, int] | None:
    """What the relaxation covers more of a changed problem, by weight and by items; None where time ran out."""
    model = Model(ground_of(changed), windows)
    solution = cover(model, budget, whole=False)
    if not solution.complete:
        return None
    before, after = (float(each.weight @ of.values) for each, of in (base, (model, solution)))
    items = solution.values[model.people :].sum() - base[1].values[base[0].people :].sum()
    value = after - before
    return (value, round(float(items))) if value > _NEGLIGIBLE * max(1.0, before) else (0.0, 0)
