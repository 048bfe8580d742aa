"""The forms of the page of sampling: preview a plan, draft it, publish it, retire it."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from audit_api.pages.head import OfProgramme
from audit_api.pages.sampling import BELOW, sampling_page
from audit_api.sampling.routes import Planning, create_publication, create_retirement, create_sampling_plan, previewed
from tallystick.schemas.base import Wire
from tallystick.schemas.sampling import (
    AcceptanceAllocation,
    FixedAllocation,
    NewSamplingPlan,
    NeymanAllocation,
    PlanPreview,
    PowerAllocation,
    PrecisionAllocation,
    ProportionalAllocation,
)
from tallystick.service.auth import Principal, enter
from tallystick.service.database import Database
from tallystick.service.forms import FromOurPage
from tallystick.service.pages.forms import Act, Fields, Kept, Refused, decimal, kept, share, taken, written
from tallystick.service.pages.navigation import home
from tallystick.service.pages.page import TAG

router = APIRouter(prefix=f"/programmes/{{programme}}{BELOW}", tags=[TAG], include_in_schema=False, dependencies=[FromOurPage])

_KINDS: dict[str, type[Wire]] = {
    "fixed": FixedAllocation,
    "proportional": ProportionalAllocation,
    "neyman": NeymanAllocation,
    "precision": PrecisionAllocation,
    "power": PowerAllocation,
    "acceptance": AcceptanceAllocation,
}
_NAMED = {"power": "allocation_power_power"}
"""The fields that are not named as what they are: what is wrong with any number of the kind `power` is wrong at `power`."""
_READ = dict.fromkeys(("half_width", "confidence", "difference", "power", "expected_error_rate"), share) | {"aql": decimal}
"""How those that are no whole numbers are read."""
_AS_TYPED = ("title", "period", "starts_on", "ends_on", "minimum_per_stratum", "minimum_per_moderator", "due_days", "priority")


async def _answer(request: Request, principal: Principal, programme: str, act: Act) -> Response:
    enter(principal, programme)

    async def show(refused: Refused) -> Response:
        return await sampling_page(request, principal, programme, refused)

    return await taken(request, act, f"{home(programme)}{BELOW}#plans", show)


def _plan(fields: Fields) -> NewSamplingPlan:
    """The plan that a form says. What was left empty has its default."""
    budget = {"audits": fields.get("budget_audits"), "hours": _read(decimal, fields.get("budget_hours"))}
    return written(
        NewSamplingPlan,
        **{name: fields.get(name) for name in _AS_TYPED},
        strata=fields.all("strata"),
        allocation=_allocation(fields),
        budget=_given(budget),
        minutes_per_audit=_read(decimal, fields.get("minutes_per_audit")),
    )


def _allocation(fields: Fields) -> dict[str, Any]:
    """The numbers that the chosen kind has; those of other kinds may stand in the form as well."""
    kind = fields.get("kind")
    names = _KINDS[kind].model_fields.keys() - {"kind"} if kind in _KINDS else ()
    typed = {name: fields.get(_NAMED.get(name, name)) for name in names}
    return _given({"kind": kind, **{name: _read(_READ[name], text) if name in _READ else text for name, text in typed.items()}})


def _read(read: Callable[[str | None], float | None], text: str | None) -> float | str | None:
    """The number that was typed; where it is none, the text, which the plan then refuses beside its field."""
    try:
        return read(text)
    except ValidationError:
        return text


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


@router.post("/previews")
async def preview_plan(request: Request, programme: OfProgramme, principal: Planning) -> Response:
    """Show what the plan would come to; the form stays as it was filled in, and nothing is kept."""
    enter(principal, programme)
    database: Database = request.app.state.database
    found: list[PlanPreview] = []

    async def act(fields: Fields) -> None:
        new = _plan(fields)
        async with database.reading(principal) as session:
            found.append(await previewed(request, session, programme, new))

    async def show(shown: Refused | Kept) -> Response:
        return await sampling_page(request, principal, programme, shown, next(iter(found), None))

    return await kept(request, act, show)


@router.post("/plans")
async def draft_plan(request: Request, programme: OfProgramme, principal: Planning) -> Response:
    """Draft the plan."""
    database: Database = request.app.state.database

    async def act(fields: Fields) -> None:
        new = _plan(fields)
        async with database.writing(principal) as session:
            await create_sampling_plan(request, new, principal, session, programme, fields.key)

    return await _answer(request, principal, programme, act)


@router.post("/plans/{plan_id}/publication")
async def publish_plan(request: Request, programme: OfProgramme, plan_id: UUID, principal: Planning) -> Response:
    """Publish a plan as it stands, and commit its draws."""
    database: Database = request.app.state.database

    async def act(fields: Fields) -> None:
        async with database.writing(principal) as session:
            await create_publication(request, plan_id, programme, principal, session, fields.if_match)

    return await _answer(request, principal, programme, act)


@router.post("/plans/{plan_id}/retirement")
async def retire_plan(request: Request, programme: OfProgramme, plan_id: UUID, principal: Planning) -> Response:
    """End a plan."""
    database: Database = request.app.state.database

    async def act(fields: Fields) -> None:
        async with database.writing(principal) as session:
            await create_retirement(request, plan_id, programme, principal, session, fields.if_match)

    return await _answer(request, principal, programme, act)
