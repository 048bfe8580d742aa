"""A question to the metrics, and how it is asked over HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Literal

from fastapi import Depends, Query

from reporting_api.metrics.definitions import TIME
from tallystick.schemas.audit import AuditParty
from tallystick.schemas.base import Code, Day, Reference, Slug
from tallystick.schemas.metric import Dimension, Measure, View
from tallystick.schemas.programme import ErrorClass, Severity
from tallystick.service.parameters import FromQuery, in_order, refusal

Filters = dict[str, tuple[str, ...]]
"""Any of the values, by the name of the dimension."""


@dataclass(frozen=True, slots=True)
class Question:
    """Measures by dimensions. Days are those of the programme's time zone; `end` is the first day after the period."""

    programme: str
    measures: tuple[Measure, ...] = (Measure.AUDITS, Measure.ACCURACY)
    by: tuple[Dimension, ...] = ()
    filters: Filters = field(default_factory=dict)
    start: date | None = None
    end: date | None = None
    view: View = View.ADJUDICATED
    compare: Literal["previous_period"] | None = None
    order: str | None = None
    """A measure or one of `by`; with `-` in front the greatest come first."""
    limit: int = 1000
    totals: bool = False


EARLIEST, LATEST = date(1970, 1, 1), date(2199, 12, 31)
"""Days that can be asked for."""
MANY = Query(description="Repeat it for several: any of them.")


@dataclass(frozen=True, slots=True)
class Narrowed:
    """The filters and the period that metrics and reports share with lists of audits."""

    filters: Filters
    start: date | None
    end: date | None


async def _narrowed(
    vendor: Annotated[list[Slug], MANY] = [],  # noqa: B006 - nobody changes it
    site: Annotated[list[Code], MANY] = [],  # noqa: B006
    queue: Annotated[list[Code], MANY] = [],  # noqa: B006
    market: Annotated[list[Code], MANY] = [],  # noqa: B006
    language: Annotated[list[Code], MANY] = [],  # noqa: B006
    policy: Annotated[list[Code], MANY] = [],  # noqa: B006
    error_class: Annotated[list[ErrorClass], MANY] = [],  # noqa: B006
    error_code: Annotated[list[Code], MANY] = [],  # noqa: B006
    severity: Annotated[list[Severity], MANY] = [],  # noqa: B006
    moderator: Annotated[list[Reference], MANY] = [],  # noqa: B006
    auditor: Annotated[list[Reference], MANY] = [],  # noqa: B006
    audit_party: Annotated[list[AuditParty], MANY] = [],  # noqa: B006
    automated_detection: Annotated[list[Literal["true", "false"]], MANY] = [],  # noqa: B006
    from_: Annotated[
        Day | None, Query(alias="from", ge=EARLIEST, le=LATEST, description="The first day, in the programme's time zone.")
    ] = None,
    to: Annotated[Day | None, Query(ge=EARLIEST, le=LATEST, description="The day after the last.")] = None,
) -> Narrowed:
    given: dict[str, Sequence[str]] = {
        "vendor": vendor,
        "site": site,
        "queue": queue,
        "market": market,
        "language": language,
        "policy": policy,
        "error_class": error_class,
        "error_code": error_code,
        "severity": severity,
        "moderator": moderator,
        "auditor": auditor,
        "audit_party": audit_party,
        "automated_detection": automated_detection,
    }
    in_order(from_, to)
    return Narrowed({name: tuple(sorted(set(values))) for name, values in given.items() if values}, from_, to)


Filtered = Annotated[Narrowed, Depends(FromQuery(_narrowed))]


async def _question(
    programme: Annotated[Slug, Query(description="Whose audits.")],
    filtered: Filtered,
    measure: Annotated[list[Measure], Query(description="What to measure; repeat it for several.")] = [  # noqa: B006
        Measure.AUDITS,
        Measure.ACCURACY,
    ],
    by: Annotated[list[Dimension], Query(max_length=3, description="What to group by; repeat it for up to three.")] = [],  # noqa: B006
    view: Annotated[View, Query(description="Which judgement counts.")] = View.ADJUDICATED,
    compare: Annotated[
        Literal["previous_period"] | None, Query(description="Set each number beside that of as many days before `from`.")
    ] = None,
    order: Annotated[
        str | None, Query(pattern="^-?[a-z_]{1,40}$", description="A measure or dimension asked for; `-` for the greatest first.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=10_000, description="Rows at most.")] = 1000,
    totals: Annotated[bool, Query(description="Whether to add the numbers of all rows together.")] = False,
) -> Question:
    measures, dimensions = tuple(dict.fromkeys(measure)), tuple(dict.fromkeys(by))
    if sum(dimension in TIME for dimension in dimensions) > 1:
        raise refusal("by", "two_grains", "Group by one of day, week and month.")
    if compare and (filtered.start is None or filtered.end is None):
        raise refusal("compare", "no_period", "A comparison needs `from` and `to`.")
    if compare and any(dimension in TIME for dimension in dimensions):
        raise refusal("compare", "trend", "Numbers by day, week or month stand beside each other already.")
    if order and order.removeprefix("-") not in {*measures, *dimensions}:
        raise refusal("order", "not_asked_for", "Order by a measure or dimension that you ask for.")
    return Question(
        programme,
        measures,
        dimensions,
        filtered.filters,
        filtered.start,
        filtered.end,
        view,
        compare,
        order,
        limit,
        totals,
    )


Asked = Annotated[Question, Depends(FromQuery(_question))]
