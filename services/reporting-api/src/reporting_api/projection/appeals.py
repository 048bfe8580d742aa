"""Applying the appeals of a page of changes. Whose and about what they are is told by the facts of their audits."""

from collections.abc import Iterable
from typing import Any

import orjson

from tallystick.service.database import WriteSession

_MOMENTS = ("submitted_at", "escalated_at", "due_at", "decided_at")
_COLUMNS = ("position", "audit_id", "vendor", "state", "stage", "ground", *_MOMENTS, "on_time")
_ERROR = ("error_class", "error_code", "severity")

_MERGE = """
insert into appeals (
    programme, appeal_id, position, audit_id, vendor, state, stage, ground, error_class, error_code, severity,
    submitted_at, escalated_at, due_at, decided_at, on_time
)
select $1, page.*
from jsonb_to_recordset($2::jsonb) as page (
    appeal_id uuid, position bigint, audit_id uuid, vendor text, state text, stage text, ground text,
    error_class text, error_code text, severity text,
    submitted_at timestamptz, escalated_at timestamptz, due_at timestamptz, decided_at timestamptz, on_time boolean
)
on conflict (programme, appeal_id) do update set
    position = excluded.position, state = excluded.state, stage = excluded.stage, escalated_at = excluded.escalated_at,
    due_at = excluded.due_at, decided_at = excluded.decided_at, on_time = excluded.on_time
where appeals.position < excluded.position
"""


async def apply_appeals(session: WriteSession, programme: str, changes: Iterable[dict[str, Any]]) -> None:
    """Bring the appeals among the changes of a feed's page to their state; one that stands there more than once counts as last.

    One that is stored at the same or a later position already is left alone, so that a page applied twice changes nothing.
    """
    latest = {change["id"]: change["data"] for change in changes if change["noun"] == "appeal"}
    if not latest:
        return
    rows = [
        {"appeal_id": appeal_id, **{name: appeal[name] for name in _COLUMNS}, **{name: appeal[name] or "" for name in _ERROR}}
        for appeal_id, appeal in latest.items()
    ]
    connection = await session.driver()
    await connection.execute(_MERGE, programme, orjson.dumps(rows).decode())
