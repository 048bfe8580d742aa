"""Reading and writing programmes."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, insert, select, union_all, update

from audit_api.metadata import streams
from audit_api.programmes.tables import programme_versions, programmes
from tallystick.schemas.programme import Programme, ProgrammeRead
from tallystick.service.auth import ALL, Principal
from tallystick.service.database import ReadSession, WriteSession
from tallystick.service.feed import rows_after, take_positions
from tallystick.service.problems import NotFound

_documents: dict[str, tuple[tuple[str, int, datetime], Programme]] = {}
"""The documents that were read last, by programme, with the version that they are of."""


def programme_read(row: Row[Any], principal: Principal) -> ProgrammeRead:
    """A row of either table, as the principal may see it."""
    return ProgrammeRead(
        revision=row.revision,
        changed_at=row.changed_at,
        changed_by=row.changed_by if principal.vendor is None else None,
        document=Programme.model_validate(row.document).as_seen_by(principal.vendor),
    )


async def find_programme(session: ReadSession, programme: str) -> Row[Any] | None:
    """The current row of a programme; None where there is none to see. Who changes it holds the lock of the stream already."""
    if not session.principal.may_enter(programme):
        return None
    statement = select(programmes).where(programmes.c.programme == programme)
    row = (await session.execute(statement)).one_or_none()
    if row is None or not _names(row, session.principal):
        return None
    return row


async def get_programme(session: ReadSession, programme: str) -> Row[Any]:
    """The current row of a programme; a problem where there is none to see."""
    row = await find_programme(session, programme)
    if row is None:
        raise NotFound("There is no such programme.")
    return row


async def read_document(session: ReadSession, programme: str) -> Programme:
    """The current document of a programme, where it is asked for often: it is read again once it has changed."""
    c = programmes.c
    if not session.principal.may_enter(programme):
        raise NotFound("There is no such programme.")
    statement = select(c.revision, c.changed_at).where(c.programme == programme)
    version = (await session.execute(statement)).one_or_none()
    if version is None:
        raise NotFound("There is no such programme.")
    key = (programme, version.revision, version.changed_at)
    if (known := _documents.get(programme)) is None or known[0] != key:
        document = Programme.model_validate((await get_programme(session, programme)).document)
        known = _documents[programme] = (key, document)
    vendor = session.principal.vendor
    if vendor is not None and all(entry.slug != vendor for entry in known[1].vendors):
        raise NotFound("There is no such programme.")
    return known[1]


async def get_document_at(session: ReadSession, programme: str, moment: datetime) -> dict[str, Any]:
    """A programme's document as it was at a time."""
    parts = (
        select(table.c.document, table.c.revision).where(table.c.programme == programme, table.c.changed_at <= moment)
        for table in (programmes, programme_versions)
    )
    versions = union_all(*parts).subquery()
    row = (await session.execute(select(versions).order_by(versions.c.revision.desc()).limit(1))).one()
    document: dict[str, Any] = row.document
    return document


async def list_programmes(session: ReadSession) -> list[Row[Any]]:
    """The programmes that the principal may enter, by name."""
    statement = select(programmes).order_by(programmes.c.programme)
    if ALL not in session.principal.programmes:
        statement = statement.where(programmes.c.programme.in_(session.principal.programmes))
    return [row for row in await session.execute(statement) if _names(row, session.principal)]


async def list_versions(session: ReadSession, programme: str) -> Sequence[Row[Any]]:
    """All versions of a programme's document, newest first; a vendor sees those that name it."""
    current = await get_programme(session, programme)
    statement = select(programme_versions).where(programme_versions.c.programme == programme)
    earlier = await session.execute(statement.order_by(programme_versions.c.revision.desc()))
    return [current, *(row for row in earlier if _names(row, session.principal))]


async def create_programme(session: WriteSession, document: Programme) -> Row[Any]:
    """Write the first version of a programme."""
    position = await take_positions(session, streams, document.slug, 1)
    statement = insert(programmes).values(programme=document.slug, revision=1, **_version(session, document, position))
    return (await session.execute(statement.returning(programmes))).one()


async def put_programme(session: WriteSession, current: Row[Any], document: Programme) -> Row[Any]:
    """Write a further version; the current one, which the lock of the stream holds still, goes into the history."""
    position = await take_positions(session, streams, current.programme, 1)
    kept = ("programme", "revision", "document", "changed_at", "changed_by")
    await session.execute(insert(programme_versions).values({name: current._mapping[name] for name in kept}))
    statement = (
        update(programmes)
        .where(programmes.c.programme == current.programme)
        .values(revision=current.revision + 1, **_version(session, document, position))
    )
    return (await session.execute(statement.returning(programmes))).one()


async def read_changes(session: ReadSession, programme: str, after: int, limit: int) -> list[dict[str, Any]]:
    """Programmes as the feed shows them."""
    return [
        {
            "position": row.position,
            "id": row.programme,
            "revision": row.revision,
            "erased": False,
            "data": programme_read(row, session.principal).model_dump(mode="json"),
        }
        for row in await rows_after(session, programmes, programme, after, limit)
        if _names(row, session.principal)
    ]


def _version(session: WriteSession, document: Programme, position: int) -> dict[str, Any]:
    return {
        "document": document.model_dump(mode="json"),
        "position": position,
        "changed_at": datetime.now(UTC),
        "changed_by": session.principal.subject,
    }


def _names(row: Row[Any], principal: Principal) -> bool:
    """Whether a vendor's principal belongs to a vendor of the programme; the client's people see all of theirs."""
    return principal.vendor is None or any(vendor["slug"] == principal.vendor for vendor in row.document["vendors"])
