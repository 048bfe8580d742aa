"""The single sampling plans of MIL-STD-105E: from the size of a lot to its sample and the numbers that accept or reject it.

The master tables are built of diagonals: a step to the next code letter and one to the next lower AQL leave the acceptance number
as it is. So a plan is found by the sum of both places, and an arrow is a place where the diagonals have no plan.
Source: MIL-STD-105E, Sampling Procedures and Tables for Inspection by Attributes, 10 May 1989, tables I, II-A, II-B, II-C, VIII.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from math import floor, sqrt
from statistics import NormalDist

from tallystick.schemas.lot import Severity105
from tallystick.schemas.sampling import InspectionLevel

AQLS = (
    0.010, 0.015, 0.025, 0.040, 0.065, 0.10, 0.15, 0.25, 0.40, 0.65, 1.0, 1.5, 2.5, 4.0, 6.5, 10.0,
    15.0, 25.0, 40.0, 65.0, 100.0, 150.0, 250.0, 400.0, 650.0, 1000.0,
)  # fmt: skip
"""Acceptable quality levels: up to 10 the percentage of decisions that may be wrong, above that errors per hundred decisions."""

LETTERS = "ABCDEFGHJKLMNPQRS"
"""Code letters. S occurs in tightened inspection alone, and is reached by arrows only."""

_NO_LIMIT_BELOW = NormalDist().inv_cdf(0.9)


@dataclass(frozen=True, slots=True)
class Plan:
    """A sample, and what it says of its lot."""

    letter: str
    """The code letter that the plan stands at: another one than the lot's where an arrow led on."""
    sample: int
    """Decisions to audit."""
    accept: int
    """Ac: with so many errors at most, the lot is accepted."""
    reject: int
    """Re: with so many errors at least, the lot is rejected.

    In reduced inspection there may be numbers between the two: with these the lot is accepted, and the next one's inspection is
    normal.
    """

    def marginal(self, errors: int) -> bool:
        """Whether an accepted lot had more errors than Ac."""
        return self.accept < errors < self.reject


_LOT_SIZES = (8, 15, 25, 50, 90, 150, 280, 500, 1_200, 3_200, 10_000, 35_000, 150_000, 500_000)
"""The greatest size of each row of table I but the last."""
_LETTERS_BY_LEVEL = {
    InspectionLevel.S1: "AAAABBBBCCCCDDD",
    InspectionLevel.S2: "AAABBBCCCDDDEEE",
    InspectionLevel.S3: "AABBCCDDEEFFGGH",
    InspectionLevel.S4: "AABCCDEEFGGHJJK",
    InspectionLevel.I: "AABCCDEFGHJKLMN",
    InspectionLevel.II: "ABCDEFGHJKLMNPQ",
    InspectionLevel.III: "BCDEFGHJKLMNPQR",
}
"""Table I: a letter for each row of lot sizes."""

_NORMAL_SIZES = (2, 3, 5, 8, 13, 20, 32, 50, 80, 125, 200, 315, 500, 800, 1250, 2000, 3150)
_REDUCED_SIZES = (2, 2, 2, 3, 5, 8, 13, 20, 32, 50, 80, 125, 200, 315, 500, 800)


@dataclass(frozen=True, slots=True)
class _Table:
    """A master table."""

    sizes: tuple[int, ...]
    """Of samples, by letter."""
    diagonals: dict[int, tuple[int, int]]
    """Ac and Re by the sum of the places of letter and AQL."""
    down: frozenset[int]
    """The diagonals from which an arrow leads down, to the next larger sample; those without a plan lead up otherwise."""
    own: Mapping[tuple[int, int], tuple[int, int] | None]
    """Cells that differ from their diagonal, by places."""

    def cell(self, letter: int, aql: int) -> tuple[int, int] | None:
        """Ac and Re; None where there is an arrow."""
        if not 0 <= letter < len(self.sizes):
            return None
        if (letter, aql) in self.own:
            return self.own[letter, aql]
        place = letter + aql
        if letter >= len(_NORMAL_SIZES) - 1:
            return self.diagonals[place] if place == _FIRST_ONE else None
        if place > _LAST_OF_ALL and letter >= _LETTERS_WITH_MORE:
            return None
        return self.diagonals.get(place)

    def find(self, letter: int, aql: int) -> tuple[int, tuple[int, int]]:
        """The place of the letter whose plan is used, with its Ac and Re: by the arrow, or against it where it leads nowhere."""
        step = 1 if letter + aql in self.down else -1
        for direction in (step, -step):
            place = letter
            while 0 <= place < len(self.sizes):
                if (found := self.cell(place, aql)) is not None:
                    return place, found
                place += direction
        raise AssertionError("Every column of the tables has a plan.")


_FIRST_ONE, _LAST_OF_ALL, _LETTERS_WITH_MORE = 18, 24, 5
"""The diagonal of Ac 1 in tightened inspection; the last that all letters have; how many letters have two more."""
_UNDER_ZERO = frozenset(range(14))


