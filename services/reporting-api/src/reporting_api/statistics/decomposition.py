"""A change of a rate, taken apart: what each segment of the population contributes by its share and by its rate.

With shares w and rates p of the segments, and P the rate of all, the change from before (b) to after (a) is

    P_a - P_b = sum over segments of  mix + rate
    rate = (w_a + w_b) / 2 * (p_a - p_b)
    mix  = (w_a - w_b) * ((p_a + p_b) / 2 - (P_a + P_b) / 2)

Midpoints leave no interaction over that would belong to neither part (Kitagawa 1955, Journal of the American Statistical
Association 50:1168; Das Gupta 1978, Demography 15:99, shows that with two factors no other form treats both periods alike). The
mean rate that is taken off in `mix` sums to nothing, because the shares sum to 1; it makes the part of a single segment
meaningful: a segment that grows brings the rate up where its own is higher than that of all, and not merely because it grows.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from reporting_api.statistics.intervals import quantile, t_quantile, two_sided, two_sided_t
from reporting_api.statistics.segments import FALSE_ALARM, FEWEST_HITS, MOST, Counts, Segment, Table, cuts, segment_at

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Cells:
    """Hits among cases in one period, by segment (rows) and week (columns). A case belongs to one segment."""

    hits: Counts
    sizes: Counts


@dataclass(frozen=True, slots=True)
class Parts:
    """What each segment contributes to the change of the rate, in the unit of the rate; one value per segment."""

    mix: Floats
    rate: Floats
    total: Floats
    error: Floats
    """The standard error of the total. Overdispersion is in it."""
    share: Floats
    """The segment's share of the cases, the mean of both periods."""
    excess: Floats
    """By how much the total is beyond that of a segment of this size if the change were the same everywhere."""
    excess_error: Floats
    freedom: int
    """Degrees of freedom that the dispersion was estimated with; 0 where there were no weeks to tell, and chance alone counts."""
    dispersion: float | None
    """By how much weekly rates vary beyond chance, as a ratio of variances, at least 1; None where there are no weeks to tell."""

    def reach(self) -> Floats:
        """Half the width of the 95 % intervals of the totals."""
        reached: Floats = self.error * (t_quantile(self.freedom) if self.freedom else quantile())
        return reached

    def chance(self) -> Floats:
        """How probable a total, and an excess, as far from 0 as these would be without a change: the greater of the two."""
        return np.array([self._tail(min(z)) for z in zip(*self._distances(), strict=True)])

    def explained(self) -> Floats:
        """How much of the difference between the changes of all cases each segment explains by being set apart from the rest.

        It is the sum of squares between the segment and the rest, by which regression trees choose where to split (Breiman and
        others 1984, Classification and Regression Trees, 8.4). 0 where the total points the other way than the excess.
        """
        gain = _ratio(self.excess**2, self.share * (1 - self.share))
        return np.where(np.sign(self.total) == np.sign(self.excess), gain, 0.0)

    def _distances(self) -> tuple[Floats, Floats]:
        return _ratio(np.abs(self.total), self.error), _ratio(np.abs(self.excess), self.excess_error)

    def _tail(self, distance: float) -> float:
        return two_sided_t(distance, self.freedom) if self.freedom else two_sided(distance)


def decompose(before: Cells, after: Cells) -> Parts | None:
    """The parts of the change; None where one of the periods has no cases.

    The errors are those of a sample of cases in each period, drawn independently: each case adds to a total by its segment and
    by whether it is a hit, and the variance of these contributions is the total's (the delta method). Shares count as sampled
    too. Weeks that differ by more than chance widen them, by `_Dispersion`.
    """
    k_b, n_b, k_a, n_a = (each.sum(axis=1) for each in (before.hits, before.sizes, after.hits, after.sizes))
    all_b, all_a = int(n_b.sum()), int(n_a.sum())
    if not all_b or not all_a:
        return None
    w_b, w_a = n_b / all_b, n_a / all_a
    rate_b, rate_a = k_b.sum() / all_b, k_a.sum() / all_a
    middle, change = (rate_a + rate_b) / 2, rate_a - rate_b
    share, moved = (w_a + w_b) / 2, w_a - w_b
    total = k_a / all_a - k_b / all_b - moved * middle
    pooled = _ratio(k_b + k_a, n_b + n_a)
    rate = np.where((n_b > 0) & (n_a > 0), share * (_ratio(k_a, n_a) - _ratio(k_b, n_b)), 0.0)
    spread = _Dispersion(before, after)
    error = np.sqrt(
        _variance(k_a, n_a, pooled, 1 - middle, -middle, -moved / 2) * spread.after
        + _variance(k_b, n_b, pooled, -(1 - middle), middle, -moved / 2) * spread.before
    )
    excess_error = np.sqrt(
        _variance(k_a, n_a, pooled, 1 - middle - change / 2, -middle - change / 2, -moved / 2 - share) * spread.after
        + _variance(k_b, n_b, pooled, -(1 - middle) - change / 2, middle - change / 2, -moved / 2 + share) * spread.before
    )
    return Parts(total - rate, rate, total, error, share, total - share * change, excess_error, spread.freedom, spread.ratio)


