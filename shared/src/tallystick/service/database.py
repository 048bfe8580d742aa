"""The database and its two kinds of session. One request is one transaction, committed here and nowhere else.

A `ReadSession` runs in a read-only transaction; a `WriteSession` may write. Functions take the one they need, so a GET cannot
write unnoticed. The principal is set for row-level security by an ordinary awaited statement at the start of the transaction.

A read is short, so what surrounds its statements counts: its transaction is begun and ended on the driver's connection, at a
fifth of what that costs through SQLAlchemy. `rows` reads past SQLAlchemy's results too. `make bench BENCH=read` measures it.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Annotated, Any, TypeVar, cast

import asyncpg
from fastapi import Depends, Request
from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Delete,
    Executable,
    MetaData,
    Select,
    Table,
    Update,
    and_,
    literal,
    make_url,
    not_,
    select,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.sql.compiler import SQLCompiler

from tallystick.schemas.principal import Role
from tallystick.service.auth import ALL, Principal, authenticate

_NAMES = ("programmes", "vendor", "subject")
_BECOME = "select set_config('app.programmes', $1, true), set_config('app.vendor', $2, true), set_config('app.subject', $3, true)"

Statement = TypeVar("Statement", Select[Any], Update, Delete)


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

    async def rows(self, statement: Select[Any], **parameters: Any) -> Sequence[Sequence[Any]]:
        """What a statement selects, as plain sequences in the order of its columns: for what is read often or by the thousand.

        SQLAlchemy compiles the statement, or finds it compiled, and the driver runs it. Values come as the driver reads them, so
        select JSON as text.
        """
        engine = self._connection.engine.sync_engine
        found, extracted, *_ = statement._compile_w_cache(  # noqa: SLF001 - as SQLAlchemy's own execution does it
            engine.dialect,
            compiled_cache=engine._compiled_cache,  # noqa: SLF001
            column_keys=[],
        )
        compiled = cast("SQLCompiler", found)
        if compiled.post_compile_params:  # an IN, whose text depends on its values
            return (await self.execute(statement, parameters)).all()
        values = compiled.construct_params(parameters, extracted_parameters=extracted)
        rows = await _driver(self._connection).fetch(compiled.string, *(values[name] for name in compiled.positiontup or ()))
        return cast("list[Sequence[Any]]", rows)

    async def driver(self) -> asyncpg.Connection:
        """The asyncpg connection of this transaction, for arrays and large SQL."""
        return _driver(self._connection)


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
            pool_use_lifo=True,  # the connection that was used last has everything prepared and in the caches
            hide_parameters=True,  # errors are logged, and values are not
            pool_timeout=10,
            connect_args={"server_settings": {"application_name": "tallystick", "jit": "off", "lock_timeout": "20s"}},
        )
        self._ending: set[asyncio.Task[None]] = set()
        self._lending = self.engine.execution_options(isolation_level="AUTOCOMMIT")  # begins no transactions of its own

    @asynccontextmanager
    async def reading(self, principal: Principal) -> AsyncIterator[ReadSession]:
        """A read-only transaction for `principal`. It ends while the answer is on its way already."""
        connection = await self._lending.connect()
        try:
            await _driver(connection).execute(_opening(principal))
            yield ReadSession(connection, principal)
        finally:
            ending = asyncio.create_task(_end(connection))
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)

    async def close(self) -> None:
        """Close all connections, once what was read has ended."""
        if self._ending:
            await asyncio.wait(self._ending)
        await self.engine.dispose()

    @asynccontextmanager
    async def writing(self, principal: Principal) -> AsyncIterator[WriteSession]:
        """A transaction for `principal`, committed when the block ends without an error."""
        async with self.engine.connect() as connection:
            await connection.exec_driver_sql(_BECOME, _identity(principal))
            yield WriteSession(connection, principal)
            await connection.commit()


def _driver(connection: AsyncConnection) -> asyncpg.Connection:
    """The connection as asyncpg knows it."""
    assert connection.sync_connection is not None  # noqa: S101 - it is open
    return cast("asyncpg.Connection", connection.sync_connection.connection.driver_connection)


def _identity(principal: Principal) -> tuple[str, str, str]:
    """What the policies of row-level security look at."""
    programmes = ALL if ALL in principal.programmes else ",".join(principal.programmes)
    return programmes, ALL if principal.vendor is None else principal.vendor, principal.subject


@lru_cache(10_000)
def _opening(principal: Principal) -> str:
    """What begins a read in one round trip. The text of a principal's names goes through it in hexadecimal digits."""
    values = (f"convert_from(decode('{value.encode().hex()}', 'hex'), 'UTF8')" for value in _identity(principal))
    settings = ", ".join(f"set_config('app.{name}', {value}, true)" for name, value in zip(_NAMES, values, strict=True))
    return f"begin isolation level repeatable read, read only; select {settings}"


async def _end(connection: AsyncConnection) -> None:
    """End what was read and give the connection back. One on which that fails is not lent again."""
    try:
        await _driver(connection).execute("rollback")
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, SQLAlchemyError, OSError):
        await connection.invalidate()
    finally:
        await connection.close()


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


def service_metadata() -> MetaData:
    """What a service's tables are collected in; their keys and indexes are named as PostgreSQL names them."""
    return MetaData(
        naming_convention={
            "pk": "%(table_name)s_pkey",
            "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
            "uq": "%(table_name)s_%(column_0_N_name)s_key",
            "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        }
    )


def scoped(statement: Statement, table: Table, programme: str, principal: Principal) -> Statement:
    """The statement, narrowed to one programme and, for a vendor's principal, to its rows.

    Rows that are `checking`, which is what the client does to check its own people, are there for these alone: neither for
    vendors nor for services, which count what there is.
    """
    return statement.where(
        _scope(table, programme, principal.vendor, principal.vendor is not None or principal.holds(Role.SERVICE))
    )


SOUGHT = {"sought": True}
"""The `info` of a large table whose rows are looked up or paged, and never summed all at once.

Of a programme that is younger than the statistics the planner expects no rows. Any index that begins with the programme is as
good as any other then, and it reads all that the programme has to find one row. So it is not told which programme it is.
"""


@lru_cache(10_000)
def _scope(table: Table, programme: str, vendor: str | None, counted: bool) -> ColumnElement[bool]:
    sought = "sought" in table.info
    conditions = [table.c.programme == (select(literal(programme)).scalar_subquery() if sought else programme)]
    if vendor is not None and "vendor" in table.c:
        conditions.append(table.c.vendor == vendor)
    if counted and "checking" in table.c:
        conditions.append(not_(table.c.checking))
    return and_(*conditions)
