"""Whatever raters do, in whatever order and at once, what stands in review is what they were told; a model holds it."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calibration import Facilitator, Hand, session_document
from conftest import Caller
from factories import programme_document
from tallystick.schemas.base import new_id
from tallystick.schemas.principal import Role

RATERS: dict[str, str | None] = {"ann": None, "vic": "acme", "bob": "borealis"}
ITEMS = 3
DEADLINE = datetime(2126, 9, 1, 12, tzinfo=UTC)
Cell = tuple[str, int]


@dataclass(frozen=True)
class Rate:
    """One rating; withdrawn where there is no value."""

    rater: str
    number: int
    value: str | None


@dataclass(frozen=True)
class Batch:
    """Ratings in bulk, each item once."""

    rater: str
    values: dict[int, str]


@dataclass(frozen=True)
class AtOnce:
    """Ratings that are sent at the same moment, and the review among them, if there is one."""

    ratings: tuple[Rate, ...]
    review: int | None


@dataclass
class Model:
    """What is promised, without a database."""

    standing: dict[Cell, str] = field(default_factory=dict)
    past: dict[Cell, list[tuple[str, bool]]] = field(default_factory=dict)
    late: bool = False
    reviewed: bool = False

    def expected(self, rate: Rate) -> int:
        """The status of the answer."""
        closed = self.late or self.reviewed
        if rate.value is None:
            return 409 if closed else 204
        return 409 if closed and self.standing.get((rate.rater, rate.number)) != rate.value else 200

    def accept(self, rate: Rate) -> None:
        """A rating that was answered with 2xx."""
        cell = (rate.rater, rate.number)
        before = self.standing.get(cell)
        if before is not None and before != rate.value:
            self.past.setdefault(cell, []).append((before, rate.value is None))
        if rate.value is not None:
            self.standing[cell] = rate.value
        else:
            self.standing.pop(cell, None)


_RATERS, _NUMBERS = st.sampled_from(sorted(RATERS)), st.integers(1, ITEMS)
_VALUES = st.sampled_from(["keep", "remove"])
_RATE = st.builds(Rate, _RATERS, _NUMBERS, st.one_of(_VALUES, _VALUES, st.none()))
_BATCH = st.builds(Batch, _RATERS, st.dictionaries(_NUMBERS, _VALUES, min_size=1))
_CROWD = st.lists(_RATE, min_size=2, max_size=6).map(tuple)
_AT_ONCE = st.builds(AtOnce, _CROWD, st.one_of(st.none(), st.integers(0, 5)))
_STEPS = st.lists(st.one_of(_RATE, _RATE, _BATCH, _AT_ONCE, st.just("deadline"), st.just("review")), max_size=10)


class Play:
    """A session in scoring, its raters and the model beside it."""

    def __init__(self, app: FastAPI, facilitator: Facilitator, hands: dict[str, Hand], session: str) -> None:
        self.app = app
        self.facilitator = facilitator
        self.hands = hands
        self.session = session
        self.model = Model()
        self.revealed: list[dict[str, Any]] | None = None

    async def take(self, step: Any) -> None:
        """Do a step here and in the model."""
        if step == "deadline":
            self.model.late = True
            self.app.state.clock = lambda: DEADLINE + timedelta(seconds=1)
        elif step == "review":
            await self.review()
        elif isinstance(step, Batch):
            await self.rate_all(step)
        elif isinstance(step, AtOnce):
            await self.at_once(step)
        else:
            answer = await self.rate(step)
            assert answer.status_code == self.model.expected(step), answer.text
            if answer.is_success:
                self.model.accept(step)

    async def rate(self, rate: Rate) -> httpx.Response:
        """Send one rating or withdrawal."""
        hand = self.hands[rate.rater]
        return await (hand.withdraw(rate.number) if rate.value is None else hand.rate(rate.number, rate.value))

    async def rate_all(self, batch: Batch) -> None:
        """Send ratings in bulk: all are taken, or none where one would change something too late."""
        rates = [Rate(batch.rater, number, value) for number, value in batch.values.items()]
        answer = await self.hands[batch.rater].rate_all([{"number": rate.number, "value": rate.value} for rate in rates])
        assert answer.status_code == max(self.model.expected(rate) for rate in rates), answer.text
        for rate in rates if answer.is_success else ():
            self.model.accept(rate)

    async def review(self) -> None:
        """Move to review once, and read what the feed shows in that very moment."""
        answer = await self.facilitator.move(self.session, "review")
        assert answer.status_code == (409 if self.model.reviewed else 200), answer.text
        if not self.model.reviewed:
            self.revealed = await self.on_feed()
            self.model.reviewed = True

    async def at_once(self, step: AtOnce) -> None:
        """Send all at the same moment. What was accepted counts; of one rater's on one item, the one that came last."""
        before = dict(self.model.standing)
        closed = self.model.late or self.model.reviewed
        sending: list[Any] = [self.rate(rate) for rate in step.ratings]
        if step.review is not None:
            sending.insert(step.review, self.review())
        answers = [answer for answer in await asyncio.gather(*sending) if answer is not None]
        cells: dict[Cell, list[Rate]] = {}
        for rate, answer in zip(step.ratings, answers, strict=True):
            assert answer.status_code in {200, 204, 409}, answer.text
            if step.review is None and not closed:
                assert answer.is_success, answer.text
            if answer.is_success:
                cells.setdefault((rate.rater, rate.number), []).append(rate)
        for cell, accepted in cells.items():
            past, stands = await self.past(cell), await self.own(cell)
            assert stands in {rate.value for rate in accepted}, f"{cell} lost {accepted}"
            assert len(past) >= len(self.model.past.get(cell, []))
            said = {value for value, _ in past} | {stands, before.get(cell), None}
            assert {rate.value for rate in accepted} <= said, f"{cell} has no trace of {accepted}"
            self.model.past[cell] = past
            self.model.standing.pop(cell, None)
            if stands is not None:
                self.model.standing[cell] = stands

    async def own(self, cell: Cell) -> str | None:
        """What stands, as its rater sees it."""
        items = await self.hands[cell[0]].items()
        own = items[cell[1] - 1]["own"]
        return own and str(own["value"])

    async def past(self, cell: Cell) -> list[tuple[str, bool]]:
        """What no longer stands, as its rater sees it."""
        hand = self.hands[cell[0]]
        answer = await hand.client.get(f"{hand.address}/items/{cell[1]}/past-ratings", params=hand.where)
        return [(item["value"], item["withdrawn"]) for item in answer.json()["items"] if item["rater"] == cell[0]]

    async def on_feed(self) -> list[dict[str, Any]]:
        """The items as reporting reads them."""
        answer = await self.facilitator.client.get("/v1/changes", params=self.facilitator.where)
        return [change["data"] for change in answer.json()["changes"] if change["noun"] == "calibration_item"]

    async def settle(self) -> None:
        """In the end everybody finds what the model says: in the items, in progress, in the past, and on the feed."""
        counts = await self.facilitator.client.get(f"{self.hands['ann'].address}/progress", params=self.facilitator.where)
        for cell in ((rater, number) for rater in RATERS for number in range(1, ITEMS + 1)):
            assert await self.past(cell) == self.model.past.get(cell, [])
        if not self.model.reviewed:
            await self.review()
        shown = await Hand(self.facilitator.client, self.facilitator.where["programme"], self.session).items()
        stands = {cell: value for item in shown for cell, value in _ratings(item)}

        assert stands == self.model.standing
        assert {line["rater"]: line["rated"] for line in counts.json()["raters"]} == {
            name: sum(rater == name for rater, _ in stands) for name in RATERS
        }
        assert self.revealed is not None
        assert {cell: value for item in self.revealed for cell, value in _ratings(item)} == stands


