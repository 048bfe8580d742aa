"""How often the other detectors are wrong in stable programmes: targets, critical and recurring errors, overturns, calibration.

Critical and recurring errors, and targets, are looked for in the programmes of `detectors`; decided appeals and calibration
sessions are added to them. A vendor is exactly at its targets, a session exactly at its own. All figures follow from the seeds.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt

from factories import programme_document
from reporting_api.reports.calibration.agreement import NO_BENCHMARK
from reporting_api.reports.calibration.shares import Share
from reporting_api.signals.calibration import calibrations_below_target
from reporting_api.signals.critical import critical_errors
from reporting_api.signals.findings import Finding
from reporting_api.signals.ground import SEGMENTS, Alignment, Ground
from reporting_api.signals.overturns import overturn_spikes
from reporting_api.signals.recurring import recurring_errors
from reporting_api.signals.targets import missed_targets
from reporting_api.statistics.watch import Counts
from simulations.detectors import ALARMS_A_YEAR, CLASS_OF, LEAVES, SCATTERS, YEAR, programme
from tallystick.schemas.programme import Programme

Ints = npt.NDArray[np.int64]

MONDAY = date(2026, 1, 5)
CRITICAL = 0.05
"""Of errors."""
DECIDED, CHANGED = 5, 0.25
"""Appeals of a leaf that are decided in a week, and the share of them that change the verdict."""
SESSIONS, ITEMS, RATERS, ALIGNED = 12, 25, 4, 0.85
"""A year; of each party in a session; and the share of ratings that agree with the benchmark, which is the target."""
VENDORS = 2
DOCUMENT = Programme.model_validate(programme_document("p"))
RULES = DOCUMENT.detectors
_SHARE = ALARMS_A_YEAR / 6
BOUNDS = {
    "targets missed": VENDORS * 2 * (YEAR - RULES.target_missed.ramp_weeks) * 0.025**RULES.target_missed.periods,
    "critical errors": _SHARE,
    "recurring errors": _SHARE,
    "overturn spikes": _SHARE,
    "calibration below target": (VENDORS + 1) * SESSIONS * 0.025,
}
"""False alarms a year that docs/signals.md allows."""


def _named(prefix: str, code: int) -> str:
    return f"{prefix}{code}"


def _where(leaf: Ints) -> tuple[str, ...]:
    return tuple(map(_named, ("v", "s", "q", "m"), leaf.tolist()))


def _week(place: int) -> date:
    return MONDAY + timedelta(weeks=place)


def _ground(**rows: Any) -> Ground:
    given: dict[str, Any] = {"audits": [], "errors": [], "decisions": [], "alignments": []}
    return Ground(DOCUMENT, datetime(2026, 1, 1, tzinfo=UTC), 1, _week(YEAR), SEGMENTS, **(given | rows))


def _critical(counts: Counts, chance: np.random.Generator) -> tuple[Ground, Ints]:
    """What critical errors are looked for in, and how many of a leaf's errors are critical."""
    wrong = counts.hits[0].astype(int)
    critical = chance.binomial(wrong, CRITICAL)
    audits, errors = [], []
    for leaf, week in np.ndindex(*wrong.shape):
        where = (_week(week), *_where(LEAVES[leaf]))
        audits.append((*where, int(counts.cases[leaf, week]), int(wrong[leaf, week]), int(critical[leaf, week]), 0, 0))
        if wrong[leaf, week]:
            errors.append((*where, "c0", "e0", int(wrong[leaf, week]), int(critical[leaf, week])))
    return _ground(audits=audits, errors=errors), critical


def _by_vendor(counts: Counts, critical: Ints) -> Ground:
    """Each vendor's audits and errors by code, in one place: targets and recurring errors are looked for by vendor alone."""
    audits, errors = [], []
    for vendor in range(VENDORS):
        mine = LEAVES[:, 0] == vendor
        cases, hits = counts.cases[mine].sum(axis=0), counts.hits[:, mine].sum(axis=1)
        for week in range(YEAR):
            where = (_week(week), _named("v", vendor), "s", "q", "m")
            audits.append((*where, int(cases[week]), int(hits[0, week]), int(critical[mine, week].sum()), 0, 0))
            errors += [
                (*where, _named("c", of), _named("e", code), int(hits[4 + code, week]), 0) for code, of in enumerate(CLASS_OF)
            ]
    return _ground(audits=audits, errors=errors)


