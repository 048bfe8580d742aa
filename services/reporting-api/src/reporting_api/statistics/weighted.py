"""Proportions from samples that were not drawn evenly: every audit counts for as many decisions as it was drawn from.

Audits come counted by the stratum that they were drawn in and the probability that they were drawn with (Horvitz and Thompson
1952, Journal of the American Statistical Association 47:663). A part of the programme may cut across strata: it is a domain, and
its rate a ratio of two estimated totals (Hájek 1971), with the variance of its linear part.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from math import inf, sqrt

from reporting_api.statistics.intervals import quantile, t_quantile, wilson

_ROUNDING = 1e-12


class Reason(StrEnum):
    """Why there is no weighted estimate."""

    NO_AUDITS = "There are no audits to divide by."
    NO_PROBABILITY = "No audit here carries the probability that it was drawn with."


@dataclass(frozen=True, slots=True)
class Drawn:
    """The audits that were drawn in one stratum with one probability, and which of them are asked about."""

    probability: float
    """That a decision of the stratum was drawn: its sampling fraction, above 0 and at most 1."""
    sampled: int
    """Audits in all."""
    audits: int
    """Those in the part that is asked about."""
    errors: int
    """Among these."""

    def __post_init__(self) -> None:
        """Hold the ranges.

        Raises:
            ValueError: If the probability is none, or a part is larger than its whole.
        """
        if not 0 < self.probability <= 1:
            raise ValueError("A probability of being drawn is above 0 and at most 1.")
        if not 0 <= self.errors <= self.audits <= self.sampled:
            raise ValueError("Errors are a part of the audits, and these of the sample.")


@dataclass(frozen=True, slots=True)
class Weighted:
    """An estimated error rate of all decisions that the audits were drawn from, or the reason why there is none."""

    rate: float | None
    error: float | None
    """The standard error."""
    interval: tuple[float, float] | None
    audits: int
    """That it stands on."""
    decisions: float
    """That they stand for: the sum of the weights."""
    wrong: float
    """Of those, as estimated, wrong ones."""
    effective: float | None
    """How many audits drawn evenly would tell as much; None where the whole was audited and nothing is left to chance."""
    reason: Reason | None


def nothing(reason: Reason) -> Weighted:
    """No estimate, and why."""
    return Weighted(None, None, None, 0, 0.0, 0.0, None, reason)


def weighted(drawn: Iterable[Drawn]) -> Weighted:
    """The error rate of the decisions in the part that is asked about: Σ w y / Σ w, each audit with w = 1 / probability.

    The variance is that of a stratified sample without replacement of u = w (y - p) / Σ w, which is 0 for audits outside of the
    part: Σ (1 - f) n/(n - 1) (Σ u² - (Σ u)²/n). A stratum with one audit tells nothing of its own spread; its u² stands for it.
    Source: Särndal, Swensson and Wretman, Model Assisted Survey Sampling, 1992, 5.6, 5.8 and 10.3; Cochran 1977, 5.11.

    The interval is Wilson's for the effective number of audits p (1 - p) / variance, times (z / t)² for the degrees of freedom
    that the variance was estimated with (Korn and Graubard 1998, Survey Methodology 24:193). It is never taken for more than the
    audits themselves, over the share of variance that is left to chance: where a stratum of great weight happens to show no
    error, the estimated variance is far too small. Without any error, or any correct audit, it is Kish's: (Σ w)² / Σ (1 - f) w².

    Args:
        drawn: one for each stratum and probability; those without any audit in the part may be left out.
    """
    cells = [cell for cell in drawn if cell.audits]
    if not cells:
        return nothing(Reason.NO_PROBABILITY)
    decisions = sum(cell.audits / cell.probability for cell in cells)
    wrong = sum(cell.errors / cell.probability for cell in cells)
    rate = min(wrong / decisions, 1.0)
    variance = sum(_variance(cell, rate) for cell in cells) / decisions**2
    effective = _effective(cells, rate, variance, decisions)
    audits = sum(cell.audits for cell in cells)
    bounds = (rate, rate) if effective == inf else wilson(rate * effective, effective)
    return Weighted(rate, sqrt(variance), bounds, audits, decisions, wrong, None if effective == inf else effective, None)


def _variance(cell: Drawn, rate: float) -> float:
    """What a stratum adds to the variance of the sum of w (y - p)."""
    right = cell.audits - cell.errors
    squares = cell.errors * (1 - rate) ** 2 + right * rate**2
    total = cell.errors - rate * cell.audits
    spread = squares if cell.sampled == 1 else cell.sampled / (cell.sampled - 1) * (squares - total**2 / cell.sampled)
    return (1 - cell.probability) * max(spread, 0.0) / cell.probability**2


def _effective(cells: list[Drawn], rate: float, variance: float, decisions: float) -> float:
    """How many audits drawn evenly would tell as much; infinite where nothing is left to chance."""
    squares = sum(cell.audits / cell.probability**2 for cell in cells)
    by_chance = sum((1 - cell.probability) * cell.audits / cell.probability**2 for cell in cells)
    if by_chance < _ROUNDING * squares:
        return inf
    most = sum(cell.audits for cell in cells) * squares / by_chance
    spread = rate * (1 - rate)
    found = decisions**2 / by_chance if spread < _ROUNDING or variance < _ROUNDING * spread else spread / variance
    single = sum(cell.sampled == 1 for cell in cells)
    freedom = sum(cell.sampled - 1 for cell in cells) + max(single - 1, 0)
    return min(found * (quantile() / t_quantile(max(freedom, 1))) ** 2, most)
