"""A plan whose effect is asked for, over HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from fastapi import Depends, Query

from reporting_api.cuboids import ERROR_DIMENSIONS
from reporting_api.decompositions.question import apart
from reporting_api.metrics.question import EARLIEST, LATEST, MANY, Filters, Question
from tallystick.schemas.base import Code, Day, Slug
from tallystick.schemas.decomposition import RateMeasure
from tallystick.schemas.effect import EffectPlan
from tallystick.schemas.metric import Measure, MetricFilter, Period
from tallystick.schemas.programme import ErrorClass


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan of a programme, before its time zone is known."""

    programme: str
    measure: RateMeasure
    filters: Filters
    """Its scope. Those of error dimensions say of which errors the rate is, in the control too."""
    control_vendor: tuple[str, ...]
    baseline: tuple[date, date]
    verification: tuple[date, date]
    wanted: float
    minimum_sample: int

    @property
    def everywhere(self) -> bool:
        """Whether the scope leaves nothing out."""
        return self.filters.keys() <= ERROR_DIMENSIONS

    def scope(self, *, after: bool) -> Question:
        """The question that metrics answer with the rate in the scope in one of the windows."""
        start, end = self.verification if after else self.baseline
        return Question(self.programme, (Measure(self.measure),), filters=self.filters, start=start, end=end)

    def plan(self, time_zone: str) -> EffectPlan:
        """The plan as it is told back."""
        baseline, verification = (
            Period(from_=start, to=end, time_zone=time_zone) for start, end in (self.baseline, self.verification)
        )
        return EffectPlan(
            measure=self.measure,
            scope=MetricFilter.model_validate(self.filters),
            control_vendor=self.control_vendor,
            baseline=baseline,
            verification=verification,
            wanted=self.wanted,
            minimum_sample=self.minimum_sample,
        )


_VALUES = 50


async def _planned(
    programme: Annotated[Slug, Query(description="Whose audits.")],
    baseline_from: Annotated[
        Day, Query(ge=EARLIEST, le=LATEST, description="The first day before, in the time zone of the programme.")
    ],
    baseline_to: Annotated[Day, Query(ge=EARLIEST, le=LATEST, description="The day after the last one before.")],
    verification_from: Annotated[
        Day, Query(ge=EARLIEST, le=LATEST, description="The first day after, `baseline_to` at the earliest.")
    ],
    verification_to: Annotated[Day, Query(ge=EARLIEST, le=LATEST, description="The day after the last one after.")],
    measure: Annotated[RateMeasure, Query(description="Which rate was to fall.")] = "error_rate",
    vendor: Annotated[list[Slug], MANY, Query(max_length=_VALUES)] = [],  # noqa: B006 - FastAPI copies defaults
    site: Annotated[list[Code], MANY, Query(max_length=_VALUES)] = [],  # noqa: B006
    queue: Annotated[list[Code], MANY, Query(max_length=_VALUES)] = [],  # noqa: B006
    market: Annotated[list[Code], MANY, Query(max_length=_VALUES)] = [],  # noqa: B006
    language: Annotated[list[Code], MANY, Query(max_length=_VALUES)] = [],  # noqa: B006
    policy: Annotated[list[Code], MANY, Query(max_length=_VALUES)] = [],  # noqa: B006
    error_class: Annotated[list[ErrorClass], MANY, Query(max_length=_VALUES)] = [],  # noqa: B006
    error_code: Annotated[list[Code], MANY, Query(max_length=_VALUES)] = [],  # noqa: B006
    control_vendor: Annotated[
        list[Slug], Query(max_length=_VALUES, description="Take the control from the rest of these vendors' audits alone.")
    ] = [],  # noqa: B006
    wanted: Annotated[float, Query(gt=0, le=1, description="By which share the rate was to fall, against the control.")] = 0.5,
    minimum_sample: Annotated[int, Query(ge=1, le=1_000_000, description="What the rate has to be of after, at least.")] = 100,
) -> Planned:
    apart(
        *(("baseline_from", baseline_from), ("baseline_to", baseline_to)),
        *(("verification_from", verification_from), ("verification_to", verification_to)),
    )
    given: dict[str, Sequence[str]] = {
        "vendor": vendor,
        "site": site,
        "queue": queue,
        "market": market,
        "language": language,
        "policy": policy,
        "error_class": error_class,
        "error_code": error_code,
    }
    return Planned(
        programme,
        measure,
        {name: tuple(sorted(set(values))) for name, values in given.items() if values},
        tuple(sorted(set(control_vendor))),
        (baseline_from, baseline_to),
        (verification_from, verification_to),
        wanted,
        minimum_sample,
    )


Plan = Annotated[Planned, Depends(_planned)]
