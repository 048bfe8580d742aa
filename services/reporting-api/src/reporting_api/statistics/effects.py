"""The effect of a measure taken: a rate before and after in its scope, against the rest as control.

The effect is the ratio of two ratios, of the rate after to the rate before in the scope and in the control; 1 less it is the
reduction. Its logarithm is close to normal. Weeks vary by more than chance, so the variance of each group's log ratio is
multiplied by the group's dispersion, Pearson's chi-squared of its weeks over its degrees of freedom (quasi-likelihood:
Wedderburn 1974, Biometrika 61:439; McCullagh and Nelder 1989, Generalized Linear Models, 4.5), and the quantile is Student's t
for the degrees of freedom of the sum (Satterthwaite 1946, Biometrics Bulletin 2:110). All of it works on arrays too: the last
axis is the weeks, the others are plans that are judged together.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import ceil, log

import numpy as np
import numpy.typing as npt

from reporting_api.statistics.intervals import t_quantile

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

LEVEL = 0.97
"""The confidence level of a verdict's interval: above that of other intervals, because a plan is looked at more than once, and
because the normal law is a little too sure of itself where weeks vary and errors are few."""

MOST_WEEKS = 520
"""Further weeks after which a verdict is not looked for any more."""


class Judgement(StrEnum):
    """What an interval says of a reduction that was wanted."""

    EFFECTIVE = "effective"
    """It lies above 0, and what was wanted is not below it: there is an effect, and it is not shown to fall short."""
    NOT_EFFECTIVE = "not_effective"
    """It lies below what was wanted: what was wanted was not reached."""
    UNDECIDED = "undecided"
    """It holds both 0 and what was wanted."""


@dataclass(frozen=True, slots=True)
class Series:
    """Hits among cases of one group, week by week, in both windows."""

    hits: Counts
    sizes: Counts
    after: npt.NDArray[np.bool_]
    """Which of the weeks belong to the second window."""

    def summed(self, *, after: bool) -> tuple[Counts, Counts]:
        """Hits and cases of one window."""
        mask = self.after == after
        return self.hits[..., mask].sum(axis=-1), self.sizes[..., mask].sum(axis=-1)


@dataclass(frozen=True, slots=True)
class LogRatio:
    """The logarithm of the ratio of a group's rate after to that before."""

    value: Floats
    before: Floats
    """The part of its variance that the cases before are the reason of, without dispersion."""
    after: Floats
    dispersion: Floats
    """A ratio of variances, at least 1."""
    freedom: Floats
    """Degrees of freedom of the dispersion."""

    @property
    def variance(self) -> Floats:
        """Dispersion included."""
        return self.dispersion * (self.before + self.after)


def log_ratio(series: Series) -> LogRatio:
    """The log ratio of a group with cases in both windows.

    Half a hit is added to each window, which takes the bias out and gives windows without hits an interval (Pettigrew, Gart and
    Thomas 1986, Biometrika 73:425).
    """
    (k_b, n_b), (k_a, n_a) = series.summed(after=False), series.summed(after=True)
    value = np.log((k_a + 0.5) / (n_a + 0.5)) - np.log((k_b + 0.5) / (n_b + 0.5))
    chi, freedom = np.zeros(k_b.shape), np.zeros(k_b.shape)
    for mask, k, n in ((~series.after, k_b, n_b), (series.after, k_a, n_a)):
        hits, sizes = series.hits[..., mask], series.sizes[..., mask]
        level = _divided(k, n)[..., None]
        chi += _divided((hits - sizes * level) ** 2, sizes * level * (1 - level)).sum(axis=-1)
        freedom += np.where((level > 0) & (level < 1), np.maximum((sizes > 0).sum(axis=-1, keepdims=True) - 1, 0), 0)[..., 0]
    dispersion = np.maximum(_divided(chi, freedom), 1.0)
    return LogRatio(value, 1 / (k_b + 0.5) - 1 / (n_b + 1), 1 / (k_a + 0.5) - 1 / (n_a + 1), dispersion, freedom)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A scope beside its control."""

    scope: LogRatio
    control: LogRatio

    @property
    def value(self) -> Floats:
        """The logarithm of the ratio of ratios."""
        return self.scope.value - self.control.value

    @property
    def dispersion(self) -> Floats:
        """Of the whole: by how much overdispersion raises its variance."""
        alone = self.scope.before + self.scope.after + self.control.before + self.control.after
        return (self.scope.variance + self.control.variance) / alone

    def reach(self, longer: float = 1.0) -> Floats:
        """Half the width of the interval of the value, at `LEVEL`; infinite where a group has no weeks that tell its dispersion.

        Args:
            longer: how many times as long the second window would be, at its present rates and cases a week.
        """
        variance, weighed = np.zeros(self.value.shape), np.zeros(self.value.shape)
        known = np.ones(self.value.shape, dtype=bool)
        for group in (self.scope, self.control):
            part = group.dispersion * (group.before + group.after / longer)
            variance = variance + part
            weighed = weighed + _divided(part**2, group.freedom)
            known &= group.freedom > 0
        freedom = np.floor(np.where(known, _divided(variance**2, weighed), 1))
        t = np.vectorize(t_quantile, otypes=[np.float64])(np.maximum(freedom, 1).astype(int), LEVEL)
        return np.where(known, t * np.sqrt(variance), np.inf)


def judge(low: float, high: float, wanted: float) -> Judgement:
    """What the interval of a reduction says.

    Without an effect an interval lies above 0 with half the probability that `LEVEL` leaves, and so it lies below the effect
    wanted where that, or a greater one, is there. An effect between the two can be judged either way; the more cases, the surer
    not effective.
    """
    if high < wanted:
        return Judgement.NOT_EFFECTIVE
    return Judgement.EFFECTIVE if low > 0 else Judgement.UNDECIDED


def bounds(value: float, reach: float) -> tuple[float, float]:
    """The interval of the reduction of which the log ratio of ratios has this interval."""
    return 1 - float(np.exp(value + reach)), 1 - float(np.exp(value - reach))


def further_weeks(found: Comparison, wanted: float, weeks: int) -> int | None:
    """After how many further weeks like those of the second window one plan is judged, if its rates stay as they are.

    None where no number of weeks does it, because the cases before, or the control's, are too few.

    Args:
        found: of one plan.
        wanted: the reduction.
        weeks: that the second window has cases in.
    """
    value = float(found.value)
    enough = max(-value, value - log(1 - wanted) if wanted < 1 else 0.0)
    return next(
        (more for more in range(1, MOST_WEEKS + 1) if float(found.reach(1 + more / weeks)) < enough),
        None,
    )


def further_cases(weeks: int, of: int, cases: int) -> int:
    """How many cases so many further weeks bring, where `of` weeks brought `cases`."""
    return ceil(weeks * cases / of)


def _divided(top: npt.NDArray[np.generic], bottom: npt.NDArray[np.generic]) -> Floats:
    """Divided where there is something to divide by, 0 elsewhere."""
    shape = np.broadcast_shapes(np.shape(top), np.shape(bottom))
    divided: Floats = np.divide(top, bottom, out=np.zeros(shape), where=np.broadcast_to(bottom, shape) > 0)
    return divided
