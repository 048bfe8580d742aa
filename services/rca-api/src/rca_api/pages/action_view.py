"""What pages say of actions, plans and coaching: who may do what next, and how a plan was judged."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from rca_api.actions.problems import ActionParty
from rca_api.actions.records import document
from rca_api.actions.routes import require_part
from rca_api.pages import say
from tallystick.schemas.action import SETTLED, ActionState, ActionStep
from tallystick.schemas.case import CaseState
from tallystick.schemas.effect import Effect, EffectVerdict
from tallystick.schemas.metric import Difference
from tallystick.service.auth import Principal
from tallystick.service.pages import words

SOON = timedelta(days=3)
"""From how long before it is due an action is marked."""

VERDICTS = {
    EffectVerdict.EFFECTIVE: ("good", "Effective"),
    EffectVerdict.NOT_EFFECTIVE: ("bad", "Not effective"),
    EffectVerdict.NOT_YET_DECIDABLE: ("open", "Not yet decidable"),
}


@dataclass(frozen=True, slots=True)
class Item:
    """An action, the steps that its viewer may take, and the actions that it waits for."""

    action: Mapping[str, Any]
    steps: tuple[ActionStep, ...]
    waits_for: tuple[str, ...]
    soon: bool
    undone: bool


def items(rows: Iterable[Row[Any]], principal: Principal, now: datetime, titles: Mapping[Any, Row[Any]]) -> list[Item]:
    """Actions as their viewer may work on them, those that are undone and due first at the top.

    `titles` holds the actions that they may depend on, by id.
    """
    found = [_item(row, principal, now, titles) for row in rows]
    return sorted(found, key=lambda each: (each.action["state"] in SETTLED, not each.undone, each.action["due_at"]))


def _item(row: Row[Any], principal: Principal, now: datetime, titles: Mapping[Any, Row[Any]]) -> Item:
    action = document(row, now)
    waiting = [titles[each] for each in action["depends_on"] if each in titles]
    undone = action["state"] in {ActionState.OPEN, ActionState.IN_PROGRESS}
    return Item(
        action,
        tuple(step for step in action["possible"] if _may(principal, row, step)),
        tuple(each.title for each in waiting if each.state not in SETTLED),
        undone and not action["overdue"] and action["due_at"] - now <= SOON,
        undone,
    )


def _may(principal: Principal, row: Row[Any], step: ActionStep) -> bool:
    try:
        require_part(principal, row, step)
    except ActionParty:
        return False
    return True


def effect_says(effect: Effect) -> str:
    """The numbers that a verdict stands on, in sentences."""
    text = (
        f"In the scope {words.share(effect.before.value)} before ({words.of(effect.before)}) and"
        f" {words.share(effect.after.value)} after ({words.of(effect.after)});"
        f" in the rest {words.share(effect.control_before.value)} and {words.share(effect.control_after.value)}."
    )
    reduction = effect.reduction
    if reduction.value is not None:
        text += f" Beyond the rest it {_moved(reduction)}."
    if effect.sample_needed:
        text += f" About {words.count(effect.sample_needed)} further audits should decide it."
    return text


def _moved(reduction: Difference) -> str:
    """How far a rate fell or rose, with the interval of that."""
    value, interval = reduction.value or 0.0, reduction.interval
    text = f"{'fell' if value >= 0 else 'rose'} by {words.share(abs(value))}"
    if interval is None:
        return text
    if interval.low >= 0:
        return f"{text} ({words.bounds(interval)})"
    low, high = (f"a {'fall' if bound >= 0 else 'rise'} of {words.share(abs(bound))}" for bound in (interval.low, interval.high))
    return f"{text} (from {low} to {high})"


def planned_by(state: str) -> bool:
    """Whether a plan can still be registered in a state of its case."""
    return state in {CaseState.OPEN, CaseState.REOPENED, CaseState.ANALYSIS, CaseState.ACTION_PLAN}


def plan_says(effect: Any) -> str:
    """What a plan promises."""
    return (
        f"{say.measure(effect.measure)} falls by at least {words.goal(effect.wanted)} beyond the rest,"
        f" judged on {words.count(effect.minimum_sample)} audits or more."
    )
