"""What a batch of decisions comes to: how many there are of which kind on which day, a digest of all, and who may be drawn.

It grows row by row while the body arrives, and is bounded whatever that holds: of a decision nothing stays but what it adds to
these, unless it is a candidate.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from sys import intern
from uuid import UUID

from tallystick.draw import FIELDS, PLACES, SEPARATOR, digest_of, ranker, scope_of, stratum_code
from tallystick.schemas.sampling import SamplingScope, StratumDimension, StratumValues
from tallystick.service.problems import BodyTooLarge

MOST_CELLS = 250_000
MOST_CANDIDATES = 200_000
_NO_CUT = b"\xff" * 33  # beyond every rank
_AT_LEAST = 64
VENDOR = FIELDS.index("vendor")


@dataclass(slots=True)
class DrawTerms:
    """What must be known of a draw that decisions may be candidates of, or that was made before they came (`open` is false)."""

    id: UUID
    revision: int
    first_day: date
    last_day: date
    scope: SamplingScope
    open: bool
    dimensions: tuple[StratumDimension, ...] = ()
    key: bytes = b""
    reserve: int = 0
    """Candidates kept of each stratum that is not among the expected ones."""
    reserves: dict[str, int] = field(default_factory=dict)
    """And of those, by code."""
    cuts: dict[str, bytes] = field(default_factory=dict)
    """By stratum: decisions of this rank or a higher one are no candidates any more."""


class Stratum:
    """The decisions of a batch that may be drawn from one stratum: those that come first by rank."""

    __slots__ = ("code", "cut", "draw_id", "most", "rows", "values")

    def __init__(self, draw: DrawTerms, code: str, values: StratumValues) -> None:
        self.draw_id, self.code, self.values = draw.id, code, values
        self.most = draw.reserves.get(code, draw.reserve) + 1  # by the one that is too many it is known where the cut is
        self.cut = draw.cuts.get(code, _NO_CUT)
        self.rows: dict[bytes, bytes] = {}
        """By rank, in canonical form."""

    def prune(self) -> int:
        """Keep those that come first; answers how many are dropped."""
        dropped = sorted(self.rows)[self.most :]
        if dropped:
            self.cut = dropped[0]
            for rank in dropped:
                del self.rows[rank]
        return len(dropped)


class Frame:
    """All decisions of a vendor on a day."""

    __slots__ = ("decisions", "elsewhere", "total")

    def __init__(self, *, elsewhere: bool) -> None:
        self.decisions = self.total = 0
        self.elsewhere = elsewhere
        """Whether somebody else counts them already."""


class Cell:
    """The decisions of one kind on one day, and what any of them is part of."""

    __slots__ = ("decisions", "frame", "late", "strata")

    def __init__(self, frame: Frame, strata: tuple["_Place", ...], *, late: bool) -> None:
        self.decisions = 0
        self.frame, self.strata, self.late = frame, strata, late


class _Place:
    """A stratum with its draw's way of ranking."""

    __slots__ = ("rank_of", "stratum")

    def __init__(self, draw: "_Open", stratum: Stratum) -> None:
        self.rank_of, self.stratum = draw.rank_of, stratum


class _Open:
    """A draw that is to come, with the strata of it that the batch has decisions of."""

    def __init__(self, draw: DrawTerms) -> None:
        self.draw = draw
        self.rank_of = ranker(draw.key)
        self.holds = scope_of(draw.scope)
        self._places = [PLACES[dimension] for dimension in draw.dimensions]
        self.strata: dict[tuple[str, ...], _Place] = {}

    def place(self, row: Sequence[str]) -> _Place:
        """The stratum of a decision."""
        shared = tuple(row[place] for place in self._places)
        found = self.strata.get(shared)
        if found is None:
            values = dict(zip(self.draw.dimensions, shared, strict=True))
            found = self.strata[shared] = _Place(self, Stratum(self.draw, stratum_code(values), values))
        return found


Words = tuple[str | bool | None, ...]
"""The values of the dimensions that decisions are counted by, in the order of `DIMENSIONS`, as JSON has them."""


