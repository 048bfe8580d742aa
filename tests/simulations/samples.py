"""How far naive and weighted rates are from the truth, and how often their intervals hold it, where samples were drawn by risk.

A programme's decisions lie in strata of known size and error rate; a sample of fixed size is drawn from each without replacement.
A domain is a part of the programme that cuts across strata, such as a site. All figures follow from the seeds.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from math import sqrt

import numpy as np
import numpy.typing as npt

from reporting_api.statistics.intervals import quantile, wilson
from reporting_api.statistics.weighted import Drawn, weighted

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Design:
    """Strata, how many are drawn from each, and the part that is asked about."""

    name: str
    sizes: tuple[int, ...]
    rates: tuple[float, ...]
    drawn: tuple[int, ...]
    inside: tuple[float, ...] | None = None
    """The share of each stratum that is in the domain; None: all of it."""


def _moderators() -> Design:
    """Forty moderators of different size and quality, a few audits of each."""
    chance = np.random.default_rng(5)
    sizes, rates, drawn = chance.integers(50, 600, 40), chance.beta(2, 20, 40), chance.integers(3, 12, 40)
    return Design("3 to 11 of each of 40 moderators", tuple(sizes.tolist()), tuple(rates.tolist()), tuple(drawn.tolist()))


BY_RISK, RATES, DRAWN = (20_000, 6_000, 1_500, 400), (0.02, 0.06, 0.15, 0.3), (150, 150, 100, 50)
DESIGNS = (
    Design("four strata by risk", BY_RISK, RATES, DRAWN),
    Design("the same, rare errors", BY_RISK, (0.002, 0.01, 0.05, 0.15), DRAWN),
    Design("the same, a site that cuts across", BY_RISK, RATES, DRAWN, (0.2, 0.3, 0.1, 0.5)),
    Design("few audits of the largest stratum", (50_000, 2_000, 500), (0.01, 0.1, 0.3), (60, 150, 150)),
    Design("35 audits in three strata", (2_000, 300, 100), (0.05, 0.1, 0.3), (15, 10, 10)),
    _moderators(),
    Design("half of it audited as a whole", (300, 200, 40), (0.05, 0.1, 0.3), (100, 100, 40)),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one sample."""

    naive: float
    weighted: float
    intervals: dict[str, Interval]


METHODS = ("naive, Wilson", "weighted, reported", "weighted, Wald", "weighted, Wilson uncapped")


def outcome(seed: int, design: Design) -> Outcome | None:
    """Draw a sample and estimate from it; None where nothing of it lies in the domain."""
    chance = np.random.default_rng([seed, DESIGNS.index(design)])
    sizes, wrong = truth(design)
    cells = []
    for size, drawn, inside, errors in zip(design.sizes, design.drawn, sizes, wrong, strict=True):
        audits = int(chance.hypergeometric(inside, size - inside, drawn)) if inside < size else drawn
        found = int(chance.hypergeometric(errors, inside - errors, audits)) if audits else 0
        cells.append(Drawn(drawn / size, drawn, audits, found))
    estimate = weighted(cells)
    audits, errors = sum(cell.audits for cell in cells), sum(cell.errors for cell in cells)
    naive = wilson(errors, audits)
    if estimate.rate is None or estimate.error is None or estimate.interval is None or naive is None:
        return None
    rate, reach = estimate.rate, quantile() * estimate.error
    plugged = rate * (1 - rate) / estimate.error**2 if estimate.error else audits
    intervals = naive, estimate.interval, (rate - reach, rate + reach), wilson(rate * plugged, plugged) or (0, 1)
    return Outcome(errors / audits, rate, dict(zip(METHODS, intervals, strict=True)))


def truth(design: Design) -> tuple[list[int], list[int]]:
    """The decisions in the domain and the wrong ones among them, by stratum."""
    inside = design.inside or (1.0,) * len(design.sizes)
    sizes = [round(size * share) for size, share in zip(design.sizes, inside, strict=True)]
    return sizes, [round(size * rate) for size, rate in zip(sizes, design.rates, strict=True)]


def simulate(draws: int, processes: int) -> Iterator[str]:
    """Tables in Markdown, a line at a time."""
    bias, coverage = [], []
    with ProcessPoolExecutor(processes) as pool:
        for design in DESIGNS:
            sizes, wrong = truth(design)
            rate = sum(wrong) / sum(sizes)
            found = [each for each in pool.map(partial(outcome, design=design), range(draws), chunksize=50) if each is not None]
            bias.append(_line([design.name, f"{rate:.2%}", *_errors(found, rate)]))
            coverage.append(_line([design.name, *(_covered([each.intervals[name] for each in found], rate) for name in METHODS)]))
    yield from _heading("Sample", "True error rate", "Naive, on average", "Weighted, on average", "Bias", "Monte Carlo error")
    yield from bias
    yield from _heading("Intervals that hold the truth (mean width)", *METHODS)
    yield from coverage


def _errors(found: Sequence[Outcome], rate: float) -> list[str]:
    naive, estimates = (np.array([getattr(each, name) for each in found]) for name in ("naive", "weighted"))
    bias, error = float(estimates.mean()) - rate, _deviation(estimates) / sqrt(len(found))
    return [f"{naive.mean():.2%}", f"{estimates.mean():.2%}", f"{bias:+.3%}", f"{error:.3%}"]


def _deviation(values: npt.NDArray[np.float64]) -> float:
    return float(values.std(ddof=1))


def _covered(intervals: Sequence[Interval], rate: float) -> str:
    held = sum(low <= rate <= high for low, high in intervals) / len(intervals)
    width = sum(high - low for low, high in intervals) / len(intervals)
    return f"{held:.1%} ({width:.3f})"


def _heading(*names: str) -> Iterator[str]:
    yield ""
    yield _line(names)
    yield _line(["---", *["---:"] * (len(names) - 1)])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
