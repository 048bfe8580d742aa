"""What agreement is said to be in words."""

import numpy as np
import pytest
from irrCAC.benchmark import Benchmark

from published_ratings import PARADOX, THREE_BY_THREE, by_rater, table
from reporting_api.statistics.agreement import AC1, FLEISS
from reporting_api.statistics.between import cohen_pairs
from reporting_api.statistics.estimates import Estimate, Reason
from reporting_api.statistics.ratings import Ratings
from reporting_api.statistics.reading import ALTMAN, LANDIS_KOCH, Scale, paradox, read


def _estimate(value: float, error: float) -> Estimate:
    return Estimate(value, error, (value - error, value + error), None, None, 50, None)


@pytest.mark.parametrize(("scale", "theirs"), [(ALTMAN, "altman"), (LANDIS_KOCH, "landis_koch")])
def test_probabilities_agree_with_irrcac(scale: Scale, theirs: str) -> None:
    """Of every band, that agreement is in it or a better one."""
    chance = np.random.default_rng(8)
    for value, error in zip(chance.uniform(-0.3, 1, 30), chance.uniform(0.01, 0.3, 30), strict=True):
        expected = getattr(Benchmark(value, error), theirs)()["CumProb"]

        found = [probability for _, probability in read(_estimate(value, error), "AC1", scale).at_least]

        assert found == pytest.approx(expected, abs=1e-5)


def test_the_band_is_the_best_that_is_sure_and_not_the_one_of_the_value() -> None:
    """A value of .67 is good; with an error of .15 no more than moderate is sure, with .02 good is, with .35 nothing is."""
    moderate, good, poor = (read(_estimate(0.67, error), "AC1") for error in (0.15, 0.02, 0.35))

    assert moderate.band == "moderate"
    assert moderate.probability == pytest.approx(0.9636, abs=1e-4)
    assert good.band == "good"
    assert moderate.text == (
        "AC1 is 0.67 with a standard error of 0.15: agreement is at least moderate with a probability of 96 % (scale of Altman)."
    )
    assert "with a probability of more than 99 %" in good.text
    assert poor.band == "poor"


def test_the_best_and_the_worst_band_are_said_as_such() -> None:
    best, worst = read(_estimate(0.95, 0.01), "AC1", LANDIS_KOCH), read(_estimate(0.1, 0.3), "AC1", LANDIS_KOCH)

    assert "agreement is almost perfect with a probability of more than 99 %" in best.text
    assert (worst.band, worst.probability) == ("poor", 1)
    assert "nothing better than poor agreement is sure" in worst.text


def test_gwets_table_is_good_and_not_very_good() -> None:
    """AC1 .849 lies among the very good, but an error of .043 leaves that open."""
    assert read(AC1.estimate(THREE_BY_THREE.tally), "AC1").band == "good"


def test_without_a_value_or_an_error_there_is_a_reason() -> None:
    nobody = read(AC1.estimate(by_rater("12", "--").tally), "AC1")
    certain = read(AC1.estimate(by_rater("1212", "1212").tally), "AC1")

    assert (nobody.band, nobody.probability, nobody.reason) == (None, None, Reason.ONE_RATER)
    assert nobody.text == f"AC1 has no value. {Reason.ONE_RATER}"
    assert (certain.band, certain.probability, certain.reason) == (None, None, Reason.NO_SPREAD)
    assert certain.text == f"AC1 is 1.00, but it cannot be said how surely. {Reason.NO_SPREAD}"


def test_the_paradox_is_explained_where_one_category_dominates() -> None:
    """Raters agree on 94 %, kappa is -.02 and AC1 .94: the text says which to go by, and why."""
    found = paradox(PARADOX.tally, cohen_pairs(PARADOX)[0].cohen, AC1.estimate(PARADOX.tally))

    assert found is not None
    assert found.category == 0
    assert found.share == pytest.approx(0.972)
    assert found.text == (
        "One category takes 97 % of the ratings, and 94 % of the pairs of ratings agree. "
        "Kappa takes 95 % for chance, whatever raters do, and is -0.02: a few differences over rare categories decide it. "
        "AC1 takes for chance only what agrees on items that are hard to decide, 5 %, and is 0.94. It is preferred here."
    )


def test_a_kappa_without_a_value_is_explained_too() -> None:
    ratings = Ratings(np.zeros((5, 2), dtype=int), 2)
    found = paradox(ratings.tally, FLEISS.estimate(ratings.tally), AC1.estimate(ratings.tally))

    assert found is not None
    assert "Kappa has no value" in found.text
    assert "less than 1 %" not in found.text
    assert "100 % of the pairs" in found.text


@pytest.mark.parametrize("ratings", [table((40, 5), (5, 50)), by_rater("1111", "----")])
def test_without_a_dominating_category_or_agreement_there_is_no_paradox(ratings: Ratings) -> None:
    assert paradox(ratings.tally, FLEISS.estimate(ratings.tally), AC1.estimate(ratings.tally)) is None
