"""How numbers are written."""

import pytest

from tallystick.cli import figures
from tallystick.schemas.metric import Difference, Interval, Measure, Number


def interval(low: float, high: float) -> Interval:
    """At 95 %."""
    return Interval(low=low, high=high, level=0.95, method="wilson")


SHARE = Number(value=0.912, numerator=912, denominator=1000, interval=interval(0.893, 0.928), sufficient=True)
COUNT = Number(value=12345, numerator=12345, denominator=None, interval=None, sufficient=True)
TIME = Number(value=61.25, numerator=245, denominator=4, interval=None, sufficient=False)
NOTHING = Number(value=None, numerator=0, denominator=0, interval=None, sufficient=False, reason="No audits.")


@pytest.mark.parametrize(
    ("number", "measure", "written"),
    [
        (SHARE, Measure.ACCURACY, "91.2 % (89.3 to 92.8)"),
        (COUNT, Measure.AUDITS, "12,345"),
        (TIME, Measure.HANDLING_TIME, "61.2 s"),
        (NOTHING, Measure.ACCURACY, "- No audits."),
    ],
)
def test_a_number_is_written_with_its_unit_and_interval(number: Number, measure: Measure, written: str) -> None:
    """Shares in percent; where there is no number, the reason stands in its place."""
    assert figures.number(number, measure).plain == written


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (216_000, "2.5 days (1.2 to 3.8)"),
        (9000, "2.5 hours (1.2 to 3.8)"),
        (120, "2 minutes (1 to 3)"),
        (0.4, "0 seconds (0 to 1)"),
    ],
)
def test_a_time_is_written_in_the_unit_that_fits_it(seconds: float, written: str) -> None:
    """Its interval stands in the same."""
    between = interval(seconds / 2, seconds * 1.5)
    time = Number(value=seconds, numerator=None, denominator=3, interval=between, sufficient=True)

    assert figures.duration(time).plain == written


def test_a_number_from_a_small_sample_is_dim() -> None:
    """It should not catch the eye."""
    assert "dim" in str(figures.number(TIME, Measure.HANDLING_TIME).style)
    assert "dim" not in str(figures.number(SHARE, Measure.ACCURACY).style)


@pytest.mark.parametrize(
    ("difference", "measure", "written"),
    [
        (Difference(value=-0.03, interval=interval(-0.04, -0.02), clear=True), Measure.ACCURACY, "-3.0 pp (-4.0 to -2.0)"),
        (Difference(value=-12, interval=None, clear=None), Measure.ERRORS, "-12"),
        (Difference(value=3, interval=None, clear=None), Measure.UNWEIGHTED_AUDITS, "+3"),
        (Difference(value=1.5, interval=None, clear=None), Measure.HANDLING_TIME, "+1.5 s"),
        (Difference(value=None, interval=None, clear=None, reason="No audits."), Measure.ACCURACY, "-"),
    ],
)
def test_a_difference_is_written_with_its_sign(difference: Difference, measure: Measure, written: str) -> None:
    """Of shares in percentage points."""
    assert figures.difference(difference, measure).plain == written


def test_a_clear_difference_is_bold() -> None:
    """Its interval leaves out 0."""
    clear = Difference(value=-0.03, interval=interval(-0.04, -0.02), clear=True)

    assert str(figures.difference(clear).style) == "bold"
