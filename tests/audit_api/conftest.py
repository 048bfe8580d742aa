"""What tests of audit-api look into beside its answers: its tables, as nobody but a superuser sees them."""

from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest
from fastapi import FastAPI

from appeals import Clock, People, moved_by_hand
from batches import Found, Stored
from conftest import Caller
from tallystick.schemas.principal import Role
from tallystick_embedded.postgres import Cluster

TABLES = (
    "streams", "idempotency_keys", "programmes", "programme_versions",
    "audit_batches", "audit_batch_rows", "audits", "audit_revisions", "appeals", "appeal_events", "appeal_batches",
)  # fmt: skip


@pytest.fixture(scope="session")
async def store(cluster: Cluster, audit_app: object) -> AsyncIterator[asyncpg.Connection]:  # noqa: ARG001 - its schema is wanted
    """A connection to the audit database that row-level security does not bind."""
    connection = await asyncpg.connect(cluster.url("audit", "postgres"))
    yield connection
    await connection.close()


@pytest.fixture
def stored(store: asyncpg.Connection, programme: str) -> Stored:
    """All rows of all tables that belong to the programme, by table."""

    async def read() -> dict[str, list[str]]:
        return {
            table: sorted(
                [row[0] for row in await store.fetch(f"select t::text from {table} t where programme = $1", programme)],
            )
            for table in TABLES
        }

    return read


@pytest.fixture
async def found(store: asyncpg.Connection) -> Found:
    """The tables of the database that hold a plain text anywhere in a row that was written since the test began."""
    since = await store.fetchval("select pg_current_xact_id()::text::bigint")

    async def search(text: str) -> list[str]:
        tables = [
            row["relname"]
            for row in await store.fetch(
                "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by relname"
            )
        ]
        written = "select from {} t where case when t.xmin::text::bigint > $2 then t::text like $1 else false end"
        return [table for table in tables if await store.fetchval(f"select exists ({written.format(table)})", f"%{text}%", since)]

    return search


@pytest.fixture
def people(audit_app: FastAPI, caller: Caller) -> People:
    """The auditor qa-1, POCs of two vendors, an adjudicator, and a quality manager for arbitration."""
    return People(
        recorder=caller(audit_app, Role.AUDITOR, subject="qa-1"),
        poc=caller(audit_app, Role.VENDOR_POC, vendor="acme", subject="poc-a"),
        other_poc=caller(audit_app, Role.VENDOR_POC, vendor="borealis", subject="poc-b"),
        adjudicator=caller(audit_app, Role.AUDITOR, subject="judge-1"),
        arbitrator=caller(audit_app, Role.QUALITY_MANAGER, subject="manager-1"),
        admin=caller(audit_app, Role.ADMIN, subject="admin-1"),
    )


@pytest.fixture
def clock(audit_app: FastAPI) -> Iterator[Clock]:
    """The clock of audit-api, which the test moves."""
    with moved_by_hand(audit_app) as clock:
        yield clock
