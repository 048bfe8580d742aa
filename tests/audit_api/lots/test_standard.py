"""The plans of MIL-STD-105E, cell by cell where published values are at hand, and in their order everywhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_api.lots.standard import AQLS, LETTERS, Plan, code_letter, limit_number, plan_of_letter, plan_of_lot
from tallystick.schemas.lot import Severity105
from tallystick.schemas.sampling import InspectionLevel

SEVERITIES = (Severity105.NORMAL, Severity105.TIGHTENED, Severity105.REDUCED)
SIZES = (8, 15, 25, 50, 90, 150, 280, 500, 1_200, 3_200, 10_000, 35_000, 150_000, 500_000)
SAMPLES = {"A": 2, "B": 3, "C": 5, "D": 8, "E": 13, "F": 20, "G": 32, "H": 50, "J": 80, "K": 125, "L": 200, "M": 315}
COLUMNS = {
    (Severity105.NORMAL, 0.01): ["1250/0"] * 16,
    (Severity105.NORMAL, 1.0): [
        *["13/0"] * 6, "50/1", "50/1", "80/2", "125/3", "200/5", "315/7", "500/10", "800/14", "1250/21", "1250/21",
    ],
    (Severity105.NORMAL, 2.5): [
        *["5/0"] * 4, "20/1", "20/1", "32/2", "50/3", "80/5", "125/7", "200/10", "315/14", *["500/21"] * 4,
    ],
    (Severity105.NORMAL, 10.0): ["5/1", "5/1", "5/1", "8/2", "13/3", "20/5", "32/7", "50/10", "80/14", *["125/21"] * 7],
    (Severity105.TIGHTENED, 0.025): [*["800/0"] * 14, "3150/1", "3150/1"],
    (Severity105.TIGHTENED, 1.0): [
        *["20/0"] * 6, *["80/1"] * 3, "125/2", "200/3", "315/5", "500/8", "800/12", "1250/18", "1250/18",
    ],
    (Severity105.TIGHTENED, 10.0): [*["8/1"] * 4, "13/2", "20/3", "32/5", "50/8", "80/12", *["125/18"] * 7],
    (Severity105.REDUCED, 1.0): [
        *["5/0-1"] * 6, "20/0-2", "20/0-2", "32/1-3", "50/1-4", "80/2-5", "125/3-6", "200/5-8", "315/7-10", *["500/10-13"] * 2,
    ],
    (Severity105.REDUCED, 40.0): ["2/2-3", "2/2-4", "2/2-5", "3/3-6", "5/5-8", "8/7-10", *["13/10-13"] * 10],
}  # fmt: skip
"""By severity and AQL: sample and Ac (in reduced inspection also Re) for the letters A to R, arrows followed."""

LIMITS = {
    20: (10, "0 0 2 4 8 14 22 40 68 115 181"),
    50: (4.0, "0 0 2 3 7 14 25 40 63 110 181 301"),
    80: (2.5, "0 0 2 4 7 14 24 42 68 105 181 297"),
    130: (1.5, "0 0 2 4 7 13 25 42 72 115 177 301 490"),
    200: (1.0, "0 0 2 4 8 14 22 40 68 115 181 277 471"),
    320: (0.65, "0 0 1 4 8 14 24 39 68 113 189"),
    500: (0.4, "0 0 2 3 7 14 25 40 63 110 181"),
    800: (0.25, "0 0 2 4 7 14 24 42 68 105 181"),
    1250: (0.15, "0 0 2 4 7 13 24 40 69 110 169"),
    2000: (0.1, "0 0 2 4 8 14 22 40 68 115 181"),
    3150: (0.065, "0 0 1 4 8 14 24 38 67 111 186"),
}
"""Rows of table VIII: by the smallest number of units, the first AQL that has a limit, and the limits from there on."""


@pytest.mark.parametrize(("size", "letter"), list(zip(SIZES, "ABCDEFGHJKLMNP", strict=True)))
def test_code_letters_are_the_published_ones(size: int, letter: str) -> None:
    """By level II, each row of lot sizes up to its greatest has its letter, and one more decision has the next."""
    following = "ABCDEFGHJKLMNPQ"["ABCDEFGHJKLMNP".index(letter) + 1]

    assert code_letter(size) == letter
    assert code_letter(size + 1) == following


def test_levels_change_the_letter() -> None:
    """A lot of 1,200 at all levels; levels I and III are neighbours of II, special ones far below."""
    assert [code_letter(1_200, level) for level in InspectionLevel] == ["G", "J", "K", "C", "C", "E", "F"]
    assert [code_letter(600_000, level) for level in InspectionLevel] == ["N", "Q", "R", "D", "E", "H", "K"]
    assert code_letter(1) == "A"


@pytest.mark.parametrize(("letter", "numbers"), [("J", "1 2 3 5 7 10 14"), ("K", "2 3 5 7 10 14 21")])
def test_acceptance_numbers_are_the_published_ones(letter: str, numbers: str) -> None:
    """Of the letters J and K at the AQLs from .65 to 10 %."""
    plans = [plan_of_letter(letter, aql) for aql in (0.65, 1, 1.5, 2.5, 4, 6.5, 10)]

    assert [plan.accept for plan in plans] == [int(each) for each in numbers.split()]
    assert {plan.sample for plan in plans} == {SAMPLES[letter]}


@pytest.mark.parametrize(("severity", "aql"), list(COLUMNS))
def test_columns_are_the_published_ones(severity: Severity105, aql: float) -> None:
    """Arrows lead to the first plan below or above, and the sample changes with it."""
    found = [plan_of_letter(letter, aql, severity) for letter in LETTERS[:16]]
    shown = [f"{plan.sample}/{plan.accept}" + f"-{plan.reject}" * (severity is Severity105.REDUCED) for plan in found]

    assert shown == COLUMNS[severity, aql]


@pytest.mark.parametrize(("letter", "sample"), list(SAMPLES.items()))
def test_samples_are_the_published_ones(letter: str, sample: int) -> None:
    """Each letter's own sample, where no arrow leads on."""
    assert any(plan_of_letter(letter, aql).sample == sample for aql in AQLS)


