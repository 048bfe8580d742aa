"""The documents of programmes as pages want them: remembered for a while, so that a page does without audit-api."""

import time
from collections import OrderedDict

from fastapi import Request
from sqlalchemy import text

from rca_api.programmes import get_programme
from tallystick.schemas.programme import Programme
from tallystick.service.auth import Principal, enter
from tallystick.service.database import Database
from tallystick.service.problems import NotFound, Unavailable

_FRESH_S = 15.0
_REMEMBERED = 1000


class Documents:
    """What was read last of each programme."""

    def __init__(self) -> None:
        self._read: OrderedDict[str, tuple[Programme, float]] = OrderedDict()

    async def of(self, request: Request, programme: str) -> Programme:
        """A programme's document; as it was remembered, where audit-api cannot be asked now.

        Raises:
            NotFound: there is no such programme.
            Unavailable: audit-api cannot be asked, and never could be.
        """
        remembered = self._read.get(programme)
        if remembered is not None and time.monotonic() - remembered[1] < _FRESH_S:
            return remembered[0]
        try:
            document = await get_programme(request.app.state.neighbours, programme)
        except Unavailable:
            if remembered is None:
                raise
            return remembered[0]
        except NotFound:
            self._read.pop(programme, None)
            raise
        self._read[programme] = document, time.monotonic()
        self._read.move_to_end(programme)
        if len(self._read) > _REMEMBERED:
            self._read.popitem(last=False)
        return document


_ENTERED = text("select string_to_array(current_setting('app.programmes'), ',') && array['*', cast(:programme as text)]")


async def seen(request: Request, principal: Principal, programme: str) -> Programme:
    """The document of a programme as the viewer of a page may see it; a programme that is not theirs is not there.

    The document comes from audit-api under this service's own name, so whether it is the viewer's is asked twice: here, and of
    the database, which knows for whom its transaction is.
    """
    enter(principal, programme)
    database: Database = request.app.state.database
    async with database.reading(principal) as session:
        if not (await session.execute(_ENTERED, {"programme": programme})).scalar_one():
            raise NotFound("There is no such programme.")
    documents: Documents = request.app.state.documents
    document = (await documents.of(request, programme)).as_seen_by(principal.vendor)
    if not document.vendors:
        raise NotFound("There is no such programme.")
    return document
