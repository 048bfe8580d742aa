"""The route of the report on coverage."""

from datetime import date, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from reporting_api.metrics.question import EARLIEST, LATEST, MANY, Filters
from reporting_api.metrics.routes import NumbersRead, numbers_etag
from reporting_api.metrics.standing import Standing, read_document, read_standing
from reporting_api.reports.coverage.records import Asked
from reporting_api.reports.coverage.report import coverage_report
from reporting_api.reports.periods import WEEKS
from tallystick.schemas.base import Day, Slug
from tallystick.schemas.coverage import CoverageReport
from tallystick.service.clock import now
from tallystick.service.database import Reading
from tallystick.service.days import day_of
from tallystick.service.parameters import FromQuery, in_order
from tallystick.service.problems import COMMON, responses
from tallystick.service.replies import not_modified, reply

router = APIRouter(prefix="/v1/reports", tags=["reports"], responses=responses(*COMMON))


class CoverageNarrowed:
    """What coverage is narrowed to over HTTP."""

    def __init__(self, plans: list[UUID], draws: list[UUID], vendors: list[str], start: date | None, end: date | None) -> None:
        in_order(start, end)
        self.plans = tuple(sorted(set(plans)))
        self.draws = tuple(sorted(set(draws)))
        self.filters: Filters = {"vendor": tuple(sorted(set(vendors)))} if vendors else {}
        """As of the metrics."""
        self.start = start
        self.end = end

    def settled(self, standing: Standing, moment: datetime) -> Asked:
        """With both ends of its period: by default the quarter that ends with the present day."""
        today = day_of(moment, standing.time_zone)
        end = self.end or max(today, self.start or today) + timedelta(days=1)
        start = self.start or end - timedelta(weeks=WEEKS)
        return Asked(standing.programme, self.plans, self.draws, self.filters.get("vendor", ()), start, end)


async def _narrowed(
    plan_id: Annotated[list[UUID], MANY] = [],  # noqa: B006 - nobody changes it
    draw_id: Annotated[list[UUID], MANY] = [],  # noqa: B006
    vendor: Annotated[list[Slug], MANY] = [],  # noqa: B006
    from_: Annotated[
        Day | None, Query(alias="from", ge=EARLIEST, le=LATEST, description="The first day, in the programme's time zone.")
    ] = None,
    to: Annotated[Day | None, Query(ge=EARLIEST, le=LATEST, description="The day after the last.")] = None,
) -> CoverageNarrowed:
    return CoverageNarrowed(plan_id, draw_id, vendor, from_, to)


OfCoverage = Annotated[CoverageNarrowed, Depends(FromQuery(_narrowed))]


def minute_of(request: Request) -> datetime:
    """The present minute: what is told as of it is the same for a minute."""
    return now(request).replace(second=0, microsecond=0)


@router.get("/coverage", response_model=CoverageReport, summary="Read how much of what was planned is audited")
async def read_coverage_report(
    request: Request,
    principal: NumbersRead,
    programme: Annotated[Slug, Query(description="Whose draws.")],
    narrowed: OfCoverage,
    session: Reading,
    limit: Annotated[int, Query(ge=1, le=10_000, description="Strata at most.")] = 1000,
) -> Response:
    """Planned, drawn, claimed and audited by draw and stratum, what is left, whether it will be done in time, and the precision.

    Draws count whose period touches the days asked about; without `from` and `to` these are the thirteen weeks up to today.
    Forecasts are made as of now, to the minute. A vendor's people read of their own vendor's strata.
    """
    standing = await read_standing(session, programme)
    as_of = minute_of(request)
    asked = narrowed.settled(standing, as_of)
    etag = numbers_etag(standing, principal, {"report": "coverage", "as_of": as_of, "limit": limit, "question": asked})
    if (known := not_modified(request, etag)) is not None:
        return known
    document = await read_document(session, programme)
    return reply(await coverage_report(session, standing, document, asked, as_of, limit), etag=etag)
