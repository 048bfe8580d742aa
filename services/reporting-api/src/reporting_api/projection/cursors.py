"""Where each feed of a programme was read up to. A cursor moves in the transaction that applies what it moves over.

audit-api's cursor brings the programme's document along, and its position is the one that numbers stand on.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Table, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from reporting_api.projection.appeals import apply_appeals
from reporting_api.projection.apply import apply_audits
from reporting_api.projection.calibration import CALIBRATION, apply_calibration
from reporting_api.projection.page import Changes
from reporting_api.projection.samples import SAMPLES, apply_samples
from reporting_api.tables import appeals, cursors, facts, rollups
from tallystick.client import FeedPage
from tallystick.schemas.programme import Programme
from tallystick.service.auth import ALL, Principal
from tallystick.service.database import ReadSession, WriteSession, scoped

_FRESH = timedelta(seconds=60)
"""How long it may be taken from a feed's last answer that it has nothing more: a few of the waits of its follower."""


class OvertakenError(Exception):
    """The cursor is not where this worker left it: another one has moved it, or the projection was started anew."""


async def find_cursor(session: ReadSession, programme: str) -> Row[Any] | None:
    """The cursor of a programme; None where nothing was read of it yet, or where it names no such vendor as the principal's."""
    statement = scoped(select(cursors), cursors, programme, session.principal)
    row = (await session.execute(statement)).one_or_none()
    return row if row is not None and names_vendor(row.document["vendors"], session.principal) else None


async def list_cursors(session: ReadSession) -> Sequence[Row[Any]]:
    """The cursors of all programmes that are there for the principal, by name."""
    statement = select(cursors).order_by(cursors.c.programme)
    if ALL not in session.principal.programmes:
        statement = statement.where(cursors.c.programme.in_(session.principal.programmes))
    return [row for row in await session.execute(statement) if names_vendor(row.document["vendors"], session.principal)]


def names_vendor(vendors: Iterable[Mapping[str, Any]], principal: Principal) -> bool:
    """Whether a vendor's principal belongs to one of a programme's vendors; the client's people see all of theirs."""
    return principal.vendor is None or any(vendor["slug"] == principal.vendor for vendor in vendors)


def lag_s(row: Row[Any], now: datetime) -> float:
    """Seconds since the feed last had nothing more, from its cursor; 0 while it has not. While it does not answer they grow."""
    idle = row.caught_up_at is not None and row.caught_up_at == row.checked_at and now - row.checked_at < _FRESH
    return 0.0 if idle else (now - (row.caught_up_at or row.created_at)).total_seconds()


async def open_cursor(session: WriteSession, document: Programme) -> Row[Any]:
    """The cursor of a programme, made where there is none."""
    values = {"position": 0, "time_zone": document.time_zone, "document": document.model_dump(mode="json")}
    await session.execute(insert(cursors).values(programme=document.slug, **values).on_conflict_do_nothing())
    return (await session.execute(select(cursors).where(cursors.c.programme == document.slug))).one()


async def apply_page(session: WriteSession, before: Row[Any], page: FeedPage, changes: Changes) -> Row[Any]:
    """Apply a page that was read from the cursor `before`, and answer the cursor behind it. `changes` are those of the page.

    Raises:
        OvertakenError: the cursor has moved since; nothing was applied.
    """
    await hold(session, cursors, before)
    programme = before.programme
    if changes.audits is not None:
        await apply_audits(session, programme, changes.audits)
    await apply_appeals(session, programme, changes.others)
    await apply_calibration(session, programme, changes.others)
    await apply_samples(session, programme, changes.others)
    documents = [change["data"]["document"] for change in changes.others if change["noun"] == "programme"]
    changed = changes.audits is not None or bool(changes.others)
    return await advance(session, cursors, page, changed=changed, **({"document": documents[-1]} if documents else {}))


async def hold(session: WriteSession, table: Table, before: Row[Any]) -> None:
    """Lock a cursor where it was when a page was read from it.

    Raises:
        OvertakenError: it has moved since, or the projection was begun anew.
    """
    mine = select(table.c.programme).where(
        table.c.programme == before.programme, table.c.position == before.position, table.c.created_at == before.created_at
    )
    if (await session.execute(mine.with_for_update())).one_or_none() is None:
        raise OvertakenError(before.programme)


async def advance(session: WriteSession, table: Table, page: FeedPage, *, changed: bool, **also: Any) -> Row[Any]:
    """Move a cursor behind a page that was applied, and answer it.

    `changed` is whether there was any change on it, and `also` what else of the cursor moves.
    """
    moved = {"epoch": UUID(page.epoch), "cursor": page.cursor, "position": page.position, "checked_at": func.now(), **also}
    if changed:
        moved["applied_at"] = func.now()
    if not page.more:
        moved["caught_up_at"] = func.now()
    statement = update(table).where(table.c.programme == page.programme).values(moved)
    return (await session.execute(statement.returning(table))).one()


async def forget(session: WriteSession, table: Table, programme: str, built: Iterable[Table], **also: Any) -> None:
    """Drop what was built from a feed of a programme, and begin a new life of its cursor; `also` is what else of it changes."""
    await session.execute(text("set local synchronous_commit = off"))
    reset = {"position": 0, "created_at": func.now(), **also}
    reset |= dict.fromkeys(("epoch", "cursor", "applied_at", "caught_up_at", "checked_at"))
    await session.execute(update(table).where(table.c.programme == programme).values(reset))
    for each in built:
        await session.execute(delete(each).where(each.c.programme == programme))


async def start_anew(session: WriteSession, programme: str) -> None:
    """Forget what was built from audit-api's feed of a programme; whoever follows it begins at its start, in its present days.

    The cursor stays and begins a new life: the programme is known, and its numbers are to come.
    """
    built = (facts, rollups, appeals, *CALIBRATION, *SAMPLES)
    await forget(session, cursors, programme, built, time_zone=cursors.c.document["time_zone"].astext)
