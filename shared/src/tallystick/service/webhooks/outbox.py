"""Announcing what has happened, in the transaction in which it happens: there is a notice if and only if that commits."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import insert

from tallystick.schemas.base import new_id
from tallystick.service.database import WriteSession
from tallystick.service.webhooks.tables import Webhooks


async def announce(
    session: WriteSession, webhooks: Webhooks, programme: str, vendor: str | None, event: str, *subjects: UUID, at: datetime
) -> None:
    """Let the endpoints that want to know hear of an event, for each thing it happens to: those of its vendor and the client's.

    Whose they are is looked up when it is handed out, so that whoever announces need not be allowed to see them.

    Args:
        session: the transaction in which it happens.
        webhooks: of the service.
        programme: in which it happens.
        vendor: whose things it happens to; None where they are the client's alone.
        event: its type, one of `webhooks.events`.
        subjects: the ids of the things.
        at: when it happens.
    """
    if event not in webhooks.events:
        raise ValueError(f"{event} is no event of this service")
    announced = {"programme": programme, "vendor": vendor, "type": event, "announced_at": at}
    rows = [{**announced, "id": new_id(), "subject_id": subject} for subject in subjects]
    await session.execute(insert(webhooks.announcements), rows)
