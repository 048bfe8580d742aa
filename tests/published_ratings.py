"""Published ratings with published agreement, and random ones."""

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from reporting_api.statistics.ratings import MISSING, Ratings


def table(*rows: Sequence[int]) -> Ratings:
    """Two raters: how often the first chose the category of the row, and the second that of the column."""
    categories = len(rows)
    cells = np.array([divmod(cell, categories) for cell in range(categories**2)])
    return Ratings(np.repeat(cells, np.ravel(rows), axis=0), categories)


def by_rater(*raters: str) -> Ratings:
    """A line for each rater, with a category from 1, or `-`, for each item."""
    codes = np.array([[MISSING if mark == "-" else int(mark) - 1 for mark in line] for line in raters]).T
    return Ratings(codes, max(int(codes.max()) + 1, 2))


def by_item(items: str) -> Ratings:
    """A word for each item, with a category from 1 for each of its raters, whoever they were."""
    return by_rater(*map("".join, zip(*items.split(), strict=True)))


THREE_BY_THREE = table((13, 0, 0), (0, 20, 7), (0, 4, 56))
"""Gwet, Handbook of Inter-Rater Reliability: two abstractors and 100 pregnancies."""
FOUR_BY_FOUR = table((40, 4, 4, 17), (6, 25, 2, 13), (4, 1, 21, 12), (15, 5, 9, 45))
"""The same book: two neurologists' diagnoses, 223 patients."""
TWELVE_UNITS = by_rater("123321412---", "1233224125--", "-33323422513", "12332441251-")
"""The same book: four raters, ratings missing."""
THREE_CODERS = by_rater("-----34121133-3", "1-213343-------", "--21344-21133-4")
"""Krippendorff: three coders and fifteen units, most of them not coded by all."""
FLEISS_1971 = by_item(
    "444444 222555 233335 555555 222444 113333 333355 113334 114444 555555 144444 124444 222333 144444 224445 "
    "333335 111455 111112 224444 133555 555555 244444 224555 114444 144445 222224 111155 224444 133333 555555"
)
"""Fleiss 1971: thirty patients, six psychiatrists each."""
PARADOX = table((118, 5), (2, 0))
"""Two raters who agree on nearly everything, where nearly everything is alike."""


def random_ratings(chance: np.random.Generator, *, missing: float | None = None) -> Ratings:
    """Three or more raters who agree now and then; a share of their ratings is missing."""
    categories, items, raters = (int(chance.integers(*bounds)) for bounds in ((2, 6), (4, 40), (3, 7)))
    truth = chance.integers(0, categories, (items, 1))
    guess = chance.integers(0, categories, (items, raters))
    values = np.where(chance.random((items, raters)) < chance.random(), truth, guess)
    share = chance.choice([0.0, 0.2, 0.5]) if missing is None else missing
    return Ratings(np.where(chance.random((items, raters)) < share, MISSING, values), categories)


@st.composite
def any_ratings(draw: st.DrawFn) -> Ratings:
    """Ratings of any shape and content, empty and degenerate ones among them."""
    categories, items, raters = draw(st.integers(2, 4)), draw(st.integers(0, 6)), draw(st.integers(0, 4))
    rating = st.integers(MISSING, categories - 1)
    values = draw(st.lists(rating, min_size=items * raters, max_size=items * raters))
    return Ratings(np.array(values, dtype=np.int64).reshape(items, raters), categories)
