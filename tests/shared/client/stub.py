"""A service on a loopback socket that answers as a test wants it to."""

import contextlib
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson
import uvicorn
from starlette.types import Receive, Scope, Send


@dataclass(frozen=True)
class Seen:
    """A request as it arrived."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What to answer. A torn answer promises more bytes than it brings."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    torn: bool = False


def json_answer(content: Any, status: int = 200, **headers: str) -> Answer:
    """A JSON answer; underscores in names of headers become hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, orjson.dumps(content), {"content-type": "application/json", **named})


def problem(status: int, slug: str, detail: str = "So it is.", **members: Any) -> Answer:
    """A problem document."""
    document = {
        "type": f"https://qa.example/problems/{slug}",
        "title": slug.replace("-", " ").capitalize(),
        "status": status,
        "detail": detail,
        "instance": "/v1/things",
        "request_id": "r-1",
        "errors": [],
        **members,
    }
    return Answer(status, orjson.dumps(document), {"content-type": "application/problem+json"})


class Stub:
    """The service. Scripted answers go first, each once; then `handle` answers."""

    def __init__(self) -> None:
        self.url = ""
        self.forget()

    def forget(self) -> None:
        """Be as new."""
        self.seen: list[Seen] = []
        self.script: deque[Answer] = deque()
        self.handle: Callable[[Seen], Answer] = lambda _: problem(404, "not-found")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        query = parse_qsl(scope["query_string"].decode(), keep_blank_values=True)
        seen = Seen(scope["method"], scope["path"], query, headers, body)
        self.seen.append(seen)
        answer = self.script.popleft() if self.script else self.handle(seen)
        length = len(answer.body) + (100 if answer.torn else 0)
        named = {"content-length": str(length), **answer.headers}
        pairs = [(name.encode(), value.encode()) for name, value in named.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": pairs})
        await send({"type": "http.response.body", "body": answer.body})


@contextlib.contextmanager
def serving(stub: Stub, port: int = 0) -> Iterator[Stub]:
    """Serve a stub on the loopback address, in a thread of its own."""
    listener = socket.create_server(("127.0.0.1", port))
    stub.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = uvicorn.Server(uvicorn.Config(stub, log_config=None, lifespan="off", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started:
            time.sleep(0.005)
        yield stub
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
