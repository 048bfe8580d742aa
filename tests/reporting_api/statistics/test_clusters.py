"""How much ratings tell that go together."""

import numpy as np
import pytest

from reporting_api.statistics.clusters import effective_size

HITS = np.array([1, 0, 1, 1, 0, 1, 0, 1, 1, 1])


def test_trials_of_their_own_count_in_full() -> None:
    assert effective_size(HITS, np.ones(10)) == 10


def test_trials_that_repeat_each_other_tell_no_more_than_one_of_them() -> None:
    """Each trial three times over: as good as ten, but for the n - 1 of the variance among clusters."""
    assert effective_size(3 * HITS, np.full(10, 3)) == pytest.approx(9)


def test_clusters_never_make_more_of_trials_than_there_are() -> None:
    """Where clusters are more alike than chance would make them, and where one of them is empty."""
    assert effective_size(np.array([1, 1, 1, 1, 0]), np.array([2, 2, 2, 2, 0])) == 8


def test_where_all_came_out_alike_the_clusters_are_counted() -> None:
    assert effective_size(np.full(4, 5), np.full(4, 5)) == 4
    assert effective_size(np.zeros(4), np.full(4, 5)) == 4
    assert effective_size(np.array([2]), np.array([5])) == 1
