"""Raters and items one by one."""

import numpy as np
import pytest

from published_ratings import by_rater
from reporting_api.statistics.estimates import Reason
from reporting_api.statistics.intervals import wilson
from reporting_api.statistics.raters import alignment, divisive, divisive_groups, repeatability
from reporting_api.statistics.ratings import MISSING, Ratings


def test_alignment_counts_what_has_a_rating_and_a_benchmark() -> None:
    """With Wilson's interval; a rater without any has a reason."""
    ratings = by_rater("1231", "1--2", "---1")
    first, second, third = alignment(ratings, np.array([0, 1, 0, MISSING]))

    assert (first.agreed, first.rated, first.value, first.reason) == (2, 3, 2 / 3, None)
    assert first.interval == wilson(2, 3)
    assert (second.agreed, second.rated, second.value) == (1, 1, 1.0)
    assert (third.agreed, third.rated, third.value, third.interval, third.reason) == (0, 0, None, None, Reason.NO_BENCHMARK)


def test_repeatability_is_agreement_with_oneself() -> None:
    """An item shown twice counts where the rater rated it both times, whatever others did."""
    ratings = by_rater("12312", "1231-", "1--2-")
    shares = repeatability(ratings, [(0, 3), (1, 4)])

    assert [(each.agreed, each.rated) for each in shares] == [(2, 2), (1, 1), (0, 1)]
    assert repeatability(by_rater("12-", "-12"), [(0, 2)])[0].reason == Reason.NO_REPEATS
    assert [each.reason for each in repeatability(ratings, [])] == [Reason.NO_REPEATS] * 3


def test_the_most_divisive_items_come_first() -> None:
    """By the share of differing pairs, then by entropy; what all agree on, or one alone has rated, divides nobody."""
    ratings = by_rater("11113", "11223", "12323", "12-4-", "-----")
    ratings = Ratings(np.vstack((ratings.codes, [0, MISSING, MISSING, MISSING, MISSING])), 4)
    found = divisive(ratings)

    assert [(each.item, each.ratings) for each in found] == [(2, 3), (3, 4), (1, 4)]
    assert [each.disagreement for each in found] == pytest.approx([1, 5 / 6, 4 / 6])
    assert [each.entropy for each in found] == pytest.approx([np.log(3) / np.log(4), 0.75, 0.5])
    assert divisive(ratings, most=1) == found[:1]


def test_groups_of_items_are_ordered_from_the_most_divided() -> None:
    """Those that nobody can say anything about come last; items without a group are left out."""
    ratings = by_rater("112211", "12221-")
    found = divisive_groups(ratings, ["calm", "split", "calm", "split", None, "alone"])

    assert [(group, estimate.value, estimate.items) for group, estimate in found] == [
        ("split", 0.5, 2),
        ("calm", 1.0, 2),
        ("alone", None, 0),
    ]
    assert found[-1][1].reason == Reason.ONE_RATER
