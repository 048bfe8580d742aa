"""What operators see: one structured log line per request, Prometheus metrics by route template, request and trace ids."""

import logging
import re
import sys
import time

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.typing import Processor

from tallystick.schemas.base import new_id

_FRAMES = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
"""Exceptions are logged without local variables: these hold tokens and rows."""
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_TRACE_PARENT = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")

log = structlog.get_logger()


def configure_logging(level: str) -> None:
    """Log JSON, one object a line, to standard error; uvicorn's own lines included."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.ExceptionRenderer(_FRAMES), structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
            foreign_pre_chain=[*shared, structlog.processors.format_exc_info],
        )
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


class Metrics:
    """The counters of one service."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "tallystick_http_requests", "Requests answered.", ["method", "route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "tallystick_http_request_seconds",
            "Time to the end of the answer.",
            ["method", "route"],
            registry=self.registry,
        )
        self.under_way = Gauge("tallystick_http_requests_under_way", "Requests being worked on.", registry=self.registry)


class Telemetry:
    """ASGI middleware around everything else: request id in and out, one log line and the metrics of a request."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = scope["request_id"] = given if _REQUEST_ID.fullmatch(given) else str(new_id())
        status = 500
        started = time.perf_counter()

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            await send(message)

        with self._metrics.under_way.track_inprogress():
            try:
                await self._app(scope, receive, answer)
            finally:
                seconds = time.perf_counter() - started
                route = getattr(scope.get("route"), "path", "unmatched")
                self._metrics.requests.labels(scope["method"], route, status).inc()
                self._metrics.seconds.labels(scope["method"], route).observe(seconds)
                trace = _TRACE_PARENT.fullmatch(headers.get("traceparent", ""))
                principal = scope.get("principal")
                log.info(
                    "request",
                    request_id=request_id,
                    trace_id=trace and trace[1],
                    method=scope["method"],
                    route=route,
                    status=status,
                    ms=round(seconds * 1000, 2),
                    principal=principal and principal.subject,
                    vendor=principal and principal.vendor,
                    refusal=scope.get("refusal"),
                )
