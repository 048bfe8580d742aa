"""Decisions: sent in batches that go on where their source stands, counted once each."""

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import httpx
import zstandard

from tallystick.client.audits import Encoding
from tallystick.client.errors import ProblemError
from tallystick.client.files import Chunk, RowFile, UnreadableFileError
from tallystick.client.transport import Query, Transport, parsed
from tallystick.schemas.decision import Decision, DecisionBatch, DecisionSource, DecisionSourcePage, RejectedDecision

LINES_PER_REQUEST = 50_000
_TIMEOUT_S = 600.0
_COMPRESSION_LEVEL = 3


class Decisions:
    """The decisions of a programme."""

    def __init__(self, transport: Transport, address: str) -> None:
        self._transport = transport
        self._address = address

    async def push(
        self,
        programme: str,
        source: str,
        lines: Iterable[Decision] | bytes,
        *,
        edition: int = 1,
        first_row: int = 0,
        encoding: Encoding | None = None,
    ) -> DecisionBatch:
        """Send a batch of a source: decisions, or lines of NDJSON, packed as `encoding` says.

        A repetition counts nothing twice: lines are known by their place in the source.

        Raises:
            ProblemError: `source-out-of-step`, with `edition` and `next_row`, where it does not go on where the source stands.
        """
        if not isinstance(lines, bytes):
            lines = b"\n".join(line.__pydantic_serializer__.to_json(line, exclude_none=True) for line in lines)
            encoding = None
        headers = {"Content-Type": "application/x-ndjson"} | ({"Content-Encoding": encoding} if encoding else {})
        response = await self._transport.request(
            "POST",
            f"{self._address}/v1/decision-batches",
            query={"programme": programme, "source": source, "edition": edition, "first_row": first_row},
            body=lines,
            headers=headers,
            timeout_s=_TIMEOUT_S,
            repeatable=True,
        )
        return parsed(DecisionBatch, response)

    async def batch(self, programme: str, batch: UUID) -> DecisionBatch:
        """A batch, with the first of its lines that were rejected."""
        address = f"{self._address}/v1/decision-batches/{batch}"
        return await self._transport.read(DecisionBatch, address, {"programme": programme})

    async def sources(self, programme: str, *, page: int = 100) -> AsyncIterator[DecisionSource]:
        """Every source, and where it stands."""
        query: Query = {"programme": programme, "limit": page}
        async for response in self._transport.pages(f"{self._address}/v1/decision-sources", query):
            for source in parsed(DecisionSourcePage, response).items:
                yield source

    async def source(self, programme: str, source: str, *, vendor: str | None = None) -> DecisionSource | None:
        """Where a source stands; None before its first batch."""
        address = f"{self._address}/v1/decision-sources/{source}"
        try:
            return await self._transport.read(DecisionSource, address, {"programme": programme, "vendor": vendor})
        except ProblemError as error:
            if error.problem.status != httpx.codes.NOT_FOUND:
                raise
            return None

    async def push_file(
        self,
        programme: str,
        source: str,
        path: Path,
        *,
        edition: int | None = None,
        lines_per_request: int = LINES_PER_REQUEST,
        compress: bool = True,
        on_progress: Callable[["PushedDecisions"], None] = lambda _: None,
    ) -> "PushedDecisions":
        """Send a file of NDJSON or JSON, plain or packed, from where its source stands; answers what became of its lines.

        Args:
            programme: whose decisions these are.
            source: what the file is called, whenever it is sent.
            path: the file.
            edition: of the file, the present one if not said. One more than that replaces all that the source has counted.
            lines_per_request: at most so many go in one request; a request that is too large is sent in halves.
            compress: pack the requests with zstd.
            on_progress: told after every request.
        """
        standing = await self.source(programme, source)
        current = standing.edition if standing else 1
        wanted = edition or current
        pushed = PushedDecisions(edition=wanted, resumed=standing.next_row if standing and wanted == current else 0)
        with RowFile(path) as file:
            if file.format == "csv":
                raise UnreadableFileError(f"{path}: decisions are sent as .ndjson, .jsonl or .json, which may add .gz or .zst.")
            for chunk in file.chunks(lines_per_request):
                if chunk.first_row - 1 + len(chunk.rows) > pushed.resumed:
                    await self._send(programme, source, chunk, pushed, compress=compress)
                pushed.bytes_read = file.position
                on_progress(pushed)
            if wanted > current and not pushed.rows:  # an empty file takes the place of the one before as well
                pushed.add(await self.push(programme, source, b"", edition=wanted))
            pushed.bytes_read = file.size
        on_progress(pushed)
        return pushed

    async def _send(self, programme: str, source: str, chunk: Chunk, pushed: "PushedDecisions", *, compress: bool) -> None:
        """Send some lines; if they are too many, by halves."""
        packed = zstandard.ZstdCompressor(level=_COMPRESSION_LEVEL).compress(chunk.body) if compress else chunk.body
        encoding: Encoding | None = "zstd" if compress else None
        first_row = chunk.first_row - 1
        try:
            batch = await self.push(programme, source, packed, edition=pushed.edition, first_row=first_row, encoding=encoding)
        except ProblemError as error:
            if error.problem.status != httpx.codes.REQUEST_ENTITY_TOO_LARGE or len(chunk.rows) == 1:
                raise
            for half in chunk.halves():
                await self._send(programme, source, half, pushed, compress=compress)
        else:
            pushed.add(batch)


@dataclass
class PushedDecisions:
    """What became of the lines of a file, and how far it is."""

    edition: int
    resumed: int
    """Lines that the source had before."""
    rows: int = 0
    repeated: int = 0
    rejected: int = 0
    counted: int = 0
    late: int = 0
    faults: list[RejectedDecision] = field(default_factory=list)
    """The first lines that were rejected."""
    bytes_read: int = 0

    def add(self, batch: DecisionBatch) -> None:
        """What became of some more of them."""
        counts = batch.counts
        self.rows += counts.rows
        self.repeated += counts.repeated
        self.rejected += counts.rejected
        self.counted += counts.counted
        self.late += counts.late
        self.faults += batch.rejected[: max(0, 1000 - len(self.faults))]
