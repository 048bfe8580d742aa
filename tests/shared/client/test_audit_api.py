"""The client and audit-api, together on a socket."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from factories import audit_row, programme_document
from tallystick.client import FeedPage, ProblemError, Tallystick
from tallystick.client.journal import Target
from tallystick.client.push import push_file
from tallystick.identity import sign_token
from tallystick.schemas.audit import Judgement, NewAudit, RowVerdict, Verdict
from tallystick.schemas.principal import Role
from tallystick.schemas.programme import Programme
from tallystick.schemas.webhook import DeliveryState, NewEndpoint

Connect = Callable[..., Tallystick]


@pytest.fixture
def connect(audit_address: str, identity: Path) -> Connect:
    """Make a client that speaks for somebody: `connect(Role.AUDITOR)`."""

    def make(*roles: Role, vendor: str | None = None) -> Tallystick:
        token = sign_token(identity, subject="someone", roles=roles, programmes=["*"], vendor=vendor, ttl=timedelta(minutes=10))
        return Tallystick(token=token, audit=audit_address, patience_s=5)

    return make


@pytest.fixture
async def tallystick(connect: Connect) -> AsyncIterator[Tallystick]:
    async with connect(Role.ADMIN) as client:
        yield client


def rows(count: int) -> list[NewAudit]:
    """So many audits."""
    return [NewAudit.model_validate(audit_row(f"A-{number}")) for number in range(count)]


async def test_a_programme_goes_in_and_comes_out_the_same(tallystick: Tallystick, programme: str) -> None:
    """A change needs the revision that was read; another one is refused."""
    found = await tallystick.programmes.get(programme)
    changed = found.document.model_copy(update={"name": "Another name"})

    written = await tallystick.programmes.put(changed, revision=found.revision)

    assert (await tallystick.programmes.get(programme)).document == changed
    assert [each.revision for each in await tallystick.programmes.versions(programme)] == [written.revision, 1]
    assert programme in {each.document.slug for each in await tallystick.programmes.list()}
    with pytest.raises(ProblemError) as refused:
        await tallystick.programmes.put(found.document, revision=found.revision)
    assert refused.value.slug == "precondition-failed"


async def test_a_new_programme_needs_no_revision(tallystick: Tallystick) -> None:
    """The second time it does."""
    document = Programme.model_validate(programme_document("new-one"))

    assert (await tallystick.programmes.put(document)).revision == 1
    with pytest.raises(ProblemError) as refused:
        await tallystick.programmes.put(document.model_copy(update={"name": "Other"}))
    assert refused.value.slug == "precondition-required"


async def test_pushed_rows_are_listed_and_read(tallystick: Tallystick, programme: str) -> None:
    """Page by page, every audit once."""
    result = await tallystick.audits.push(programme, rows(25))

    listed = [audit async for audit in tallystick.audits.list(programme, {"vendor": ["acme", "borealis"]}, page=10)]

    assert result.counts.created == 25
    assert {audit.id for audit in listed} == {row.audit_id for row in result.results}
    assert await tallystick.audits.read(programme, listed[0].id) == listed[0]


async def test_the_same_key_replays_the_first_answer(tallystick: Tallystick, programme: str) -> None:
    """So a push whose answer was lost is told what became of its rows, not that they are there already."""
    first = await tallystick.audits.push(programme, rows(3), key="the-key")

    assert await tallystick.audits.push(programme, rows(3), key="the-key") == first
    assert (await tallystick.audits.push(programme, rows(3))).counts.duplicate == 3


async def test_an_audit_is_recorded_revised_and_erased(tallystick: Tallystick, programme: str) -> None:
    """Each change names the revision that was read."""
    audit = await tallystick.audits.record(programme, rows(1)[0])
    judgement = Judgement.model_validate(
        audit.model_dump(include=set(Judgement.model_fields))
        | {"verdict": "incorrect", "error_class": "false_positive", "error_code": "FP-HARASS", "severity": "major"}
    )

    revised = await tallystick.audits.revise(programme, audit.id, judgement, "Seen again.", revision=audit.revision)
    with pytest.raises(ProblemError, match="changed"):
        await tallystick.audits.revise(programme, audit.id, judgement, "Seen twice.", revision=audit.revision)
    erased = await tallystick.audits.erase(programme, audit.id, "Asked for.", revision=revised.revision)

    assert revised.verdict is Verdict.INCORRECT
    assert revised.first_scored is not None
    assert erased.erased
    assert [each.revision for each in await tallystick.audits.revisions(programme, audit.id)] == [1, 2, 3]


async def test_a_file_is_pushed_with_an_import_profile(
    tallystick: Tallystick, programme: str, audit_address: str, tmp_path: Path
) -> None:
    """The vendor's own columns, dates and words; what cannot be taken says why, and the batch keeps it."""
    columns = "Ticket,vendor,content_ref,site,queue,market,language,Agent,decided_at,action,policy,auditor,audited_at,"
    head = f"{columns}benchmark_action,benchmark_policy,verdict,Remark\n"
    line = "acme,item:{n},{site},live,ES,es,m-1,01.09.2026 10:00,remove,harassment,qa-1,01.09.2026 12:00,remove,harassment,ok"
    lines = [f'T-{n},{line.format(n=n, site="atlantis" if n == 7 else "lisbon")},"Said ""so"",\nand so"\n' for n in range(20)]
    path = tmp_path / "export.csv"
    path.write_text(head + "".join(lines))

    outcome = await push_file(
        tallystick, path, Target(audit_address, programme, "vendor-export"), directory=tmp_path, rows_per_request=6
    )

    assert outcome.counts == {RowVerdict.CREATED: 19, RowVerdict.REJECTED: 1}
    assert outcome.rejected_file is not None
    assert outcome.rejected_file.read_text().splitlines()[1].startswith("8,rejected,/site,")
    refused = [row async for row in tallystick.batches.rows(programme, outcome.batches[1], RowVerdict.REJECTED)]
    assert [row.row for row in refused] == [2]
    assert (await tallystick.batches.read(programme, outcome.batches[1])).counts.rejected == 1


