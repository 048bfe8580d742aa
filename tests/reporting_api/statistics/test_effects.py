"""The effect of a plan: against statsmodels, and its errors are those that it promises."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.stats import t as student

from reporting_api.statistics.effects import (
    Comparison,
    Judgement,
    Series,
    bounds,
    further_cases,
    further_weeks,
    judge,
    log_ratio,
)
from reporting_api.statistics.intervals import two_sided_t

AFTER = np.arange(12) >= 8


def plans(
    rng: np.random.Generator, number: int, reduction: float, *, scope: int = 150, control: int = 2000, sigma: float = 0.2
) -> Comparison:
    """Weeks of many plans with the same true effect, each rate 12 % times a shock of its own."""

    def series(audits: int, fall: float) -> Series:
        sizes = rng.poisson(audits, (number, len(AFTER)))
        rates = 0.12 * rng.lognormal(-(sigma**2) / 2, sigma, sizes.shape) * np.where(AFTER, 1 - fall, 1)
        return Series(rng.binomial(sizes, np.minimum(rates, 1)), sizes, AFTER)

    return Comparison(log_ratio(series(scope, reduction)), log_ratio(series(control, 0)))


def shares(found: Comparison, wanted: float) -> dict[Judgement, float]:
    """How often each judgement is given."""
    verdicts = [
        judge(*bounds(value, reach), wanted) for value, reach in zip(found.value.tolist(), found.reach().tolist(), strict=True)
    ]
    return {each: verdicts.count(each) / len(verdicts) for each in Judgement}


@pytest.mark.filterwarnings("ignore:The Log link function")
def test_it_agrees_with_a_quasi_binomial_model() -> None:
    """The log ratio, its error and the dispersion of one group are those of statsmodels, but for the half hit."""
    rng = np.random.default_rng(2)
    sizes = rng.integers(2000, 4000, 12)
    hits = rng.binomial(sizes, np.where(AFTER, 0.1, 0.2) * rng.lognormal(0, 0.1, 12))
    ours = log_ratio(Series(hits, sizes, AFTER))
    model = sm.GLM(
        np.column_stack([hits, sizes - hits]),
        sm.add_constant(AFTER.astype(float)),
        family=sm.families.Binomial(sm.families.links.Log()),
    ).fit()
    dispersion = model.pearson_chi2 / model.df_resid

    assert float(ours.value) == pytest.approx(model.params[1], abs=2e-3)
    assert float(ours.dispersion) == pytest.approx(dispersion, rel=1e-6)
    assert float(ours.freedom) == model.df_resid
    assert float(np.sqrt(ours.variance)) == pytest.approx(model.bse[1] * np.sqrt(dispersion), rel=2e-3)


def test_the_tails_of_students_t_are_those_of_scipy() -> None:
    for freedom in (1, 2, 7, 40, 301):
        for value in (0.0, 0.5, 2.0, 4.0):
            assert two_sided_t(-value, freedom) == pytest.approx(2 * student.sf(value, freedom), abs=1e-12)


def test_without_an_effect_few_plans_are_called_effective() -> None:
    """One in forty at most is promised, though weeks vary by more than chance."""
    given = shares(plans(np.random.default_rng(31), 1000, 0.0), 0.5)

    assert given[Judgement.EFFECTIVE] <= 0.025
    assert given[Judgement.NOT_EFFECTIVE] > 0.7


def test_with_the_effect_that_was_wanted_few_plans_are_called_not_effective() -> None:
    given = shares(plans(np.random.default_rng(32), 1000, 0.5), 0.5)

    assert given[Judgement.NOT_EFFECTIVE] <= 0.025
    assert given[Judgement.EFFECTIVE] > 0.4


def test_the_three_judgements() -> None:
    assert judge(0.1, 0.7, 0.5) == Judgement.EFFECTIVE
    assert judge(0.1, 0.4, 0.5) == judge(-0.3, 0.4, 0.5) == Judgement.NOT_EFFECTIVE
    assert judge(-0.3, 0.7, 0.5) == Judgement.UNDECIDED


def test_further_weeks_decide_what_is_undecided() -> None:
    """The plan is judged with the weeks that were said to be enough, and not with one less."""
    hits, sizes = np.array([9, 7, 11, 8, 6, 10, 9, 8, 5, 7, 6, 6]), np.full(12, 80)
    control = log_ratio(Series(np.full(12, 200), np.full(12, 2000), AFTER))
    one = Comparison(log_ratio(Series(hits, sizes, AFTER)), control)
    weeks = further_weeks(one, 0.5, 4)
    value = float(one.value)

    assert judge(*bounds(value, float(one.reach())), 0.5) == Judgement.UNDECIDED
    assert weeks is not None
    assert judge(*bounds(value, float(one.reach(1 + weeks / 4))), 0.5) != Judgement.UNDECIDED
    assert judge(*bounds(value, float(one.reach(1 + (weeks - 1) / 4))), 0.5) == Judgement.UNDECIDED
    assert further_cases(3, 4, 101) == 76


def test_no_further_weeks_help_where_too_little_is_known_of_before() -> None:
    hits, sizes = np.array([0, 1, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0]), np.full(12, 10)
    control = log_ratio(Series(np.full(12, 200), np.full(12, 2000), AFTER))

    assert further_weeks(Comparison(log_ratio(Series(hits, sizes, AFTER)), control), 0.2, 4) is None
