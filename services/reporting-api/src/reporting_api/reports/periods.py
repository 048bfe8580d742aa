"""The period of a report, and its weeks."""

from dataclasses import replace
from datetime import date, timedelta

from reporting_api.metrics.question import Question
from reporting_api.metrics.standing import Standing
from tallystick.service.parameters import refusal

WEEKS = 13
"""A quarter: what a report covers unless asked otherwise."""

_WEEK = timedelta(days=7)
_LONGEST = timedelta(days=3660)


def monday(day: date) -> date:
    """The first day of the week of a day."""
    return day - timedelta(days=day.weekday())


def settled(standing: Standing, question: Question) -> Question:
    """The question with both ends of its period: by default the quarter of whole weeks that ends with the last audit.

    Raises:
        InvalidRequest: the period is longer than ten years.
    """
    start, end = question.start, question.end
    if start is None or end is None:
        days = standing.days
        if days is None:
            return question
        end = end or max(monday(days[1] - timedelta(days=1)), monday(start or days[0])) + _WEEK
        start = start or monday(end - timedelta(days=1)) - (WEEKS - 1) * _WEEK
    if end - start > _LONGEST:
        raise refusal("from", "long_period", f"A report covers {_LONGEST.days} days at most.")
    return replace(question, start=start, end=end)


def weeks(question: Question) -> list[date]:
    """The Mondays of all weeks that the period touches, in order."""
    if question.start is None or question.end is None:
        return []
    first = monday(question.start)
    return [first + place * _WEEK for place in range((question.end - first + timedelta(days=6)) // _WEEK)]


def complete(question: Question, week: date) -> bool:
    """Whether all days of a week belong to the period."""
    return question.start is not None and question.end is not None and question.start <= week and week + _WEEK <= question.end
