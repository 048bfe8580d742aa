"""How often verdicts on plans, and the leaders of decompositions, are wrong: simulated, with fixed seeds."""

import time
from collections.abc import AsyncIterator

import numpy as np
import numpy.typing as npt

from bench.figures import Figure
from bench.ground import Ground
from reporting_api.statistics.decomposition import find_leading
from reporting_api.statistics.effects import Comparison, Judgement, Series, bounds, judge, log_ratio
from reporting_api.statistics.segments import Segment, Table

Floats = npt.NDArray[np.float64]

WANTED = 0.5
_BASELINE, _WINDOW, _LONGEST = 8, 4, 12
"""Weeks: before, in the window, and in the longest one that it may be extended to while nothing is decided."""
_RATE, _CONTROL, _SHOCK = 0.12, 2000, 0.2
"""Errors before, audits a week in the control, and the spread of the weeks' shocks on the logarithmic scale."""


async def measure(ground: Ground) -> AsyncIterator[Figure]:
    """Verdicts on plans without and with the effect wanted, at one look and at many; leaders of stable and changed programmes."""
    plans, programmes = (200, 50) if ground.quick else (1000, 1000)
    started = time.perf_counter()
    for effect, wrong, name in (
        (0.0, Judgement.EFFECTIVE, "without an effect"),
        (WANTED, Judgement.NOT_EFFECTIVE, "with the effect wanted"),
    ):
        for scope in (50, 150, 500):
            shares = _shares(_verdicts(np.random.default_rng(scope), plans, effect, scope)[:, 0])
            told = ", ".join(f"{each.value} {shares[each]:.1%}" for each in Judgement)
            yield Figure.below(f"{plans:,} plans {name}, {scope} audits a week: {told}. Wrong", 100 * shares[wrong], 2.5, "%")
        looked = _last(_verdicts(np.random.default_rng(7), plans, effect, 150))
        shares = _shares(looked)
        told = ", ".join(f"{each.value} {shares[each]:.1%}" for each in Judgement)
        yield Figure.below(
            f"The same, 150 a week, looked at again each week up to {_LONGEST} while undecided: {told}. Wrong",
            100 * shares[wrong],
            5,
            "%",
        )
    named, right, wrong_ones = _leaders(programmes)
    yield Figure.below(f"{programmes:,} stable programmes of 12 weeks: a decomposition names a leader in", 100 * named, 1, "%")
    doubled = f"{programmes:,} with a rate doubled for four weeks at one site in one queue"
    yield Figure.below(f"{doubled}: another segment comes first in", 100 * wrong_ones, 5, "%")
    yield Figure.below(f"{doubled}: nothing is named in", 100 * (1 - right - wrong_ones), None, "%")
    yield Figure.below("All of it", time.perf_counter() - started, 120, "s")


def _verdicts(rng: np.random.Generator, plans: int, effect: float, scope: int) -> npt.NDArray[np.str_]:
    """By plan and look: the first one when the window ends, then one after each further week."""
    weeks = _BASELINE + _LONGEST
    after = np.arange(weeks) >= _BASELINE

    def group(audits: int, fall: float) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        sizes = rng.poisson(audits, (plans, weeks))
        rates = _RATE * rng.lognormal(-(_SHOCK**2) / 2, _SHOCK, sizes.shape) * np.where(after, 1 - fall, 1)
        return rng.binomial(sizes, np.minimum(rates, 1)), sizes

    of_scope, of_control = group(scope, effect), group(_CONTROL, 0)
    looks = []
    for seen in range(_BASELINE + _WINDOW, weeks + 1):
        found = Comparison(
            *(log_ratio(Series(hits[:, :seen], sizes[:, :seen], after[:seen])) for hits, sizes in (of_scope, of_control))
        )
        intervals = zip(found.value.tolist(), found.reach().tolist(), strict=True)
        looks.append([judge(*bounds(value, reach), WANTED).value for value, reach in intervals])
    return np.array(looks).T


def _last(verdicts: npt.NDArray[np.str_]) -> npt.NDArray[np.str_]:
    """The first verdict of each plan that decides it; undecided where none does."""
    decided = verdicts != Judgement.UNDECIDED.value
    first = np.where(decided.any(axis=1), decided.argmax(axis=1), -1)
    return verdicts[np.arange(len(verdicts)), first]


def _shares(verdicts: npt.NDArray[np.str_]) -> dict[Judgement, float]:
    return {each: float((verdicts == each.value).mean()) for each in Judgement}


_SITES, _QUEUES, _MARKETS = 5, 4, 6


def _leaders(programmes: int) -> tuple[float, float, float]:
    """How often a leader is named where nothing has changed, and how often the right and a wrong one come first where it has."""
    rng = np.random.default_rng(11)
    named = right = wrong = 0
    for _ in range(programmes):
        named += bool(_leading(rng, None))
        changed = Segment(((1, int(rng.integers(_SITES))), (2, int(rng.integers(_QUEUES)))))
        first = _leading(rng, changed)[:1]
        right += first == [changed]
        wrong += first not in ([], [changed])
    return named / programmes, right / programmes, wrong / programmes


def _leading(rng: np.random.Generator, changed: Segment | None) -> list[Segment]:
    weeks = _BASELINE + _WINDOW
    week, site, queue, market = (
        axis.ravel() for axis in np.meshgrid(*map(np.arange, (weeks, _SITES, _QUEUES, _MARKETS)), indexing="ij")
    )
    levels = (2, _SITES, _QUEUES, _MARKETS)
    cases = Table(weeks, levels, week, np.stack([site // 3, site, queue, market]), rng.poisson(150 / _MARKETS, len(week)))
    rates: Floats = np.array([0.05, 0.06, 0.08, 0.1, 0.12, 0.2])[market]
    rates = rates * rng.lognormal(0, 0.1, (weeks, _SITES, _QUEUES))[week, site, queue]
    if changed is not None:
        rates = np.where(cases.inside(changed) & (week >= _BASELINE), 2 * rates, rates)
    hits = Table(weeks, levels, week, cases.dimensions, rng.binomial(cases.size, np.minimum(rates, 1)))
    return find_leading(hits, cases, _BASELINE)
