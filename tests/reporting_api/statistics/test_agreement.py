"""Agreement among raters: published tables, independent implementations, degenerate cases and invariances."""

import math
from typing import Any

import krippendorff
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from irrCAC.raw import CAC
from statsmodels.stats.inter_rater import fleiss_kappa

from published_ratings import (
    FLEISS_1971,
    FOUR_BY_FOUR,
    PARADOX,
    THREE_BY_THREE,
    THREE_CODERS,
    TWELVE_UNITS,
    any_ratings,
    by_rater,
    random_ratings,
)
from reporting_api.statistics.agreement import (
    AC1,
    AC2,
    ALPHA_INTERVAL,
    ALPHA_NOMINAL,
    ALPHA_ORDINAL,
    FLEISS,
    NOMINAL,
    ORDINAL,
    PERCENT_AGREEMENT,
    Alpha,
    ChanceCorrected,
    Coefficient,
    fleiss_by_category,
    fleiss_chance,
    gwet_chance,
)
from reporting_api.statistics.estimates import Estimate, Reason
from reporting_api.statistics.ratings import MISSING, Ratings, Weighting, agreement_weights

EVERY = {**ORDINAL, "alpha_interval": ALPHA_INTERVAL}
AC2_QUADRATIC = ChanceCorrected(gwet_chance, Weighting.QUADRATIC)


def _rounded(estimate: Estimate) -> tuple[float, ...]:
    """Value, standard error and interval to three digits."""
    assert estimate.value is not None
    assert estimate.error is not None
    assert estimate.interval is not None
    return tuple(round(each, 3) for each in (estimate.value, estimate.error, *estimate.interval))


def test_gwets_table_of_three_categories_is_reproduced() -> None:
    """Percent agreement .890, AC1 .849 (.764 to .935), and with quadratic weights AC2 .940 (.905 to .976)."""
    tally = THREE_BY_THREE.tally

    assert _rounded(PERCENT_AGREEMENT.estimate(tally))[0] == 0.890
    assert _rounded(AC1.estimate(tally)) == (0.849, 0.043, 0.764, 0.935)
    assert _rounded(AC2_QUADRATIC.estimate(tally)) == (0.940, 0.018, 0.905, 0.976)


def test_gwets_table_of_four_categories_is_reproduced() -> None:
    """AC1 .456 with standard error .043."""
    assert _rounded(AC1.estimate(FOUR_BY_FOUR.tally))[:2] == (0.456, 0.043)


def test_gwets_twelve_units_with_missing_ratings_are_reproduced() -> None:
    """AC1 .775 (.143), Fleiss .761, nominal alpha .743 (.146)."""
    tally = TWELVE_UNITS.tally

    assert _rounded(AC1.estimate(tally))[:2] == (0.775, 0.143)
    assert _rounded(FLEISS.estimate(tally))[0] == 0.761
    assert _rounded(ALPHA_NOMINAL.estimate(tally))[:2] == (0.743, 0.146)


def test_krippendorffs_three_coders_are_reproduced() -> None:
    """Alpha .691 nominal, .811 interval."""
    assert _rounded(ALPHA_NOMINAL.estimate(THREE_CODERS.tally))[0] == 0.691
    assert _rounded(ALPHA_INTERVAL.estimate(THREE_CODERS.tally))[0] == 0.811


def test_fleiss_1971_is_reproduced() -> None:
    """Kappa .430, by category .245 .245 .520 .471 .566."""
    by_category = [_rounded(each)[0] for each in fleiss_by_category(FLEISS_1971.tally)]

    assert _rounded(FLEISS.estimate(FLEISS_1971.tally))[0] == 0.430
    assert by_category == [0.245, 0.245, 0.520, 0.471, 0.566]


def test_the_paradox_is_reproduced() -> None:
    """Raters agree on .944, and AC1 is .941."""
    assert _rounded(PERCENT_AGREEMENT.estimate(PARADOX.tally))[0] == 0.944
    assert _rounded(AC1.estimate(PARADOX.tally))[0] == 0.941


