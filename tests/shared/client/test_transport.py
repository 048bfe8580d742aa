"""Requests: tokens, retries, problems and pages."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from uuid import UUID

import pytest

from shared.client.stub import Answer, Stub, free_port, json_answer, problem, serving
from tallystick.client import (
    Outage,
    ProblemError,
    Tallystick,
    UnexpectedAnswerError,
    UnreachableError,
    renewed,
)
from tallystick.schemas.case import NewCase
from tallystick.schemas.programme import Programme
from tallystick.schemas.sampling import NoItem

DOCUMENT = Programme.model_validate(
    {
        "slug": "demo",
        "name": "Demo",
        "vendors": [{"slug": "acme", "name": "Acme"}],
        "policy_set": {"version": "1", "policies": [{"code": "spam", "name": "Spam"}]},
        "error_taxonomy": {"version": "1"},
    }
)
PROGRAMME = {
    "revision": 3,
    "changed_at": "2026-09-01T00:00:00Z",
    "changed_by": "tests",
    "document": DOCUMENT.model_dump(mode="json"),
}
CASE = {
    "title": "Live in Krakow",
    "programme": "demo",
    "id": "01a204c7-295c-735b-8c12-86ddf52a14c7",
    "revision": 1,
    "position": 1,
    "state": "open",
    "opened_by": "tests",
    "opened_at": "2026-09-01T00:00:00Z",
    "vendor": None,
    "description": None,
    "scope": {},
    "measure": "error_rate",
    "priority": "normal",
    "owner": "tests",
    "participants": [],
    "origin": "person",
    "signals": [],
    "period": {"from": "2026-08-04", "to": "2026-09-01"},
    "baseline": {"from": "2026-06-09", "to": "2026-08-04"},
    "due_at": None,
    "overdue": False,
    "evidence_at": None,
    "override": None,
    "watch_until": None,
    "reopened": 0,
    "moves": [],
    "possible": ["analyse", "cancel"],
    "closed_by": None,
    "closed_at": None,
    "conclusion": None,
}
CASE_ID = UUID("01a204c7-295c-735b-8c12-86ddf52a14c7")


async def test_every_request_carries_the_token(tallystick: Tallystick, stub: Stub) -> None:
    """The token travels as a bearer token."""
    stub.script.append(json_answer({"items": []}))

    await tallystick.programmes.list()

    assert stub.seen[0].headers["authorization"] == "Bearer a-token"


async def test_a_provider_is_asked_before_every_request(stub: Stub) -> None:
    """Short-lived tokens of a service are renewed while it runs."""
    tokens = iter(("one", "two"))
    stub.handle = lambda _: json_answer({"items": []})

    async with Tallystick(stub.url, lambda: next(tokens)) as tallystick:
        await tallystick.programmes.list()
        await tallystick.programmes.list()

    assert [seen.headers["authorization"] for seen in stub.seen] == ["Bearer one", "Bearer two"]


async def test_a_provider_may_be_asynchronous(stub: Stub) -> None:
    """A vendor may fetch its token over the network."""

    async def provide() -> str:
        await asyncio.sleep(0)
        return "fetched"

    stub.handle = lambda _: json_answer({"items": []})

    async with Tallystick(stub.url, provide) as tallystick:
        await tallystick.programmes.list()

    assert stub.seen[0].headers["authorization"] == "Bearer fetched"


def test_a_renewed_token_is_signed_again_when_it_is_old() -> None:
    """Between renewals the same token is used."""
    signed = iter(("one", "two"))
    provide = renewed(lambda: next(signed), every_s=1)

    first, second = provide(), provide()
    time.sleep(1.01)

    assert (first, second, provide()) == ("one", "one", "two")


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_read_is_repeated_while_the_service_is_unavailable(tallystick: Tallystick, stub: Stub, status: int) -> None:
    """Two refusals and an answer make an answer."""
    stub.script.extend([problem(status, "unavailable"), problem(status, "unavailable"), json_answer(PROGRAMME)])

    found = await tallystick.programmes.get("demo")

    assert found.revision == 3
    assert len(stub.seen) == 3


async def test_a_read_is_repeated_when_its_answer_is_torn(tallystick: Tallystick, stub: Stub) -> None:
    """A connection that breaks within an answer costs nothing but time."""
    stub.script.extend([Answer(200, b"{", torn=True), json_answer(PROGRAMME)])

    assert (await tallystick.programmes.get("demo")).revision == 3


async def test_a_creation_is_repeated_under_the_same_key(tallystick: Tallystick, stub: Stub) -> None:
    """The key makes the repetition harmless, even when the answer got lost after the work was done."""
    stub.script.extend([Answer(201, b"{", torn=True), problem(503, "unavailable"), json_answer(CASE, 201)])

    case = await tallystick.cases.open("demo", NewCase(title="Live in Krakow"))

    assert case.id == CASE_ID
    assert len({seen.headers["idempotency-key"] for seen in stub.seen}) == 1
    assert len(stub.seen) == 3


async def test_a_creation_waits_for_its_first_try_to_end(tallystick: Tallystick, stub: Stub) -> None:
    """409 with Retry-After says that the first request with the key is still running."""
    running = problem(409, "request-in-progress")
    stub.script.extend([Answer(409, running.body, {"retry-after": "0"}), json_answer(CASE, 201)])

    assert (await tallystick.cases.open("demo", NewCase(title="Live in Krakow"))).id == CASE_ID


async def test_two_creations_have_two_keys(tallystick: Tallystick, stub: Stub) -> None:
    """A key is made for every call."""
    stub.script.extend([json_answer(CASE, 201), json_answer(CASE, 201)])

    await tallystick.cases.open("demo", NewCase(title="Live in Krakow"))
    await tallystick.cases.open("demo", NewCase(title="Live in Krakow"))

    assert len({seen.headers["idempotency-key"] for seen in stub.seen}) == 2


async def test_a_change_of_a_revision_is_not_repeated(tallystick: Tallystick, stub: Stub) -> None:
    """Whether it was carried out is unknown when the answer is torn; a repetition would meet another revision."""
    stub.script.append(Answer(201, b"{", torn=True))

    with pytest.raises(UnreachableError):
        await tallystick.cases.close("demo", CASE_ID, "Fixed.", revision=1)

    assert len(stub.seen) == 1
    assert stub.seen[0].headers["if-match"] == '"1"'


async def test_a_claim_is_repeated(tallystick: Tallystick, stub: Stub) -> None:
    """Who has an item in hand is handed the same again, whichever answer got lost."""
    nothing = {"item": None, "reason": "nothing_waits", "message": "Well done.", "lighter": False, "again_at": None}
    stub.script.extend([Answer(200, b"{", torn=True), problem(502, "bad-gateway"), json_answer(nothing)])

    assert (await tallystick.items.claim("demo")).reason is NoItem.NOTHING_WAITS
    assert len(stub.seen) == 3


async def test_a_change_that_was_never_sent_is_repeated() -> None:
    """Nobody listens at first: nothing can have happened, so even a PUT is tried again."""
    port, stub = free_port(), Stub()
    stub.handle = lambda _: json_answer(PROGRAMME)
    waiting = asyncio.Event()
    async with Tallystick(f"http://127.0.0.1:{port}", "t", on_outage=lambda _: waiting.set()) as tallystick:
        put = asyncio.create_task(tallystick.programmes.put(DOCUMENT, revision=2))
        await waiting.wait()

        with serving(stub, port):
            assert (await put).revision == 3

    assert stub.seen[0].headers["if-match"] == '"2"'


async def test_patience_is_for_a_service_that_has_been_there() -> None:
    """It is waited for beyond the time that an address gets at which nobody has ever listened."""
    port, stub = free_port(), Stub()
    stub.handle = lambda _: json_answer({"items": []})
    waiting = asyncio.Event()
    url = f"http://127.0.0.1:{port}"
    async with Tallystick(url, "t", unreached_patience_s=0, on_outage=lambda _: waiting.set()) as tallystick:
        with pytest.raises(UnreachableError, match="Check that the address is right"):
            await tallystick.programmes.list()
        with serving(stub, port):
            await tallystick.programmes.list()
        again = asyncio.create_task(tallystick.programmes.list())
        await waiting.wait()

        with serving(stub, port):
            await again

    assert len(stub.seen) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 422, 500])
async def test_a_refusal_is_raised_at_once(tallystick: Tallystick, stub: Stub, status: int) -> None:
    """What a repetition cannot change is not repeated."""
    stub.script.append(problem(status, "some-problem"))

    with pytest.raises(ProblemError) as raised:
        await tallystick.programmes.get("demo")

    assert raised.value.problem.status == status
    assert raised.value.slug == "some-problem"
    assert len(stub.seen) == 1


async def test_a_problem_reads_as_a_message(tallystick: Tallystick, stub: Stub) -> None:
    """Title, status and detail on the first line, then each error with its place and code."""
    errors = [{"pointer": "/vendors/0/slug", "code": "pattern", "detail": "Not a slug."}]
    stub.script.append(problem(422, "invalid-request", "Two things are wrong.", errors=errors))

    with pytest.raises(ProblemError) as raised:
        await tallystick.programmes.put(DOCUMENT)

    assert str(raised.value) == ("Invalid request (422): Two things are wrong.\n  /vendors/0/slug: Not a slug. [pattern]")


async def test_an_error_without_a_problem_document_becomes_a_problem(tallystick: Tallystick, stub: Stub) -> None:
    """Some proxies answer in HTML."""
    stub.script.append(Answer(403, b"<html>", {"x-request-id": "abc"}))

    with pytest.raises(ProblemError) as raised:
        await tallystick.programmes.get("demo")

    assert raised.value.problem.title == "Forbidden"
    assert raised.value.problem.request_id == "abc"


async def test_retry_after_is_waited_for(tallystick: Tallystick, stub: Stub) -> None:
    """The service knows best when it will be back."""
    busy = problem(429, "too-many-requests")
    stub.script.extend([Answer(429, busy.body, {"retry-after": "1"}), json_answer(PROGRAMME)])
    started = time.monotonic()

    await tallystick.programmes.get("demo")

    assert time.monotonic() - started >= 1


async def test_retry_after_may_be_a_moment(stub: Stub) -> None:
    """Both forms of the header count: here the moment lies beyond all patience."""
    away = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    stub.script.append(Answer(503, problem(503, "unavailable").body, {"retry-after": away}))

    async with Tallystick(stub.url, "t", patience_s=10) as tallystick:
        with pytest.raises(ProblemError, match="Unavailable"):
            await tallystick.programmes.get("demo")


async def test_patience_ends(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    """After that the last refusal is raised."""
    monkeypatch.setattr("tallystick.client.transport._FIRST_DELAY_S", 0.01)
    stub.handle = lambda _: problem(503, "unavailable", "The database is out of reach.")

    async with Tallystick(stub.url, "t", patience_s=0.5) as tallystick:
        with pytest.raises(ProblemError, match="out of reach"):
            await tallystick.programmes.get("demo")

    assert len(stub.seen) > 1


async def test_an_outage_is_told_with_its_reason() -> None:
    """Nobody listens: the reason names the address without its parameters."""
    port = free_port()
    outages: list[Outage] = []

    async with Tallystick(f"http://127.0.0.1:{port}", "t", patience_s=0.5, on_outage=outages.append) as tallystick:
        with pytest.raises(UnreachableError):
            await tallystick.metrics("demo", {"moderator": "m-1"})

    assert outages[0].reason.startswith(f"http://127.0.0.1:{port}/reporting/v1/metrics: ")


async def test_an_address_without_a_scheme_is_not_tried_again() -> None:
    """There is nothing to wait for."""
    async with Tallystick("tallystick.example", "t") as tallystick:
        with pytest.raises(UnreachableError, match="protocol"):
            await tallystick.programmes.list()


async def test_a_redirect_is_not_followed(tallystick: Tallystick, stub: Stub) -> None:
    """The token goes to the address that was given, and nowhere else."""
    stub.script.append(Answer(302, b"", {"location": "https://elsewhere.example/"}))

    with pytest.raises(UnexpectedAnswerError, match="302"):
        await tallystick.programmes.list()


async def test_pages_are_followed_by_their_link(tallystick: Tallystick, stub: Stub) -> None:
    """A relative `Link` keeps the path under which the gateway shows the service."""
    stub.script.extend(
        [
            json_answer({"items": [CASE]}, link='<?programme=demo&limit=1&cursor=abc>; rel="next"'),
            json_answer({"items": [CASE]}),
        ]
    )

    found = [case.id async for case in tallystick.cases.list("demo", {"state": "open", "vendor": ["a", "b"]}, page=1)]

    assert found == [CASE_ID, CASE_ID]
    assert [seen.path for seen in stub.seen] == ["/rca/v1/cases", "/rca/v1/cases"]
    assert ("vendor", "b") in stub.seen[0].query
    assert stub.seen[1].query == [("programme", "demo"), ("limit", "1"), ("cursor", "abc")]


async def test_a_page_on_another_host_is_not_followed(tallystick: Tallystick, stub: Stub) -> None:
    """The token would go with it."""
    stub.script.append(json_answer({"items": []}, link='<http://127.0.0.2/steal>; rel="next"'))

    with pytest.raises(UnexpectedAnswerError, match="another host"):
        [case async for case in tallystick.cases.list("demo")]


async def test_fields_of_a_later_version_are_passed_over(tallystick: Tallystick, stub: Stub) -> None:
    """An older client reads what a newer service says."""
    stub.script.append(json_answer({**CASE, "weight": 3}))

    assert (await tallystick.cases.read("demo", CASE_ID)).title == "Live in Krakow"


async def test_something_else_than_the_contract_is_told(tallystick: Tallystick, stub: Stub) -> None:
    """A page of a proxy that answers 200 is no case."""
    stub.script.append(Answer(200, b"<html>Sign in</html>"))

    with pytest.raises(UnexpectedAnswerError, match="no Case"):
        await tallystick.cases.read("demo", CASE_ID)


async def test_services_are_reached_directly_by_their_own_addresses(stub: Stub) -> None:
    """Within the house nobody goes through the gateway."""
    stub.handle = lambda _: json_answer({"items": []})

    async with Tallystick(token="t", audit=stub.url) as tallystick:
        await tallystick.programmes.list()

    assert stub.seen[0].path == "/v1/programmes"


async def test_this_machine_is_reached_without_a_proxy(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A company's proxy knows nothing of a loopback address."""
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    stub.handle = lambda _: json_answer({"items": []})

    async with Tallystick(stub.url, "t", patience_s=0) as tallystick:
        await tallystick.programmes.list()

    assert len(stub.seen) == 1
