"""Errors are nouns with a status: functions raise them, one handler renders them as RFC 9457 problem documents.

The docstring of a problem is its page in the docs, at the address in its `type`.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import asyncpg
import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic_core import ErrorDetails
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match

from tallystick.schemas.base import told
from tallystick.schemas.problem import Problem as ProblemDocument
from tallystick.schemas.problem import ProblemError

MEDIA_TYPE = "application/problem+json"
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_MOST_SHOWN = 100
_NAME = re.compile(r"[\w .:@$-]{1,64}", re.ASCII)

log = structlog.get_logger()


class Problem(HTTPException):
    """The base of all problems. `errors` say where a request is wrong; `extra` members are part of the document."""

    status: ClassVar[int]
    title: ClassVar[str]

    def __init__(
        self,
        detail: str,
        *,
        errors: Sequence[ProblemError] = (),
        headers: dict[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(self.status, detail, headers)
        self.errors = errors
        self.extra = extra

    @classmethod
    def slug(cls) -> str:
        """The last part of the problem's `type`: the class's name in kebab case."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", cls.__name__).lower()


class MalformedRequest(Problem):
    """The bytes of the request could not be read: invalid JSON, a compressed body that ends too early, invalid UTF-8.

    Send the body again as the `Content-Type` and `Content-Encoding` headers promise it.
    """

    status, title = 400, "The request cannot be read"


class InvalidCursor(Problem):
    """The cursor was not issued by this service for this list, these filters and this caller.

    Cursors are opaque and belong to the request that they came from. Start at the first page again, without `cursor`.
    """

    status, title = 400, "The cursor does not belong to this request"


class Unauthenticated(Problem):
    """The request carries no access token that this service accepts.

    Send `Authorization: Bearer TOKEN` with a token of a configured issuer that has neither expired nor been revoked.
    The answer is the same whatever is wrong with the token.
    """

    status, title = 401, "An accepted access token is needed"


class Forbidden(Problem):
    """The caller is known, and its roles do not permit this operation.

    Ask the administrator of your identity provider for the role that the operation's documentation names.
    """

    status, title = 403, "Your roles do not permit this"


class NotFound(Problem):
    """There is nothing here that the caller may see.

    What belongs to another vendor or programme answers exactly like what does not exist.
    """

    status, title = 404, "There is no such thing"


class MethodNotAllowed(Problem):
    """The address exists and does not take this method. The `Allow` header says which methods it takes."""

    status, title = 405, "This address does not take that method"


class RequestInProgress(Problem):
    """A request with the same `Idempotency-Key` is still being worked on.

    Wait as long as `Retry-After` says and send it again: the first answer is then replayed.
    """

    status, title = 409, "The same request is still running"


class FeedRewound(Problem):
    """The cursor comes from an earlier life of the stream, which ended when the service was restored from a backup.

    Drop what was built from the feed and read it again from the start, without `after`.
    """

    status, title = 410, "The stream has started a new life"


class PreconditionFailed(Problem):
    """The thing has changed since the version that `If-Match` names.

    Read it again, apply your change to what it is now, and send the `ETag` of that version.
    """

    status, title = 412, "It has changed since you read it"


class BodyTooLarge(Problem):
    """The body is larger than this address takes, as it was sent or once it was decompressed.

    Split the batch; `tallystick push` does that by itself.
    """

    status, title = 413, "The body is too large"


class UnsupportedMediaType(Problem):
    """The `Content-Type` or `Content-Encoding` is none that this address reads. `detail` names those that it does."""

    status, title = 415, "This kind of body is not read here"


class InvalidRequest(Problem):
    """The request could be read, and parts of it have the wrong shape. `errors` name each part and what is wrong with it."""

    status, title = 422, "Parts of the request are invalid"


class IdempotencyKeyReused(Problem):
    """The `Idempotency-Key` was used before with another payload. Use a new key for a new request."""

    status, title = 422, "The idempotency key belongs to another request"


class PreconditionRequired(Problem):
    """A change to an existing thing needs `If-Match` with the `ETag` of the version that it is meant for."""

    status, title = 428, "The version you are changing must be named"


