"""The routes of exposure: a person's own ledger, and what managers may know of all together."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from audit_api.exposure import ledger
from audit_api.exposure.gate import break_due_at
from audit_api.exposure.problems import OptOutRefused
from audit_api.exposure.summary import WELLBEING, group_by_team
from audit_api.programmes.records import get_programme, read_document
from tallystick.schemas.exposure import Exposure, ExposureSummary, NewBreak, OptOuts
from tallystick.schemas.principal import Role
from tallystick.schemas.problem import ProblemError
from tallystick.service.auth import Principal, allowed, enter
from tallystick.service.clock import now
from tallystick.service.database import Database, Reading, ReadSession, Writing
from tallystick.service.parameters import ProgrammeQuery
from tallystick.service.problems import COMMON, InvalidRequest, responses
from tallystick.service.replies import reply

router = APIRouter(tags=["exposure"], responses=responses(*COMMON))

Auditing = Annotated[Principal, allowed(Role.ADMIN, Role.QUALITY_MANAGER, Role.AUDITOR)]
Managing = Annotated[Principal, allowed(Role.ADMIN, Role.QUALITY_MANAGER)]


@router.get("/v1/exposure", response_model=Exposure, summary="Read one's own exposure")
async def read_exposure(request: Request, programme: ProgrammeQuery, principal: Auditing, session: Reading) -> Response:
    """What looking at harmful content has added up to for whoever asks: today, this week, day by day. Nobody else can read it."""
    enter(principal, programme)
    return reply(await own_exposure(request, session, programme))


async def own_exposure(request: Request, session: ReadSession, programme: str) -> dict[str, Any]:
    """The ledger of the session's principal, as they are shown it."""
    document = await read_document(session, programme)
    me, moment, rules = session.principal.subject, now(request), document.exposure
    standing = await ledger.read_standing(session, document, me, moment)
    return {
        "programme": programme,
        "today": standing.today,
        "daily_cap": rules.daily_cap,
        "week": standing.week,
        "weekly_cap": rules.weekly_cap,
        "break_due_at": await break_due_at(session, document, me, moment),
        "break_until": standing.break_until,
        "opted_out": standing.opted_out,
        "days": await ledger.days(session, programme, me),
        "weeks": await ledger.weeks(session, programme, me),
    }


@router.get("/v1/exposure/summary", response_model=ExposureSummary, summary="Read the exposure of groups")
async def read_exposure_summary(
    request: Request,
    programme: ProgrammeQuery,
    principal: Managing,
    session: Reading,
    weeks: Annotated[int, Query(ge=1, le=104, description="How many of the newest weeks that are over.")] = 8,
) -> Response:
    """Means of groups of five people or more, by team and week, newest first. No figure is anybody's own.

    A week is told of when it is over everywhere and nothing of it is in hand: from then on its figures stay as they are.
    """
    enter(principal, programme)
    await get_programme(session, programme)
    database: Database = request.app.state.database
    async with database.reading(WELLBEING) as of_all:
        groups, hidden = await group_by_team(of_all, programme, weeks, now(request))
    return reply({"items": groups, "hidden": hidden})


@router.get("/v1/exposure/opt-outs", response_model=OptOuts, summary="Read one's own opt-outs")
async def read_opt_outs(programme: ProgrammeQuery, principal: Auditing, session: Reading) -> Response:
    """The policies that whoever asks is not handed work of. Nobody else can read them."""
    enter(principal, programme)
    await get_programme(session, programme)
    return reply({"policies": await ledger.opted_out(session, programme, principal.subject)})


@router.put(
    "/v1/exposure/opt-outs",
    response_model=OptOuts,
    responses=responses(OptOutRefused, InvalidRequest),
    summary="Opt out of policies",
)
async def put_opt_outs(new: OptOuts, programme: ProgrammeQuery, principal: Auditing, session: Writing) -> Response:
    """Take these policies, and no others, out of what one is handed. No reason is asked, and no manager sees it."""
    enter(principal, programme)
    document = await read_document(session, programme)
    known = {policy.code for policy in document.policy_set.policies}
    errors = [
        ProblemError(pointer=f"/policies/{index}", code="unknown_policy", detail="The programme knows no such policy.")
        for index, policy in enumerate(new.policies)
        if policy not in known
    ]
    if errors:
        raise OptOutRefused("Nothing was changed.", errors=errors)
    await ledger.opt_out(session, programme, principal.subject, new.policies)
    return reply({"policies": await ledger.opted_out(session, programme, principal.subject)})


@router.put("/v1/exposure/break", response_model=Exposure, responses=responses(InvalidRequest), summary="Take a break")
async def put_break(
    request: Request, new: NewBreak, programme: ProgrammeQuery, principal: Auditing, session: Writing
) -> Response:
    """Be handed nothing for so many minutes from now on. Asking again makes a break that is under way no shorter."""
    enter(principal, programme)
    await get_programme(session, programme)
    await ledger.take_break(session, programme, principal.subject, new.minutes, now(request))
    return reply(await own_exposure(request, session, programme))
