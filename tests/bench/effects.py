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

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

WANTED = 0.5
_BASELINE, _WINDOW, _LONGEST = 8, 4, 12
"""Weeks: before, in the window, and in the longest one that it may be extended to while nothing is decided."""
_RATE, _CONTROL, _SHOCK = 0.12, 2000, 0.2
"""Errors before, audits a week in the control, and the spread of the weeks' shocks on the logarithmic scale."""
_LATE, _DELAY, _ASKED = 0.3, 10, 60
"""Of the window's audits, the share that arrives after it and the mean of their days; and for how many days it is asked."""


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
        for scope in (50, 150, 500):
            shares = _shares(_asked_daily(np.random.default_rng([scope, 3]), plans, effect, scope))
            told = ", ".join(f"{each.value} {shares[each]:.1%}" for each in Judgement)
            what = f"{plans:,} plans {name}, {scope} a week, asked each day while undecided and audits arrive late: {told}. Wrong"
            yield Figure.below(what, 100 * shares[wrong], 2.5, "%")
    named, right, wrong_ones = _leaders(programmes)
    yield Figure.below(f"{programmes:,} stable programmes of 12 weeks: a decomposition names a leader in", 100 * named, 1, "%")
    doubled = f"{programmes:,} with a rate doubled for four weeks at one site in one queue"
    yield Figure.below(f"{doubled}: another segment comes first in", 100 * wrong_ones, 5, "%")
    yield Figure.below(f"{doubled}: nothing is named in", 100 * (1 - right - wrong_ones), None, "%")
    yield Figure.below("All of it", time.perf_counter() - started, 120, "s")


def _group(rng: np.random.Generator, plans: int, weeks: int, audits: int, fall: float) -> tuple[Counts, Counts]:
    """Errors and audits by plan and week, with a rate that falls by this share when the window begins."""
    sizes = rng.poisson(audits, (plans, weeks))
    rates = _RATE * rng.lognormal(-(_SHOCK**2) / 2, _SHOCK, sizes.shape) * np.where(_after(weeks), 1 - fall, 1)
    return rng.binomial(sizes, np.minimum(rates, 1)), sizes


def _after(weeks: int) -> npt.NDArray[np.bool_]:
    return np.arange(weeks) >= _BASELINE


def _judged(*groups: tuple[Counts, Counts]) -> list[str]:
    """The verdicts on plans, by errors and audits of the scope and of the control."""
    found = Comparison(*(log_ratio(Series(hits, sizes, _after(hits.shape[1]))) for hits, sizes in groups))
    intervals = zip(found.value.tolist(), found.reach().tolist(), strict=True)
    return [judge(*bounds(value, reach), WANTED).value for value, reach in intervals]


def _verdicts(rng: np.random.Generator, plans: int, effect: float, scope: int) -> npt.NDArray[np.str_]:
    """By plan and look: the first one when the window ends, then one after each further week."""
    weeks = _BASELINE + _LONGEST
    groups = _group(rng, plans, weeks, scope, effect), _group(rng, plans, weeks, _CONTROL, 0)
    seen = range(_BASELINE + _WINDOW, weeks + 1)
    return np.array([_judged(*((hits[:, :last], sizes[:, :last]) for hits, sizes in groups)) for last in seen]).T


def _asked_daily(rng: np.random.Generator, plans: int, effect: float, scope: int) -> npt.NDArray[np.str_]:
    """The verdict that stands of each plan, asked again each day about the same window as long as nothing is decided.

    That is what rca-api does. Only the audits that arrive late tell something new.
    """
    weeks = _BASELINE + _WINDOW
    groups = _group(rng, plans, weeks, scope, effect), _group(rng, plans, weeks, _CONTROL, 0)
    pending = [(_days_late(rng, hits), _days_late(rng, sizes - hits)) for hits, sizes in groups]
    verdicts = np.full(plans, Judgement.UNDECIDED.value, dtype="<U16")
    for day in range(_ASKED + 1):
        open_still = np.flatnonzero(verdicts == Judgement.UNDECIDED.value)
        seen = []
        for late_hits, late_others in pending:
            hits, others = (late[: day + 1, open_still].sum(axis=0) for late in (late_hits, late_others))
            seen.append((hits, hits + others))
        verdicts[open_still] = _judged(*seen)
    return verdicts


def _days_late(rng: np.random.Generator, counts: Counts) -> Counts:
    """Of audits by plan and week, how many arrive on which day after the window's end; all others are there by then (day 0)."""
    late = rng.binomial(counts, np.where(_after(counts.shape[1]), _LATE, 0.0))
    gone = np.exp(-np.arange(_ASKED) / _DELAY)
    days = rng.multinomial(late, np.append(gone[:-1] - gone[1:], gone[-1]))
    return np.concatenate([(counts - late)[None], np.moveaxis(days, -1, 0)])


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
