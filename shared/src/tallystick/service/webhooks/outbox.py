"""Announcing what has happened, in the transaction in which it happens: there is a notice if and only if that commits."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import insert

from tallystick.schemas.base import new_id
from tallystick.service.database import WriteSession
from tallystick.service.webhooks.tables import Webhooks


async def announce(
    session: WriteSession, webhooks: Webhooks, programme: str, vendor: str, event: str, subject_id: UUID, *, at: datetime
) -> None:
    """Let the endpoints that want to know hear of an event: those of the vendor and the client's.

    Whose they are is looked up when it is handed out, so that whoever announces need not be allowed to see them.

    Args:
        session: the transaction in which it happens.
        webhooks: of the service.
        programme: in which it happens.
        vendor: whose thing it happens to.
        event: its type, one of `webhooks.events`.
        subject_id: the id of the thing.
        at: when it happens.
    """
    if event not in webhooks.events:
        raise ValueError(f"{event} is no event of this service")
    await session.execute(
        insert(webhooks.announcements).values(
            programme=programme,
            id=new_id(),
            vendor=vendor,
            type=event,
            subject_id=subject_id,
            announced_at=at,
        )
    )
