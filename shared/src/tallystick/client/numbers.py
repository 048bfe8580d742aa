"""Metrics and reports: every number is asked of reporting-api."""

from typing import Literal, overload

from tallystick.client.transport import Query, Transport
from tallystick.schemas.base import Wire
from tallystick.schemas.metric import Definitions, Metrics, ProjectionList
from tallystick.schemas.report import QualitySummary, TopErrorTrends

Filters = Query
"""The shared vocabulary of filters: `{"vendor": "acme", "queue": ["live", "video"], "from": "2026-09-01"}`."""

ReportName = Literal["quality-summary", "top-error-trends"]

_REPORTS: dict[ReportName, type[Wire]] = {"quality-summary": QualitySummary, "top-error-trends": TopErrorTrends}


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

    @overload
    async def report(self, name: Literal["quality-summary"], programme: str, query: Filters | None = None) -> QualitySummary: ...

    @overload
    async def report(self, name: Literal["top-error-trends"], programme: str, query: Filters | None = None) -> TopErrorTrends: ...

    async def report(self, name: ReportName, programme: str, query: Filters | None = None) -> Wire:
        """A named report; `query` holds the filters, the period and the view."""
        url = f"{self._address}/reports/{name}"
        return await self._numbers.read(_REPORTS[name], url, {**(query or {}), "programme": programme})

    async def projections(self, programme: str | None = None) -> ProjectionList:
        """How far the numbers stand behind the facts, for one programme or for all."""
        return await self._numbers.read(ProjectionList, f"{self._address}/projections", {"programme": programme})
