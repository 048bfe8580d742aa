"""Changes taken apart: parts that sum to the whole, against computations made another way, and no noise that is blamed."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from reporting_api.statistics.decomposition import Cells, decompose, find_leading
from reporting_api.statistics.segments import Segment, Table

BEFORE, AFTER = 8, 4
LEVELS = (2, 5, 4, 6)
"""Vendors, sites, queues, markets."""


@st.composite
def periods(draw: st.DrawFn) -> tuple[Cells, Cells]:
    """Random tables of both periods, many cells empty, any number of weeks."""
    segments = draw(st.integers(1, 7))

    def cells() -> Cells:
        sizes = draw(arrays.arrays(np.int64, (segments, draw(st.integers(1, 4))), elements=st.just(0) | st.integers(0, 500)))
        shares = draw(arrays.arrays(np.float64, sizes.shape, elements=st.floats(0, 1)))
        return Cells(np.floor(sizes * shares).astype(np.int64), sizes)

    return cells(), cells()


@settings(max_examples=150, deadline=None)
@given(periods())
def test_the_parts_sum_to_the_change(tables: tuple[Cells, Cells]) -> None:
    """On random tables: mix and rate of all segments to the change, mix and rate of each to its total, whatever is empty."""
    before, after = tables
    parts = decompose(before, after)
    if not before.sizes.sum() or not after.sizes.sum():
        assert parts is None
        return
    assert parts is not None
    change = after.hits.sum() / after.sizes.sum() - before.hits.sum() / before.sizes.sum()

    assert parts.total.sum() == pytest.approx(change, abs=1e-12)
    assert parts.mix + parts.rate == pytest.approx(parts.total, abs=1e-12)
    assert parts.excess.sum() == pytest.approx(0, abs=1e-12)
    assert np.isfinite([*parts.error, *parts.reach(), *parts.explained(), *parts.chance()]).all()


@settings(max_examples=50, deadline=None)
@given(periods())
def test_backwards_all_parts_change_their_sign(tables: tuple[Cells, Cells]) -> None:
    """Neither period is the truth that the other is measured by."""
    forth, back = decompose(*tables), decompose(*reversed(tables))
    if forth is None or back is None:
        return

    assert back.mix == pytest.approx(-forth.mix, abs=1e-12)
    assert back.rate == pytest.approx(-forth.rate, abs=1e-12)
    assert back.error == pytest.approx(forth.error, abs=1e-12)


def test_it_agrees_with_standardised_rates() -> None:
    """Kitagawa's parts by the other road: the mean of standardising by one period's shares and by the other's."""
    rng = np.random.default_rng(5)
    sizes_b, sizes_a = rng.integers(50, 900, (2, 6, 1))
    before, after = Cells(rng.binomial(sizes_b, 0.2), sizes_b), Cells(rng.binomial(sizes_a, 0.3), sizes_a)
    frame = pd.DataFrame(
        {"k_b": before.hits[:, 0], "n_b": sizes_b[:, 0], "k_a": after.hits[:, 0], "n_a": sizes_a[:, 0]}, dtype=float
    )

    def standardised(rates: str, shares: str) -> float:
        weights = frame[f"n_{shares}"] / frame[f"n_{shares}"].sum()
        return float((frame[f"k_{rates}"] / frame[f"n_{rates}"] * weights).sum())

    rate = ((standardised("a", "a") - standardised("b", "a")) + (standardised("a", "b") - standardised("b", "b"))) / 2
    mix = ((standardised("a", "a") - standardised("a", "b")) + (standardised("b", "a") - standardised("b", "b"))) / 2
    parts = decompose(before, after)

    assert parts is not None
    assert parts.rate.sum() == pytest.approx(rate, abs=1e-12)
    assert parts.mix.sum() == pytest.approx(mix, abs=1e-12)


def test_an_example_by_hand() -> None:
    """Of halves at 10 % and 30 % a quarter and three quarters are left, the second at 40 %: 12.5 points, 6.25 of them rate."""
    parts = decompose(
        Cells(np.array([[10], [30]]), np.array([[100], [100]])), Cells(np.array([[5], [60]]), np.array([[50], [150]]))
    )

    assert parts is not None
    assert parts.rate == pytest.approx([0, 0.0625])
    assert parts.mix == pytest.approx([-0.25 * (0.1 - 0.2625), 0.25 * (0.35 - 0.2625)])
    assert parts.mix.sum() + parts.rate.sum() == pytest.approx(0.325 - 0.2)


