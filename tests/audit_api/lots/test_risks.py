"""How often plans are wrong: against published quality levels and scipy's distributions."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from audit_api.lots.risks import accepted, curve, limiting_rate, risks
from audit_api.lots.standard import AQLS, LETTERS, Plan, plan_of_letter
from tallystick.schemas.lot import Severity105

SEVERITIES = (Severity105.NORMAL, Severity105.TIGHTENED, Severity105.REDUCED)
PLANS = st.builds(plan_of_letter, st.sampled_from(LETTERS[:16]), st.sampled_from(AQLS[:16]), st.sampled_from(SEVERITIES))
TWO_OF_EIGHTY = plan_of_letter("J", 1.0)


@pytest.mark.parametrize(
    ("letter", "aql", "quality"),
    [
        ("A", 6.5, 68), ("B", 4.0, 54), ("C", 2.5, 37), ("D", 1.5, 25), ("E", 1.0, 16),
        ("F", 0.65, 11), ("G", 0.4, 6.9), ("H", 0.25, 4.5), ("J", 0.15, 2.8), ("K", 0.1, 1.8),
    ],
)  # fmt: skip
def test_limiting_quality_is_the_published_one(letter: str, aql: float, quality: float) -> None:
    """Table VI-A: the percentage at which plans that accept no error still accept one lot in ten."""
    assert 100 * risks(plan_of_letter(letter, aql), aql).consumers_quality == pytest.approx(quality, rel=0.02)


@pytest.mark.parametrize(("probability", "quality"), [(0.95, 1.03), (0.5, 3.33), (0.1, 6.52)])
def test_the_curve_of_a_plan_is_the_published_one(probability: float, quality: float) -> None:
    """Table X-J: two errors in 80."""
    assert 100 * limiting_rate(TWO_OF_EIGHTY, probability) == pytest.approx(quality, abs=0.006)


@given(PLANS, st.floats(0, 1))
def test_series_of_lots_are_binomial(plan: Plan, rate: float) -> None:
    """To nine digits of scipy's."""
    assert accepted(plan, rate) == pytest.approx(binom.cdf(plan.reject - 1, plan.sample, rate), abs=1e-9)


@given(PLANS)
def test_acceptance_falls_with_the_error_rate(plan: Plan) -> None:
    """From certainty without errors; half way between, the limiting rate has the probability it was asked for."""
    points = curve(plan, np.linspace(0, 1, 41).tolist())

    assert points[0].acceptance == 1
    assert points[-1].acceptance == (1 if plan.sample < plan.reject else 0)
    assert all(one.acceptance >= other.acceptance - 1e-9 for one, other in pairwise(points))
    if plan.sample >= plan.reject:
        assert accepted(plan, limiting_rate(plan)) == pytest.approx(0.1, abs=1e-9)


def test_both_sides_risk_something() -> None:
    """Two errors in 80 at 1 %: one good lot in 21 is rejected, and 6.5 % errors pass one time in ten."""
    found = risks(TWO_OF_EIGHTY, 1.0)

    assert found.producers_risk == pytest.approx(1 - binom.cdf(2, 80, 0.01))
    assert found.consumers_quality == pytest.approx(0.0652, abs=5e-5)


def test_what_is_no_rate_is_refused() -> None:
    """Neither more than all, nor certainty of a probability."""
    with pytest.raises(ValueError, match="is a share"):
        accepted(TWO_OF_EIGHTY, 1.1)
    with pytest.raises(ValueError, match="between 0 and 1"):
        limiting_rate(TWO_OF_EIGHTY, 1)
