"""What the board says: cases put into columns, and what they can be narrowed by."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rca_api.pages import say
from tallystick.schemas.case import CasePriority, CaseState
from tallystick.schemas.metric import Measure
from tallystick.schemas.programme import Programme

COLUMNS = (
    ("Open", (CaseState.OPEN, CaseState.REOPENED)),
    ("Analysis", (CaseState.ANALYSIS,)),
    ("Action plan", (CaseState.ACTION_PLAN,)),
    ("In progress", (CaseState.IN_PROGRESS,)),
    ("Verification", (CaseState.VERIFICATION,)),
)
"""The columns from left to right, and the states in each."""

MEASURES = tuple((each.value, label) for each, label in say.MEASURES.items() if each is not Measure.ACCURACY)
"""What a case that a person opens can be about."""

_PRESSING = {priority: place for place, priority in enumerate(CasePriority)}


@dataclass(frozen=True, slots=True)
class Column:
    """The cases that are equally far."""

    label: str
    cases: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """What the board can be narrowed by: a parameter of its address, and its values with their labels."""

    name: str
    label: str
    options: tuple[tuple[str, str], ...]
    chosen: tuple[str, ...]


def columns(cases: Sequence[dict[str, Any]], now: datetime) -> tuple[Column, ...]:
    """The cases by column: what is overdue first, then by priority and by the day that it is due."""

    def pressing(case: dict[str, Any]) -> tuple[bool, int, float, datetime]:
        due = case["due_at"]
        return (
            not case["overdue"],
            _PRESSING[case["priority"]],
            (due - now).total_seconds() if due else float("inf"),
            case["opened_at"],
        )

    found = ((label, [case for case in cases if case["state"] in states]) for label, states in COLUMNS)
    return tuple(Column(label, tuple(sorted(those, key=pressing))) for label, those in found)


def fields(document: Programme, owners: Sequence[str], narrowed: dict[str, Any], vendor: str | None) -> tuple[Choice, ...]:
    """The filters of the board. A vendor's people have no vendor to choose."""
    offered = {
        "vendor": ("Vendor", {} if vendor else {each.slug: each.name for each in document.vendors}),
        "owner": ("Owner", {owner: owner for owner in owners}),
        "priority": ("Priority", {priority.value: label for priority, label in say.PRIORITIES.items()}),
    }
    choices = (
        Choice(name, label, tuple(options.items()), tuple(str(value) for value in narrowed[name]))
        for name, (label, options) in offered.items()
    )
    return tuple(choice for choice in choices if choice.options)


def scopes(document: Programme) -> tuple[Choice, ...]:
    """What the scope of a new case can be narrowed to."""
    sites = sorted({site for each in document.vendors for site in each.sites})
    offered: dict[str, dict[str, str]] = {
        "site": {site: site for site in sites},
        "queue": {queue: queue for queue in document.queues},
        "market": {market: market for market in document.markets},
        "language": {language: language for language in document.languages},
        "policy": {policy.code: policy.name for policy in document.policy_set.policies},
        "error_code": {error.code: error.name for error in document.error_taxonomy.codes},
    }
    return tuple(Choice(name, say.DIMENSIONS[name], tuple(options.items()), ()) for name, options in offered.items() if options)