def test_the_error_is_that_of_drawing_the_audits_again() -> None:
    """The bootstrap's, where there are no weeks to tell more than chance."""
    rng = np.random.default_rng(9)
    shares, rates = np.array([0.5, 0.3, 0.2]), np.array([0.08, 0.15, 0.3])
    sizes = rng.multinomial(3000, shares)[:, None]
    before = Cells(rng.binomial(sizes, rates[:, None]), sizes)
    after = Cells(rng.binomial(sizes, rates[:, None] * 1.1), sizes)
    parts = decompose(before, after)
    drawn = []
    for _ in range(2000):
        again = []
        for cells in (before, after):
            k, n = cells.hits.sum(axis=1), cells.sizes.sum(axis=1)
            counts = rng.multinomial(n.sum(), np.concatenate([k, n - k]) / n.sum())
            again.append(Cells(counts[:3, None], (counts[:3] + counts[3:])[:, None]))
        redrawn = decompose(*again)
        assert redrawn is not None
        drawn.append(redrawn.total)

    assert parts is not None
    assert (parts.dispersion, parts.freedom) == (None, 0)
    assert parts.error == pytest.approx(np.std(drawn, axis=0), rel=0.06)


def _cases(rng: np.random.Generator, audits: int = 40) -> Table:
    """So many audits of each site and queue in each week."""
    week, site, queue, market = (
        axis.ravel() for axis in np.meshgrid(np.arange(BEFORE + AFTER), *map(np.arange, LEVELS[1:]), indexing="ij")
    )
    size = rng.poisson(audits / LEVELS[3], len(week))
    return Table(BEFORE + AFTER, LEVELS, week, np.stack([site // 3, site, queue, market]), size)


def _hits(rng: np.random.Generator, cases: Table, rate: np.ndarray) -> Table:
    return Table(cases.weeks, cases.levels, cases.week, cases.dimensions, rng.binomial(cases.size, np.minimum(rate, 1)))


def _wandering(rng: np.random.Generator, cases: Table) -> np.ndarray:
    """Rates that differ by market, and from week to week at each site and queue."""
    by_market = np.array([0.05, 0.06, 0.08, 0.1, 0.12, 0.2])[cases.dimensions[3]]
    shocks = rng.lognormal(0, 0.2, (BEFORE + AFTER, LEVELS[1], LEVELS[2]))
    wandering: np.ndarray = by_market * shocks[cases.week, cases.dimensions[1], cases.dimensions[2]]
    return wandering


@pytest.mark.parametrize(
    ("codes", "factor"),
    [(((1, 1), (2, 2)), 4.0), (((1, 3),), 2.5), (((2, 0),), 2.0), (((0, 1), (3, 4)), 4.0), (((1, 4), (2, 1)), 0.05)],
    ids=["site and queue", "site", "queue", "vendor and market", "a fall"],
)
def test_a_planted_change_is_named_by_its_narrowest_segment(codes: tuple[tuple[int, int], ...], factor: float) -> None:
    """In weeks that wander, and first."""
    rng = np.random.default_rng(13)
    cases = _cases(rng, audits=120)
    rate = _wandering(rng, cases)
    rate[cases.inside(Segment(codes)) & (cases.week >= BEFORE)] *= factor

    assert find_leading(_hits(rng, cases, rate), cases, BEFORE)[:1] == [Segment(codes)]


def test_work_that_moves_leads_as_mix() -> None:
    """A queue with a high rate that takes twice the work, at the rate it always had."""
    rng = np.random.default_rng(17)
    cases = _cases(rng, audits=120)
    heavy = cases.inside(Segment(((1, 2), (2, 3))))
    cases.size[heavy & (cases.week >= BEFORE)] *= 3
    rate = np.where(heavy, 0.4, 0.06)
    hits = _hits(rng, cases, rate)
    (leading, *_) = find_leading(hits, cases, BEFORE)

    assert leading == Segment(((1, 2), (2, 3)))


def test_a_change_everywhere_has_no_leader() -> None:
    rng = np.random.default_rng(19)
    cases = _cases(rng, audits=80)
    hits = _hits(rng, cases, np.where(cases.week >= BEFORE, 0.12, 0.06))

    assert find_leading(hits, cases, BEFORE) == []


def test_noise_is_not_blamed() -> None:
    """In stable programmes whose weeks wander about one search in a hundred names anything."""
    rng = np.random.default_rng(23)
    named = 0
    for _ in range(100):
        cases = _cases(rng)
        named += bool(find_leading(_hits(rng, cases, _wandering(rng, cases)), cases, BEFORE))

    assert named <= 3
