"""Following a change feed."""

import asyncio
from typing import Any

import orjson
import pytest

from shared.client.stub import Answer, Stub, free_port, json_answer, problem, serving
from tallystick.client import FeedRewoundError, ProblemError, Tallystick, UnexpectedAnswerError
from tallystick.schemas.change import Change


def page(*positions: int, more: bool = False, **members: Any) -> Answer:
    """A page of changes."""
    changes = [
        {"position": at, "noun": "audit", "id": f"a-{at}", "revision": 1, "erased": False, "data": {"n": at}} for at in positions
    ]
    document = {
        "programme": "demo",
        "epoch": "00000000-0000-0000-0000-000000000001",
        "changes": changes,
        "cursor": f"c{max(positions, default=0)}",
        "position": max(positions, default=0),
        "more": more,
        **members,
    }
    return json_answer(document)


async def test_a_stream_is_read_to_its_end_page_by_page(tallystick: Tallystick, stub: Stub) -> None:
    """Without waiting the iterator ends where the stream ends."""
    stub.script.extend([page(1, 2, more=True), page(3)])

    pages = [each async for each in tallystick.changes("demo", wait=0)]

    assert [[change["position"] for change in each.changes] for each in pages] == [[1, 2], [3]]
    assert ("after", "c2") in stub.seen[1].query
    assert pages[1].position == 3


async def test_changes_stay_plain_and_can_be_had_typed(tallystick: Tallystick, stub: Stub) -> None:
    """Big pages are read without validating every change, and the bytes are at hand."""
    stub.script.append(page(1))

    [only] = [each async for each in tallystick.changes("demo", wait=0)]

    assert only.changes[0]["data"] == {"n": 1}
    assert only.typed() == (Change(position=1, noun="audit", id="a-1", revision=1, erased=False, data={"n": 1}),)
    assert orjson.loads(bytes(only.content)) == only.changes


async def test_following_goes_on_from_the_last_cursor_after_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service goes away between two pages and comes back: nothing is read twice, nothing is left out."""
    monkeypatch.setattr("tallystick.client.transport._FIRST_DELAY_S", 0.01)
    port, before, after = free_port(), Stub(), Stub()
    before.script.append(page(1))
    after.script.extend([problem(503, "unavailable"), Answer(200, b"{", torn=True), page(2)])
    waiting = asyncio.Event()
    address = f"http://127.0.0.1:{port}"
    async with Tallystick(address, "t", patience_s=0, on_outage=lambda _: waiting.set()) as tallystick:
        changes = tallystick.changes("demo", wait=0.1)
        with serving(before, port):
            first = await anext(changes)
        second = asyncio.ensure_future(anext(changes))
        await waiting.wait()
        with serving(after, port):
            assert (await second).changes[0]["position"] == 2

    assert first.cursor == "c1"
    assert {dict(seen.query)["after"] for seen in after.seen} == {"c1"}


async def test_an_empty_page_is_passed_on(tallystick: Tallystick, stub: Stub) -> None:
    """A reader that waits can look around now and then."""
    stub.script.extend([page(1), page(), page(2)])
    changes = tallystick.changes("demo", wait=1)

    lengths = [len((await anext(changes)).changes) for _ in range(3)]

    assert lengths == [1, 0, 1]


@pytest.mark.parametrize(("status", "slug"), [(410, "feed-rewound"), (400, "invalid-cursor")])
async def test_a_cursor_that_leads_nowhere_is_an_error_of_its_own(
    tallystick: Tallystick, stub: Stub, status: int, slug: str
) -> None:
    """The reader has to start anew, so it must be able to tell."""
    stub.script.append(problem(status, slug))

    with pytest.raises(FeedRewoundError):
        await anext(tallystick.changes("demo", after="c9"))


async def test_a_stream_that_may_not_be_read_is_a_problem(tallystick: Tallystick, stub: Stub) -> None:
    """No amount of waiting changes that."""
    stub.script.append(problem(403, "forbidden"))

    with pytest.raises(ProblemError, match="Forbidden"):
        await anext(tallystick.changes("demo"))


async def test_the_feed_of_cases_is_followed_likewise(tallystick: Tallystick, stub: Stub) -> None:
    """rca-api has a feed of its own."""
    stub.script.append(page(1))

    [each async for each in tallystick.changes("demo", source="rca", wait=0)]

    assert stub.seen[0].path == "/rca/v1/changes"


async def test_a_page_without_a_cursor_is_no_page(tallystick: Tallystick, stub: Stub) -> None:
    """A reader must never go on from nowhere."""
    stub.script.append(json_answer({"programme": "demo", "epoch": "x", "changes": []}))

    with pytest.raises(UnexpectedAnswerError, match="cursor"):
        await anext(tallystick.changes("demo"))


async def test_the_next_page_is_on_its_way_while_one_is_read(tallystick: Tallystick, stub: Stub) -> None:
    """Where the headers of a page say how to read on, nobody waits for the reader."""
    ahead = {"Link": '<?programme=demo&after=c1>; rel="next"'}
    stub.script.extend([Answer(200, page(1).body, headers={**page(1).headers, **ahead}), page(2)])
    changes = tallystick.changes("demo", wait=1)

    first = await anext(changes)
    async with asyncio.timeout(5):
        while len(stub.seen) < 2:
            await asyncio.sleep(0.01)

    assert (first.position, dict(stub.seen[1].query)["after"]) == (1, "c1")
    assert (await anext(changes)).position == 2
    await changes.aclose()
