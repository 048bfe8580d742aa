"""A question about a change, and how it is asked over HTTP."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Annotated

from fastapi import Depends, Query

from reporting_api.metrics.definitions import FORMULAS
from reporting_api.metrics.question import EARLIEST, LATEST, Filtered, Filters, Question
from reporting_api.metrics.standing import Standing
from reporting_api.reports.periods import monday
from tallystick.schemas.base import Day, Slug
from tallystick.schemas.decomposition import Facet, RateMeasure
from tallystick.schemas.metric import Measure, View
from tallystick.service.days import day_of
from tallystick.service.parameters import in_order, refusal

WEEKS, BASELINE_WEEKS = 4, 8
"""The period and the baseline before it, unless asked otherwise."""

MOST_DIMENSIONS = 4
_LONGEST = timedelta(days=3660)


@dataclass(frozen=True, slots=True)
class Change:
    """A rate in a period beside that in a baseline before it. Days are those of the programme's time zone."""

    programme: str
    measure: RateMeasure
    by: tuple[Facet, ...]
    """Empty: by each dimension that the measure has."""
    filters: Filters
    start: date | None
    end: date | None
    baseline_start: date | None
    baseline_end: date | None
    view: View
    limit: int
    """Segments that are shown of each cut."""

    @property
    def of_appeals(self) -> bool:
        """Whether its rate is one of appeals, which are not told apart by the moderator's tenure."""
        return FORMULAS[Measure(self.measure)].of_appeals

    def period(self, *, after: bool) -> Question:
        """The question that metrics answer with the rate of the period, or of the baseline."""
        start, end = (self.start, self.end) if after else (self.baseline_start, self.baseline_end)
        return Question(self.programme, (Measure(self.measure),), filters=self.filters, start=start, end=end, view=self.view)


def settled(standing: Standing, change: Change, moment: datetime) -> Change:
    """The change with both periods: by default the four weeks that end with the last audit, beside the eight before them.

    Raises:
        InvalidRequest: the periods overlap, or reach over more than ten years.
    """
    last = standing.days[1] - timedelta(days=1) if standing.days else day_of(moment, standing.time_zone)
    end = change.end or max(monday(last), monday(change.start or last)) + timedelta(weeks=1)
    start = change.start or end - timedelta(weeks=WEEKS)
    baseline_end = change.baseline_end or start
    baseline_start = change.baseline_start or baseline_end - timedelta(weeks=BASELINE_WEEKS)
    apart(("baseline_from", baseline_start), ("baseline_to", baseline_end), ("from", start), ("to", end))
    return replace(change, start=start, end=end, baseline_start=baseline_start, baseline_end=baseline_end)


def apart(*days: tuple[str, date]) -> None:
    """Refuse two periods, given by their parameters in order, that are empty, overlap or reach over more than ten years."""
    (_, first), (_, last_before), (name, first_after), (last_name, last) = days
    in_order(first, last_before)
    in_order(first_after, last)
    if first_after < last_before:
        raise refusal(name, "overlap", f"The baseline has to end before `{name}`, or on that day.")
    if last - first > _LONGEST:
        raise refusal(last_name, "long_period", f"Both periods together reach over {_LONGEST.days} days at most.")


async def _change(
    programme: Annotated[Slug, Query(description="Whose audits.")],
    filtered: Filtered,
    measure: Annotated[RateMeasure, Query(description="Which rate.")] = "error_rate",
    by: Annotated[
        list[Facet],
        Query(
            max_length=MOST_DIMENSIONS,
            description="What to cut the change by: each one, each pair, three or four together. All one by one if left out.",
        ),
    ] = [],  # noqa: B006 - FastAPI copies defaults
    baseline_from: Annotated[
        Day | None, Query(ge=EARLIEST, le=LATEST, description="The first day of the period to compare with.")
    ] = None,
    baseline_to: Annotated[
        Day | None, Query(ge=EARLIEST, le=LATEST, description="The day after its last, `from` at the latest.")
    ] = None,
    view: Annotated[View, Query(description="Which judgement counts.")] = View.ADJUDICATED,
    limit: Annotated[int, Query(ge=1, le=1000, description="Segments of each cut at most; the others are summed up.")] = 20,
) -> Change:
    if FORMULAS[Measure(measure)].of_appeals and Facet.MODERATOR_TENURE in by:
        raise refusal("by", "no_tenure", "Appeals are not told apart by the moderator's tenure.")
    return Change(
        programme,
        measure,
        tuple(dict.fromkeys(by)),
        filtered.filters,
        filtered.start,
        filtered.end,
        baseline_from,
        baseline_to,
        view,
        limit,
    )


Changed = Annotated[Change, Depends(_change)]
