"""The report on coverage: of what was planned to be audited, what is, what is left, and whether it will be done in time."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from tallystick.schemas.base import Code, Instant, Name, Slug, Wire
from tallystick.schemas.metric import Number, Period
from tallystick.schemas.sampling import DrawState, StratumValues


class CoverageCounts(Wire):
    """Audits by where they stand. What is planned is expected until it is drawn."""

    decisions: int
    planned: int
    drawn: int
    waiting: int
    claimed: int
    """In somebody's hands."""
    audited: int
    void: int
    """Could not be audited; another item took the place of each where there was one."""
    missing: int
    """Planned, and there is nothing left to audit for it. 0 until it is drawn."""
    gap: int
    """Planned, and not audited yet. 0 until it is drawn."""
    coverage: Number
    """Audited of what was planned; `null` until it is drawn."""


class Forecast(Wire):
    """What will be audited by the due date if work goes on as on the last working days."""

    pace: float | None
    """Audits a working day; `null` where there is no telling yet."""
    days_left: Annotated[float, Field(ge=0)] | None
    """Working days until it is due; `null` until it is drawn."""
    audited: int | None
    """By the due date."""
    coverage: float | None
    late: bool | None
    """Whether items will be left by then. `null` where there is no telling yet."""
    reason: str | None = None
    """Why there is no telling."""


class Precision(Wire):
    """How well the error rate is known by now."""

    error_rate: Number
    """Of the decisions, by the audits of their sample."""
    half_width: float | None
    """Of its interval."""
    planned: float | None
    """The half width that the plan wants, or else that of all planned audits at the error rate found by now."""
    wanted: bool
    """Whether the plan wants it."""


class StratumCoverage(Wire):
    """One stratum of a draw."""

    plan_id: UUID
    draw_id: UUID
    title: Name
    state: DrawState
    first_day: date
    last_day: date
    due_at: Instant | None
    stratum: Code
    vendor: Slug
    values: StratumValues
    counts: CoverageCounts
    forecast: Forecast
    precision: Precision


class DrawCoverage(Wire):
    """One draw: a period of a plan."""

    plan_id: UUID
    draw_id: UUID
    title: Name
    state: DrawState
    first_day: date
    last_day: date
    due_at: Instant | None
    strata: int
    late: int
    """Strata that will not be covered by the due date."""
    counts: CoverageCounts
    forecast: Forecast
    precision: Precision


class CoverageDay(Wire):
    """Up to the end of a day: what was planned of the draws made by then, and audited of it."""

    day: date
    planned: int
    audited: int
    coverage: float | None


class CoverageScope(Wire):
    """What the report is about."""

    programme: str
    plans: tuple[UUID, ...]
    draws: tuple[UUID, ...]
    vendors: tuple[str, ...]
    """Any of them; a vendor's people are always narrowed to their vendor."""
    period: Period
    """Draws whose own period touches it."""
    as_of: Instant
    pace_days: int
    """Working days, besides the present one, that the pace is measured on."""
    epoch: UUID | None
    position: int | None
    """Up to which position of the programme's stream all is counted; `null` to vendors."""
    definitions: str = "/reporting/v1/metrics/definitions"


class CoverageReport(Wire):
    """Coverage by draw and by stratum."""

    scope: CoverageScope
    target: float | None
    """The coverage that the programme aims at."""
    overall: CoverageCounts
    """Of all that is drawn."""
    precision: Precision
    """Over all strata with audits."""
    draws: tuple[DrawCoverage, ...]
    """Newest period first."""
    strata: tuple[StratumCoverage, ...]
    """Those that will not be covered in time first, then by what is left to audit."""
    strata_count: int
    """How many there are without `limit`."""
    late: int
    """Strata that will not be covered by their due date."""
    days: tuple[CoverageDay, ...]
    """Days on which something was drawn or audited, in order, and the present one."""
