"""Where in a population something has changed, and where it is concentrated: searches over segments, for binomial counts.

Both compare two proportions by the likelihood ratio: twice the gain in log-likelihood of two proportions over a common one, which
without a difference is distributed as chi-squared with one degree of freedom (Wilks 1938). Its signed root is used as z. The
search over many segments (a scan, as of Kulldorff 1997, Communications in Statistics 26:1481) is paid for by Bonferroni's bound.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from operator import itemgetter

import numpy as np
import numpy.typing as npt

from reporting_api.statistics.intervals import two_sided
from reporting_api.statistics.scores import likelihood, roots, share

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

FALSE_ALARM = 0.01
"""How probable it may be that a search finds anything at all where there is nothing."""
BEFORE = 4
"""Weeks that a step needs before it."""
FEWEST_HITS = 10
"""Hits that a series needs to be searched."""
PRIOR_HITS = 10
"""How much the past of all segments says about the past of one."""
MOST = 5
"""Findings that are looked for in one kind of hits."""


@dataclass(frozen=True, slots=True)
class Table:
    """Counts of cases by week and segment: row `i` counts `size[i]` cases of `week[i]` with the codes `dimensions[:, i]`."""

    weeks: int
    levels: tuple[int, ...]
    """How many codes each dimension has."""
    week: Counts
    dimensions: Counts
    size: Counts

    def without(self, segment: "Segment") -> "Table":
        """The rows outside a segment."""
        keep = ~self.inside(segment)
        return Table(self.weeks, self.levels, self.week[keep], self.dimensions[:, keep], self.size[keep])

    def inside(self, segment: "Segment") -> npt.NDArray[np.bool_]:
        """Which rows belong to a segment."""
        mask = np.ones(len(self.week), dtype=bool)
        for dimension, code in segment.codes:
            mask &= self.dimensions[dimension] == code
        return mask

    def by(self, dimensions: Sequence[int]) -> Counts:
        """Cases by segment (all combinations of the codes of these dimensions, in C order) and week."""
        place = np.zeros(len(self.week), dtype=np.int64)
        segments = 1
        for dimension in dimensions:
            place = place * self.levels[dimension] + self.dimensions[dimension]
            segments *= self.levels[dimension]
        sums = np.bincount(place * self.weeks + self.week, weights=self.size, minlength=segments * self.weeks)
        return sums.astype(np.int64).reshape(segments, self.weeks)


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the population: each dimension (by index) has this code."""

    codes: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Step:
    """A lasting change of the proportion of hits in a segment from one week on."""

    segment: Segment
    week: int
    """The first week of the change."""
    z: float
    """Positive where hits became more frequent. Overdispersion is taken off."""


@dataclass(frozen=True, slots=True)
class Concentration:
    """A segment in which hits are more frequent than elsewhere."""

    segment: Segment
    z: float


def find_steps(hits: Table, cases: Table, searches: int) -> list[Step]:
    """The segments whose proportion of hits has changed, the most certain first, each looked for without those before it.

    Of overlapping segments that show one and the same change, the one that shows it best is named: its rows are taken out, and
    what still stands out afterwards is another change.

    Args:
        hits: the cases that count, such as errors of one code, in the dimensions of `cases`.
        cases: all cases.
        searches: how many kinds of hits are searched in the same report; all of them share one bound on false alarms.
    """
    found: list[Step] = []
    while len(found) < MOST and (best := _best_step(hits, cases, searches)) is not None:
        found.append(best)
        hits, cases = hits.without(best.segment), cases.without(best.segment)
    return found


def _best_step(hits: Table, cases: Table, searches: int) -> Step | None:
    """The step that explains most, among those that are beyond chance."""
    candidates: list[tuple[float, Step]] = []
    tests = 0
    for dimensions in cuts(len(cases.levels)):
        k, n = hits.by(dimensions), cases.by(dimensions)
        tests += int(np.count_nonzero(n.any(axis=1))) * max(cases.weeks - BEFORE, 0)
        rows = np.flatnonzero(k.sum(axis=1) >= FEWEST_HITS)
        if not len(rows) or cases.weeks <= BEFORE:
            continue
        misfit, z, week = _steps(k[rows], n[rows], np.cumsum(hits.by(())[0]), np.cumsum(cases.by(())[0]))
        candidates += [
            (float(misfit[i]), Step(segment_at(dimensions, cases.levels, int(rows[i])), int(week[i]), float(z[i])))
            for i in range(len(rows))
        ]
    certain = [each for each in candidates if two_sided(each[1].z) * tests * searches <= FALSE_ALARM]
    return max(certain, key=itemgetter(0))[1] if certain else None


