"""Applying a page of changes to what is known of calibration: each thing is kept as the feed last showed it.

Before review the feed shows no rating to anybody, so there is none here either.
"""

from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from itertools import groupby
from operator import itemgetter
from typing import Any

import asyncpg
import orjson

from reporting_api.tables import calibration_items, calibration_raters, calibration_ratings, calibration_sessions, golden_results
from tallystick.service.database import WriteSession

CALIBRATION = (calibration_sessions, calibration_raters, calibration_items, calibration_ratings, golden_results)
"""What a projection that is begun anew forgets."""

_PLACE = itemgetter("session_id", "number")
_RATING = itemgetter("rater", "vendor", "value", "policy")

_FORGET_RATINGS = "delete from calibration_ratings where programme = $1 and session_id = $2 and number = any($3)"
_ADD_RATINGS = """
insert into calibration_ratings (programme, session_id, number, rater, vendor, value, policy)
select $1, $2, * from unnest($3::integer[], $4::text[], $5::text[], $6::text[], $7::text[])
"""


@cache
def _statement(noun: str) -> str:
    return files(__package__).joinpath(f"{noun}.sql").read_text()


async def apply_calibration(session: WriteSession, programme: str, changes: Iterable[dict[str, Any]]) -> None:
    """Bring sessions with their raters, items with their ratings, and results of golden items to the state of these changes."""
    latest: dict[str, dict[str, Any]] = {"calibration_session": {}, "calibration_item": {}, "golden_result": {}}
    for change in changes:
        if change["noun"] in latest:
            latest[change["noun"]][change["id"]] = change["data"]
    for noun, things in latest.items():
        if things:
            connection = await session.driver()
            changed = await connection.fetch(_statement(noun), programme, orjson.dumps(list(things.values())).decode())
            if noun == "calibration_item":
                await _apply_ratings(connection, programme, [things[str(item_id)] for (item_id,) in changed])


async def _apply_ratings(connection: asyncpg.Connection, programme: str, items: Iterable[dict[str, Any]]) -> None:
    """Put the ratings of items in the place of those that were known.

    Session by session, so that every plan finds them by the primary key, whatever PostgreSQL believes about the sizes.
    """
    for session_id, members in groupby(sorted(items, key=_PLACE), key=itemgetter("session_id")):
        rated = list(members)
        ratings = [(item["number"], *_RATING(rating)) for item in rated for rating in item["ratings"]]
        numbers, raters, vendors, values, policies = zip(*ratings, strict=True) if ratings else ((),) * 5
        await connection.execute(_FORGET_RATINGS, programme, session_id, [item["number"] for item in rated])
        await connection.execute(_ADD_RATINGS, programme, session_id, numbers, raters, vendors, values, policies)
