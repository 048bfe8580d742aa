"""What a change is taken apart from: hits and cases by segment and week, from the sums that metrics answer with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from reporting_api.decompositions.question import Change
from reporting_api.decompositions.tenure import tenure_sums
from reporting_api.metrics.answer import Pair, groups, needed_sums
from reporting_api.metrics.definitions import FORMULAS
from reporting_api.metrics.numbers import number
from reporting_api.metrics.sums import NOTHING, Cut, Key
from reporting_api.statistics.decomposition import Cells
from reporting_api.statistics.segments import Counts, Table
from tallystick.schemas.decomposition import Facet, RateMeasure
from tallystick.schemas.metric import Dimension, Measure, Number
from tallystick.service.database import ReadSession

PLACES = (Facet.VENDOR, Facet.SITE, Facet.QUEUE, Facet.MARKET)
"""Where decisions are made. Policy and error code say what was decided: they are a part of the change, not its place."""

Rows = Mapping[Key, tuple[int, int]]
"""Hits and cases by week and the values of dimensions."""


def rate(measure: RateMeasure, hits: int, cases: int, minimum_sample: int) -> Number:
    """A rate, as the metrics would answer it."""
    formula = FORMULAS[Measure(measure)]
    sums = {**NOTHING, formula.numerator: hits, formula.denominator or "": cases}
    return number(Measure(measure), sums, sums, minimum_sample)


def hits_and_cases(measure: RateMeasure, pair: Pair) -> tuple[int, int]:
    """What a rate divides, and by what."""
    formula = FORMULAS[Measure(measure)]
    selected, whole = pair
    return selected[formula.numerator], (whole if formula.of_audits else selected)[formula.denominator or ""]


@dataclass(frozen=True, slots=True)
class Counted:
    """The segments of one cut, with hits and cases by week in both periods."""

    by: tuple[Facet, ...]
    segments: tuple[Key, ...]
    """The values of the dimensions of each, but for the error code."""
    kinds: tuple[str, ...]
    """The error codes that hits are told apart by, over the same cases; a single empty one where they are not."""
    before: tuple[Cells, ...]
    """By kind; a row for each segment."""
    after: tuple[Cells, ...]

    def by_only(self, by: Sequence[Facet]) -> "Counted":
        """The same, added up over the dimensions that are not named."""
        places = [self.by.index(each) for each in by]
        keys = [tuple(segment[place] for place in places) for segment in self.segments]
        names = tuple(sorted(set(keys)))
        place_of = {name: place for place, name in enumerate(names)}
        rows = np.array([place_of[key] for key in keys], dtype=np.int64)

        def added(cells: Cells) -> Cells:
            return Cells(_added(cells.hits, rows, len(names)), _added(cells.sizes, rows, len(names)))

        return Counted(tuple(by), names, self.kinds, tuple(map(added, self.before)), tuple(map(added, self.after)))

    def tables(self) -> tuple[Table, Table, int]:
        """The hits and the cases of one kind as tables for a search, and the week that the period after begins with."""
        codes = [{name: code for code, name in enumerate(sorted(set(values)))} for values in zip(*self.segments, strict=True)]
        dimensions = np.array(
            [[code[value] for code, value in zip(codes, segment, strict=True)] for segment in self.segments], dtype=np.int64
        ).reshape(-1, len(codes))
        levels = tuple(len(code) for code in codes)
        since = self.before[0].sizes.shape[1]

        def table(before: Counts, after: Counts) -> Table:
            joined = np.concatenate([before, after], axis=1)
            segment, week = np.nonzero(joined)
            return Table(joined.shape[1], levels, week, dimensions[segment].T, joined[segment, week])

        (before,), (after,) = self.before, self.after
        return table(before.hits, after.hits), table(before.sizes, after.sizes), since


def _added(rows: Counts, places: Counts, segments: int) -> Counts:
    sums = np.zeros((segments, rows.shape[1]), dtype=np.int64)
    np.add.at(sums, places, rows)
    return sums


async def count(session: ReadSession, change: Change, by: Sequence[Facet]) -> Counted:
    """Hits and cases of a cut.

    Raises:
        InvalidRequest: there are too many groups.
    """
    plain = tuple(sorted((each for each in by if each != Facet.ERROR_CODE), key=lambda each: each == Facet.MODERATOR_TENURE))
    whole = [await _rows(session, change, plain, after=after) for after in (False, True)]
    segments = tuple(sorted({key[1:] for rows in whole for key in rows}))
    if Facet.ERROR_CODE not in by:
        return _counted(plain, segments, {"": whole})
    coded = [await _coded(session, change, plain, rows, after=after) for after, rows in zip((False, True), whole, strict=True)]
    if change.of_appeals:  # an appeal is of one error, so that codes are segments like others
        return _counted((*plain, Facet.ERROR_CODE), tuple(sorted({key[1:] for rows in coded for key in rows})), {"": coded})
    kinds = sorted({key[-1] for rows in coded for key, (hits, _) in rows.items() if hits})
    return _counted(
        plain,
        segments,
        {
            kind: [
                {key: (codes.get((*key, kind), (0, 0))[0], cases) for key, (_, cases) in rows.items()}
                for codes, rows in zip(coded, whole, strict=True)
            ]
            for kind in kinds
        },
    )


async def _coded(session: ReadSession, change: Change, by: tuple[Facet, ...], whole: Rows, *, after: bool) -> Rows:
    """Rows by error code, the last in the key. What no code is known of has an empty one, so that hits add up to all."""
    found = await _rows(session, change, (*by, Facet.ERROR_CODE), after=after)
    rest = dict(whole)
    for key, (hits, cases) in found.items():
        left = rest[key[:-1]]
        rest[key[:-1]] = left[0] - hits, left[1] - cases
    coded = dict(found)
    for key, (hits, cases) in rest.items():
        if hits or (change.of_appeals and cases):
            known = coded.get((*key, ""), (0, 0))
            coded[*key, ""] = known[0] + hits, known[1] + cases
    return coded


async def _rows(session: ReadSession, change: Change, by: tuple[Facet, ...], *, after: bool) -> Rows:
    """Hits and cases of one period by week and dimensions."""
    question = change.period(after=after)
    if Facet.MODERATOR_TENURE not in by:
        found = await groups(session, replace(question, by=(Dimension.WEEK, *map(Dimension, by))))
        return {key: hits_and_cases(change.measure, pair) for key, pair in found.items()}
    known = tuple(Dimension(each) for each in by if each != Facet.MODERATOR_TENURE)
    cut = Cut(question.programme, (Dimension.WEEK, *known), question.filters, question.start, question.end, question.view)
    names = needed_sums(question)
    place = by.index(Facet.MODERATOR_TENURE) + 1
    selected = await tenure_sums(session, cut, names)
    whole = await tenure_sums(session, cut.without_errors(), names) if cut.by_error else selected
    error = Facet.ERROR_CODE in by
    keys = selected if error else whole
    return {
        (*key[:place], key[-1], *key[place:-1]): hits_and_cases(
            change.measure, (selected.get(key, NOTHING), whole[(*key[:place], key[-1]) if error else key])
        )
        for key in keys
    }


def _counted(by: tuple[Facet, ...], segments: tuple[Key, ...], kinds: Mapping[str, Sequence[Rows]]) -> Counted:
    before, after = (tuple(_cells(periods[place], segments) for periods in kinds.values()) for place in (0, 1))
    return Counted(by, segments, tuple(kinds), before, after)


def _cells(rows: Rows, segments: Sequence[Key]) -> Cells:
    weeks = {week: place for place, week in enumerate(sorted({key[0] for key in rows}))}
    places = {segment: place for place, segment in enumerate(segments)}
    hits, sizes = (np.zeros((len(segments), len(weeks)), dtype=np.int64) for _ in range(2))
    for (week, *values), (k, n) in rows.items():
        place = places[tuple(values)], weeks[week]
        hits[place], sizes[place] = k, n
    return Cells(hits, sizes)
