"""Merging the rows of a batch: each becomes an audit, or is told what stands in its way. The whole batch is one transaction."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.resources import files
from itertools import islice
from operator import attrgetter
from typing import Any, Literal
from uuid import UUID

import asyncpg
from sqlalchemy import Row as AuditRow

from audit_api.audits.judging import Rules, content, content_hash
from audit_api.audits.records import find_audits, hidden_auditors, kept_back, revise, was_sent
from audit_api.batches.reading import Row
from audit_api.batches.results import Result
from audit_api.batches.staging import Record, audit_of, lines, open_stage, record, stage
from audit_api.calibration import golden
from audit_api.metadata import streams
from tallystick.schemas.audit import AuditFacts, Judgement, NewAudit, RowError, RowVerdict
from tallystick.service.database import ReadSession, WriteSession
from tallystick.service.feed import take_positions
from tallystick.service.turns import Turn

CHUNK = 5000
_FIRST_CHUNK = 625  # rows: until they are judged, the database has nothing to do
_SQL = {path.name: path.read_text() for path in files(__package__).iterdir() if path.name.endswith(".sql")}
_REVISABLE = frozenset(Judgement.model_fields)

OnConflict = Literal["reject", "revise"]


@dataclass(slots=True)
class Chunk:
    """Some rows of a batch: those to be merged, each external id once, those that come after one of these, and those rejected."""

    records: list[Record] = field(default_factory=list)
    repeated: list[tuple[int, NewAudit]] = field(default_factory=list)
    rejected: list[Result] = field(default_factory=list)
    staged: bytes = b""
    """The `lines` of the records, where they were made in advance."""


@dataclass(slots=True)
class Merged:
    """What became of the rows of a chunk: the records that are audits now, and the verdicts on the others."""

    created: Sequence[Record] = ()
    others: list[Result] = field(default_factory=list)

    def results(self) -> list[Result]:
        """The verdicts on all."""
        return [Result(new.number, RowVerdict.CREATED, new.name[0], new.id) for new in self.created] + self.others


async def chunks(rows: Iterator[Row[NewAudit]], rules: Rules) -> AsyncIterator[Chunk]:
    """Judge the rows and cut them into chunks, letting other requests have their turn in between."""
    size, turn = _FIRST_CHUNK, Turn()
    while True:
        chunk = Chunk()
        taken: set[tuple[str, str]] = set()
        for row in islice(rows, size):
            if turn.is_over:
                await turn.pass_on()
            values = row.values
            if values is None:
                audit = row.content
                errors = row.errors if audit is None else rules.check(audit)
                if audit is None or errors:
                    chunk.rejected.append(Result(row.number, RowVerdict.REJECTED, row.external_id, None, errors))
                    continue
                values = content(audit)
            name = values[:2]
            if name in taken:
                chunk.repeated.append((row.number, audit_of(values)))
                continue
            taken.add(name)
            chunk.records.append(record(row.number, name, values))
        if not chunk.records and not chunk.rejected:
            return
        yield chunk
        size = min(2 * size, CHUNK)


async def find_standing(
    session: ReadSession, programme: str, numbers: Sequence[int], names: Sequence[tuple[str, str]], hashes: Sequence[bytes | None]
) -> list[asyncpg.Record]:
    """The audits that stand for some rows already: row, external id, audit, and whether that has the content of this hash."""
    external_ids, vendors = zip(*names, strict=True)
    driver = await session.driver()
    return list(await driver.fetch(_SQL["existing.sql"], programme, numbers, vendors, external_ids, hashes))


class Merge:
    """One batch on its way into the audits. The session holds the lock of the programme's stream."""

    def __init__(
        self, session: WriteSession, programme: str, batch_id: UUID | None, rules: Rules, on_conflict: OnConflict, now: datetime
    ) -> None:
        self._session = session
        self._programme = programme
        self._batch_id = batch_id
        self._rules = rules
        self._on_conflict = on_conflict
        self._now = now
        self._repeating = False
        self._golden = False

    async def run(self, rows: Iterator[Row[NewAudit]], tell: Callable[[list[Result]], None]) -> None:
        """Merge all rows, and tell the verdicts on them, those of some rows after those of all before.

        While the database merges a chunk, the verdicts on the one before are told and the next is judged.
        """
        self._golden = await golden.are_hidden(self._session, self._programme)
        merging: asyncio.Task[Merged] | None = None
        await open_stage(await self._session.driver())
        try:
            async for chunk in chunks(rows, self._rules):
                if not self._repeating:
                    chunk.staged = lines(chunk.records)
                merged = await merging if merging is not None else Merged()
                merging = asyncio.create_task(self._merge(chunk))
                await asyncio.sleep(0)  # it has begun
                tell(merged.results())
                del merged  # its records give their room to the next ones
            if merging is not None:
                tell((await merging).results())
        except BaseException:
            if merging is not None:  # the connection must be at rest before the transaction is rolled back
                merging.cancel()
                await asyncio.wait([merging])
            raise

    async def _merge(self, chunk: Chunk) -> Merged:
        created, standing = await self._take_over(chunk)
        merged = Merged(created)
        merged.others += [Result(number, RowVerdict.DUPLICATE, name, found) for number, name, found, same in standing if same]
        contradicted = {number: UUID(found) for number, _, found, same in standing if not same}
        if contradicted:
            recorded = await find_audits(self._session, self._programme, contradicted.values())
            for sent in chunk.records:
                if (found := contradicted.get(sent.number)) is not None:
                    merged.others.append(await self._contradiction(sent.number, sent.audit, recorded[found]))
        if chunk.repeated:
            merged.others += await self._repeated(chunk, sorted(merged.results(), key=attrgetter("row")))
        merged.others += chunk.rejected
        return merged

    async def _take_over(self, chunk: Chunk) -> tuple[list[Record], list[asyncpg.Record]]:
        """Make audits of the new ones among the records; answers these and, for the others, row, external id, audit, same.

        Rows are mostly new, or mostly sent before. So they are taken for new until one is not; then they are looked up first,
        until a whole chunk is new again. A chunk of rejected rows alone has nothing to take over.
        """
        records = chunk.records
        if not records:
            return [], []
        driver = await self._session.driver()
        if not self._repeating:
            await driver.execute("savepoint unknown")
            try:
                await self._insert(records, chunk.staged or lines(records))
            except asyncpg.UniqueViolationError:
                await driver.execute("rollback to savepoint unknown; release savepoint unknown")
            else:
                await driver.execute("truncate audit_stage; release savepoint unknown")
                return records, []
        names, hashes = [each.name for each in records], [each.content_hash for each in records]
        standing = await find_standing(self._session, self._programme, [each.number for each in records], names, hashes)
        known = {number for number, *_ in standing}
        unknown = [each for each in records if each.number not in known]
        if unknown:  # a chunk of repetitions leaves the stream as it is
            await self._insert(unknown, lines(unknown))
            await driver.execute("truncate audit_stage")
        self._repeating = bool(standing)
        return unknown, standing

    async def _insert(self, records: list[Record], staged: bytes) -> None:
        """Record audits, on the next positions, one for each row from the first to the last of them, so that none is counted.

        Where there are golden items, with as many more for what may come of them. The caller empties the stage.
        """
        driver = await self._session.driver()
        await stage(driver, staged)
        first, rows = records[0].number, records[-1].number - records[0].number + 1
        position = await take_positions(self._session, streams, self._programme, 2 * rows if self._golden else rows)
        await driver.execute(
            _SQL["merge.sql"],
            self._programme,
            self._rules.policy_set_version,
            self._rules.error_taxonomy_version,
            self._batch_id,
            position - first,
            self._session.principal.subject,
            self._now,
        )
        if self._golden:
            await golden.record_results(self._session, self._programme, rows)

    async def _repeated(self, chunk: Chunk, merged: list[Result]) -> list[Result]:
        """The verdicts on rows that come after another of the same external id, each against the audit as it stands by then."""
        ids = {sent.name: UUID(result.audit_id) for sent, result in zip(chunk.records, merged, strict=True)}
        repeated = {ids[audit.external_id, audit.vendor] for _, audit in chunk.repeated}
        recorded = await find_audits(self._session, self._programme, repeated)
        results: list[Result] = []
        for number, audit in chunk.repeated:
            current = recorded[ids[audit.external_id, audit.vendor]]
            if content_hash(content(audit)) == current.content_hash:
                results.append(Result(number, RowVerdict.DUPLICATE, audit.external_id, str(current.id)))
                continue
            results.append(await self._contradiction(number, audit, current))
            if results[-1].verdict is RowVerdict.REVISED:
                recorded |= await find_audits(self._session, self._programme, [current.id])
        return results

    async def _contradiction(self, number: int, audit: NewAudit, current: AuditRow[Any]) -> Result:
        """What becomes of a row whose external id stands for an audit that was last sent with other content."""
        audit_id = str(current.id)
        hidden = kept_back(self._session.principal)
        if await hidden_auditors(self._session, self._programme, [current.id]):
            hidden += ("auditor",)
        if hidden:  # what must not be known must not be guessed either
            audit = audit.model_copy(update={name: current._mapping[name] for name in hidden})
        differing = [name for name in NewAudit.model_fields if not _same(audit, current._mapping, name)]
        digest = content_hash(content(audit))
        sent = digest == current.content_hash or (current.revision > 1 and await was_sent(self._session, current, digest))
        if sent or not differing:
            return Result(number, RowVerdict.DUPLICATE, audit.external_id, audit_id)
        if self._on_conflict == "reject" or current.erased or not _REVISABLE.issuperset(differing):
            errors = [
                RowError(pointer=f"/{name}", code="differs", detail="Another value was recorded before.") for name in differing
            ]
            return Result(number, RowVerdict.CONFLICT, audit.external_id, audit_id, tuple(errors))
        position = await take_positions(self._session, streams, self._programme, 1)
        reason = "Sent again with another judgement" + (f" in batch {self._batch_id}" if self._batch_id else "")
        await revise(self._session, current, audit, reason, position, self._now, content_hash=digest)
        return Result(number, RowVerdict.REVISED, audit.external_id, audit_id)


def _same(sent: AuditFacts, recorded: Any, name: str) -> bool:
    value, stored = getattr(sent, name), recorded[name]
    if name == "scorecard":
        return bool((None if value is None else [dict(line) for line in value]) == stored)
    return bool(list(value) == stored if name == "render_hints" else value == stored)
