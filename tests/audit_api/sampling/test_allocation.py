"""How many audits go where: against published figures, against brute force, and within bounds whatever is asked."""

from itertools import product
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import samplesize_proportions_2indep_onetail

from audit_api.sampling.allocation import (
    Fixed,
    Neyman,
    Power,
    Precision,
    Proportional,
    Rule,
    allocate,
    change_sample,
    neyman,
    neyman_exact,
    precise_each,
    precise_overall,
    proportional,
)
from audit_api.sampling.budget import Budget, within_budget
from audit_api.sampling.strata import Stratum, deviations, expected, rates, two_sided


def of_sizes(*sizes: int, deviation: float | None = None) -> list[Stratum]:
    return [Stratum(size, deviation=deviation) for size in sizes]


PUBLISHED = [Stratum(500, deviation=1), Stratum(300, deviation=5), Stratum(200, deviation=5)]

STRATA = st.lists(
    st.builds(
        lambda size, minimum, audits, wrong, minutes: Stratum(size, minimum, audits, round(audits * wrong), minutes=minutes),
        st.integers(0, 400),
        st.integers(0, 12),
        st.integers(0, 300),
        st.floats(0, 1),
        st.integers(0, 40).map(lambda quarters: quarters / 4),
    ),
    min_size=1,
    max_size=8,
)
RULES: st.SearchStrategy[Rule] = st.one_of(
    st.builds(Fixed, st.integers(0, 50)),
    st.builds(Proportional, st.integers(0, 500)),
    st.builds(Neyman, st.integers(0, 500)),
    st.builds(Precision, st.floats(0.02, 0.3), of=st.sampled_from(["all", "each"])),
    st.builds(Power, st.floats(0.05, 0.4)),
)
BUDGETS = st.builds(Budget, st.none() | st.integers(0, 300), st.none() | st.floats(0, 500))


def variance(strata: list[Stratum], numbers: list[int]) -> float:
    """Of the overall total, from every stratum."""
    spreads = deviations(strata)
    return sum(
        each.size**2 * (1 - number / each.size) * spread**2 / number
        for each, spread, number in zip(strata, spreads, numbers, strict=True)
    )


def test_neyman_gives_the_published_numbers() -> None:
    """N 500, 300, 200 with S 1, 5, 5 and n = 10: 1.67, 5 and 3.33; of whole numbers 2, 5 and 3 are best."""
    assert neyman_exact(PUBLISHED, 10) == pytest.approx([5 / 3, 5, 10 / 3])
    assert neyman(PUBLISHED, 10) == [2, 5, 3]


def test_what_does_not_fit_spills_over() -> None:
    """A stratum that would get more audits than it has decisions is audited as a whole; the others share the rest by N S."""
    strata = [Stratum(10, deviation=30), Stratum(100, deviation=1), Stratum(100, deviation=2)]

    assert neyman_exact(strata, 40) == pytest.approx([10, 10, 20])
    assert neyman(strata, 40) == [10, 10, 20]
    assert neyman_exact(strata, 1000) == [10, 100, 100]


def test_strata_without_spread_take_what_is_left() -> None:
    """Where nothing is expected to differ the sample goes by size, and to what differs first."""
    strata = [Stratum(10, deviation=1), Stratum(300, deviation=0), Stratum(100, deviation=0)]

    assert neyman_exact(strata, 50) == pytest.approx([10, 30, 10])
    assert neyman_exact(of_sizes(300, 100, deviation=0), 40) == pytest.approx([30, 10])


@given(
    st.lists(st.tuples(st.integers(1, 8), st.floats(0.1, 5)), min_size=2, max_size=3),
    st.integers(0, 12),
)
def test_whole_numbers_are_the_best_there_are(pairs: list[tuple[int, float]], more: int) -> None:
    """No other allocation of the same total has a smaller variance."""
    strata = [Stratum(size, minimum=1, deviation=spread) for size, spread in pairs]
    total = min(len(strata) + more, sum(each.size for each in strata))
    ours = neyman(strata, total)
    every = (list(numbers) for numbers in product(*(range(1, each.size + 1) for each in strata)) if sum(numbers) == total)

    assert sum(ours) == total
    assert variance(strata, ours) == pytest.approx(min(variance(strata, numbers) for numbers in every), abs=1e-9)


@given(
    st.lists(st.tuples(st.integers(1, 7), st.integers(0, 3), st.floats(0.1, 5)), min_size=2, max_size=3),
    st.integers(0, 21),
)
def test_a_budget_of_audits_loses_least(triples: list[tuple[int, int, float]], budget: int) -> None:
    """Among all ways to stay within the budget and above the minimums, the one taken has the smallest variance."""
    strata = [Stratum(size, minimum=minimum, deviation=spread) for size, minimum, spread in triples]
    wanted = [each.size for each in strata]
    least = [max(each.least, 1) for each in strata]
    ours = within_budget(strata, wanted, Budget(audits=budget))
    ways = product(*(range(low, high + 1) for low, high in zip(least, wanted, strict=True)))
    possible = [list(numbers) for numbers in ways if sum(numbers) <= budget]

    assert sum(ours) == min(budget, sum(wanted))
    if possible:
        assert variance(strata, ours) == pytest.approx(min(variance(strata, numbers) for numbers in possible), abs=1e-9)


