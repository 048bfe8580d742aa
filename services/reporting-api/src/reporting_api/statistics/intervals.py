"""Intervals of proportions and of their differences."""

from functools import cache
from math import atan, cos, erfc, exp, lgamma, log, pi, sin, sqrt
from statistics import NormalDist

import numpy as np

LEVEL = 0.95
"""The confidence level of every interval that is reported."""


def quantile(level: float = LEVEL) -> float:
    """The two-sided standard normal quantile of a confidence level: 1.96 for .95."""
    return NormalDist().inv_cdf((1 + level) / 2)


_Z = quantile()


def wilson(hits: float, size: float, z: float = _Z) -> tuple[float, float] | None:
    """Wilson's score interval of the proportion `hits / size`; None for a size of 0.

    (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n).
    Source: Wilson 1927; method 3 of Newcombe, Statistics in Medicine 17 (1998) 857-872.
    """
    if size <= 0:
        return None
    share, weight = hits / size, z * z / size
    centre = share + weight / 2
    reach = z * sqrt(share * (1 - share) / size + weight / (4 * size))
    low, high = (centre - reach) / (1 + weight), (centre + reach) / (1 + weight)
    return (0.0 if hits <= 0 else max(low, 0.0)), (1.0 if hits >= size else min(high, 1.0))


def newcombe(hits: float, size: float, other_hits: float, other_size: float) -> tuple[float, float] | None:
    """Newcombe's interval of the difference `hits/size - other_hits/other_size`; None where either size is 0.

    It combines the two Wilson intervals: d - √((p₁-l₁)² + (u₂-p₂)²) to d + √((u₁-p₁)² + (p₂-l₂)²).
    Source: method 10 of Newcombe, Statistics in Medicine 17 (1998) 873-890.
    """
    own, other = wilson(hits, size), wilson(other_hits, other_size)
    if own is None or other is None:
        return None
    return difference_of(hits / size, own, other_hits / other_size, other)


def difference_of(value: float, own: tuple[float, float], other_value: float, other: tuple[float, float]) -> tuple[float, float]:
    """The interval of a difference of two independent estimates by their own intervals, as Newcombe's is made of Wilson's.

    Source: Zou and Donner 2008, Statistics in Medicine 27:1693.
    """
    difference = value - other_value
    below = sqrt((value - own[0]) ** 2 + (other[1] - other_value) ** 2)
    above = sqrt((own[1] - value) ** 2 + (other_value - other[0]) ** 2)
    return difference - below, difference + above


def two_sided(z: float) -> float:
    """The probability that a standard normal value is further from 0 than `z`."""
    return erfc(abs(z) / sqrt(2))


def two_sided_t(t: float, freedom: int) -> float:
    """The probability that Student's t is further from 0 than `t`."""
    return max(1 - _within(abs(t), freedom), 0.0)


@cache
def t_quantile(freedom: int, level: float = LEVEL) -> float:
    """The two-sided quantile of Student's t distribution: 12.706 for one degree of freedom and .95.

    Newton's method from the normal quantile, which is smaller: the distribution function is concave, so no step goes too far.
    """
    t, step = quantile(level), 1.0
    scale = exp(lgamma((freedom + 1) / 2) - lgamma(freedom / 2)) / sqrt(freedom * pi)
    while abs(step) > 1e-12 * t:
        density = 2 * scale * exp(-(freedom + 1) / 2 * log(1 + t * t / freedom))
        step = (level - _within(t, freedom)) / density
        t += step
    return t


def _within(t: float, freedom: int) -> float:
    """The probability that Student's t is between -t and t.

    A finite sum over powers of a cosine. Source: Abramowitz and Stegun 1964, 26.7.3 and 26.7.4.
    """
    odd = freedom % 2
    angle = atan(t / sqrt(freedom))
    places = np.arange(1, freedom // 2)
    terms = np.cumprod((2 * places - 1 + odd) / (2 * places + odd) * cos(angle) ** 2)
    total = (1 + float(terms.sum())) if freedom > 1 else 0.0
    return 2 / pi * (angle + sin(angle) * cos(angle) * total) if odd else sin(angle) * total
