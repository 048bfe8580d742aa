"""Watching many proportions at once for what has become worse."""

from dataclasses import astuple, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reporting_api.statistics.cells import Codes, segments_of
from reporting_api.statistics.scores import normal, roots
from reporting_api.statistics.watch import CALM, WINDOW, Chart, Counts, Episode, Plan, watch

SITES, QUEUES = 3, 2
LEAVES = np.array([(site, queue) for site in range(SITES) for queue in range(QUEUES)])
KIN = np.array([[True, True, True], [True, True, False], [True, False, True]])
"""All errors, and two classes of them."""
PLAN = Plan(dict.fromkeys(Chart, 0.005))


def counted(seed: int, weeks: int, size: int = 200, rates: tuple[float, float] = (0.05, 0.05)) -> Counts:
    """A stable population: two classes of errors at these rates in every leaf."""
    chance = np.random.default_rng(seed)
    cases = chance.poisson(size, (len(LEAVES), weeks)).astype(float)
    classes = np.stack([chance.binomial(cases.astype(int), rate) for rate in rates]).astype(float)
    return Counts(LEAVES, cases, np.concatenate([classes.sum(axis=0)[None], classes]), KIN, np.ones(3, dtype=bool))


def worse(counts: Counts, family: int, leaves: list[int], since: int, until: int, factor: float) -> Counts:
    """The same with more hits of a class in some leaves from one week on until another."""
    hits = counts.hits.copy()
    more = np.round(hits[family, leaves, since:until] * (factor - 1))
    for each in (0, family):
        hits[each, leaves, since:until] += more
    return replace(counts, hits=hits)


def up_to(counts: Counts, weeks: int) -> Counts:
    """What was known after so many weeks."""
    return replace(counts, cases=counts.cases[:, :weeks], hits=counts.hits[:, :, :weeks])


def named(episodes: list[Episode]) -> list[tuple[int, tuple[tuple[int, int], ...], int, int]]:
    return [(each.family, each.codes, each.since, each.raised) for each in episodes]


def test_false_alarms_keep_to_their_bound() -> None:
    """In 20 stable populations over 30 weeks, of which the first six are not judged."""
    alarms = sum(len(watch(counted(seed, 30), PLAN)) for seed in range(20))

    assert alarms <= 20 * 24 * sum(PLAN.alarms.values())


def test_a_step_is_found_in_its_first_week_and_named_with_its_segment_and_kind() -> None:
    """Neither the segments around it, nor those within it, nor all errors together are found besides."""
    counts = worse(counted(1, 12), 2, [3], 8, 12, 6)

    assert named(watch(counts, PLAN)) == [(2, ((0, 1), (1, 1)), 8, 8)]


def test_a_change_everywhere_is_one_of_the_whole() -> None:
    counts = worse(counted(2, 12), 1, list(range(6)), 8, 12, 2.5)

    assert named(watch(counts, PLAN)) == [(1, (), 8, 8)]


def test_two_changes_at_once_are_two() -> None:
    counts = worse(worse(counted(3, 12), 1, [0], 8, 12, 4), 2, [5], 8, 12, 4)

    assert sorted(named(watch(counts, PLAN))) == [(1, ((0, 0), (1, 0)), 8, 8), (2, ((0, 2), (1, 1)), 8, 8)]


def test_a_change_ends_once_its_weeks_are_calm_and_is_found_anew_when_it_comes_back() -> None:
    """Calm weeks after it end it; what comes later is another one."""
    counts = worse(worse(counted(4, 40), 1, [2], 10, 14, 4), 1, [2], 30, 33, 4)
    found = watch(counts, PLAN)

    assert named(found) == [(1, ((0, 1), (1, 0)), 10, 10), (1, ((0, 1), (1, 0)), 30, 30)]
    assert [each.last for each in found] == [13, 32]
    assert [each.ended for each in found] == [13 + CALM, 32 + CALM]


def test_what_lasts_half_a_year_is_the_level_from_then_on() -> None:
    counts = worse(counted(5, 70), 1, [2], 10, 70, 4)
    [found] = watch(counts, Plan({Chart.SHEWHART: 0.005}))

    assert (found.since, found.ended) == (10, 10 + WINDOW)