def test_minutes_are_cut_where_they_cost_least_precision() -> None:
    """Of two alike strata the one with long audits is cut; what then still fits is given back."""
    strata = [Stratum(100, deviation=1, minutes=10), Stratum(100, deviation=1, minutes=1)]
    cut = within_budget(strata, [10, 10], Budget(minutes=63))

    assert cut == [5, 10]
    assert within_budget(strata, [10, 10], Budget(minutes=110)) == [10, 10]


def test_a_minimum_is_never_cut_in_silence() -> None:
    """Only when all strata are at their minimum does a budget cut below, and the answer says by how much."""
    strata = [Stratum(100, minimum=10, deviation=1), Stratum(100, deviation=1)]
    spared = allocate(strata, Fixed(20), Budget(audits=12))
    cut = allocate(strata, Fixed(20), Budget(audits=4))

    assert spared.numbers == (10, 2)
    assert spared.below_minimum(strata) == (0, 0)
    assert cut.numbers == (4, 0)
    assert cut.wanted == (20, 20)
    assert cut.cut == (16, 20)
    assert cut.below_minimum(strata) == (6, 0)


def test_a_total_includes_the_minimums() -> None:
    """Whoever wants 100 audits and at least 20 of a small stratum gets 100."""
    strata = [Stratum(900), Stratum(100, minimum=20)]

    assert allocate(strata, Proportional(100)).numbers == (80, 20)
    assert sum(allocate(strata, Neyman(100)).numbers) == 100
    assert allocate(strata, Neyman(10)).numbers == (0, 20)


def test_what_a_stratum_does_not_have_is_said() -> None:
    """Twenty audits of five decisions are five, and fifteen are missing."""
    found = allocate([Stratum(5), Stratum(50, minimum=60)], Fixed(20))

    assert found.numbers == (5, 50)
    assert found.missing == (15, 10)


def test_proportional_goes_by_largest_remainder() -> None:
    """The quotas 4.16, 3.38, 1.46 and 1.00 of ten seats are 4, 3, 2 and 1."""
    assert proportional(of_sizes(416, 338, 146, 100), 10) == [4, 3, 2, 1]
    assert proportional(of_sizes(1, 1, 1), 2) == [1, 1, 0]
    assert proportional(of_sizes(0, 0), 5) == [0, 0]


def test_a_stratum_without_errors_is_not_starved() -> None:
    """Past rates are drawn towards the overall one, the more the fewer audits there were."""
    strata = [Stratum(1000, audits=5, errors=0), Stratum(1000, audits=500, errors=0), Stratum(1000, audits=495, errors=50)]
    few, many, worst = rates(strata)

    assert 0 < many < few < 50.5 / 1001 < worst < 50 / 495
    assert min(neyman(strata, 300)) > 10
    assert rates(of_sizes(10, 20)) == [0.5, 0.5]
    assert rates([Stratum(10, rate=0.2, audits=10, errors=9)]) == [0.2]


def test_precision_gives_the_published_number() -> None:
    """Cochran 1977, 4.4: half a population of 3,200, known to 5 % with t = 2, takes 400 / (1 + 399/3200) = 356."""
    level = 2 * NormalDist().cdf(2) - 1

    assert precise_each([Stratum(3200, rate=0.5)], 0.05, level) == [356]
    assert precise_each([Stratum(10**9, rate=0.5)], 0.05, level) == [400]
    assert precise_each([Stratum(3, rate=0.5), Stratum(0, rate=0.5), Stratum(50, rate=0)], 0.05, level) == [3, 0, 2]


@given(STRATA, st.floats(0.01, 0.3))
def test_precision_is_reached_and_not_with_one_audit_less(strata: list[Stratum], half_width: float) -> None:
    """Where there are enough decisions, the numbers reach the wanted half width, and are the fewest that do."""
    strata = [Stratum(each.size, audits=each.audits, errors=each.errors) for each in strata]
    numbers = precise_overall(strata, half_width)
    overall = expected(strata, numbers).overall

    assert overall is None or overall <= half_width * (1 + 1e-9)
    assert all(number >= min(2, each.size) for number, each in zip(numbers, strata, strict=True))
    if any(number > min(2, each.size) for number, each in zip(numbers, strata, strict=True)):
        fewer = [Stratum(each.size, minimum=min(2, each.size), audits=each.audits, errors=each.errors) for each in strata]
        less = expected(strata, neyman(fewer, sum(numbers) - 1)).overall
        assert less is not None
        assert less > half_width * (1 - 1e-9)


