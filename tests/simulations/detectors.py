"""How often detectors are wrong in stable programmes, and how soon they find what has become worse, beside plain p-charts.

A programme has 2 vendors with 5 sites, 4 queues and 2 markets, some 2,000 audits a week and six error codes in three classes.
All figures follow from the seeds.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from statistics import median

import numpy as np
import numpy.typing as npt

from reporting_api.statistics.cells import Codes, segments_of
from reporting_api.statistics.watch import BASELINE, Chart, Counts, Plan, watch

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

SITES = ((0, 0), (0, 1), (0, 2), (1, 3), (1, 4))
"""Vendor and site."""
LEAVES = np.array([(*site, queue, market) for site in SITES for queue in range(4) for market in range(2)])
CLASS_OF = (0, 0, 1, 1, 2, 2)
RATES = (0.02, 0.005, 0.025, 0.004, 0.035, 0.012)
"""Of the codes: one in ten audits is wrong."""
FAMILIES: tuple[tuple[int, ...], ...] = ((), *((each,) for each in range(3)), *((CLASS_OF[code], code) for code in range(6)))
KIN = np.array([[one[: len(other)] == other or other[: len(one)] == one for other in FAMILIES] for one in FAMILIES])
BROAD = np.array([len(family) <= 1 for family in FAMILIES])

SCATTERS = (("binomial", 0.0), ("scattered by 5 %", 0.05), ("scattered by 10 %", 0.1))
"""By which share rates wander from week to week, beyond chance."""
YEAR = 52
BEFORE, AFTER = 20, 26
"""Weeks before a change, and weeks in which it is looked for."""
ALARMS_A_YEAR = 1.0
"""The default of a programme, which six detectors share."""
PLAN = Plan(dict.fromkeys(Chart, ALARMS_A_YEAR / YEAR / 6))


@dataclass(frozen=True, slots=True)
class Planted:
    """What has become worse in a simulated programme."""

    family: int
    codes: Codes
    factor: float
    """By which the rate is multiplied."""
    ramp: int
    """Weeks until it is reached: 1 for a step."""


def programme(seed: int, weeks: int, scatter: float, planted: Planted | None = None) -> Counts:
    """A programme's audits and errors. `scatter` is by which share rates wander from week to week, beyond chance."""
    chance = np.random.default_rng(seed)
    sizes = chance.lognormal(np.log(45), 0.5, len(LEAVES))
    cases = chance.poisson(np.outer(sizes, chance.lognormal(0, 0.1, weeks)))
    rates = np.array(RATES)[:, None, None] * chance.lognormal(0, 0.3, (len(RATES), len(LEAVES), 1))
    if scatter:
        # Whole sites and queues have good and bad weeks, and so has every leaf.
        for places in ([site for _, site, *_ in LEAVES.tolist()], LEAVES[:, 2].tolist(), range(len(LEAVES))):
            wander = chance.lognormal(0, scatter, (len(CLASS_OF), max(places) + 1, weeks))
            rates = rates * wander[:, list(places)]
    if planted is not None:
        family = FAMILIES[planted.family]
        of = [code for code in range(len(RATES)) if not family or (family[0] == CLASS_OF[code] and family[1:] in {(), (code,)})]
        inside = _inside(planted.codes)
        growth = 1 + (planted.factor - 1) * np.clip((np.arange(weeks) - BEFORE + 1) / planted.ramp, 0, 1)
        rates[np.ix_(np.array(of), np.flatnonzero(inside))] *= growth
    codes = chance.binomial(cases, np.minimum(rates, 0.5)).astype(float)
    classes = [sum(codes[code] for code in range(6) if CLASS_OF[code] == each) for each in range(3)]
    hits = np.stack([codes.sum(axis=0), *classes, *codes])
    return Counts(LEAVES, cases.astype(float), hits, KIN, BROAD, owners=(0, 1))


def _inside(codes: Codes) -> npt.NDArray[np.bool_]:
    inside = np.ones(len(LEAVES), dtype=bool)
    for dimension, code in codes:
        inside &= LEAVES[:, dimension] == code
    return inside


def p_chart(k: Floats, n: Floats) -> Flags:
    """Which weeks of each series are above the upper limit of a plain p-chart: three binomial sigmas over all weeks before."""
    base_k, base_n = np.cumsum(k, axis=-1) - k, np.cumsum(n, axis=-1) - n
    share = np.divide(base_k, base_n, out=np.zeros_like(base_k), where=base_n > 0)
    limit = share + 3 * np.sqrt(share * (1 - share) / np.maximum(n, 1))
    above: Flags = (k > limit * n) & (base_n > 0) & (n > 0)
    above[..., :BASELINE] = False
    return above


def begins(above: Flags) -> Flags:
    """The weeks in which runs of weeks above a limit begin: each is one alarm."""
    before = np.concatenate([np.zeros_like(above[..., :1]), above[..., :-1]], axis=-1)
    return np.asarray(above & ~before)


