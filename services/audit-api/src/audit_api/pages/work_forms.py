"""The forms of the page of one's own work: claim, judge, have for longer, give back; breaks and opt-outs."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError
from sqlalchemy import Row

from audit_api.exposure.routes import put_break, put_opt_outs
from audit_api.items.claiming import Claimed, claim
from audit_api.items.records import get_item
from audit_api.items.routes import Auditing, create_hand_back, create_item_audit, create_renewal
from audit_api.pages.head import OfProgramme, seen
from audit_api.pages.say import Told
from audit_api.pages.work import BELOW, work_page
from tallystick.schemas.audit import Judgement, Verdict
from tallystick.schemas.exposure import NewBreak, OptOuts
from tallystick.schemas.programme import Programme
from tallystick.schemas.sampling import HandBack, NewItemAudit
from tallystick.service.auth import Principal, enter
from tallystick.service.clock import now
from tallystick.service.database import Database
from tallystick.service.forms import FromOurPage
from tallystick.service.pages.forms import Act, Fields, Kept, Refused, kept, taken, written
from tallystick.service.pages.navigation import home
from tallystick.service.pages.page import TAG

router = APIRouter(prefix=f"/programmes/{{programme}}{BELOW}", tags=[TAG], include_in_schema=False, dependencies=[FromOurPage])

NEXT = "next"
"""The value of the field `then`: hand me the next item at once."""


async def _answer(request: Request, principal: Principal, programme: str, act: Act, following: str = "") -> Response:
    enter(principal, programme)

    async def show(refused: Refused) -> Response:
        return await work_page(request, principal, programme, refused)

    return await taken(request, act, f"{home(programme)}{BELOW}{following}", show)


def _leading_to(programme: str, *told: str) -> str:
    query = urlencode([("told", each) for each in told])
    return f"{home(programme)}{BELOW}" + (f"?{query}" if query else "")


async def _claimed(request: Request, principal: Principal, programme: str, *, lighter: bool = False) -> list[str]:
    """Claim the next item, and say what came of it."""
    database: Database = request.app.state.database
    async with database.writing(principal) as session:
        claimed: Claimed = await claim(session, programme, now(request), lighter=lighter)
    if claimed.item is None:
        return [] if claimed.reason is None else [claimed.reason]
    return [Told.LIGHTER] if claimed.lighter else []


@router.post("/claim")
async def claim_next(request: Request, programme: OfProgramme, principal: Auditing) -> Response:
    """Be handed the next item, or something lighter."""

    async def act(fields: Fields) -> str:
        lighter = fields.get("lighter") is not None
        return _leading_to(programme, *await _claimed(request, principal, programme, lighter=lighter))

    return await _answer(request, principal, programme, act)


@router.post("/{item_id}/audit")
async def judge(request: Request, programme: OfProgramme, item_id: UUID, principal: Auditing) -> Response:
    """Record the judgement on the item in hand, and be handed the next one if that is wanted."""
    database: Database = request.app.state.database

    async def act(fields: Fields) -> str:
        async with database.writing(principal) as session:
            item = await get_item(session, programme, item_id)
            asked = NewItemAudit(judgement=_judgement(fields, item, await seen(session, programme)))
            await create_item_audit(request, item_id, asked, programme, principal, session, fields.key)
        more = await _claimed(request, principal, programme) if fields.get("then") == NEXT else []
        return _leading_to(programme, Told.RECORDED, *more)

    return await _answer(request, principal, programme, act)


def _judgement(fields: Fields, item: Row[Any], document: Programme) -> Judgement:
    """What a form says of an item. Who finds a decision correct has said all; what an error code says need not be said again."""
    given: dict[str, Any] = {name: fields.get(name) for name in ("verdict", "comment")}
    benchmark = {"benchmark_action": item.action, "benchmark_policy": item.policy}
    if given["verdict"] == Verdict.INCORRECT:
        benchmark = {name: fields.get(name) or otherwise for name, otherwise in benchmark.items()}
        found = ("error_class", "error_code", "severity", "attributable_to")
        given |= {name: fields.get(name) for name in found}
        code = next((each for each in document.error_taxonomy.codes if each.code == given["error_code"]), None)
        if code is not None:
            given["error_class"] = given["error_class"] or code.error_class
            given["severity"] = given["severity"] or code.severity
    return written(Judgement, **given, **benchmark, scorecard=_scorecard(fields, document))


def _scorecard(fields: Fields, document: Programme) -> list[dict[str, Any]] | None:
    ratings = {line.code: fields.get(f"rating_{line.code}") for line in document.scorecard}
    missing = [line for line in document.scorecard if ratings[line.code] is None]
    if missing:
        raise ValidationError.from_exception_data(
            "scorecard", [{"type": "missing", "loc": (f"rating_{line.code}",), "input": None} for line in missing]
        )
    return [
        {
            "code": line.code,
            "weight": line.weight,
            "auto_fail": line.auto_fail,
            "rating": None if (rating := ratings[line.code]) == "none" else rating,
        }
        for line in document.scorecard
    ] or None


@router.post("/{item_id}/renewal")
async def keep_longer(request: Request, programme: OfProgramme, item_id: UUID, principal: Auditing) -> Response:
    """Have the item in hand for longer; what was filled in so far stays there."""
    enter(principal, programme)
    database: Database = request.app.state.database

    async def act(fields: Fields) -> None:
        async with database.writing(principal) as session:
            await create_renewal(request, item_id, programme, principal, session, fields.if_match)

    async def show(shown: Refused | Kept) -> Response:
        return await work_page(request, principal, programme, shown)

    return await kept(request, act, show)


@router.post("/{item_id}/hand-back")
async def give_back(request: Request, programme: OfProgramme, item_id: UUID, principal: Auditing) -> Response:
    """Give the item in hand back."""
    database: Database = request.app.state.database

    async def act(fields: Fields) -> str:
        asked = written(HandBack, reason=fields.get("reason"), comment=fields.get("comment"))
        async with database.writing(principal) as session:
            await create_hand_back(request, item_id, asked, programme, principal, session, fields.if_match)
        return _leading_to(programme, Told.GIVEN_BACK)

    return await _answer(request, principal, programme, act)


@router.post("/break")
async def take_break(request: Request, programme: OfProgramme, principal: Auditing) -> Response:
    """Begin a break."""
    database: Database = request.app.state.database

    async def act(fields: Fields) -> None:
        asked = written(NewBreak, minutes=fields.get("minutes"))
        async with database.writing(principal) as session:
            await put_break(request, asked, programme, principal, session)

    return await _answer(request, principal, programme, act, "#care")


@router.post("/opt-outs")
async def opt_out(request: Request, programme: OfProgramme, principal: Auditing) -> Response:
    """Say which policies one is not to be handed work of."""
    database: Database = request.app.state.database

    async def act(fields: Fields) -> str:
        asked = written(OptOuts, policies=fields.all("policies"))
        async with database.writing(principal) as session:
            await put_opt_outs(asked, programme, principal, session)
        return f"{_leading_to(programme, Told.SAVED)}#care"

    return await _answer(request, principal, programme, act)
