"""The problem as a linear programme, and as an integer one.

Strata that ask for the same language, policy, seconds and dose are one **trade**: for a person's day they are all the same.
So a person, a trade and a window of days are one variable, how many items they do, instead of one for each stratum.
What is different about strata is settled beside it, by **class**: those of a trade that are due on the same day, weigh the same
and are closed to the same people. How many items of a class are done in a window is the second kind of variable.
Between them stand **pools**: the people of a trade whom the same strata are closed to.
What a pool does of a trade in a window is what is done of classes that are open to it.
So items can be given out over strata without loss. As that side is a network, whole items of people make whole items of classes.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from math import gcd

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array, csc_array

from audit_api.staffing.optimiser.problem import Person, Problem, Stratum

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_FINE = 3000
"""Variables of classes in one trade, up to which pools are told apart; beyond it conflicts are left to the giving out."""


@dataclass(frozen=True, slots=True)
class Trade:
    """What is the same in strata."""

    language: str
    policy: str
    seconds: int
    dose: int
    strata: tuple[int, ...]
    """Places in the ordered work."""
    people: tuple[int, ...]
    """Places in the ordered people, of all who have the skill."""


@dataclass(frozen=True, slots=True)
class Ground:
    """The problem in order and in numbers."""

    work: tuple[Stratum, ...]
    """By key."""
    people: tuple[Person, ...]
    """By key."""
    seconds: Ints
    """Of each person on each day."""
    weeks: Ints
    """The place of each day's week."""
    open_days: Ints
    """Of each stratum: on how many of the days, from the first, it may be audited."""
    closed: tuple[frozenset[int], ...]
    """By person, the places of strata that they must not get."""
    trades: tuple[Trade, ...]

    def daily_caps(self) -> Ints:
        """Of each person on each day; beyond any dose where there is none."""
        caps = [NO_CAP if person.daily_cap is None else person.daily_cap for person in self.people]
        return np.repeat(np.array(caps, dtype=np.int64)[:, None], len(self.weeks), axis=1)

    def weekly_caps(self) -> Ints:
        """Of each person in each week; beyond any dose where there is none."""
        weeks = int(self.weeks.max(initial=-1)) + 1
        caps = np.full((len(self.people), weeks), NO_CAP, dtype=np.int64)
        for place, person in enumerate(self.people):
            if person.weekly_cap is not None and weeks:
                caps[place] = person.weekly_cap
        return caps


NO_CAP = 2**62


def ground_of(problem: Problem) -> Ground:
    """The same for the same work and people in any order."""
    work = tuple(sorted(problem.work, key=lambda stratum: stratum.key))
    people = tuple(sorted(problem.people, key=lambda person: person.key))
    days = len(problem.days)
    seconds = 60 * np.array([person.minutes for person in people], dtype=np.int64).reshape(len(people), days)
    place_of = {stratum.key: place for place, stratum in enumerate(work)}
    closed = tuple(frozenset(place_of[key] for key in person.conflicts if key in place_of) for person in people)
    alike: dict[tuple[str, str, int, int], list[int]] = defaultdict(list)
    for place, stratum in enumerate(work):
        alike[stratum.language, stratum.policy, stratum.seconds, stratum.dose].append(place)
    skilled = {
        (language, policy): tuple(place for place, person in enumerate(people) if person.may(language, policy))
        for language, policy in {(language, policy) for language, policy, _, _ in alike}
    }
    return Ground(
        work,
        people,
        seconds,
        _weeks(problem.days),
        np.array([sum(day <= stratum.due for day in problem.days) for stratum in work], dtype=np.int64),
        closed,
        tuple(Trade(*same, tuple(strata), skilled[same[:2]]) for same, strata in sorted(alike.items())),
    )


def _weeks(days: Iterable[date]) -> Ints:
    weeks = [day.isocalendar()[:2] for day in days]
    order = {week: place for place, week in enumerate(dict.fromkeys(weeks))}
    return np.array([order[week] for week in weeks], dtype=np.int64)


