"""Pushing a file: split into requests, resumable, with the rows that were not taken written to a file of their own."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import httpx
import zstandard

from tallystick.client.client import Tallystick
from tallystick.client.errors import ProblemError, UnexpectedAnswerError
from tallystick.client.files import Chunk, RowFile
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
    progress = Progress()
    window: deque[_Sent] = deque()
    parallel = 1 if target.on_conflict == "revise" else parallel
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

        async def settle() -> None:
            sent = window[0]
            answer = await sent.answer
            window.popleft()
            rejected.write(sent.chunk, [result for result in answer.results if result.verdict in _NOT_TAKEN])
            counts = Counter(result.verdict for result in answer.results)
            journal.record(sent.chunk, counts, answer.batches, rejected.size)
            progress.counts += counts
            progress.batches += answer.batches
            progress.bytes_read = sent.bytes_read
            on_progress(progress)

        chunks = file.chunks(rows_per_request)
        try:
            while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
                earlier = journal.earlier(chunk)
                if earlier is not None:
                    progress.counts += earlier
                    progress.resumed += earlier.total()
                    progress.bytes_read = file.position
                    on_progress(progress)
                    continue
                while len(window) >= parallel:
                    await settle()
                answer = asyncio.create_task(_send(tallystick, file, target, chunk, journal.run, compress=compress))
                window.append(_Sent(chunk, file.position, answer))
            while window:
                await settle()
        finally:
            for sent in window:
                sent.answer.cancel()
            await asyncio.gather(*(sent.answer for sent in window), return_exceptions=True)
        journal.done()
        progress.rejected_file = rejected.path if rejected.size else None
    progress.bytes_read = file.size
    on_progress(progress)
    return progress


async def _send(tallystick: Tallystick, file: RowFile, target: Target, chunk: Chunk, run: str, *, compress: bool) -> _Answer:
    """Push the rows of one chunk; if the body is too large, by halves."""
    body = await asyncio.to_thread(_packed, chunk.body) if compress else chunk.body
    try:
        result = await tallystick.audits.push(
            target.programme,
            body,
            media_type=file.media_type,
            encoding="zstd" if compress else None,
            profile=target.profile,
            on_conflict=target.on_conflict,
            dry_run=target.dry_run,
            key=f"{run}:{chunk.first_row}:{chunk.digest}",
        )
    except ProblemError as error:
        if error.problem.status != httpx.codes.REQUEST_ENTITY_TOO_LARGE:
            raise
        if len(chunk.rows) == 1:
            return _Answer([], [_rejection(error)])
        first, second = chunk.halves()
        before = await _send(tallystick, file, target, first, run, compress=compress)
        after = await _send(tallystick, file, target, second, run, compress=compress)
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
