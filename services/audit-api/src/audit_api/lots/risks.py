"""What a plan risks: how often it accepts lots of a given quality, and so how often it is wrong on either side.

Of a long series of lots, as the standard's own curves are: the errors in a sample follow the binomial distribution.
Source: MIL-STD-105E, 4.11 and tables V to VII, X; Duncan, Quality Control and Industrial Statistics, 5th ed. 1986, ch. 7.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, lgamma, log, log1p

from audit_api.lots.standard import Plan
from tallystick.schemas.lot import CurvePoint

LTPD = 0.1
"""With which probability a lot of the limiting quality (LTPD) is still accepted."""
_HALVINGS = 60


@dataclass(frozen=True, slots=True)
class Risks:
    """How often a plan is wrong on either side."""

    producers_risk: float
    """The share of lots exactly at the AQL that is rejected nevertheless: the vendor's risk."""
    consumers_quality: float
    """The error rate at which one lot in ten is still accepted (LTPD): the client's risk."""


def accepted(plan: Plan, rate: float) -> float:
    """The probability that a lot is accepted out of a long series with an error rate: P(errors < Re).

    Raises:
        ValueError: If the rate is no share.
    """
    if not 0 <= rate <= 1:
        raise ValueError("An error rate is a share.")
    if rate in {0, 1}:
        return float(plan.sample * rate < plan.reject)
    logarithms = (
        _choices(plan.sample, count) + count * log(rate) + (plan.sample - count) * log1p(-rate)
        for count in range(min(plan.reject, plan.sample + 1))
    )
    return min(sum(map(exp, logarithms)), 1.0)


def curve(plan: Plan, rates: Sequence[float]) -> list[CurvePoint]:
    """The operating-characteristic curve at some error rates."""
    return [CurvePoint(error_rate=rate, acceptance=accepted(plan, rate)) for rate in rates]


def risks(plan: Plan, aql: float) -> Risks:
    """Both sides' risks."""
    return Risks(1 - accepted(plan, aql / 100), limiting_rate(plan))


def limiting_rate(plan: Plan, probability: float = LTPD) -> float:
    """The error rate at which lots are accepted with a probability; by halving, as acceptance only falls with the rate.

    Raises:
        ValueError: If the probability is not between 0 and 1.
    """
    if not 0 < probability < 1:
        raise ValueError("A probability lies between 0 and 1, both excluded.")
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if accepted(plan, middle) > probability else (low, middle)
    return (low + high) / 2


def _choices(whole: int, part: int) -> float:
    """The logarithm of the ways to choose."""
    return lgamma(whole + 1) - lgamma(part + 1) - lgamma(whole - part + 1)
