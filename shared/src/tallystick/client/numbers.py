"""Metrics and reports: every number is asked of reporting-api."""

from typing import Any

from tallystick.client.transport import Query, Transport, json_object

Filters = Query
"""The shared vocabulary of filters: `{"vendor": "acme", "queue": ["live", "video"], "from": "2026-09-01"}`."""


class Numbers:
    """What reporting-api answers. Numbers are objects: value, numerator, denominator, interval, sufficiency."""

    def __init__(self, transport: Transport, address: str) -> None:
        self._numbers = transport
        self._address = address

    async def metrics(self, programme: str, query: Filters | None = None) -> dict[str, Any]:
        """Measures by dimensions; `query` holds them, the filters, the period and what else the endpoint takes."""
        return await self._get("metrics", {**(query or {}), "programme": programme})

    async def definitions(self) -> dict[str, Any]:
        """What the measures and dimensions mean."""
        return await self._get("metrics/definitions")

    async def report(self, name: str, programme: str, query: Filters | None = None) -> dict[str, Any]:
        """A named report, such as `quality-summary` or `top-error-trends`."""
        return await self._get(f"reports/{name}", {**(query or {}), "programme": programme})

    async def projections(self, programme: str) -> dict[str, Any]:
        """How far the numbers stand behind the facts."""
        return await self._get("projections", {"programme": programme})

    async def _get(self, path: str, query: Query | None = None) -> dict[str, Any]:
        return json_object(await self._numbers.request("GET", f"{self._address}/v1/{path}", query=query))