def _steps(k: Counts, n: Counts, overall_k: Counts, overall_n: Counts) -> tuple[Floats, Floats, Counts]:
    """The best step of each series (rows): its misfit, its z less overdispersion, and its first week.

    The misfit says how badly the proportion before the step explains the weeks since (their size times Kullback and Leibler's
    divergence, 1951). It adds up over the parts of a segment, so it is greatest for the segment that holds all of a change and
    nothing else; z alone would favour a larger one, for the sake of its longer past. The proportion before is drawn towards
    that of all segments, as if `PRIOR_HITS` had been seen there at the common rate: a past of two or three hits says little.
    """
    before_k, before_n = np.cumsum(k, axis=1)[:, :-1], np.cumsum(n, axis=1)[:, :-1]
    after_k, after_n = k.sum(axis=1, keepdims=True) - before_k, n.sum(axis=1, keepdims=True) - before_n
    root = roots(after_k, after_n, before_k, before_n)
    root[:, : BEFORE - 1] = 0
    place = np.argmax(np.abs(root), axis=1)
    rows = np.arange(len(k))
    after = np.arange(k.shape[1]) > place[:, None]
    level = np.where(
        after,
        share(after_k[rows, place], after_n[rows, place])[:, None],
        share(before_k[rows, place], before_n[rows, place])[:, None],
    )
    common = (overall_k[place] + 0.5) / (overall_n[place] + 1)
    past = (before_k[rows, place] + PRIOR_HITS) / (before_n[rows, place] + PRIOR_HITS / common)
    now_k, now_n = after_k[rows, place], after_n[rows, place]
    misfit = likelihood(now_k, now_n) - now_k * np.log(past) - (now_n - now_k) * np.log(1 - past)
    return misfit, root[rows, place] / _dispersion(k, n, level), place + 1


def _dispersion(k: Counts, n: Counts, level: Floats) -> Floats:
    """Laney's sigma of the weekly z around the fitted levels, per series; at least 1."""
    spread = np.sqrt(level * (1 - level) / np.maximum(n, 1))
    z = np.divide(share(k, n) - level, spread, out=np.zeros_like(level), where=(spread > 0) & (n > 0))
    ranges: Floats = np.abs(np.diff(z, axis=1)).mean(axis=1)
    return np.maximum(ranges / 1.128, 1.0)


def find_concentrations(hits: Table, cases: Table, searches: int) -> list[Concentration]:
    """The segments in which hits are more frequent than in the rest, the most certain first, each without those before it."""
    found: list[Concentration] = []
    while len(found) < MOST and (best := _densest(hits, cases, searches)) is not None:
        found.append(best)
        hits, cases = hits.without(best.segment), cases.without(best.segment)
    return found


def _densest(hits: Table, cases: Table, searches: int) -> Concentration | None:
    best: Concentration | None = None
    tests = 0
    for dimensions in cuts(len(cases.levels)):
        k, n = hits.by(dimensions).sum(axis=1), cases.by(dimensions).sum(axis=1)
        tests += int(np.count_nonzero(n))
        z = roots(k, n, k.sum() - k, n.sum() - n)
        z[k < FEWEST_HITS] = -np.inf
        top = int(np.argmax(z))
        if best is None or z[top] > best.z:
            best = Concentration(segment_at(dimensions, cases.levels, top), float(z[top]))
    if best is None or best.z <= 0 or two_sided(best.z) * tests * searches > FALSE_ALARM:
        return None
    return best


def cuts(dimensions: int) -> Iterator[tuple[int, ...]]:
    """Each dimension by itself, and each pair of them."""
    for width in (1, 2):
        yield from combinations(range(dimensions), width)


def segment_at(dimensions: Sequence[int], levels: Sequence[int], place: int) -> Segment:
    """The segment in one row of `Table.by`."""
    codes: list[tuple[int, int]] = []
    for dimension in reversed(dimensions):
        place, code = divmod(place, levels[dimension])
        codes.append((dimension, code))
    return Segment(tuple(reversed(codes)))
