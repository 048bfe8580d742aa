"""Watching many proportions at once, week by week, for what has become worse: where, since when, and in which kind of hits.

Every proportion is watched in every segment. A week is judged by the calm weeks before it alone: the signed root of the
likelihood ratio of two proportions, which is standard normal while nothing changes and independent of the weeks before
(self-starting charts: Quesenberry, Journal of Quality Technology 23, 1991, 213-224; Hawkins, The Statistician 36, 1987,
299-315), over Laney's sigma of the roots. On these scores run Western Electric's rules, cumulative sums and moving averages,
whose limits are drawn so that all of them together keep to one bound on false alarms.

What is found becomes an episode. Its rows are left out until it ends, so that one change is found once; and all that is said of
a week stands on that week and earlier ones, so that detecting as data arrive is the same as detecting at the end.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

import numpy as np
import numpy.typing as npt

from reporting_api.statistics.cells import Codes, segments_of
from reporting_api.statistics.drift import cusum_limit, ewma_sigma
from reporting_api.statistics.scores import Floats, likelihood, normal, roots, run_limit, share, upper
from reporting_api.statistics.segments import PRIOR_HITS

Flags = npt.NDArray[np.bool_]

BASELINE = 6
"""Calm weeks that a series needs before it is judged."""
WINDOW = 26
"""Weeks that a level is taken from, at most; and how long a change lasts before it is the new level."""
FEWEST_HITS = 5
"""Hits in the weeks that show a change."""
CALM = 3
"""Weeks that have to lie within a sigma of the level before, taken together, for an episode to end."""
_BEYOND = 3.0
"""Sigmas beyond which a week is no part of the level; and that a segment has to show to be named for a change."""
_SHRINK = 10.0
"""How many ranges of its own the sigma of a series needs to count as much as that of all segments of its cut."""
_D2 = 1.128
"""The mean range of two values from a normal distribution, in its standard deviations."""


class Chart(StrEnum):
    """What looks at the scores."""

    SHEWHART = "shewhart"
    CUSUM = "cusum"
    EWMA = "ewma"


class Run(StrEnum):
    """Western Electric's rules, each with a limit that is drawn by the bound on false alarms in place of 3, 2, 1 and 0 sigma."""

    ONE = "one_beyond_limit"
    TWO = "two_of_three"
    FOUR = "four_of_five"
    EIGHT = "eight_in_a_row"


_RUNS = ((Run.ONE, 1, 1, 1), (Run.TWO, 2, 3, 2), (Run.FOUR, 4, 5, 4), (Run.EIGHT, 8, 8, 1))
"""Of each rule: how many of how many weeks, this one among them, and in how many ways the others may lie."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is watched for, and how often it may be wrong."""

    alarms: Mapping[Chart, float]
    """By chart: false alarms a week, over everything it watches."""
    allowance: float = 0.5
    """Of cumulative sums, in sigmas."""
    weight: float = 0.2
    """Of the newest week in moving averages."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Cases by leaf (a combination of codes that occurs) and week, and of each family of hits those among them."""

    leaves: npt.NDArray[np.int64]
    """The codes of each leaf: (leaves, dimensions)."""
    cases: Floats
    """(leaves, weeks)."""
    hits: Floats
    """(families, leaves, weeks)."""
    kin: Flags
    """Which families share hits: (families, families)."""
    broad: Flags
    """Which families are watched for drift: (families,)."""
    owners: tuple[int, ...] = ()
    """Dimensions that are named for a segment wherever all its cases so far have the same code."""


@dataclass(slots=True)
class Episode:
    """A change for the worse, for as long as it lasts. Weeks are indexes."""

    chart: Chart
    rule: str
    family: int
    codes: Codes
    inside: Flags
    """Which leaves belong to it."""
    judged: Flags
    """Those of them that were in no other episode when it was raised: what it is judged by."""
    since: int
    raised: int
    """The week whose data first showed it."""
    level: npt.NDArray[np.int64]
    """The calm weeks before."""
    before: tuple[float, float]
    """Hits and cases of these, of what it is judged by."""
    sigma: float
    """By how much its weekly scores vary beyond chance."""
    strength: float
    """The greatest score of a week, by the level before."""
    last: int
    """The last week that showed it."""
    ended: int | None = None
    """The week after whose data it was over."""


def watch(counts: Counts, plan: Plan) -> list[Episode]:
    """All episodes, in the order in which they were raised."""
    if not counts.leaves.size or not counts.cases.shape[1]:
        return []
    watching = _Watching(counts, plan)
    for week in range(counts.cases.shape[1]):
        watching.end(week)
        watching.judge(week, watching.families)
        while (found := watching.find(week)) is not None:
            watching.begin(found, week)
    return watching.episodes


