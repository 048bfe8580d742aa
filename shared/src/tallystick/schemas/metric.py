"""Metrics: measures of audits by dimensions. Every number is an object that says what it stands on."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from tallystick.schemas.base import Code, Instant, Slug, Wire, figure
from tallystick.schemas.programme import ErrorClass


class Measure(StrEnum):
    """What can be asked of the metrics. `GET /v1/metrics/definitions` says what each one means."""

    AUDITS = "audits"
    ERRORS = "errors"
    ACCURACY = "accuracy"
    CRITICAL_ACCURACY = "critical_accuracy"
    ERROR_RATE = "error_rate"
    FALSE_POSITIVE_RATE = "false_positive_rate"
    FALSE_NEGATIVE_RATE = "false_negative_rate"
    QUALITY_SCORE = "quality_score"
    HANDLING_TIME = "handling_time"
    APPEALS = "appeals"
    APPEAL_RATE = "appeal_rate"
    DECIDED_APPEALS = "decided_appeals"
    OVERTURN_RATE = "overturn_rate"
    WEIGHTED_ACCURACY = "weighted_accuracy"
    WEIGHTED_ERROR_RATE = "weighted_error_rate"
    UNWEIGHTED_AUDITS = "unweighted_audits"


class Dimension(StrEnum):
    """What measures can be grouped by. Days, weeks (from Monday) and months are those of the programme's time zone."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    VENDOR = "vendor"
    SITE = "site"
    QUEUE = "queue"
    MARKET = "market"
    LANGUAGE = "language"
    POLICY = "policy"
    ERROR_CLASS = "error_class"
    ERROR_CODE = "error_code"
    SEVERITY = "severity"
    MODERATOR = "moderator"
    AUDITOR = "auditor"
    AUDIT_PARTY = "audit_party"
    AUTOMATED_DETECTION = "automated_detection"


class View(StrEnum):
    """Which judgement counts: the first one, or the one that stands after revisions."""

    FIRST_SCORED = "first_scored"
    ADJUDICATED = "adjudicated"


class MetricFilter(Wire):
    """A part of a programme, as a filter on its metrics: any of the values of each dimension; an empty list means everything."""

    vendor: Annotated[tuple[Slug, ...], Field(max_length=50)] = ()
    site: Annotated[tuple[Code, ...], Field(max_length=50)] = ()
    queue: Annotated[tuple[Code, ...], Field(max_length=50)] = ()
    market: Annotated[tuple[Code, ...], Field(max_length=50)] = ()
    language: Annotated[tuple[Code, ...], Field(max_length=50)] = ()
    policy: Annotated[tuple[Code, ...], Field(max_length=50)] = ()
    error_class: Annotated[tuple[ErrorClass, ...], Field(max_length=4)] = ()
    error_code: Annotated[tuple[Code, ...], Field(max_length=50)] = ()

    def given(self) -> dict[str, tuple[str, ...]]:
        """The dimensions that it narrows, with their values: the query parameters of metrics."""
        return {name: values for name in type(self).model_fields if (values := getattr(self, name))}


@figure
class Interval:
    """Between which bounds the true value lies, at a confidence level."""

    low: float
    high: float
    level: float
    method: str


@figure
class Number:
    """A number and what it stands on."""

    value: int | float | None
    """A share between 0 and 1, a count, or seconds; `null` where there is nothing to divide by."""
    numerator: int | float | None
    denominator: int | None
    """`null` for counts. Of weighted shares: decisions that the audits were drawn from, rounded."""
    interval: Interval | None
    sufficient: bool
    """Whether the denominator reaches the programme's minimum sample; of weighted shares, whether the audits do."""
    reason: str | None = None
    """Why there is no value."""


@figure
class Difference:
    """By how much a number differs from the one of the previous period."""

    value: int | float | None
    interval: Interval | None
    clear: bool | None
    """Whether the interval leaves out 0; `null` without an interval."""
    reason: str | None = None


@figure
class Rank:
    """Between which places a row may truly stand: rows whose intervals overlap are tied."""

    highest: int
    lowest: int
    tied: bool


@figure
class Row:
    """One group of audits."""

    dimensions: dict[str, str | None]
    """A value by dimension: names, or dates of the form 2026-09-21 (of a week its Monday, of a month its first).

    `null` where the audits say nothing, or where a person's name was erased.
    """
    numbers: dict[str, Number]
    """A number by measure."""
    previous: dict[str, Number] | None = None
    change: dict[str, Difference] | None = None
    rank: Rank | None = None


class Period(Wire):
    """Days of audits in the programme's time zone: from the first up to, and not including, the last."""

    model_config = ConfigDict(populate_by_name=True, extra="forbid", frozen=True, serialize_by_alias=True)

    from_: Annotated[date, Field(alias="from")]
    to: date
    time_zone: str


class Scope(Wire):
    """What the numbers are about."""

    programme: str
    filters: dict[str, tuple[str, ...]]
    """Any of the values by dimension; a vendor's people are always narrowed to their vendor."""
    view: View
    period: Period | None
    """`null` where there are no audits and no period was asked for."""
    epoch: UUID | None
    position: int | None
    """Up to which position of the programme's stream the facts are counted.

    `null` to vendors: it moves with what others record.
    """
    definitions: str = "/reporting/v1/metrics/definitions"
    """Where the measures and dimensions are defined."""


class Metrics(Wire):
    """The answer to a question about measures by dimensions."""

    scope: Scope
    previous_period: Period | None = None
    measures: tuple[Measure, ...]
    by: tuple[Dimension, ...]
    rows: tuple[Row, ...]
    groups: int
    """How many rows there are without `limit`."""
    totals: Row | None = None


class MeasureDefinition(Wire):
    """What a measure means."""

    name: Measure
    label: str
    kind: Literal["count", "proportion", "mean"]
    unit: Literal["audits", "share", "seconds", "appeals"]
    better: Literal["higher", "lower"] | None
    numerator: str
    denominator: str | None
    formula: str
    interval: str | None
    source: str


class DimensionDefinition(Wire):
    """What a dimension means."""

    name: Dimension
    label: str
    meaning: str


class Definitions(Wire):
    """What all numbers mean."""

    measures: tuple[MeasureDefinition, ...]
    dimensions: tuple[DimensionDefinition, ...]
    notes: tuple[str, ...]


class FeedStanding(Wire):
    """How far a feed of a programme is read."""

    epoch: UUID | None
    position: int | None
    """The position in the programme's stream up to which everything is counted.

    `null` to vendors, as are the times below: they move with what others record.
    """
    applied_at: Instant | None
    """When something was last counted."""
    checked_at: Instant | None
    """When the feed was last asked."""
    caught_up_at: Instant | None
    """When the feed last had nothing more."""
    lag_s: float
    """Seconds since the feed last had nothing more; 0 while it has not."""


class Projection(FeedStanding):
    """How far the numbers of a programme stand behind its facts, which are on audit-api's feed."""

    programme: str
    searched: int | None = None
    """Up to which position it was last searched for signals; `null` where it was not since the projection was begun."""
    work: FeedStanding | None
    """How far rca-api's feed is read; `null` where nothing was read of it yet."""


class ProjectionList(Wire):
    """The projections of the programmes that the caller may see."""

    items: tuple[Projection, ...]
