"""Staffing plans as readable tables."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tallystick.schemas.staffing import StaffingPlan, Uncovered

_WHY = {
    Uncovered.NO_SKILL: "nobody who is there may audit it",
    Uncovered.NO_TIME: "those who may have no room for it",
    Uncovered.EXPOSURE: "those who may would be shown too much",
    Uncovered.TOO_LATE: "it is due before there is time for it",
}


@dataclass(frozen=True)
class Named:
    """What draws and strata are called, by what a plan knows them by."""

    draws: dict[UUID, str] = field(default_factory=dict)
    strata: dict[tuple[UUID, str], str] = field(default_factory=dict)

    def cells(self, draw_id: UUID, stratum: str) -> tuple[str, str]:
        """A stratum and its draw."""
        return self.strata.get((draw_id, stratum), stratum), self.draws.get(draw_id, str(draw_id))


def plan_tables(plan: StaffingPlan, named: Named) -> RenderableType:
    """A plan whole: how good it is, who does how much, what is not covered and why, what would help, what caps cost."""
    return Group(*_parts(plan, named))


def day_table(plan: StaffingPlan, named: Named, day: date) -> RenderableType:
    """Who does which strata on a day."""
    table = _table(f"{day:%A}, {day}", "auditor", "stratum", "draw", "items")
    for each in plan.assignments:
        if each.day == day:
            table.add_row(Text(each.auditor), *named.cells(each.draw_id, each.stratum), f"{each.items:,}")
    return table if table.row_count else Text(f"Nothing is given to anybody on {day}.")


def _parts(plan: StaffingPlan, named: Named) -> Iterator[RenderableType]:
    ground = plan.ground
    yield Text(f"Plan {plan.id}, {plan.first_day} to {plan.last_day}, made {plan.made_at:%Y-%m-%d %H:%M} UTC by {plan.made_by}")
    yield Text(f"{plan.covered:,} of {plan.items:,} items are covered. ", "bold").append(_how_good(plan), "")
    yield Text(
        f"{ground.present:,} of {ground.people:,} people have time in the period;"
        f" {ground.hours_needed:,.1f} hours are needed, {ground.hours_there:,.1f} are there."
    )
    if plan.loads:
        yield _people(plan)
    yield _gaps(plan, named) if plan.gaps else Text("Everything is covered.", "green")
    if plan.helps:
        table = _table("What would help most", "what", "hours", "items more")
        for help_ in plan.helps:
            table.add_row(help_.what, "" if help_.hours is None else f"{help_.hours:,.1f}", f"{help_.items:,}")
        yield table
    yield _costs(plan)


def _how_good(plan: StaffingPlan) -> str:
    if plan.optimal:
        return "No plan covers more."
    further = f"Another plan might cover more, by {plan.gap:.1%} of the weight at most."
    return further if plan.in_time else f"{further} Time ran out: a much better one may exist."


def _people(plan: StaffingPlan) -> Table:
    """A row for each person, with the days on which they are given something."""
    days: dict[str, dict[date, int]] = defaultdict(lambda: defaultdict(int))
    for each in plan.assignments:
        days[each.auditor][each.day] += each.items
    table = _table("Who does how much", "auditor", "items", "minutes", "of", "by day")
    for load in plan.loads:
        by_day = ", ".join(f"{day:%a %d %b}: {items:,}" for day, items in sorted(days[load.auditor].items()))
        table.add_row(Text(load.auditor), f"{load.items:,}", f"{load.minutes:,.0f}", f"{load.capacity:,.0f}", by_day)
    return table


def _gaps(plan: StaffingPlan, named: Named) -> Table:
    table = _table("What is not covered", "stratum", "draw", "items", "why")
    for each in plan.gaps:
        table.add_row(*named.cells(each.draw_id, each.stratum), f"{each.items:,}", _WHY[each.reason])
    return table


def _costs(plan: StaffingPlan) -> Text:
    if not plan.costs and not plan.in_time:
        return Text("Time ran out before it was worked out what caps cost.", "dim")
    costs = [f"{each.items:,} more without the {each.rule.replace('_', ' ')}" for each in plan.costs if each.items]
    return Text(f"What caps cost in items: {', '.join(costs)}." if costs else "No cap costs an item.")


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for column in columns:
        numeric = column in {"items", "minutes", "of", "hours", "items more"}
        table.add_column(column, overflow="fold", justify="right" if numeric else "left")
    return table
