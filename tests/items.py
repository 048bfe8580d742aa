"""Items of work as tests put them there, without a draw."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from sqlalchemy import insert

from audit_api.exposure.summary import WELLBEING
from audit_api.sampling.tables import sample_items
from tallystick.schemas.base import new_id
from tallystick.service.database import Database

DECIDED = datetime(2026, 9, 1, 8, tzinfo=UTC)
DUE = datetime(2026, 9, 12, 22, tzinfo=UTC)


def item_row(programme: str, **changes: Any) -> dict[str, Any]:
    """A drawn item of a decision of acme, which waits."""
    item_id = new_id()
    row: dict[str, Any] = {
        "programme": programme,
        "id": item_id,
        "draw_id": UUID(int=1),
        "kind": "sampled",
        "origin_id": None,
        "stratum": "s-1",
        "rank": os.urandom(32),
        "vendor": "acme",
        "decision_id": str(item_id),
        "site": "lisbon",
        "queue": "live",
        "market": "ES",
        "language": "es",
        "moderator": "m-1",
        "decided_at": DECIDED,
        "action": "remove",
        "policy": "harassment",
        "content_ref": f"item:{item_id}",
        "automated_detection": False,
        "automated_decision": False,
        "risk": None,
        "modality": "image",
        "render_hints": [],
        "inclusion_probability": 0.1,
        "harm": 0.0,
        "priority": 5,
        "due_at": DUE,
        "turn": 1,
        "state": "waiting",
        "claimed_by": None,
        "claimed_at": None,
        "lease_until": None,
        "passed_by": [],
        "told": True,
        "revision": 1,
        "position": 0,
    }
    return row | changes


async def put_items(app: FastAPI, rows: Sequence[dict[str, Any]]) -> list[str]:
    """Put items there, and answer their ids."""
    database: Database = app.state.database
    async with database.writing(WELLBEING) as session:
        await session.execute(insert(sample_items), rows)
    return [str(row["id"]) for row in rows]


async def hand_out(app: FastAPI, programme: str, auditor: str, **changes: Any) -> str:
    """An item in somebody's hand, and its id."""
    now = app.state.clock()
    claimed = {"state": "claimed", "claimed_by": auditor, "claimed_at": now, "lease_until": now + timedelta(hours=1)}
    [item] = await put_items(app, [item_row(programme, **claimed, revision=2, **changes)])
    return item
