"""From a question to sums: the planner that picks the smallest cuboid, and the statement that it makes of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Date,
    Integer,
    Select,
    Text,
    TextClause,
    and_,
    any_,
    bindparam,
    cast,
    func,
    literal,
    select,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP

from reporting_api.cuboids import APPEALS, ERROR_DIMENSIONS, MEASURES, smallest
from reporting_api.metrics.question import Filters
from reporting_api.tables import facts, rollups
from tallystick.schemas.metric import Dimension, View
from tallystick.service.database import ReadSession, scoped
from tallystick.service.problems import InvalidRequest

MAX_GROUPS = 100_000

Key = tuple[str, ...]
"""The values of the dimensions of a group, in the order asked for; dates in ISO form."""

Sums = Mapping[str, int]
"""The sums of a group by their names in `reporting_api.cuboids`: `MEASURES`, and `APPEALS` where they are asked for."""

NOTHING: Sums = dict.fromkeys((*MEASURES, *APPEALS), 0)


@dataclass(frozen=True, slots=True)
class Cut:
    """Which audits to sum up, and by what."""

    programme: str
    by: tuple[Dimension, ...]
    filters: Filters
    start: date | None
    end: date | None
    view: View

    @property
    def by_error(self) -> bool:
        """Whether it selects errors."""
        return not ERROR_DIMENSIONS.isdisjoint({*self.by, *self.filters})

    def without_errors(self) -> "Cut":
        """The same cut through all audits, whether right or wrong."""
        by = tuple(dimension for dimension in self.by if dimension not in ERROR_DIMENSIONS)
        filters = {name: values for name, values in self.filters.items() if name not in ERROR_DIMENSIONS}
        return Cut(self.programme, by, filters, self.start, self.end, self.view)


def bounded(groups: int, most: int = MAX_GROUPS) -> None:
    """Refuse what would take too much memory.

    Raises:
        InvalidRequest: there are more than `most` groups.
    """
    if groups > most:
        raise InvalidRequest(f"The answer has more than {most} groups. Narrow it by filters or by a period.")


async def sums(
    session: ReadSession,
    cut: Cut,
    names: Sequence[str] = MEASURES,
    *,
    most: int = MAX_GROUPS,
    from_facts: bool = False,
) -> dict[Key, Sums]:
    """The sums of a cut by group. One that names error dimensions holds the audits with such an error and no others.

    Args:
        session: whose principal's audits are summed.
        cut: which audits, by what.
        names: which sums, `audits` among them, since a group is one that has any.
        most: groups that the answer may have.
        from_facts: sum up the facts themselves, even where a cuboid knows the answer; it is the same, later.

    Raises:
        InvalidRequest: there are more than `most` groups.
    """
    rows = await cells(session, cut, names, most=most, from_facts=from_facts)
    bounded(len(rows), most)
    return keyed(rows, len(cut.by), names)


async def cells(
    session: ReadSession, cut: Cut, names: Sequence[str], *, most: int, from_facts: bool = False
) -> Sequence[Sequence[Any]]:
    """The groups of a cut as they come, with their sums: `most` of them and one more that tells that there are too many."""
    named = frozenset({*cut.by, *cut.filters} - _TIME.keys())
    cuboid = None if from_facts else smallest(named)
    if cuboid is None:
        return await session.rows(_from_facts(session, cut, names).limit(most + 1))
    return await _from_rollups(session, cut, names, cuboid, most + 1)


def keyed(rows: Sequence[Sequence[Any]], width: int, names: Sequence[str]) -> dict[Key, Sums]:
    """The groups that a statement answered, by the values of so many dimensions; those that nothing is in are left out."""
    return {key_of(row[:width]): dict(zip(names, row[width:], strict=True)) for row in rows if any(row[width:])}


def key_of(values: Sequence[Any]) -> Key:
    """The key of a group by the values that a statement answered for its dimensions."""
    return tuple([value if isinstance(value, str) else value.isoformat() for value in values])


_MONDAY = date(2001, 1, 1)
_TIME: dict[str, Callable[[ColumnElement[date]], ColumnElement[Any]]] = {
    Dimension.DAY: lambda day: day,
    Dimension.WEEK: lambda day: day - (day - literal(_MONDAY, Date)) % 7,
    Dimension.MONTH: lambda day: cast(func.date_trunc("month", cast(day, TIMESTAMP)), Date),
}
_TIME_OF_CELLS = {
    Dimension.WEEK: f"day - (day - date '{_MONDAY}') % 7",
    Dimension.MONTH: "date_trunc('month', day::timestamp)::date",
}
_WORDS = ARRAY(Text)


@lru_cache(1000)
def _of_cells(
    names: tuple[str, ...], by: tuple[Dimension, ...], view: View, one: frozenset[str], many: frozenset[str]
) -> Select[Any]:
    """The sums of cells by group, for cuts that want one value of some dimensions, and any of several of others.

    Made once, and as text where it can be: it is asked all the time, and SQLAlchemy takes as long as the sums for many elements.
    """
    shown = [_TIME_OF_CELLS.get(name, str(name)) for name in by] + [f"sum({name})::bigint" for name in names]
    statement = select(text(", ".join(shown))).select_from(rollups).where(rollups.c.cuboid == bindparam("cuboid"))
    if by:
        statement = statement.group_by(text(", ".join(str(place) for place in range(1, len(by) + 1))))
    if view == View.FIRST_SCORED:
        statement = statement.where(rollups.c.view == 0)
    # One value is compared as one: how many an array holds, a plan for all of them does not know.
    wanted: list[ColumnElement[bool] | TextClause] = [rollups.c[name] == bindparam(name) for name in sorted(one)]
    wanted += [rollups.c[name] == any_(bindparam(name, type_=_WORDS)) for name in sorted(many)]
    if Dimension.QUEUE in one | many:
        wanted.append(text("queue <> ''"))  # which names the index of segments
    within = (rollups.c.day >= bindparam("start"), rollups.c.day < bindparam("end"))
    return statement.where(*wanted, *within).limit(bindparam("most", type_=Integer))


async def _from_rollups(session: ReadSession, cut: Cut, names: Sequence[str], cuboid: int, most: int) -> Sequence[Sequence[Any]]:
    one = frozenset(name for name, values in cut.filters.items() if len(values) == 1)
    statement = _of_cells(tuple(names), cut.by, cut.view, one, frozenset(cut.filters) - one)
    wanted = {name: values[0] if name in one else values for name, values in cut.filters.items()}
    within = {"start": cut.start or date.min, "end": cut.end or date.max}
    statement = scoped(statement, rollups, cut.programme, session.principal)
    return await session.rows(statement, cuboid=cuboid, most=most, **wanted, **within)


def _from_facts(session: ReadSession, cut: Cut, names: Sequence[str]) -> Select[Any]:
    columns = fact_columns(cut.view)
    statement = grouped(select(), cut, columns, facts.c.day).add_columns(*counted_facts(columns, names))
    return scoped(statement, facts, cut.programme, session.principal)


def fact_columns(view: View) -> dict[str, ColumnElement[Any]]:
    """The columns of facts by their names, those of the judgement as a view shows it."""
    prefix = "first_" if view == View.FIRST_SCORED else ""
    judged = {name: facts.c[f"{prefix}{name}"] for name in (*ERROR_DIMENSIONS, "incorrect", "score")}
    return {**dict(facts.c.items()), **judged}


def counted_facts(columns: Mapping[str, ColumnElement[Any]], names: Sequence[str]) -> list[ColumnElement[Any]]:
    """The sums of audits by their names in `reporting_api.cuboids`, over columns of `fact_columns`."""
    wrong = columns["incorrect"]
    counted = {
        "audits": true(),
        "errors": wrong,
        "critical_errors": and_(wrong, columns["severity"] == "critical"),
        "false_positives": and_(wrong, columns["error_class"] == "false_positive"),
        "false_negatives": and_(wrong, columns["error_class"] == "false_negative"),
        "timed": columns["handling_time_s"].is_not(None),
        "scored": columns["score"].is_not(None),
    }
    return [
        func.count().filter(counted[name]) if name in counted else func.coalesce(func.sum(columns[name]), 0) for name in names
    ]


def grouped(statement: Select[Any], cut: Cut, columns: Mapping[str, ColumnElement[Any]], day: ColumnElement[date]) -> Select[Any]:
    """The statement by the groups of a cut, narrowed to its audits."""
    groups = [_TIME[name](day) if name in _TIME else columns[name] for name in cut.by]
    statement = statement.add_columns(*groups).group_by(*groups)
    if cut.by_error:
        statement = statement.where(columns["error_class"] != "")
    for name, values in cut.filters.items():
        statement = statement.where(columns[name] == (values[0] if len(values) == 1 else any_(literal(values, _WORDS))))
    if cut.start is not None:
        statement = statement.where(day >= cut.start)
    if cut.end is not None:
        statement = statement.where(day < cut.end)
    return statement
