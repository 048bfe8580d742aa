"""The effect of an action plan: stated before it starts, judged when its window has ended."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from tallystick.schemas.base import Instant, Slug, Wire
from tallystick.schemas.decomposition import RateMeasure
from tallystick.schemas.metric import Difference, MetricFilter, Number, Period, Scope


class EffectVerdict(StrEnum):
    """What can be said of a plan's effect."""

    EFFECTIVE = "effective"
    NOT_EFFECTIVE = "not_effective"
    NOT_YET_DECIDABLE = "not_yet_decidable"


class EffectPlan(Wire):
    """How the effect of a plan will be judged. It cannot be changed once the work has started."""

    measure: RateMeasure = "error_rate"
    scope: MetricFilter = MetricFilter()
    """In which part of the programme; everything else is the control. Error class and code say of which errors the rate is."""
    control_vendor: Annotated[tuple[Slug, ...], Field(max_length=50)] = ()
    """The control is the rest of these vendors' audits alone, so that the verdict tells nothing of others; of all if empty."""
    baseline: Period
    verification: Period
    wanted: Annotated[float, Field(gt=0, le=1)] = 0.5
    """By which share of the baseline rate it has to fall, against the control, to be called effective: 0.5 halves it."""
    minimum_sample: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    """Audits in the scope in the verification window, at least."""


class EffectWeek(Wire):
    """One week of a window, by its Monday. Days outside the window do not count."""

    week: date
    window: Literal["baseline", "verification"]
    scope: Number
    control: Number


class Effect(Wire):
    """The verdict on a plan, with the numbers that it stands on."""

    scope: Scope
    plan: EffectPlan
    verdict: EffectVerdict
    why: str
    """In a sentence."""
    before: Number
    after: Number
    control_before: Number
    control_after: Number
    reduction: Difference
    """How far the rate fell in the scope beyond the control, 1 - ratio of ratios. The interval allows for overdispersion."""
    dispersion: float | None
    """By how much weekly rates vary beyond chance: a variance ratio, at least 1; `null` where too few weeks tell."""
    weeks: tuple[EffectWeek, ...] = ()
    sample: int
    """Audits in the scope in the verification window; of the overturn rate, decided appeals."""
    sample_needed: int | None
    """How many more, in further weeks like those of the window; `null` where it is decided or no number would do."""
    judged_at: Instant | None = None
