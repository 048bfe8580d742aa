"""Query parameters: a service takes those that a route declares, and refuses all others.

FastAPI looks at every declared parameter by itself, also at those that were not sent. For the two dozen filters of a list that
takes longer than the database does, so functions with many are depended on by `FromQuery`.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_dependant, request_params_to_args
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute, iter_route_contexts
from fastapi.security.base import SecurityBase
from starlette.routing import BaseRoute

from tallystick.schemas.base import Slug
from tallystick.schemas.problem import ProblemError
from tallystick.service.problems import InvalidRequest, problem_errors

ProgrammeQuery = Annotated[Slug, Query(description="The programme's slug.")]
_KNOWN: dict[Callable[..., Any], frozenset[str]] = {}


class FromQuery:
    """A dependency on a function of query parameters, of which those that were sent are read: `Depends(FromQuery(_filters))`.

    Args:
        function: declares its parameters as FastAPI has it, and may itself depend on what is read `FromQuery`. All are read
            together, so that all faults are told together. What was not sent has the function's default.
    """

    def __init__(self, function: Callable[..., Awaitable[Any]]) -> None:
        dependant = get_dependant(path="", call=function)
        self._function = function
        self._own = [field.name for field in dependant.query_params]
        self._parts = {str(part.name): part.call for part in dependant.dependencies if isinstance(part.call, FromQuery)}
        self.declared: list[Any] = list(dependant.query_params)  # as FastAPI's fields, of which it gives no public type
        for part in self._parts.values():
            self.declared += part.declared

    async def __call__(self, request: Request) -> Any:
        sent = request.query_params
        asked = [field for field in self.declared if field.alias in sent or field.field_info.is_required()]
        values, errors = request_params_to_args(asked, sent)
        if errors:
            raise RequestValidationError(errors)
        return await self._answer(values)

    async def _answer(self, values: Mapping[str, Any]) -> Any:
        own = {name: values[name] for name in self._own if name in values}
        return await self._function(**own, **{name: await part._answer(values) for name, part in self._parts.items()})  # noqa: SLF001


def refusal(parameter: str, code: str, detail: str) -> InvalidRequest:
    """The problem with one parameter."""
    return InvalidRequest(detail, errors=[ProblemError(pointer=f"query:{parameter}", code=code, detail=detail)])


def in_order(start: date | None, end: date | None) -> None:
    """Refuse a period that ends before it begins. Its bounds, where it has them, are both days or both times."""
    if start is not None and end is not None and start >= end:
        raise refusal("to", "empty_period", "The period ends before it begins: `to` is the first that is not part of it.")


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
        _KNOWN[route.endpoint] = frozenset(field.alias for part in _parts(route.dependant) for field in _fields(part))
    return _KNOWN[route.endpoint]


def _fields(part: Dependant) -> Sequence[Any]:
    return part.call.declared if isinstance(part.call, FromQuery) else part.query_params


def _parts(dependant: Dependant) -> Iterator[Dependant]:
    """A route's function with all that it depends on."""
    yield dependant
    for each in dependant.dependencies:
        yield from _parts(each)


@contextmanager
def declared(routes: Sequence[BaseRoute]) -> Iterator[None]:
    """Show FastAPI what is read `FromQuery` like all other parameters, while it describes the routes."""
    dependants = [context.dependant for context in iter_route_contexts(routes) if isinstance(context.original_route, APIRoute)]
    parts = [(part, part.call) for each in dependants for part in _parts(each) if isinstance(part.call, FromQuery)]
    for part, reader in parts:
        part.query_params = reader.declared
    try:
        yield
    finally:
        for part, _ in parts:
            part.query_params = []
