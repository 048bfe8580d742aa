"""The reference: what a competent engineer writes by hand for the same rows, without identity, isolation, logs or metrics.

FastAPI and asyncpg with a pool; the row goes to the answer as orjson writes it, which is faster than a response model. Run by
`python -m bench.reference PORT` under uvicorn with uvloop and httptools, like the services.
"""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import uvicorn
from fastapi import FastAPI, HTTPException, Response


def create_app() -> FastAPI:
    """The handlers, on the databases that the environment names."""
    pools: dict[str, asyncpg.Pool] = {}

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        for name in ("AUDIT_DATABASE", "REPORTING_DATABASE"):
            pools[name] = await asyncpg.create_pool(os.environ[name], min_size=2, max_size=10)
        yield
        for pool in pools.values():
            await pool.close()

    app = FastAPI(lifespan=lifespan)

    @app.get("/audits/{audit_id}")
    async def read_audit(audit_id: UUID, programme: str) -> Response:
        row = await pools["AUDIT_DATABASE"].fetchrow("select * from audits where programme = $1 and id = $2", programme, audit_id)
        if row is None:
            raise HTTPException(404)
        return _json(_document(row))

    @app.get("/audits")
    async def read_audits(programme: str, limit: int = 100) -> Response:
        rows = await pools["AUDIT_DATABASE"].fetch(
            "select * from audits where programme = $1 order by audited_at desc, id desc limit $2", programme, limit
        )
        return _json({"items": [_document(row) for row in rows]})

    @app.get("/facts/{audit_id}")
    async def read_fact(audit_id: UUID, programme: str) -> Response:
        row = await pools["REPORTING_DATABASE"].fetchrow(
            "select * from facts where programme = $1 and audit_id = $2", programme, audit_id
        )
        if row is None:
            raise HTTPException(404)
        return _json(dict(row))

    @app.post("/claims")
    async def claim(programme: str, auditor: str) -> Response:
        row = await _claim(pools["AUDIT_DATABASE"], programme, auditor)
        return _json({name: value for name, value in row.items() if name != "rank"})

    return app


async def _claim(pool: asyncpg.Pool, programme: str, auditor: str) -> asyncpg.Record:
    async with pool.acquire() as connection, connection.transaction():
        item = await connection.fetchval(
            """
            select id from bare_items where programme = $1 and state = 'waiting'
            order by priority, due_at, turn, rank limit 1 for update skip locked
            """,
            programme,
        )
        row = await connection.fetchrow(
            """
            update bare_items set state = 'claimed', claimed_by = $3, claimed_at = now(),
                lease_until = now() + interval '30 minutes', revision = revision + 1
            where programme = $1 and id = $2 returning *
            """,
            programme,
            item,
            auditor,
        )
    if row is None:
        raise HTTPException(404)
    return row


def _document(row: asyncpg.Record) -> dict[str, Any]:
    audit = dict(row)
    del audit["content_hash"], audit["batch_row"]
    for name in ("scorecard", "first_scored"):
        if audit[name] is not None:
            audit[name] = orjson.loads(audit[name])
    return audit


def _json(content: dict[str, Any]) -> Response:
    return Response(orjson.dumps(content, default=str), media_type="application/json")


if __name__ == "__main__":
    uvicorn.run(
        create_app(),
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_config=None,
        server_header=False,
    )
