"""Applying the draws and the items of a page of changes: each is kept as the feed last showed it, a draw with all its strata.

Golden items and repeats are on the feed of nobody, and in whose hands an item is neither: there is nothing of either here.
"""

from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any

import orjson

from reporting_api.tables import sample_draws, sample_items, sample_strata
from tallystick.service.database import WriteSession

SAMPLES = (sample_draws, sample_strata, sample_items)
"""What a projection that is begun anew forgets."""

_DRAW = ("id", "position", "plan_id", "plan_version", "title", "state", "first_day", "last_day", "drawn_at", "due_at")
_STRATUM = ("stratum", "vendor", "values", "decisions", "planned", "drawn")
_ITEM = ("id", "draw_id", "stratum", "vendor", "state", "audited_at", "audit_id")


@cache
def _statement(noun: str) -> str:
    return files(__package__).joinpath(f"{noun}.sql").read_text()


async def apply_samples(session: WriteSession, programme: str, changes: Iterable[dict[str, Any]]) -> None:
    """Bring draws with their strata, and items, to the state of these changes; what stands there twice counts as last.

    What is stored at the same or a later position already is left alone, so that a page applied twice changes nothing.
    """
    latest: dict[str, dict[str, dict[str, Any]]] = {"draw": {}, "sample_item": {}}
    for change in changes:
        if change["noun"] in latest:
            latest[change["noun"]][change["id"]] = change
    rows = {
        "draw": [_draw(change["data"]) for change in latest["draw"].values()],
        "sample_item": [_item(change) for change in latest["sample_item"].values()],
    }
    connection = await session.driver()
    for noun, found in rows.items():
        if found:
            await connection.execute(_statement(noun), programme, orjson.dumps(found).decode())


def _draw(draw: dict[str, Any]) -> dict[str, Any]:
    allocation = draw["allocation"]
    wanted = allocation["half_width"] if allocation["kind"] == "precision" and allocation["of"] == "each" else None
    strata = [{name: stratum[name] for name in _STRATUM} for stratum in draw["strata"]]
    return {**{name: draw[name] for name in _DRAW}, "wanted": wanted, "strata": strata}


def _item(change: dict[str, Any]) -> dict[str, Any]:
    return {"position": change["position"], **{name: change["data"][name] for name in _ITEM}}
