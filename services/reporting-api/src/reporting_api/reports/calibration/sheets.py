"""What the reader of a report may see of sessions, as matrices of ratings.

A vendor takes part in a session or the session is not there for it; of the ratings it sees its own people's and the client's.
Row-level security says the same. Before review nobody's ratings are known, and items would tell what is judged: neither is read.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
from sqlalchemy import ColumnElement, Row, Select, Table, false, func, or_, select, true

from reporting_api.metrics.standing import Standing
from reporting_api.statistics.ratings import MISSING, Codes, Flags, Ratings
from reporting_api.tables import calibration_items, calibration_raters, calibration_ratings, calibration_sessions
from tallystick.schemas.calibration import REVEALED, SessionState
from tallystick.service.auth import Principal
from tallystick.service.database import ReadSession
from tallystick.service.days import midnight
from tallystick.service.parameters import refusal

MOST_RATINGS = 1_000_000
"""That a trend is computed from."""


@dataclass(frozen=True, slots=True)
class CalibrationQuestion:
    """Which sessions, and what of them. Days are those of the programme's time zone; `end` is the first day after the period."""

    programme: str
    vendors: tuple[str, ...] = ()
    """Whose raters, beside the client's; empty: everybody's."""
    policies: tuple[str, ...] = ()
    start: date | None = None
    end: date | None = None
    limit: int = 20
    """Sessions of a trend, or divisive items of a session."""


@dataclass(frozen=True, slots=True)
class Rater:
    """Somebody who judges."""

    subject: str
    vendor: str | None
    """None: of the client's people."""


class Item(NamedTuple):
    """Something to judge."""

    number: int
    item_id: UUID
    content_ref: str | None
    policy: str | None
    repeat_of: int | None
    benchmark: str | None


@dataclass(frozen=True)
class Sheet:
    """A session with what is known of it."""

    session: Row[Any]
    target: float | None
    raters: tuple[Rater, ...]
    items: Sequence[Item]
    """By number, those that are shown again among them."""
    shown: Codes
    """Items x raters: the category that was chosen, or `MISSING`."""

    @property
    def categories(self) -> list[str]:
        """What raters choose from."""
        return list(self.session.categories)

    @cached_property
    def once(self) -> Flags:
        """Which items are shown for the first time. What is shown again tells of repeatability and counts nowhere else."""
        return np.array([item.repeat_of is None for item in self.items], dtype=bool)

    @cached_property
    def first(self) -> list[Item]:
        """The items that are shown for the first time."""
        return [item for item in self.items if item.repeat_of is None]

    @cached_property
    def ratings(self) -> Ratings:
        """Of the items that are shown for the first time."""
        return Ratings(self.shown[self.once], len(self.session.categories))

    @cached_property
    def benchmark(self) -> Codes:
        """The category of each item's benchmark, or `MISSING`."""
        places = {category: place for place, category in enumerate(self.session.categories)}
        return np.array([places.get(item.benchmark, MISSING) for item in self.first], dtype=np.int64)


def permitted(question: CalibrationQuestion, principal: Principal) -> CalibrationQuestion | None:
    """The question as the principal may ask it; None where a vendor asks for others, of whom there is nothing to find."""
    if principal.vendor is None:
        return question
    if question.vendors and principal.vendor not in question.vendors:
        return None
    return replace(question, vendors=(principal.vendor,))


def sessions(question: CalibrationQuestion | None) -> Select[Any]:
    """The sessions that there are for a question that is permitted. A draft is nobody's business yet."""
    of = calibration_sessions.c
    if question is None:
        return select(calibration_sessions).where(false())
    statement = select(calibration_sessions).where(of.programme == question.programme, of.state != SessionState.DRAFT)
    return statement.where(of.vendors.overlap(question.vendors)) if question.vendors else statement


async def find_session(session: ReadSession, question: CalibrationQuestion | None, session_id: UUID) -> Row[Any] | None:
    """A session, if there is one for the reader."""
    statement = sessions(question).where(calibration_sessions.c.session_id == session_id)
    return (await session.execute(statement)).one_or_none()


async def open_sessions(session: ReadSession, question: CalibrationQuestion | None) -> Sequence[Row[Any]]:
    """Those in scoring or in review, the newest first."""
    found = sessions(question).where(calibration_sessions.c.state.in_([SessionState.SCORING, SessionState.REVIEW]))
    return (await session.execute(found.order_by(calibration_sessions.c.session_id.desc()).limit(100))).all()


