"""`tallystick appeals`, against a running audit-api: the story of an appeal from the file to the arbitration."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import cast
from uuid import UUID

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount

from appeals import recorded, submitted
from conftest import Caller, listening
from factories import programme_document
from shared.cli.conftest import Ran
from tallystick.cli import main
from tallystick.client import ProblemError, Tallystick
from tallystick.identity import sign_token
from tallystick.schemas.appeal import Decision, NewAppeal, Proposal
from tallystick.schemas.principal import Role

Run = Callable[..., Awaitable[Ran]]
PEOPLE = {
    "poc": ([Role.VENDOR_POC], "acme"),
    "judge": ([Role.AUDITOR], None),
    "manager": ([Role.QUALITY_MANAGER], None),
}


@pytest.fixture
async def gateway(audit_app: FastAPI) -> AsyncIterator[str]:
    """audit-api under the prefix at which a gateway shows it."""
    async with listening(cast("FastAPI", Starlette(routes=[Mount("/audit", app=audit_app)]))) as address:
        yield address


@pytest.fixture
def token(identity: Path) -> Callable[[str], str]:
    """Access tokens of people."""

    def sign(who: str) -> str:
        roles, vendor = PEOPLE[who]
        return sign_token(identity, subject=who, roles=roles, programmes=["*"], vendor=vendor, ttl=timedelta(minutes=10))

    return sign


@pytest.fixture
def run(
    gateway: str, token: Callable[[str], str], programme: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Run `tallystick appeals …` as somebody, in a thread beside the service."""
    monkeypatch.setenv("TALLYSTICK_URL", gateway)
    monkeypatch.setenv("TALLYSTICK_PROGRAMME", programme)
    monkeypatch.setenv("COLUMNS", "250")

    async def as_(who: str, *arguments: object) -> Ran:
        monkeypatch.setenv("TALLYSTICK_TOKEN", token(who))
        capsys.readouterr()
        with pytest.raises(SystemExit) as exit_:
            await asyncio.to_thread(main, ["appeals", *map(str, arguments)])
        captured = capsys.readouterr()
        return Ran(exit_.value.code if isinstance(exit_.value.code, int) else 0, captured.out, captured.err)

    return as_


def _json(ran: Ran) -> list[dict[str, object]]:
    """What a run wrote as JSON, without the log of the service beside it."""
    assert ran.code == 0, ran.err
    return [json.loads(line) for line in ran.out.splitlines() if line.startswith("{")]


async def test_a_file_of_appeals_is_raised_and_decided(
    run: Run, audit_app: FastAPI, caller: Caller, programme: str, tmp_path: Path
) -> None:
    """Pushed twice without harm, listed, claimed, decided, read and acknowledged; rows that were not taken are left."""
    await recorded(caller(audit_app, Role.ADMIN, subject="recorder"), programme, "A-1", "A-2")
    file = tmp_path / "appeals.csv"
    file.write_text(
        "external_id,ground,comment,evidence,proposed.verdict,proposed.severity\n"
        "A-1,context_missed,Satire.,case-7 case-8,correct,\nA-2,wrong_severity,One word.,,,minor\nA-9,technical,Lost.,,correct,\n"
    )
    nowhere = await run("poc", "submit", file, "--out", tmp_path / "nowhere")
    nothing_sent = _json(await run("poc", "list", "--json"))
    first, again = await run("poc", "submit", file), await run("poc", "submit", file, "--json")
    missing = await run("poc", "submit", tmp_path / "none.csv")
    listed = _json(await run("poc", "list", "--state", "submitted", "--json"))
    table = await run("manager", "list", "--not-overdue", "--limit", 1, "--to", "2020-01-01")
    claimed = await run("judge", "claim", "--language", "es")
    [waiting] = _json(await run("judge", "list", "--state", "in_review", "--json"))
    appeal = waiting["id"]
    misuse = await run("judge", "decide", appeal, "--outcome", "amended", "--reason", "So.")
    amended = await run("judge", "decide", appeal, "--outcome", "amended", "--reason", "So.", "--severity", "critical")
    acknowledged = await run("poc", "acknowledge", appeal)
    await run("poc", "escalate", appeal, "--reason", "No.")
    nothing = await run("judge", "claim", "--stage", "arbitration")
    arbitrated = await run("manager", "claim", "--stage", "arbitration")
    await run("manager", "release", appeal, "--reason", "Not now.")
    withdrawn = await run("poc", "withdraw", appeal, "--reason", "Agreed.")
    shown = await run("poc", "show", appeal)

    assert (nowhere.code, first.code, again.code) == (2, 3, 3)
    assert nothing_sent == []
    assert "1 rows were not taken" in first.err
    assert "not_found" in (tmp_path / "appeals.csv.rejected.csv").read_text()
    summary = next(json.loads(line) for line in again.out.splitlines() if line.startswith("{"))
    assert summary == {"file": str(file), "rows": 3, "created": 0, "duplicate": 2, "rejected": 1}
    assert {(each["ground"], tuple(cast("list[str]", each["evidence"]))) for each in listed} == {
        ("context_missed", ("case-7", "case-8")), ("wrong_severity", ()),
    }  # fmt: skip
    assert missing.code == 1
    assert str(appeal) not in table.out
    assert str(appeal) in claimed.out
    assert misuse.code == 2
    assert "amended" in amended.out
    assert acknowledged.code == 0
    assert "no appeal that you could decide" in nothing.err
    assert "in_review (arbitration)" in arbitrated.out
    assert "withdrawn (arbitration)" in withdrawn.out
    steps = [line.split("│")[2].strip() for line in shown.out.splitlines() if line.startswith("│") and line.count("│") == 7]
    assert steps == ["submit", "claim", "amend", "escalate", "claim", "release", "withdraw"]