class Rows:
    """Rows of a sparse matrix, each at most its limit."""

    def __init__(self) -> None:
        self.limits: list[float] = []
        self._rows: list[Ints] = []
        self._columns: list[Ints] = []
        self._values: list[Floats] = []

    def add(self, columns: Ints, values: Floats | Ints | float, limit: float) -> int:
        """One more row. Returns its place."""
        self._rows.append(np.full(len(columns), len(self.limits), dtype=np.int64))
        self._columns.append(columns)
        self._values.append(np.broadcast_to(np.asarray(values, dtype=np.float64), columns.shape))
        self.limits.append(limit)
        return len(self.limits) - 1

    def matrix(self, width: int) -> csc_array:
        """All rows."""
        if not self.limits:
            return csc_array((0, width))
        parts = (np.concatenate(self._rows), np.concatenate(self._columns))
        return coo_array((np.concatenate(self._values), parts), shape=(len(self.limits), width)).tocsc()


class Model:
    """Variables and rows. The variables of people come first, then those of classes.

    Days are taken together in windows.
    Where a window is longer than a day, or a stratum falls due within it, the model allows a little more than the days do:
    what it covers at most, no plan for the days exceeds.
    """

    def __init__(self, ground: Ground, windows: Sequence[range], pairs: frozenset[tuple[int, int]] | None = None) -> None:
        self.ground = ground
        self.pairs = pairs
        """Of person and trade, all that there may be; None for any."""
        self.windows = windows
        self.person, self.trade, self.window = self._people()
        self.people = len(self.person)
        """The number of variables of people."""
        self.time = np.array([trade.seconds for trade in ground.trades], dtype=np.int64)[self.trade]
        self.dose = np.array([trade.dose for trade in ground.trades], dtype=np.int64)[self.trade]
        self.most, self.equal = Rows(), Rows()
        self.classes: list[tuple[int, int, int]] = []
        """Trade, window and open days of each variable of a class."""
        self.weight: Floats = np.concatenate([np.zeros(self.people), self._classes()])
        self.width = len(self.weight)
        self.time_rows: dict[int, int] = {}
        """The person of each row of `most` that limits time."""
        self.dose_rows: dict[int, int] = {}
        """The person of each row of `most` that limits dose."""
        self._limits()

    def _people(self) -> tuple[Ints, Ints, Ints]:
        """Person, trade and window wherever one of its items fits."""
        ground = self.ground
        parts: list[tuple[Ints, Ints, Ints]] = [(np.zeros(0, dtype=np.int64),) * 3]
        room = np.minimum(ground.daily_caps(), ground.weekly_caps()[:, ground.weeks])
        for place, trade in enumerate(ground.trades):
            able = trade.people if self.pairs is None else [person for person in trade.people if (person, place) in self.pairs]
            people = np.array(able, dtype=np.int64)
            last = max(int(ground.open_days[stratum]) * (ground.work[stratum].waiting > 0) for stratum in trade.strata)
            fits = (ground.seconds[people] >= trade.seconds) & (room[people] >= trade.dose)
            for number, window in enumerate(self.windows):
                who = people[fits[:, window.start : min(window.stop, last)].any(axis=1)]
                parts.append((who, np.full(len(who), place, dtype=np.int64), np.full(len(who), number, dtype=np.int64)))
        person, trade_of, window_of = (np.concatenate(part) for part in zip(*parts, strict=True))
        return person, trade_of, window_of

    def _classes(self) -> Floats:
        """Variables of classes, with their rows: what is waiting, and what pools do. Returns their weights."""
        weights: list[float] = []
        borders = np.searchsorted(self.trade, np.arange(len(self.ground.trades) + 1))
        for place in range(len(self.ground.trades)):
            columns = np.arange(borders[place], borders[place + 1])
            if len(columns):
                self._of_trade(place, columns, weights)
        return np.array(weights, dtype=np.float64)

    def _of_trade(self, place: int, columns: Ints, weights: list[float]) -> None:
        pools, classes = self._pools(self.ground.trades[place], sorted(set(self.person[columns].tolist())))
        done: dict[tuple[int, int], list[int]] = defaultdict(list)
        for (due, weight, shut), waiting in sorted(
            classes.items(), key=lambda each: (each[0][0], each[0][1], sorted(each[0][2]))
        ):
            of_class: list[int] = []
            for pool in sorted(set(pools.values()) - shut):
                for number, window in enumerate(self.windows):
                    if window.start < due:
                        of_class.append(self.people + len(weights))
                        done[pool, number].append(of_class[-1])
                        weights.append(weight)
                        self.classes.append((place, number, due))
            if of_class:
                self.most.add(np.array(of_class), 1.0, waiting)
        pool_of = np.array([pools[person] for person in self.person[columns].tolist()], dtype=np.int64)
        for pool, number in sorted({*zip(pool_of.tolist(), self.window[columns].tolist(), strict=True), *done}):
            of_people = columns[(pool_of == pool) & (self.window[columns] == number)]
            of_classes = np.array(done[pool, number], dtype=np.int64)
            signs = np.concatenate([-np.ones(len(of_people)), np.ones(len(of_classes))])
            self.equal.add(np.concatenate([of_people, of_classes]), signs, 0.0)

    def _pools(self, trade: Trade, people: Sequence[int]) -> tuple[dict[int, int], dict[tuple[int, float, frozenset[int]], int]]:
        """The pool of each person, and what is waiting by class: due day, weight, pools that it is closed to."""
        ground = self.ground
        strata = [place for place in trade.strata if ground.work[place].waiting and ground.open_days[place]]
        closed = {person: tuple(sorted(ground.closed[person].intersection(strata))) for person in people}
        for told_apart in (True, False):
            kinds: list[tuple[int, ...]] = sorted(set(closed.values())) if told_apart else [()]
            pools = {person: kinds.index(closed[person]) if told_apart else 0 for person in people}
            classes: dict[tuple[int, float, frozenset[int]], int] = defaultdict(int)
            for place in strata:
                shut = frozenset(pool for pool, kind in enumerate(kinds) if place in kind)
                classes[int(ground.open_days[place]), ground.work[place].weight, shut] += ground.work[place].waiting
            if sum((len(kinds) - len(shut)) for _, _, shut in classes) * len(self.windows) <= _FINE:
                break
        return pools, classes

    def _limits(self) -> None:
        """What fits into a person's window and week: rows only where they may bind."""
        ground = self.ground
        daily, weekly = ground.daily_caps(), ground.weekly_caps()
        order = np.lexsort((self.window, self.person))
        borders = np.flatnonzero(np.diff(self.person[order]) | np.diff(self.window[order])) + 1
        in_week: dict[tuple[int, int], list[Ints]] = defaultdict(list)
        dose_of_week: dict[tuple[int, int], int] = defaultdict(int)
        for columns in np.split(order, borders) if len(order) else []:
            person, window = int(self.person[columns[0]]), self.windows[self.window[columns[0]]]
            time, dose = self.time[columns], self.dose[columns]
            seconds = [_whole(int(each), time) for each in ground.seconds[person, window.start : window.stop]]
            self.time_rows[self.most.add(columns, time, sum(seconds))] = person
            harmful = columns[dose > 0]
            if not len(harmful):
                continue
            greatest = [int((dose / time).max() * each) + 1 for each in seconds]
            caps = [_whole(int(each), dose[dose > 0]) for each in daily[person, window.start : window.stop]]
            reached = sum(map(min, greatest, caps))
            if reached < sum(greatest):
                self.dose_rows[self.most.add(harmful, self.dose[harmful], reached)] = person
            week = int(ground.weeks[window.start])
            in_week[person, week].append(harmful)
            dose_of_week[person, week] += reached
        for key, parts in in_week.items():
            columns = np.concatenate(parts)
            if dose_of_week[key] > weekly[key]:
                self.dose_rows[self.most.add(columns, self.dose[columns], _whole(int(weekly[key]), self.dose[columns]))] = key[0]


