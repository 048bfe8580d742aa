"""The routes by which appeals move: an adjudicator claims and decides, a vendor withdraws, escalates and takes note."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import Row, or_, select, true

from audit_api.appeals.problems import AppealClaimed, AppealOpen, AppealParty, AppealRefused, AppealState
from audit_api.appeals.raising import promised
from audit_api.appeals.records import (
    IS_SUBMITTED,
    acknowledge,
    etag,
    find_appeal,
    get_appeal,
    move,
    open_appeal,
    possible,
    require_possible,
)
from audit_api.appeals.routes import AppealId, AppealsRaise
from audit_api.appeals.tables import appeals
from audit_api.audits.judging import Rules
from audit_api.audits.records import JUDGEMENT, find_audit, revise
from audit_api.audits.tables import audit_revisions, audits
from audit_api.metadata import idempotency_keys, streams
from audit_api.programmes.records import get_programme, put_programme, read_document
from tallystick.schemas import appeal as wire
from tallystick.schemas.appeal import Appeal, AppealAction, AppealStage, Decision, Note
from tallystick.schemas.audit import Judgement
from tallystick.schemas.base import Code
from tallystick.schemas.principal import Role
from tallystick.schemas.problem import ProblemError
from tallystick.schemas.programme import Programme
from tallystick.service.auth import Principal, allowed, enter
from tallystick.service.calendar import add_working_days
from tallystick.service.clock import now
from tallystick.service.database import ReadSession, WriteSession, Writing, scoped
from tallystick.service.feed import take_positions
from tallystick.service.idempotency import REPLAYED, IdempotencyKey, Once, Outcome
from tallystick.service.parameters import ProgrammeQuery
from tallystick.service.problems import (
    COMMON,
    IdempotencyKeyReused,
    InvalidRequest,
    PreconditionFailed,
    PreconditionRequired,
    RequestInProgress,
    responses,
)
from tallystick.service.replies import IfMatch, links, reply, require_match, revision_etag

router = APIRouter(tags=["appeals"], responses=responses(*COMMON))

ARBITRATORS = (Role.ADMIN, Role.QUALITY_MANAGER)
AppealsDecide = Annotated[Principal, allowed(*ARBITRATORS, Role.AUDITOR)]
_MANY = Query(description="Repeat it for several: any of them.")
_CHANGES = responses(AppealState, PreconditionFailed, PreconditionRequired, InvalidRequest)
_CLAIMED = {"appeal_id": "$response.body#/id", "programme": "$request.query.programme"}
_ACTIONS = {"upheld": AppealAction.UPHOLD, "overturned": AppealAction.OVERTURN, "amended": AppealAction.AMEND}


@router.post(
    "/v1/appeal-claims",
    response_model=Appeal,
    responses={
        200: {"links": links(_CLAIMED, "read_appeal", changing=("create_release", "create_decision"))},
        204: {"description": "There is none that you could decide"},
        **responses(RequestInProgress, InvalidRequest, IdempotencyKeyReused),
    },
    summary="Claim the next appeal",
)
async def create_claim(
    request: Request,
    programme: ProgrammeQuery,
    principal: AppealsDecide,
    session: Writing,
    language: Annotated[list[Code], _MANY] = [],  # noqa: B006 - FastAPI copies defaults
    market: Annotated[list[Code], _MANY] = [],  # noqa: B006
    stage: Annotated[list[AppealStage], _MANY] = [],  # noqa: B006
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """The appeal that is due first and that the caller may decide: no two callers get the same.

    It is never of an audit that the caller carried out, recorded or revised. Those in arbitration are for quality managers and
    admins, and never for who decided first. The claim lapses at `claimed_until`. The same key again claims no other one: it
    answers the appeal that was claimed, as it stands.
    """
    enter(principal, programme)
    moment = now(request)
    asked = orjson.dumps([language, market, stage])
    once = Once(idempotency_keys, session, programme, "create_claim", idempotency_key, asked)
    if (earlier := await once.earlier()) is not None:
        return await _answer(session, programme, earlier.id, moment, headers=REPLAYED)
    waiting = _claimable(session, programme, moment)
    for column, values in ((appeals.c.language, language), (appeals.c.market, market), (appeals.c.stage, stage)):
        if values:
            waiting = waiting.where(column.in_(values))
    if (await session.execute(waiting)).first() is None:  # whoever asks in vain writes nothing and keeps nobody waiting
        return Response(status_code=204)
    position = await take_positions(session, streams, programme, 1)
    current = (await session.execute(waiting.with_for_update(of=appeals, skip_locked=True))).one_or_none()
    if current is None:
        await session.roll_back()
        return Response(status_code=204)
    rules = (await read_document(session, programme)).appeals
    until = moment + timedelta(minutes=rules.claim_minutes)
    subject = principal.subject
    await move(session, current, AppealAction.CLAIM, position, moment, by=subject, claimed_by=subject, claimed_until=until)
    await once.keep(Outcome(current.id, position))
    return await _answer(session, programme, current.id, moment)


def _claimable(session: ReadSession, programme: str, moment: datetime) -> Any:
    """The statement of the appeal that is due first of those that wait for an adjudicator and that the principal may decide.

    It walks the index of what waits in the order in which it is due, and looks whose audit each is, until one will do.
    """
    c, a, r, subject = appeals.c, audits.c, audit_revisions.c, session.principal.subject
    audited = select(a.id).where(
        a.programme == c.programme, a.id == c.audit_id, or_(a.auditor == subject, a.recorded_by == subject)
    )
    revised = select(r.revision).where(r.programme == c.programme, r.audit_id == c.audit_id, r.recorded_by == subject)
    statement = scoped(select(appeals), appeals, programme, session.principal).where(
        IS_SUBMITTED,
        or_(c.expires_at.is_(None), c.expires_at > moment),
        or_(audited.exists(), revised.exists()).is_not(true()),
        c.decided_by.is_distinct_from(subject),
    )
    if not session.principal.holds(*ARBITRATORS):
        statement = statement.where(c.stage == AppealStage.REVIEW)
    return statement.order_by(c.due_at, c.submitted_at, c.id).limit(1)


@router.post(
    "/v1/appeals/{appeal_id}/release",
    response_model=Appeal,
    responses=_CHANGES | responses(AppealClaimed, *COMMON),
    summary="Release a claimed appeal",
)
async def create_release(
    request: Request,
    appeal_id: AppealId,
    note: Note,
    programme: ProgrammeQuery,
    principal: AppealsDecide,
    session: Writing,
    if_match: IfMatch = None,
) -> Response:
    """Give an appeal back undecided, so that somebody else can claim it. The vendor is not told the note."""
    step = AppealAction.RELEASE
    current, position, moment = await _begin(request, session, programme, appeal_id, if_match, step)
    _require_holder(current, principal)
    await move(session, current, step, position, moment, by=principal.subject, note=note.note)
    return await _answer(session, programme, appeal_id, moment)


@router.post(
    "/v1/appeals/{appeal_id}/decision",
    response_model=Appeal,
    responses=responses(
        AppealState, AppealRefused, AppealClaimed, AppealParty, PreconditionFailed, PreconditionRequired, InvalidRequest, *COMMON
    ),
    summary="Decide an appeal",
)
async def create_decision(
    request: Request,
    appeal_id: AppealId,
    decision: Decision,
    programme: ProgrammeQuery,
    principal: AppealsDecide,
    session: Writing,
    if_match: IfMatch = None,
) -> Response:
    """Uphold the audit, overturn it as the vendor proposes, or amend it, with the reasons that the vendor will read.

    To overturn or amend appends a revision to the audit, at the same moment. Only who holds the claim decides.
    """
    step = _ACTIONS[decision.outcome]
    current, position, moment = await _begin(request, session, programme, appeal_id, if_match, step)
    _require_holder(current, principal)
    audit = await find_audit(session, programme, current.audit_id)
    if principal.subject in await _parties(session, audit):
        raise AppealParty("You recorded or revised this audit.")
    configured = await get_programme(session, programme)
    document = Programme.model_validate(configured.document)
    judgement = _judgement(current, audit, decision)
    if judgement is not None:
        rules = Rules(document, None)
        _require_sound(rules, current, audit, decision, judgement)
        reason = f"Appeal {appeal_id} {decision.outcome}: {decision.reason}"
        await revise(session, audit, judgement, reason, position, moment, appeal_id=appeal_id)
        if (grown := rules.grown()) is not None:
            await put_programme(session, configured, grown)
        position = await take_positions(session, streams, programme, 1)
    await move(
        session,
        current,
        step,
        position,
        moment,
        by=principal.subject,
        note=decision.reason,
        decided_by=principal.subject,
        decided_at=moment,
        decided_revision=audit.revision + (judgement is not None),
        on_time=None if current.due_at is None else moment <= current.due_at,
        reason=decision.reason,
        escalate_until=_escalate_until(current, decision, document, moment),
    )
    return await _answer(session, programme, appeal_id, moment)


def _judgement(current: Row[Any], audit: Row[Any], decision: Decision) -> Judgement | None:
    """What the audit is to say after a decision; None where it stays as it is."""
    if decision.outcome == "overturned":
        return Judgement.model_validate({**current.proposed, "scorecard": audit.scorecard, "comment": audit.comment})
    return decision.judgement


def _require_sound(rules: Rules, current: Row[Any], audit: Row[Any], decision: Decision, judgement: Judgement) -> None:
    """Refuse a judgement that the programme does not take, and an amendment that is none."""
    place = "/judgement" if decision.outcome == "amended" else "/outcome"
    errors = [
        ProblemError(pointer=f"{place}{error.pointer}" if decision.judgement else place, code=error.code, detail=error.detail)
        for error in rules.check_judgement(judgement)
    ]
    if decision.outcome == "amended":
        given = {name: judgement.model_dump(mode="json")[name] for name in JUDGEMENT}
        if all(audit._mapping[name] == given[name] for name in JUDGEMENT):
            errors.append(ProblemError(pointer=place, code="same_as_audit", detail="The audit says this already: uphold it."))
        elif all(current.proposed[name] == given[name] for name in JUDGEMENT):
            errors.append(ProblemError(pointer=place, code="same_as_proposal", detail="The vendor proposes this: overturn it."))
    if errors:
        raise AppealRefused("The programme does not take this decision.", errors=errors)


def _escalate_until(current: Row[Any], decision: Decision, document: Programme, moment: datetime) -> datetime | None:
    if current.stage == AppealStage.ARBITRATION or decision.outcome == "overturned":
        return None
    return add_working_days(document.calendar, document.time_zone, moment, document.appeals.escalation_days)


async def _parties(session: ReadSession, audit: Row[Any]) -> set[str | None]:
    """Whose own work an audit is: who carried it out, recorded it or revised it."""
    statement = scoped(select(audit_revisions.c.recorded_by), audit_revisions, audit.programme, session.principal)
    revisers = await session.execute(statement.where(audit_revisions.c.audit_id == audit.id))
    return {audit.auditor, audit.recorded_by, *revisers.scalars()}


@router.post("/v1/appeals/{appeal_id}/withdrawal", response_model=Appeal, responses=_CHANGES, summary="Withdraw an appeal")
async def create_withdrawal(
    request: Request,
    appeal_id: AppealId,
    note: Note,
    programme: ProgrammeQuery,
    principal: AppealsRaise,
    session: Writing,
    if_match: IfMatch = None,
) -> Response:
    """Take an undecided appeal back. The audit stands as it is; in arbitration, as it was decided first."""
    step = AppealAction.WITHDRAW
    current, position, moment = await _begin(request, session, programme, appeal_id, if_match, step)
    await move(session, current, step, position, moment, by=principal.subject, note=note.note)
    return await _answer(session, programme, appeal_id, moment)


@router.post(
    "/v1/appeals/{appeal_id}/escalation",
    response_model=Appeal,
    responses=responses(AppealState, AppealOpen, PreconditionFailed, PreconditionRequired, InvalidRequest),
    summary="Escalate an appeal to arbitration",
)
async def create_escalation(
    request: Request,
    appeal_id: AppealId,
    note: Note,
    programme: ProgrammeQuery,
    principal: AppealsRaise,
    session: Writing,
    if_match: IfMatch = None,
) -> Response:
    """Have a decision looked at once more, by a quality manager who had no part in it. What is decided then is final."""
    step = AppealAction.ESCALATE
    current, position, moment = await _begin(request, session, programme, appeal_id, if_match, step)
    if (other := await open_appeal(session, programme, current.audit_id)) is not None:
        raise AppealOpen("The audit has been revised and appealed anew since.", appeal_id=str(other))
    document = await read_document(session, programme)
    await move(
        session,
        current,
        step,
        position,
        moment,
        by=principal.subject,
        note=note.note,
        stage=AppealStage.ARBITRATION,
        escalated_at=moment,
        escalate_until=None,
        acknowledged_by=None,
        acknowledged_at=None,
        **promised(document, moment),
    )
    return await _answer(session, programme, appeal_id, moment)


@router.post(
    "/v1/appeals/{appeal_id}/acknowledgement",
    response_model=Appeal,
    responses=_CHANGES,
    summary="Acknowledge what became of an appeal",
)
async def create_acknowledgement(
    request: Request,
    appeal_id: AppealId,
    programme: ProgrammeQuery,
    _principal: AppealsRaise,
    session: Writing,
    if_match: IfMatch = None,
) -> Response:
    """Say that the decision, or the expiry, has been read. It can still be escalated after that; once more says nothing new."""
    current, position, moment = await _begin(request, session, programme, appeal_id, if_match, None)
    if current.state not in {*wire.DECIDED, wire.AppealState.EXPIRED}:
        raise AppealState("There is nothing to acknowledge yet.", possible=possible(current, moment))
    if current.acknowledged_at is None:
        await acknowledge(session, current, position, moment)
    return await _answer(session, programme, appeal_id, moment)


async def _begin(
    request: Request,
    session: WriteSession,
    programme: str,
    appeal_id: UUID,
    if_match: str | None,
    step: AppealAction | None,
) -> tuple[Row[Any], int, datetime]:
    """What every step begins with: the lock and a position, the appeal as it stands, and whether it can take the step now."""
    enter(session.principal, programme)
    position = await take_positions(session, streams, programme, 1)
    moment = now(request)
    current = await find_appeal(session, programme, appeal_id)
    require_match(if_match, revision_etag(current.revision))
    if step is not None:
        require_possible(current, step, moment)
    return current, position, moment


def _require_holder(current: Row[Any], principal: Principal) -> None:
    if current.claimed_by != principal.subject:
        raise AppealClaimed("Only who has claimed it can do this.")


async def _answer(
    session: ReadSession, programme: str, appeal_id: UUID, moment: datetime, *, headers: dict[str, str] | None = None
) -> Response:
    appeal = await get_appeal(session, programme, appeal_id, moment)
    return reply(appeal, etag=etag(appeal), headers=headers)
