"""The client and the command on plans and draws, together with audit-api on a socket."""

import gzip
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from appeals import Clock, moved_by_hand
from conftest import Caller
from sampling import Drawn, drawn, next_monday, plan_document
from tallystick.cli import main
from tallystick.client import ProblemError, Tallystick
from tallystick.identity import sign_token
from tallystick.schemas.audit import Judgement
from tallystick.schemas.base import new_id
from tallystick.schemas.decision import Decision
from tallystick.schemas.principal import Role
from tallystick.schemas.programme import Weekday
from tallystick.schemas.sampling import (
    DrawState,
    HandBack,
    HandBackReason,
    ItemState,
    NewItemAudit,
    NewSamplingPlan,
    PlanState,
    Receipt,
    StratumDimension,
)
from tallystick.schemas.staffing import NewAuditor

Verify = Callable[..., tuple[int, str, str]]


@pytest.fixture
def clock(audit_app: FastAPI) -> Any:
    """The clock of audit-api, which the test moves."""
    with moved_by_hand(audit_app) as clock:
        yield clock


@pytest.fixture
async def tallystick(audit_address: str, identity: Path) -> AsyncIterator[Tallystick]:
    """A client of a quality manager."""
    role, ttl = [Role.QUALITY_MANAGER], timedelta(minutes=10)
    token = sign_token(identity, subject="someone", roles=role, programmes=["*"], vendor=None, ttl=ttl)
    async with Tallystick(token=token, audit=audit_address, patience_s=5) as client:
        yield client


