"""The file of rows that were not taken."""

import csv
import io
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from tallystick.client.files import REASON_MEMBER, REASONS, Chunk
from tallystick.schemas.appeal import AppealRowResult
from tallystick.schemas.audit import RowResult

Verdict = RowResult | AppealRowResult


class Rejected:
    """The file of rows that were not taken, each as it was, with the reasons. It can be corrected and pushed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        """How many bytes of it are good."""

    def begin(self) -> None:
        """Start anew, without the file of an earlier push."""
        self.size = 0
        self.path.unlink(missing_ok=True)

    def resume(self, size: int) -> bool:
        """Go on after so many bytes, if they are still there; what was written beyond them is written again."""
        self.size = size
        return size == 0 or (self.path.exists() and self.path.stat().st_size >= size)

    def write(self, chunk: Chunk, results: Sequence[Verdict]) -> None:
        """Add rows of a chunk."""
        if not results:
            return
        lines = _rejected_csv(chunk, results) if chunk.head else _rejected_ndjson(chunk, results)
        with self.path.open("r+b" if self.size else "wb") as file:
            file.truncate(self.size)
            file.seek(self.size)
            if chunk.head and not self.size:
                file.write(",".join(REASONS).encode() + b"," + chunk.head)
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
            self.size = file.tell()


def _rejected_csv(chunk: Chunk, results: Sequence[Verdict]) -> Iterator[bytes]:
    for result in results:
        reasons = io.StringIO()
        csv.writer(reasons, lineterminator=",").writerow(
            (
                chunk.first_row + result.row - 1,
                result.verdict,
                "; ".join(error.pointer for error in result.errors),
                "; ".join(error.code for error in result.errors),
                "; ".join(error.detail for error in result.errors),
            )
        )
        yield reasons.getvalue().encode() + chunk.rows[result.row - 1].rstrip(b"\r\n") + b"\n"


def _rejected_ndjson(chunk: Chunk, results: Sequence[Verdict]) -> Iterator[bytes]:
    for result in results:
        reason: dict[str, Any] = {
            "row": chunk.first_row + result.row - 1,
            "verdict": result.verdict,
            "errors": [error.model_dump() for error in result.errors],
        }
        line = chunk.rows[result.row - 1].strip()
        if line.startswith(b"{") and line.endswith(b"}"):
            addition = json.dumps({REASON_MEMBER: reason}).encode()
            yield addition[:-1] + (b", " if line[1:-1].strip() else b"") + line[1:] + b"\n"
        else:
            yield orjson.dumps({REASON_MEMBER: reason | {"line": line.decode(errors="replace")}}) + b"\n"
