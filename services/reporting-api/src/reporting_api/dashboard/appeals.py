"""The page of a programme's appeals."""

from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from reporting_api.dashboard import appeal_view, view
from reporting_api.dashboard.head import charts, head
from reporting_api.metrics.answer import permitted
from reporting_api.metrics.question import Filtered, Question
from reporting_api.metrics.routes import NumbersRead
from reporting_api.metrics.standing import read_standing
from reporting_api.projection.cursors import find_cursor
from reporting_api.reports.appeals import appeal_report
from reporting_api.reports.periods import settled
from tallystick.schemas.appeal_report import AppealGroup
from tallystick.schemas.base import Slug
from tallystick.schemas.metric import Measure
from tallystick.service.clock import now
from tallystick.service.database import Reading
from tallystick.service.pages.address import tidied
from tallystick.service.pages.page import TAG, page
from tallystick.service.problems import NotFound

router = APIRouter(tags=[TAG], include_in_schema=False)

_SORT = f"^-?({'|'.join(appeal_view.SORTED)})$"


@router.get("/programmes/{programme}/appeals", dependencies=[Depends(tidied)])
async def show_appeals(
    request: Request,
    principal: NumbersRead,
    programme: Annotated[Slug, Path()],
    filtered: Filtered,
    session: Reading,
    sort: Annotated[str, Query(pattern=_SORT)] = "-overturn_rate",
) -> Response:
    """How the audits of a programme are appealed, what becomes of it, and what waits."""
    question = permitted(Question(programme, filters=filtered.filters, start=filtered.start, end=filtered.end), principal)
    standing = await read_standing(session, programme)
    cursor = await find_cursor(session, programme)
    if cursor is None:
        raise NotFound("There is no such programme.")
    question = settled(standing, question)
    context = head(request, principal, cursor, filtered, "/appeals")
    report = await appeal_report(session, standing, context["document"], question, now(request).replace(second=0, microsecond=0))
    tables = (
        ("By vendor", "Vendor", () if principal.vendor else report.vendors),
        ("By site", "Site", report.sites),
        ("By policy", "Policy", _with_appeals(report.policies)),
        ("By error that was appealed", "Error", _with_appeals(report.error_codes)),
        ("By auditor", "Auditor", _with_appeals(report.auditors or ())),
        ("By ground", "Ground", report.grounds),
    )
    rates = [group.numbers[Measure.OVERTURN_RATE] for _, _, groups in tables for group in groups]
    return page(
        request,
        "appeals.html",
        **context,
        scope=report.scope,
        previous_period=report.previous_period,
        report=report,
        tiles=appeal_view.tiles(report, standing.targets.minimum_sample),
        minimum=standing.targets.minimum_sample,
        tables=[(caption, label, appeal_view.sorted_groups(groups, sort)) for caption, label, groups in tables if groups],
        sort=sort,
        scale=view.scale(rates, None),
        view=view,
        say=appeal_view,
        charts=charts(request, question, "appeals-over-time", "overturn-rate-over-time"),
    )


def _with_appeals(groups: Iterable[AppealGroup]) -> list[AppealGroup]:
    return [group for group in groups if group.numbers[Measure.APPEALS].value]
