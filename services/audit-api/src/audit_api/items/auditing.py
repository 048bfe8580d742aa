"""Recording the audit of an item in hand: an audit like any other, by the one way that audits come in."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, update

from audit_api.audits.tables import audits
from audit_api.batches.routes import take_one
from audit_api.items.problems import ItemNotInHand, ItemRefused
from audit_api.items.records import end_in_hand, seconds_in_hand
from audit_api.metadata import streams
from tallystick.schemas.audit import AuditParty, NewAudit
from tallystick.schemas.problem import ProblemError
from tallystick.schemas.sampling import ItemState, NewItemAudit
from tallystick.service.database import WriteSession
from tallystick.service.feed import take_positions

_FACTS = (
    "vendor", "content_ref", "site", "queue", "market", "language", "moderator", "decided_at", "action", "policy",
    "automated_detection", "automated_decision", "render_hints", "stratum", "inclusion_probability", "claimed_at",
)  # fmt: skip


def require_in_hand(session: WriteSession, item: Row[Any]) -> None:
    """Raise a problem unless the session's principal has the item in hand."""
    if item.state != ItemState.CLAIMED or item.claimed_by != session.principal.subject:
        raise ItemNotInHand("It was audited or given back before, or the time for it ran out and it went on to others.")


async def audit_item(session: WriteSession, item: Row[Any], new: NewItemAudit, now: datetime) -> Row[Any]:
    """Record the judgement on an item in hand. What checks its auditor is recorded alike, and counts for no vendor."""
    require_in_hand(session, item)
    me = session.principal.subject
    seconds = seconds_in_hand(item, now) if new.handling_time_s is None else new.handling_time_s
    audit = NewAudit(
        **new.judgement.model_dump(),
        **{name: item._mapping[name] for name in _FACTS},
        external_id=str(item.id),
        audit_party=AuditParty.CLIENT,
        audited_at=now,
        handling_time_s=seconds,
        auditor=me,
    )
    result = await take_one(session, item.programme, audit, now)
    if result.audit_id is None or result.errors:
        errors = [
            ProblemError(pointer=f"/judgement{error.pointer}", code=error.code, detail=error.detail) for error in result.errors
        ]
        raise ItemRefused("Nothing was recorded, and the item is in your hand still.", errors=errors)
    audit_id = UUID(result.audit_id)
    if item.kind != "sampled":
        of_item = (audits.c.programme == item.programme, audits.c.id == audit_id)
        await session.execute(update(audits).where(*of_item).values(checking=True))
    position = await take_positions(session, streams, item.programme, 1)
    done = {"audit_id": audit_id, "audited_by": me, "audited_at": now, "handling_time_s": seconds, "lease_until": None}
    moved = await end_in_hand(session, item, ItemState.AUDITED, now, position, **done)
    if moved is None:
        raise ItemNotInHand("The time for it ran out just now, and it went on to others.")
    return moved
