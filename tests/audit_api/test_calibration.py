"""Calibration sessions: from the draft to precedent and golden items."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from batches import pushed
from calibration import SESSIONS, Facilitator, Hand, session_document
from conftest import Caller
from factories import audit_row, missed
from tallystick.schemas.principal import Role

RATERS = (("ann", None), ("vic", "acme"), ("bob", "borealis"))
By = Callable[..., httpx.AsyncClient]


@pytest.fixture
def by(audit_app: FastAPI, caller: Caller) -> By:
    """A client for somebody: `by("vic", "acme")` is a vendor's point of contact, `by("ann")` an auditor of the client."""

    def make(subject: str, vendor: str | None = None, *roles: Role) -> httpx.AsyncClient:
        return caller(audit_app, *(roles or (Role.VENDOR_POC if vendor else Role.AUDITOR,)), vendor=vendor, subject=subject)

    return make


@pytest.fixture
def facilitator(by: By, programme: str) -> Facilitator:
    """A quality manager who rates nothing."""
    return Facilitator(by("fay", None, Role.QUALITY_MANAGER), programme)


def references(count: int) -> list[dict[str, Any]]:
    """Items by reference."""
    return [{"content_ref": f"item:{number}", "policy": "harassment"} for number in range(1, count + 1)]


async def test_a_session_goes_from_draft_to_conclusion(by: By, facilitator: Facilitator, programme: str) -> None:
    """Raters find it once it is open, their ratings meet in review, and what was agreed on stands in the end."""
    session = await facilitator.draft(references(3), **session_document(*RATERS))
    hands = {name: Hand(by(name, vendor), programme, session) for name, vendor in RATERS}
    drafts = await hands["ann"].client.get(SESSIONS, params=facilitator.where)
    opened = await facilitator.moved(session, "opening")
    for place, hand in enumerate(hands.values()):
        for number in range(1, 4 - place):
            assert (await hand.rate(number, "remove", comment=f"A threat, {number}")).status_code == 200
    progress = await facilitator.client.get(f"{SESSIONS}/{session}/progress", params=facilitator.where)
    before = await hands["vic"].items()
    reviewed = await facilitator.moved(session, "review")
    after = {name: await hand.items() for name, hand in hands.items()}
    set_ = await facilitator.benchmark(session, 1, "remove", discussion="It names a person.")
    concluded = await facilitator.moved(session, "conclusion")

    assert drafts.json()["items"] == []
    assert (opened["state"], opened["items"], opened["revision"]) == ("scoring", 3, 3)
    assert [(line["rater"], line["rated"], line["items"]) for line in progress.json()["raters"]] == [
        ("ann", 3, 3),
        ("bob", 1, 3),
        ("vic", 2, 3),
    ]
    assert [item["own"] and item["own"]["value"] for item in before] == ["remove", "remove", None]
    assert [item["ratings"] for item in before] == [[], [], []]
    assert reviewed["state"] == "review"
    seen = {name: [[rating["rater"] for rating in item["ratings"]] for item in items] for name, items in after.items()}
    assert seen == {
        "ann": [["ann", "bob", "vic"], ["ann", "vic"], ["ann"]],
        "vic": [["ann", "vic"], ["ann", "vic"], ["ann"]],
        "bob": [["ann", "bob"], ["ann"], ["ann"]],
    }
    assert set_.json()["benchmark"] == {"value": "remove", "by": "consensus", "discussion": "It names a person."}
    assert (concluded["state"], concluded["conclusion"]) == ("concluded", "Threats are removed.")
    assert {rater["subject"] for rater in concluded["raters"]} == {"ann", "vic", "bob"}
    vics = await hands["vic"].client.get(f"{SESSIONS}/{session}", params=facilitator.where)
    assert {rater["subject"] for rater in vics.json()["raters"]} == {"ann", "vic"}


