"""A measure week by week on its control chart."""

from collections.abc import Mapping, Sequence
from datetime import date

from reporting_api.metrics.numbers import number
from reporting_api.metrics.question import Question
from reporting_api.metrics.sums import NOTHING
from reporting_api.reports.periods import complete
from reporting_api.statistics.charts import monitor
from tallystick.schemas.metric import Measure, Number
from tallystick.schemas.report import TrendPoint


def trend(
    question: Question, weeks: Sequence[date], numbers: Mapping[date, Number], measure: Measure = Measure.ERROR_RATE
) -> tuple[TrendPoint, ...]:
    """The points of a share; weeks with nothing to divide by have no value and no limits."""
    empty = number(measure, NOTHING, NOTHING, 1)
    found = [numbers.get(week, empty) for week in weeks]
    judged = monitor([int(each.numerator or 0) for each in found], [each.denominator or 0 for each in found])
    return tuple(
        TrendPoint(
            week=week,
            complete=complete(question, week),
            number=each,
            centre=point.limits.centre if point.limits else None,
            lower=point.limits.lower if point.limits else None,
            upper=point.limits.upper if point.limits else None,
            z=point.z,
            signals=tuple(point.rules),
        )
        for week, each, point in zip(weeks, found, judged, strict=True)
    )
