"""One way to make a request: with a token, with retries where a repetition is safe, with problems as exceptions."""

import asyncio
import inspect
import itertools
import random
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from types import TracebackType
from typing import Self, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from tallystick.client.errors import UnexpectedAnswerError, UnreachableError, problem_of
from tallystick.schemas.base import new_id, told

Token = str | Callable[[], str | Awaitable[str]]
"""An access token, or a function (plain or async) that is asked for one before every request."""

Query = Mapping[str, str | int | float | bool | Sequence[str] | None]
"""Parameters of a request: a sequence repeats its name, None is left out."""

Model = TypeVar("Model", bound=BaseModel)

_LATER = frozenset({429, 502, 503, 504})
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_HOPELESS = (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.TooManyRedirects)
_FIRST_DELAY_S = 0.2
_LONGEST_DELAY_S = 15.0
_NO_PROXY = dict.fromkeys(("all://127.0.0.1", "all://localhost", "all://[::1]"))
"""This machine is reached directly, whatever proxy the environment names."""
_TIMEOUT = httpx.Timeout(60, connect=10)
_UNREACHED = "Nobody has taken a connection there yet. Check that the address is right and that Tallystick runs there."


@dataclass(frozen=True, slots=True)
class Outage:
    """A try that failed and will be repeated: why, in how many seconds, and how many seconds that has been going on."""

    reason: str
    delay_s: float
    lasted_s: float


def renewed(sign: Callable[[], str], every_s: float) -> Callable[[], str]:
    """A token provider that calls `sign` again when its last token is `every_s` seconds old."""
    token, signed_at = "", float("-inf")

    def provide() -> str:
        nonlocal token, signed_at
        if time.monotonic() - signed_at >= every_s:
            token, signed_at = sign(), time.monotonic()
        return token

    return provide


@cache
def _trust() -> ssl.SSLContext:
    """Whom all transports trust; to read the certificates of all authorities takes longer than many a request."""
    return httpx.create_ssl_context()


class Transport:
    """Requests with a token. Repeated are those that cannot do harm twice.

    These are GET, and any request that carries an `Idempotency-Key`: after failures of the connection and after 429,
    502, 503 and 504. Any request is repeated when it was never sent because no connection could be made. Between tries
    the delay doubles up to 15 s, with jitter, and is never shorter than `Retry-After` asks for.

    Args:
        token: the access token or its provider.
        patience_s: for how many seconds after the first failure a request is tried again.
        unreached_patience_s: the most of these seconds as long as no connection has ever been made: the address is more
            likely wrong than out of order.
        on_outage: told before every wait.
    """

    def __init__(
        self,
        token: Token,
        *,
        patience_s: float = 30,
        unreached_patience_s: float = float("inf"),
        on_outage: Callable[[Outage], None] | None = None,
    ) -> None:
        self._token = token
        self._patience_s = patience_s
        self._on_outage = on_outage
        self._unreached_patience_s = unreached_patience_s
        self._reached = False
        self._http = httpx.AsyncClient(timeout=_TIMEOUT, follow_redirects=False, mounts=_NO_PROXY, verify=_trust())

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._http.__aexit__(kind, error, trace)

    async def request(
        self,
        method: str,
        url: str | httpx.URL,
        *,
        query: Query | None = None,
        body: BaseModel | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
        patience_s: float | None = None,
        repeatable: bool = False,
    ) -> httpx.Response:
        """Make a request and answer the response of a success.

        Args:
            method: of HTTP.
            url: where to.
            query: parameters; None keeps those of `url`.
            body: a wire model, sent as JSON, or bytes with their `Content-Type` in `headers`.
            headers: besides the token.
            timeout_s: how long to wait for the answer.
            patience_s: instead of the transport's.
            repeatable: whether a repetition does no harm, though the request has no idempotency key.

        Raises:
            ProblemError: the service refused, or is still unavailable after the last try.
            UnreachableError: no answer came.
        """
        sent = dict(headers or {})
        if isinstance(body, BaseModel):
            sent["Content-Type"] = "application/json"
            body = body.__pydantic_serializer__.to_json(body)
        repeatable = repeatable or method == "GET" or "Idempotency-Key" in sent
        patience = self._patience_s if patience_s is None else patience_s
        timeout = _TIMEOUT if timeout_s is None else httpx.Timeout(timeout_s, connect=10)
        failing_since: float | None = None
        for attempt in itertools.count():
            sent["Authorization"] = f"Bearer {await self._access_token()}"
            started = time.monotonic()
            response: httpx.Response | None = None
            try:
                response = await self._http.request(
                    method, url, params=_parameters(query), content=body, headers=sent, timeout=timeout
                )
            except httpx.TransportError as error:
                reason = f"{_place(url)}: {str(error) or type(error).__name__}"
                self._reached = self._reached or not isinstance(error, _NOT_SENT)
                if isinstance(error, _HOPELESS) or not (repeatable or isinstance(error, _NOT_SENT)):
                    raise UnreachableError(reason) from error
            else:
                self._reached = True
                if not (repeatable and _come_again(response)):
                    return _success(response)
                reason = f"{_place(url)}: {response.status_code} {response.reason_phrase}"
            failing_since = started if failing_since is None else failing_since
            delay = max(_backoff(attempt), _retry_after(response))
            lasted = time.monotonic() - failing_since
            if lasted + delay > (patience if self._reached else min(patience, self._unreached_patience_s)):
                if response is not None:
                    raise problem_of(response)
                raise UnreachableError(reason if self._reached else f"{reason}\n{_UNREACHED}")
            if self._on_outage is not None:
                self._on_outage(Outage(reason, delay, lasted))
            await asyncio.sleep(delay)
        raise AssertionError("unreachable")

    async def read(self, model: type[Model], url: str, query: Query | None = None) -> Model:
        """GET one thing."""
        return parsed(model, await self.request("GET", url, query=query))

    async def create(self, model: type[Model], url: str, body: BaseModel, query: Query | None = None) -> Model:
        """POST something new, under an idempotency key that makes a repetition harmless."""
        headers = {"Idempotency-Key": str(new_id())}
        return parsed(model, await self.request("POST", url, query=query, body=body, headers=headers))

    async def change(
        self, model: type[Model], url: str, body: BaseModel, query: Query | None = None, *, revision: int, keyed: bool = False
    ) -> Model:
        """POST a change of the `revision` that was read.

        It is repeated where the address takes an idempotency key (`keyed`): without, the second time would meet another revision.
        """
        headers = {"If-Match": f'"{revision}"'} | ({"Idempotency-Key": str(new_id())} if keyed else {})
        return parsed(model, await self.request("POST", url, query=query, body=body, headers=headers))

    async def patch(self, model: type[Model], url: str, body: BaseModel, query: Query | None = None, *, revision: int) -> Model:
        """PATCH the `revision` that was read with the fields that the body names, and no others."""
        sent = body.model_dump_json(exclude_unset=True).encode()
        headers = {"If-Match": f'"{revision}"', "Content-Type": "application/json"}
        return parsed(model, await self.request("PATCH", url, query=query, body=sent, headers=headers))

    async def pages(self, url: str, query: Query | None = None) -> AsyncIterator[httpx.Response]:
        """GET a list page by page, following `Link: rel="next"`, which never leads to another host."""
        response = await self.request("GET", url, query=query)
        while True:
            yield response
            if "next" not in response.links:
                return
            following = response.url.join(response.links["next"]["url"])
            if following.copy_with(raw_path=b"/") != response.url.copy_with(raw_path=b"/"):
                raise UnexpectedAnswerError(f"{_place(url)} names a next page on another host.")
            response = await self.request("GET", following)

    async def _access_token(self) -> str:
        if isinstance(self._token, str):
            return self._token
        token = self._token()
        return await token if inspect.isawaitable(token) else token


