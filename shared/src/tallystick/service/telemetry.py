"""What operators see: one structured log line per request, Prometheus metrics by route template, request and trace ids."""

import logging
import re
import sys
import time
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.typing import ExcInfo, Processor

from tallystick.schemas.base import new_id
from tallystick.schemas.principal import Role

_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_PROBES = {"/livez", "/readyz", "/metrics"}
_REFUSED = 400
_SAFE_MESSAGES = (OSError, RuntimeError)
"""Errors whose messages are logged. Those of all others, databases' above all, can quote the values that they stumbled over."""
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_TRACE_PARENT = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")

log = structlog.get_logger()

_frames = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)


def _described(exc_info: ExcInfo) -> list[dict[str, Any]]:
    """An exception and its causes for the log, without local variables and quoted values: these hold tokens and rows."""
    return _quiet(_frames(exc_info), exc_info[1])


def _quiet(chain: list[dict[str, Any]], error: BaseException | None) -> list[dict[str, Any]]:
    for entry in chain:
        if not isinstance(error, _SAFE_MESSAGES):
            entry["exc_value"] = getattr(error, "sqlstate", None) or ""
            entry["exc_notes"] = []
        if isinstance(error, BaseExceptionGroup):
            entry["exceptions"] = [_quiet(*each) for each in zip(entry["exceptions"], error.exceptions, strict=True)]
        error = error and (error.__cause__ or (None if error.__suppress_context__ else error.__context__))
    return chain


_EXCEPTIONS = structlog.processors.ExceptionRenderer(_described)


def configure_logging(level: str) -> None:
    """Log JSON, one object a line, to standard error; uvicorn's own lines included."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, _EXCEPTIONS, structlog.processors.JSONRenderer()],
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
            foreign_pre_chain=[*shared, _EXCEPTIONS],
        )
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # its lines hold whole addresses, cursors and filters included


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


def _asks_all_the_time(scope: Scope, route: str) -> bool:
    """Whether the request is a probe, or a service reading another: day and night, whether or not anybody is there."""
    principal = scope.get("principal")
    return scope["method"] == "GET" and (route in _PROBES or (principal is not None and principal.holds(Role.SERVICE)))


class Telemetry:
    """ASGI middleware around everything else: request id in and out, one log line and the metrics of a request.

    What asks all the time and is answered well is logged for debugging alone, so that people's requests and errors stand out.
    """

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
                method = scope["method"] if scope["method"] in _METHODS else "other"
                self._metrics.requests.labels(method, route, status).inc()
                self._metrics.seconds.labels(method, route).observe(seconds)
                trace = _TRACE_PARENT.fullmatch(headers.get("traceparent", ""))
                principal = scope.get("principal")
                log.log(
                    logging.DEBUG if status < _REFUSED and _asks_all_the_time(scope, route) else logging.INFO,
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