class TooManyRequests(Problem):
    """More requests of this kind are under way than the service takes at once. Send it again after `Retry-After` seconds."""

    status, title = 429, "Too many requests at once"


class InternalError(Problem):
    """Something failed that is not the caller's fault. Nothing was changed. Quote the `request_id` to the operators."""

    status, title = 500, "The service failed"


class Unavailable(Problem):
    """The service cannot answer now: its database or another service is out of reach, or it is shutting down.

    Try again after `Retry-After` seconds. What became of a change that was under way is not known; sent again, with its
    `Idempotency-Key` where it had one, it is made once.
    """

    status, title = 503, "The service is not available now"


_CONNECTION_ERRORS = (
    OSError,
    TimeoutError,
    PoolTimeout,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InterfaceError,
    asyncpg.LockNotAvailableError,  # others have been writing to the same programme for too long
    asyncpg.InternalClientError,  # what the driver says of a connection that broke under it
)

_BY_STATUS: dict[int, type[Problem]] = {
    400: MalformedRequest,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    405: MethodNotAllowed,
    413: BodyTooLarge,
    415: UnsupportedMediaType,
}


def all_problems(base: type[Problem] = Problem) -> Iterator[type[Problem]]:
    """Every problem class that is imported, for the docs."""
    for problem in base.__subclasses__():
        yield problem
        yield from all_problems(problem)