IRR_CAC = [
    pytest.param(AC1, Weighting.IDENTITY, "gwet", id="AC1"),
    pytest.param(AC2, Weighting.ORDINAL, "gwet", id="AC2, ordinal weights"),
    pytest.param(AC2_QUADRATIC, Weighting.QUADRATIC, "gwet", id="AC2, quadratic weights"),
    pytest.param(FLEISS, Weighting.IDENTITY, "fleiss", id="Fleiss"),
    pytest.param(ChanceCorrected(fleiss_chance, Weighting.LINEAR), Weighting.LINEAR, "fleiss", id="Fleiss, linear weights"),
    pytest.param(ALPHA_NOMINAL, Weighting.IDENTITY, "krippendorff", id="alpha, nominal"),
    pytest.param(ALPHA_INTERVAL, Weighting.QUADRATIC, "krippendorff", id="alpha, interval"),
]


@pytest.mark.parametrize(("coefficient", "weighting", "theirs"), IRR_CAC)
def test_values_errors_and_intervals_agree_with_irrcac(coefficient: Coefficient, weighting: Weighting, theirs: str) -> None:
    """To ten digits, ratings missing or not."""
    chance = np.random.default_rng(1)
    compared = 0
    for _ in range(12):
        ratings = random_ratings(chance)
        expected = _irr_cac(ratings, weighting, theirs)
        ours = coefficient.estimate(ratings.tally)
        low, high = expected["confidence_interval"]

        assert ours.value == pytest.approx(expected["coefficient_value"], abs=1e-10)
        if ours.error is not None:
            compared += 1
            assert ours.error == pytest.approx(expected["se"], abs=1e-10)
            assert ours.interval == pytest.approx((max(low, _least(ours)), high), abs=1e-9)

    assert compared > 8


def _least(estimate: Estimate) -> float:
    """The coefficient where nobody agrees, at which intervals end."""
    assert estimate.expected is not None
    return -estimate.expected / (1 - estimate.expected)


def _irr_cac(ratings: Ratings, weighting: Weighting, method: str) -> Any:
    """Their estimate. They name categories from 1 and take the weights of all pairs."""
    frame = pd.DataFrame(np.where(ratings.codes == MISSING, np.nan, ratings.codes + 1.0))
    categories = [float(each + 1) for each in range(ratings.categories)]
    weights = agreement_weights(weighting, ratings.categories)
    return getattr(CAC(frame, weights=weights, categories=categories, digits=14), method)()["est"]


@pytest.mark.parametrize("weighting", Weighting)
def test_weights_are_those_of_irrcac(weighting: Weighting) -> None:
    """For five categories, by name."""
    frame = pd.DataFrame([[1.0, 2.0, 3.0], [4.0, 5.0, 5.0]])
    theirs = CAC(frame, weights=str(weighting), categories=[1.0, 2.0, 3.0, 4.0, 5.0]).weights_mat

    assert agreement_weights(weighting, 5) == pytest.approx(theirs)


@pytest.mark.parametrize(
    ("alpha", "level"), [(ALPHA_NOMINAL, "nominal"), (ALPHA_ORDINAL, "ordinal"), (ALPHA_INTERVAL, "interval")]
)
def test_alpha_agrees_with_krippendorff(alpha: Alpha, level: Any) -> None:
    """To twelve digits, ratings missing or not."""
    chance = np.random.default_rng(2)
    for _ in range(100):
        ratings = random_ratings(chance)
        ours = alpha.estimate(ratings.tally).value
        if ours is None:
            continue
        values = np.where(ratings.codes == MISSING, np.nan, ratings.codes)
        theirs = krippendorff.alpha(values.T, level_of_measurement=level, value_domain=list(range(ratings.categories)))

        assert ours == pytest.approx(theirs, abs=1e-12)


