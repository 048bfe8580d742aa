"""The effect of an action plan: stated before it starts, judged when its window has ended."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from tallystick.schemas.base import Instant, Wire
from tallystick.schemas.metric import Difference, Measure, MetricFilter, Number, Period, Scope


class EffectVerdict(StrEnum):
    """What can be said of a plan's effect."""

    EFFECTIVE = "effective"
    NOT_EFFECTIVE = "not_effective"
    NOT_YET_DECIDABLE = "not_yet_decidable"


EFFECT_MEASURES = (Measure.ERROR_RATE, Measure.FALSE_POSITIVE_RATE, Measure.FALSE_NEGATIVE_RATE, Measure.OVERTURN_RATE)
"""Rates that a plan can promise to lower."""


class EffectPlan(Wire):
    """How the effect of a plan will be judged. It cannot be changed once the work has started."""

    measure: Literal["error_rate", "false_positive_rate", "false_negative_rate", "overturn_rate"] = "error_rate"
    scope: MetricFilter = MetricFilter()
    """In which part of the programme; everything else is the control."""
    baseline: Period
    verification: Period
    wanted: Annotated[float, Field(gt=0, le=1)] = 0.5
    """By which share of the baseline rate it has to fall, against the control, to be called effective: 0.5 halves it."""
    minimum_sample: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    """Audits in the scope in the verification window, at least."""


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
    """By which share the rate fell beyond the control: 1 - ratio of ratios. Its interval allows for overdispersion."""
    dispersion: float | None
    """By how much weekly rates vary beyond chance: a variance ratio, at least 1; `null` where too few weeks tell."""
    sample: int
    """Audits in the scope in the verification window."""
    sample_needed: int | None
    """Further audits after which the verdict should be decidable at the present rates; `null` where it is decided."""
    judged_at: Instant | None = None