@pytest.fixture
def verify(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Verify:
    """Run `tallystick sample verify`: its exit code, output and complaints."""
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: Path | str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as exit_:
            main(["sample", "verify", *map(str, arguments)])
        captured = capsys.readouterr()
        return int(exit_.value.code or 0), captured.out, captured.err

    return run


@pytest.fixture
async def made(audit_app: FastAPI, caller: Caller, clock: Clock, programme: str) -> Drawn:
    """A draw that was made."""
    return await drawn(audit_app, caller(audit_app, Role.ADMIN), clock, programme)


def sent(path: Path, decisions: Iterable[Decision]) -> Path:
    """A file of decisions as it was sent, plain or packed."""
    lines = b"".join(each.model_dump_json().encode() + b"\n" for each in decisions)
    path.write_bytes(gzip.compress(lines) if path.suffix == ".gz" else lines)
    return path


def on_paper(receipt: Receipt, directory: Path) -> Path:
    """A file that holds a receipt."""
    path = directory / "receipt.json"
    path.write_text(receipt.model_dump_json())
    return path


async def test_a_plan_goes_from_its_draft_to_its_end(tallystick: Tallystick, programme: str, clock: Clock) -> None:
    """Previewed, published, changed, published again, retired; draws that have not begun end with it."""
    plans = tallystick.sampling_plans
    new = NewSamplingPlan.model_validate(plan_document(next_monday(clock)))
    preview = await plans.preview(programme, new)
    drafted = await plans.draft(programme, new)
    published = await plans.publish(programme, drafted.id, revision=drafted.revision)
    more = new.model_copy(update={"due_days": 9})
    changed = await plans.change(programme, drafted.id, more, revision=published.revision)
    again = await plans.publish(programme, drafted.id, revision=changed.revision)
    [draw, *_] = [each async for each in tallystick.draws.list(programme, plan=drafted.id)]
    retired = await plans.retire(programme, drafted.id, revision=again.revision)

    assert preview.notes == ("No decisions of this scope are counted in the last 4 whole periods: nothing can be expected.",)
    assert [each.state for each in (drafted, published, changed, again, retired)] == [
        PlanState.DRAFT, PlanState.PUBLISHED, PlanState.DRAFT, PlanState.PUBLISHED, PlanState.RETIRED,
    ]  # fmt: skip
    assert [each.version for each in await plans.versions(programme, drafted.id)] == [2, 1]
    assert [each.id async for each in plans.list(programme, [PlanState.RETIRED])] == [drafted.id]
    assert await plans.read(programme, drafted.id) == retired
    assert (draw.plan_version, draw.state) == (2, DrawState.COMMITTED)
    assert (await tallystick.draws.read(programme, draw.id)).state is DrawState.WITHDRAWN
    with pytest.raises(ProblemError, match="retired"):
        await plans.change(programme, drafted.id, new, revision=retired.revision)


async def test_a_draw_is_read_and_repeated_offline_with_the_command(
    tallystick: Tallystick, programme: str, made: Drawn, verify: Verify, tmp_path: Path
) -> None:
    """From the receipt and what the vendor sent, plain or packed; every change of a decision is found and told."""
    draw = await tallystick.draws.make(programme, made.items[0]["draw_id"])
    strata = [each async for each in tallystick.draws.strata(programme, draw.id, ["acme"], page=1)]
    receipt = await tallystick.draws.receipt(programme, draw.id, "acme")
    paper = on_paper(receipt, tmp_path)
    decisions = [Decision.model_validate(row) for row in made.decisions]
    one_more = [*decisions, decisions[1].model_copy(update={"decision_id": str(new_id())})]
    whole = verify(paper, sent(tmp_path / "a.ndjson", decisions[:20]), sent(tmp_path / "b.ndjson.gz", decisions[20:]))
    added = verify(paper, sent(tmp_path / "more.ndjson", one_more))
    removed = verify(paper, sent(tmp_path / "less.ndjson", [decisions[0], *decisions[2:]]))
    altered = verify(paper, sent(tmp_path / "other.ndjson", [each.model_copy(update={"action": "keep"}) for each in decisions]))
    broken = sent(tmp_path / "broken.ndjson", decisions)
    broken.write_text(broken.read_text() + "{}\n")
    passed_over = verify(paper, broken)

    assert sorted(each.stratum for each in strata) == sorted(each.stratum for each in receipt.strata)
    assert (whole[0], whole[2]) == (0, "")
    assert "Read 60 decisions from 2 files." in whole[1]
    assert "checked that the 40 decisions of the period are these, none added, removed or altered" in whole[1]
    assert [each[0] for each in (added, removed, altered, passed_over)] == [1, 1, 1, 0]
    assert "frame: The receipt has 40 decisions of the period; there are 41." in added[2]
    assert "frame: The receipt has 40 decisions of the period; there are 39." in removed[2]
    assert "are not those of the receipt: at least one is different." in altered[2]
    assert "1 lines are no decisions and were passed over." in passed_over[2]


async def test_what_was_sent_after_a_draw_is_left_out_when_it_is_repeated(
    tallystick: Tallystick, programme: str, made: Drawn, verify: Verify, tmp_path: Path
) -> None:
    """From a file that has grown since, and of one that is new; files of other names are read as a whole, and that is told."""
    draw = await tallystick.draws.read(programme, made.items[0]["draw_id"])
    decisions = [Decision.model_validate(row) for row in made.decisions]
    later = [decisions[1].model_copy(update={"decision_id": f"D-late-{number}"}) for number in range(5)]
    source = f"of-{draw.id}"
    grown, new = sent(tmp_path / f"{source}.ndjson", [*decisions, *later[:3]]), sent(tmp_path / "new.ndjson", later[3:])
    late = [await tallystick.decisions.push_file(programme, path.stem, path) for path in (grown, new)]
    receipt = await tallystick.draws.receipt(programme, draw.id, "acme")
    paper = on_paper(receipt, tmp_path)
    whole, both = verify(paper, grown), verify(paper, grown, new)
    renamed = sent(tmp_path / "renamed.ndjson", [*decisions, *later[:3]])
    unknown, named = verify(paper, renamed), verify(paper, renamed, "--source", source)
    short = verify(paper, sent(grown, decisions[:50]))

    assert [(each.counted, each.late) for each in late] == [(3, 3), (2, 2)]
    assert [(each.source, each.edition, each.lines, each.decisions) for each in receipt.sources] == [(source, 1, 60, 40)]
    assert [each[0] for each in (whole, both, unknown, named, short)] == [0, 0, 1, 0, 1]
    told = f"3 lines of {source} were sent after the draw was made and were left out: those after line 60."
    assert [told in each[2] for each in (whole, both, unknown, named)] == [True, True, False, True]
    assert "All 2 lines of new were left out: nothing of it was in when the draw was made." in both[2]
    assert f"{source}: 60 lines of edition 1 were in when the draw was made; there is no such file here." in unknown[2]
    assert f"{source}: 60 lines of edition 1 were in when the draw was made; there are 50 here." in short[2]


async def test_a_receipt_that_was_forged_is_found_out(
    tallystick: Tallystick, programme: str, made: Drawn, verify: Verify, tmp_path: Path
) -> None:
    """Another key, and another item in the place of one that was drawn."""
    receipt = await tallystick.draws.receipt(programme, made.items[0]["draw_id"], "acme")
    [first, *_] = receipt.strata
    queue = first.values[StratumDimension.QUEUE]
    spared = [row["decision_id"] for row in made.decisions if (row["vendor"], row["queue"]) == ("acme", queue)]
    [other, *_] = [each for each in spared if each not in first.items]
    swapped = first.model_copy(update={"items": (*first.items[:-1], other)})
    whole = sent(tmp_path / "sent.ndjson", map(Decision.model_validate, made.decisions))

    def forged(**changes: Any) -> tuple[int, str, str]:
        return verify(on_paper(Receipt.model_validate({**receipt.model_dump(), **changes}), tmp_path), whole)

    keyed, picked = forged(key="00" * 32), forged(strata=[swapped, *receipt.strata[1:]])

    assert (keyed[0], picked[0]) == (1, 1)
    assert "key: The key is not the one that the draw was committed to." in keyed[2]
    assert f"the receipt has {other}, which is not among the first by rank." in picked[2]


async def test_items_are_claimed_renewed_given_back_and_audited(
    tallystick: Tallystick, audit_app: FastAPI, caller: Caller, programme: str, clock: Clock
) -> None:
    """One after the other; what was given back does not come again."""
    clock.move(days=-28)  # no audit is of the future
    made = await drawn(audit_app, caller(audit_app, Role.ADMIN), clock, programme)
    new = NewAuditor(name="Someone", minutes=dict.fromkeys(Weekday, 480))
    auditor = await tallystick.auditors.put(programme, "someone", new)
    again = await tallystick.auditors.put(programme, "someone", new.model_copy(update={"name": "Ann"}), revision=auditor.revision)
    first = await tallystick.items.claim(programme)
    assert first.item is not None
    renewed = await tallystick.items.renew(programme, first.item.id, revision=first.item.revision)
    reason = HandBack(reason=HandBackReason.SKILL)
    back = await tallystick.items.hand_back(programme, first.item.id, reason, revision=renewed.revision)
    second = await tallystick.items.claim(programme, lighter=True)
    assert second.item is not None
    judged = {"benchmark_action": second.item.action, "benchmark_policy": second.item.policy, "verdict": "correct"}
    work = NewItemAudit(judgement=Judgement.model_validate(judged), handling_time_s=30)
    done = await tallystick.items.audit(programme, second.item.id, work)
    audited = [each async for each in tallystick.items.list(programme, [ItemState.AUDITED])]

    assert [each async for each in tallystick.auditors.list(programme, active=True)] == [again]
    assert await tallystick.auditors.read(programme, "someone") == again
    assert (back.state, done.state) == (ItemState.WAITING, ItemState.AUDITED)
    assert second.item.id != first.item.id
    assert audited == [await tallystick.items.read(programme, second.item.id)]
    assert str(second.item.draw_id) == made.draw["id"]


async def test_lots_and_their_curve_are_read(
    tallystick: Tallystick, audit_app: FastAPI, programme: str, clock: Clock, caller: Caller
) -> None:
    """Page by page, and by their filters."""
    await drawn(audit_app, caller(audit_app, Role.ADMIN), clock, programme, allocation={"kind": "acceptance", "aql": 1.0})
    found = [lot async for lot in tallystick.lots.list(programme, {"vendor": "acme"}, page=1)]
    curve = await tallystick.lots.curve(1200, 1.0)

    assert [(lot.vendor, lot.verdict) for lot in found] == [("acme", "open")] * 2
    assert (curve.code_letter, curve.sample, curve.accept) == ("J", 80, 2)
