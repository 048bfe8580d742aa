"""The client and rca-api, together on a socket."""

from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI

from conftest import listening
from tallystick.client import ProblemError, Tallystick
from tallystick.identity import sign_token
from tallystick.schemas.case import Audience, CaseState, NewCase
from tallystick.schemas.principal import Role


async def test_a_case_is_opened_talked_about_and_closed(rca_app: FastAPI, identity: Path, programme: str) -> None:
    """Its conversation is read page by page, and the feed brings what changed."""
    token = sign_token(identity, subject="nina", roles=[Role.ADMIN], programmes=["*"], vendor=None, ttl=timedelta(minutes=5))
    async with listening(rca_app) as address, Tallystick(token=token, rca=address) as tallystick:
        case = await tallystick.cases.open(programme, NewCase(vendor="acme", title="Live in Lisbon"))
        said = await tallystick.cases.say(programme, case.id, "Have you seen this?")
        kept = await tallystick.cases.say(programme, case.id, "They have not.", Audience.INTERNAL)
        current = await tallystick.cases.read(programme, case.id)
        closed = await tallystick.cases.close(programme, case.id, "Fixed.", revision=current.revision)

        assert [each.id async for each in tallystick.cases.messages(programme, case.id, page=1)] == [said.id, kept.id]
        assert [each.id async for each in tallystick.cases.list(programme, {"state": ["closed"]})] == [case.id]
        assert closed.state is CaseState.CLOSED
        pages = [page async for page in tallystick.changes(programme, source="rca", wait=0)]
        assert "case" in {change["noun"] for page in pages for change in page.changes}
        with pytest.raises(ProblemError):
            await tallystick.cases.close(programme, case.id, "Again.", revision=current.revision)
