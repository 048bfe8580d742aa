"""What detectors stand on: the sums of a programme's audits by week and segment, up to the last week that is over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt

from reporting_api.metrics.sums import Cut, cells
from reporting_api.reports.periods import monday
from reporting_api.statistics.cells import segments_of
from tallystick.schemas.metric import Dimension, Number, View
from tallystick.schemas.programme import Programme
from tallystick.service.database import ReadSession

Floats = npt.NDArray[np.float64]
Rows = Sequence[Sequence[Any]]

SEGMENTS = (Dimension.VENDOR, Dimension.SITE, Dimension.QUEUE, Dimension.MARKET)
"""What segments are made of: one of these, or two."""
COARSE = SEGMENTS[:2]
"""What they are made of in a programme that is too large to be watched by all of them."""
MOST_PLACES = 2_000_000
"""Series by weeks that are watched at most."""
_KINDS = 5
"""Kinds of error that are watched everywhere: all of them, and each class."""
_MOST_CELLS = 200_000
"""Groups that are read at most: what a process of 1 GiB can hold of errors and of audits."""
_WEEK = timedelta(days=7)

ERROR_SUMS = ("audits", "critical_errors")
AUDIT_SUMS = ("audits", "errors", "critical_errors", "score", "scored")


@dataclass(frozen=True, slots=True)
class Alignment:
    """How far a party's ratings in a session are the benchmark's."""

    session: UUID
    vendor: str | None
    """None: the client's people."""
    day: date
    """On which the session was concluded."""
    title: str
    target: float | None
    number: Number


@dataclass(frozen=True, slots=True)
class Ground:
    """The facts of a programme as detectors read them."""

    document: Programme
    begun_at: datetime
    position: int
    today: date
    by: tuple[Dimension, ...]
    """The dimensions of the rows."""
    audits: Rows
    """Week, the values of `by`, `AUDIT_SUMS`."""
    errors: Rows
    """Week, the values of `by`, error class, error code, `ERROR_SUMS`."""
    decisions: Rows
    """Week, vendor, site, queue, policy, decided appeals, those of them that changed the verdict."""
    alignments: Sequence[Alignment]


async def read_audits(session: ReadSession, programme: str, today: date) -> tuple[tuple[Dimension, ...], Rows, Rows]:
    """The sums of all audits and of those with errors, week by week up to the last one that is over, as finely as they fit."""
    for by in (SEGMENTS, COARSE):
        weekly = (Dimension.WEEK, *by)
        cut = Cut(programme, (*weekly, Dimension.ERROR_CLASS, Dimension.ERROR_CODE), {}, None, monday(today), View.ADJUDICATED)
        audits = await cells(session, cut.without_errors(), AUDIT_SUMS, most=_MOST_CELLS)
        if len(audits) > _MOST_CELLS:
            continue
        errors = await cells(session, cut, ERROR_SUMS, most=_MOST_CELLS)
        if len(errors) <= _MOST_CELLS:
            return by, audits, errors
    return (), (), ()


@dataclass(frozen=True, slots=True)
class Weeks:
    """Weeks one after the other, those without audits among them."""

    first: date
    count: int

    def of(self, place: int) -> date:
        """The Monday of a week."""
        return self.first + place * _WEEK

    def after(self, place: int) -> date:
        """The day after a week."""
        return self.of(place + 1)

    def place(self, week: str | date) -> int:
        """The index of a week."""
        day = week if isinstance(week, date) else date.fromisoformat(week)
        return (day - self.first) // _WEEK


def weeks_of(rows: Rows) -> Weeks | None:
    """The weeks that rows are of; None without rows."""
    if not rows:
        return None
    days = [row[0] if isinstance(row[0], date) else date.fromisoformat(row[0]) for row in rows]
    first, last = min(days), max(days)
    return Weeks(first, (last - first) // _WEEK + 1)


@dataclass(frozen=True, slots=True)
class Leaves:
    """The combinations of values that occur, coded."""

    by: tuple[Dimension, ...]
    names: tuple[tuple[str, ...], ...]
    """The values of each dimension, by their codes."""
    codes: npt.NDArray[np.int64]
    """(leaves, dimensions)."""
    places: Mapping[tuple[str, ...], int]
    """The index of each combination."""

    def filters(self, codes: Sequence[tuple[int, int]]) -> dict[str, str]:
        """A segment by name."""
        return {str(self.by[dimension]): self.names[dimension][code] for dimension, code in codes}


def leaves_of(rows: Rows, by: tuple[Dimension, ...]) -> Leaves:
    """The combinations that occur in rows, whose values begin at their second place."""
    width = len(by)
    found = sorted({tuple(row[1 : 1 + width]) for row in rows})
    names = tuple(tuple(sorted({key[place] for key in found})) for place in range(width))
    places = [{name: code for code, name in enumerate(each)} for each in names]
    codes = np.array([[place[value] for place, value in zip(places, key, strict=True)] for key in found], dtype=np.int64).reshape(
        len(found), width
    )
    return Leaves(by, names, codes, {key: place for place, key in enumerate(found)})


def fitted(ground: Ground) -> Ground:
    """The same by vendors and sites alone, where all segments by weeks are more than can be watched."""
    weeks = weeks_of(ground.audits)
    if weeks is None or ground.by == COARSE:
        return ground
    series = _KINDS * len(segments_of(leaves_of(ground.audits, ground.by).codes).codes)
    if series * weeks.count <= MOST_PLACES:
        return ground
    kept, rest = 1 + len(COARSE), 1 + len(ground.by)
    audits, errors = ([[*row[:kept], *row[rest:]] for row in rows] for rows in (ground.audits, ground.errors))
    return replace(ground, by=COARSE, audits=audits, errors=errors)


@dataclass(frozen=True, slots=True)
class Cells:
    """Rows by leaf and week: where each of them belongs, looked up once for all their columns."""

    rows: Rows
    leaf: npt.NDArray[np.int64]
    week: npt.NDArray[np.int64]
    shape: tuple[int, int]

    def table(self, column: int, of: npt.NDArray[np.bool_] | None = None) -> Floats:
        """The sums of a column by leaf and week; of some rows alone."""
        values = np.array([row[column] for row in self.rows], dtype=np.float64)
        mine = slice(None) if of is None else of
        found = np.zeros(self.shape)
        np.add.at(found, (self.leaf[mine], self.week[mine]), values[mine])
        return found

    def having(self, column: int, value: str) -> npt.NDArray[np.bool_]:
        """Which rows have a value in a column."""
        return np.array([row[column] == value for row in self.rows], dtype=bool)


def cells_of(rows: Rows, leaves: Leaves, weeks: Weeks) -> Cells:
    """Rows whose first value is a week and whose next ones name a leaf."""
    width = len(leaves.by)
    leaf = np.array([leaves.places[tuple(row[1 : 1 + width])] for row in rows], dtype=np.int64)
    week = np.array([weeks.place(row[0]) for row in rows], dtype=np.int64)
    return Cells(rows, leaf, week, (len(leaves.codes), weeks.count))