async def test_a_list_says_when_appeals_are_due(run: Run, audit_app: FastAPI, caller: Caller, programme: str) -> None:
    """In UTC and to the minute: the end of a day in America is on the next one there."""
    admin = caller(audit_app, Role.ADMIN, subject="recorder")
    document = programme_document(programme, time_zone="America/Phoenix", targets={"appeal_turnaround_days": 3})
    await admin.put(f"/v1/programmes/{programme}", json=document, headers={"If-Match": "*"})
    [audit_id] = await recorded(admin, programme, "A-1")
    poc = caller(audit_app, Role.VENDOR_POC, vendor="acme", subject="poc")
    due_at = (await submitted(poc, programme, audit_id))["due_at"]
    listed = await run("poc", "list")

    assert due_at.endswith("T07:00:00Z")
    assert "due (UTC)" in listed.out
    assert f"{due_at[:10]} 07:00" in listed.out


async def test_the_client_raises_and_decides(
    audit_address: str, token: Callable[[str], str], audit_app: FastAPI, caller: Caller, programme: str
) -> None:
    """With models in and out; a step that comes after another one is refused."""
    [audit_id] = await recorded(caller(audit_app, Role.ADMIN, subject="recorder"), programme, "A-1")
    proposal = Proposal.model_validate({"verdict": "correct"})
    new = NewAppeal(audit_id=UUID(audit_id), ground="technical", comment="Not shown.", proposed=proposal)
    async with (
        Tallystick(token=token("poc"), audit=audit_address) as poc,
        Tallystick(token=token("judge"), audit=audit_address) as judge,
    ):
        pushed = await poc.appeals.submit_all(programme, [new, new])
        raised = await poc.appeals.submit(programme, new)
        claimed = await judge.appeals.claim(programme)
        assert claimed is not None
        decision = Decision(outcome="overturned", reason="It was not shown.")
        decided = await judge.appeals.decide(programme, claimed.id, decision, revision=claimed.revision)
        with pytest.raises(ProblemError) as late:
            await poc.appeals.withdraw(programme, raised.id, "Never mind.", revision=raised.revision)
        acknowledged = await poc.appeals.acknowledge(programme, raised.id, revision=decided.revision)
        history = await poc.appeals.history(programme, raised.id)
        listed = [appeal async for appeal in poc.appeals.list(programme, {"state": "overturned"})]
        nothing = await judge.appeals.claim(programme, {"language": ["pl"]})

    assert [row.appeal_id for row in pushed.results] == [raised.id] * 2
    assert (pushed.counts.created, pushed.counts.duplicate) == (1, 1)
    assert (decided.state, late.value.slug) == ("overturned", "precondition-failed")
    assert acknowledged.acknowledged_at is not None
    assert [step.action for step in history] == ["submit", "claim", "overturn"]
    assert [appeal.id for appeal in listed] == [raised.id]
    assert nothing is None
