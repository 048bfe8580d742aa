"""The routes of lots: what became of them, and what a plan does to good ones and to bad ones."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import AfterValidator

from audit_api.lots.records import list_lots
from audit_api.lots.risks import curve, limiting_rate, risks
from audit_api.lots.standard import AQLS
from audit_api.sampling.sizing import lot_plan
from tallystick.schemas.base import Slug
from tallystick.schemas.lot import LotPage, LotVerdict, OperatingCharacteristic, Severity105
from tallystick.schemas.principal import Role
from tallystick.schemas.sampling import AcceptanceAllocation, InspectionLevel
from tallystick.service.auth import Principal, allowed, enter
from tallystick.service.database import Reading
from tallystick.service.paging import Paged
from tallystick.service.parameters import ProgrammeQuery
from tallystick.service.problems import COMMON, InvalidCursor, responses
from tallystick.service.replies import reply

router = APIRouter(prefix="/v1/lots", tags=["sampling"], responses=responses(*COMMON))

LotsRead = Annotated[Principal, allowed(Role.ADMIN, Role.QUALITY_MANAGER, Role.ANALYST, Role.VENDOR_POC, Role.VENDOR_SYSTEM)]
"""Not those who audit: nobody judges an item by what it would do to its lot."""

_MOST = 10
_OFFERED = [each for each in AQLS if each <= _MOST]
"""Up to ten errors in a hundred decisions: those that plans may ask for."""
_POINTS = 40
_LEAST_ACCEPTANCE = 0.005
"""So far the curve is drawn."""


def _known(aql: float) -> float:
    if aql not in _OFFERED:
        raise ValueError("the standard has no such AQL")
    return aql


@router.get("", response_model=LotPage, responses=responses(InvalidCursor), summary="List lots")
async def read_lots(
    programme: ProgrammeQuery,
    principal: LotsRead,
    session: Reading,
    paging: Paged,
    vendor: Annotated[list[Slug], Query(description="Repeat it for several: any of them.")] = [],  # noqa: B006 - FastAPI copies defaults
    draw_id: Annotated[list[UUID], Query(description="Repeat it for several: any of them.")] = [],  # noqa: B006 - likewise
    verdict: Annotated[list[LotVerdict], Query(description="Repeat it for several: any of them.")] = [],  # noqa: B006 - likewise
) -> Response:
    """Lots, newest period first, each with the verdict that its audits come to as adjudicated by now. A vendor sees its own."""
    enter(principal, programme)
    before = None if paging.after is None else (date.fromisoformat(paging.after[0]), UUID(paging.after[1]), str(paging.after[2]))
    found = await list_lots(
        session, programme, vendors=vendor, draw_ids=draw_id, verdicts=verdict, before=before, limit=paging.limit + 1
    )
    page = found[: paging.limit]
    last = [page[-1].first_day.isoformat(), page[-1].draw_id, page[-1].stratum] if len(found) > len(page) else None
    return reply(LotPage(items=tuple(page)), headers=paging.headers(last))


@router.get("/curve", response_model=OperatingCharacteristic, summary="Read what a plan does to good lots and to bad ones")
async def read_lot_curve(
    _principal: LotsRead,
    lot_size: Annotated[int, Query(ge=1, le=10_000_000, description="Decisions in the lot.")],
    aql: Annotated[
        float,
        Query(description="Errors in a hundred decisions, one of the standard's.", json_schema_extra={"enum": _OFFERED}),
        AfterValidator(_known),
    ],
    level: Annotated[InspectionLevel, Query(description="How large samples are.")] = InspectionLevel.II,
    severity: Annotated[Severity105, Query(description="How severely the lot is inspected.")] = Severity105.NORMAL,
) -> Response:
    """The operating-characteristic curve of a single sampling plan of MIL-STD-105E, for a long series of lots, and both risks."""
    plan = lot_plan(AcceptanceAllocation(aql=aql, level=level), lot_size, severity)
    both = risks(plan, aql)
    furthest = min(max(limiting_rate(plan, _LEAST_ACCEPTANCE), 2 * aql / 100), 1.0)
    return reply(
        OperatingCharacteristic(
            lot_size=lot_size,
            aql=aql,
            level=level,
            severity=severity,
            code_letter=plan.letter,
            sample=plan.sample,
            accept=plan.accept,
            reject=plan.reject,
            producers_risk=both.producers_risk,
            consumers_quality=both.consumers_quality,
            curve=tuple(curve(plan, [furthest * place / _POINTS for place in range(_POINTS + 1)])),
        )
    )
