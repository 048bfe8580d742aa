"""The forms of the page of one case: each does what a route of the API does, as who is signed in."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from rca_api.cases.records import get_case
from rca_api.cases.routes import CasesAnswer, CasesWrite, update_case
from rca_api.cases.step_routes import create_closure, create_step
from rca_api.causes.routes import create_cause, create_cause_decision, update_cause
from rca_api.causes.why_routes import create_why, update_why
from rca_api.evidence.routes import create_evidence
from rca_api.links.routes import create_link, delete_link
from rca_api.messages.routes import create_message
from rca_api.pages.case import At, OfCase, case_page
from rca_api.pages.documents import seen
from rca_api.pages.references import evidence
from rca_api.pages.say import day_value
from tallystick.schemas.case import CaseChange, CaseMove, Closure, NewCaseLink, NewMessage, Participant
from tallystick.schemas.cause import CauseChange, CauseDecision, NewCause, NewWhy, WhyChange
from tallystick.service.auth import Principal, enter
from tallystick.service.forms import FromOurPage
from tallystick.service.pages.forms import Fields, Refused, share, taken, written
from tallystick.service.pages.page import TAG

router = APIRouter(
    prefix="/programmes/{programme}/cases/{case_id}", tags=[TAG], include_in_schema=False, dependencies=[FromOurPage]
)


async def _answer(at: At, principal: Principal, act: Callable[[Fields], Awaitable[None]], part: str) -> Response:
    """Do what a form asks for, and lead on to the part of the page that shows it."""
    enter(principal, at.programme)

    async def show(refused: Refused) -> Response:
        return await case_page(at, principal, refused)

    return await taken(at.request, act, f"{at.path}#{part}", show)


@router.post("/changes")
async def change(at: OfCase, principal: CasesWrite) -> Response:
    """Give the case another owner, priority, due date, title or description."""

    async def act(fields: Fields) -> None:
        document = await seen(at.request, principal, at.programme)
        async with at.database.reading(principal) as session:
            current = await get_case(session, at.programme, at.case_id)
        given: dict[str, Any] = {name: fields.get(name) for name in ("title", "priority", "description", "owner")}
        if (fields.get("due_at") or "") != day_value(current.due_at, document.time_zone):
            given["due_at"] = fields.end_of_day("due_at", document.time_zone)
        asked = CaseChange.model_validate(given)
        async with at.database.writing(principal) as session:
            await update_case(at.request, at.case_id, asked, at.programme, principal, session, fields.if_match)

    return await _answer(at, principal, act, "standing")


@router.post("/participants")
async def add_participant(at: OfCase, principal: CasesWrite) -> Response:
    """Let somebody take part."""

    def with_one(there: list[Participant], fields: Fields) -> list[Participant]:
        one = written(Participant, subject=fields.get("subject"), vendor=fields.get("of"))
        return [each for each in there if each != one] + [one]

    return await _participants(at, principal, with_one)


@router.post("/participants/removal")
async def remove_participant(at: OfCase, principal: CasesWrite) -> Response:
    """Let somebody take part no longer."""

    def without_one(there: list[Participant], fields: Fields) -> list[Participant]:
        one = written(Participant, subject=fields.get("subject"), vendor=fields.get("of"))
        return [each for each in there if each != one]

    return await _participants(at, principal, without_one)


async def _participants(
    at: At, principal: Principal, become: Callable[[list[Participant], Fields], list[Participant]]
) -> Response:
    """Change who takes part: what the case has by now, where that is still the revision of the form."""

    async def act(fields: Fields) -> None:
        async with at.database.writing(principal) as session:
            case = await get_case(session, at.programme, at.case_id)
            there = [Participant.model_validate(each) for each in case.participants]
            asked = CaseChange(participants=tuple(become(there, fields)))
            await update_case(at.request, at.case_id, asked, at.programme, principal, session, fields.if_match)

    return await _answer(at, principal, act, "standing")


@router.post("/links")
async def link(at: OfCase, principal: CasesWrite) -> Response:
    """Link the case to another one."""

    async def act(fields: Fields) -> None:
        asked = written(NewCaseLink, kind=fields.get("kind"), to=fields.get("to"))
        async with at.database.writing(principal) as session:
            await create_link(at.request, at.case_id, asked, at.programme, principal, session, fields.key)

    return await _answer(at, principal, act, "standing")


@router.post("/links/{link_id}/removal")
async def unlink(at: OfCase, link_id: UUID, principal: CasesWrite) -> Response:
    """Take a link away."""

    async def act(_: Fields) -> None:
        async with at.database.writing(principal) as session:
            await delete_link(at.request, at.case_id, link_id, at.programme, principal, session)

    return await _answer(at, principal, act, "standing")


@router.post("/steps")
async def step(at: OfCase, principal: CasesWrite) -> Response:
    """Move the case on."""

    async def act(fields: Fields) -> None:
        asked = written(CaseMove, step=fields.get("step"), note=fields.get("note"))
        await create_step(at.request, at.case_id, asked, at.programme, principal, fields.if_match)

    return await _answer(at, principal, act, "standing")


@router.post("/closure")
async def close(at: OfCase, principal: CasesWrite) -> Response:
    """Close the case, though something is missing where a reason is given."""

    async def act(fields: Fields) -> None:
        asked = written(Closure, conclusion=fields.get("conclusion"), override=fields.get("override"))
        await create_closure(at.request, at.case_id, asked, at.programme, principal, fields.if_match)

    return await _answer(at, principal, act, "standing")


@router.post("/evidence")
async def gather(at: OfCase, principal: CasesWrite) -> Response:
    """Have the evidence gathered anew."""

    async def act(fields: Fields) -> None:
        async with at.database.writing(principal) as session:
            await create_evidence(at.request, at.case_id, at.programme, principal, session, fields.if_match)

    return await _answer(at, principal, act, "evidence")


@router.post("/messages")
async def speak(at: OfCase, principal: CasesAnswer) -> Response:
    """Say something."""

    async def act(fields: Fields) -> None:
        asked = written(
            NewMessage,
            audience=fields.get("audience"),
            text=fields.get("text"),
            mentions=fields.listed("mentions"),
            attachments=evidence(fields),
        )
        async with at.database.writing(principal) as session:
            await create_message(at.request, at.case_id, asked, at.programme, principal, session, fields.key)

    return await _answer(at, principal, act, "conversation")


@router.post("/whys")
async def answer_why(at: OfCase, principal: CasesAnswer) -> Response:
    """Answer a why."""

    async def act(fields: Fields) -> None:
        asked = written(
            NewWhy,
            parent=fields.get("parent"),
            text=fields.get("text"),
            category=fields.get("category"),
            evidence=evidence(fields),
            audience=fields.get("audience"),
        )
        async with at.database.writing(principal) as session:
            await create_why(at.request, at.case_id, asked, at.programme, principal, session, fields.key)

    return await _answer(at, principal, act, "whys")


@router.post("/whys/{why_id}")
async def change_why(at: OfCase, why_id: UUID, principal: CasesAnswer) -> Response:
    """Say it in other words, with other evidence, or strike it out."""

    async def act(fields: Fields) -> None:
        struck = fields.get("struck")
        given = {"text": fields.get("text"), "category": fields.get("category"), "evidence": evidence(fields)}
        asked = WhyChange.model_validate(given if struck is None else {"struck": struck == "yes"})
        async with at.database.writing(principal) as session:
            await update_why(at.request, at.case_id, why_id, asked, at.programme, principal, session, fields.if_match)

    return await _answer(at, principal, act, "whys")


@router.post("/causes")
async def propose(at: OfCase, principal: CasesAnswer) -> Response:
    """Propose a root cause."""

    async def act(fields: Fields) -> None:
        asked = written(
            NewCause,
            code=fields.get("code"),
            text=fields.get("text"),
            share=share(fields.get("share")),
            why=fields.get("why"),
            evidence=evidence(fields),
            audience=fields.get("audience"),
        )
        await create_cause(at.request, at.case_id, asked, at.programme, principal, fields.key)

    return await _answer(at, principal, act, "causes")


@router.post("/causes/{cause_id}")
async def change_cause(at: OfCase, cause_id: UUID, principal: CasesAnswer) -> Response:
    """Give a root cause another text, share or evidence."""

    async def act(fields: Fields) -> None:
        given = {"text": fields.get("text"), "share": share(fields.get("share")), "evidence": evidence(fields)}
        asked = CauseChange.model_validate(given)
        async with at.database.writing(principal) as session:
            await update_cause(at.request, at.case_id, cause_id, asked, at.programme, principal, session, fields.if_match)

    return await _answer(at, principal, act, "causes")


@router.post("/causes/{cause_id}/decision")
async def decide(at: OfCase, cause_id: UUID, principal: CasesWrite) -> Response:
    """Take a root cause for one, or not."""

    async def act(fields: Fields) -> None:
        asked = written(CauseDecision, outcome=fields.get("outcome"), reason=fields.get("reason"))
        async with at.database.writing(principal) as session:
            await create_cause_decision(
                at.request, at.case_id, cause_id, asked, at.programme, principal, session, fields.if_match
            )

    return await _answer(at, principal, act, "causes")
