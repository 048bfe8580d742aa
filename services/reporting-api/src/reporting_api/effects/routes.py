"""The route of effects."""

from dataclasses import asdict

from fastapi import APIRouter, Request, Response

from reporting_api.effects.effect import effect
from reporting_api.effects.question import Plan
from reporting_api.metrics.memory import memory_of
from reporting_api.metrics.routes import NumbersRead, numbers_etag
from reporting_api.metrics.standing import read_standing
from tallystick.schemas.effect import Effect
from tallystick.service.database import Reading
from tallystick.service.problems import COMMON, responses
from tallystick.service.replies import not_modified

router = APIRouter(tags=["changes"], responses=responses(*COMMON))


@router.get("/v1/effect", response_model=Effect, summary="Judge whether a plan worked")
async def read_effect(request: Request, principal: NumbersRead, planned: Plan, session: Reading) -> Response:
    """A rate before and after in the scope of a plan, beside all else as control: the reduction with its interval, and a verdict.

    The filters are the scope. What is judged is what is counted by now, whether the window is over or not.
    """
    standing = await read_standing(session, planned.programme)
    etag = numbers_etag(standing, principal, {"effect": asdict(planned)})
    if (unchanged := not_modified(request, etag)) is not None:
        return unchanged
    memory = memory_of(request)
    body = memory.recall(planned.programme, etag)
    if body is None:
        body = (await effect(session, standing, planned)).model_dump_json().encode()
        memory.keep(planned.programme, etag, body)
    return Response(body, headers={"ETag": etag}, media_type="application/json")
