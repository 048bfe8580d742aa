"""Audits and the batches they come in."""

from collections.abc import AsyncIterator, Iterable
from typing import Literal
from uuid import UUID

from tallystick.client.transport import Query, Transport, parsed
from tallystick.schemas.audit import (
    Audit,
    AuditBatch,
    AuditBatchResult,
    AuditPage,
    AuditRevision,
    AuditRevisions,
    Erasure,
    Judgement,
    NewAudit,
    NewRevision,
    RowPage,
    RowResult,
    RowVerdict,
)
from tallystick.schemas.base import new_id

MediaType = Literal["text/csv", "application/x-ndjson", "application/json"]
Encoding = Literal["gzip", "zstd"]
Atomicity = Literal["rows", "all"]
OnConflict = Literal["reject", "revise"]

_PUSH_TIMEOUT_S = 300.0


class Audits:
    """The audits of a programme."""

    def __init__(self, transport: Transport, address: str) -> None:
        self._transport = transport
        self._address = address

    async def push(
        self,
        programme: str,
        rows: Iterable[NewAudit] | bytes,
        *,
        media_type: MediaType = "application/x-ndjson",
        encoding: Encoding | None = None,
        profile: str | None = None,
        on_conflict: OnConflict = "reject",
        atomicity: Atomicity = "rows",
        dry_run: bool = False,
        key: str | None = None,
        patience_s: float | None = None,
    ) -> AuditBatchResult:
        """Push one batch and answer the verdict on every row.

        Args:
            programme: whose audits these are.
            rows: audits, or a body of `media_type`, packed as `encoding` says.
            media_type: of a body given as bytes.
            encoding: of a body given as bytes.
            profile: the import profile that maps the body's own columns and values.
            on_conflict: whether a row whose id is known with other content is rejected or revises the audit.
            atomicity: `rows` takes every good row, `all` takes none unless all are good.
            dry_run: show the verdicts and change nothing.
            key: the idempotency key, if a repetition may come from another process; one is made otherwise.
            patience_s: for how many seconds to try again; the client's patience otherwise.

        A repetition creates nothing twice: rows are known by their own ids.
        """
        if not isinstance(rows, bytes):
            rows = b"\n".join(row.__pydantic_serializer__.to_json(row, exclude_none=True) for row in rows)
            media_type, encoding = "application/x-ndjson", None
        headers = {"Content-Type": media_type, "Idempotency-Key": key or str(new_id())}
        if encoding is not None:
            headers["Content-Encoding"] = encoding
        response = await self._transport.request(
            "POST",
            f"{self._address}/v1/audit-batches",
            query={
                "programme": programme,
                "profile": profile,
                "on_conflict": on_conflict,
                "atomicity": atomicity,
                "dry_run": dry_run,
            },
            body=rows,
            headers=headers,
            timeout_s=_PUSH_TIMEOUT_S,
            patience_s=patience_s,
        )
        return parsed(AuditBatchResult, response)

    async def record(self, programme: str, audit: NewAudit) -> Audit:
        """Record a single audit."""
        return await self._transport.create(Audit, f"{self._address}/v1/audits", audit, {"programme": programme})

    async def list(self, programme: str, filters: Query | None = None, *, page: int = 100) -> AsyncIterator[Audit]:
        """Every audit that passes the filters, such as `{"vendor": "acme", "queue": ["live", "video"]}`."""
        query = {**(filters or {}), "programme": programme, "limit": page}
        async for response in self._transport.pages(f"{self._address}/v1/audits", query):
            for audit in parsed(AuditPage, response).items:
                yield audit

    async def read(self, programme: str, audit: UUID) -> Audit:
        """One audit as it stands now."""
        return await self._transport.read(Audit, f"{self._address}/v1/audits/{audit}", {"programme": programme})

    async def revisions(self, programme: str, audit: UUID) -> tuple[AuditRevision, ...]:
        """Every version of an audit's judgement, oldest first."""
        address = f"{self._address}/v1/audits/{audit}/revisions"
        return (await self._transport.read(AuditRevisions, address, {"programme": programme})).items

    async def revise(self, programme: str, audit: UUID, judgement: Judgement, reason: str, *, revision: int) -> Audit:
        """Append a revision to the `revision` that was read.

        Raises:
            ProblemError: 412 when another revision stands.
        """
        return await self._transport.change(
            Audit,
            f"{self._address}/v1/audits/{audit}/revisions",
            NewRevision(judgement=judgement, reason=reason),
            {"programme": programme},
            revision=revision,
            keyed=True,
        )

    async def erase(self, programme: str, audit: UUID, reason: str, *, revision: int) -> Audit:
        """Erase what can name a person, from the `revision` that was read."""
        return await self._transport.change(
            Audit,
            f"{self._address}/v1/audits/{audit}/erasure",
            Erasure(reason=reason),
            {"programme": programme},
            revision=revision,
        )


class Batches:
    """What was pushed."""

    def __init__(self, transport: Transport, address: str) -> None:
        self._transport = transport
        self._address = f"{address}/v1/audit-batches"

    async def read(self, programme: str, batch: UUID) -> AuditBatch:
        """One batch and its counts."""
        return await self._transport.read(AuditBatch, f"{self._address}/{batch}", {"programme": programme})

    async def rows(
        self, programme: str, batch: UUID, verdict: RowVerdict | None = None, *, page: int = 1000
    ) -> AsyncIterator[RowResult]:
        """The verdicts on a batch's rows, all or one kind."""
        query: Query = {"programme": programme, "verdict": verdict, "limit": page}
        async for response in self._transport.pages(f"{self._address}/{batch}/rows", query):
            for row in parsed(RowPage, response).items:
                yield row
