"""Request bodies: gzip and zstd are unpacked on the way in, compressed and decompressed sizes are limited separately.

What is unpacked is handed on in pieces, so that a body that is read as it arrives is never in memory as a whole.
"""

import re
import zlib
from collections.abc import Mapping
from typing import NamedTuple

import zstandard
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tallystick.service.problems import BodyTooLarge, MalformedRequest, UnsupportedMediaType

DEFAULT_LIMIT = 1_000_000
_PIECE = 2**18
"""About how many bytes of an unpacked body are handed on at a time."""
_WINDOW = 2**23  # bytes of history that a zstd frame may ask for: what RFC 9659 allows on the web
_STEP = 1024
_MOST_PARTS = 4096
"""Members or frames of one body: an empty one is 9 bytes, and costs as much as kilobytes of content do."""
_FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 1000
"""Fields of one form: an empty one is a byte, and costs as much as hundreds of bytes of content do."""
_PARAMETER = re.compile(r"\{\w+\}")


class BodyLimit(NamedTuple):
    """How large a body may be, in bytes: as it is sent, and as it is unpacked."""

    sent: int
    unpacked: int


class _Gzip:
    """One gzip member."""

    def __init__(self) -> None:
        self._unpack = zlib.decompressobj(zlib.MAX_WBITS | 16)

    def feed(self, data: bytes, room: int) -> tuple[bytes, bytes]:
        """What comes of the data, at most `room` bytes of it, and the data that is left."""
        unpacked = self._unpack.decompress(data, room)
        return unpacked, self._unpack.unused_data if self._unpack.eof else self._unpack.unconsumed_tail

    @property
    def ended(self) -> bool:
        return self._unpack.eof


class _Zstd:
    """One zstd frame. A block of 128 KB can come from 4 bytes, so it is fed in steps small enough to stop in time."""

    def __init__(self, frames: zstandard.ZstdDecompressor) -> None:
        self._unpack = frames.decompressobj()

    def feed(self, data: bytes, room: int) -> tuple[bytes, bytes]:
        """What comes of the data, some more than `room` bytes at most, and the data that is left."""
        pieces: list[bytes] = []
        for start in range(0, len(data), _STEP):
            pieces.append(self._unpack.decompress(data[start : start + _STEP]))
            room -= len(pieces[-1])
            if self._unpack.eof:
                return b"".join(pieces), self._unpack.unused_data + data[start + _STEP :]
            if room <= 0:
                return b"".join(pieces), data[start + _STEP :]
        return b"".join(pieces), b""

    @property
    def ended(self) -> bool:
        return self._unpack.eof


_DEFAULT = BodyLimit(DEFAULT_LIMIT, DEFAULT_LIMIT)
_ENCODINGS = {"gzip", "zstd"}


class Bodies:
    """ASGI middleware that hands the application plain bodies of a bounded size.

    Args:
        app: what receives the bodies.
        limits: the largest body in bytes for a path or for a template of paths such as `/v1/things/{id}`, both as it is sent and
            as it is unpacked, or one for each; 1 MB for all others.
    """

    def __init__(self, app: ASGIApp, limits: Mapping[str, int | BodyLimit]) -> None:
        self._app = app
        self._limits = [
            (re.compile(_PARAMETER.sub("[^/]+", path)), limit if isinstance(limit, BodyLimit) else BodyLimit(limit, limit))
            for path, limit in limits.items()
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in {"GET", "HEAD"}:
            await self._app(scope, receive, send)
            return
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        limit = next((limit for pattern, limit in self._limits if pattern.fullmatch(path)), _DEFAULT)
        body = _Body(receive, Headers(scope=scope), limit)
        headers = MutableHeaders(scope=scope)
        if "content-encoding" in headers:
            del headers["content-encoding"]
            del headers["content-length"]
        await self._app(scope, body.receive, send)


class _Body:
    """One request's body on its way in. Its faults are raised where the application reads it, as problems."""

    def __init__(self, receive: Receive, headers: Headers, limit: BodyLimit) -> None:
        self._receive = receive
        self._encoding = headers.get("content-encoding", "identity").strip().lower()
        self._announced = int(length) if (length := headers.get("content-length", "")).isdecimal() else 0
        self._limit = limit
        self._received = self._unpacked = 0
        self._decoder: _Gzip | _Zstd | None = None
        self._parts = 0
        self._is_form = headers.get("content-type", "").strip().lower().startswith(_FORM)
        self._fields = 0
        self._frames: zstandard.ZstdDecompressor | None = None
        self._packed = b""
        self._arrived = False

    async def receive(self) -> Message:
        if self._encoding != "identity" and self._encoding not in _ENCODINGS:
            raise UnsupportedMediaType(
                "Bodies are read as they are, as gzip or as zstd.", headers={"Accept-Encoding": "gzip, zstd"}
            )
        if max(self._announced, self._received) > self._limit.sent:
            raise BodyTooLarge(f"At most {self._limit.sent} bytes are taken here.")
        if self._packed:
            return self._count({"type": "http.request", "body": self._piece()})
        message = await self._receive()
        if message["type"] != "http.request":
            return message
        data = message.get("body", b"")
        self._received += len(data)
        self._arrived = not message.get("more_body", False)
        if self._received > self._limit.sent or self._encoding == "identity":
            return self._count({**message, "body": data})
        self._packed = data
        return self._count({**message, "body": self._piece()})

    def _count(self, message: Message) -> Message:
        """The message, if it does not go beyond a limit; more of them follow while there is something to unpack."""
        self._unpacked += len(message["body"])
        if self._received > self._limit.sent or self._unpacked > self._limit.unpacked:
            sent, unpacked = self._limit
            limit = f"{sent} bytes are" if sent == unpacked else f"{sent} bytes as they are sent and {unpacked} unpacked are"
            raise BodyTooLarge(f"At most {limit} taken here, counted before and after decompression.")
        if self._is_form:
            self._fields += message["body"].count(b"&")
            if self._fields > _MOST_FIELDS:
                raise BodyTooLarge(f"At most {_MOST_FIELDS} fields are taken in one form.")
        return {**message, "more_body": bool(self._packed) or not self._arrived}

    def _piece(self) -> bytes:
        """Unpack some of what has come. Members or frames may follow each other; the last must be complete."""
        pieces: list[bytes] = []
        room = min(_PIECE, self._limit.unpacked - self._unpacked + 1)
        try:
            while self._packed and room > 0:
                if self._decoder is None:
                    self._decoder = self._next_part()
                unpacked, self._packed = self._decoder.feed(self._packed, room)
                pieces.append(unpacked)
                room -= len(unpacked)
                if self._decoder.ended:
                    self._decoder = None
        except (zlib.error, zstandard.ZstdError):
            raise MalformedRequest(f"The body is not the {self._encoding} that its Content-Encoding promises.") from None
        if self._arrived and not self._packed and (self._decoder is not None or not self._parts):
            raise MalformedRequest(f"The {self._encoding} body ends too early.")
        return b"".join(pieces)

    def _next_part(self) -> _Gzip | _Zstd:
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise BodyTooLarge(f"At most {_MOST_PARTS} {self._encoding} parts are taken in one body: compress it as a whole.")
        if self._encoding == "gzip":
            return _Gzip()
        self._frames = self._frames or zstandard.ZstdDecompressor(max_window_size=_WINDOW)  # making one takes long
        return _Zstd(self._frames)
