"""An HTTP/1.1 client that costs next to nothing.

What is measured with it runs in a process of its own, for the main process reads the services' logs meanwhile.
"""

import re
import socket
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from itertools import chain, cycle
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

import orjson

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_PIECE = 1 << 20
WARM_UP = 5


class Answer(NamedTuple):
    """What came back, and how many seconds after the first byte of the request was sent."""

    status: int
    body: bytes
    seconds: float

    def content(self) -> Any:
        """The JSON in it; an error where the answer is not a success."""
        if self.status >= 300:
            raise RuntimeError(f"{self.status}: {self.body[:1000].decode(errors='replace')}")
        return orjson.loads(self.body)


class Connection:
    """One connection that is kept alive."""

    def __init__(self, address: str) -> None:
        place = urlsplit(address)
        self._socket = socket.create_connection((place.hostname or "", place.port or 80), timeout=300)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def exchange(self, request: bytes) -> Answer:
        """Send a whole request and read the whole answer."""
        started = time.perf_counter()
        self._socket.sendall(request)
        received = bytearray()
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._piece()
        length = _LENGTH.search(received, 0, end)
        if length is None:
            raise RuntimeError(f"an answer without a length: {bytes(received[:end])!r}")
        while len(received) < end + 4 + int(length[1]):
            received += self._piece()
        return Answer(int(received[9:12]), bytes(received[end + 4 :]), time.perf_counter() - started)

    def _piece(self) -> bytes:
        piece = self._socket.recv(_PIECE)
        if not piece:
            raise ConnectionResetError("the server closed the connection")
        return piece


def request(
    method: str, target: str, token: str, body: bytes = b"", content_type: str = "application/json", encoding: str = ""
) -> bytes:
    """A request as it goes over the wire."""
    head = f"{method} {target} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n"
    if body:
        head += f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
    if encoding:
        head += f"Content-Encoding: {encoding}\r\n"
    return head.encode() + b"\r\n" + body


def once(address: str, sent: bytes) -> Answer:
    """One exchange on a new connection."""
    with Connection(address) as connection:
        return connection.exchange(sent)


def side_by_side(address: str, requests: Sequence[bytes], connections: int) -> float:
    """Seconds until all requests are answered, sent over so many connections at once, one after the other on each."""
    left = deque(requests)

    def work(connection: Connection) -> list[Answer]:
        answers = []
        with suppress(IndexError):
            while True:
                answers.append(connection.exchange(left.popleft()))
        return answers

    with ExitStack() as opened, ThreadPoolExecutor(connections) as threads:
        lanes = [opened.enter_context(Connection(address)) for _ in range(connections)]
        started = time.perf_counter()
        answers = list(chain.from_iterable(threads.map(work, lanes)))
        seconds = time.perf_counter() - started
    for answer in answers:
        answer.content()
    return seconds


def again_and_again(address: str, requests: Sequence[bytes], count: int) -> list[float]:
    """Seconds of `count` exchanges one after the other on one connection, after WARM_UP that are not counted.

    The requests are sent in turn. Where there are `count + WARM_UP` of them, none is sent twice.
    """
    turn = cycle(requests)
    with Connection(address) as connection:
        for _ in range(WARM_UP):
            connection.exchange(next(turn)).content()
        answers = [connection.exchange(next(turn)) for _ in range(count)]
    for answer in answers:
        answer.content()
    return [answer.seconds for answer in answers]