def planted_of(seed: int, factor: float, ramp: int) -> Planted:
    """A change in a kind of error and a segment drawn at random: a pair of dimensions, one, or the whole programme."""
    chance = np.random.default_rng([seed, 1])
    segments = segments_of(LEAVES)
    width = chance.choice(3, p=(0.1, 0.45, 0.45))
    segment = int(chance.choice(np.flatnonzero(segments.width == width)))
    return Planted(int(chance.integers(1, 4)), segments.codes[segment], factor, ramp)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one programme: for each method, the weeks of its alarms, and whether the first one named the right place."""

    weeks: dict[str, tuple[int, ...]]
    right: bool | None = None


NAMES = {
    Chart.SHEWHART: "by the control chart",
    Chart.CUSUM: "by cumulative sums",
    Chart.EWMA: "by the moving average",
}
METHODS = ("detectors", *NAMES.values(), "p-chart of all errors", "p-chart of every series")


def stable(seed: int, scatter: float) -> Outcome:
    """The alarms in a year of a programme in which nothing changes."""
    counts = programme(seed, YEAR, scatter)
    episodes = watch(counts, PLAN)
    segments = segments_of(counts.leaves)
    k, n = segments.sums(counts.hits), segments.sums(counts.cases)[None]
    above = begins(p_chart(k, np.broadcast_to(n, k.shape)))
    return Outcome(
        {
            "detectors": tuple(each.raised for each in episodes),
            **{name: tuple(each.raised for each in episodes if each.chart is chart) for chart, name in NAMES.items()},
            "p-chart of all errors": tuple(np.flatnonzero(above[0, 0])),
            "p-chart of every series": tuple(np.argwhere(above)[:, 2]),
        }
    )


def worsened(seed: int, scatter: float, factor: float, ramp: int) -> Outcome:
    """The alarms about a change from the week in which it begins on, in what it has a part in."""
    planted = planted_of(seed, factor, ramp)
    counts = programme(seed, BEFORE + AFTER, scatter, planted)
    inside = _inside(planted.codes)
    kin = KIN[planted.family]
    episodes = [
        each for each in watch(counts, PLAN) if each.raised >= BEFORE and kin[each.family] and (each.inside & inside).any()
    ]
    segments = segments_of(counts.leaves)
    k, n = segments.sums(counts.hits), segments.sums(counts.cases)[None]
    above = begins(p_chart(k, np.broadcast_to(n, k.shape)))
    above[:, :, :BEFORE] = False
    touched = segments.sums(inside[:, None].astype(float))[:, 0] > 0
    return Outcome(
        {
            "detectors": tuple(each.raised for each in episodes),
            **{name: tuple(each.raised for each in episodes if each.chart is chart) for chart, name in NAMES.items()},
            "p-chart of all errors": tuple(np.flatnonzero(above[0, 0])),
            "p-chart of every series": tuple(sorted(np.argwhere(above[np.ix_(kin, touched)])[:, 2])),
        },
        right=bool(episodes) and bool((episodes[0].inside == inside).all()) and episodes[0].family == planted.family,
    )


def _stable_row(name: str, outcomes: Sequence[Outcome], method: str) -> tuple[str, ...]:
    found = [len(outcome.weeks[method]) for outcome in outcomes]
    years = len(outcomes) * (YEAR - BASELINE) / YEAR
    return name, method, f"{sum(found) / years:.2f}", f"{sum(each > 0 for each in found) / len(found):.1%}"


def _worsened_row(name: str, outcomes: Sequence[Outcome], method: str) -> tuple[str, ...]:
    delays = [min(outcome.weeks[method]) - BEFORE + 1 for outcome in outcomes if outcome.weeks[method]]
    within = [f"{sum(delay <= weeks for delay in delays) / len(outcomes):.0%}" for weeks in (1, 4, 13, AFTER)]
    right = f"{sum(bool(each.right) for each in outcomes) / max(len(delays), 1):.0%}" if method == "detectors" else ""
    return name, method, *within, f"{median(delays):g}" if delays else "", right


def simulate(programmes: int, processes: int) -> Iterator[str]:
    """Tables in Markdown, a line at a time."""
    seeds = range(programmes)
    with ProcessPoolExecutor(processes) as pool:

        def run(work: Callable[..., Outcome], *arguments: float, seeds: Sequence[int] = seeds) -> list[Outcome]:
            return list(pool.map(partial(_called, work, arguments), seeds, chunksize=10))

        yield from _heading("Stable programmes, a year each", "", "False alarms a year", "Programmes with any")
        for name, scatter in SCATTERS:
            outcomes = run(stable, scatter)
            for method in METHODS:
                yield _line(_stable_row(name, outcomes, method))
        columns = ("1 week", "4 weeks", "13 weeks", f"{AFTER} weeks", "Median, where found", "Right place and kind")
        yield from _heading("Rate that becomes worse", "Found within", *columns)
        steps = ((f"x {factor:g} at once", factor, 1) for factor in (1.5, 2.0, 3.0))
        for place, (name, factor, ramp) in enumerate((*steps, ("x 2 over 13 weeks", 2.0, 13))):
            outcomes = run(worsened, 0.05, factor, ramp, seeds=seeds if ramp > 1 else seeds[place::3])
            for method in METHODS:
                yield _line(_worsened_row(name, outcomes, method))


def _called(work: Callable[..., Outcome], arguments: tuple[float, ...], seed: int) -> Outcome:
    return work(seed, *arguments)


def _heading(*names: str) -> Iterator[str]:
    yield ""
    yield _line(names)
    yield _line(["---", "---", *["---:"] * (len(names) - 2)])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
