"""Versions and pages: nothing is sent that a reader has, or overwritten that a writer has not seen; lists are walked once."""

from collections.abc import Callable
from time import thread_time

import httpx
import pytest
from fastapi import FastAPI

from batches import problem
from conftest import Caller
from tallystick.schemas.principal import Role


@pytest.mark.parametrize(
    ("tag", "status"), [('"3"', 304), ('W/"3"', 304), ('"1", "3"', 304), ("*", 304), ('"4"', 200), ("3", 200), ("", 200)]
)
async def test_a_reader_that_has_it_is_not_sent_it(probe: httpx.AsyncClient, tag: str, status: int) -> None:
    """304 carries the ETag and no body."""
    answer = await probe.get("/v1/things/3", headers={"If-None-Match": tag})

    assert (answer.status_code, answer.headers["etag"]) == (status, '"3"')
    assert bool(answer.content) == (status == 200)


@pytest.mark.parametrize(
    ("tag", "status"),
    [('"3"', 200), ('"1", "3"', 200), ("*", 200), ('"4"', 412), ('W/"3"', 412), ("3", 412), ("", 412), (None, 428)],
)
async def test_a_writer_names_the_version_it_changes(probe: httpx.AsyncClient, tag: str | None, status: int) -> None:
    """Strong tags alone count for a change."""
    answer = await probe.put("/v1/things/3", headers={} if tag is None else {"If-Match": tag})

    assert answer.status_code == status
    assert status != 200 or answer.headers["etag"] == '"4"'


@pytest.mark.parametrize("tag", ['"' + "1-" * 10_000, '"' + "1" * 20_000, '"1-' + "-" * 20_000, '"1-a", ' * 3000])
async def test_a_tag_that_no_service_gave_costs_no_more_than_it_weighs(probe: httpx.AsyncClient, tag: str) -> None:
    """However the tag of a change is written, it is read in one go, and not again from each of its characters."""

    async def took(tag: str, status: int) -> float:
        begun = thread_time()
        answer = await probe.put("/v1/things/3", headers={"If-Match": tag})
        lasted = thread_time() - begun

        assert answer.status_code == status
        return lasted

    assert min([await took(tag, 412) for _ in range(3)]) < 50 * min([await took('"3"', 200) for _ in range(3)])


@pytest.fixture
def numbers(service: Callable[..., FastAPI], caller: Caller) -> httpx.AsyncClient:
    """A client of a list of numbers."""
    return caller(service(), Role.ADMIN)


@pytest.mark.parametrize(("limit", "odd"), [(1, True), (7, False), (50, True), (99, False), (100, False), (1000, False)])
async def test_a_list_is_walked_by_its_links(numbers: httpx.AsyncClient, limit: int, odd: bool) -> None:
    """The link is relative, keeps the filters and the limit, and ends with the list."""
    seen: list[int] = []
    address = f"/v1/numbers?limit={limit}&odd={odd}"
    for _ in range(200):
        answer = await numbers.get(address)
        seen += answer.json()["items"]
        if "next" not in answer.links:
            break
        link = answer.links["next"]["url"]
        assert link.startswith(f"?limit={limit}&odd={odd}&cursor=")
        address = f"/v1/numbers{link}"

    assert seen == [number for number in range(100) if number % 2 or not odd]


async def test_a_list_is_not_sent_twice(numbers: httpx.AsyncClient) -> None:
    """Its ETag is that of what it shows and whether it goes on, so it is another one for another page, and one for the same."""
    addresses = ("/v1/numbers?limit=99", "/v1/numbers?limit=100", "/v1/numbers", "/v1/numbers?limit=50&odd=true")
    first = [await numbers.get(address) for address in addresses]
    tags = [answer.headers["etag"] for answer in first]
    again = [await numbers.get(address, headers={"If-None-Match": tags[1]}) for address in addresses]

    assert len(set(tags)) == 3
    assert tags[1] == tags[2]
    assert [(answer.status_code, bool(answer.content)) for answer in again] == [
        (200, True),
        (304, False),
        (304, False),
        (200, True),
    ]
    assert [answer.headers["etag"] for answer in again] == tags
    assert "etag" not in (await numbers.get("/v1/failures/bug")).headers


async def test_a_link_holds_behind_a_gateway(numbers: httpx.AsyncClient) -> None:
    """Relative to wherever the list was read, whatever prefix stands before it."""
    link = (await numbers.get("/v1/numbers?limit=1")).links["next"]["url"]

    assert str(httpx.URL("https://qa.example/audit/v1/numbers?limit=1").join(link)).startswith(
        "https://qa.example/audit/v1/numbers?limit=1&cursor="
    )


@pytest.mark.parametrize("cursor", ["nonsense", "", ".", "WzFd.AAAA", "\u00e9", "x" * 500])
async def test_a_cursor_cannot_be_made_up(numbers: httpx.AsyncClient, cursor: str) -> None:
    """What the service has not signed is a problem, whatever it is."""
    answer = await numbers.get("/v1/numbers", params={"cursor": cursor})

    assert (answer.status_code, problem(answer)) == (400, "invalid-cursor")


async def test_a_cursor_of_another_secret_is_none(service: Callable[..., FastAPI], caller: Caller) -> None:
    """Replicas share the secret; nobody else's cursors count."""
    ours, theirs = (caller(service(secret=secret), Role.ADMIN) for secret in ("one", "two"))
    link = (await ours.get("/v1/numbers?limit=1")).links["next"]["url"]

    assert (await ours.get(f"/v1/numbers{link}")).status_code == 200
    assert (await theirs.get(f"/v1/numbers{link}")).status_code == 400
