"""The weeks of a plan: hits and cases in its scope and in its control, in both windows."""

from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from reporting_api.cuboids import ERROR_DIMENSIONS
from reporting_api.decompositions.counts import hits_and_cases
from reporting_api.effects.question import Planned
from reporting_api.metrics.answer import groups
from reporting_api.metrics.question import Question
from reporting_api.statistics.effects import Series
from tallystick.schemas.metric import Dimension
from tallystick.service.database import ReadSession


@dataclass(frozen=True, slots=True)
class Weeks:
    """Week by week: those of the baseline in order, then those of the verification window."""

    weeks: tuple[tuple[date, bool], ...]
    """The Monday of each, and whether it is one of the verification window."""
    scope: Series
    control: Series


async def read_weeks(session: ReadSession, planned: Planned) -> Weeks:
    """The weeks that have cases, in the scope or elsewhere. The control is what the scope leaves of all the caller may see."""
    found: dict[tuple[date, bool], tuple[tuple[int, int], tuple[int, int]]] = {}
    for after in (False, True):
        question = planned.scope(after=after)
        of_errors = {name: values for name, values in question.filters.items() if name in ERROR_DIMENSIONS}
        all_of_it = of_errors | ({"vendor": planned.control_vendor} if planned.control_vendor else {})
        scope = await _by_week(session, planned, question)
        whole = await _by_week(session, planned, replace(question, filters=all_of_it))
        within = await _by_week(session, planned, _within(question, planned.control_vendor)) if planned.control_vendor else scope
        for week in sorted({*scope, *whole}):
            (k, n), (all_k, all_n), (in_k, in_n) = (each.get(week, (0, 0)) for each in (scope, whole, within))
            found[week, after] = (k, n), (all_k - in_k, all_n - in_n)
    return Weeks(tuple(found), _series(found, 0), _series(found, 1))


def _within(question: Question, vendors: tuple[str, ...]) -> Question | None:
    """What of the scope is in the audits of some vendors; None where it is nothing."""
    named = question.filters.get("vendor", vendors)
    both = tuple(each for each in named if each in vendors)
    return replace(question, filters={**question.filters, "vendor": both}) if both else None


async def _by_week(session: ReadSession, planned: Planned, question: Question | None) -> dict[date, tuple[int, int]]:
    if question is None:
        return {}
    found = await groups(session, replace(question, by=(Dimension.WEEK,)))
    return {date.fromisoformat(week): hits_and_cases(planned.measure, pair) for (week,), pair in found.items()}


def _series(found: dict[tuple[date, bool], tuple[tuple[int, int], tuple[int, int]]], place: int) -> Series:
    counts = np.array([pair[place] for pair in found.values()], dtype=np.int64).reshape(-1, 2)
    return Series(counts[:, 0], counts[:, 1], np.array([after for _, after in found], dtype=bool))