def _missed(ground: Ground) -> Iterator[Finding]:
    """What is found where the targets are what each vendor reaches."""
    for vendor in range(VENDORS):
        mine = [row for row in ground.audits if row[1] == _named("v", vendor)]
        cases, wrong, critical = (sum(row[place] for row in mine) for place in (5, 6, 7))
        reached = {"accuracy": 1 - wrong / cases, "critical_accuracy": 1 - critical / cases}
        targets = ground.document.targets.model_copy(update=reached)
        yield from missed_targets(replace(ground, audits=mine, document=ground.document.model_copy(update={"targets": targets})))


def _decisions(chance: np.random.Generator, scatter: float) -> Ground:
    """Decided appeals by vendor, site, queue and policy, and those that changed the verdict."""
    shape = (len(LEAVES), YEAR)
    decided = chance.poisson(DECIDED, shape)
    rates = CHANGED * chance.lognormal(0, 0.3, (len(LEAVES), 1)) * chance.lognormal(0, scatter, shape)
    changed = chance.binomial(decided, np.minimum(rates, 0.9))
    rows = [
        (_week(week), *_where(LEAVES[leaf]), int(decided[leaf, week]), int(changed[leaf, week]))
        for leaf, week in np.ndindex(*shape)
        if decided[leaf, week]
    ]
    return _ground(decisions=rows)


def _sessions(chance: np.random.Generator) -> Ground:
    """Sessions of both vendors and the client, with items that are harder and easier."""
    found = []
    for number in range(SESSIONS):
        ease = chance.beta(8 * ALIGNED, 8 * (1 - ALIGNED), ITEMS)
        for vendor in (None, "v0", "v1"):
            hits = chance.binomial(RATERS, ease)
            share = Share(hits, np.full(ITEMS, RATERS))
            day = MONDAY + timedelta(days=30 * number)
            aligned = share.number(DOCUMENT.targets.minimum_sample, NO_BENCHMARK)
            found.append(Alignment(UUID(int=number), vendor, day, f"Session {number}", ALIGNED, aligned))
    return _ground(alignments=found)


def stable(seed: int, scatter: float) -> dict[str, int]:
    """How many signals each of these detectors raises in a year in which nothing changes."""
    counts, chance = programme(seed, YEAR, scatter), np.random.default_rng([seed, 2])
    everywhere, critical = _critical(counts, chance)
    by_vendor = _by_vendor(counts, critical)
    found: dict[str, Callable[[], list[Finding]]] = {
        "targets missed": lambda: list(_missed(by_vendor)),
        "critical errors": partial(critical_errors, everywhere),
        "recurring errors": partial(recurring_errors, by_vendor),
        "overturn spikes": lambda: overturn_spikes(_decisions(chance, scatter)),
        "calibration below target": lambda: calibrations_below_target(_sessions(chance)),
    }
    return {name: len(find()) for name, find in found.items()}


def simulate(programmes: int, processes: int) -> Iterator[str]:
    """A table in Markdown, a line at a time."""
    yield ""
    yield "| Stable programmes, a year each |  | False alarms a year | Programmes with any | Bound a year |"
    yield "| --- | --- | ---: | ---: | ---: |"
    with ProcessPoolExecutor(processes) as pool:
        for name, scatter in SCATTERS:
            outcomes = list(pool.map(stable, range(programmes), [scatter] * programmes, chunksize=10))
            for detector, bound in BOUNDS.items():
                found = [each[detector] for each in outcomes]
                any_found = sum(each > 0 for each in found) / programmes
                yield f"| {name} | {detector} | {sum(found) / programmes:.2f} | {any_found:.1%} | {bound:.2g} |"
