"""Agreement between two raters, and between two groups of raters."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from irrCAC.table import CAC
from statsmodels.stats.inter_rater import cohens_kappa

from published_ratings import FOUR_BY_FOUR, PARADOX, THREE_BY_THREE, any_ratings, by_rater, random_ratings
from reporting_api.statistics.agreement import AC1, PERCENT_AGREEMENT
from reporting_api.statistics.between import between, cohen_pairs, confusion
from reporting_api.statistics.estimates import Estimate, Reason
from reporting_api.statistics.ratings import MISSING, Ratings, Weighting


def _cohen(ratings: Ratings, weighting: Weighting = Weighting.IDENTITY) -> tuple[float, ...]:
    """Value, standard error and interval to three digits."""
    estimate = cohen_pairs(ratings, weighting)[0].cohen
    assert estimate.value is not None
    assert estimate.error is not None
    assert estimate.interval is not None
    return tuple(round(each, 3) for each in (estimate.value, estimate.error, *estimate.interval))


def test_published_tables_are_reproduced() -> None:
    """Gwet's tables give .796 (.680 to .913), with quadratic weights .892, and .432 (SE .046); the paradox gives -.023."""
    assert _cohen(THREE_BY_THREE) == (0.796, 0.059, 0.680, 0.913)
    assert _cohen(THREE_BY_THREE, Weighting.QUADRATIC)[0] == 0.892
    assert _cohen(FOUR_BY_FOUR)[:2] == (0.432, 0.046)
    assert _cohen(PARADOX)[0] == -0.023


@pytest.mark.parametrize(
    ("weighting", "theirs"), [(Weighting.IDENTITY, None), (Weighting.LINEAR, "linear"), (Weighting.QUADRATIC, "quadratic")]
)
def test_cohen_of_all_pairs_agrees_with_statsmodels_and_irrcac(weighting: Weighting, theirs: str | None) -> None:
    """Each pair by the items that both rated; the interval is irrCAC's, by Student's t."""
    chance = np.random.default_rng(5)
    compared = 0
    for _ in range(8):
        ratings = random_ratings(chance)
        for pair in cohen_pairs(ratings, weighting):
            a, b = pair.raters
            table = confusion(ratings.codes[:, a], ratings.codes[:, b], ratings.categories)
            if pair.cohen.error is None or pair.cohen.interval is None:
                continue
            compared += 1
            statsmodels = cohens_kappa(table, wt=theirs)
            irr_cac = CAC(pd.DataFrame(table), weights=str(weighting), digits=12).cohen()["est"]
            (low, high), pe = irr_cac["confidence_interval"], irr_cac["pe"]

            assert pair.cohen.value == pytest.approx(statsmodels.kappa, abs=1e-10)
            assert pair.cohen.error == pytest.approx(statsmodels.std_kappa, abs=1e-10)
            assert pair.cohen.error == pytest.approx(irr_cac["se"], abs=1e-10)
            assert pair.cohen.interval == pytest.approx((max(low, -pe / (1 - pe)), high), abs=1e-9)
            assert pair.percent_agreement.value == pytest.approx(irr_cac["pa"] if theirs else np.trace(table) / table.sum())

    assert compared > 40


def test_pairs_are_all_pairs() -> None:
    assert [pair.raters for pair in cohen_pairs(by_rater("12", "12", "12", "12"))] == [
        (0, 1),
        (0, 2),
        (0, 3),
        (1, 2),
        (1, 3),
        (2, 3),
    ]


@pytest.mark.parametrize(
    ("ratings", "value", "reason"),
    [
        pytest.param(by_rater("12--", "--12"), None, Reason.NO_PAIRS, id="different items"),
        pytest.param(by_rater("1111", "1111", "1112"), None, Reason.ONE_CATEGORY, id="one category"),
        pytest.param(by_rater("1212", "1212"), 1.0, Reason.NO_SPREAD, id="always alike"),
        pytest.param(by_rater("1111", "1212"), 0.0, Reason.NO_SPREAD, id="one of them does not vary"),
        pytest.param(by_rater("1-", "22"), 0.0, Reason.ONE_ITEM, id="one item"),
    ],
)
def test_two_raters_without_a_kappa_have_a_reason(ratings: Ratings, value: float | None, reason: Reason) -> None:
    estimate = cohen_pairs(ratings)[0].cohen

    assert (estimate.value, estimate.error, estimate.reason) == (value, None, reason)


def test_groups_of_one_rater_are_two_raters() -> None:
    """Then the kappa is Cohen's, and AC1 is that of the two."""
    found = between(FOUR_BY_FOUR, [0], [1])
    pair = cohen_pairs(FOUR_BY_FOUR)[0]

    _same(found.kappa, pair.cohen)
    _same(found.percent_agreement, pair.percent_agreement)
    _same(found.percent_agreement, PERCENT_AGREEMENT.estimate(FOUR_BY_FOUR.tally))
    _same(found.ac1, AC1.estimate(FOUR_BY_FOUR.tally))
    assert found.confusion.tolist() == confusion(FOUR_BY_FOUR.codes[:, 0], FOUR_BY_FOUR.codes[:, 1], 4).tolist()


def _same(one: Estimate, other: Estimate) -> None:
    assert (one.items, one.reason) == (other.items, other.reason)
    assert (one.value, one.error) == pytest.approx((other.value, other.error))
    assert one.interval == pytest.approx(other.interval)


def test_groups_agree_as_two_raters_drawn_from_them_would() -> None:
    """Every rater of one group meets every rater of the other; an item that a group did not rate does not count."""
    client, vendor = ("1122-", "1212-"), ("12211", "1-211")
    found = between(by_rater(*client, *vendor), [0, 1], [2, 3])

    assert found.percent_agreement.value == pytest.approx((1 + 1 / 2 + 1 / 2 + 0) / 4)
    assert found.percent_agreement.items == 4
    assert found.confusion.tolist() == [[1, 1], [1, 1]]
    assert found.kappa.value == pytest.approx(0)


def test_groups_that_share_no_item_have_a_reason() -> None:
    found = between(by_rater("12--", "--12"), [0], [1])

    assert {each.reason for each in (found.percent_agreement, found.kappa, found.ac1)} == {Reason.NO_PAIRS}
    assert found.confusion.tolist() == [[0, 0], [0, 0]]


@given(any_ratings())
def test_sides_may_be_exchanged(ratings: Ratings) -> None:
    """Agreement is the same from both sides, and the confusion is turned over."""
    raters = ratings.codes.shape[1]
    one, other = range(raters // 2), range(raters // 2, raters)
    found, turned = between(ratings, one, other), between(ratings, other, one)

    assert found.confusion == pytest.approx(turned.confusion.T)
    for mine, theirs in ((found.kappa, turned.kappa), (found.ac1, turned.ac1)):
        assert (mine.items, mine.reason) == (theirs.items, theirs.reason)
        assert (mine.value, mine.error) == pytest.approx((theirs.value, theirs.error), abs=1e-9)


def test_confusion_counts_what_has_both() -> None:
    truth, given_category = np.array([0, 0, 1, 2, MISSING], dtype=np.int8), np.array([0, 1, 1, MISSING, 2], dtype=np.int8)

    assert confusion(truth, given_category, 3).tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]