async def test_the_feed_brings_every_audit_once(tallystick: Tallystick, programme: str) -> None:
    """Page by page, and on from a cursor."""
    await tallystick.audits.push(programme, rows(25))
    first = [page async for page in tallystick.changes(programme, wait=0, limit=10)]
    [late] = (await tallystick.audits.push(programme, [NewAudit.model_validate(audit_row("late"))])).results

    more = [page async for page in tallystick.changes(programme, after=first[-1].cursor, wait=0)]

    assert ids_in(first) == {f"A-{number}" for number in range(25)}
    assert [change["id"] for page in more for change in page.changes] == [str(late.audit_id)]
    assert all(change.data for page in first for change in page.typed())


def ids_in(pages: list[FeedPage]) -> set[str]:
    """The external ids of the audits on pages of a feed."""
    return {change["data"]["external_id"] for page in pages for change in page.changes if change["noun"] == "audit"}


async def test_a_vendor_pushes_its_own_rows_alone(connect: Connect, programme: str) -> None:
    """Another vendor's row is rejected by name, and another vendor's audit does not exist."""
    async with connect(Role.VENDOR_SYSTEM, vendor="borealis") as borealis:
        result = await borealis.audits.push(programme, rows(1))

        assert result.counts.rejected == 1
        with pytest.raises(ProblemError) as refused:
            await borealis.audits.read(programme, UUID(int=0))
        assert refused.value.problem.status == 404


async def test_a_request_beyond_the_limit_of_rows_is_halved(
    tallystick: Tallystick, programme: str, audit_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the limit of the service is."""
    monkeypatch.setattr("audit_api.batches.routes.MAX_ROWS", 8)
    path = tmp_path / "audits.ndjson"
    path.write_text("\n".join(row.model_dump_json(exclude_none=True) for row in rows(30)))

    outcome = await push_file(tallystick, path, Target(audit_address, programme), directory=tmp_path)

    assert outcome.counts == {RowVerdict.CREATED: 30}


async def test_an_endpoint_is_created_tested_changed_and_deleted(connect: Connect, programme: str) -> None:
    """With its secret, its deliveries and their replay."""
    new = NewEndpoint(name="Ours", url="https://hooks.example/in", events=("appeal.decided",))
    async with connect(Role.VENDOR_POC, vendor="acme") as tallystick:
        created = await tallystick.webhooks.create(programme, new)
        endpoint = created.endpoint.id
        replaced = await tallystick.webhooks.replace_secret(programme, endpoint, revision=1)
        tested = await tallystick.webhooks.test(programme, endpoint)
        replayed = await tallystick.webhooks.replay(programme, tested)
        changed = await tallystick.webhooks.put(programme, endpoint, new.model_copy(update={"name": "New"}), revision=2)

        assert created.secret != replaced.secret
        assert (replayed.id, replayed.state) == (tested.id, DeliveryState.PENDING)
        assert [each.id async for each in tallystick.webhooks.deliveries(programme, endpoint, page=1)] == [tested.id]
        assert [each async for each in tallystick.webhooks.deliveries(programme, endpoint, DeliveryState.FAILED)] == []
        assert [each async for each in tallystick.webhooks.list(programme)] == [changed]
        assert await tallystick.webhooks.read(programme, endpoint) == changed
        await tallystick.webhooks.delete(programme, endpoint, revision=changed.revision)
        assert [each async for each in tallystick.webhooks.list(programme)] == []