def responses(*problems: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of a route that may raise these problems."""
    by_status: dict[int | str, dict[str, Any]] = {}
    for problem in sorted(problems, key=lambda each: each.status):
        entry = by_status.setdefault(
            problem.status, {"description": "", "content": {MEDIA_TYPE: {"schema": _SCHEMA_REFERENCE, "examples": {}}}}
        )
        entry["description"] = "; ".join(filter(None, [entry["description"], problem.title]))
        entry["content"][MEDIA_TYPE]["examples"][problem.slug()] = {
            "value": {
                "type": f"/problems/{problem.slug()}",
                "title": problem.title,
                "status": problem.status,
                "detail": (problem.__doc__ or "").partition("\n")[0],
                "instance": "/v1/…",
                "request_id": "01a204a9-4350-70e1-b4e8-fc290367a4d0",
                "errors": [],
            }
        }
    return by_status


_SCHEMA_REFERENCE = {"$ref": "#/components/schemas/Problem"}
COMMON = (Unauthenticated, Forbidden, NotFound, InvalidRequest, Unavailable)
"""What any route behind a token may answer."""


_OF_BODIES = responses(MalformedRequest, BodyTooLarge, UnsupportedMediaType)
_OF_ALL = responses(InvalidRequest)


def problem_errors(errors: Sequence[ErrorDetails | dict[str, Any]]) -> list[ProblemError]:
    """Pydantic's first errors without the values: a JSON pointer (or parameter name), a code and a sentence each.

    Not all, for a body of brackets alone would have an answer of forty times its size.
    """
    return [
        ProblemError(
            pointer=_place(error["loc"]),
            code=str(error["type"]),
            detail=told(error),
        )
        for error in errors[:_MOST_SHOWN]
    ]


def pointer(*path: int | str) -> str:
    """A JSON pointer. A name that is no plain word of ours is a value from the request, and shown as a question mark."""
    return "".join(f"/{_shown(part)}" for part in path)


def _shown(part: int | str) -> int | str:
    return part if isinstance(part, int) or _NAME.fullmatch(part) else "?"


def _place(location: tuple[int | str, ...]) -> str:
    where, *path = location or ("body",)
    if where == "body":
        return pointer(*path)
    if where in {"query", "path", "header", "cookie"}:
        return f"{where}:{'.'.join(str(_shown(part)) for part in path)}"
    return pointer(where, *path)


def add_problem_handlers(app: FastAPI, public_url: str) -> None:
    """Render every error of the app as a problem document."""

    def render(request: Request, problem: Problem) -> Response:
        document = {
            "type": f"{public_url}/problems/{problem.slug()}",
            "title": problem.title,
            "status": problem.status,
            "detail": problem.detail,
            "instance": _asked(request),
            "request_id": request.scope.get("request_id", ""),
            "errors": [error.model_dump() for error in problem.errors],
            **problem.extra,
        }
        headers = {**(problem.headers or {}), "X-Request-Id": document["request_id"]}
        return Response(orjson.dumps(document), problem.status, headers, MEDIA_TYPE)

    async def on_problem(request: Request, error: Exception) -> Response:
        return render(request, _problem_of(request, error))

    app.add_exception_handler(HTTPException, on_problem)
    app.add_exception_handler(RequestValidationError, on_problem)
    app.add_exception_handler(ClientDisconnect, on_problem)
    for failure in (SQLAlchemyError, *_CONNECTION_ERRORS):  # any other exception is also raised again, for the log
        app.add_exception_handler(failure, on_problem)
    app.add_exception_handler(Exception, on_problem)


def _asked(request: Request) -> str:
    """The path as it was asked for: at the root, where pages stand, the gateway names no prefix of a service."""
    path: str = request.scope["path"]
    at_root = request.headers.get("X-Forwarded-Prefix") == ""
    return path.removeprefix(request.scope.get("root_path", "")) if at_root else path


def _problem_of(request: Request, error: Exception) -> Problem:
    """The problem that an error means for the caller."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, RequestValidationError):
        return _invalid(error)
    if isinstance(error, HTTPException):
        return _framework_problem(request, error)
    if isinstance(error, ClientDisconnect):
        return MalformedRequest("The body ends too early.")
    if (problem := unavailable(error)) is not None:
        return problem
    log.error("unhandled", request_id=request.scope.get("request_id"), exc_info=error)
    return InternalError("The service failed while it worked on this request. Nothing was changed.")


def _invalid(error: RequestValidationError) -> Problem:
    if error.errors()[0]["type"] == "json_invalid":
        return MalformedRequest("The body is not JSON.")
    if isinstance(error.body, bytes):
        return UnsupportedMediaType("The body is read as application/json.")
    faults = error.errors()
    more = f" It has {len(faults)} mistakes, of which the first {_MOST_SHOWN} are told." if len(faults) > _MOST_SHOWN else ""
    return InvalidRequest(f"The request does not have the shape that it should.{more}", errors=problem_errors(faults))


def _framework_problem(request: Request, error: HTTPException) -> Problem:
    kind = _BY_STATUS.get(error.status_code, InternalError)
    headers = dict(error.headers or {})
    if kind is MethodNotAllowed:
        headers["Allow"] = _methods_of(request)
    return kind((kind.__doc__ or "").partition("\n")[0], headers=headers)


def _methods_of(request: Request) -> str:
    """All methods that the address of a request takes, over all routes that share it."""
    place = {name: request.scope[name] for name in ("type", "path", "root_path", "headers", "query_string", "app")}

    def taken(method: str) -> bool:
        return any(route.matches({**place, "method": method})[0] is Match.FULL for route in request.app.router.routes)

    return ", ".join(filter(taken, _METHODS))


def unavailable(error: BaseException) -> Unavailable | None:
    """The problem to answer with when an error means that the database is out of reach."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, _CONNECTION_ERRORS):
            return Unavailable(
                "The database is out of reach. What became of a change is not known: send it again.", headers={"Retry-After": "1"}
            )
        cause = cause.__cause__ or getattr(cause, "orig", None)
    return None


def add_problems(document: dict[str, Any]) -> None:
    """Complete an OpenAPI document: the schema of problems, and what any operation may answer about parameters and body."""
    for operation in (each for path in document["paths"].values() for each in path.values()):
        for status, response in {**_OF_ALL, **(_OF_BODIES if "requestBody" in operation else {})}.items():
            operation["responses"].setdefault(str(status), response)
    schema = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
    for name, definition in schema.pop("$defs", {}).items():
        document["components"]["schemas"][name] = definition
    document["components"]["schemas"]["Problem"] = schema
