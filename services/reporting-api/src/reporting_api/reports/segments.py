"""Where errors have changed and where they concentrate: `reporting_api.statistics.segments` searches the metrics' sums."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from math import exp, log, sqrt

import numpy as np

from reporting_api.metrics.numbers import difference, interval, number
from reporting_api.metrics.question import Question
from reporting_api.metrics.standing import Standing
from reporting_api.metrics.sums import NOTHING, Cut, Key, Sums, bounded, sums
from reporting_api.reports.trend import trend
from reporting_api.statistics.intervals import quantile
from reporting_api.statistics.segments import (
    Concentration,
    Segment,
    Step,
    Table,
    find_concentrations,
    find_steps,
)
from tallystick.schemas.metric import Dimension, Interval, Measure, Number
from tallystick.schemas.report import SegmentConcentration, SegmentSignal
from tallystick.service.database import ReadSession

DIMENSIONS = (Dimension.VENDOR, Dimension.SITE, Dimension.QUEUE, Dimension.MARKET)
"""What segments are made of: one of these, or two."""

MOST_CELLS = 200_000
"""Groups that are read at most: what a process of 1 GiB can hold of errors and of audits."""
MOST_PLACES = 5_000_000
"""Segments by weeks that are searched at most. All combinations of two dimensions count, whether they occur or not."""


@dataclass(frozen=True, slots=True)
class Population:
    """All audits of a question by week and segment, and the errors of each code among them."""

    weeks: Sequence[date]
    names: tuple[tuple[str, ...], ...]
    """The values of each dimension, by their codes in the tables."""
    audits: Table
    errors: Mapping[str, Table]


async def read_population(session: ReadSession, question: Question, weeks: Sequence[date]) -> Population:
    """The population of a question.

    Raises:
        InvalidRequest: it is too large to be searched.
    """
    by = (Dimension.WEEK, *DIMENSIONS)
    cut = Cut(question.programme, (*by, Dimension.ERROR_CODE), question.filters, question.start, question.end, question.view)
    errors = await sums(session, cut, most=MOST_CELLS)
    audits = await sums(session, cut.without_errors(), most=MOST_CELLS)
    names = tuple(tuple(sorted({key[1 + place] for key in audits})) for place in range(len(DIMENSIONS)))
    bounded(len(weeks) * max(len(one) * len(other) for one, other in combinations(names, 2)), MOST_PLACES)
    codes = [{name: code for code, name in enumerate(each)} for each in names]
    ordinals = {week.isoformat(): place for place, week in enumerate(weeks)}

    def table(cells: Iterable[tuple[Key, int]]) -> Table:
        rows = [
            (ordinals[key[0]], *(code[name] for code, name in zip(codes, key[1:], strict=False)), size) for key, size in cells
        ]
        columns = np.array(rows, dtype=np.int64).reshape(-1, len(DIMENSIONS) + 2).T
        return Table(len(weeks), tuple(len(each) for each in names), columns[0], columns[1:-1], columns[-1])

    by_code: dict[str, list[tuple[Key, int]]] = {}
    for key, found in errors.items():
        by_code.setdefault(key[-1], []).append((key, found["errors"]))
    return Population(
        weeks,
        names,
        table((key, found["audits"]) for key, found in audits.items()),
        {code: table(cells) for code, cells in sorted(by_code.items())},
    )


async def search(
    population: Population, standing: Standing, question: Question
) -> tuple[tuple[SegmentSignal, ...], tuple[SegmentConcentration, ...]]:
    """All signals and concentrations, the most certain first."""
    return await asyncio.to_thread(_search, population, standing, question)


def _search(
    population: Population, standing: Standing, question: Question
) -> tuple[tuple[SegmentSignal, ...], tuple[SegmentConcentration, ...]]:
    findings = _Findings(population, standing, question)
    return findings.signals(), findings.concentrations()


class _Findings:
    def __init__(self, population: Population, standing: Standing, question: Question) -> None:
        self._population = population
        self._standing = standing
        self._question = question
        searches = len(population.errors)
        self._steps = [
            (code, step) for code, hits in population.errors.items() for step in find_steps(hits, population.audits, searches)
        ]
        self._changed = {(code, step.segment) for code, step in self._steps}

    def signals(self) -> tuple[SegmentSignal, ...]:
        return tuple(self._signal(code, step) for code, step in sorted(self._steps, key=lambda each: -abs(each[1].z)))

    def concentrations(self) -> tuple[SegmentConcentration, ...]:
        searches = len(self._population.errors)
        found = [
            (code, concentration)
            for code, hits in self._population.errors.items()
            for concentration in find_concentrations(hits, self._population.audits, searches)
        ]
        return tuple(self._concentration(code, each) for code, each in sorted(found, key=lambda each: -each[1].z))

    def _signal(self, code: str, step: Step) -> SegmentSignal:
        hits, audits = (
            self._weekly(self._population.errors[code], step.segment),
            self._weekly(self._population.audits, step.segment),
        )
        before = self._rate(sum(hits[: step.week]), sum(audits[: step.week]))
        after = self._rate(sum(hits[step.week :]), sum(audits[step.week :]))
        points = {week: self._rate(k, n) for week, k, n in zip(self._population.weeks, hits, audits, strict=True)}
        return SegmentSignal(
            error_code=code or None,
            name=self._standing.names.get(code),
            segment=self._named(step.segment),
            since=self._population.weeks[step.week],
            direction="up" if step.z > 0 else "down",
            before=before,
            after=after,
            difference=difference(after, before),
            z=step.z,
            points=trend(self._question, self._population.weeks, points),
        )

    def _concentration(self, code: str, found: Concentration) -> SegmentConcentration:
        errors, audits = self._population.errors[code], self._population.audits
        k, n = sum(self._weekly(errors, found.segment)), sum(self._weekly(audits, found.segment))
        rest_k, rest_n = int(errors.size.sum()) - k, int(audits.size.sum()) - n
        ratio = (k / n) / (rest_k / rest_n) if rest_k else None
        return SegmentConcentration(
            error_code=code or None,
            name=self._standing.names.get(code),
            segment=self._named(found.segment),
            share=self._rate(k, k + rest_k),
            rate=self._rate(k, n),
            elsewhere=self._rate(rest_k, rest_n),
            ratio=ratio,
            interval=None if ratio is None else _ratio_interval(ratio, k, n, rest_k, rest_n),
            z=found.z,
            signal=(code, found.segment) in self._changed,
        )

    def _weekly(self, table: Table, segment: Segment) -> list[int]:
        inside = table.inside(segment)
        return [int(each) for each in np.bincount(table.week[inside], weights=table.size[inside], minlength=table.weeks)]

    def _rate(self, errors: int, audits: int) -> Number:
        selected: Sums = {**NOTHING, "errors": errors}
        return number(Measure.ERROR_RATE, selected, {**NOTHING, "audits": audits}, self._standing.targets.minimum_sample)

    def _named(self, segment: Segment) -> dict[str, str | None]:
        return {DIMENSIONS[dimension]: self._population.names[dimension][code] or None for dimension, code in segment.codes}


def _ratio_interval(ratio: float, k: int, n: int, rest_k: int, rest_n: int) -> Interval:
    """Katz's interval of a ratio of proportions, from the normal law of its logarithm (Biometrics 34, 1978, 469-474)."""
    reach = quantile() * sqrt(1 / k - 1 / n + 1 / rest_k - 1 / rest_n)
    return interval((exp(log(ratio) - reach), exp(log(ratio) + reach)), "katz")
