"""The routes of metrics."""

import hashlib
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Request, Response

from reporting_api.metrics.answer import answer, may_name_auditors, permitted, settled
from reporting_api.metrics.definitions import DEFINITIONS
from reporting_api.metrics.memory import memory_of
from reporting_api.metrics.question import Asked
from reporting_api.metrics.standing import Standing, read_standing
from tallystick.schemas.metric import Definitions, Metrics
from tallystick.schemas.principal import Role
from tallystick.service.auth import Principal, allowed
from tallystick.service.database import Reading
from tallystick.service.problems import COMMON, responses
from tallystick.service.replies import json_of, not_modified, reply

router = APIRouter(tags=["metrics"], responses=responses(*COMMON))

READERS = (Role.ADMIN, Role.QUALITY_MANAGER, Role.ANALYST, Role.VENDOR_POC, Role.SERVICE)
"""Who may read numbers. A vendor's people read those of their vendor."""

NumbersRead = Annotated[Principal, allowed(*READERS)]

_VERSION = version("reporting-api")


@router.get(
    "/v1/metrics",
    response_model=Metrics,
    summary="Ask for measures by dimensions",
)
async def read_metrics(request: Request, principal: NumbersRead, question: Asked, session: Reading) -> Response:
    """Measures (such as accuracy) by up to three dimensions (such as week and vendor), filtered, for a period of days.

    The `ETag` names the state of the programme's stream that the numbers stand on.
    """
    question = permitted(question, principal)
    standing = await read_standing(session, question.programme)
    question = settled(standing, question)

    async def told() -> bytes:
        return json_of(vars(await answer(session, standing, question)))

    return await remembered(request, standing, principal, {"metrics": question}, told)


@router.get("/v1/metrics/definitions", response_model=Definitions, summary="Read what the numbers mean")
async def read_definitions(_principal: NumbersRead) -> Response:
    """Every measure with its formula, unit, denominator, interval and source; every dimension."""
    return reply(DEFINITIONS)


async def remembered(
    request: Request, standing: Standing, principal: Principal, question: dict[str, Any], told: Callable[[], Awaitable[bytes]]
) -> Response:
    """The answer to a question: none to who has it already, from memory where it was given already, else what is `told`."""
    etag = numbers_etag(standing, principal, question)
    if (unchanged := not_modified(request, etag)) is not None:
        return unchanged
    memory, key = memory_of(request), etag or _key(standing, principal, question)
    body = memory.recall(standing.programme, key)
    if body is None:
        body = await told()
        memory.keep(standing.programme, key, body)
    return reply(body, etag=etag)


def numbers_etag(standing: Standing, principal: Principal, question: dict[str, Any]) -> str | None:
    """A strong ETag that is known before the answer is; None for vendors, to whom it would tell whenever others record.

    Their answers have that of their content.
    """
    return None if standing.shown is None else _key(standing, principal, question)


def _key(standing: Standing, principal: Principal, question: dict[str, Any]) -> str:
    """What an answer depends on: the stream up to a position in one projection, the question, the reader and the version."""
    reader = [principal.vendor, may_name_auditors(principal)]
    binding = orjson.dumps([standing.begun_at, question, reader, _VERSION], option=orjson.OPT_SORT_KEYS)
    digest = hashlib.blake2b(binding, digest_size=8).hexdigest()
    return f'"{standing.epoch}-{standing.position}-{digest}"'
