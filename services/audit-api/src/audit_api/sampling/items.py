"""Items of work: those drawn, as the feed tells of them, and what takes the place of one that cannot be audited."""

from importlib.resources import files
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, select

from audit_api.sampling.tables import draw_strata, sample_items
from tallystick.schemas.principal import Role
from tallystick.service.database import ReadSession, WriteSession, scoped

_i, _s = sample_items.c, draw_strata.c
_NEXT = files(__package__).joinpath("replace.sql").read_text()
_TOLD = ("id", "programme", "draw_id", "stratum", "vendor", "state", "due_at", "claimed_at", "audited_at", "audit_id")
READERS = (Role.SERVICE, Role.ADMIN, Role.QUALITY_MANAGER)
"""Who is told on the feed what becomes of items. Those who audit are not: what it leaves out would tell them what checks them."""


async def replace(session: WriteSession, item: Row[Any]) -> UUID | None:
    """Let the next candidate of its stratum take the place of an item that cannot be audited; None where there is none left.

    It is as probable as those drawn, and due with them. The feed is told of it with the claims. One at a time of a stratum is
    replaced, under the lock of its row. Whoever replaces has made the item void.
    """
    this = (_s.programme == item.programme, _s.draw_id == item.draw_id, _s.stratum == item.stratum)
    await session.execute(select(_s.stratum).where(*this).with_for_update())
    driver = await session.driver()
    found: UUID | None = await driver.fetchval(_NEXT, item.programme, item.id)
    return found


async def read_changes(session: ReadSession, programme: str, after: int, limit: int) -> list[dict[str, Any]]:
    """Items as the feed shows them to the client's people and services: the drawn ones alone, and never in whose hands."""
    if not session.principal.holds(*READERS):
        return []
    shown = select(*(_i[name] for name in (*_TOLD, "revision", "position")))
    statement: Select[Any] = shown.where(_i.kind == "sampled", _i.position > after)
    statement = scoped(statement, sample_items, programme, session.principal).order_by(_i.position).limit(limit)
    return [
        {
            "position": position,
            "id": values[0],
            "revision": revision,
            "erased": False,
            "data": dict(zip(_TOLD, values, strict=True)),
        }
        for *values, revision, position in await session.rows(statement)
    ]