@given(STRATA, st.floats(0.01, 0.3))
def test_each_stratum_reaches_its_precision(strata: list[Stratum], half_width: float) -> None:
    """With the fewest audits, but for the two that a spread takes."""
    strata = [Stratum(each.size, audits=each.audits, errors=each.errors) for each in strata]
    numbers = precise_each(strata, half_width)
    reached = expected(strata, numbers).strata
    less = expected(strata, [max(number - 1, 0) for number in numbers]).strata

    assert all(width is None or width <= half_width * (1 + 1e-6) for width in reached)
    assert all(
        width is None or width > half_width * (1 - 1e-6) for width, number in zip(less, numbers, strict=True) if number > 2
    )


def test_power_gives_the_published_number() -> None:
    """R's `power.prop.test(p1 = .50, p2 = .75, power = .90)` needs 76.7 in each group."""
    assert change_sample(0.5, 0.25, 0.9) == 77
    assert change_sample(0.25, 0.25, 0.9) == 77


@pytest.mark.parametrize("rate", [0.02, 0.1, 0.5, 0.8])
@pytest.mark.parametrize("power", [0.8, 0.95])
def test_power_agrees_with_statsmodels(rate: float, power: float) -> None:
    """To the audit, for the same test."""
    theirs = samplesize_proportions_2indep_onetail(0.1, rate, power, alpha=0.05 / 2, alternative="larger")

    assert change_sample(rate, 0.1, power) == pytest.approx(float(theirs), abs=1.01)


def test_a_rate_that_cannot_rise_falls() -> None:
    """From 95 % a change by 10 % is one to 85 %, and 50 % cannot change by 60."""
    assert change_sample(0.95, 0.1) == change_sample(0.05, 0.1)
    with pytest.raises(ValueError, match="change by so much"):
        change_sample(0.5, 0.6)


def test_expected_precision_is_that_of_the_stratified_estimate() -> None:
    """Two strata by hand: .6² · .9 · 16/40 + .4² · .8 · 25/80 = .1696."""
    found = expected([Stratum(400, deviation=4), Stratum(400, deviation=5), Stratum(200, deviation=9)], [40, 80, 0])
    z = two_sided(0.95)

    assert found.strata == pytest.approx((z * (0.9 * 16 / 40) ** 0.5, z * (0.8 * 25 / 80) ** 0.5, None))
    assert found.overall == pytest.approx(z * (0.25 * 0.36 + 0.25 * 0.25) ** 0.5)
    assert found.covered == 0.8


def test_nothing_to_audit_is_no_precision() -> None:
    """Without decisions or without audits there is no width, and not one of 0."""
    assert expected([], []).overall is None
    assert expected([Stratum(0), Stratum(10)], [0, 0]).strata == (None, None)
    assert allocate([], Neyman(10)).numbers == ()


@given(STRATA, RULES, BUDGETS)
def test_bounds_and_budget_hold_whatever_is_asked(strata: list[Stratum], rule: Rule, budget: Budget) -> None:
    """Never more than there is, never above the budget; below a minimum only where the budget forces it."""
    found = allocate(strata, rule, budget)
    below = found.below_minimum(strata)
    lowered = [number < each.least for number, each in zip(found.numbers, strata, strict=True)]

    assert all(0 <= number <= each.size for number, each in zip(found.numbers, strata, strict=True))
    assert all(cut >= 0 for cut in found.cut)
    assert budget.audits is None or sum(found.numbers) <= budget.audits
    assert budget.minutes is None or found.minutes <= budget.minutes + 1e-6
    assert [shortage > 0 for shortage in below] == lowered
    if any(lowered) and budget.minutes is None:
        assert all(number <= each.least for number, each in zip(found.numbers, strata, strict=True))
    if isinstance(rule, Proportional | Neyman):
        least, most = sum(each.least for each in strata), sum(each.size for each in strata)
        assert sum(found.wanted) == max(least, min(rule.total, most))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Stratum(-1),
        lambda: Stratum(1, audits=1, errors=2),
        lambda: Stratum(1, rate=1.1),
        lambda: Stratum(1, minutes=float("inf")),
        lambda: allocate(of_sizes(10), Fixed(-1)),
        lambda: allocate(of_sizes(10), Neyman(-1)),
        lambda: allocate(of_sizes(10), Precision(0)),
        lambda: allocate(of_sizes(10), Precision(0.1, level=1)),
        lambda: allocate(of_sizes(10), Power(0.1, power=0)),
        lambda: allocate(of_sizes(10), Fixed(1), Budget(audits=-1)),
    ],
)
def test_numbers_out_of_range_are_refused(wrong: object) -> None:
    """With a sentence instead of an allocation."""
    assert callable(wrong)
    with pytest.raises(ValueError, match=r"\.$"):
        wrong()
