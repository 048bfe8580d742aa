"""Pushing a file: split into requests, resumable, with the rows that were not taken written to a file of their own."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import httpx
import zstandard

from tallystick.client.client import Tallystick
from tallystick.client.errors import ProblemError, UnexpectedAnswerError
from tallystick.client.files import Chunk, RowFile, UnreadableFileError
from tallystick.client.journal import Journal, Target
from tallystick.client.rejected import Rejected
from tallystick.schemas.audit import RowError, RowResult, RowVerdict

ROWS_PER_REQUEST = 10_000
_NOT_TAKEN = frozenset({RowVerdict.REJECTED, RowVerdict.CONFLICT})
_COMPRESSION_LEVEL = 3


@dataclass
class Progress:
    """How far a push is."""

    counts: Counter[RowVerdict] = field(default_factory=Counter)
    """Rows by verdict, those of an earlier run that is being resumed included."""
    resumed: int = 0
    """Rows that an earlier run had already pushed."""
    batches: list[UUID] = field(default_factory=list)
    bytes_read: int = 0
    rejected_file: Path | None = None
    """Where the rows are that were not taken, if there are any."""

    @property
    def rows(self) -> int:
        """How many rows have got their verdict."""
        return self.counts.total()

    @property
    def not_taken(self) -> int:
        """How many rows were rejected or in conflict: those in the file of rejected rows."""
        return sum(self.counts[verdict] for verdict in _NOT_TAKEN)


@dataclass(frozen=True)
class _Answer:
    """What became of a chunk, in however many requests."""

    batches: list[UUID]
    results: list[RowResult]


@dataclass(frozen=True)
class _Sent:
    """A chunk on its way, and how much of the file had been read with it."""

    chunk: Chunk
    bytes_read: int
    answer: asyncio.Task[_Answer]


async def push_file(
    tallystick: Tallystick,
    path: Path,
    target: Target,
    *,
    directory: Path,
    rows_per_request: int = ROWS_PER_REQUEST,
    parallel: int = 1,
    compress: bool = True,
    resume: bool = True,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Progress:
    """Push a file of rows and answer what became of them.

    Args:
        tallystick: the client; its patience decides how long an outage is waited out.
        path: a CSV, NDJSON or JSON file, plain or packed.
        target: programme, profile and what to do on conflict.
        directory: where to keep `NAME.push-state` while the push is under way, and to leave `NAME.rejected.csv` or
            `NAME.rejected.ndjson` if rows were not taken.
        rows_per_request: at most so many rows go in one request.
        parallel: how many requests may be under way at a time. Revisions are always pushed in order, one by one.
        compress: pack the requests with zstd.
        resume: go on where an earlier, interrupted push of the same file to the same target stopped.
        on_progress: told after every request.

    Raises:
        UnreadableFileError: the file is not what its name says.
        ProblemError: the service refused a whole request.
        UnreachableError: the service did not come back in time.
    """
    with RowFile(path) as file, Journal(directory / f"{path.name}.push-state", target) as journal:
        suffix = "csv" if file.format == "csv" else "ndjson"
        rejected = Rejected(directory / f"{path.name}.rejected.{suffix}")
        if not (
            resume
            and journal.resumable
            and rejected.resume(journal.rejected_bytes)
            and await _still_known(tallystick, target, journal.last_batch)
        ):
            journal.begin()
            rejected.begin()
        push = _Push(tallystick, file, target, journal, rejected, on_progress, compress=compress)
        try:
            await push.run(rows_per_request, 1 if target.on_conflict == "revise" else parallel)
        finally:
            await push.abandon()
        journal.done()
    push.progress.bytes_read = file.size
    push.progress.rejected_file = rejected.path if rejected.size else None
    on_progress(push.progress)
    return push.progress


class _Push:
    """One file on its way. Requests may be under way side by side; their answers are taken down in the file's order."""

    def __init__(
        self,
        tallystick: Tallystick,
        file: RowFile,
        target: Target,
        journal: Journal,
        rejected: Rejected,
        on_progress: Callable[[Progress], None],
        *,
        compress: bool,
    ) -> None:
        self._tallystick = tallystick
        self._file = file
        self._target = target
        self._journal = journal
        self._rejected = rejected
        self._on_progress = on_progress
        self._compress = compress
        self._under_way: deque[_Sent] = deque()
        self.progress = Progress()

    async def run(self, rows_per_request: int, parallel: int) -> None:
        """Push the file. While requests are under way the next one is being prepared."""
        chunks = self._file.chunks(rows_per_request)
        while (chunk := await self._next(chunks)) is not None:
            earlier = self._journal.earlier(chunk)
            if earlier is not None:
                self.progress.counts += earlier
                self.progress.resumed += earlier.total()
                self.progress.bytes_read = self._file.position
                self._on_progress(self.progress)
                continue
            while len(self._under_way) >= parallel:
                await self._settle()
            self._under_way.append(_Sent(chunk, self._file.position, asyncio.create_task(self._send(chunk))))
        while self._under_way:
            await self._settle()

    async def abandon(self) -> None:
        """Leave requests that are still under way to themselves: what became of them, the next run will see."""
        tasks = [sent.answer for sent in self._under_way]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _next(self, chunks: Iterator[Chunk]) -> Chunk | None:
        try:
            return await asyncio.to_thread(next, chunks, None)
        except UnreadableFileError:
            while self._under_way:
                await self._settle()
            raise

    async def _settle(self) -> None:
        """Wait for the oldest request, and note its verdicts."""
        sent = self._under_way[0]
        answer = await sent.answer
        self._under_way.popleft()
        self._rejected.write(sent.chunk, [result for result in answer.results if result.verdict in _NOT_TAKEN])
        counts = Counter(result.verdict for result in answer.results)
        self._journal.record(sent.chunk, counts, answer.batches, self._rejected.size)
        self.progress.counts += counts
        self.progress.batches += answer.batches
        self.progress.bytes_read = sent.bytes_read
        self._on_progress(self.progress)

    async def _send(self, chunk: Chunk) -> _Answer:
        """Push the rows of one chunk; if the body is too large, by halves."""
        body = await asyncio.to_thread(_packed, chunk.body) if self._compress else chunk.body
        try:
            result = await self._tallystick.audits.push(
                self._target.programme,
                body,
                media_type=self._file.media_type,
                encoding="zstd" if self._compress else None,
                profile=self._target.profile,
                on_conflict=self._target.on_conflict,
                dry_run=self._target.dry_run,
                key=f"{self._journal.run}:{chunk.first_row}:{chunk.digest}",
            )
        except ProblemError as error:
            if error.problem.status != httpx.codes.REQUEST_ENTITY_TOO_LARGE:
                raise
            if len(chunk.rows) == 1:
                return _Answer([], [_rejection(error)])
            first, second = chunk.halves()
            before, after = await self._send(first), await self._send(second)
            moved = [row.model_copy(update={"row": row.row + len(first.rows)}) for row in after.results]
            return _Answer(before.batches + after.batches, before.results + moved)
        if len(result.results) != len(chunk.rows):
            raise UnexpectedAnswerError(
                f"{len(chunk.rows)} rows from row {chunk.first_row} on were sent, {len(result.results)} got a verdict."
            )
        return _Answer([result.id], list(result.results))


def _packed(body: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=_COMPRESSION_LEVEL).compress(body)


def _rejection(error: ProblemError) -> RowResult:
    reason = RowError(pointer="", code=error.slug, detail=error.problem.detail)
    return RowResult(row=1, verdict=RowVerdict.REJECTED, external_id=None, audit_id=None, errors=(reason,))


async def _still_known(tallystick: Tallystick, target: Target, batch: UUID | None) -> bool:
    """Whether the service still holds what was pushed last; not so if it has been set up anew since."""
    if batch is None:
        return True
    try:
        await tallystick.batches.read(target.programme, batch)
    except ProblemError as error:
        if error.problem.status != httpx.codes.NOT_FOUND:
            raise
        return False
    return True
