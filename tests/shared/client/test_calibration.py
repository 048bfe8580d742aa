"""The client and the calibration of audit-api, together on a socket."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from factories import audit_row
from tallystick.client import ProblemError, Tallystick
from tallystick.identity import sign_token
from tallystick.schemas.audit import NewAudit
from tallystick.schemas.calibration import (
    Benchmark,
    NewItem,
    NewSession,
    NumberedRating,
    Rater,
    Rating,
    RatingVerdict,
    Scale,
    SessionState,
)
from tallystick.schemas.principal import Role

Connect = Callable[..., Tallystick]


@pytest.fixture
def connect(audit_address: str, identity: Path) -> Connect:
    """Make a client that speaks for somebody."""

    def make(subject: str, role: Role, vendor: str | None = None) -> Tallystick:
        token = sign_token(identity, subject=subject, roles=[role], programmes=["*"], vendor=vendor, ttl=timedelta(minutes=10))
        return Tallystick(token=token, audit=audit_address)

    return make


@pytest.fixture
async def fay(connect: Connect) -> AsyncIterator[Tallystick]:
    """Who facilitates."""
    async with connect("fay", Role.QUALITY_MANAGER) as client:
        yield client


async def test_a_session_is_drafted_rated_reviewed_and_kept(fay: Tallystick, connect: Connect, programme: str) -> None:
    """All steps from the draft to a golden result, each with the words of the contract."""
    scale = Scale(categories=("keep", "restrict", "remove"), about="action")
    raters = (Rater(subject="ann"), Rater(subject="vic", vendor="acme"))
    asked = {"question": "Which action?", "scale": scale, "deadline": datetime.now(UTC) + timedelta(days=1)}
    drafted = await fay.calibration.draft(programme, NewSession(title="Threts", **asked))
    edited = await fay.calibration.edit(programme, drafted.id, NewSession(title="Threats", raters=raters, **asked), revision=1)
    added = await fay.calibration.add_items(programme, drafted.id, [NewItem(content_ref=f"item:A-{each}") for each in (1, 2, 3)])
    current = await fay.calibration.read(programme, drafted.id)
    opened = await fay.calibration.open(programme, drafted.id, revision=current.revision)
    async with connect("ann", Role.AUDITOR) as ann, connect("vic", Role.VENDOR_POC, "acme") as vic:
        given = await ann.calibration.rate(programme, drafted.id, 1, Rating(value="remove", comment="A threat"))
        await ann.calibration.rate(programme, drafted.id, 2, Rating(value="keep"))
        await ann.calibration.withdraw(programme, drafted.id, 2)
        rows = [NumberedRating(number=number, value="remove") for number in (1, 2, 9)]
        bulk = await vic.calibration.rate_all(programme, drafted.id, rows)
        blind = [item async for item in vic.calibration.items(programme, drafted.id, page=2)]
        progress = await fay.calibration.progress(programme, drafted.id)
        reviewed = await fay.calibration.review(programme, drafted.id, revision=opened.revision)
        with pytest.raises(ProblemError) as late:
            await ann.calibration.rate(programme, drafted.id, 2, Rating(value="remove"))
    [first, *_] = [item async for item in fay.calibration.items(programme, drafted.id)]
    benchmark = Benchmark(value="remove", by="consensus", discussion="It names a person.")
    set_ = await fay.calibration.benchmark(programme, drafted.id, 1, benchmark, revision=first.revision)
    concluded = await fay.calibration.conclude(programme, drafted.id, "Threats go.", revision=reviewed.revision)
    past = await fay.calibration.past_ratings(programme, drafted.id, 2)
    golden = await fay.calibration.hide(programme, drafted.id, 1)
    await fay.audits.record(programme, NewAudit.model_validate(audit_row("A-1")))
    await fay.calibration.unhide(programme, drafted.id, 1)

    assert (edited.title, edited.raters) == ("Threats", raters)
    assert (added.first, added.last, opened.items) == (1, 3, 3)
    assert (given.value, given.rater, given.comment) == ("remove", "ann", "A threat")
    assert [result.verdict for result in bulk.results] == [RatingVerdict.COUNTED, RatingVerdict.COUNTED, RatingVerdict.REJECTED]
    assert [item.number for item in blind if item.own is not None and not item.ratings] == [1, 2]
    assert [(line.rater, line.rated) for line in progress.raters] == [("ann", 1), ("vic", 2)]
    assert late.value.problem.type.endswith("/rating-closed")
    assert [(each.rater, each.value) for each in first.ratings] == [("ann", "remove"), ("vic", "remove")]
    assert (set_.benchmark, golden.golden) == (benchmark, True)
    assert concluded.state is SessionState.CONCLUDED
    assert [(each.value, each.withdrawn) for each in past] == [("keep", True)]
    [listed] = [session async for session in fay.calibration.list(programme, [SessionState.CONCLUDED])]
    assert listed == concluded
    [precedent] = [each async for each in fay.calibration.precedents(programme, {"q": "threat"})]
    assert (precedent.number, precedent.benchmark, precedent.conclusion) == (1, benchmark, "Threats go.")
    [result] = [each async for each in fay.calibration.golden_results(programme, {"auditor": "qa-1"})]
    assert (result.item_id, result.agreed) == (golden.id, True)
