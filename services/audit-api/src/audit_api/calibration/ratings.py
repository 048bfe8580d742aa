"""Ratings: given, replaced and withdrawn until the deadline or the review, whichever comes first.

All that a rater does in a session goes one after another, under the lock of its row in `calibration_raters`. Moving to review
takes the locks of all raters: a rating is either there when the ratings are laid open, or was refused.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import Row, Select, select, update

from audit_api.calibration.problems import NoRater, RatingClosed, require_state
from audit_api.calibration.sessions import find_session
from audit_api.calibration.tables import (
    calibration_raters,
    calibration_sessions,
    past_calibration_ratings,
)
from audit_api.calibration.visibility import is_own, of_own_side, revealed, visible
from tallystick.schemas.audit import RowError
from tallystick.schemas.calibration import REVEALED, Rating, RatingVerdict, SessionAction
from tallystick.schemas.principal import MANAGERS
from tallystick.service.database import ReadSession, WriteSession

_r = calibration_raters.c
_KEEP = """
    insert into past_calibration_ratings (
        programme, session_id, number, rater, vendor, value, policy, comment, rated_at, ended_at, withdrawn
    )
    select programme, session_id, number, rater, vendor, value, policy, comment, rated_at, $6, $7
    from calibration_ratings
    where programme = $1 and session_id = $2 and rater = $3 and vendor is not distinct from $4 and number = any ($5::integer[])
"""
_WRITE = """
    insert into calibration_ratings (programme, session_id, rater, vendor, rated_at, number, value, policy, comment)
    select $1, $2, $3, $4, $5, given.*
    from unnest($6::integer[], $7::text[], $8::text[], $9::text[]) as given (number, value, policy, comment)
    on conflict (programme, session_id, number, rater) do update
    set value = excluded.value, policy = excluded.policy, comment = excluded.comment, rated_at = excluded.rated_at
"""
_WITHDRAW = """
    delete from calibration_ratings
    where programme = $1 and session_id = $2 and rater = $3 and vendor is not distinct from $4 and number = any ($5::integer[])
"""
_STANDING = """
    select number, value, policy, comment, rated_at
    from calibration_ratings
    where programme = $1 and session_id = $2 and rater = $3 and vendor is not distinct from $4 and number = any ($5::integer[])
