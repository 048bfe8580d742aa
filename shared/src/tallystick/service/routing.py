"""The short way from a request to the router that answers it.

FastAPI keeps the routers that a service includes as they are, and asks one after the other about every route that each has. With
two dozen routers that takes about as long as reading a row.
"""

import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from fastapi.routing import iter_route_contexts
from starlette.datastructures import URLPath
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import Receive, Scope, Send

from tallystick.service.problems import NotFound

_ROUTER = "tallystick.router"
_NAMED_GROUP = re.compile(r"\(\?P<\w+>")


class _Nowhere(BaseRoute):
    """Where there is nothing."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - as routes have it
        raise NotFound("There is no such address.")


_NOWHERE = _Nowhere()


class Shortcut(BaseRoute):
    """A route before the included routers that leads to the one that FastAPI would come to.

    It looks at method and path in one regular expression. Where it finds nothing, FastAPI goes its own way and tells that
    nothing is there, or that it does not take the method.

    Args:
        routers: as FastAPI included them, in their order. All that they hold are operations: no mounts, no websockets.
    """

    def __init__(self, routers: Sequence[BaseRoute]) -> None:
        self._routers = {f"router_{number}": router for number, router in enumerate(routers)}

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Find the first router that takes this method at this path. None has a path that ends with a line feed.

        The patterns of Starlette end with `$`, which takes such a path for the one without: nothing behind a gateway's rules
        may be reached by another name.
        """
        if scope["type"] == "http" and scope["path"].endswith("\n"):
            return Match.FULL, {_ROUTER: _NOWHERE}
        pattern = self._patterns.get(scope["method"]) if scope["type"] == "http" else None
        found = pattern and pattern.match(scope["path"].removeprefix(scope.get("root_path", "")))
        return (Match.FULL, {_ROUTER: self._routers[str(found.lastgroup)]}) if found else (Match.NONE, {})

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the router that was found answer."""
        await scope.pop(_ROUTER).handle(scope, receive, send)

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """Name no address: those of the routers name their own."""
        raise NoMatchFound(name, path_params)

    @cached_property
    def _patterns(self) -> dict[str, re.Pattern[str]]:
        """By method, a group for each router of the paths that it takes it at."""
        paths: dict[str, dict[str, list[str]]] = {}
        for group, router in self._routers.items():
            for route in iter_route_contexts([router]):
                path = _NAMED_GROUP.sub("(?:", route.path_regex.pattern)
                for method in route.methods or ():
                    paths.setdefault(method, {}).setdefault(group, []).append(path)
        return {
            method: re.compile("|".join(f"(?P<{group}>{'|'.join(each)})" for group, each in of_routers.items()))
            for method, of_routers in paths.items()
        }
