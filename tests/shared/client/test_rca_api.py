"""The client and rca-api, together on a socket."""

from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI

from conftest import listening
from tallystick.client import ProblemError, Tallystick
from tallystick.identity import sign_token
from tallystick.schemas.case import (
    Audience,
    CaseChange,
    CasePriority,
    CaseState,
    CaseStep,
    EvidenceReference,
    LinkKind,
    NewCase,
)
from tallystick.schemas.cause import CauseChange, CauseDecision, NewCause, NewWhy, WhyChange
from tallystick.schemas.principal import Role

EVIDENCE = (EvidenceReference(reference="shift-plan-39"),)


async def test_a_case_is_opened_talked_about_and_closed(rca_app: FastAPI, identity: Path, programme: str) -> None:
    """Its conversation is read page by page, and the feed brings what changed."""
    token = sign_token(identity, subject="nina", roles=[Role.ADMIN], programmes=["*"], vendor=None, ttl=timedelta(minutes=5))
    async with listening(rca_app) as address, Tallystick(token=token, rca=address) as tallystick:
        case = await tallystick.cases.open(programme, NewCase(vendor="acme", title="Live in Lisbon"))
        said = await tallystick.cases.say(programme, case.id, "Have you seen this?")
        kept = await tallystick.cases.say(programme, case.id, "They have not.", Audience.INTERNAL)
        current = await tallystick.cases.read(programme, case.id)
        current = await tallystick.cases.change(
            programme, case.id, CaseChange(priority=CasePriority.HIGH), revision=current.revision
        )
        current = await tallystick.cases.step(programme, case.id, CaseStep.ANALYSE, revision=current.revision)
        why = await tallystick.cases.answer_why(programme, case.id, NewWhy(text="New people"))
        why = await tallystick.cases.change_why(
            programme, case.id, why.id, WhyChange(text="New people on the night shift"), revision=why.revision
        )
        cause = await tallystick.cases.propose_cause(programme, case.id, NewCause(code="new_people", why=why.id))
        cause = await tallystick.cases.change_cause(
            programme, case.id, cause.id, CauseChange(evidence=EVIDENCE), revision=cause.revision
        )
        cause = await tallystick.cases.decide_cause(
            programme, case.id, cause.id, CauseDecision(outcome="accepted"), revision=cause.revision
        )
        other = await tallystick.cases.open(programme, NewCase(vendor="acme", title="Live in Cairo"))
        link = await tallystick.cases.link(programme, other.id, case.id, LinkKind.CAUSED_BY)
        current = await tallystick.cases.step(programme, case.id, CaseStep.PLAN, revision=current.revision)
        closed = await tallystick.cases.close(
            programme, case.id, "Fixed.", revision=current.revision, override="Nothing is left to do."
        )

        assert (current.priority, why.text, cause.state) == ("high", "New people on the night shift", "accepted")
        assert [each.id for each in await tallystick.cases.whys(programme, case.id)] == [why.id]
        assert [each.id for each in await tallystick.cases.causes(programme, case.id)] == [cause.id]
        assert [each.id for each in await tallystick.cases.links(programme, case.id)] == [link.id]
        await tallystick.cases.unlink(programme, other.id, link.id)
        assert await tallystick.cases.links(programme, case.id) == ()
        steps = [each.step async for each in tallystick.cases.history(programme, case.id, page=2) if each.step]
        assert steps == ["open", "analyse", "plan", "override"]

        assert [each.id async for each in tallystick.cases.messages(programme, case.id, page=1)] == [said.id, kept.id]
        assert [each.id async for each in tallystick.cases.list(programme, {"state": ["closed"]})] == [case.id]
        assert closed.state is CaseState.CLOSED
        pages = [page async for page in tallystick.changes(programme, source="rca", wait=0)]
        assert "case" in {change["noun"] for page in pages for change in page.changes}
        with pytest.raises(ProblemError):
            await tallystick.cases.close(programme, case.id, "Again.", revision=current.revision)
