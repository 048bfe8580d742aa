"""Agreement among the raters of a large calibration session, against irrCAC."""

import time
from collections.abc import AsyncIterator, Callable
from functools import cache
from statistics import median

import numpy as np
import pandas as pd
from irrCAC.raw import CAC

from bench.figures import Figure
from bench.ground import Ground
from reporting_api.statistics.agreement import AC1, AC2, ALPHA_INTERVAL, ALPHA_NOMINAL, FLEISS, ORDINAL, Coefficient
from reporting_api.statistics.bootstrap import resample
from reporting_api.statistics.ratings import MISSING, Ratings

_CATEGORIES, _RATERS = 5, 10
_COMMON: dict[str, Coefficient] = {
    "gwet": AC1,
    "fleiss": FLEISS,
    "krippendorff": ALPHA_NOMINAL,
    "ordinal gwet": AC2,
    "quadratic krippendorff": ALPHA_INTERVAL,
}
"""What both compute, by irrCAC's weights and method: a quadratic alpha is one of intervals."""
_EVERY: dict[str, Coefficient] = {**ORDINAL, "alpha_interval": ALPHA_INTERVAL}


async def measure(ground: Ground) -> AsyncIterator[Figure]:
    """Coefficients with errors from the bare ratings, and intervals of 1,000 resampled sessions, in turns with irrCAC."""
    items, rounds, replicates = (1_000, 3, 1_000) if ground.quick else (10_000, 15, 1_000)
    await ground.measured(_agree, items)
    ours, theirs, resampled, again = [], [], [], []
    for _ in range(rounds):
        theirs.append(await ground.measured(_irr_cac, items))
        ours.append(await ground.measured(_estimate, items))
        again.append(await ground.measured(_irr_cac_on_drawn_items, items) * replicates)
        resampled.append(await ground.measured(_resample, items, replicates))
    size = f"{items:,} items by {_RATERS} raters"
    yield Figure.at_least(f"Agreement of {size}, five coefficients with errors, against irrCAC", ours, theirs, 1)
    yield Figure.at_least(f"The same from {replicates:,} resampled sessions, seven coefficients", resampled, again, 1)
    yield Figure.below("The same, median", median(resampled), 1, "s")


@cache
def _codes(items: int) -> np.ndarray:
    """Ratings that agree on three of five items, a tenth of them missing."""
    chance = np.random.default_rng(1)
    truth, guess = chance.integers(0, _CATEGORIES, (items, 1)), chance.integers(0, _CATEGORIES, (items, _RATERS))
    codes = np.where(chance.random(guess.shape) < 0.6, truth, guess)
    return np.where(chance.random(guess.shape) < 0.1, MISSING, codes)


@cache
def _frame(items: int) -> pd.DataFrame:
    """The same for irrCAC."""
    codes = _codes(items)
    return pd.DataFrame(np.where(codes == MISSING, np.nan, codes + 1.0))


def _their_values(frame: pd.DataFrame) -> list[float]:
    """In the order of `_COMMON`. Weights are made once for each kind."""
    categories = [each + 1.0 for each in range(_CATEGORIES)]
    of = {weights: CAC(frame, weights=weights, categories=categories) for weights in ("identity", "ordinal", "quadratic")}
    return [
        getattr(of[weights or "identity"], method)()["est"]["coefficient_value"]
        for weights, _, method in (name.rpartition(" ") for name in _COMMON)
    ]


def _our_values(items: int) -> list[float | None]:
    tally = Ratings(_codes(items), _CATEGORIES).tally
    return [coefficient.estimate(tally).value for coefficient in _COMMON.values()]


def _agree(items: int) -> None:
    """Insist that both give the same values; and be warm."""
    _resample(items, 10)
    ours, theirs = _our_values(items), _their_values(_frame(items))
    if [None if each is None else round(each, 5) for each in ours] != [round(each, 5) for each in theirs]:
        raise RuntimeError(f"the product and irrCAC do not agree: {ours} and {theirs}")


def _estimate(items: int) -> float:
    return _seconds(lambda: _our_values(items))


def _irr_cac(items: int) -> float:
    return _seconds(lambda: _their_values(_frame(items)))


def _resample(items: int, replicates: int) -> float:
    return _seconds(lambda: resample(Ratings(_codes(items), _CATEGORIES).tally, _EVERY, replicates=replicates))


def _irr_cac_on_drawn_items(items: int) -> float:
    """One replicate: items drawn with replacement, and the coefficients of them."""
    drawn = np.random.default_rng(2).integers(0, items, items)
    return _seconds(lambda: _their_values(_frame(items).iloc[drawn]))


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
