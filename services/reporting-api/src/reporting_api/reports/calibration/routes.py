"""The route of the report on calibration."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from reporting_api.metrics.question import EARLIEST, LATEST, MANY, Narrowed
from reporting_api.metrics.routes import NumbersRead, remembered
from reporting_api.metrics.standing import read_standing
from reporting_api.reports.calibration.report import calibration
from reporting_api.reports.calibration.sheets import CalibrationQuestion
from tallystick.schemas.base import Code, Day, Slug
from tallystick.schemas.calibration_report import CalibrationReport, CalibrationTrend
from tallystick.service.database import Reading
from tallystick.service.parameters import in_order
from tallystick.service.problems import COMMON, responses

router = APIRouter(prefix="/v1/reports", tags=["reports"], responses=responses(*COMMON))


async def _narrowed(
    vendor: Annotated[list[Slug], MANY] = [],  # noqa: B006 - FastAPI copies defaults
    policy: Annotated[list[Code], MANY] = [],  # noqa: B006
    from_: Annotated[
        Day | None,
        Query(alias="from", ge=EARLIEST, le=LATEST, description="The first day of conclusion, in the programme's time zone."),
    ] = None,
    to: Annotated[Day | None, Query(ge=EARLIEST, le=LATEST, description="The day after the last.")] = None,
) -> Narrowed:
    in_order(from_, to)
    given = {"vendor": vendor, "policy": policy}
    return Narrowed({name: tuple(sorted(set(values))) for name, values in given.items() if values}, from_, to)


CalibrationNarrowed = Annotated[Narrowed, Depends(_narrowed)]
OfSession = Annotated[UUID | None, Query(alias="session", description="The report on this session; without it, the trend.")]


def asked_of(programme: str, narrowed: Narrowed, limit: int = 20) -> CalibrationQuestion:
    """What is asked of a programme's calibration."""
    filters = narrowed.filters
    return CalibrationQuestion(
        programme, filters.get("vendor", ()), filters.get("policy", ()), narrowed.start, narrowed.end, limit
    )


@router.get(
    "/calibration",
    response_model=CalibrationReport | CalibrationTrend,
    summary="Read whether raters agree, with each other and with the benchmark",
)
async def read_calibration(
    request: Request,
    principal: NumbersRead,
    programme: Annotated[Slug, Query(description="Whose sessions.")],
    narrowed: CalibrationNarrowed,
    session: Reading,
    of: OfSession = None,
    limit: Annotated[int, Query(ge=1, le=100, description="The newest sessions of a trend, or divisive items, at most.")] = 20,
) -> Response:
    """One session: agreement by each coefficient, alignment with the benchmark, what divides raters, who needs what next.

    Without `session`, concluded sessions one after the other. A vendor's numbers are those of its own raters and the client's.
    """
    question = asked_of(programme, narrowed, limit)
    standing = await read_standing(session, programme)

    async def told() -> bytes:
        return (await calibration(session, standing, question, of)).model_dump_json(by_alias=True).encode()

    asked = {"report": "calibration", "session": of, "question": question}
    return await remembered(request, standing, principal, asked, told)
