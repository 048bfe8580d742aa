"""The route of effects."""

from fastapi import APIRouter, Request, Response

from reporting_api.effects.effect import effect
from reporting_api.effects.question import Plan
from reporting_api.metrics.routes import NumbersRead, remembered
from reporting_api.metrics.standing import read_standing
from tallystick.schemas.effect import Effect
from tallystick.service.database import Reading
from tallystick.service.problems import COMMON, responses

router = APIRouter(tags=["changes"], responses=responses(*COMMON))


@router.get("/v1/effect", response_model=Effect, summary="Judge whether a plan worked")
async def read_effect(request: Request, principal: NumbersRead, planned: Plan, session: Reading) -> Response:
    """A rate before and after in the scope of a plan, beside all else as control: the reduction with its interval, and a verdict.

    The filters are the scope. What is judged is what is counted by now, whether the window is over or not.
    """
    standing = await read_standing(session, planned.programme)

    async def told() -> bytes:
        return (await effect(session, standing, planned)).model_dump_json().encode()

    return await remembered(request, standing, principal, {"effect": planned}, told)
