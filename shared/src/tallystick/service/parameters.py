"""Query parameters: a service takes those that a route declares, and refuses all others."""

from collections.abc import Callable, Iterator
from typing import Any

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.security.base import SecurityBase

from tallystick.service.problems import InvalidRequest, problem_errors

_KNOWN: dict[Callable[..., Any], frozenset[str]] = {}


async def only_known_parameters(request: Request) -> None:
    """Refuse parameters that the route does not know: a misspelt filter would answer another question than was asked.

    Whoever may not use the route at all is told that instead, as with any other fault of a request.
    """
    if not request.query_params:
        return
    route: APIRoute = request.scope["route"]
    unknown = sorted(request.query_params.keys() - _known(route))
    if not unknown:
        return
    for part in _parts(route.dependant):
        if isinstance(part.call, SecurityBase):
            await part.call(request)
    faults = [{"loc": ("query", name), "type": "unknown_parameter", "msg": "There is no such parameter."} for name in unknown]
    raise InvalidRequest("Some parameters are unknown here.", errors=problem_errors(faults))


def _known(route: APIRoute) -> frozenset[str]:
    """The parameters of a route; they are looked for once, for that takes longer than many a read."""
    if route.endpoint not in _KNOWN:
        _KNOWN[route.endpoint] = frozenset(parameter.alias for part in _parts(route.dependant) for parameter in part.query_params)
    return _KNOWN[route.endpoint]


def _parts(dependant: Dependant) -> Iterator[Dependant]:
    """A route's function with all that it depends on."""
    yield dependant
    for each in dependant.dependencies:
        yield from _parts(each)
