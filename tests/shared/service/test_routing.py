"""The short way to a router leads where FastAPI would come to."""

import re
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import Message, Scope

from security.doors import routes
from tallystick.service.routing import Shortcut
from unstarted import unstarted

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "BREW")


@pytest.fixture(scope="module", params=["/audit", "/rca", "/reporting"])
def app(request: pytest.FixtureRequest) -> FastAPI:
    return unstarted()[request.param]


def _shortcut(app: FastAPI) -> Shortcut:
    return next(route for route in app.router.routes if isinstance(route, Shortcut))


def _scope(app: FastAPI, method: str, path: str, root_path: str = "") -> Scope:
    place = {"path": root_path + path, "root_path": root_path, "query_string": b"", "headers": []}
    return {"type": "http", "app": app, "method": method, **place}


async def _arrival(app: FastAPI, scope: Scope) -> dict[str, Any]:
    """What has been found of a request when its dependencies, of which none is there, turn it away."""
    told: dict[str, Any] = {}

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        told.setdefault("status", message.get("status"))

    try:
        await app.router(scope, receive, send)
    except HTTPException as error:
        told |= {"status": error.status_code, "headers": error.headers}
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the same both ways
        told["error"] = type(error)
    return {name: scope.get(name) for name in ("route", "endpoint", "path_params")} | told


async def test_every_request_arrives_where_it_does_without_the_short_way(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same operation with the same parameters, or the same 404 or 405, at every path of a service by every method.

    So it is behind a gateway's prefix too, for a path that goes on, and for one that ends early.
    """
    paths = {re.sub(r"{\w+(:path)?}", "a-b", path) for _, path in routes(app)}
    others = {f"{path}/" for path in paths} | {f"{path}/a/b" for path in paths} | {path[:-1] for path in paths}
    asked = [(method, path, "") for path in sorted(paths) for method in METHODS]
    asked += [("GET", path, "/gateway") for path in sorted(others)]
    with_it = [await _arrival(app, _scope(app, *each)) for each in asked]
    monkeypatch.setattr(app.router, "routes", [route for route in app.router.routes if not isinstance(route, Shortcut)])
    without = [await _arrival(app, _scope(app, *each)) for each in asked]

    assert [(each, *both) for each, *both in zip(asked, with_it, without, strict=True) if both[0] != both[1]] == []
    assert {each.get("status") for each in with_it} >= {404, 405}


@pytest.mark.parametrize("root", ["", "/gateway"])
def test_the_short_way_leads_to_every_operation(app: FastAPI, root: str) -> None:
    """It leaves out the document and what the kit for pages adds alone."""
    missed = {
        (method, path)
        for method, path in routes(app)
        if _shortcut(app).matches(_scope(app, method, path.replace("{", "").replace("}", ""), root))[0] is Match.NONE
    }

    assert missed == {("GET", "/openapi.json"), ("GET", "/static/{name}")}


async def test_no_address_has_a_second_name(app: FastAPI) -> None:
    """With a line feed at its end it is another, where nothing is: what a gateway keeps to itself is reached by one name."""
    operations = {path for _, path in routes(app)} - {"/openapi.json"} | {"/metrics"}
    paths = {re.sub(r"{\w+(:path)?}", "a-b", path) for path in operations}
    arrivals = [await _arrival(app, _scope(app, "GET", f"{path}\n")) for path in sorted(paths)]

    assert [(arrival.get("status"), arrival["route"]) for arrival in arrivals] == [(404, None)] * len(paths)


def _of_two_routers() -> FastAPI:
    first, second = APIRouter(), APIRouter()

    @first.get("/things/{name}")
    async def thing(name: str) -> str:
        return f"thing {name}"

    @first.put("/numbers/{number:float}")
    async def put_number(number: float) -> str:
        return f"put {number}"

    @second.get("/things/all")
    async def everything() -> str:
        return "everything"

    @second.get("/numbers/{number}")
    async def number(number: str) -> str:
        return f"number {number}"

    app = FastAPI()
    included: list[BaseRoute] = []
    for router in (first, second):
        app.include_router(router)
        included.append(app.router.routes[-1])
    app.router.routes.insert(-2, Shortcut(included))
    return app


async def test_the_first_router_that_takes_the_method_is_led_to() -> None:
    """A path that two routers take is the first one's; a method that only the second takes is the second's."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(_of_two_routers()), base_url="http://probe") as client:
        answers = [
            (await client.request(method, path)).json()
            for method, path in [("GET", "/things/all"), ("PUT", "/numbers/1.5"), ("GET", "/numbers/1.5")]
        ]

    assert answers == ["thing all", "put 1.5", "number 1.5"]


def test_addresses_are_made_as_ever() -> None:
    """Of operations by their name; what has no such name has no address."""
    app = _of_two_routers()

    assert app.url_path_for("number", number="7") == "/numbers/7"
    with pytest.raises(NoMatchFound):
        app.url_path_for("nothing")