def test_a_sample_as_large_as_the_lot_is_all_of_it() -> None:
    """A lot of 100 at .1 % would take a sample of 125: every decision is audited, by the same numbers."""
    assert plan_of_lot(100, 0.1) == Plan("K", 100, 0, 1)
    assert plan_of_lot(125, 0.1).sample == 125
    assert plan_of_lot(1000, 1.0) == Plan("J", 80, 2, 3)
    assert plan_of_lot(1, 1.0) == Plan("E", 1, 0, 1)


PLACES = st.tuples(st.sampled_from(LETTERS[:16]), st.sampled_from(AQLS))


@given(PLACES)
def test_severities_are_in_order(place: tuple[str, float]) -> None:
    """Tightened plans accept no more than normal ones; reduced ones take smaller samples; Re follows Ac, but in reduced ones."""
    normal, tightened, reduced = (plan_of_letter(*place, severity) for severity in SEVERITIES)

    assert tightened.accept / tightened.sample <= normal.accept / normal.sample + 1e-12
    assert reduced.sample <= normal.sample
    assert normal.reject == normal.accept + 1
    assert tightened.reject == tightened.accept + 1
    assert reduced.reject > reduced.accept


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.sampled_from(AQLS[:16]), st.sampled_from(InspectionLevel))
def test_larger_lots_never_take_smaller_samples_of_a_letter(one: int, other: int, aql: float, level: InspectionLevel) -> None:
    """Letters rise with the size of the lot and with the level; a plan exists for each of them."""
    small, large = sorted((one, other))

    assert LETTERS.index(code_letter(small, level)) <= LETTERS.index(code_letter(large, level))
    assert plan_of_lot(large, aql, level).sample <= large


def test_between_both_numbers_a_reduced_lot_is_accepted_marginally() -> None:
    """Reduced inspection at K and 1 % accepts one error in 50 and rejects four; two or three are accepted and end it."""
    plan = plan_of_letter("K", 1.0, Severity105.REDUCED)

    assert (plan.sample, plan.accept, plan.reject) == (50, 1, 4)
    assert [plan.marginal(errors) for errors in range(1, 5)] == [False, True, True, False]


@pytest.mark.parametrize("units", list(LIMITS))
def test_limit_numbers_are_the_published_ones(units: int) -> None:
    """Rows of table VIII, with no number where the units are not enough."""
    first, numbers = LIMITS[units]
    place = AQLS.index(first)
    limits = [int(each) for each in numbers.split()]

    assert [limit_number(units, aql) for aql in AQLS[place : place + len(limits)]] == limits
    assert {limit_number(units, aql) for aql in AQLS[:place]} <= {None}
    assert limit_number(19, 10.0) is None


def test_what_the_standard_does_not_know_is_refused() -> None:
    """AQLs between its own, letters that it has not, and lots without a decision."""
    with pytest.raises(ValueError, match="no such AQL"):
        plan_of_lot(100, 2.0)
    with pytest.raises(ValueError, match="no such AQL"):
        limit_number(100, 3.0)
    with pytest.raises(ValueError, match="discontinued"):
        plan_of_lot(100, 1.0, severity=Severity105.DISCONTINUED)
    with pytest.raises(ValueError, match="Code letters"):
        plan_of_letter("I", 1.0)
    with pytest.raises(ValueError, match="at least one"):
        code_letter(0)
