"""The address of a dashboard: everything that was chosen stands in it, so a link shows another person the same page."""

from collections.abc import Container
from urllib.parse import urlencode

from fastapi import Request

from tallystick.service.pages.page import Elsewhere, path_of

DEFAULTS = frozenset({("view", "adjudicated"), ("sort", "-accuracy"), ("sort", "-overturn_rate")})
"""What an address does not say."""

Pairs = list[tuple[str, str]]


class Address:
    """A path with the parameters that were given."""

    def __init__(self, path: str, given: Pairs) -> None:
        self._path = path
        self.given = given

    def __str__(self) -> str:
        return self._written(self.given)

    def having(self, name: str, *values: str) -> str:
        """The same with these values of a parameter and no others of it."""
        return self._written([*self._other_than(name), *((name, value) for value in values)])

    def narrowed(self, values: dict[str, str | None]) -> str:
        """The same for a part of its audits: each of these parameters has this value alone."""
        kept = [pair for pair in self.given if pair[0] not in values]
        return self._written([*kept, *((name, value) for name, value in values.items() if value is not None)])

    def without(self, name: str, value: str | None = None) -> str:
        """The same without one value of a parameter, or without any of them."""
        return self._written([pair for pair in self.given if pair[0] != name or (value is not None and pair[1] != value)])

    def at(self, path: str, known: Container[str]) -> str:
        """Another page about the same: the parameters that it knows go along."""
        return str(Address(path, [pair for pair in self.given if pair[0] in known]))

    def bare(self) -> str:
        """The path alone."""
        return self._path

    def _other_than(self, name: str) -> Pairs:
        return [pair for pair in self.given if pair[0] != name]

    def _written(self, pairs: Pairs) -> str:
        query = urlencode([pair for pair in pairs if pair not in DEFAULTS])
        return f"{self._path}?{query}" if query else self._path


def tidied(request: Request) -> None:
    """Lead an address with empty, repeated or needless parameters, as forms make them, to the one without."""
    given = request.query_params.multi_items()
    kept = [pair for pair in dict.fromkeys(given) if pair[1] and pair not in DEFAULTS]
    if kept != given:
        query = urlencode(kept)
        path = path_of(request)
        raise Elsewhere(f"{path}?{query}" if query else path)
