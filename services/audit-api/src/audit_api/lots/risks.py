"""What a plan risks: how often it accepts lots of a given quality, and so how often it is wrong on either side.

Up to an AQL of 10 errors are counted by decision, and the binomial distribution holds for a long series of lots; beyond that they
are counted per hundred decisions, and the Poisson distribution does. Of one lot of known size, the hypergeometric one holds.
Source: MIL-STD-105E, 4.11 and tables V to VII, X; Duncan, Quality Control and Industrial Statistics, 5th ed. 1986, ch. 7.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, inf, lgamma, log, log1p

from audit_api.lots.standard import Plan
from tallystick.schemas.lot import CurvePoint

LTPD = 0.1
"""With which probability a lot of the limiting quality (LTPD) is still accepted."""
_DEFECTS_FROM = 10.0
"""AQLs above are errors per hundred decisions, of which one decision may have several."""
_EXACT = 1e-12
_HALVINGS = 60


@dataclass(frozen=True, slots=True)
class Risks:
    """How often a plan is wrong on either side."""

    producers_risk: float
    """The share of lots exactly at the AQL that is rejected nevertheless: the vendor's risk."""
    consumers_quality: float
    """The error rate at which one lot in ten is still accepted (LTPD): the client's risk."""


def accepted(plan: Plan, rate: float, *, defects: bool = False) -> float:
    """The probability that a lot is accepted out of a long series with an error rate: P(errors < Re).

    Args:
        plan: with n and Re.
        rate: errors per decision.
        defects: whether a decision may have several errors: Poisson in place of binomial.

    Raises:
        ValueError: If the rate is negative, or more than 1 where it is a share.
    """
    if not 0 <= rate <= (inf if defects else 1) or rate == inf:
        raise ValueError("An error rate is a share, and errors per decision are not negative.")
    if defects:
        return _sum(
            -plan.sample * rate + count * _log(plan.sample * rate) - lgamma(count + 1) if count else -plan.sample * rate
            for count in range(plan.reject)
        )
    if rate == 1:
        return 1.0 if plan.sample < plan.reject else 0.0
    return _sum(
        _choices(plan.sample, count) + (count * _log(rate) if count else 0.0) + (plan.sample - count) * log1p(-rate)
        for count in range(min(plan.reject, plan.sample + 1))
    )


def accepted_lot(plan: Plan, size: int, errors: int) -> float:
    """The probability that one lot of known size with so many errors is accepted: hypergeometric.

    Raises:
        ValueError: If the lot is smaller than the sample, or the errors are not a part of it.
    """
    if plan.sample > size or not 0 <= errors <= size:
        raise ValueError("The sample and the errors are parts of the lot.")
    all_samples = _choices(size, plan.sample)
    least = max(plan.sample - (size - errors), 0)
    return _sum(
        _choices(errors, count) + _choices(size - errors, plan.sample - count) - all_samples
        for count in range(least, min(plan.reject, errors + 1, plan.sample + 1))
    )


def curve(plan: Plan, rates: Sequence[float], *, defects: bool = False) -> list[CurvePoint]:
    """The operating-characteristic curve at some error rates."""
    return [CurvePoint(error_rate=rate, acceptance=accepted(plan, rate, defects=defects)) for rate in rates]


def risks(plan: Plan, aql: float, size: int | None = None) -> Risks:
    """Both sides' risks: of a series of lots, or, with a size, of one lot.

    In one lot there are whole errors: at the AQL as many as it allows at most, and the limiting quality is the first share of
    errors that is accepted with a probability of .1 at most; 1 if there is none.
    """
    if size is None:
        defects = aql > _DEFECTS_FROM
        return Risks(1 - accepted(plan, aql / 100, defects=defects), limiting_rate(plan, defects=defects))
    allowed = min(int(size * aql / 100 + _EXACT), size)
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if accepted_lot(plan, size, middle) <= LTPD + _EXACT else (middle + 1, high)
    return Risks(1 - accepted_lot(plan, size, allowed), low / size)


def limiting_rate(plan: Plan, probability: float = LTPD, *, defects: bool = False) -> float:
    """The error rate at which lots are accepted with a probability; by halving, as acceptance only falls with the rate.

    Raises:
        ValueError: If the probability is not between 0 and 1.
    """
    if not 0 < probability < 1:
        raise ValueError("A probability lies between 0 and 1, both excluded.")
    low, high = 0.0, 1.0
    while defects and accepted(plan, high, defects=True) > probability:
        high *= 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if accepted(plan, middle, defects=defects) > probability else (low, middle)
    return (low + high) / 2


def _choices(whole: int, part: int) -> float:
    """The logarithm of the ways to choose."""
    return lgamma(whole + 1) - lgamma(part + 1) - lgamma(whole - part + 1)


def _log(value: float) -> float:
    return log(value) if value > 0 else -inf


def _sum(logarithms: Iterable[float]) -> float:
    """The sum of probabilities given by their logarithms."""
    return min(sum(exp(each) for each in logarithms), 1.0)
