"""Merging the rows of a batch: each becomes an audit, or is told what stands in its way. The whole batch is one transaction."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.resources import files
from itertools import islice
from typing import Any, Literal
from uuid import UUID

import asyncpg
import orjson

from audit_api.audits.judging import Rules, content_hash, quality_score
from audit_api.audits.records import find_audit, revise
from audit_api.batches.reading import Row
from audit_api.metadata import streams
from tallystick.schemas.audit import AuditFacts, Judgement, NewAudit, RowError, RowVerdict
from tallystick.schemas.base import new_id
from tallystick.service.database import WriteSession
from tallystick.service.feed import take_positions

CHUNK = 5000
_SQL = {path.name: path.read_text() for path in files(__package__).iterdir() if path.name.endswith(".sql")}
_STAGED = (
    "vendor", "external_id", "content_ref", "site", "queue", "market", "language", "moderator", "decided_at", "action", "policy",
    "automated_detection", "automated_decision", "render_hints", "auditor", "audit_party", "claimed_at", "audited_at",
    "handling_time_s", "stratum", "inclusion_probability", "benchmark_action", "benchmark_policy", "verdict", "error_class",
    "error_code", "severity", "attributable_to", "scorecard", "comment",
)  # fmt: skip
_COLUMNS = ("batch_row", "id", "content_hash", "quality_score", *_STAGED)
_REVISABLE = frozenset(Judgement.model_fields)

OnConflict = Literal["reject", "revise"]


@dataclass(slots=True)
class Result:
    """The verdict on one row: what `RowResult` says on the wire, in a form that a hundred thousand of cost little."""

    row: int
    verdict: RowVerdict
    external_id: str | None
    audit_id: UUID | None
    errors: tuple[RowError, ...] = ()


@dataclass(slots=True)
class Candidate:
    """A row that may become an audit."""

    row: Row
    audit: NewAudit
    id: UUID
    hash: bytes


@dataclass(slots=True)
class Chunk:
    """Some rows of a batch, each external id at most once, and those that already have their verdict."""

    candidates: list[Candidate] = field(default_factory=list)
    records: list[tuple[Any, ...]] = field(default_factory=list)
    rejected: list[Result] = field(default_factory=list)


def chunks(rows: Iterator[Row], rules: Rules) -> Iterator[Chunk]:
    """Judge the rows and cut them into chunks. A row whose external id the chunk has already waits for the next one."""
    waiting: list[Candidate] = []
    while True:
        chunk = Chunk()
        taken: set[tuple[str, str]] = set()
        postponed: list[Candidate] = []
        fresh = [judged for row in islice(rows, CHUNK - min(len(waiting), CHUNK - 1)) for judged in [_judge(row, rules)]]
        for judged in (*waiting, *fresh):
            if isinstance(judged, Result):
                chunk.rejected.append(judged)
                continue
            key = (judged.audit.vendor, judged.audit.external_id)
            if key in taken:
                postponed.append(judged)
            else:
                taken.add(key)
                chunk.candidates.append(judged)
                chunk.records.append(_record(judged))
        if not chunk.candidates and not chunk.rejected:
            return
        yield chunk
        waiting = postponed


def _judge(row: Row, rules: Rules) -> Candidate | Result:
    errors = row.errors if row.audit is None else rules.check(row.audit)
    if row.audit is None or errors:
        return Result(row.number, RowVerdict.REJECTED, row.external_id, None, errors)
    return Candidate(row, row.audit, new_id(), content_hash(row.audit))


def _record(candidate: Candidate) -> tuple[Any, ...]:
    audit = candidate.audit
    values = audit.__dict__
    scorecard = audit.scorecard
    return (
        candidate.row.number,
        candidate.id,
        candidate.hash,
        None if scorecard is None else quality_score(scorecard),
        *[values[name] for name in _STAGED[:-2]],
        None if scorecard is None else orjson.dumps(scorecard, default=dict).decode(),
        audit.comment,
    )


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
        cut = chunks(rows, self._rules)
        following = asyncio.create_task(asyncio.to_thread(next, cut, None))
        try:
            while (chunk := await following) is not None:
                following = asyncio.create_task(asyncio.to_thread(next, cut, None))
                results += chunk.rejected
                results += await self._merge(chunk)
        finally:
            following.cancel()
        results.sort(key=lambda result: result.row)
        return results

    async def _merge(self, chunk: Chunk) -> list[Result]:
        if not chunk.candidates:
            return []
        position = await take_positions(self._session, streams, self._programme, len(chunk.candidates))
        driver = await self._session.driver()
        await driver.execute(_SQL["stage.sql"])
        await driver.copy_records_to_table("audit_stage", records=chunk.records, columns=_COLUMNS)
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
        if outcome != f"INSERT 0 {len(chunk.candidates)}":
            standing = {row["batch_row"]: row for row in await driver.fetch(_SQL["existing.sql"], self._programme)}
        await driver.execute("truncate audit_stage")
        return [await self._verdict(each, standing.get(each.row.number)) for each in chunk.candidates]

    async def _verdict(self, candidate: Candidate, standing: asyncpg.Record | None) -> Result:
        if standing is None:
            return _result(candidate, RowVerdict.CREATED, candidate.id)
        if standing["same"]:
            return _result(candidate, RowVerdict.DUPLICATE, standing["id"])
        current = await find_audit(self._session, self._programme, standing["id"])
        differing = [name for name in NewAudit.model_fields if not _same(candidate.audit, current._mapping, name)]
        if self._on_conflict == "reject" or current.erased or not _REVISABLE.issuperset(differing):
            errors = [
                RowError(pointer=f"/{name}", code="differs", detail="Another value was recorded before.") for name in differing
            ]
            return _result(candidate, RowVerdict.CONFLICT, current.id, errors)
        position = await take_positions(self._session, streams, self._programme, 1)
        reason = "Sent again with another judgement" + (f" in batch {self._batch_id}" if self._batch_id else "")
        await revise(self._session, current, candidate.audit, reason, position, candidate.hash)
        return _result(candidate, RowVerdict.REVISED, current.id)


def _result(candidate: Candidate, verdict: RowVerdict, audit_id: UUID, errors: Sequence[RowError] = ()) -> Result:
    return Result(candidate.row.number, verdict, candidate.audit.external_id, audit_id, tuple(errors))


def _same(sent: AuditFacts, recorded: Any, name: str) -> bool:
    value, stored = getattr(sent, name), recorded[name]
    if name == "scorecard":
        return orjson.dumps(value, default=dict) == orjson.dumps(stored and [dict(line) for line in stored])
    return bool(list(value) == stored if name == "render_hints" else value == stored)