@dataclass(slots=True)
class _Trigger:
    """A series that a chart calls out."""

    chart: Chart
    rule: str
    family: int
    segment: int
    since: int


class _Watching:
    """The state of a replay: the series as they are without the active episodes, and their scores so far."""

    def __init__(self, counts: Counts, plan: Plan) -> None:
        self._counts, self._plan = counts, plan
        self._segments = segments_of(counts.leaves)
        families, _, weeks = counts.hits.shape
        shape = (families, len(self._segments.codes), weeks)
        self.families = np.arange(families)
        self.episodes: list[Episode] = []
        self._hits = self._segments.sums(counts.hits)
        self._cases = np.broadcast_to(self._segments.sums(counts.cases), shape).copy()
        self._blocked = np.zeros(shape, dtype=bool)
        """Weeks of ended episodes: no part of any level, and not judged again."""
        self._settled = np.zeros(shape, dtype=bool)
        """Those of them that have become the level."""
        self._calm = np.zeros(shape, dtype=bool)
        self._root = np.zeros(shape)
        self._score = np.full(shape, np.nan)
        """Of each week by the weeks before; none where it was not judged."""
        self._careful = np.full(shape, np.nan)
        """The same with a correction for continuity, towards the level."""
        self._sum = np.zeros(shape)
        self._average = np.zeros(shape)
        self._counted = np.zeros(shape, dtype=np.int64)
        self._spread = np.array([ewma_sigma(plan.weight, each) for each in range(weeks + 1)])
        self._charge = np.log(np.bincount(self._segments.width))[self._segments.width]
        self._drift = np.outer(counts.broad, self._segments.width <= 1)

    def judge(self, week: int, families: npt.NDArray[np.int64]) -> None:
        """Score a week of some families."""
        start = max(week - WINDOW, 0)
        level = self._calm[families, :, start:week]
        base_k = (self._hits[families, :, start:week] * level).sum(axis=2)
        base_n = (self._cases[families, :, start:week] * level).sum(axis=2)
        k, n = self._hits[families, :, week], self._cases[families, :, week]
        open_ = (n > 0) & ~self._blocked[families, :, week]
        root = roots(k, n, base_k, base_n)
        self._root[families, :, week] = root
        judged = open_ & (level.sum(axis=2) >= BASELINE)
        sigma, freedom = self._sigma(families, start, week, base_k)
        score = np.where(judged, normal(root / sigma, np.where(sigma > 1, freedom, np.inf)), np.nan)
        careful = roots(np.maximum(k - 0.5, np.minimum(k, n * share(base_k, base_n))), n, base_k, base_n)
        self._score[families, :, week] = score
        self._careful[families, :, week] = np.where(judged, normal(careful / sigma, np.where(sigma > 1, freedom, np.inf)), np.nan)
        calm = open_ & ~(np.abs(np.nan_to_num(score)) > _BEYOND)
        self._calm[families, :, week] = calm | ((n > 0) & self._settled[families, :, week])
        self._accumulate(week, families, judged, score)

    def _sigma(self, families: npt.NDArray[np.int64], start: int, week: int, base_k: Floats) -> tuple[Floats, Floats]:
        """Laney's sigma of the roots of the calm weeks, drawn towards that of all segments of the cut; at least 1.

        A sigma of a handful of weeks is a poor guess, and one of all segments a poor fit. It comes with its degrees of freedom:
        twice the square of its square over the variance of that, where r ranges give an own one of r degrees.
        """
        both = self._calm[families, :, start : max(week - 1, start)] & self._calm[families, :, start + 1 : max(week, start + 1)]
        root = self._root[families, :, start:week]
        ranges = (np.abs(np.diff(root, axis=2)) * both).sum(axis=2)
        known = both.sum(axis=2).astype(np.float64)
        telling = base_k >= PRIOR_HITS
        starts, sizes = self._segments.starts, self._segments.sizes
        pool = np.add.reduceat(known * telling, starts, axis=1)
        told = np.add.reduceat(ranges * telling, starts, axis=1)
        mean = np.divide(told, pool * _D2, out=np.ones_like(told), where=pool > 0)
        pooled, pool = np.repeat(mean, sizes, axis=1), np.repeat(pool, sizes, axis=1)
        own = np.divide(ranges, known * _D2, out=np.ones_like(ranges), where=known > 0)
        variance = (_SHRINK * pooled**2 + known * own**2) / (_SHRINK + known)
        freedom = (_SHRINK + known) ** 2 / (_SHRINK * (_SHRINK + 2 * known) / np.maximum(pool, known + 1e-9) + known)
        return np.sqrt(np.maximum(variance, 1.0)), np.maximum(freedom, 1.0)

    def _accumulate(self, week: int, families: npt.NDArray[np.int64], judged: Flags, score: Floats) -> None:
        """Sums and averages go on where a week is judged, stand still where it is not, and begin anew after an episode."""
        going = ~self._blocked[families, :, week] & (week > 0)
        weight, score = self._plan.weight, np.nan_to_num(score)
        total, average, counted = (path[families, :, week - 1] * going for path in (self._sum, self._average, self._counted))
        self._sum[families, :, week] = np.where(judged, np.maximum(0.0, total + score - self._plan.allowance), total)
        self._average[families, :, week] = np.where(judged, weight * score + (1 - weight) * average, average)
        self._counted[families, :, week] = counted + judged

    def find(self, week: int) -> Episode | None:
        """The change that stands out most in a week, among all that charts call out."""
        misfits: dict[int, Floats] = {}
        best: tuple[float, _Trigger] | None = None
        for trigger in self._triggers(week):
            if trigger.since not in misfits:
                misfits[trigger.since] = self._misfit(trigger.since, week)
            misfit = float(misfits[trigger.since][trigger.family, trigger.segment])
            if best is None or misfit > best[0]:
                best = misfit, trigger
        return None if best is None else self._localised(best[1], misfits[best[1].since], week)

    def _triggers(self, week: int) -> Iterator[_Trigger]:
        judged = ~np.isnan(self._score[:, :, week])
        for chart, alarms in self._plan.alarms.items():
            if chart is Chart.SHEWHART:
                yield from self._runs(week, judged, alarms)
            else:
                yield from self._drifts(chart, week, judged & self._drift, alarms)

    def _limits(self, watched: Flags, alarms: float, limit: Callable[[float], float]) -> Floats:
        """The limit of each segment's series, from what `limit` makes of the chance that is left for one of them.

        A chart's bound goes in equal parts to the whole, to single codes and to pairs of them, in each to all that is watched.
        """
        found = np.bincount(self._segments.width, watched.sum(axis=0), 3)
        parts = np.count_nonzero(found)
        limits = [limit(alarms / parts / number) if number else np.inf for number in found.tolist()]
        return np.asarray(np.array(limits)[self._segments.width])

    def _runs(self, week: int, judged: Flags, alarms: float) -> Iterator[_Trigger]:
        for rule, needed, span, ways in _RUNS:
            limit = self._limits(judged, alarms / len(_RUNS), partial(run_limit, needed, ways))
            start = max(week - span + 1, 0)
            beyond = self._careful[:, :, start : week + 1] > limit[:, None]
            met = judged & beyond[:, :, -1] & (beyond.sum(axis=2) >= needed)
            for family, segment in np.argwhere(met):
                since = start + int(np.argmax(beyond[family, segment]))
                if self._hits[family, segment, since : week + 1].sum() >= FEWEST_HITS:
                    yield _Trigger(Chart.SHEWHART, rule, int(family), int(segment), since)

    def _drifts(self, chart: Chart, week: int, judged: Flags, alarms: float) -> Iterator[_Trigger]:
        if chart is Chart.CUSUM:
            path, rule = self._sum, "upper_sum"
            limit = self._limits(judged, alarms, partial(cusum_limit, allowance=self._plan.allowance))
        else:
            path, rule = self._average, "upper_average"
            limit = self._limits(judged, alarms, upper) * self._spread[np.maximum(self._counted[:, :, week], 1)]
        met = judged & (path[:, :, week] > limit)
        for family, segment in np.argwhere(met):
            low = np.flatnonzero(path[family, segment, : week + 1] <= 0)
            since = int(low[-1]) + 1 if len(low) else 0
            if self._hits[family, segment, since : week + 1].sum() >= FEWEST_HITS:
                yield _Trigger(chart, rule, int(family), int(segment), since)

    def _weeks(self, since: int, week: int) -> tuple[Floats, Floats, Floats, Floats]:
        """Hits and cases of all series from a week on, and of the calm weeks before it."""
        now = slice(since, week + 1)
        before = slice(max(since - WINDOW, 0), since)
        level = self._calm[:, :, before]
        seen = ~self._blocked[:, :, now]
        return (
            (self._hits[:, :, now] * seen).sum(axis=2),
            (self._cases[:, :, now] * seen).sum(axis=2),
            (self._hits[:, :, before] * level).sum(axis=2),
            (self._cases[:, :, before] * level).sum(axis=2),
        )

    def _misfit(self, since: int, week: int) -> Floats:
        """How badly the level before explains the weeks since; see `reporting_api.statistics.segments`.

        Of many segments some fit by chance, so each is charged with what it takes to name it among those of its width.
        """
        k, n, base_k, base_n = self._weeks(since, week)
        common = (base_k[:, :1] + 0.5) / (base_n[:, :1] + 1)
        past = (base_k + PRIOR_HITS) / (base_n + PRIOR_HITS / common)
        past = np.clip(past, 1e-12, 1 - 1e-12)
        found = likelihood(k, n) - k * np.log(past) - (n - k) * np.log(1 - past)
        return np.where(share(k, n) > past, found, 0.0) - self._charge

    def _localised(self, trigger: _Trigger, misfits: Floats, week: int) -> Episode:
        """The segment and the family that show a change best, among those that have a part in it and show it at all."""
        inside = self._inside(self._segments.codes[trigger.segment])
        touched = self._segments.sums(inside[:, None].astype(np.float64))[:, 0] > 0
        k, n, base_k, base_n = self._weeks(trigger.since, week)
        shown = roots(k, n, base_k, base_n) > _BEYOND
        shown &= self._counts.kin[trigger.family][:, None] & touched & (k >= FEWEST_HITS)
        shown[trigger.family, trigger.segment] = True
        misfit = np.where(shown, misfits, -np.inf)
        family, segment = (int(place) for place in np.unravel_index(int(np.argmax(misfit)), misfit.shape))
        sigma, _ = self._sigma(np.array([family]), max(trigger.since - WINDOW, 0), trigger.since, base_k[[family]])
        codes = self._named(self._segments.codes[segment], week)
        inside = self._inside(codes)
        start = max(trigger.since - WINDOW, 0)
        level = start + np.flatnonzero(self._calm[family, segment, start : trigger.since])
        return Episode(
            chart=trigger.chart,
            rule=trigger.rule,
            family=family,
            codes=codes,
            inside=inside,
            judged=inside & self._outside(family),
            since=trigger.since,
            raised=week,
            level=level,
            before=(float(base_k[family, segment]), float(base_n[family, segment])),
            sigma=float(sigma[0, segment]),
            strength=0.0,
            last=week,
        )

    def _named(self, codes: Codes, week: int) -> Codes:
        """The segment, with the owners that all its cases so far belong to."""
        inside = self._inside(codes) & self._counts.cases[:, : week + 1].any(axis=1)
        named = dict(codes)
        for dimension in self._counts.owners:
            found = np.unique(self._counts.leaves[inside, dimension])
            if len(found) == 1:
                named[dimension] = int(found[0])
        return tuple(sorted(named.items()))

    def _inside(self, codes: Codes) -> Flags:
        inside = np.ones(len(self._counts.leaves), dtype=bool)
        for dimension, code in codes:
            inside &= self._counts.leaves[:, dimension] == code
        return inside

    def begin(self, episode: Episode, week: int) -> None:
        """From now on the rows of an episode are left out of all series that it has a part in."""
        self.episodes.append(episode)
        for past in range(episode.since, week + 1):
            self._follow(episode, past)
        self._again(episode.family, week)

    def end(self, week: int) -> None:
        """Follow the active episodes, and end those whose last weeks were calm, or which have become the level."""
        for episode in self.episodes:
            if episode.ended is not None:
                continue
            self._follow(episode, week)
            calm = week - episode.raised >= CALM and self._scored(episode, slice(week - CALM + 1, week + 1)) <= 1
            if not calm and week - episode.since < WINDOW:
                continue
            episode.ended = week
            touched = self._segments.sums(episode.inside[:, None].astype(np.float64))[:, 0] > 0
            kin = np.flatnonzero(self._counts.kin[episode.family])
            series = (kin[:, None, None], np.flatnonzero(touched)[:, None])
            self._blocked[*series, np.arange(episode.since, episode.last + 1 if calm else week + 1)] = True
            if not calm:
                self._settled[*series, np.arange(week + 1 - WINDOW // 2, week + 1)] = True
            self._again(episode.family, week - 1)

    def _follow(self, episode: Episode, week: int) -> None:
        score = self._scored(episode, slice(week, week + 1))
        if score > 1:
            episode.last = week
        episode.strength = max(episode.strength, score)

    def _scored(self, episode: Episode, weeks: slice) -> float:
        k = self._counts.hits[episode.family, episode.judged, weeks].sum()
        n = self._counts.cases[episode.judged, weeks].sum()
        return float(roots(*(np.array(each) for each in (k, n, *episode.before)))) / episode.sigma

    def _outside(self, family: int) -> Flags:
        """The leaves that are in no active episode of a family's kin."""
        outside = np.ones(len(self._counts.leaves), dtype=bool)
        for episode in self.episodes:
            if episode.ended is None and self._counts.kin[family, episode.family]:
                outside &= ~episode.inside
        return outside

    def _again(self, family: int, week: int) -> None:
        """Make the series of a family and its kin anew, without the active episodes that they share hits with."""
        kin = np.flatnonzero(self._counts.kin[family])
        for each in kin:
            outside = self._outside(int(each))
            self._hits[each] = self._segments.sums(self._counts.hits[each] * outside[:, None])
            self._cases[each] = self._segments.sums(self._counts.cases * outside[:, None])
        for past in range(week + 1):
            self.judge(past, kin)
