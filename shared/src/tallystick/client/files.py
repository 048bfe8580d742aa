"""Files of rows, split into requests without ever being loaded whole.

CSV, NDJSON and JSON arrays, plain or packed as gzip or zstd. Rows pass through byte for byte: what they mean is for the
service to say. A JSON array travels as NDJSON, so that one bad row cannot spoil a request.
"""

import codecs
import gzip
import hashlib
import io
import json
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import zstandard

from tallystick.client.audits import MediaType
from tallystick.client.errors import TallystickError

Format = Literal["csv", "ndjson", "json"]

REASONS = ("tallystick_row", "tallystick_verdict", "tallystick_pointer", "tallystick_code", "tallystick_detail")
"""The columns that a file of rejected rows has before those of the rows themselves."""
REASON_MEMBER = "tallystick_rejected"
"""The member of a rejected NDJSON row that says why."""

MAX_ROW_BYTES = 1_000_000
MAX_QUOTED_BYTES = 100_000
MAX_REQUEST_BYTES = 16_000_000
_BLOCK = 1 << 18
_Stream = io.BufferedReader | gzip.GzipFile
_BOM = b"\xef\xbb\xbf"
_FORMATS: dict[str, Format] = {".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson", ".json": "json"}
_REASON_HEAD = ",".join(REASONS).encode() + b","

_ENDS_INSIDE_QUOTES = re.compile(rb'(?:(?:"(?:[^"]++|"")*+"|[^",][^,]*+|),)*+"(?:[^"]++|"")*+')
"""A line after which a CSV record goes on. Anything but a comma after a closing quote ends the record with its line."""
_REASON_FIELDS = re.compile(rb'\A(?:(?:"(?:[^"]++|"")*+"|[^",]*+),){%d}' % len(REASONS))


class UnreadableFileError(TallystickError):
    """A file is not what its name says, or ends too early."""


@dataclass(frozen=True)
class Chunk:
    """The rows of one request. `first_row` counts the file's data rows from 1."""

    first_row: int
    head: bytes
    rows: tuple[bytes, ...]

    @cached_property
    def body(self) -> bytes:
        """What is sent: the rows under the file's header, if it has one."""
        return self.head + b"".join(self.rows)

    @cached_property
    def digest(self) -> str:
        """A fingerprint of the body."""
        return hashlib.sha256(self.body).hexdigest()

    def halves(self) -> "tuple[Chunk, Chunk]":
        """The same rows as two requests."""
        middle = len(self.rows) // 2
        return (
            replace(self, rows=self.rows[:middle]),
            replace(self, first_row=self.first_row + middle, rows=self.rows[middle:]),
        )


class RowFile:
    """A file of rows, open for one pass.

    Raises:
        UnreadableFileError: its name ends in none of the known ways, or its content is something else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.format = file_format(path)
        self.media_type: MediaType = "text/csv" if self.format == "csv" else "application/x-ndjson"
        self._raw = path.open("rb")
        self.size = path.stat().st_size
        self._stream = _unpacked(path, self._raw)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stream.close()
        self._raw.close()

    @property
    def position(self) -> int:
        """How many bytes of the file have been read so far, as it lies on the disk."""
        return self.size if self._raw.closed else self._raw.tell()

    def chunks(self, rows_per_request: int) -> Iterator[Chunk]:
        """The whole file in requests of at most so many rows, and of at most 16 MB."""
        try:
            yield from self._chunks(rows_per_request)
        except (EOFError, gzip.BadGzipFile, zlib.error, zstandard.ZstdError) as error:
            raise UnreadableFileError(f"{self.path} cannot be unpacked: {error}") from error

    def _chunks(self, rows_per_request: int) -> Iterator[Chunk]:
        head, records = self._records()
        first, size, rows = 1, len(head), list[bytes]()
        for record in records:
            if rows and (len(rows) == rows_per_request or size + len(record) > MAX_REQUEST_BYTES):
                yield Chunk(first, head, tuple(rows))
                first, size, rows = first + len(rows), len(head), []
            rows.append(record)
            size += len(record)
        if rows:
            yield Chunk(first, head, tuple(rows))

    def _records(self) -> tuple[bytes, Iterator[bytes]]:
        if self.format == "csv":
            records = _csv_records(self._lines(lambda block: block.splitlines(keepends=True)))
            return _csv_head(self.path, records)
        lines = (
            _JsonArray(self._stream, self.path).elements()
            if self.format == "json"
            else self._lines(lambda block: block.split(b"\n"))
        )
        return b"", (_without_reasons(line) for line in map(bytes.strip, lines) if line)

    def _lines(self, split: Callable[[bytes], list[bytes]]) -> Iterator[bytes]:
        rest, number = self._stream.read(len(_BOM)).removeprefix(_BOM), 0
        if rest.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise UnreadableFileError(f"{self.path} is UTF-16. Save it as UTF-8.")
        while block := self._stream.read(_BLOCK):
            *lines, rest = split(rest + block)
            yield from lines
            number += len(lines)
            if len(rest) > MAX_ROW_BYTES:
                raise UnreadableFileError(f"{self.path} has no line end within {MAX_ROW_BYTES:,} bytes after line {number}.")
        yield from split(rest)


def source_name(path: Path) -> str:
    """What the decisions in a file are sent as, where nothing else is said: its name without endings."""
    return path.name.partition(".")[0]


def file_format(path: Path) -> Format:
    """What a file holds, by its name without `.gz` or `.zst`."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in {".gz", ".zst"}:
        suffixes.pop()
    try:
        return _FORMATS[suffixes[-1]]
    except (IndexError, KeyError):
        known = ", ".join(_FORMATS)
        raise UnreadableFileError(f"{path}: the name must end in one of {known}, and may add .gz or .zst.") from None