def test_fleiss_agrees_with_statsmodels() -> None:
    """Which takes complete ratings alone."""
    chance = np.random.default_rng(3)
    for _ in range(50):
        ratings = random_ratings(chance, missing=0.0)

        assert FLEISS.estimate(ratings.tally).value == pytest.approx(fleiss_kappa(ratings.counts), abs=1e-12)


@pytest.mark.parametrize("missing", [0.0, 0.4])
def test_the_error_of_ordinal_alpha_is_that_of_leaving_items_out(missing: float) -> None:
    """The metric moves with the ratings, and the error allows for it: it is the jackknife's, up to terms of a smaller order."""
    chance = np.random.default_rng(4)
    ratings = Ratings(np.clip(chance.integers(0, 5, (300, 1)) + chance.integers(-1, 2, (300, 4)), 0, 4), 5)
    ratings = Ratings(np.where(chance.random(ratings.codes.shape) < missing, MISSING, ratings.codes), 5)
    ratings = ratings.of_items(ratings.counts.sum(axis=1) > 1)
    tally, items = ratings.tally, len(ratings.codes)
    without = ALPHA_ORDINAL.values(tally, tally.times - np.eye(len(tally.times)))
    jackknife = math.sqrt((items - 1) / items * float(tally.times @ (without - without @ tally.times / items) ** 2))

    assert ALPHA_ORDINAL.estimate(tally).error == pytest.approx(jackknife, rel=0.02)


@given(any_ratings())
def test_there_is_a_number_or_a_reason(ratings: Ratings) -> None:
    """A value, an error and an interval around the value, or the reason why not; never NaN."""
    for estimate in (*(each.estimate(ratings.tally) for each in EVERY.values()), *fleiss_by_category(ratings.tally)):
        assert (estimate.reason is None) == (estimate.error is not None) == (estimate.interval is not None)
        assert estimate.value is not None or estimate.reason is not None
        assert all(math.isfinite(each) for each in (estimate.value, estimate.error, estimate.observed) if each is not None)
        if estimate.interval is not None and estimate.value is not None:
            assert estimate.interval[0] <= estimate.value <= estimate.interval[1] <= 1
        if estimate.value is not None and estimate.observed is not None and estimate.expected is not None:
            assert 0 <= estimate.observed <= 1 + 1e-12
            corrected = (estimate.observed - estimate.expected) / (1 - estimate.expected)
            assert estimate.value == pytest.approx(corrected, abs=1e-9)


@pytest.mark.parametrize("coefficient", EVERY.values(), ids=EVERY)
@pytest.mark.parametrize(
    ("ratings", "reason"),
    [
        pytest.param(Ratings(np.empty((0, 3), dtype=int), 2), Reason.NO_RATINGS, id="no items"),
        pytest.param(Ratings(np.full((4, 3), MISSING), 2), Reason.NO_RATINGS, id="no ratings"),
        pytest.param(by_rater("1212", "----"), Reason.ONE_RATER, id="one of two raters"),
        pytest.param(by_rater("12--", "--12"), Reason.NO_PAIRS, id="different items"),
    ],
)
def test_without_two_ratings_of_an_item_there_is_no_value(coefficient: Coefficient, ratings: Ratings, reason: Reason) -> None:
    """And the reason is said."""
    assert coefficient.estimate(ratings.tally) == Estimate(None, None, None, None, None, 0, reason)