def test_a_slow_drift_is_found_by_what_adds_up() -> None:
    """By cumulative sums or the moving average, weeks before the control chart would."""
    counts = counted(9, 30, size=1000)
    for week in range(10, 30):
        counts = worse(counts, 1, list(range(6)), week, week + 1, 1 + 0.03 * (week - 9))
    found = {chart: watch(counts, Plan({chart: 0.005}))[0] for chart in Chart}

    assert max(found[Chart.CUSUM].raised, found[Chart.EWMA].raised) < found[Chart.SHEWHART].raised
    assert found[Chart.CUSUM].codes == found[Chart.EWMA].codes == ()
    assert found[Chart.CUSUM].since == found[Chart.EWMA].since == 10


def test_a_change_around_another_is_judged_without_it() -> None:
    """A site becomes worse while a queue of it is so already: it ends when the rest of the site is calm again."""
    counts = worse(worse(counted(10, 30), 1, [2], 10, 30, 6), 1, [3], 14, 18, 6)
    found = watch(counts, Plan({Chart.SHEWHART: 0.005}))

    assert [(each.codes, each.since, each.last, each.ended is not None) for each in found] == [
        (((0, 1), (1, 0)), 10, 29, False),
        (((0, 1),), 14, 17, True),
    ]


def test_segments_are_named_with_the_owner_that_all_their_cases_have() -> None:
    """A queue in which one site alone works is that site's."""
    counts = counted(1, 12)
    counts = Counts(LEAVES[:4], counts.cases[:4].copy(), counts.hits[:, :4].copy(), KIN, counts.broad, owners=(0,))
    counts.cases[1] = counts.hits[:, 1] = 0
    [found] = watch(worse(counts, 2, [3], 8, 12, 6), PLAN)

    assert found.codes == ((0, 1), (1, 1))


@given(
    seed=st.integers(0, 10_000),
    changes=st.lists(
        st.tuples(
            st.integers(1, 2),
            st.lists(st.integers(0, 5), min_size=1, max_size=4),
            st.integers(6, 24),
            st.integers(1, 20),
            st.sampled_from([1.3, 2, 4]),
        ),
        max_size=3,
    ),
)
@settings(max_examples=12, deadline=None)
def test_week_by_week_finds_what_the_end_finds(seed: int, changes: list[tuple[int, list[int], int, int, float]]) -> None:
    """What is found with the data of some weeks is what is found with all of them, of what was raised by then."""
    counts = counted(seed, 26)
    for family, leaves, since, lasting, factor in changes:
        counts = worse(counts, family, sorted(set(leaves)), since, min(since + lasting, 26), factor)
    end = watch(counts, PLAN)

    for weeks in (7, 13, 18, 25):
        early = watch(up_to(counts, weeks), PLAN)
        assert named(early) == named([each for each in end if each.raised < weeks])
        for one, other in zip(early, end, strict=False):
            if other.ended is not None and other.ended < weeks:
                assert str(astuple(one)) == str(astuple(other))


def test_scores_are_standard_normal_while_nothing_changes() -> None:
    """The signed roots of weeks by the weeks before them vary by 1 and do not follow from one another."""
    chance = np.random.default_rng(7)
    n = np.full((5000, 20), 300.0)
    k = chance.binomial(300, 0.08, n.shape).astype(float)
    scores = np.stack([roots(k[:, w], n[:, w], k[:, :w].sum(axis=1), n[:, :w].sum(axis=1)) for w in range(6, 20)])

    assert scores.std() == pytest.approx(1, abs=0.02)
    assert abs(np.corrcoef(scores[:-1].ravel(), scores[1:].ravel())[0, 1]) < 0.02


def test_scores_of_students_t_become_normal_ones() -> None:
    """2.228 is to ten degrees of freedom what 1.96 is to many."""
    assert normal(np.array([2.228139, -2.228139, 1.96]), np.array([10, 10, np.inf])) == pytest.approx(
        [1.96, -1.96, 1.96], abs=5e-3
    )


def test_segments_are_the_whole_each_code_and_each_pair() -> None:
    segments = segments_of(LEAVES)
    sums = segments.sums(np.arange(6.0)[:, None])[:, 0]

    expected: dict[Codes, float] = {(): 15, ((0, 0),): 1, ((0, 1),): 5, ((0, 2),): 9, ((1, 0),): 6, ((1, 1),): 9}
    expected |= {((0, site), (1, queue)): 2 * site + queue for site in range(3) for queue in range(2)}

    assert len(segments.codes) == 1 + SITES + QUEUES + SITES * QUEUES
    assert dict(zip(segments.codes, sums, strict=True)) == expected