def parsed(model: type[Model], response: httpx.Response) -> Model:
    """The body of a response as a wire model. Fields that this version does not know are passed over."""
    try:
        return model.model_validate_json(response.content, extra="ignore")
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = "/".join(str(part) for part in problem["loc"])
        raise UnexpectedAnswerError(
            f"{_place(response.url)} answered no {model.__name__}: at {where or 'its start'}, {told(problem)}."
        ) from error


def _success(response: httpx.Response) -> httpx.Response:
    if response.status_code >= httpx.codes.BAD_REQUEST:
        raise problem_of(response)
    if not response.is_success:
        raise UnexpectedAnswerError(f"{_place(response.url)} answered {response.status_code} {response.reason_phrase}.")
    return response


def _come_again(response: httpx.Response) -> bool:
    running = response.status_code == httpx.codes.CONFLICT and "retry-after" in response.headers
    return running or response.status_code in _LATER


def _backoff(attempt: int) -> float:
    ceiling = min(_LONGEST_DELAY_S, _FIRST_DELAY_S * 2 ** min(attempt, 16))
    return random.uniform(ceiling / 2, ceiling)  # noqa: S311 - jitter, no secret


def _retry_after(response: httpx.Response | None) -> float:
    """The seconds that a response asks to wait, from either form of the header; 0 where it does not say."""
    value = "" if response is None else response.headers.get("retry-after", "")
    if value.isdecimal():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return 0
    return max(0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _place(url: str | httpx.URL) -> str:
    """An address without its parameters, which may name people."""
    return str(httpx.URL(url).copy_with(query=None))


def _parameters(query: Query | None) -> httpx.QueryParams | None:
    if query is None:
        return None
    pairs: list[tuple[str, str | int | float | bool | None]] = []
    for name, value in query.items():
        if isinstance(value, bool):
            pairs.append((name, "true" if value else "false"))
        elif isinstance(value, str | int | float):
            pairs.append((name, str(value)))
        elif value is not None:
            pairs += [(name, item) for item in value]
    return httpx.QueryParams(pairs)
