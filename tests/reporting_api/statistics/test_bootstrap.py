"""Resampled intervals."""

import numpy as np
import pytest

from published_ratings import THREE_BY_THREE, TWELVE_UNITS, by_rater
from reporting_api.statistics.agreement import AC1, ALPHA_INTERVAL, FLEISS, ORDINAL, Coefficient
from reporting_api.statistics.bootstrap import Resampled, resample
from reporting_api.statistics.estimates import Reason
from reporting_api.statistics.ratings import MISSING, Ratings

EVERY: dict[str, Coefficient] = {**ORDINAL, "alpha_interval": ALPHA_INTERVAL}


def _some(items: int) -> Ratings:
    chance = np.random.default_rng(6)
    values = np.clip(chance.integers(0, 4, (items, 1)) + chance.integers(-1, 2, (items, 5)), 0, 3)
    return Ratings(np.where(chance.random(values.shape) < 0.2, MISSING, values), 4)


def test_a_replicate_has_the_value_of_the_items_that_were_drawn() -> None:
    """Counting how often a way of rating was drawn gives what the drawn items themselves give, some of them twice."""
    ratings = _some(60)
    tally = ratings.tally
    drawn = np.random.default_rng(7).integers(0, len(tally.times), (20, 60))
    times = np.array([np.bincount(row, minlength=len(tally.times)) for row in drawn], dtype=float)
    for coefficient in EVERY.values():
        values = coefficient.values(tally, times)
        for value, rows in zip(values, drawn, strict=True):
            items = [_row(tally.counts[row]) for row in rows]

            assert value == pytest.approx(coefficient.estimate(Ratings(np.array(items), 4).tally).value, abs=1e-9)


def _row(counts: np.ndarray) -> np.ndarray:
    """Five ratings with these counts."""
    given = np.repeat(np.arange(len(counts)), counts.astype(int))
    return np.pad(given, (0, 5 - len(given)), constant_values=MISSING)


def test_resampled_errors_and_intervals_are_near_those_by_formula() -> None:
    """With 400 items both see the same spread."""
    tally = _some(400).tally
    resampled = resample(tally, EVERY)
    for name, coefficient in EVERY.items():
        estimate, found = coefficient.estimate(tally), resampled[name]

        assert found.error == pytest.approx(estimate.error, rel=0.06)
        assert found.interval == pytest.approx(estimate.interval, abs=0.015)
        assert (found.replicates, found.reason) == (2000, None)


def test_the_same_seed_gives_the_same_interval() -> None:
    """So that both sides of the table can recompute it."""
    once, again, other = (resample(THREE_BY_THREE.tally, {"ac1": AC1}, replicates=200, seed=seed) for seed in (1, 1, 2))

    assert once == again != other


def test_replicates_without_a_value_are_left_out_while_they_are_few() -> None:
    """Twelve units of which one alone is hard: a replicate has always something to say; two units often have one category."""
    few, many = resample(TWELVE_UNITS.tally, {"f": FLEISS})["f"], resample(by_rater("12", "12", "11").tally, {"f": FLEISS})["f"]

    assert (few.replicates, few.reason) == (2000, None)
    assert many.replicates < 1900
    assert (many.error, many.interval, many.reason) == (None, None, Reason.RARELY_DEFINED)


@pytest.mark.parametrize(
    ("ratings", "reason"),
    [
        pytest.param(Ratings(np.empty((0, 2), dtype=int), 2), Reason.NO_RATINGS, id="nothing"),
        pytest.param(by_rater("12"), Reason.ONE_RATER, id="one rater"),
        pytest.param(by_rater("1", "2"), Reason.ONE_ITEM, id="one item"),
        pytest.param(by_rater("111", "111", "11-"), Reason.ONE_CATEGORY, id="one category"),
    ],
)
def test_what_cannot_be_estimated_cannot_be_resampled(ratings: Ratings, reason: Reason) -> None:
    ratings = Ratings(ratings.codes, 2)

    assert resample(ratings.tally, {"f": FLEISS}, replicates=50)["f"] == Resampled(None, None, 0, reason)


def test_raters_who_always_agree_leave_nothing_to_resample() -> None:
    found = resample(by_rater("12" * 10, "12" * 10).tally, {"f": FLEISS}, replicates=50)["f"]

    assert (found.error, found.interval, found.reason) == (None, None, Reason.NO_SPREAD)
