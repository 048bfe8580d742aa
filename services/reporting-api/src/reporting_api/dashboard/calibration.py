"""The page of a programme's calibration: concluded sessions one after the other, or one of them."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response

from reporting_api.dashboard import calibration_view, view
from reporting_api.dashboard.fields import others
from reporting_api.dashboard.head import head
from reporting_api.metrics.routes import NumbersRead
from reporting_api.metrics.standing import read_standing
from reporting_api.projection.cursors import find_cursor
from reporting_api.reports.calibration.report import calibration
from reporting_api.reports.calibration.routes import CalibrationNarrowed, OfSession, asked_of
from tallystick.schemas.base import Slug
from tallystick.schemas.calibration_report import CalibrationReport, CalibrationTrend
from tallystick.service.database import Reading
from tallystick.service.pages.address import tidied
from tallystick.service.pages.page import TAG, page
from tallystick.service.problems import NotFound

router = APIRouter(tags=[TAG], include_in_schema=False)


@router.get("/programmes/{programme}/calibration", dependencies=[Depends(tidied)])
async def show_calibration(
    request: Request,
    principal: NumbersRead,
    programme: Annotated[Slug, Path()],
    narrowed: CalibrationNarrowed,
    session: Reading,
    of: OfSession = None,
) -> Response:
    """Whether raters agree with each other and with the benchmark, what divides them, and who needs calibration next."""
    standing = await read_standing(session, programme)
    cursor = await find_cursor(session, programme)
    if cursor is None:
        raise NotFound("There is no such programme.")
    report = await calibration(session, standing, asked_of(programme, narrowed), of)
    context = head(request, principal, cursor, narrowed, "/calibration")
    form = tuple(each for each in context["fields"] if each.name in {"vendor", "policy"})
    context |= {"fields": form, "others": others(context["address"], form), "minimum": standing.targets.minimum_sample}
    template = "calibration_session.html" if isinstance(report, CalibrationReport) else "calibration.html"
    return page(
        request, template, **context, scope=report.scope, report=report, view=view, say=calibration_view, **_scales(report)
    )


def _scales(report: CalibrationReport | CalibrationTrend) -> dict[str, Any]:
    """The target, and the common scales of shares and of coefficients."""
    if isinstance(report, CalibrationReport):
        target, coefficients = report.session.target, list(report.agreement)
    else:
        target = report.sessions[-1].session.target if report.sessions else None
        coefficients = [each.agreement for each in report.sessions]
    shares = [*(each.alignment for each in report.alignment), *(each.together for each in report.golden.auditors)]
    return {"target": target, "shares": view.scale(shares, target), "coefficients": view.scale(coefficients, None)}