async def test_late_double_and_withdrawn_ratings_have_their_answers(
    by: By, facilitator: Facilitator, programme: str, audit_app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another takes the earlier one's place, the same changes nothing however late, withdrawn is missing, late is refused."""
    session = await facilitator.draft(references(3), **session_document(*RATERS, deadline="2126-09-01T12:00:00Z"))
    ann = Hand(by("ann"), programme, session)
    early = await ann.rate(1, "keep")
    await facilitator.moved(session, "opening")
    first, same, other = [await ann.rate(1, value) for value in ("keep", "keep", "remove")]
    await ann.rate(2, "keep")
    gone = [(await ann.withdraw(2)).status_code for _ in range(2)]
    monkeypatch.setitem(audit_app.state._state, "clock", lambda: datetime(2126, 9, 1, 12, tzinfo=UTC))
    late = [await ann.rate(1, "remove"), await ann.rate(1, "keep"), await ann.rate(3, "keep"), await ann.withdraw(1)]
    monkeypatch.undo()
    in_time = await ann.rate(3, "restrict")
    await facilitator.moved(session, "review")
    closed = [await ann.rate(1, "remove"), await ann.rate(2, "keep"), await ann.withdraw(1)]
    past = await ann.client.get(f"{ann.address}/items/1/past-ratings", params=ann.where)
    withdrawn = await ann.client.get(f"{ann.address}/items/2/past-ratings", params=ann.where)

    assert early.status_code == 404
    assert [answer.status_code for answer in (first, same, other, in_time)] == [200] * 4
    assert first.json() == same.json()
    assert gone == [204, 204]
    assert [answer.status_code for answer in late] == [200, 409, 409, 409]
    assert [answer.status_code for answer in closed] == [200, 409, 409]
    assert {answer.json()["type"].rpartition("/")[2] for answer in (*late[1:], *closed[1:])} == {"rating-closed"}
    assert [[rating["value"] for rating in item["ratings"]] for item in await ann.items()] == [["remove"], [], ["restrict"]]
    assert [(each["value"], each["withdrawn"]) for each in past.json()["items"]] == [("keep", False)]
    assert [(each["value"], each["withdrawn"]) for each in withdrawn.json()["items"]] == [("keep", True)]


async def test_ratings_in_bulk_follow_the_rules_of_single_ones(by: By, facilitator: Facilitator, programme: str) -> None:
    """Every row has its verdict, progress counts items and not rows, and the same rows again change nothing."""
    session = await facilitator.draft(references(4), **session_document(*RATERS))
    await facilitator.moved(session, "opening")
    vic = Hand(by("vic", "acme"), programme, session)
    await vic.rate(1, "keep")
    await vic.rate(2, "keep")
    rows: list[dict[str, Any]] = [
        {"number": 1, "value": "keep"},
        {"number": 2, "value": "remove", "comment": "ä"},
        {"number": 3, "value": "keep"},
    ]
    wrong: list[dict[str, Any]] = [
        {"number": 3, "value": "remove"},
        {"number": 5, "value": "keep"},
        {"number": 4, "value": "perhaps"},
        {"number": 4},
    ]
    first, again = [(await vic.rate_all([*rows, *wrong])).json() for _ in range(2)]
    progress = await vic.client.get(f"{SESSIONS}/{session}/progress", params=vic.where)

    assert [result["verdict"] for result in first["results"]] == ["unchanged", "replaced", "counted", *["rejected"] * 4]
    codes = [result["errors"][0]["code"] for result in first["results"][3:]]
    assert codes == ["named_twice", "unknown_item", "unknown_category", "missing"]
    assert first["counts"] == {"rows": 7, "unchanged": 1, "replaced": 1, "counted": 1, "rejected": 4}
    assert again["counts"] == {"rows": 7, "unchanged": 3, "replaced": 0, "counted": 0, "rejected": 4}
    assert [(line["rater"], line["rated"]) for line in progress.json()["raters"]] == [("vic", 3)]
    assert (await vic.rate_all(b"")).json()["counts"]["rows"] == 0
    assert (await vic.rate_all(b'{"number": 1, "value": "keep"}\n' * 10_001)).status_code == 413
    as_json, no_array, as_text = [
        await vic.client.post(f"{vic.address}/rating-batches", params=vic.where, content=body, headers={"Content-Type": kind})
        for body, kind in ((json.dumps(rows), "application/json"), ("{}", "application/json"), ("", "text/plain"))
    ]
    assert as_json.json()["counts"]["unchanged"] == 3
    assert [answer.status_code for answer in (no_array, as_text)] == [400, 415]
    await facilitator.moved(session, "review")
    assert (await vic.rate_all(rows)).status_code == 200
    assert (await vic.rate_all([{"number": 4, "value": "keep"}])).status_code == 409


async def test_only_those_rate_whom_the_session_names(by: By, facilitator: Facilitator, programme: str) -> None:
    """By subject and vendor: the same name at another vendor, or on the other side, is somebody else."""
    session = await facilitator.draft(references(1), **session_document(("ann", None), ("vic", "acme")))
    await facilitator.moved(session, "opening")

    def hand(*who: Any) -> Hand:
        return Hand(by(*who), programme, session)

    unnamed = [hand("zoe"), hand("vic"), hand("ann", "acme"), hand("fay", None, Role.QUALITY_MANAGER)]
    assert [(await each.rate(1, "keep")).status_code for each in unnamed] == [403] * 4
    assert [(await each.withdraw(1)).status_code for each in unnamed] == [403] * 4
    assert (await hand("vic", "borealis").rate(1, "keep")).status_code == 404
    assert (await hand("vic", "acme").rate(2, "keep")).status_code == 404
    assert (await hand("vic", "acme").withdraw(2)).status_code == 404
    refused = await hand("vic", "acme").rate(1, "perhaps")
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (409, "unknown_category")


async def test_every_other_step_is_told_what_is_possible(facilitator: Facilitator) -> None:
    """A step that the state does not allow is a 409 that lists what it does; a stale or missing version is refused."""
    document = session_document(*RATERS)
    session = await facilitator.draft(references(2), **document)
    address = f"{SESSIONS}/{session}"

    async def attempts() -> set[str]:
        where, any_version = facilitator.where, {"If-Match": "*"}
        tried = {
            "edit": await facilitator.client.put(address, params=where, json=document, headers=any_version),
            "add_items": await facilitator.client.post(f"{address}/items", params=where, json={"items": references(1)}),
            "benchmark": await facilitator.benchmark(session, 1, "keep"),
            "hide": await facilitator.golden(session, 1),
            "unhide": await facilitator.client.delete(f"{address}/items/1/golden", params=facilitator.where),
        }
        for action, answer in tried.items():
            possible = [] if answer.is_success else answer.json()["possible"]
            assert answer.is_success or (answer.status_code == 409 and action not in possible), answer.text
        return {action for action, answer in tried.items() if answer.is_success}

    assert await attempts() == {"edit", "add_items"}
    assert (await facilitator.move(session, "review")).json()["possible"] == ["edit", "add_items", "open"]
    stale = await facilitator.client.post(f"{address}/opening", params=facilitator.where, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    assert (await facilitator.client.post(f"{address}/opening", params=facilitator.where)).status_code == 428
    await facilitator.moved(session, "opening")
    assert await attempts() == set()
    assert (await facilitator.move(session, "opening")).json()["possible"] == ["rate", "withdraw", "review"]
    await facilitator.moved(session, "review")
    assert await attempts() == {"benchmark"}
    await facilitator.moved(session, "conclusion")
    assert await attempts() == {"hide", "unhide"}
    assert (await facilitator.move(session, "conclusion", {"conclusion": "Again"})).status_code == 409


async def test_what_a_session_does_not_take_is_refused_with_its_place(facilitator: Facilitator) -> None:
    """Unknown vendors, audits and items, categories off the scale, nothing to rate, nobody to rate, a deadline that is over."""
    unknown = await facilitator.client.post(
        SESSIONS, params=facilitator.where, json=session_document(("ann", None), ("nor", "northwind"))
    )
    session = await facilitator.draft(**session_document(*RATERS))
    address = f"{SESSIONS}/{session}"
    nowhere = "01a2056c-fe3a-74a8-aca7-db2388ab0f6b"
    wrong = [{"content_ref": "x"}, {"audit_id": nowhere}, {"repeat_of": 3}, {"repeat_of": 1}, {"repeat_of": 4}]
    added = await facilitator.client.post(f"{address}/items", params=facilitator.where, json={"items": wrong})
    shapeless = [{}, {"audit_id": nowhere, "content_ref": "x"}]
    shape = await facilitator.client.post(f"{address}/items", params=facilitator.where, json={"items": shapeless})
    empty = await facilitator.move(session, "opening")
    lonely = await facilitator.draft(references(1), **session_document())
    over = await facilitator.draft(references(1), **session_document(*RATERS, deadline="2020-01-01T00:00:00Z"))
    reviewed = await facilitator.draft(references(1), **session_document(*RATERS))
    await facilitator.moved(reviewed, "opening", "review")
    off_scale = await facilitator.benchmark(reviewed, 1, "perhaps")

    def place(answer: httpx.Response) -> tuple[int, list[tuple[str, str]]]:
        return answer.status_code, [(error["pointer"], error["code"]) for error in answer.json()["errors"]]

    assert place(unknown) == (409, [("/raters/1/vendor", "unknown_vendor")])
    assert place(added) == (
        409,
        [
            ("/items/1/audit_id", "unknown_audit"),
            ("/items/2/repeat_of", "unknown_item"),
            ("/items/4/repeat_of", "unknown_item"),
        ],
    )
    assert [pointer for pointer, _ in place(shape)[1]][:2] == ["/items/0", "/items/1"]
    assert place(empty) == (409, [("/items", "missing")])
    assert place(await facilitator.move(lonely, "opening")) == (409, [("/raters", "missing")])
    assert place(await facilitator.move(over, "opening")) == (409, [("/deadline", "in_the_past")])
    assert place(off_scale) == (409, [("/value", "unknown_category")])
    assert (await facilitator.benchmark(reviewed, 2, "keep")).status_code == 404


async def test_items_of_audits_show_raters_the_content_alone(by: By, facilitator: Facilitator, programme: str) -> None:
    """What was judged before, and which item comes twice, stays with those who facilitate and do not rate, until review.

    Of another vendor's audit a vendor never learns.
    """
    batch = await pushed(facilitator.client, programme, [missed("A-1", render_hints=["blur"])])
    audit_id = batch["results"][0]["audit_id"]
    items = [{"audit_id": audit_id}, {"repeat_of": 1}, {"content_ref": "x", "policy": "hate", "error_code": "WS-HATE"}]
    session = await facilitator.draft(items, **session_document(*RATERS, ("fred", None)))
    await facilitator.moved(session, "opening")
    fred = Hand(by("fred", None, Role.QUALITY_MANAGER), programme, session)
    fay = Hand(facilitator.client, programme, session)
    vic, bob = [Hand(by(*who), programme, session) for who in RATERS[1:]]
    fields = ("content_ref", "render_hints", "audit_id", "policy", "error_code", "repeat_of")

    async def seen(hand: Hand) -> list[tuple[Any, ...]]:
        return [tuple(item[field] for field in fields) for item in await hand.items()]

    of_audit = ("item:A-1", ["blur"], audit_id, "harassment", "FN-HARASS", None)
    again = (*of_audit[:-1], 1)
    other: tuple[Any, ...] = ("x", [], None, "hate", "WS-HATE", None)
    hidden: list[tuple[Any, ...]] = [("item:A-1", ["blur"], None, None, None, None)] * 2 + [("x", [], None, "hate", None, None)]
    assert await seen(fay) == [of_audit, again, other]
    assert [await seen(hand) for hand in (fred, vic, bob)] == [hidden] * 3
    await facilitator.moved(session, "review")
    assert [await seen(hand) for hand in (fred, vic)] == [[of_audit, again, other]] * 2
    assert await seen(bob) == [
        ("item:A-1", ["blur"], None, "harassment", None, None),
        ("item:A-1", ["blur"], None, "harassment", None, 1),
        other,
    ]


async def test_the_same_key_drafts_and_adds_once(facilitator: Facilitator) -> None:
    """A repetition gets the first answer, whatever became of the draft since."""
    document = session_document(("vic", "acme"), ("ann", None))
    key, more = {"Idempotency-Key": "draft"}, {"Idempotency-Key": "items"}
    first = await facilitator.client.post(SESSIONS, params=facilitator.where, json=document, headers=key)
    session = first.json()["id"]
    added = [
        await facilitator.client.post(
            f"{SESSIONS}/{session}/items", params=facilitator.where, json={"items": references(2)}, headers=more
        )
        for _ in range(2)
    ]
    changed = await facilitator.client.put(
        f"{SESSIONS}/{session}",
        params=facilitator.where,
        json=session_document(("zoe", None), title="Changed"),
        headers={"If-Match": '"2"'},
    )
    await facilitator.moved(session, "opening")
    again = await facilitator.client.post(SESSIONS, params=facilitator.where, json=document, headers=key)

    assert changed.json()["raters"] == [{"subject": "zoe", "vendor": None}]
    assert (changed.json()["title"], changed.json()["items"], changed.json()["revision"]) == ("Changed", 2, 3)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert again.json() == first.json()
    assert [answer.json() for answer in added] == [{"session_id": session, "first": 1, "last": 2}] * 2
    assert [answer.headers.get("Idempotent-Replayed") for answer in added] == [None, "true"]


async def test_precedent_is_found_by_its_words_policy_and_error(by: By, facilitator: Facilitator, programme: str) -> None:
    """In any language as they stand, in English by their stems; page by page, newest first; only what was agreed on."""
    items = [
        {"content_ref": "x", "policy": "harassment", "error_code": "FN-HARASS"},
        {"content_ref": "y", "policy": "hate"},
        {"content_ref": "z", "policy": "hate"},
    ]
    sessions = []
    for title, discussion in (("Threats", "Zażółć gęślą jaźń"), ("Slurs", "Nothing to it")):
        session = await facilitator.draft(items, **session_document(("vic", "acme"), title=title))
        await facilitator.moved(session, "opening", "review")
        for number in (1, 2):
            await facilitator.benchmark(session, number, "remove", discussion=discussion if number == 1 else None)
        sessions.append(session)
    client = by("vic", "acme")

    async def found(who: httpx.AsyncClient = client, **query: Any) -> list[tuple[str, int]]:
        answer = await who.get("/v1/precedents", params={"programme": programme, **query})
        places: list[tuple[str, int]] = []
        while True:
            assert answer.status_code == 200, answer.text
            places += [(item["title"], item["number"]) for item in answer.json()["items"]]
            if "next" not in answer.links:
                return places
            answer = await who.get(answer.url.join(answer.links["next"]["url"]))

    assert await found() == []
    for session in sessions:
        await facilitator.moved(session, "conclusion")
    everything = [("Slurs", 2), ("Slurs", 1), ("Threats", 2), ("Threats", 1)]
    assert await found(limit=1) == everything
    assert await found(q="removing") == everything
    assert await found(q="slur") == everything[:2]
    assert await found(q="gęślą") == [("Threats", 1)]
    assert await found(q="gęsi") == []
    assert await found(policy=["hate", "no_violation"]) == [("Slurs", 2), ("Threats", 2)]
    assert await found(error_code="FN-HARASS", q="threats -slurs") == [("Threats", 1)]
    assert await found(by("bob", "borealis")) == []


async def test_golden_items_are_held_against_the_audits_that_come_in(by: By, facilitator: Facilitator, programme: str) -> None:
    """In a batch and one by one, whoever pushes; each audit once; those who audit see neither the item nor the result."""
    items = [{"content_ref": "item:A-1"}, {"content_ref": "item:A-2"}, {"content_ref": "item:A-1"}, {"content_ref": "item:A-4"}]
    session = await facilitator.draft(items, **session_document(("ann", None)))
    await facilitator.moved(session, "opening", "review")
    for number, value in ((1, "remove"), (2, "keep"), (3, "remove")):
        await facilitator.benchmark(session, number, value)
    await facilitator.moved(session, "conclusion")
    ann, system = by("ann"), by("sys", "acme", Role.VENDOR_SYSTEM)

    async def head(client: httpx.AsyncClient) -> int:
        return int((await client.get("/v1/changes", params=facilitator.where)).json()["position"])

    before = await head(ann)
    hidden = [await facilitator.golden(session, number) for number in (1, 1, 2)]
    taken, incomplete = [await facilitator.golden(session, number) for number in (3, 4)]
    quiet = await head(ann)
    rows = [audit_row("A-1"), audit_row("A-2"), audit_row("A-3"), audit_row("A-9", queue="nowhere")]
    await pushed(system, programme, rows)
    after = await head(ann)
    await pushed(system, programme, rows)
    single = await ann.post("/v1/audits", params=facilitator.where, json=audit_row("B-1", content_ref="item:A-1", auditor="qa-2"))
    await facilitator.client.delete(f"{SESSIONS}/{session}/items/1/golden", params=facilitator.where)
    await ann.post("/v1/audits", params=facilitator.where, json=audit_row("B-2", content_ref="item:A-1"))
    results = (await facilitator.client.get("/v1/golden-results", params=facilitator.where)).json()["items"]
    narrowed = (
        await facilitator.client.get("/v1/golden-results", params=facilitator.where | {"auditor": "qa-2", "vendor": "acme"})
    ).json()["items"]
    feed = (await facilitator.client.get("/v1/changes", params=facilitator.where)).json()["changes"]
    anns = (await ann.get("/v1/changes", params=facilitator.where)).json()["changes"]

    assert [answer.json()["golden"] for answer in hidden] == [True, True, True]
    assert [answer.json()["errors"][0]["code"] for answer in (taken, incomplete)] == ["content_taken", "incomplete"]
    assert quiet == before, "an item becomes golden without a trace in the stream"
    places = {change["data"]["external_id"]: change["position"] for change in anns if change["noun"] == "audit"}
    assert after == places["A-1"] + 5, "every row of a batch takes a place for its audit and one for a result"
    assert single.status_code == 201
    assert [(each["auditor"], each["value"], each["benchmark"], each["agreed"]) for each in results] == [
        ("qa-2", "remove", "remove", True),
        ("qa-1", "remove", "keep", False),
        ("qa-1", "remove", "remove", True),
    ]
    assert [each["id"] for each in narrowed] == [results[0]["id"]]
    assert [change["data"] for change in feed if change["noun"] == "golden_result"] == results[::-1]
    assert {change["noun"] for change in anns} == {"programme", "audit", "calibration_session", "calibration_item"}
    assert {change["data"]["golden"] for change in feed if change["noun"] == "calibration_item"} == {False}
    assert {item["golden"] for item in await Hand(ann, programme, session).items()} == {False}


async def test_an_erasure_does_not_tell_golden_items_from_others(facilitator: Facilitator, programme: str) -> None:
    """It takes a further position for an audit that met one as for any other."""
    session = await facilitator.draft([{"content_ref": "item:A-1"}], **session_document(("ann", None)))
    await facilitator.moved(session, "opening", "review")
    await facilitator.benchmark(session, 1, "remove")
    await facilitator.moved(session, "conclusion")
    await facilitator.golden(session, 1)
    batch = await pushed(facilitator.client, programme, [audit_row("A-1"), audit_row("A-2")])
    for result in batch["results"]:
        how: dict[str, Any] = {"params": facilitator.where, "json": {"reason": "Asked for"}, "headers": {"If-Match": "*"}}
        erased = await facilitator.client.post(f"/v1/audits/{result['audit_id']}/erasure", **how)
        head = (await facilitator.client.get("/v1/changes", params=facilitator.where)).json()["position"]

        assert erased.status_code == 200
        assert head > erased.json()["position"]


async def test_an_erased_audit_is_erased_here_too(facilitator: Facilitator, programme: str) -> None:
    """Content reference and auditor go, the ratings and the result stay, and the feed says so."""
    batch = await pushed(facilitator.client, programme, [audit_row("A-1")])
    session = await facilitator.draft([{"audit_id": batch["results"][0]["audit_id"]}], **session_document(("ann", None)))
    await facilitator.moved(session, "opening", "review")
    await facilitator.benchmark(session, 1, "remove")
    await facilitator.moved(session, "conclusion")
    await facilitator.golden(session, 1)
    again = (await pushed(facilitator.client, programme, [audit_row("B-1", content_ref="item:A-1")]))["results"][0]["audit_id"]
    for audit_id in (batch["results"][0]["audit_id"], again):
        address = f"/v1/audits/{audit_id}/erasure"
        answer = await facilitator.client.post(
            address, params=facilitator.where, json={"reason": "Asked for"}, headers={"If-Match": "*"}
        )
        assert answer.status_code == 200
    feed = (await facilitator.client.get("/v1/changes", params=facilitator.where)).json()["changes"]
    [item] = [change for change in feed if change["noun"] == "calibration_item"]
    [result] = [change for change in feed if change["noun"] == "golden_result"]
    [shown] = await Hand(facilitator.client, programme, session).items()

    assert (item["erased"], item["data"]["content_ref"], item["data"]["benchmark"]["value"]) == (True, None, "remove")
    assert (result["erased"], result["data"]["auditor"], result["data"]["agreed"]) == (True, None, True)
    assert not shown["golden"]
    assert "item:A-1" not in str(feed)
