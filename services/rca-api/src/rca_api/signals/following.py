"""Following the signals of every programme. Whoever follows and how often it begins anew, each signal leads to a case once."""

import structlog
from pydantic import ValidationError

from rca_api.service import SERVICE
from rca_api.signals.records import OvertakenError, apply_page, open_cursor, start_anew
from tallystick.client import FeedRewoundError, Tallystick, TallystickError
from tallystick.schemas.programme import Programme
from tallystick.service.clock import Clock
from tallystick.service.database import Database

_PAGE = 200

log = structlog.get_logger()


async def follow_all(database: Database, client: Tallystick, clock: Clock) -> None:
    """Hear what there is to hear in all programmes. One whose signals cannot be read now stops no other."""
    for programme in await client.programmes.list():
        try:
            await follow(database, client, programme.document, clock)
        except OvertakenError:
            log.info("overtaken", programme=programme.document.slug)
        except (TallystickError, ValidationError) as failure:
            log.warning("signals out of reach", programme=programme.document.slug, reason=str(failure))


async def follow(database: Database, client: Tallystick, programme: Programme, clock: Clock) -> None:
    """Hear the signals of a programme from the cursor on to the end of their feed, page by page.

    No connection to the database waits while reporting-api is asked. A page is heard together with the move of the cursor.

    Raises:
        OvertakenError: another replica was faster.
    """
    async with database.writing(SERVICE) as session:
        cursor = await open_cursor(session, programme.slug)
    try:
        async for page in client.changes(programme.slug, source="reporting", after=cursor.cursor, wait=0, limit=_PAGE):
            if page.cursor == cursor.cursor:
                return
            async with database.writing(SERVICE) as session:
                cursor = await apply_page(session, cursor, page, programme, clock())
    except FeedRewoundError:
        async with database.writing(SERVICE) as session:
            await start_anew(session, programme.slug)
        log.warning("signals are read anew", programme=programme.slug, reason="their feed has started a new life")
