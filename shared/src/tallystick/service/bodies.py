"""Request bodies: gzip and zstd are unpacked on the way in, compressed and decompressed sizes are limited separately."""

import re
import zlib
from collections.abc import Callable, Mapping

import zstandard
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tallystick.service.problems import BodyTooLarge, MalformedRequest, UnsupportedMediaType

DEFAULT_LIMIT = 1_000_000
_WINDOW = 2**23  # bytes of history that a zstd frame may ask for: what RFC 9659 allows on the web
_STEP = 1024
_PARAMETER = re.compile(r"\{\w+\}")


class _Gzip:
    """One gzip member."""

    def __init__(self) -> None:
        self._unpack = zlib.decompressobj(zlib.MAX_WBITS | 16)

    def feed(self, data: bytes, room: int) -> bytes:
        return self._unpack.decompress(data, room)

    @property
    def rest(self) -> bytes | None:
        """What follows the end of the member; None while it has not ended."""
        return self._unpack.unused_data if self._unpack.eof else None


class _Zstd:
    """One zstd frame. A block of 128 KB can come from 4 bytes, so it is fed in steps small enough to stop in time."""

    def __init__(self) -> None:
        self._unpack = zstandard.ZstdDecompressor(max_window_size=_WINDOW).decompressobj()
        self._rest = b""

    def feed(self, data: bytes, room: int) -> bytes:
        pieces: list[bytes] = []
        for start in range(0, len(data), _STEP):
            pieces.append(self._unpack.decompress(data[start : start + _STEP]))
            room -= len(pieces[-1])
            if self._unpack.eof:
                self._rest = self._unpack.unused_data + data[start + _STEP :]
                break
            if room <= 0:
                break
        return b"".join(pieces)

    @property
    def rest(self) -> bytes | None:
        """What follows the end of the frame; None while it has not ended."""
        return self._rest if self._unpack.eof else None


_DECODERS: Mapping[str, Callable[[], _Gzip | _Zstd]] = {"gzip": _Gzip, "zstd": _Zstd}


class Bodies:
    """ASGI middleware that hands the application plain bodies of a bounded size.

    Args:
        app: what receives the bodies.
        limits: the largest body in bytes for a path or for a template of paths such as `/v1/things/{id}`, both as it is sent and
            as it is unpacked; 1 MB for all others.
    """

    def __init__(self, app: ASGIApp, limits: Mapping[str, int]) -> None:
        self._app = app
        self._limits = [(re.compile(_PARAMETER.sub("[^/]+", path)), limit) for path, limit in limits.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in {"GET", "HEAD"}:
            await self._app(scope, receive, send)
            return
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        limit = next((limit for pattern, limit in self._limits if pattern.fullmatch(path)), DEFAULT_LIMIT)
        body = _Body(receive, Headers(scope=scope), limit)
        headers = MutableHeaders(scope=scope)
        if "content-encoding" in headers:
            del headers["content-encoding"]
            del headers["content-length"]
        await self._app(scope, body.receive, send)


class _Body:
    """One request's body on its way in. Its faults are raised where the application reads it, as problems."""

    def __init__(self, receive: Receive, headers: Headers, limit: int) -> None:
        self._receive = receive
        self._encoding = headers.get("content-encoding", "identity").strip().lower()
        self._announced = int(length) if (length := headers.get("content-length", "")).isdecimal() else 0
        self._limit = limit
        self._received = self._unpacked = 0
        self._decoder: _Gzip | _Zstd | None = None
        self._begun = False

    async def receive(self) -> Message:
        if self._encoding != "identity" and self._encoding not in _DECODERS:
            raise UnsupportedMediaType(
                "Bodies are read as they are, as gzip or as zstd.", headers={"Accept-Encoding": "gzip, zstd"}
            )
        if max(self._announced, self._received) > self._limit:
            raise BodyTooLarge(f"At most {self._limit} bytes are taken here.")
        message = await self._receive()
        if message["type"] != "http.request":
            return message
        data = message.get("body", b"")
        self._received += len(data)
        if self._encoding != "identity":
            data = self._unpack(data, last=not message.get("more_body", False))
        self._unpacked += len(data)
        if max(self._received, self._unpacked) > self._limit:
            raise BodyTooLarge(f"At most {self._limit} bytes are taken here, counted before and after decompression.")
        return {**message, "body": data}

    def _unpack(self, data: bytes, *, last: bool) -> bytes:
        """Unpack a piece of the body. Members or frames may follow each other; the last must be complete."""
        pieces: list[bytes] = []
        room = self._limit - self._unpacked + 1
        try:
            while data and room > 0:
                if self._decoder is None:
                    self._decoder = _DECODERS[self._encoding]()
                pieces.append(self._decoder.feed(data, room))
                room -= len(pieces[-1])
                data = self._decoder.rest or b""
                if self._decoder.rest is not None:
                    self._decoder, self._begun = None, True
        except (zlib.error, zstandard.ZstdError):
            raise MalformedRequest(f"The body is not the {self._encoding} that its Content-Encoding promises.") from None
        if last and room > 0 and (self._decoder is not None or not self._begun):
            raise MalformedRequest(f"The {self._encoding} body ends too early.")
        return b"".join(pieces)
