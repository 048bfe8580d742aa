"""The page of one's own work: the item in hand and its judgement, one's own exposure, breaks and opt-outs."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from audit_api.exposure.gate import Gate, gate
from audit_api.exposure.routes import own_exposure
from audit_api.items.claiming import LIGHTER, MESSAGES
from audit_api.items.records import document as shown_item
from audit_api.items.records import in_hand
from audit_api.items.routes import Auditing
from audit_api.pages import say
from audit_api.pages.head import OfProgramme, head, seen
from audit_api.pages.say import Told
from audit_api.staffing.auditors import find_auditor
from tallystick.schemas.sampling import NoItem
from tallystick.service.auth import Principal, enter
from tallystick.service.clock import now
from tallystick.service.database import Database
from tallystick.service.pages.forms import Forms, Kept, Refused
from tallystick.service.pages.navigation import home
from tallystick.service.pages.page import TAG, page

router = APIRouter(tags=[TAG], include_in_schema=False)

BELOW = "/work"
JUDGE = "judge"
"""The form of the judgement."""


@router.get(f"/programmes/{{programme}}{BELOW}")
async def show_work(
    request: Request,
    principal: Auditing,
    programme: OfProgramme,
    told: Annotated[list[Told | NoItem], Query(description="What was done just now.", max_length=10)] = [],  # noqa: B006 - FastAPI copies defaults
) -> Response:
    """What the viewer has to audit."""
    enter(principal, programme)
    return await work_page(request, principal, programme, told=told)


async def work_page(
    request: Request,
    principal: Principal,
    programme: str,
    shown: Refused | Kept | None = None,
    told: list[Told | NoItem] | None = None,
) -> Response:
    """The page, with a form that is shown again as it was sent."""
    database: Database = request.app.state.database
    moment = now(request)
    async with database.reading(principal) as session:
        document = await seen(session, programme)
        auditor = await find_auditor(session, programme, principal.subject)
        held = await in_hand(session, programme, principal.subject)
        exposure = await own_exposure(request, session, programme)
        through = await gate(session, document, principal.subject, moment)
    item = shown_item(held, manager=False) if held is not None and held.lease_until > moment else None
    refused = shown if isinstance(shown, Refused) else None
    lost = shown is not None and shown.form == JUDGE and item is None
    return page(
        request,
        "my_work.html",
        status=200 if refused is None else refused.status,
        **head(request, principal, document, BELOW),
        say=say,
        staffed=auditor is not None and auditor.document["active"],
        item=item,
        exposure=exposure,
        policies={each.code: each.name for each in document.policy_set.policies},
        news=_news(told or [], through),
        nothing=_nothing(told or [], through),
        refused=refused,
        lost=[pair for pair in shown.fields.values if pair[0].startswith(_JUDGED)] if lost and shown is not None else [],
        forms=Forms(f"{home(programme)}{BELOW}", shown),
    )


_JUDGED = ("verdict", "benchmark_", "error_", "severity", "attributable_to", "rating_", "comment")
"""How the fields of a judgement begin."""


def _news(told: list[Told | NoItem], through: Gate) -> list[str]:
    """What was done just now, in sentences."""
    sentences = [say.TOLD[each] for each in told if isinstance(each, Told) and each in say.TOLD]
    return [*sentences, through.message or LIGHTER] if Told.LIGHTER in told else sentences


def _nothing(told: list[Told | NoItem], through: Gate) -> dict[str, Any] | None:
    """Why nothing is handed out: now, or when it was asked for just now."""
    if through.closed is not None:
        return _said(through.message, through.again_at)
    reason = next((each for each in told if each in MESSAGES), None)
    if not isinstance(reason, NoItem):
        return None
    if reason in {NoItem.DAY_IS_FULL, NoItem.WEEK_IS_FULL}:
        return _said(MESSAGES[reason], through.full_until)
    message = through.message if reason is NoItem.NOTHING_FITS else None
    return _said(message or MESSAGES[reason], through.again_at)


def _said(message: str | None, again_at: datetime | None) -> dict[str, Any]:
    return {"message": message, "again_at": again_at}
