"""The pages of sampling: which plans there are, what was drawn and what it was committed to, for both sides."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import Row

from audit_api.lots.standard import AQLS
from audit_api.pages import say
from audit_api.pages.head import OfProgramme, first_of, head, seen
from audit_api.pages.plan_form import filled_in, scopes
from audit_api.sampling.draw_routes import RECEIPT_READERS, DrawsRead
from audit_api.sampling.draws import get_draw, list_draws, list_strata
from audit_api.sampling.plans import find_plan, list_plans, plan_document
from audit_api.sampling.routes import PLAN_READERS
from tallystick.schemas.principal import Role
from tallystick.schemas.sampling import DrawState, PlanPreview, SamplingPlan
from tallystick.service.auth import Principal, enter
from tallystick.service.database import Database
from tallystick.service.pages.forms import Form, Forms, Kept, Refused
from tallystick.service.pages.navigation import home
from tallystick.service.pages.page import TAG, page

router = APIRouter(tags=[TAG], include_in_schema=False)

BELOW = "/sampling"
MOST_AQL = 10
"""That a plan takes, of those that the standard has."""
MOST_PLANS, MOST_DRAWS, MOST_STRATA = 100, 100, 1000

Changed = Annotated[UUID | None, Query(description="The plan that the form changes; without one it drafts another.")]


@router.get(f"/programmes/{{programme}}{BELOW}")
async def show_sampling(request: Request, principal: DrawsRead, programme: OfProgramme, plan: Changed = None) -> Response:
    """The plans, for the client's people, and the draws as far as they are about the viewer."""
    enter(principal, programme)
    return await sampling_page(request, principal, programme, changed=plan)


async def sampling_page(
    request: Request,
    principal: Principal,
    programme: str,
    shown: Refused | Kept | None = None,
    preview: PlanPreview | None = None,
    changed: UUID | None = None,
) -> Response:
    """The page, with a form that is shown again as it was sent, what the plan in it would come to, and which plan it changes."""
    database: Database = request.app.state.database
    rows: list[Row[Any]] = []
    current: SamplingPlan | None = None
    async with database.reading(principal) as session:
        document = await seen(session, programme)
        if reads_plans := principal.holds(*PLAN_READERS):
            rows = await list_plans(session, programme, [], None, MOST_PLANS + 1)
        if changed is not None and principal.holds(Role.ADMIN, Role.QUALITY_MANAGER):
            current = plan_document(await find_plan(session, programme, changed))
        found = await list_draws(session, programme, plan_id=None, states=[], before=None, limit=MOST_DRAWS + 1)
    plans, more_plans = first_of(rows, MOST_PLANS)
    draws, more_draws = first_of(found, MOST_DRAWS)
    refused = shown if isinstance(shown, Refused) else None
    path = _path(programme)
    forms = Forms(path, shown)
    to = _plan_form(forms, current)
    return page(
        request,
        "sampling.html",
        status=200 if refused is None else refused.status,
        **head(request, principal, document, BELOW),
        say=say,
        reads_plans=reads_plans,
        plans=[plan_document(row) for row in plans],
        more_plans=more_plans,
        draws=draws,
        more_draws=more_draws,
        path=path,
        changed=current,
        to=to,
        scopes=scopes(document, to),
        preview=preview,
        refused=refused,
        forms=forms,
        aqls=[(f"{each:g}", f"{each:g}") for each in AQLS if each <= MOST_AQL],
    )


def _plan_form(forms: Forms, plan: SamplingPlan | None) -> Form:
    """The form that drafts a plan, or changes one."""
    if plan is None:
        return forms("plan", "/plans", standing=filled_in(None))
    return forms("plan", f"/plans/{plan.id}/changes", plan.revision, filled_in(plan))


@router.get(f"/programmes/{{programme}}{BELOW}/draws/{{draw_id}}")
async def show_draw(request: Request, principal: DrawsRead, programme: OfProgramme, draw_id: UUID) -> Response:
    """One draw: what it was committed to, its strata, and what it takes to repeat it."""
    enter(principal, programme)
    database: Database = request.app.state.database
    async with database.reading(principal) as session:
        document = await seen(session, programme)
        draw = await get_draw(session, programme, draw_id)
        strata, more = first_of(await list_strata(session, programme, draw_id, [], "", MOST_STRATA + 1), MOST_STRATA)
    return page(
        request,
        "draw.html",
        **head(request, principal, document, BELOW),
        say=say,
        draw=draw,
        strata=strata,
        more=more,
        receipts=_receipts(principal, strata) if draw.state is DrawState.DRAWN else [],
        path=_path(programme),
    )


def _path(programme: str) -> str:
    return f"{home(programme)}{BELOW}"


def _receipts(principal: Principal, strata: Any) -> list[str]:
    """The vendors whose receipts the viewer may read."""
    return sorted({each.vendor for each in strata}) if principal.holds(*RECEIPT_READERS) else []
