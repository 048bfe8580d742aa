"""The search for segments: it names what was planted, and keeps quiet where nothing was."""

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from reporting_api.statistics.scores import roots
from reporting_api.statistics.segments import Segment, Table, find_concentrations, find_steps

WEEKS, LEVELS = 12, (2, 4, 3, 5)


def _cases(rng: np.random.Generator) -> Table:
    cells = np.indices((WEEKS, 4, 3, 5)).reshape(4, -1)
    week, site, queue, market = cells
    vendor = site // 2
    return Table(WEEKS, LEVELS, week, np.array([vendor, site, queue, market]), rng.integers(20, 60, week.size))


def _hits(rng: np.random.Generator, cases: Table, rate: np.ndarray) -> Table:
    return Table(cases.weeks, cases.levels, cases.week, cases.dimensions, rng.binomial(cases.size, rate))


def _rate(cases: Table, base: float) -> np.ndarray:
    return np.full(cases.week.shape, base)


def test_a_step_is_named_by_its_segment_and_its_first_week() -> None:
    """Errors that become frequent at one site in one queue are laid to that pair, not to the site, the queue or the vendor."""
    rng = np.random.default_rng(1)
    cases = _cases(rng)
    planted = Segment(((1, 2), (2, 1)))
    rate = _rate(cases, 0.01)
    rate[cases.inside(planted) & (cases.week >= 8)] = 0.10

    steps = find_steps(_hits(rng, cases, rate), cases, 6)

    assert [(step.segment, step.week, step.z > 0) for step in steps] == [(planted, 8, True)]


def test_a_step_of_a_whole_site_is_not_broken_up() -> None:
    rng = np.random.default_rng(2)
    cases = _cases(rng)
    planted = Segment(((1, 3),))
    rate = _rate(cases, 0.02)
    rate[cases.inside(planted) & (cases.week >= 6)] = 0.06

    assert [step.segment for step in find_steps(_hits(rng, cases, rate), cases, 6)] == [planted]


def test_a_fall_is_a_step_too() -> None:
    rng = np.random.default_rng(3)
    cases = _cases(rng)
    rate = _rate(cases, 0.02)
    rate[cases.inside(Segment(((2, 0),)))] = 0.10
    rate[cases.inside(Segment(((2, 0),))) & (cases.week >= 7)] = 0.02

    (step,) = find_steps(_hits(rng, cases, rate), cases, 1)

    assert (step.segment, step.week, step.z < 0) == (Segment(((2, 0),)), 7, True)


def test_what_was_so_throughout_is_a_concentration_and_no_step() -> None:
    rng = np.random.default_rng(4)
    cases = _cases(rng)
    rate = _rate(cases, 0.01)
    rate[cases.inside(Segment(((3, 4),)))] = 0.04
    hits = _hits(rng, cases, rate)

    assert find_steps(hits, cases, 6) == []
    assert [found.segment for found in find_concentrations(hits, cases, 6)] == [Segment(((3, 4),))]


def test_a_few_hits_in_a_tiny_segment_hide_no_concentration() -> None:
    """Nine hits of nine are too few to be named, and leave 130 of 3,000 to be found beside them."""
    cases = Table(1, (3,), np.zeros(3, np.int64), np.array([[0, 1, 2]]), np.array([9, 3000, 20_000]))
    hits = Table(1, (3,), cases.week, cases.dimensions, np.array([9, 130, 600]))

    assert [found.segment for found in find_concentrations(hits, cases, 1)] == [Segment(((0, 1),))]


def test_two_changes_are_told_apart() -> None:
    rng = np.random.default_rng(5)
    cases = _cases(rng)
    rate = _rate(cases, 0.01)
    rate[cases.inside(Segment(((1, 0), (2, 0)))) & (cases.week >= 8)] = 0.20
    rate[cases.inside(Segment(((3, 2),))) & (cases.week >= 5)] = 0.05

    steps = find_steps(_hits(rng, cases, rate), cases, 1)

    assert {(step.segment, step.week) for step in steps} == {(Segment(((1, 0), (2, 0))), 8), (Segment(((3, 2),)), 5)}


@pytest.mark.parametrize("base", [0.002, 0.02, 0.2])
def test_where_nothing_happened_hardly_anything_is_found(base: float) -> None:
    """Over 60 populations without any effect, at most two searches of either kind find something (1 % are expected to)."""
    rng = np.random.default_rng(6)
    alarms = concentrations = 0
    for _ in range(60):
        cases = _cases(rng)
        hits = _hits(rng, cases, _rate(cases, base))
        alarms += bool(find_steps(hits, cases, 1))
        concentrations += bool(find_concentrations(hits, cases, 1))

    assert alarms <= 2
    assert concentrations <= 2


def test_weeks_that_wander_are_no_step() -> None:
    """A rate that differs from week to week everywhere by more than chance is overdispersion."""
    rng = np.random.default_rng(7)
    cases = _cases(rng)
    by_week = rng.uniform(0.03, 0.09, WEEKS)
    alarms = find_steps(_hits(rng, cases, by_week[cases.week]), cases, 1)

    assert alarms == []


def test_the_likelihood_ratio_agrees_with_scipy() -> None:
    """Squared, it is the G statistic of the two by two table."""
    rng = np.random.default_rng(8)
    for _ in range(50):
        n, m = rng.integers(20, 5000, 2)
        k, j = rng.integers(1, n), rng.integers(1, m)
        theirs = chi2_contingency([[k, n - k], [j, m - j]], correction=False, lambda_="log-likelihood").statistic
        ours = roots(np.array([k]), np.array([n]), np.array([j]), np.array([m]))[0]

        assert ours**2 == pytest.approx(theirs, rel=1e-9, abs=1e-9)
        assert (ours >= 0) == (k / n >= j / m)


def test_empty_populations_have_no_findings() -> None:
    nothing = Table(0, (1, 1), np.zeros(0, np.int64), np.zeros((2, 0), np.int64), np.zeros(0, np.int64))
    short = Table(2, (1, 1), np.array([0, 1]), np.zeros((2, 2), np.int64), np.array([100, 100]))

    assert find_steps(nothing, nothing, 1) == []
    assert find_concentrations(nothing, nothing, 1) == []
    assert find_steps(short, short, 1) == []
    assert find_concentrations(short, short, 1) == []
