"""Migrations: shipped inside each service's package, run under the owner role, one at a time, never waiting long for a lock."""

import asyncio
import time

import asyncpg
from alembic import command, context
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, make_url, pool, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

_LOCK = 7_461_726_901  # any number, the same for every migration
_ATTEMPTS = 20


def migration_config(package: str, url: str = "", metadata: MetaData | None = None) -> Config:
    """Alembic's configuration for the migrations of a package.

    Args:
        package: that ships them.
        url: of the database, as its owner.
        metadata: the tables that `alembic check` compares the database with.
    """
    config = Config()
    config.set_main_option("script_location", f"{package}:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["url"] = url
    config.attributes["metadata"] = metadata
    return config


def head_revision(package: str) -> str:
    """The newest migration of a package."""
    head = ScriptDirectory.from_config(migration_config(package)).get_current_head()
    if head is None:
        raise RuntimeError(f"{package} ships no migrations")
    return head


def migrate(package: str, url: str) -> None:
    """Bring the database to the package's newest migration; tries again while a lock is not to be had."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            command.upgrade(migration_config(package, url), "head")
        except DBAPIError as error:
            if attempt == _ATTEMPTS or not isinstance(error.orig and error.orig.__cause__, asyncpg.LockNotAvailableError):
                raise
            time.sleep(min(attempt * 0.25, 3))
        else:
            return


def run_migrations() -> None:
    """What a package's `migrations/env.py` calls."""
    asyncio.run(_run(context.config.attributes["url"], context.config.attributes["metadata"]))


async def _run(url: str, metadata: MetaData | None) -> None:
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"), poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(_run_in, metadata)
    await engine.dispose()


def _run_in(connection: Connection, metadata: MetaData | None) -> None:
    connection.execute(text("set lock_timeout = '2s'"))
    connection.execute(text("set statement_timeout = '15min'"))
    connection.execute(text(f"select pg_advisory_lock({_LOCK})"))
    connection.commit()
    context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