async def concluded_sessions(session: ReadSession, standing: Standing, question: CalibrationQuestion | None) -> list[Row[Any]]:
    """Those that were concluded in the question's period, the newest ones of them, the earliest first.

    Raises:
        InvalidRequest: they hold more ratings than a trend is computed from.
    """
    concluded_at, zone = calibration_sessions.c.concluded_at, standing.time_zone
    found = sessions(question).where(calibration_sessions.c.state == SessionState.CONCLUDED)
    if question is not None:
        found = found.where(concluded_at >= midnight(question.start, zone)) if question.start else found
        found = found.where(concluded_at < midnight(question.end, zone)) if question.end else found
        found = found.limit(question.limit)
    order = (concluded_at.desc(), calibration_sessions.c.session_id.desc())
    rows = list((await session.execute(found.order_by(*order))).all())
    raters = await count_raters(session, question, rows)
    if sum(row.items * raters.get(row.session_id, 0) for row in rows) > MOST_RATINGS:
        raise refusal(
            "limit", "too_many_ratings", f"A trend is made of {MOST_RATINGS:,} ratings at most. Ask for fewer sessions."
        )
    return rows[::-1]


async def count_raters(session: ReadSession, question: CalibrationQuestion | None, rows: Sequence[Row[Any]]) -> dict[UUID, int]:
    """How many raters of each session the reader may know of."""
    if question is None or not rows:
        return {}
    counted = select(calibration_raters.c.session_id, func.count()).group_by(calibration_raters.c.session_id)
    found = await session.rows(_of(counted, calibration_raters, question, rows))
    return {row[0]: row[1] for row in found}


async def read_sheets(
    session: ReadSession, standing: Standing, question: CalibrationQuestion, rows: Sequence[Row[Any]]
) -> list[Sheet]:
    """The sheets of sessions that were found for the question, in their order."""
    if not rows:
        return []
    raters, items, ratings = calibration_raters.c, calibration_items.c, calibration_ratings.c
    named = select(raters.session_id, raters.rater, raters.vendor).order_by(raters.vendor.nulls_first(), raters.rater)
    people: dict[UUID, list[Rater]] = {row.session_id: [] for row in rows}
    for session_id, subject, vendor in await session.rows(_of(named, calibration_raters, question, rows)):
        people[session_id].append(Rater(subject, vendor))
    laid_open = [row for row in rows if row.state in REVEALED]
    listed = select(
        items.session_id,
        items.number,
        items.item_id,
        items.content_ref,
        items.policy,
        items.repeat_of,
        items.benchmark,
    )
    if question.policies:
        listed = listed.where(items.policy.in_(question.policies))
    shown: dict[UUID, list[Item]] = {row.session_id: [] for row in rows}
    for row in await session.rows(_of(listed, calibration_items, question, laid_open).order_by(items.number)):
        shown[row[0]].append(Item(*row[1:]))
    given = select(ratings.session_id, ratings.rater, func.array_agg(ratings.number), func.array_agg(ratings.value)).group_by(
        ratings.session_id, ratings.rater
    )
    chosen: dict[UUID, dict[str, tuple[list[int], list[str]]]] = {row.session_id: {} for row in rows}
    for session_id, subject, numbers, values in await session.rows(_of(given, calibration_ratings, question, laid_open)):
        chosen[session_id][subject] = numbers, values

    def sheets() -> list[Sheet]:
        return [
            Sheet(
                row,
                standing.targets.agreement if row.target is None else row.target,
                tuple(people[row.session_id]),
                shown[row.session_id],
                _matrix(row.categories, shown[row.session_id], people[row.session_id], chosen[row.session_id]),
            )
            for row in rows
        ]

    return await asyncio.to_thread(sheets)  # of many ratings it takes a while


def _of(statement: Select[Any], table: Table, question: CalibrationQuestion, rows: Sequence[Row[Any]]) -> Select[Any]:
    """What belongs to sessions, and to the parties of the question where it belongs to a party."""
    of_sessions = table.c.session_id.in_([row.session_id for row in rows])
    statement = statement.where(table.c.programme == question.programme, of_sessions)
    return statement.where(of_parties(table, question)) if "vendor" in table.c else statement


def of_parties(table: Table, question: CalibrationQuestion) -> ColumnElement[bool]:
    """Whether a row is of the client's people, or of those of a vendor that the question is about."""
    return or_(table.c.vendor.is_(None), table.c.vendor.in_(question.vendors)) if question.vendors else true()


def _matrix(
    categories: Sequence[str], items: Sequence[Item], raters: Sequence[Rater], chosen: dict[str, tuple[list[int], list[str]]]
) -> Codes:
    """Items x raters, from the numbers of the items and the values that each rater has given."""
    codes = {category: code for code, category in enumerate(categories)}
    numbers = np.array([item.number for item in items], dtype=np.int64)
    matrix = np.full((len(items), len(raters)), MISSING, dtype=np.int64)
    for column, rater in enumerate(raters):
        if rater.subject in chosen and len(items):
            rated, values = chosen[rater.subject]
            places = np.minimum(np.searchsorted(numbers, rated), len(numbers) - 1)
            known = numbers[places] == rated
            matrix[places[known], column] = np.array([codes[value] for value in values], dtype=np.int64)[known]
    return matrix
