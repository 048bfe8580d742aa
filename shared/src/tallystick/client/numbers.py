"""Metrics and reports: every number is asked of reporting-api."""

from typing import Any

from tallystick.client.transport import Query, Transport, json_object
from tallystick.schemas.metric import Definitions, Metrics, ProjectionList

Filters = Query
"""The shared vocabulary of filters: `{"vendor": "acme", "queue": ["live", "video"], "from": "2026-09-01"}`."""


class Numbers:
    """What reporting-api answers. Every number says what it stands on: numerator, denominator, interval, sufficiency."""

    def __init__(self, transport: Transport, address: str) -> None:
        self._numbers = transport
        self._address = f"{address}/v1"

    async def metrics(self, programme: str, query: Filters | None = None) -> Metrics:
        """Measures by dimensions; `query` holds `measure`, `by`, the filters, the period and what else can be asked."""
        return await self._numbers.read(Metrics, f"{self._address}/metrics", {**(query or {}), "programme": programme})

    async def definitions(self) -> Definitions:
        """What the measures and dimensions mean."""
        return await self._numbers.read(Definitions, f"{self._address}/metrics/definitions")

    async def report(self, name: str, programme: str, query: Filters | None = None) -> dict[str, Any]:
        """A named report, such as `quality-summary` or `top-error-trends`, as plain JSON."""
        url = f"{self._address}/reports/{name}"
        return json_object(await self._numbers.request("GET", url, query={**(query or {}), "programme": programme}))

    async def projections(self, programme: str | None = None) -> ProjectionList:
        """How far the numbers stand behind the facts, for one programme or for all."""
        return await self._numbers.read(ProjectionList, f"{self._address}/projections", {"programme": programme})
