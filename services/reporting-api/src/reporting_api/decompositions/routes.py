"""The route of decompositions."""

from fastapi import APIRouter, Request, Response

from reporting_api.decompositions.decomposition import decomposition
from reporting_api.decompositions.question import Changed, settled
from reporting_api.metrics.answer import permitted
from reporting_api.metrics.routes import NumbersRead, remembered
from reporting_api.metrics.standing import read_standing
from tallystick.schemas.decomposition import Decomposition
from tallystick.service.clock import now
from tallystick.service.database import Reading
from tallystick.service.problems import COMMON, responses

router = APIRouter(tags=["changes"], responses=responses(*COMMON))


@router.get("/v1/decomposition", response_model=Decomposition, summary="Read why a rate changed")
async def read_decomposition(request: Request, principal: NumbersRead, change: Changed, session: Reading) -> Response:
    """How much of a change is mix and how much rate, by segment, with intervals; which segments explain it; what else differed.

    The parts of a cut sum to the change. Without a period it covers the four weeks that end with the last audit, beside the eight
    before them.
    """
    permitted(change.period(after=True), principal)
    standing = await read_standing(session, change.programme)
    change = settled(standing, change, now(request))

    async def told() -> bytes:
        return (await decomposition(session, standing, change)).model_dump_json().encode()

    return await remembered(request, standing, principal, {"decomposition": change}, told)
