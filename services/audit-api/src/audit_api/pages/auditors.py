"""The pages of those who audit: what they can do and when they are there, and plans of who is to do what."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from audit_api.pages import staffing_view
from audit_api.pages.auditor_form import absence_rows, filled_in, skills
from audit_api.pages.head import OfProgramme, first_of, head, seen
from audit_api.sampling.draws import name_draws, name_strata
from audit_api.staffing.auditors import document as shown_auditor
from audit_api.staffing.auditors import get_auditor, list_auditors
from audit_api.staffing.plans import get_plan, list_plans
from audit_api.staffing.routes import Managing
from tallystick.schemas.base import Day, Reference
from tallystick.schemas.programme import Programme
from tallystick.schemas.staffing import Auditor, StaffingPlan
from tallystick.service.auth import Principal, enter
from tallystick.service.clock import now
from tallystick.service.database import Database, ReadSession
from tallystick.service.pages.forms import Form, Forms, Refused
from tallystick.service.pages.navigation import home
from tallystick.service.pages.page import TAG, page
from tallystick.service.pages.words import local

router = APIRouter(tags=[TAG], include_in_schema=False)

BELOW = "/auditors"
PERSON = "person"
"""The form about an auditor."""
MOST_AUDITORS, MOST_PLANS = 1000, 30

Changed = Annotated[Reference | None, Query(description="Whom the form changes; without one it adds somebody.")]


@router.get(f"/programmes/{{programme}}{BELOW}")
async def show_auditors(request: Request, principal: Managing, programme: OfProgramme, auditor: Changed = None) -> Response:
    """Who audits, what they can do and when they are there, and the newest staffing plans."""
    enter(principal, programme)
    return await auditors_page(request, principal, programme, changed=auditor)


async def auditors_page(
    request: Request, principal: Principal, programme: str, refused: Refused | None = None, changed: str | None = None
) -> Response:
    """The page, with a form that was refused as it was sent, and with whom the form about auditors changes."""
    database: Database = request.app.state.database
    async with database.reading(principal) as session:
        document = await seen(session, programme)
        people, more = first_of(await _auditors(session, programme, MOST_AUDITORS + 1), MOST_AUDITORS)
        current = None if changed is None else _auditor(shown_auditor(await get_auditor(session, programme, changed)))
        plans, more_plans = first_of(await list_plans(session, programme, None, MOST_PLANS + 1), MOST_PLANS)
    path = f"{home(programme)}{BELOW}"
    forms = Forms(path, refused)
    to = _person_form(forms, current)
    return page(
        request,
        "auditors.html",
        status=200 if refused is None else refused.status,
        **head(request, principal, document, BELOW),
        view=staffing_view,
        active=[each for each in people if each.active],
        others=[each for each in people if not each.active],
        teams=staffing_view.teams(people),
        more=more,
        policies={each.code: each.name for each in document.policy_set.policies},
        plans=plans,
        more_plans=more_plans,
        path=path,
        changed=current,
        to=to,
        skills=skills(document, to),
        absences=absence_rows(to),
        today=_today(request, document),
        refused=refused,
        forms=forms,
    )


async def _auditors(session: ReadSession, programme: str, limit: int) -> list[Auditor]:
    rows = await list_auditors(session, programme, active=None, after=None, limit=limit)
    return [_auditor(shown_auditor(row)) for row in rows]


def _auditor(shown: dict[str, object]) -> Auditor:
    return Auditor.model_validate(shown)


def _person_form(forms: Forms, auditor: Auditor | None) -> Form:
    """The form that adds an auditor, or changes one."""
    return forms(PERSON, "/people", None if auditor is None else auditor.revision, filled_in(auditor))


def _today(request: Request, document: Programme) -> date:
    return local(now(request), document.time_zone).date()


@router.get(f"/programmes/{{programme}}{BELOW}/plans/{{staffing_id}}")
async def show_staffing_plan(
    request: Request,
    principal: Managing,
    programme: OfProgramme,
    staffing_id: UUID,
    day: Annotated[Day | None, Query(description="Whose work is shown; today's, or the first day's, without one.")] = None,
) -> Response:
    """One staffing plan: who does what when, what is not covered, what would help, and what caps cost."""
    enter(principal, programme)
    database: Database = request.app.state.database
    async with database.reading(principal) as session:
        document = await seen(session, programme)
        plan = StaffingPlan.model_validate(await get_plan(session, programme, staffing_id))
        people = await _auditors(session, programme, MOST_AUDITORS)
        about = {each.draw_id for each in plan.assignments} | {each.draw_id for each in plan.gaps}
        draws, strata = await name_draws(session, programme, about), await name_strata(session, programme, about)
    context = head(request, principal, document, BELOW)
    names = {each.auditor: each.name for each in people}
    chosen = staffing_view.shown_day(plan, day, _today(request, document))
    return page(
        request,
        "staffing.html",
        **context,
        view=staffing_view,
        plan=plan,
        names=names,
        named=staffing_view.Named(draws, strata, context["vendors"]),
        shares=staffing_view.shares(plan, names),
        day=chosen,
        work=[each for each in plan.assignments if each.day == chosen],
        path=f"{home(programme)}{BELOW}",
    )
