"""Charts for slow drift: cumulative sums and the exponentially weighted moving average, of one series or of many at once."""

from math import exp, log, sqrt

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_OVERSHOOT = 1.166
"""By how much a discrete sum overshoots: Siegmund's correction of the limit, on both ends of the way."""


def cusum(scores: Floats, allowance: float) -> tuple[Floats, Floats]:
    """The upper and the lower cumulative sum after each score.

    C+ = max(0, C+ + z - k) and C- = min(0, C- + z + k), both from 0. Source: Page, Biometrika 41 (1954) 100-115.

    Args:
        scores: distances from what is expected, in sigmas; time is the last axis.
        allowance: k, what of each score is taken for chance, in sigmas.
    """
    upper, lower = np.zeros_like(scores), np.zeros_like(scores)
    above, below = np.zeros(scores.shape[:-1]), np.zeros(scores.shape[:-1])
    for place in range(scores.shape[-1]):
        above = np.maximum(0.0, above + scores[..., place] - allowance)
        below = np.minimum(0.0, below + scores[..., place] + allowance)
        upper[..., place], lower[..., place] = above, below
    return upper, lower


def cusum_limit(alarms: float, allowance: float) -> float:
    """The limit h at which an upper sum of independent normal scores gives so many false alarms for each score.

    The mean number of scores to a false alarm is (exp(2kb) - 2kb - 1) / 2k², b = h + 1.166.
    Source: Siegmund, Sequential Analysis, 1985, ch. 2.
    """
    wanted = 2 * allowance**2 / alarms
    reach = log(wanted + 1)
    for _ in range(50):
        reach = log(wanted + reach + 1)
    return max(reach / (2 * allowance) - _OVERSHOOT, 0.0)


def ewma(values: Floats, weight: float, start: float = 0.0) -> Floats:
    """The moving average after each value: E = w x + (1 - w) E, from `start`; time is the last axis.

    Source: Roberts, Technometrics 1 (1959) 239-250.
    """
    averages = np.zeros_like(values)
    average = np.full(values.shape[:-1], start)
    for place in range(values.shape[-1]):
        average = weight * values[..., place] + (1 - weight) * average
        averages[..., place] = average
    return averages


def ewma_sigma(weight: float, after: int) -> float:
    """The standard deviation of the average after so many independent values of standard deviation 1.

    √(w / (2 - w) (1 - (1 - w)^2i)). Source: Lucas and Saccucci, Technometrics 32 (1990) 1-12.
    """
    return sqrt(weight / (2 - weight) * (1 - exp(2 * after * log(1 - weight)) if weight < 1 else 1.0))
