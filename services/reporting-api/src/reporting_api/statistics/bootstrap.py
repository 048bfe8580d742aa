"""Intervals by resampling items: the session as it might have come out with other items of the same kind."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from reporting_api.statistics.agreement import Coefficient
from reporting_api.statistics.estimates import ROUNDING, Reason
from reporting_api.statistics.intervals import LEVEL
from reporting_api.statistics.ratings import Floats, Tally

REPLICATES = 2000
"""Sessions that are drawn."""
_CELLS = 2_000_000
"""Numbers that are held at once."""


@dataclass(frozen=True, slots=True)
class Resampled:
    """A coefficient over resampled sessions; without error and interval there is a `reason`."""

    error: float | None
    """The standard deviation over the replicates."""
    interval: tuple[float, float] | None
    """Between the percentiles of the replicates, at the level of all intervals."""
    replicates: int
    """That the coefficient has a value in."""
    reason: Reason | None


def resample(
    tally: Tally, coefficients: Mapping[str, Coefficient], *, replicates: int = REPLICATES, seed: int = 0
) -> dict[str, Resampled]:
    """Percentile intervals of several coefficients over the same resampled sessions.

    Items are drawn with replacement, as many as there are. A replicate is how often each way of rating was drawn, so all
    replicates of a coefficient are a few products of matrices. The same seed gives the same intervals. Replicates without a value
    are left out, unless they are so many that they could hold a whole tail.
    Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, ch. 13.
    """
    items, ways = int(tally.times.sum()), len(tally.times)
    known = {name: coefficient.estimate(tally) for name, coefficient in coefficients.items()}
    values: dict[str, list[Floats]] = {name: [] for name, each in known.items() if each.value is not None and items > 1}
    chance = np.random.default_rng(seed)
    way = np.repeat(np.arange(ways), tally.times.astype(np.intp))
    at_once = max(_CELLS // max(ways, 1), 1)
    for start in range(0, replicates if values else 0, at_once):
        times = np.empty((min(at_once, replicates - start), ways))
        for replicate in times:
            replicate[:] = np.bincount(way[chance.integers(0, items, items)], minlength=ways)
        for name, parts in values.items():
            parts.append(coefficients[name].values(tally, times))
    return {
        name: _summary(np.concatenate(values[name])) if name in values else Resampled(None, None, 0, each.reason)
        for name, each in known.items()
    }


def _summary(values: Floats) -> Resampled:
    known = values[~np.isnan(values)]
    if len(known) < (1 + LEVEL) / 2 * len(values) or len(known) < 2:  # noqa: PLR2004 - a spread takes two
        return Resampled(None, None, len(known), Reason.RARELY_DEFINED)
    if np.ptp(known) < ROUNDING:
        return Resampled(None, None, len(known), Reason.NO_SPREAD)
    low, high = np.quantile(known, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return Resampled(float(known.std(ddof=1)), (float(low), float(high)), len(known), None)