def _variance(k: Counts, n: Counts, pooled: Floats, hit: float, miss: float, elsewhere: Floats) -> Floats:
    """The variance of a mean over all cases, by segment.

    A hit in the segment counts `hit + elsewhere`, a miss `miss`, a hit in another segment `elsewhere`, a miss there nothing.
    Within the segment it is that of the period's rate or of both periods' together, whichever varies more: few hits in a short
    period must not look like certainty.
    """
    all_k, all_n = int(k.sum()), int(n.sum())
    others = all_k - k
    own = _ratio(k, n)
    k = n * np.where(np.abs(own - 0.5) < np.abs(pooled - 0.5), own, pooled)
    mean = (k * (hit + elsewhere) + (n - k) * miss + others * elsewhere) / all_n
    square = (k * (hit + elsewhere) ** 2 + (n - k) * miss**2 + others * elsewhere**2) / all_n
    return np.maximum(square - mean**2, 0.0) / all_n


class _Dispersion:
    """By how much the weekly rates of segments vary beyond chance, around the rate of their segment and period.

    Cases of one week go together: with a correlation r among them a sum of n varies 1 + (n - 1) r times as much as by chance.
    r is common to all segments and found from Pearson's chi-squared by the method of moments (Williams 1982, Applied Statistics
    31:144). A segment that varies more than that by itself counts with its own ratio of chi-squared to degrees of freedom.
    """

    def __init__(self, before: Cells, after: Cells) -> None:
        chi, freedom, weight = (one + other for one, other in zip(_pearson(before), _pearson(after), strict=True))
        self.freedom = int(freedom.sum())
        self.ratio = max(float(chi.sum() / freedom.sum()), 1.0) if self.freedom else None
        together = float(weight.sum())
        correlation = max(float((chi - freedom).sum()) / together, 0.0) if together > 0 else 0.0
        alone = _ratio(chi, freedom)
        self.before, self.after = (
            np.maximum(1 + correlation * np.maximum(_ratio((each.sizes**2).sum(axis=1), each.sizes.sum(axis=1)) - 1, 0), alone)
            for each in (before, after)
        )


def _pearson(cells: Cells) -> tuple[Floats, Floats, Floats]:
    """Chi-squared of the weeks of each segment, its degrees of freedom, and by how much correlation would raise its mean."""
    k, n = cells.hits, cells.sizes
    size = n.sum(axis=1, keepdims=True)
    level = _ratio(k.sum(axis=1, keepdims=True), size)
    spread = level * (1 - level)
    chi = _ratio((k - n * level) ** 2, n * spread).sum(axis=1)
    counts = spread[:, 0] > 0
    freedom = np.where(counts, np.maximum((n > 0).sum(axis=1) - 1, 0), 0).astype(np.float64)
    weight = (np.maximum(n - 1, 0) * (1 - _ratio(n, size))).sum(axis=1)
    return chi, freedom, np.where(counts, weight, 0.0)


def find_leading(hits: Table, cases: Table, since: int) -> list[Segment]:
    """The segments that explain a change best, each looked for without those before it.

    Of overlapping segments that show one and the same change, the one is named that explains most by being set apart. That is
    greatest for the segment that holds all of a change and nothing else: a wider one dilutes it, a narrower one leaves a part of
    it in the rest. A change that is the same everywhere names none. What counts as certain allows for the search, by
    Bonferroni's bound: where nothing has changed, one search in a hundred names anything at all.

    Args:
        hits: the cases that count, in the dimensions of `cases`.
        cases: all cases of both periods.
        since: the week that the second period begins with.
    """
    found: list[Segment] = []
    while len(found) < MOST and (best := _best(hits, cases, since)) is not None:
        found.append(best)
        hits, cases = hits.without(best), cases.without(best)
    return found


def _best(hits: Table, cases: Table, since: int) -> Segment | None:
    tests = 0
    candidates: list[tuple[float, float, Segment]] = []
    for dimensions, parts, seen, enough in _searched(hits, cases, since):
        tests += seen
        explained, chance = parts.explained(), parts.chance()
        candidates += [
            (float(explained[i]), float(chance[i]), segment_at(dimensions, cases.levels, int(i)))
            for i in np.flatnonzero(enough & (explained > 0))
        ]
    certain = [each for each in candidates if each[1] * tests <= FALSE_ALARM]
    return max(certain, key=lambda each: each[0])[2] if certain else None


def _searched(hits: Table, cases: Table, since: int) -> Iterator[tuple[tuple[int, ...], Parts, int, Flags]]:
    """Each set of dimensions with its parts, how many segments it has, and which have the hits to be judged."""
    for dimensions in cuts(len(cases.levels)):
        k, n = hits.by(dimensions), cases.by(dimensions)
        parts = decompose(Cells(k[:, :since], n[:, :since]), Cells(k[:, since:], n[:, since:]))
        if parts is not None:
            yield dimensions, parts, int(np.count_nonzero(n.any(axis=1))), k.sum(axis=1) >= FEWEST_HITS


def _ratio(top: npt.NDArray[np.generic], bottom: npt.NDArray[np.generic]) -> Floats:
    """Divided where there is something to divide by, 0 elsewhere."""
    shape = np.broadcast_shapes(top.shape, bottom.shape)
    divided: Floats = np.divide(top, bottom, out=np.zeros(shape), where=np.broadcast_to(bottom, shape) > 0)
    return divided
