"""Weighted proportions: against a published survey, against all pairs of a sample, and where there is nothing to estimate."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting_api.statistics.intervals import wilson
from reporting_api.statistics.weighted import Drawn, Reason, weighted
from simulations.samples import DESIGNS, Outcome, outcome, truth

LEARNED = (
    (9100, 636, 0.38), (1950, 451, 0.27), (5500, 481, 0.18), (10850, 611, 0.19), (2100, 493, 0.36), (5500, 575, 0.13),
    (9000, 588, 0.26),
)  # fmt: skip
"""Members of seven learned societies, those who answered, and the share of women among them: a survey of 1985."""

CELLS = st.lists(
    st.tuples(st.integers(1, 12), st.integers(0, 40), st.floats(0, 1), st.floats(0, 1)).map(
        lambda given: Drawn(
            given[0] / (given[0] + given[1]),
            given[0],
            round(given[0] * given[2]),
            round(round(given[0] * given[2]) * given[3]),
        )
    ),
    min_size=1,
    max_size=5,
)


def by_pairs(cells: list[Drawn]) -> tuple[float, float]:
    """Rate and variance over all pairs of audits, by their joint probabilities: the form of Sen, Yates and Grundy."""
    rows = [
        (place, cell, float(number < cell.audits), float(number < cell.errors))
        for place, cell in enumerate(cells)
        for number in range(cell.sampled)
    ]
    decisions = sum(inside / cell.probability for _, cell, inside, _ in rows)
    rate = sum(wrong / cell.probability for _, cell, _, wrong in rows) / decisions
    part = [(place, cell, (wrong - rate * inside) / decisions / cell.probability) for place, cell, inside, wrong in rows]
    variance = 0.0
    for (one, first), (other, second) in product(enumerate(part), repeat=2):
        if one == other or first[0] != second[0]:
            continue
        cell = first[1]
        size = cell.sampled / cell.probability
        joint = cell.sampled * (cell.sampled - 1) / (size * (size - 1))
        variance += (cell.probability**2 - joint) / joint * (first[2] - second[2]) ** 2 / 2
    return rate, variance


def test_a_published_survey_comes_out() -> None:
    """Lohr, Sampling: Design and Analysis, example of the learned societies: 24.65 % women with a standard error of .71 %."""
    found = weighted(Drawn(n / size, n, n, round(n * share)) for size, n, share in LEARNED)

    assert found.rate == pytest.approx(0.2465, abs=3e-4)
    assert found.error == pytest.approx(0.0071, abs=5e-5)
    assert found.decisions == pytest.approx(44_000)
    assert found.audits == 3_835


@given(CELLS)
def test_variance_is_that_over_all_pairs(cells: list[Drawn]) -> None:
    """Of the whole sample or of a domain of it, where every stratum has two audits or more, or was audited as a whole."""
    cells = [cell for cell in cells if cell.sampled > 1]
    found = weighted(cells)
    if found.rate is None or found.error is None:
        assert sum(cell.audits for cell in cells) == 0
        return
    rate, variance = by_pairs([cell for cell in cells if cell.audits])

    assert found.rate == pytest.approx(rate, abs=1e-12)
    assert found.error**2 == pytest.approx(variance, abs=1e-12)


def test_an_even_sample_is_a_plain_share() -> None:
    """With one stratum: the share, the textbook's standard error, and Wilson's interval but for two corrections."""
    found = weighted([Drawn(0.01, 200, 200, 30)])
    low, high = wilson(30, 200) or (0, 0)

    assert found.rate == 0.15
    assert found.error == pytest.approx((0.99 * 0.15 * 0.85 / 199) ** 0.5)
    assert found.interval == pytest.approx((low, high), abs=2e-3)
    assert found.effective == pytest.approx(200, rel=0.02)


def test_weights_undo_a_sample_drawn_by_risk() -> None:
    """Half of the audits are of a tenth of the decisions, with three times the errors."""
    found = weighted([Drawn(100 / 9000, 100, 100, 5), Drawn(100 / 1000, 100, 100, 15)])

    assert found.rate == pytest.approx(0.9 * 0.05 + 0.1 * 0.15)
    assert found.wrong == pytest.approx(600)


def test_a_heavy_stratum_without_errors_does_not_make_sure() -> None:
    """Sixty faultless audits of 50,000 decisions may hide what the risky strata do not: the interval says so."""
    found = weighted([Drawn(60 / 50_000, 60, 60, 0), Drawn(150 / 2_000, 150, 150, 15), Drawn(150 / 500, 150, 150, 45)])

    assert found.rate == pytest.approx(350 / 52_500)
    assert found.interval is not None
    assert found.interval[1] > 0.02


def test_without_errors_the_interval_knows_the_weights() -> None:
    """The effective number of audits is Kish's, not their number."""
    found = weighted([Drawn(0.001, 50, 50, 0), Drawn(0.5, 500, 500, 0)])

    assert found.rate == 0
    assert found.error == 0
    assert found.interval is not None
    assert found.interval[0] == 0
    assert found.interval[1] == pytest.approx(wilson(0, 51)[1], abs=0.002)  # type: ignore[index]