"""


class Sheet:
    """What one rater has said in one session, open for its hand alone."""

    def __init__(self, session: WriteSession, current: Row[Any], moment: datetime) -> None:
        self._session = session
        self._moment = moment
        self.current = current
        principal = session.principal
        self._key = (current.programme, current.id, principal.subject, principal.vendor)

    async def standing(self, numbers: Sequence[int]) -> dict[int, asyncpg.Record]:
        """The ratings of some items, as they stand."""
        driver = await self._session.driver()
        return {row["number"]: row for row in await driver.fetch(_STANDING, *self._key, list(numbers))}

    async def rate(self, given: Mapping[int, Rating]) -> dict[int, RatingVerdict]:
        """Rate items by their numbers. The same again changes nothing, however late it comes; all else needs to be in time."""
        standing = await self.standing(list(given))
        verdicts = {number: _verdict(rating, standing.get(number)) for number, rating in given.items()}
        changed = {number: given[number] for number, verdict in verdicts.items() if verdict is not RatingVerdict.UNCHANGED}
        if not changed:
            return verdicts
        self._require_time(SessionAction.RATE)
        driver = await self._session.driver()
        await driver.execute(_KEEP, *self._key, list(changed), self._moment, False)
        await driver.execute(
            _WRITE,
            *self._key,
            self._moment,
            list(changed),
            [rating.value for rating in changed.values()],
            [rating.policy for rating in changed.values()],
            [rating.comment for rating in changed.values()],
        )
        await self._count(len(changed.keys() - standing.keys()))
        return verdicts

    async def withdraw(self, number: int) -> None:
        """Take a rating back: the item counts as not rated. Where there is none, nothing changes."""
        self._require_time(SessionAction.WITHDRAW)
        driver = await self._session.driver()
        await driver.execute(_KEEP, *self._key, [number], self._moment, True)
        outcome: str = await driver.execute(_WITHDRAW, *self._key, [number])
        await self._count(-int(outcome.rpartition(" ")[2]))

    def _require_time(self, action: SessionAction) -> None:
        if self.current.state in REVEALED:
            raise RatingClosed("The session has moved to review.")
        require_state(self.current.state, action)
        if self._moment >= self.current.deadline:
            raise RatingClosed("The deadline is over.")

    async def _count(self, more: int) -> None:
        mine = (_r.programme == self.current.programme, _r.session_id == self.current.id)
        await self._session.execute(
            update(calibration_raters)
            .where(*mine, is_own(calibration_raters, self._session.principal))
            .values(rated=_r.rated + more)
        )


def faults(current: Row[Any], number: int, rating: Rating) -> list[RowError]:
    """What is wrong with a rating of an item, for the session."""
    if number > current.items:
        return [RowError(pointer="/number", code="unknown_item", detail="The session has no such item.")]
    if rating.value not in current.scale["categories"]:
        return [RowError(pointer="/value", code="unknown_category", detail="The session's scale has no such category.")]
    return []


def _verdict(rating: Rating, standing: asyncpg.Record | None) -> RatingVerdict:
    if standing is None:
        return RatingVerdict.COUNTED
    same = (rating.value, rating.policy, rating.comment) == (standing["value"], standing["policy"], standing["comment"])
    return RatingVerdict.UNCHANGED if same else RatingVerdict.REPLACED


async def open_sheet(session: WriteSession, programme: str, session_id: UUID, moment: datetime) -> Sheet:
    """The sheet of the principal; a problem where there is no such session to see, or it names the principal as no rater.

    The session is read once the lock is there, in a statement of its own: only that sees what was committed while it waited.
    """
    mine = (_r.programme == programme, _r.session_id == session_id, is_own(calibration_raters, session.principal))
    named = (await session.execute(select(_r.rater).where(*mine).with_for_update())).one_or_none()
    current = await find_session(session, programme, session_id)
    if named is None:
        raise NoRater("Only those rate whom the session names.")
    return Sheet(session, current, moment)


async def list_progress(session: ReadSession, current: Row[Any]) -> list[dict[str, Any]]:
    """How many items each rater has rated: of all raters for those who facilitate, of itself for anybody else."""
    statement = select(_r.rater, _r.vendor, _r.rated).where(_r.programme == current.programme, _r.session_id == current.id)
    if not session.principal.holds(*MANAGERS):
        statement = statement.where(is_own(calibration_raters, session.principal))
    rows = await session.execute(statement.order_by(_r.rater))
    return [{"rater": row.rater, "vendor": row.vendor, "rated": row.rated, "items": current.items} for row in rows]


async def list_past(session: ReadSession, programme: str, session_id: UUID, number: int) -> list[dict[str, Any]]:
    """The ratings of an item that no longer stand, oldest first: of all once they are laid open, one's own before."""
    p, s = past_calibration_ratings.c, calibration_sessions.c
    shown = (p.value, p.policy, p.comment, p.rater, p.vendor, p.rated_at, p.ended_at, p.withdrawn)
    statement: Select[Any] = select(*shown).join(calibration_sessions, (s.programme == p.programme) & (s.id == p.session_id))
    statement = visible(statement, programme, session.principal).where(
        p.programme == programme,
        p.session_id == session_id,
        p.number == number,
        is_own(past_calibration_ratings, session.principal)
        | (revealed() & of_own_side(past_calibration_ratings, session.principal)),
    )
    rows = await session.execute(statement.order_by(p.id))
    return [{str(name): value for name, value in row._mapping.items()} for row in rows]
