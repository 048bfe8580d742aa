"""Strata as allocation sees them: how many decisions there are, how much they are expected to differ, and what an audit costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, sqrt
from statistics import NormalDist

LEVEL = 0.95
"""The confidence level, unless another is asked for."""

PRIOR_AUDITS = 30.0
"""How many audits the overall rate counts as, beside a stratum's own past audits."""


@dataclass(frozen=True, slots=True)
class Stratum:
    """One stratum of a period.

    Its spread is taken from the first of these that is there: `deviation`, `rate`, past `audits` with their `errors`.
    """

    size: int
    """Decisions."""
    minimum: int = 0
    """Audits wanted at least."""
    audits: int = 0
    """Made in the past."""
    errors: int = 0
    """Among those."""
    rate: float | None = None
    """The error rate that is expected, between 0 and 1."""
    deviation: float | None = None
    """The standard deviation that is expected, with the divisor N - 1 (S in the literature)."""
    minutes: float = 0.0
    """That one audit takes."""

    def __post_init__(self) -> None:
        """Hold the ranges.

        Raises:
            ValueError: If a count is negative, there are more errors than audits, a rate is no share, or the rest is negative.
        """
        counts = self.size, self.minimum, self.audits, self.errors
        if min(counts) < 0:
            raise ValueError("A stratum's counts cannot be negative.")
        if self.errors > self.audits:
            raise ValueError("A stratum has no more errors than audits.")
        if self.rate is not None and not 0 <= self.rate <= 1:
            raise ValueError("An error rate lies between 0 and 1.")
        if not (0 <= self.minutes < inf and (self.deviation is None or 0 <= self.deviation < inf)):
            raise ValueError("Minutes and deviations are finite and not negative.")

    @property
    def least(self) -> int:
        """The minimum, as far as there is so much to audit."""
        return min(self.minimum, self.size)


def rates(strata: Sequence[Stratum]) -> list[float]:
    """The error rates that are expected, one for each stratum.

    Without a `rate` of its own, a stratum's past rate is drawn towards that of all past audits, which counts as `PRIOR_AUDITS`:
    (errors + m r) / (audits + m), the mean of the beta posterior. So a stratum without an error yet is not taken for faultless.
    The overall rate is (errors + 1/2) / (audits + 1), which is 1/2, the widest, where nothing was audited yet.
    """
    overall = (sum(each.errors for each in strata) + 0.5) / (sum(each.audits for each in strata) + 1)
    return [
        (each.errors + PRIOR_AUDITS * overall) / (each.audits + PRIOR_AUDITS) if each.rate is None else each.rate
        for each in strata
    ]


def deviations(strata: Sequence[Stratum]) -> list[float]:
    """The standard deviations S that are expected, one for each stratum.

    For a rate p of N decisions, S² = p (1 - p) N / (N - 1). Source: Cochran, Sampling Techniques, 3rd ed. 1977, 3.2.
    """
    return [
        sqrt(rate * (1 - rate) * each.size / max(each.size - 1, 1)) if each.deviation is None else each.deviation
        for each, rate in zip(strata, rates(strata), strict=True)
    ]


def squares(strata: Sequence[Stratum]) -> list[float]:
    """N² S² of each stratum, what the variance of the overall rate is made of: Σ N² S²/n, but for what does not depend on n.

    A trace of the size is left even where no spread is expected, so that such strata come last and still in order.
    """
    return [(each.size * max(spread, 1e-6)) ** 2 for each, spread in zip(strata, deviations(strata), strict=True)]


def two_sided(level: float) -> float:
    """The two-sided standard normal quantile of a confidence level: 1.96 for .95.

    Raises:
        ValueError: If the level is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise ValueError("A confidence level lies between 0 and 1, both excluded.")
    return NormalDist().inv_cdf((1 + level) / 2)


def not_negative(number: float) -> None:
    """Refuse less than nothing.

    Raises:
        ValueError: If the number is negative.
    """
    if number < 0:
        raise ValueError("A number of audits or minutes cannot be negative.")


def positive(number: float) -> None:
    """Refuse nothing, and what has no end.

    Raises:
        ValueError: If the number is not positive, or not finite.
    """
    if not 0 < number < inf:
        raise ValueError("A half width or a difference is more than 0.")


@dataclass(frozen=True, slots=True)
class Expected:
    """What can be said of the error rate after so many audits, as far as it can be known before them."""

    strata: tuple[float | None, ...]
    """Half the width of each stratum's interval; None where nothing is audited."""
    overall: float | None
    """Half the width of the interval of the stratified estimate over the strata that are audited; None without any."""
    covered: float
    """The share of all decisions that those strata hold. What the others hold is not estimated by the sample at all."""


def expected(strata: Sequence[Stratum], numbers: Sequence[int], level: float = LEVEL) -> Expected:
    """The precision to expect of `numbers` audits in each stratum.

    Half widths are z √((1 - n/N) S²/n) in a stratum and z √(Σ W² (1 - n/N) S²/n) overall, W being its share of the decisions.
    They rest on the normal approximation: with few errors, the interval that is reported later is wider on one side.
    Source: Cochran 1977, 5.3 and 5.6.
    """
    z = two_sided(level)
    variances = [
        (1 - number / each.size) * spread**2 / number if number else None
        for each, spread, number in zip(strata, deviations(strata), numbers, strict=True)
    ]
    covered = sum(each.size for each, variance in zip(strata, variances, strict=True) if variance is not None)
    total = sum(each.size for each in strata)
    squares = sum(
        (each.size / covered) ** 2 * variance for each, variance in zip(strata, variances, strict=True) if variance is not None
    )
    return Expected(
        tuple(None if variance is None else z * sqrt(variance) for variance in variances),
        z * sqrt(squares) if covered else None,
        covered / total if total else 0.0,
    )