def _ratings(item: dict[str, Any]) -> Iterator[tuple[Cell, str]]:
    yield from (((rating["rater"], item["number"]), rating["value"]) for rating in item["ratings"])


async def _play(app: FastAPI, caller: Caller) -> Play:
    programme = f"r-{new_id().hex[-16:]}"
    await caller(app, Role.ADMIN).put(f"/v1/programmes/{programme}", json=programme_document(programme))
    facilitator = Facilitator(caller(app, Role.QUALITY_MANAGER, subject="fay"), programme)
    document = session_document(*RATERS.items(), deadline=DEADLINE.isoformat())
    session = await facilitator.draft([{"content_ref": f"item:{number}"} for number in range(ITEMS)], **document)
    await facilitator.moved(session, "opening")
    hands = {
        name: Hand(caller(app, Role.VENDOR_POC if vendor else Role.AUDITOR, vendor=vendor, subject=name), programme, session)
        for name, vendor in RATERS.items()
    }
    return Play(app, facilitator, hands, session)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_STEPS)
async def test_ratings_do_what_the_model_does(audit_app: FastAPI, caller: Caller, steps: list[Any]) -> None:
    """Double, late, withdrawn, in bulk and at once with the review: what got a 2xx counts, and nothing else does."""
    clock = audit_app.state.clock
    play = await _play(audit_app, caller)
    try:
        for step in steps:
            await play.take(step)
        await play.settle()
    finally:
        audit_app.state.clock = clock


async def test_review_waits_for_a_rating_that_is_under_way(audit_app: FastAPI, caller: Caller, store: asyncpg.Connection) -> None:
    """While one hand is at its sheet the review waits, others go on rating, and all that they were told counts."""
    play = await _play(audit_app, caller)
    await play.take(Rate("bob", 1, "keep"))
    async with store.transaction():
        await store.execute("select from calibration_raters where session_id = $1 and rater = 'bob' for update", play.session)
        under_way = asyncio.create_task(play.rate(Rate("bob", 1, "remove")))
        await _waiting(store, 1)
        reviewing = asyncio.create_task(play.review())
        await _waiting(store, 2)
        meanwhile = await play.rate(Rate("vic", 1, "keep"))
    answer = await under_way
    await reviewing
    after = await play.rate(Rate("vic", 2, "keep"))

    assert [answer.status_code, meanwhile.status_code, after.status_code] == [200, 200, 409]
    assert play.revealed is not None
    assert dict(_ratings(play.revealed[0])) == {("bob", 1): "remove", ("vic", 1): "keep"}


async def test_a_rating_that_comes_while_review_is_under_way_is_refused(
    audit_app: FastAPI, caller: Caller, store: asyncpg.Connection
) -> None:
    """It waits until the ratings are laid open, is told that it came too late, and has left nothing behind."""
    play = await _play(audit_app, caller)
    await play.take(Rate("vic", 1, "keep"))
    async with store.transaction():
        await store.execute("select from calibration_items where session_id = $1 for no key update", play.session)
        reviewing = asyncio.create_task(play.review())
        await _waiting(store, 1)
        late = [asyncio.create_task(play.rate(rate)) for rate in (Rate("vic", 1, "remove"), Rate("bob", 1, None))]
        await _waiting(store, 3)
    await reviewing
    answers = [await each for each in late]

    assert [answer.status_code for answer in answers] == [409, 409]
    await play.settle()


async def _waiting(store: asyncpg.Connection, count: int) -> None:
    """Until so many others wait for a lock."""
    waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    async with asyncio.timeout(20):
        while await store.fetchval(waiting) < count:
            await store.execute("select pg_stat_clear_snapshot()")
            await asyncio.sleep(0.01)
