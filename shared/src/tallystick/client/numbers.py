"""Metrics and reports: every number is asked of reporting-api."""

from collections.abc import AsyncIterator
from datetime import date
from uuid import UUID

from tallystick.client.transport import Model, Query, Transport, parsed
from tallystick.schemas.appeal_report import AppealReport
from tallystick.schemas.calibration_report import CalibrationReport, CalibrationTrend
from tallystick.schemas.coverage import CoverageReport
from tallystick.schemas.decomposition import Decomposition
from tallystick.schemas.effect import Effect, EffectPlan
from tallystick.schemas.metric import Definitions, Metrics, ProjectionList
from tallystick.schemas.rca_report import RcaReport
from tallystick.schemas.report import QualitySummary, TopErrorTrends
from tallystick.schemas.signal import Signal, SignalPage
from tallystick.schemas.weekly import WeeklySummary

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

    async def quality_summary(self, programme: str, query: Filters | None = None) -> QualitySummary:
        """How good the decisions were; `query` holds the filters, the period and the view."""
        return await self._report(QualitySummary, "quality-summary", programme, query)

    async def top_error_trends(self, programme: str, query: Filters | None = None) -> TopErrorTrends:
        """Which errors there are most of, which way they go, and where; `query` as for the summary."""
        return await self._report(TopErrorTrends, "top-error-trends", programme, query)

    async def decomposition(self, programme: str, query: Filters | None = None) -> Decomposition:
        """Why a rate changed; `query` holds `measure`, `by`, the filters, the period and the baseline."""
        return await self._numbers.read(
            Decomposition, f"{self._address}/decomposition", {**(query or {}), "programme": programme}
        )

    async def effect(self, programme: str, plan: EffectPlan) -> Effect:
        """Whether a plan worked, as far as can be said by now. Its windows are days of the programme's time zone."""
        query: Filters = {
            **plan.scope.given(),
            "programme": programme,
            "measure": plan.measure,
            "control_vendor": plan.control_vendor,
            "baseline_from": plan.baseline.from_.isoformat(),
            "baseline_to": plan.baseline.to.isoformat(),
            "verification_from": plan.verification.from_.isoformat(),
            "verification_to": plan.verification.to.isoformat(),
            "wanted": plan.wanted,
            "minimum_sample": plan.minimum_sample,
        }
        return await self._numbers.read(Effect, f"{self._address}/effect", query)

    async def appeal_report(self, programme: str, query: Filters | None = None) -> AppealReport:
        """How audits are appealed, and what becomes of it; `query` holds the filters and the period."""
        return await self._report(AppealReport, "appeals", programme, query)

    async def calibration_report(self, programme: str, session: UUID, query: Filters | None = None) -> CalibrationReport:
        """Whether the raters of a session agree, what divides them, and who is next; `query` holds `vendor` and `policy`."""
        return await self._report(CalibrationReport, "calibration", programme, {**(query or {}), "session": str(session)})

    async def calibration_trend(self, programme: str, query: Filters | None = None) -> CalibrationTrend:
        """Concluded sessions one after the other; `query` holds `vendor`, `policy` and the period of their conclusion."""
        return await self._report(CalibrationTrend, "calibration", programme, query)

    async def rca_report(self, programme: str, query: Filters | None = None) -> RcaReport:
        """How root causes are found, and whether what is done about them works; `query` holds `vendor` and the period."""
        return await self._report(RcaReport, "rca", programme, query)

    async def coverage_report(self, programme: str, query: Filters | None = None) -> CoverageReport:
        """How much of what was planned is audited, and will be; `query` holds `plan_id`, `draw_id`, `vendor` and the period."""
        return await self._report(CoverageReport, "coverage", programme, query)

    async def weekly_summary(self, programme: str, *, week: date | None = None, vendor: str | None = None) -> WeeklySummary:
        """What happened in the week of a day, the last whole one without it: for a vendor, or without one for the client."""
        query: Filters = {"week": None if week is None else week.isoformat(), "vendor": vendor}
        return await self._report(WeeklySummary, "weekly-summary", programme, query)

    async def weekly_letter(self, programme: str, *, week: date | None = None, vendor: str | None = None) -> str:
        """The same as a letter in Markdown, ready to be sent."""
        query: Filters = {"programme": programme, "week": None if week is None else week.isoformat(), "vendor": vendor}
        address = f"{self._address}/reports/weekly-summary"
        return (await self._numbers.request("GET", address, query=query, headers={"Accept": "text/markdown"})).text

    async def signals(self, programme: str, filters: Filters | None = None, *, page: int = 100) -> AsyncIterator[Signal]:
        """Every signal that passes the filters, such as `{"state": "active", "vendor": "acme"}`, those raised last first."""
        query = {**(filters or {}), "programme": programme, "limit": page}
        async for response in self._numbers.pages(f"{self._address}/signals", query):
            for signal in parsed(SignalPage, response).items:
                yield signal

    async def signal(self, programme: str, signal: UUID) -> Signal:
        """One signal as the facts show it now."""
        return await self._numbers.read(Signal, f"{self._address}/signals/{signal}", {"programme": programme})

    async def projections(self, programme: str | None = None) -> ProjectionList:
        """How far the numbers stand behind the facts, for one programme or for all."""
        return await self._numbers.read(ProjectionList, f"{self._address}/projections", {"programme": programme})

    async def _report(self, model: type[Model], name: str, programme: str, query: Filters | None) -> Model:
        return await self._numbers.read(model, f"{self._address}/reports/{name}", {**(query or {}), "programme": programme})
