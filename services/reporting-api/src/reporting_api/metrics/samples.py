"""What weighted measures are made of: a cut's facts by the stratum and the probability that they were drawn with.

A stratum is one vendor's, so that a vendor and its client come to the same numbers: within a stratum that spans vendors, the
audits of each are a sample of its own decisions.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select

from reporting_api.cuboids import ERROR_DIMENSIONS
from reporting_api.metrics.sums import Cut, Key, bounded, fact_columns, grouped, key_of
from reporting_api.statistics.weighted import Drawn, Weighted, weighted
from reporting_api.tables import facts
from tallystick.service.database import ReadSession, scoped

_MOST_CELLS = 200_000

Stratum = tuple[str, str, float]
"""Vendor, name, and the probability that one of its decisions was drawn with."""

Cells = Mapping[Key, Mapping[Stratum, tuple[int, int]]]
"""Audits and errors by group and stratum."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The drawn audits of a group."""

    estimate: Weighted
    selected: int
    """Of the audits that the group selects, those with a known probability."""


@dataclass(frozen=True)
class Samples:
    """The drawn audits of a cut. Those of all its strata tell how much chance there is in a part of them."""

    cut: Cut
    selected: Cells
    """By the groups of the cut: where it is one by error dimensions, of the audits with such an error."""
    audits: Cells
    """The same without the error dimensions."""
    whole: Mapping[Stratum, int]
    """All drawn audits of the period."""

    def of(self, key: Key) -> Sample:
        """Those of a group, which may have none."""
        selected = self.selected.get(key, {})
        wanted = tuple(value for value, name in zip(key, self.cut.by, strict=True) if name not in ERROR_DIMENSIONS)
        drawn = [
            Drawn(stratum[-1], self.whole[stratum], audits, selected.get(stratum, (0, 0))[1])
            for stratum, (audits, _) in self.audits.get(wanted, {}).items()
        ]
        return Sample(weighted(drawn), sum(audits for audits, _ in selected.values()))


async def samples(session: ReadSession, cut: Cut) -> Samples:
    """The drawn audits of a cut.

    Raises:
        InvalidRequest: there are too many strata in too many groups.
    """
    selected = await _cells(session, cut)
    audits = await _cells(session, cut.without_errors()) if cut.by_error else selected
    of_vendors = {name: values for name, values in cut.filters.items() if name == "vendor"}
    whole = Cut(cut.programme, (), of_vendors, cut.start, cut.end, cut.view)
    # Without other filters each of them is in one of the groups.
    found = audits if not audits or cut.without_errors().filters == of_vendors else await _cells(session, whole)
    sampled: Counter[Stratum] = Counter()
    for cells in found.values():
        sampled.update({stratum: each for stratum, (each, _) in cells.items()})
    return Samples(cut, selected, audits, sampled)


async def _cells(session: ReadSession, cut: Cut) -> Cells:
    columns = fact_columns(cut.view)
    stratum = facts.c.vendor, facts.c.stratum, facts.c.inclusion_probability
    statement = (
        grouped(select(), cut, columns, facts.c.day)
        .where(facts.c.inclusion_probability.is_not(None))
        .add_columns(*stratum, func.count(), func.count().filter(columns["incorrect"]))
        .group_by(*stratum)
        .limit(_MOST_CELLS + 1)
    )
    rows = await session.rows(scoped(statement, facts, cut.programme, session.principal))
    bounded(len(rows), _MOST_CELLS)
    cells: dict[Key, dict[Stratum, tuple[int, int]]] = {}
    for row in rows:
        *key, vendor, name, probability, audits, errors = row
        cells.setdefault(key_of(key), {})[vendor, name, probability] = audits, errors
    return cells