def single_days(ground: Ground) -> list[range]:
    """Every day as a window of its own: nothing is relaxed but wholeness."""
    return [range(day, day + 1) for day in range(len(ground.weeks))]


def windows_of(ground: Ground, columns: int | None = None) -> list[range]:
    """Days taken together between due days, within weeks.

    The due days of the least work are passed over until columns are few enough.
    """
    days = len(ground.weeks)
    weeks = {0, days, *(np.flatnonzero(np.diff(ground.weeks)) + 1).tolist()}
    worth: dict[int, float] = defaultdict(float)
    for stratum, due in zip(ground.work, ground.open_days.tolist(), strict=True):
        worth[due] += stratum.waiting * stratum.weight
    pairs = sum(len(trade.people) for trade in ground.trades)
    cuts = sorted((due for due in worth if due not in weeks and worth[due]), key=lambda due: (-worth[due], due))
    if columns is not None:
        cuts = cuts[: max(0, columns // max(1, pairs) - len(weeks) + 1)]
    places = sorted({*weeks, *cuts})
    return [range(start, stop) for start, stop in pairwise(places)]


def _whole(limit: int, parts: Ints) -> int:
    """What of a limit can be filled with whole parts: a multiple of what divides them all."""
    step = gcd(*parts.tolist())
    return limit // step * step if step else limit
