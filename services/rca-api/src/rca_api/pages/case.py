"""The page of one case: where it stands, what it rests on, why it went wrong, what is said, and what can be done next."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response
from sqlalchemy import Row

from rca_api.actions.records import of_case
from rca_api.cases.guards import missing
from rca_api.cases.history import list_events
from rca_api.cases.records import document as shown
from rca_api.cases.records import get_case, list_cases, possible
from rca_api.cases.routes import CasesRead
from rca_api.causes.records import document as shown_cause
from rca_api.causes.records import list_causes
from rca_api.causes.whys import document as shown_why
from rca_api.causes.whys import list_whys
from rca_api.evidence.records import list_evidence
from rca_api.links.records import list_links
from rca_api.messages.records import list_messages
from rca_api.pages import action_view, case_view, say
from rca_api.pages.board import BELOW
from rca_api.pages.documents import seen
from rca_api.pages.head import OfProgramme, head
from rca_api.plans.records import document as shown_plan
from rca_api.plans.records import find_plan
from rca_api.signals.records import of_case as signals_of
from tallystick.schemas.case import FINISHED, Audience, CaseStep, LinkKind
from tallystick.schemas.plan import CasePlan
from tallystick.schemas.principal import Role
from tallystick.schemas.signal import Signal
from tallystick.service.auth import Principal
from tallystick.service.clock import now
from tallystick.service.database import Database, ReadSession
from tallystick.service.pages.forms import Forms, Refused
from tallystick.service.pages.navigation import home
from tallystick.service.pages.page import TAG, page

router = APIRouter(tags=[TAG], include_in_schema=False)

MESSAGES_SHOWN, EVENTS_SHOWN = 500, 500
LINKABLE = 300
"""Cases that one can be linked to: those opened last."""


@dataclass(frozen=True, slots=True)
class At:
    """The page of a case, as it is asked for."""

    request: Request
    programme: str
    case_id: UUID

    @property
    def path(self) -> str:
        """Of the page."""
        return f"{home(self.programme)}{BELOW}/{self.case_id}"

    @property
    def database(self) -> Database:
        """Of the service."""
        found: Database = self.request.app.state.database
        return found


async def _at(request: Request, programme: OfProgramme, case_id: Annotated[UUID, Path(description="The case's id.")]) -> At:
    return At(request, programme, case_id)


OfCase = Annotated[At, Depends(_at)]


@router.get("/programmes/{programme}/cases/{case_id}")  # noqa: FAST003 - they are in `OfCase`
async def show_case(at: OfCase, principal: CasesRead) -> Response:
    """One case, as its viewer may see it."""
    return await case_page(at, principal)


async def case_page(at: At, principal: Principal, refused: Refused | None = None) -> Response:
    """The page, with a form that was refused as it was sent."""
    document = await seen(at.request, principal, at.programme)
    moment = now(at.request)
    async with at.database.reading(principal) as session:
        row = await get_case(session, at.programme, at.case_id)
        context = await _about(session, row, principal, document.time_zone)
    case, plan = shown(row, moment), context.pop("plan")
    actions = context.pop("actions")
    names = {each.code: each.name for each in document.cause_taxonomy}
    head_of = head(at.request, principal, document, BELOW)
    return page(
        at.request,
        "case.html",
        status=200 if refused is None else refused.status,
        **head_of,
        **context,
        say=say,
        view=case_view,
        case=case,
        acts=action_view,
        items=action_view.items(actions, principal, moment, {each.id: each for each in actions}),
        plan=None if plan is None else CasePlan.model_validate(shown_plan(plan)),
        going=case["state"] not in FINISHED,
        scope=say.scope(case["scope"]),
        error_names={each.code: each.name for each in document.error_taxonomy.codes},
        steps=case_view.following(case, context["missing"]),
        tree=case_view.tree(context["whys"]),
        bones=case_view.bones(context["whys"], context["causes"], names),
        cause_names=names,
        taxonomy=[(each.code, f"{say.CATEGORIES[each.category]}: {each.name}") for each in document.cause_taxonomy],
        why_options=[(each["id"], each["text"][:80]) for each in context["whys"] if not each["struck"]],
        own_vendor=principal.vendor,
        subject=principal.subject,
        refused=refused,
        forms=Forms(at.path, refused),
        here=at.path,
        board=f"{home(at.programme)}{BELOW}",
    )


async def _about(session: ReadSession, row: Row[Any], principal: Principal, zone: str) -> dict[str, Any]:
    """Everything on a case that the viewer may read."""
    programme, case_id = row.programme, row.id
    pieces = await list_evidence(session, programme, case_id)
    audience = Audience.VENDOR if principal.vendor else Audience.INTERNAL
    links = [_link(link, case_id) for link in await list_links(session, programme, case_id)]
    others = {each["other"]: await get_case(session, programme, each["other"]) for each in links}
    return {
        "missing": {step: await _lacks(session, row, step) for step in possible(row)},
        "evidence": case_view.evidence(pieces, audience),
        "shared": case_view.evidence(pieces, Audience.VENDOR) if principal.vendor is None and row.vendor else None,
        "chart_address": case_view.decomposition_chart(row, audience),
        "signals": [Signal.model_validate(each) for each in await signals_of(session, row)],
        "whys": [shown_why(each) for each in await list_whys(session, programme, case_id)],
        "causes": [shown_cause(each) for each in await list_causes(session, programme, case_id)],
        "messages": await list_messages(session, programme, case_id, 0, MESSAGES_SHOWN),
        "events": await list_events(session, programme, case_id, None, EVENTS_SHOWN),
        "actions": await of_case(session, row),
        "plan": await find_plan(session, programme, case_id),
        "links": [(each["label"], others[each["other"]], each["own"]) for each in links],
        "linkable": await _linkable(session, row, zone) if principal.holds(Role.ADMIN, Role.QUALITY_MANAGER) else [],
    }


async def _linkable(session: ReadSession, row: Row[Any], zone: str) -> list[tuple[UUID, str]]:
    """The cases that one can be linked to, the newest first, with what tells them apart."""
    found = await list_cases(session, row.programme, {}, overdue=None, before=None, limit=LINKABLE)
    return [
        (each.id, f"{each.title} ({say.STATES[each.state].lower()}, {say.day_of(each.opened_at, zone)})")
        for each in found
        if each.id != row.id
    ]


async def _lacks(session: ReadSession, row: Row[Any], step: CaseStep) -> Sequence[str]:
    return [error.detail for error in await missing(session, row, step)]


def _link(link: Row[Any], case_id: UUID) -> dict[str, Any]:
    """A link as it is read from this case: its kind turned round where it comes from the other, whose it is to take away then."""
    if link.case_id == case_id:
        return {"label": say.LINKS[LinkKind(link.kind)], "other": link.to, "own": link.id}
    return {"label": say.LINKED[LinkKind(link.kind)], "other": link.case_id, "own": None}
