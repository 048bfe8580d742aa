"""The composition root of reporting-api."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from reporting_api.dashboard.appeal_charts import router as appeal_charts_router
from reporting_api.dashboard.appeals import router as appeals_page_router
from reporting_api.dashboard.calibration import router as calibration_page_router
from reporting_api.dashboard.case_charts import router as case_charts_router
from reporting_api.dashboard.change_charts import router as change_charts_router
from reporting_api.dashboard.charts import router as charts_router
from reporting_api.dashboard.coverage import charts_router as coverage_charts_router
from reporting_api.dashboard.coverage import router as coverage_page_router
from reporting_api.dashboard.problem_pages import router as problem_pages_router
from reporting_api.dashboard.routes import router as dashboard_router
from reporting_api.dashboard.sign_in import router as sign_in_router
from reporting_api.decompositions.routes import router as decompositions_router
from reporting_api.effects.routes import router as effects_router
from reporting_api.metrics.memory import Memory
from reporting_api.metrics.routes import READERS
from reporting_api.metrics.routes import router as metrics_router
from reporting_api.projection.routes import router as projections_router
from reporting_api.projection.worker import projecting
from reporting_api.reports.calibration.routes import router as calibration_router
from reporting_api.reports.coverage.routes import router as coverage_router
from reporting_api.reports.routes import router as reports_router
from reporting_api.reports.work.routes import router as work_router
from reporting_api.settings import ReportingSettings
from reporting_api.signals import records as signals
from reporting_api.signals.chart import router as signal_chart_router
from reporting_api.signals.routes import router as signals_router
from reporting_api.signals.worker import detecting
from reporting_api.tables import streams
from tallystick.service.app import create_service
from tallystick.service.feed import Feed, Noun, feed_router
from tallystick.service.pages import page


@asynccontextmanager
async def _beside_requests(app: FastAPI) -> AsyncIterator[None]:
    async with projecting(app) as projection, detecting(app, projection):
        yield


def create_app(settings: ReportingSettings) -> FastAPI:
    """Build reporting-api."""
    feed = Feed(streams, [Noun("signal", signals.read_changes)])
    app = create_service(
        settings,
        name="reporting-api",
        package="reporting_api",
        description="Every number of Tallystick: metrics, reports, signals, and how far they stand behind the facts.",
        routers=[
            metrics_router,
            reports_router,
            calibration_router,
            coverage_router,
            work_router,
            decompositions_router,
            effects_router,
            projections_router,
            charts_router,
            appeal_charts_router,
            case_charts_router,
            change_charts_router,
            coverage_charts_router,
            signals_router,
            signal_chart_router,
            feed_router(feed, *READERS),
            dashboard_router,
            appeals_page_router,
            calibration_page_router,
            coverage_page_router,
            sign_in_router,
            problem_pages_router,
        ],
        background=_beside_requests,
    )
    app.state.memory = Memory()
    page.install(app, "reporting_api.dashboard")
    return app
