"""The journal of a push: what an interrupted run leaves behind so that the next one can go on."""

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self
from uuid import UUID

from pydantic import ValidationError

from tallystick.client.audits import OnConflict
from tallystick.client.files import Chunk
from tallystick.schemas.audit import RowVerdict
from tallystick.schemas.base import Wire, new_id


@dataclass(frozen=True)
class Target:
    """Where a file goes and how it is read there. A push is resumed for the same target only."""

    url: str
    programme: str
    profile: str | None = None
    on_conflict: OnConflict = "reject"
    dry_run: bool = False


class _Head(Wire):
    """The first line of a journal."""

    run: str
    target: Target


class _Entry(Wire):
    """One chunk in a journal."""

    first_row: int
    digest: str
    counts: dict[RowVerdict, int]
    batches: list[UUID]
    rejected_bytes: int


class Journal:
    """A line for the target of a push, then one for every chunk with its verdicts. Removed when all is done."""

    def __init__(self, path: Path, target: Target) -> None:
        self._path = path
        self._target = target
        self._file: IO[bytes] | None = None
        self._size = 0
        self._chunks: dict[tuple[int, str], Counter[RowVerdict]] = {}
        self.run = str(new_id())
        self.last_batch: UUID | None = None
        self.rejected_bytes = 0
        self.resumable = not target.dry_run and path.exists() and self._load(path.read_bytes())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def _load(self, content: bytes) -> bool:
        *lines, torn = content.split(b"\n")
        try:
            head = _Head.model_validate_json(lines.pop(0)) if lines else None
            entries = [_Entry.model_validate_json(line) for line in lines]
        except ValidationError:
            return False
        if head is None or head.target != self._target:
            return False
        self.run, self._size = head.run, len(content) - len(torn)
        for entry in entries:
            self._chunks[entry.first_row, entry.digest] = Counter(entry.counts)
            self.last_batch = entry.batches[-1] if entry.batches else self.last_batch
            self.rejected_bytes = entry.rejected_bytes
        return True

    def begin(self) -> None:
        """Start anew, without what an earlier run recorded."""
        self._chunks.clear()
        self.run, self._size = str(new_id()), 0
        self._path.unlink(missing_ok=True)

    def earlier(self, chunk: Chunk) -> Counter[RowVerdict] | None:
        """What an earlier run recorded for this chunk."""
        return self._chunks.get((chunk.first_row, chunk.digest)) if self._chunks else None

    def record(self, chunk: Chunk, counts: Counter[RowVerdict], batches: list[UUID], rejected_bytes: int) -> None:
        """Note that a chunk has its verdicts; on the disk when this returns."""
        if self._target.dry_run:
            return
        if self._file is None:
            self._file = self._open()
        _write(
            self._file,
            _Entry(
                first_row=chunk.first_row,
                digest=chunk.digest,
                counts=dict(counts),
                batches=batches,
                rejected_bytes=rejected_bytes,
            ),
        )

    def _open(self) -> IO[bytes]:
        file = self._path.open("r+b" if self._size else "wb")
        file.truncate(self._size)
        file.seek(self._size)
        if not self._size:
            _write(file, _Head(run=self.run, target=self._target))
        return file

    def done(self) -> None:
        """The whole file has its verdicts."""
        self._path.unlink(missing_ok=True)


def _write(file: IO[bytes], line: Wire) -> None:
    file.write(line.__pydantic_serializer__.to_json(line) + b"\n")
    file.flush()
    os.fsync(file.fileno())