def test_one_category_leaves_no_kappa_and_no_alpha() -> None:
    """Their 0 / 0 is no 0 and no 1. Percent agreement and AC1 are 1 by their formulas, without an error."""
    ratings = Ratings(np.zeros((5, 3), dtype=int), 3)
    found = {name: each.estimate(ratings.tally) for name, each in EVERY.items()}

    for name in ("fleiss", "alpha_nominal", "alpha_ordinal", "alpha_interval"):
        assert (found[name].value, found[name].items, found[name].reason) == (None, 5, Reason.ONE_CATEGORY)
    for name in ("percent_agreement", "ac1", "ac2"):
        assert (found[name].value, found[name].error, found[name].reason) == (1.0, None, Reason.NO_SPREAD)
    assert [each.reason for each in fleiss_by_category(ratings.tally)] == [
        Reason.ONE_CATEGORY,
        Reason.UNUSED_CATEGORY,
        Reason.UNUSED_CATEGORY,
    ]


@pytest.mark.parametrize("coefficient", EVERY.values(), ids=EVERY)
def test_raters_who_always_agree_reach_1_without_an_error(coefficient: Coefficient) -> None:
    """Where nothing varies, no error can be known: 1 with a standard error of 0 would claim certainty."""
    estimate = coefficient.estimate(by_rater("12312", "12312", "12312").tally)

    assert estimate.value == pytest.approx(1, abs=1e-12)
    assert (estimate.error, estimate.interval, estimate.reason) == (None, None, Reason.NO_SPREAD)


def test_one_item_has_a_value_without_an_error() -> None:
    estimate = AC1.estimate(by_rater("1", "1", "2").tally)

    assert estimate.value is not None
    assert (estimate.error, estimate.reason) == (None, Reason.ONE_ITEM)


def test_categories_that_nobody_used_belong_to_the_scale() -> None:
    """AC1's chance agreement goes by how many categories raters could choose from; Fleiss' does not."""
    two = by_rater("1122", "1121", "1222")
    five = Ratings(two.codes, 5)

    assert (AC1.estimate(five.tally).value or 0) > (AC1.estimate(two.tally).value or 0)
    assert FLEISS.estimate(five.tally).value == pytest.approx(FLEISS.estimate(two.tally).value)


@pytest.mark.parametrize(
    ("values", "categories"),
    [(np.array([[0, 2]]), 2), (np.array([[-2, 0]]), 2), (np.array([0, 1]), 2), (np.array([[0, 0]]), 1)],
)
def test_what_is_no_matrix_of_ratings_on_the_scale_is_refused(values: np.ndarray, categories: int) -> None:
    with pytest.raises(ValueError, match=r"scale|matrix"):
        Ratings(values, categories)


@given(any_ratings())
def test_neither_the_order_of_raters_nor_that_of_items_matters(ratings: Ratings) -> None:
    turned = Ratings(ratings.codes[::-1, ::-1], ratings.categories)

    for coefficient in EVERY.values():
        _same(coefficient.estimate(ratings.tally), coefficient.estimate(turned.tally))


@given(any_ratings())
def test_names_of_categories_do_not_matter_where_they_have_no_order(ratings: Ratings) -> None:
    renamed = Ratings(np.where(ratings.codes == MISSING, MISSING, (ratings.codes + 1) % ratings.categories), ratings.categories)

    for coefficient in NOMINAL.values():
        _same(coefficient.estimate(ratings.tally), coefficient.estimate(renamed.tally))


@given(any_ratings())
def test_ordered_categories_may_be_counted_from_either_end(ratings: Ratings) -> None:
    reverse = ratings.categories - 1 - ratings.codes
    reversed_ratings = Ratings(np.where(ratings.codes == MISSING, MISSING, reverse), ratings.categories)

    for coefficient in EVERY.values():
        _same(coefficient.estimate(ratings.tally), coefficient.estimate(reversed_ratings.tally))


def _same(one: Estimate, other: Estimate) -> None:
    assert (one.items, one.reason) == (other.items, other.reason)
    for mine, theirs in zip(_numbers(one), _numbers(other), strict=True):
        assert mine == pytest.approx(theirs, abs=1e-9)


def _numbers(estimate: Estimate) -> tuple[float | None, ...]:
    return (estimate.value, estimate.error, *(estimate.interval or ()))
