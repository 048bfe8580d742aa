"""Query parameters: a service takes those that a route declares, and refuses all others."""

from collections.abc import Iterator

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.security.base import SecurityBase

from tallystick.service.problems import InvalidRequest, problem_errors


async def only_known_parameters(request: Request) -> None:
    """Refuse parameters that the route does not know: a misspelt filter would answer another question than was asked.

    Whoever may not use the route at all is told that instead, as with any other fault of a request.
    """
    if not request.query_params:
        return
    parts = list(_parts(request.scope["route"].dependant))
    known = {parameter.alias for part in parts for parameter in part.query_params}
    unknown = sorted(request.query_params.keys() - known)
    if not unknown:
        return
    for part in parts:
        if isinstance(part.call, SecurityBase):
            await part.call(request)
    faults = [{"loc": ("query", name), "type": "unknown_parameter", "msg": "There is no such parameter."} for name in unknown]
    raise InvalidRequest("Some parameters are unknown here.", errors=problem_errors(faults))


def _parts(dependant: Dependant) -> Iterator[Dependant]:
    """A route's function with all that it depends on."""
    yield dependant
    for each in dependant.dependencies:
        yield from _parts(each)
