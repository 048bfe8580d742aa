"""Scores of proportions: how far one is from another, as a standard normal value."""

from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


def roots(k: Counts | Floats, n: Counts | Floats, base_k: Counts | Floats, base_n: Counts | Floats) -> Floats:
    """The signed root of the likelihood ratio of `k/n` against `base_k/base_n`; 0 where either is empty."""
    gain = likelihood(k, n) + likelihood(base_k, base_n) - likelihood(k + base_k, n + base_n)
    sign = np.sign(share(k, n) - share(base_k, base_n))
    return np.where((n > 0) & (base_n > 0), sign * np.sqrt(2 * np.maximum(gain, 0)), 0.0)


def normal(t: Floats, freedom: Floats) -> Floats:
    """The normal score that is as probable as a score of Student's t: √(f ln(1 + t²/f)) (8f + 1) / (8f + 3).

    Source: Wallace, Annals of Mathematical Statistics 30 (1959) 1124-1130.
    """
    finite = np.where(np.isfinite(freedom), freedom, 1.0)
    near = np.sign(t) * np.sqrt(finite * np.log1p(t**2 / finite)) * (8 * finite + 1) / (8 * finite + 3)
    return np.where(np.isfinite(freedom), near, t)


def upper(chance: float) -> float:
    """What a standard normal value exceeds with this probability."""
    return -NormalDist().inv_cdf(min(chance, 0.5))


def run_limit(needed: int, ways: int, chance: float) -> float:
    """What so many of some weeks have to exceed, so that it happens by chance with this probability."""
    return upper((chance / ways) ** (1 / needed))


def share(k: Counts | Floats, n: Counts | Floats) -> Floats:
    """Hits over cases; 0 without cases."""
    return np.divide(k, n, out=np.zeros(np.broadcast(k, n).shape), where=n > 0)


def likelihood(k: Counts | Floats, n: Counts | Floats) -> Floats:
    """The greatest log-likelihood of so many hits among so many cases, but for what depends on the counts alone."""
    part = share(k, n)
    return _xlogy(k, part) + _xlogy(n - k, 1 - part)


def _xlogy(x: Counts | Floats, y: Floats) -> Floats:
    logarithm: Floats = np.log(y, out=np.zeros_like(y), where=(x > 0) & (y > 0))
    return logarithm * x
