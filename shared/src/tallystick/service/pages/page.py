"""Pages: how they are rendered, which headers they carry, and what becomes of errors on the way to one."""

from collections.abc import Awaitable, Callable
from functools import cache, partial
from typing import Any
from urllib.parse import urlencode

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException

from tallystick.service.auth import Principal
from tallystick.service.forms import TYPED, FormToken
from tallystick.service.pages import words
from tallystick.service.pages.assets import Assets, router

TAG = "pages"
"""Routes with this tag answer with pages, errors included."""

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
"""No page runs or loads anything that this service does not serve itself. Numbers of others stay out of caches."""

Handler = Callable[[Request, Exception], Awaitable[Response]]


class Elsewhere(HTTPException):
    """The page that was asked for is at another address."""

    def __init__(self, address: str) -> None:
        super().__init__(303, headers={"Location": address})


def install(app: FastAPI, package: str) -> None:
    """Give the app what pages need, and let errors on the way to a page become pages.

    Args:
        app: of the service.
        package: of the service's pages: its `templates`, and `static` if there is one, stand beside those of this kit.
    """
    app.include_router(router)
    app.state.assets = Assets(package)
    app.state.templates = _templates(package)
    for error, handler in list(app.exception_handlers.items()):
        app.add_exception_handler(error, partial(_on_error, handler))  # type: ignore[arg-type] # typed for sync handlers too


@cache
def _templates(package: str) -> Environment:
    """The templates of a package and of this kit, which a process compiles once, however many apps it has."""
    templates = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader("tallystick.service.pages")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(words.FILTERS)
    return templates


def path_of(request: Request) -> str:
    """The path as the gateway shows it to people: pages stand at the root, beside the prefixes of the services."""
    path: str = request.scope["path"]
    return path.removeprefix(request.scope.get("root_path", ""))


def page(request: Request, template: str, /, *, status: int = 200, **context: Any) -> Response:
    """Render a page. Its forms get the token `form_token`, its header the principal that is signed in."""
    state = request.app.state
    state.assets.prepare()
    form = FormToken(request)
    principal: Principal | None = request.scope.get("principal")
    of_page = {"asset": state.assets.address, "principal": principal, "form_token": form.value}
    body = state.templates.get_template(template).render(of_page, **context)
    response = Response(body, status, HEADERS, "text/html; charset=utf-8")
    form.remember(response)
    return response


async def _on_error(handler: Handler, request: Request, error: Exception) -> Response:
    """A problem document for programs; for people, the sign-in page or a page that says the same."""
    if isinstance(error, Elsewhere):
        return RedirectResponse(error.headers["Location"] if error.headers else "/", 303)
    response = await handler(request, error)
    if not _asks_for_page(request):
        return response
    if response.status_code == 401 and request.method in {"GET", "HEAD"}:  # noqa: PLR2004
        query = request.url.query
        here = path_of(request) + (f"?{query}" if query else "")
        return RedirectResponse(f"/sign-in?{urlencode({'next': here})}", 303, {"Cache-Control": "no-store"})
    problem = orjson.loads(response.body)
    answer = page(request, "problem.html", status=response.status_code, problem=problem, typed=request.scope.get(TYPED, []))
    for name in ("Allow", "Retry-After", "X-Request-Id"):
        if name in response.headers:
            answer.headers[name] = response.headers[name]
    return answer


def _asks_for_page(request: Request) -> bool:
    """Whether a person waits for the answer: at one of our pages, or with a browser at an address that does not exist."""
    route = request.scope.get("route")
    if route is not None:
        return TAG in getattr(route, "tags", ())
    return not path_of(request).startswith("/v1/") and "text/html" in request.headers.get("accept", "")
