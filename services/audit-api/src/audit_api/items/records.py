"""Reading items of work, and moving them on."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, select, update

from audit_api.exposure.ledger import settle
from audit_api.items.problems import NotStaffed
from audit_api.programmes.records import read_document
from audit_api.sampling.tables import sample_items
from audit_api.staffing.auditors import find_auditor
from tallystick.schemas.principal import MANAGERS
from tallystick.schemas.sampling import ItemState, SampleItem
from tallystick.service.database import ReadSession, WriteSession, scoped
from tallystick.service.problems import NotFound

_c = sample_items.c
_SHOWN = tuple(name for name in SampleItem.model_fields if name != "handed_back")
_DRAWN = ("draw_id", "stratum", "inclusion_probability")
_LONGEST_S = 86_400


async def staffed(session: ReadSession, programme: str, *, lock: bool = False) -> Row[Any]:
    """The principal's entry among those who audit now; a problem where there is none. `lock` as in `find_auditor`."""
    row = await find_auditor(session, programme, session.principal.subject, lock=lock)
    if row is None or not row.document["active"]:
        raise NotStaffed("A manager puts people among the auditors of a programme.")
    return row


def document(row: Row[Any], *, manager: bool) -> dict[str, Any]:
    """An item as the API shows it: to those who audit, without what would tell a drawn one from one that checks them."""
    shown = {name: row._mapping[name] for name in _SHOWN}
    if manager:
        return shown | {"handed_back": row.handed_back}
    return shown | dict.fromkeys(_DRAWN) | {"handed_back": []}


def _visible(session: ReadSession, programme: str) -> Select[Any]:
    """All items for managers, and for others what they have in hand or have audited."""
    statement = scoped(select(sample_items), sample_items, programme, session.principal)
    if session.principal.holds(*MANAGERS):
        return statement
    return statement.where(_c.claimed_by == session.principal.subject)  # whoever has audited an item had it in hand, and keeps it


async def get_item(session: ReadSession, programme: str, item_id: UUID) -> Row[Any]:
    """One item; a problem where there is none to see."""
    row = (await session.execute(_visible(session, programme).where(_c.id == item_id))).one_or_none()
    if row is None:
        raise NotFound("There is no such item.")
    return row


async def read_given_back(session: ReadSession, programme: str, item_id: UUID) -> Row[Any]:
    """One item that the session's principal gave back, which they may not see any more: for what they were answered then."""
    statement = scoped(select(sample_items), sample_items, programme, session.principal)
    return (await session.execute(statement.where(_c.id == item_id))).one()


async def list_items(
    session: ReadSession, programme: str, narrowed: Mapping[str, Sequence[Any]], *, before: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """Items with any of the values in each column, made before the item `before`; newest first."""
    statement = _visible(session, programme).order_by(_c.id.desc()).limit(limit)
    for name, values in narrowed.items():
        if values:
            statement = statement.where(_c[name].in_(values))
    if before is not None:
        statement = statement.where(_c.id < before)
    return (await session.execute(statement)).all()


async def in_hand(session: ReadSession, programme: str, auditor: str) -> Row[Any] | None:
    """The item that somebody has in hand, whether or not their time for it has run out; None where there is none."""
    statement = scoped(select(sample_items), sample_items, programme, session.principal)
    return (
        await session.execute(statement.where(_c.claimed_by == auditor, _c.state == ItemState.CLAIMED).limit(1))
    ).one_or_none()


async def move_item(
    session: WriteSession, current: Row[Any], state: ItemState, position: int | None = None, **values: Any
) -> Row[Any] | None:
    """Move an item on; None where it has been moved meanwhile. Without a position the feed tells of it a little later."""
    told = {"told": False} if position is None else {"told": True, "position": position}
    statement = scoped(update(sample_items), sample_items, current.programme, session.principal).where(
        _c.id == current.id, _c.state == current.state, _c.revision == current.revision
    )
    changing = statement.values(state=state, revision=current.revision + 1, **told, **values)
    return (await session.execute(changing.returning(sample_items))).one_or_none()


def waiting_again(passed_by: str | None = None) -> dict[str, Any]:
    """What changes of an item that nobody has in hand any more; it does not come again to whoever passed it on."""
    nobody = {"claimed_by": None, "claimed_at": None, "lease_until": None}
    return nobody | ({} if passed_by is None else {"passed_by": func.array_append(_c.passed_by, passed_by)})


def seconds_in_hand(item: Row[Any], until: datetime) -> int:
    """How long an item has been in hand."""
    claimed_at: datetime = item.claimed_at
    return min(max(0, round((until - claimed_at).total_seconds())), _LONGEST_S)


async def end_in_hand(
    session: WriteSession, held: Row[Any], state: ItemState, until: datetime, position: int | None = None, **values: Any
) -> Row[Any] | None:
    """Take an item out of the hand that it is in, and settle what it was of exposure; None where that was done meanwhile.

    The time that it was in hand counts. Where an audit says how long its handling took (`handling_time_s`), that counts in its
    place, but no more than the time in hand, and no less than is expected of an item where it was in hand for so long.
    """
    moved = await move_item(session, held, state, position, **values)
    if moved is not None:
        span = seconds_in_hand(held, until)
        told = values.get("handling_time_s")
        seconds = (
            span
            if told is None
            else min(span, max(told, (await read_document(session, held.programme)).handing.seconds_per_item))
        )
        await settle(session, held.programme, held.claimed_by, held.id, seconds, until)
    return moved


async def let_go(session: WriteSession, held: Row[Any]) -> None:
    """Let an item wait again whose time ran out; one that was made to check its auditor is gone with it.

    Of two who do this at once, one does.
    """
    state = ItemState.WAITING if held.kind == "sampled" else ItemState.VOID
    await end_in_hand(session, held, state, held.lease_until, **waiting_again())