def _unpacked(path: Path, raw: io.BufferedReader) -> _Stream:
    match path.suffix.lower():
        case ".gz":
            return gzip.open(raw)
        case ".zst":
            return io.BufferedReader(_Zstd(raw), _BLOCK)
        case _:
            return raw


class _Zstd(io.RawIOBase):
    """Zstandard frames one after the other. Unlike the library's own reader it notices that a file is torn."""

    def __init__(self, raw: io.BufferedReader) -> None:
        self._raw = raw
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._packed = self._plain = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override] # BufferedReader hands a memoryview
        while not self._plain:
            self._packed = self._packed or self._raw.read(_BLOCK // 8)
            if not self._packed:
                if self._frame is not None:
                    raise EOFError("it ends in the middle of a frame")
                return 0
            self._frame = self._frame or zstandard.ZstdDecompressor().decompressobj()
            self._plain, self._packed = self._frame.decompress(self._packed), b""
            if self._frame.eof:
                self._packed, self._frame = self._frame.unused_data, None
        taken = self._plain[: len(buffer)]
        buffer[: len(taken)] = taken
        self._plain = self._plain[len(taken) :]
        return len(taken)


def _csv_records(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Lines joined into records: a quoted field may run over several. Empty lines, which mean nothing, are left out."""
    parts: list[bytes] = []
    size = 0
    for number, line in enumerate(lines, 1):
        if parts:
            parts.append(line)
            size += len(line)
            if b'"' in line and not _ENDS_INSIDE_QUOTES.fullmatch(b'"' + line):
                yield b"".join(parts)
                parts = []
            elif size > MAX_QUOTED_BYTES:
                begin = number - len(parts) + 1
                raise UnreadableFileError(f"In line {begin} a quote opens that does not close within {size:,} bytes.")
        elif b'"' in line and _ENDS_INSIDE_QUOTES.fullmatch(line):
            parts, size = [line], len(line)
        elif line.rstrip(b"\r\n"):
            yield line
    if parts:
        yield b"".join(parts)


def _csv_head(path: Path, records: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The header and the records below it, without the columns of reasons that a file of rejected rows begins with."""
    head = next(records, b"")
    if not head:
        raise UnreadableFileError(f"{path} is empty: its first line should name the columns.")
    head = head.rstrip(b"\r\n") + b"\n"
    if head.startswith(_REASON_HEAD):
        return head.removeprefix(_REASON_HEAD), (_REASON_FIELDS.sub(b"", record, 1) for record in records)
    return head, records


def _without_reasons(line: bytes) -> bytes:
    """A row of NDJSON with its line end, without the member that says why it was rejected once."""
    if REASON_MEMBER.encode() in line:
        try:
            row = json.loads(line)
        except ValueError:
            return line + b"\n"
        if isinstance(row, dict):
            row.pop(REASON_MEMBER, None)
            line = json.dumps(row).encode()
    return line + b"\n"


class _JsonArray:
    """The elements of a JSON array, read piece by piece."""

    def __init__(self, stream: _Stream, path: Path) -> None:
        self._stream = stream
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._path = path
        self._decoder = json.JSONDecoder()
        self._buffer = ""
        self._at = 0

    def elements(self) -> Iterator[bytes]:
        """Each element on a line of its own, and otherwise as it was written."""
        try:
            if self._next() != "[":
                raise UnreadableFileError(f"{self._path} does not begin a JSON array. A file of lines is named .ndjson.")
            self._at += 1
            more = self._next() != "]"
            number = 0
            while more:
                number += 1
                yield self._element(number).replace("\n", " ").replace("\r", " ").encode()
                separator = self._next()
                if separator not in {",", "]"}:
                    raise UnreadableFileError(f"{self._path}: no comma and no end of the array after element {number}.")
                self._at += 1
                more = separator == ","
                following = self._next()
                if following and not more:
                    raise UnreadableFileError(f"{self._path}: something follows the end of the array.")
        except UnicodeDecodeError as error:
            raise UnreadableFileError(f"{self._path} is not UTF-8: {error.reason}.") from error

    def _next(self) -> str:
        """The next character that is no space, left unread; empty at the end of the file."""
        while True:
            while self._at < len(self._buffer):
                if self._buffer[self._at] not in " \t\r\n":
                    return self._buffer[self._at]
                self._at += 1
            self._buffer, self._at = self._read(), 0
            if not self._buffer:
                return ""

    def _read(self) -> str:
        """More text; empty at the end of the file."""
        text = ""
        while not text and (block := self._stream.read(_BLOCK)):
            text = self._decode(block)
        return text or self._decode(b"", final=True)

    def _element(self, number: int) -> str:
        while True:
            problem = "it does not end"
            try:
                _, end = self._decoder.raw_decode(self._buffer, self._at)
            except json.JSONDecodeError as error:
                problem = error.msg
            except RecursionError:
                raise UnreadableFileError(f"{self._path}: element {number} is nested too deeply.") from None
            else:
                if end < len(self._buffer) or self._buffer[end - 1] in '}]"':  # a number may go on
                    element = self._buffer[self._at : end]
                    self._at = end
                    return element
            more = "" if len(self._buffer) - self._at > MAX_ROW_BYTES else self._read()
            if not more:
                raise UnreadableFileError(f"{self._path}: element {number} cannot be read: {problem}.")
            self._buffer, self._at = self._buffer[self._at :] + more, 0
