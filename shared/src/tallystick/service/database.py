"""The database and its two kinds of session. One request is one transaction, committed here and nowhere else.

A `ReadSession` runs in a read-only transaction; a `WriteSession` may write. Functions take the one they need, so a GET cannot
write unnoticed. The principal is set for row-level security by an ordinary awaited statement at the start of the transaction.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any, TypeVar, cast

import asyncpg
from fastapi import Depends, Request
from sqlalchemy import CursorResult, Executable, Select, Table, Update, make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from tallystick.service.auth import ALL, Principal, authenticate

_BECOME = text(
    "select set_config('app.programmes', :programmes, true), set_config('app.vendor', :vendor, true),"
    " set_config('app.subject', :subject, true)"
)

Statement = TypeVar("Statement", Select[Any], Update)


class ReadSession:
    """A read-only transaction that speaks for a principal."""

    __slots__ = ("_connection", "principal")

    def __init__(self, connection: AsyncConnection, principal: Principal) -> None:
        self._connection = connection
        self.principal = principal

    async def execute(
        self, statement: Executable, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[Any]:
        """Run one statement."""
        return await self._connection.execute(statement, parameters)

    async def driver(self) -> asyncpg.Connection:
        """The asyncpg connection of this transaction, for arrays and large SQL."""
        raw = await self._connection.get_raw_connection()
        return cast("asyncpg.Connection", raw.driver_connection)


class WriteSession(ReadSession):
    """A transaction that may write. It is committed after the route's function has returned and before the answer leaves."""

    __slots__ = ()

    async def roll_back(self) -> None:
        """Undo everything, for a request that only wanted to know what would happen. Nothing more can be done in this session."""
        await self._connection.rollback()


class Database:
    """The engine of one service."""

    def __init__(self, url: str, pool: int) -> None:
        self.engine: AsyncEngine = create_async_engine(
            make_url(url).set(drivername="postgresql+asyncpg"),
            pool_size=pool,
            max_overflow=0,
            hide_parameters=True,  # errors are logged, and values are not
            pool_timeout=10,
            connect_args={"server_settings": {"application_name": "tallystick", "jit": "off"}},
        )
        self._readonly = self.engine.execution_options(postgresql_readonly=True)

    @asynccontextmanager
    async def reading(self, principal: Principal) -> AsyncIterator[ReadSession]:
        """A read-only transaction for `principal`."""
        async with self._readonly.connect() as connection:
            await _become(connection, principal)
            yield ReadSession(connection, principal)

    @asynccontextmanager
    async def writing(self, principal: Principal) -> AsyncIterator[WriteSession]:
        """A transaction for `principal`, committed when the block ends without an error."""
        async with self.engine.connect() as connection:
            await _become(connection, principal)
            yield WriteSession(connection, principal)
            await connection.commit()


async def _become(connection: AsyncConnection, principal: Principal) -> None:
    await connection.execute(
        _BECOME,
        {
            "programmes": ALL if ALL in principal.programmes else ",".join(principal.programmes),
            "vendor": "*" if principal.vendor is None else principal.vendor,
            "subject": principal.subject,
        },
    )


async def _read_session(request: Request) -> AsyncIterator[ReadSession]:
    database: Database = request.app.state.database
    async with database.reading(await authenticate(request)) as session:
        yield session


async def _write_session(request: Request) -> AsyncIterator[WriteSession]:
    database: Database = request.app.state.database
    async with database.writing(await authenticate(request)) as session:
        yield session


Reading = Annotated[ReadSession, Depends(_read_session, scope="function")]
Writing = Annotated[WriteSession, Depends(_write_session, scope="function")]


def scoped(statement: Statement, table: Table, programme: str, principal: Principal) -> Statement:
    """The statement, narrowed to one programme and, for a vendor's principal, to its rows."""
    statement = statement.where(table.c.programme == programme)
    if principal.vendor is not None and "vendor" in table.c:
        statement = statement.where(table.c.vendor == principal.vendor)
    return statement