def _diagonals(first: dict[int, int]) -> dict[int, tuple[int, int]]:
    """Where every number but those accepted rejects."""
    return {place: (accept, accept + 1) for place, accept in first.items()}


_TABLES = {
    Severity105.NORMAL: _Table(
        _NORMAL_SIZES[:-1],
        _diagonals({14: 0, 17: 1, 18: 2, 19: 3, 20: 5, 21: 7, 22: 10, 23: 14, 24: 21, 25: 30, 26: 44}),
        _UNDER_ZERO | {16},
        {},
    ),
    Severity105.TIGHTENED: _Table(
        _NORMAL_SIZES,
        _diagonals({15: 0, 18: 1, 19: 2, 20: 3, 21: 5, 22: 8, 23: 12, 24: 18, 25: 27, 26: 41}),
        _UNDER_ZERO | {14, 16, 17},
        {(0, 15): None},
    ),
    Severity105.REDUCED: _Table(
        _REDUCED_SIZES,
        {
            14: (0, 1), 17: (0, 2), 18: (1, 3), 19: (1, 4), 20: (2, 5), 21: (3, 6), 22: (5, 8), 23: (7, 10), 24: (10, 13),
            25: (14, 17), 26: (21, 24),
        },
        _UNDER_ZERO | {16},
        # With samples of two, the first rows go their own way.
        {(0, 17 + place): (accept, accept + 1) for place, accept in enumerate((1, 2, 3, 5, 7, 10, 14, 21, 30))}
        | {(1, 18): (2, 4), (1, 19): (3, 5)}
        | {(1, 20 + place): (accept, accept + 1) for place, accept in enumerate((5, 7, 10, 14, 21, 30))},
    ),
}  # fmt: skip


def code_letter(size: int, level: InspectionLevel = InspectionLevel.II) -> str:
    """The code letter of a lot, by table I.

    Raises:
        ValueError: If the lot is empty.
    """
    if size < 1:
        raise ValueError("A lot has at least one decision.")
    return _LETTERS_BY_LEVEL[level][bisect_left(_LOT_SIZES, size)]


def plan_of_letter(letter: str, aql: float, severity: Severity105 = Severity105.NORMAL) -> Plan:
    """The plan at a code letter, arrows followed: letter, sample and numbers of the first plan that the arrow leads to.

    Raises:
        ValueError: If there is no such letter or AQL, or acceptance is discontinued.
    """
    if (table := _TABLES.get(severity)) is None:
        raise ValueError("While acceptance is discontinued there is no plan.")
    if letter not in LETTERS[:16]:
        raise ValueError("Code letters are A to R, without I and O.")
    place, (accept, reject) = table.find(LETTERS.index(letter), place_of(aql))
    return Plan(LETTERS[place], table.sizes[place], accept, reject)


def plan_of_lot(
    size: int, aql: float, level: InspectionLevel = InspectionLevel.II, severity: Severity105 = Severity105.NORMAL
) -> Plan:
    """The plan of a lot. Where the sample would be at least as large as the lot, all of it is audited.

    Raises:
        ValueError: If the lot is empty, there is no such AQL, or acceptance is discontinued.
    """
    plan = plan_of_letter(code_letter(size, level), aql, severity)
    return plan if plan.sample < size else Plan(plan.letter, size, plan.accept, plan.reject)


def place_of(aql: float) -> int:
    """Where an AQL stands among the standard's.

    Raises:
        ValueError: If it is none of them.
    """
    try:
        return AQLS.index(aql)
    except ValueError:
        raise ValueError("The standard has no such AQL.") from None


_LIMIT_ROWS = (20, 30, 50, 80, 130, 200, 320, 500, 800, 1250, 2000, 3150, 5000, 8000, 12500, 20000, 31500, 50000)
"""The smallest number of sample units of each row of table VIII."""
_PRINTED = {(130, 10.0): 7}
"""A cell of table VIII that is printed one below what its formula gives."""


def limit_number(units: int, aql: float) -> int | None:
    """How many errors the samples of the last lots may have at most for inspection to become reduced, by table VIII.

    With m the errors to expect at the AQL in the smallest number of units of the row, the table holds the whole part of
    m - 1.28 √m, an approximate lower decile of the Poisson distribution. It is given here for all rows and AQLs alike.

    Returns:
        None where the units are not enough to tell.

    Raises:
        ValueError: If there is no such AQL.
    """
    place_of(aql)
    row = bisect_right(_LIMIT_ROWS, units)
    if not row:
        return None
    least = _LIMIT_ROWS[row - 1]
    mean = least * aql / 100
    limit = floor(mean - _NO_LIMIT_BELOW * sqrt(mean))
    return _PRINTED.get((least, aql), limit) if limit >= 0 else None