class Tally:
    """What the decisions of a batch come to.

    Args:
        draws: those of the programme, to come and made.
        elsewhere: vendors and days that somebody else counts.
    """

    def __init__(self, draws: Sequence[DrawTerms], elsewhere: frozenset[tuple[str, date]]) -> None:
        self._open = [_Open(draw) for draw in draws if draw.open]
        self._made = [(draw.first_day, draw.last_day, scope_of(draw.scope)) for draw in draws if not draw.open]
        self._made_of: dict[date, list[Callable[[Sequence[str]], bool]]] = {}
        self._elsewhere = elsewhere
        self.cells: dict[date, dict[Words, Cell]] = {}
        self.frames: dict[tuple[str, date], Frame] = {}
        self._kinds = 0
        self._candidates = 0

    def on(self, day: date) -> dict[Words, Cell]:
        """The cells of a day."""
        return self.cells.setdefault(day, {})

    def cell(self, row: Sequence[str], words: Words, day: date) -> Cell:
        """The cell of a decision, which is in the form of `texts`."""
        cells = self.on(day)
        if (found := cells.get(words)) is not None:
            return found
        self._kinds += 1
        if self._kinds > MOST_CELLS:
            raise BodyTooLarge(f"At most {MOST_CELLS} kinds of decision, by all that they are counted by, are taken at once.")
        vendor = row[VENDOR]
        frame = self.frames.get((vendor, day))
        if frame is None:
            frame = self.frames[vendor, day] = Frame(elsewhere=(vendor, day) in self._elsewhere)
        strata = tuple(
            draw.place(row) for draw in self._open if draw.draw.first_day <= day <= draw.draw.last_day and draw.holds(row)
        )
        cell = Cell(frame, strata, late=any(holds(row) for holds in self._made_on(day)))
        cells[tuple(intern(word) if isinstance(word, str) else word for word in words)] = cell
        return cell

    def _made_on(self, day: date) -> list[Callable[[Sequence[str]], bool]]:
        """The scopes of the draws of a day that are made. Of the years before there may be thousands of others."""
        found = self._made_of.get(day)
        if found is None:
            found = self._made_of[day] = [holds for first, last, holds in self._made if first <= day <= last]
        return found

    def add(self, cell: Cell, vendor: str, decision_id: str, row: str) -> None:
        """Count a decision of a cell, told in canonical form, and keep it for the draws in which it comes first."""
        encoded = row.encode()
        cell.decisions += 1
        frame = cell.frame
        frame.decisions += 1
        frame.total += digest_of(encoded)
        if cell.strata:
            name = f"{vendor}{SEPARATOR}{decision_id}".encode()
            for place in cell.strata:
                stratum, rank = place.stratum, place.rank_of(name)
                if rank < stratum.cut and rank not in stratum.rows:
                    stratum.rows[rank] = encoded
                    self._candidates += 1
                    if len(stratum.rows) > 2 * stratum.most + _AT_LEAST or self._candidates > MOST_CANDIDATES:
                        self._prune(stratum)

    def _prune(self, stratum: Stratum) -> None:
        self._candidates -= stratum.prune()
        if self._candidates > MOST_CANDIDATES:
            for each in self.strata():
                each.prune()
            self._candidates = sum(len(each.rows) for each in self.strata())
            if self._candidates > MOST_CANDIDATES // 2:  # there would be no end of pruning
                raise BodyTooLarge("So many of the decisions may yet be drawn that fewer of them are taken at once.")

    def strata(self) -> Iterator[Stratum]:
        """The strata that any of the decisions are in."""
        return (place.stratum for draw in self._open for place in draw.strata.values())

    def counts(self) -> tuple[int, int]:
        """How many decisions there are, and how many of them are late."""
        cells = [cell for of_day in self.cells.values() for cell in of_day.values()]
        return sum(cell.decisions for cell in cells), sum(cell.decisions for cell in cells if cell.late)

    def days(self) -> set[date]:
        """The days on which any of the decisions were made."""
        return {day for (_, day), frame in self.frames.items() if frame.decisions}
