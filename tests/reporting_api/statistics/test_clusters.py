"""How much ratings tell that go together."""

import numpy as np
import pytest

from reporting_api.statistics.clusters import effective_size
from reporting_api.statistics.intervals import wilson

HITS = np.array([1, 0, 1, 1, 0, 1, 0, 1, 1, 1])


def test_trials_of_their_own_count_in_full() -> None:
    assert effective_size(HITS, np.ones(10)) == 10


def test_trials_that_repeat_each_other_tell_no_more_than_one_of_them() -> None:
    """Each trial three times over: as good as ten, less for a variance among clusters that is estimated."""
    assert effective_size(3 * HITS, np.full(10, 3)) == pytest.approx(9 * (1.959964 / 2.262157) ** 2)


def test_clusters_never_make_more_of_trials_than_there_are() -> None:
    """Where clusters are more alike than chance would make them, and where one of them is empty."""
    assert effective_size(np.array([1, 1, 1, 1, 0]), np.array([2, 2, 2, 2, 0])) == 8


def test_where_all_came_out_alike_the_clusters_are_counted() -> None:
    assert effective_size(np.full(4, 5), np.full(4, 5)) == 4
    assert effective_size(np.zeros(4), np.full(4, 5)) == 4
    assert effective_size(np.array([2]), np.array([5])) == 1


def test_an_interval_of_the_effective_size_misses_as_rarely_as_it_promises() -> None:
    """A party at its target of 85 %, 25 items of four ratings each, is put below it in 2.5 % of sessions, give or take chance."""
    chance = np.random.default_rng(7)
    sizes = np.full(25, 4)
    sessions = 10_000
    below = 0
    for hits in chance.binomial(4, chance.beta(8 * 0.85, 8 * 0.15, (sessions, 25))):
        effective = effective_size(hits, sizes)
        bounds = wilson(hits.sum() / sizes.sum() * effective, effective)
        below += bounds is not None and bounds[1] < 0.85

    assert below / sessions < 0.028
