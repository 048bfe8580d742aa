"""Merging the rows of a batch: each becomes an audit, or is told what stands in its way. The whole batch is one transaction."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.resources import files
from itertools import islice
from operator import itemgetter
from typing import Any, Literal
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy import Row as AuditRow
from uuid_utils import uuid7

from audit_api.audits.judging import Rules, content_hash, quality_score
from audit_api.audits.records import find_audits, revise, was_sent
from audit_api.batches.reading import Row
from audit_api.metadata import streams
from tallystick.schemas.audit import AuditFacts, Judgement, NewAudit, RowError, RowVerdict
from tallystick.service.database import WriteSession
from tallystick.service.feed import take_positions

CHUNK = 5000
_TURN = 250  # rows
_SQL = {path.name: path.read_text() for path in files(__package__).iterdir() if path.name.endswith(".sql")}
_STAGED = (
    "vendor", "external_id", "content_ref", "site", "queue", "market", "language", "moderator", "decided_at", "action", "policy",
    "automated_detection", "automated_decision", "render_hints", "auditor", "audit_party", "claimed_at", "audited_at",
    "handling_time_s", "stratum", "inclusion_probability", "benchmark_action", "benchmark_policy", "verdict", "error_class",
    "error_code", "severity", "attributable_to", "comment",
)  # fmt: skip
_COLUMNS = ("batch_row", "id", "content_hash", "quality_score", "scorecard", *_STAGED)
_staged = itemgetter(*_STAGED)
_EXTERNAL_ID = _COLUMNS.index("external_id")
_REVISABLE = frozenset(Judgement.model_fields)

OnConflict = Literal["reject", "revise"]


@dataclass(slots=True)
class Result:
    """The verdict on one row: what `RowResult` says on the wire, in a form that a hundred thousand of cost little."""

    row: int
    verdict: RowVerdict
    external_id: str | None
    audit_id: str | None
    errors: tuple[RowError, ...] = ()


@dataclass(slots=True)
class Chunk:
    """Some rows of a batch: those to be merged, those that come after one of the same external id, and those that are rejected.

    `records` are what is staged, in the order of `_COLUMNS`, each external id once; `audits` are the same rows as they were sent.
    """

    records: list[tuple[Any, ...]] = field(default_factory=list)
    audits: list[NewAudit] = field(default_factory=list)
    repeated: list[tuple[int, NewAudit]] = field(default_factory=list)
    rejected: list[Result] = field(default_factory=list)


async def chunks(rows: Iterator[Row], rules: Rules) -> AsyncIterator[Chunk]:
    """Judge the rows and cut them into chunks, letting other requests have their turn in between."""
    while True:
        chunk = Chunk()
        taken: set[tuple[str, str]] = set()
        for row in islice(rows, CHUNK):
            if not row.number % _TURN:
                await asyncio.sleep(0)
            audit = row.audit
            errors = row.errors if audit is None else rules.check(audit)
            if audit is None or errors:
                chunk.rejected.append(Result(row.number, RowVerdict.REJECTED, row.external_id, None, errors))
                continue
            key = (audit.vendor, audit.external_id)
            if key in taken:
                chunk.repeated.append((row.number, audit))
                continue
            taken.add(key)
            chunk.records.append(_record(row.number, audit))
            chunk.audits.append(audit)
        if not chunk.records and not chunk.rejected:
            return
        yield chunk


def _record(number: int, audit: NewAudit) -> tuple[Any, ...]:
    score = lines = None
    if audit.scorecard is not None:
        score = quality_score(audit.scorecard)
        lines = orjson.dumps(audit.scorecard, default=dict).decode()
    return (number, str(uuid7()), content_hash(audit), score, lines, *_staged(audit.__dict__))


class Merge:
    """One batch on its way into the audits. The session holds the lock of the programme's stream."""

    def __init__(
        self, session: WriteSession, programme: str, batch_id: UUID | None, rules: Rules, on_conflict: OnConflict
    ) -> None:
        self._session = session
        self._programme = programme
        self._batch_id = batch_id
        self._rules = rules
        self._on_conflict = on_conflict
        self._now = datetime.now(UTC)

    async def run(self, rows: Iterator[Row]) -> list[Result]:
        """The verdicts on all rows, in their order. The next chunk is judged while the database merges the one before."""
        results: list[Result] = []
        merging: asyncio.Task[list[Result]] | None = None
        try:
            async for chunk in chunks(rows, self._rules):
                results += chunk.rejected
                if merging is not None:
                    results += await merging
                await self._stage(chunk)
                merging = asyncio.create_task(self._merge(chunk))
            if merging is not None:
                results += await merging
        except BaseException:
            if merging is not None:  # the connection must be at rest before the transaction is rolled back
                merging.cancel()
                await asyncio.wait([merging])
            raise
        results.sort(key=lambda result: result.row)
        return results

    async def _stage(self, chunk: Chunk) -> None:
        driver = await self._session.driver()
        await driver.execute(_SQL["stage.sql"])
        await driver.copy_records_to_table("audit_stage", records=chunk.records, columns=_COLUMNS)

    async def _merge(self, chunk: Chunk) -> list[Result]:
        driver = await self._session.driver()
        position = await take_positions(self._session, streams, self._programme, 0)
        outcome: str = await driver.execute(
            _SQL["merge.sql"],
            self._programme,
            self._rules.policy_set_version,
            self._rules.error_taxonomy_version,
            self._batch_id,
            position - 1,
            self._session.principal.subject,
            self._now,
        )
        standing: dict[int, asyncpg.Record] = {}
        if outcome != "INSERT 0 0":  # a chunk of repetitions leaves the stream as it is
            await take_positions(self._session, streams, self._programme, len(chunk.records))
        if outcome != f"INSERT 0 {len(chunk.records)}":
            standing = {row["batch_row"]: row for row in await driver.fetch(_SQL["existing.sql"], self._programme)}
        await driver.execute("truncate audit_stage")
        if not standing and not chunk.repeated:
            return [Result(record[0], RowVerdict.CREATED, record[_EXTERNAL_ID], record[1]) for record in chunk.records]
        contradicted = [UUID(found["id"]) for found in standing.values() if not found["same"]]
        recorded = await find_audits(self._session, self._programme, contradicted)
        results: list[Result] = []
        for record, audit in zip(chunk.records, chunk.audits, strict=True):
            number, audit_id = record[:2]
            found = standing.get(number)
            if found is None:
                results.append(Result(number, RowVerdict.CREATED, audit.external_id, audit_id))
            elif found["same"]:
                results.append(Result(number, RowVerdict.DUPLICATE, audit.external_id, found["id"]))
            else:
                results.append(await self._contradiction(number, audit, recorded[UUID(found["id"])]))
        if chunk.repeated:
            results += await self._repeated(chunk, results)
        return results

    async def _repeated(self, chunk: Chunk, merged: list[Result]) -> list[Result]:
        """The verdicts on rows that come after another of the same external id, each against the audit as it stands by then."""
        names = [(audit.vendor, audit.external_id) for audit in chunk.audits]
        ids = {name: UUID(result.audit_id) for name, result in zip(names, merged, strict=True)}
        repeated = {ids[audit.vendor, audit.external_id] for _, audit in chunk.repeated}
        recorded = await find_audits(self._session, self._programme, repeated)
        results: list[Result] = []
        for number, audit in chunk.repeated:
            current = recorded[ids[audit.vendor, audit.external_id]]
            if content_hash(audit) == current.content_hash:
                results.append(Result(number, RowVerdict.DUPLICATE, audit.external_id, str(current.id)))
                continue
            results.append(await self._contradiction(number, audit, current))
            if results[-1].verdict is RowVerdict.REVISED:
                recorded |= await find_audits(self._session, self._programme, [current.id])
        return results

    async def _contradiction(self, number: int, audit: NewAudit, current: AuditRow[Any]) -> Result:
        """What becomes of a row whose external id stands for an audit that was last sent with other content."""
        audit_id = str(current.id)
        differing = [name for name in NewAudit.model_fields if not _same(audit, current._mapping, name)]
        digest = content_hash(audit)
        if not differing or (current.revision > 1 and await was_sent(self._session, current, digest)):
            return Result(number, RowVerdict.DUPLICATE, audit.external_id, audit_id)
        if self._on_conflict == "reject" or current.erased or not _REVISABLE.issuperset(differing):
            errors = [
                RowError(pointer=f"/{name}", code="differs", detail="Another value was recorded before.") for name in differing
            ]
            return Result(number, RowVerdict.CONFLICT, audit.external_id, audit_id, tuple(errors))
        position = await take_positions(self._session, streams, self._programme, 1)
        reason = "Sent again with another judgement" + (f" in batch {self._batch_id}" if self._batch_id else "")
        await revise(self._session, current, audit, reason, position, digest)
        return Result(number, RowVerdict.REVISED, audit.external_id, audit_id)


def _same(sent: AuditFacts, recorded: Any, name: str) -> bool:
    value, stored = getattr(sent, name), recorded[name]
    if name == "scorecard":
        return bool((None if value is None else [dict(line) for line in value]) == stored)
    return bool(list(value) == stored if name == "render_hints" else value == stored)