def test_what_was_audited_as_a_whole_is_known() -> None:
    """Nothing is left to chance."""
    found = weighted([Drawn(1, 40, 40, 10), Drawn(1, 10, 5, 0)])

    assert found.rate == pytest.approx(10 / 45)
    assert found.interval == pytest.approx((10 / 45, 10 / 45))
    assert found.error == 0
    assert found.effective is None


def test_one_audit_alone_is_hardly_an_estimate() -> None:
    """It has a rate, and an interval of nearly all there is."""
    found = weighted([Drawn(0.1, 1, 1, 1)])

    assert found.rate == 1
    assert found.interval is not None
    assert found.interval[0] < 0.03


def test_nothing_drawn_is_no_estimate() -> None:
    """No rate, no interval, and a reason."""
    for cells in ([], [Drawn(0.5, 10, 0, 0)]):
        found = weighted(cells)
        assert (found.rate, found.error, found.interval, found.effective) == (None, None, None, None)
        assert found.reason is Reason.NO_PROBABILITY


@given(CELLS)
def test_intervals_hold_the_rate(cells: list[Drawn]) -> None:
    """Within 0 and 1, whatever was drawn; the rate of the correct ones is the mirror image."""
    found = weighted(cells)
    mirrored = weighted([Drawn(cell.probability, cell.sampled, cell.audits, cell.audits - cell.errors) for cell in cells])
    if found.rate is None or found.interval is None or mirrored.interval is None:
        assert found.reason is not None
        return

    assert 0 <= found.interval[0] <= found.rate + 1e-9
    assert found.rate - 1e-9 <= found.interval[1] <= 1
    assert mirrored.interval == pytest.approx((1 - found.interval[1], 1 - found.interval[0]), abs=1e-9)
    assert mirrored.error == pytest.approx(found.error)


@given(CELLS, st.integers(2, 5))
def test_the_order_of_strata_is_nothing(cells: list[Drawn], seed: int) -> None:
    """The same cells in another order are the same estimate."""
    shuffled = [cells[place] for place in np.random.default_rng(seed).permutation(len(cells))]

    assert weighted(shuffled).rate == pytest.approx(weighted(cells).rate)
    assert weighted(shuffled).interval == pytest.approx(weighted(cells).interval)


@pytest.mark.parametrize("place", range(len(DESIGNS)))
def test_intervals_hold_the_truth_where_samples_were_drawn_by_risk(place: int) -> None:
    """In 200 draws of each simulated design: without bias, and with the truth in nearly all intervals."""
    design = DESIGNS[place]
    sizes, wrong = truth(design)
    rate = sum(wrong) / sum(sizes)
    found = [each for seed in range(200) if isinstance(each := outcome(seed, design), Outcome)]
    estimates = np.array([each.weighted for each in found])
    held = [low <= rate <= high for low, high in (each.intervals["weighted, reported"] for each in found)]

    assert abs(estimates.mean() - rate) < 3.5 * estimates.std() / len(found) ** 0.5
    assert np.mean(held) > 0.91


@pytest.mark.parametrize("wrong", [(0, 1, 1, 0), (1.1, 1, 1, 0), (0.5, 1, 2, 0), (0.5, 2, 1, 2), (0.5, 1, 1, -1)])
def test_parts_are_not_larger_than_wholes(wrong: tuple[float, int, int, int]) -> None:
    """Nor is a probability more than 1."""
    with pytest.raises(ValueError, match=r"\.$"):
        Drawn(*wrong)
