"""The composition root of audit-api."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

from audit_api.appeals import records as appeals
from audit_api.appeals.deciding import router as deciding_router
from audit_api.appeals.routes import BATCHES_PATH as APPEAL_BATCHES_PATH
from audit_api.appeals.routes import MAX_BODY as MAX_APPEALS
from audit_api.appeals.routes import router as appeals_router
from audit_api.appeals.sweeping import sweeping
from audit_api.audits import records as audits
from audit_api.audits.routes import READERS
from audit_api.audits.routes import router as audits_router
from audit_api.batches.intake import Intake
from audit_api.batches.routes import BATCHES_PATH, MAX_BODY
from audit_api.batches.routes import router as batches_router
from audit_api.calibration import golden, items, library_routes, rating_routes, sessions
from audit_api.calibration import routes as calibration
from audit_api.decisions.routes import BATCHES_PATH as DECISION_BATCHES_PATH
from audit_api.decisions.routes import MAX_BODY as MAX_DECISIONS
from audit_api.decisions.routes import router as decisions_router
from audit_api.exposure.routes import router as exposure_router
from audit_api.exposure.thinning import thinning
from audit_api.items.routes import router as items_router
from audit_api.items.sweeping import sweeping_items
from audit_api.lots.routes import router as lots_router
from audit_api.metadata import idempotency_keys, metadata, streams, webhooks
from audit_api.pages.auditors import router as auditors_router
from audit_api.pages.auditors_forms import router as auditors_forms_router
from audit_api.pages.sampling import router as sampling_pages_router
from audit_api.pages.sampling_forms import router as sampling_forms_router
from audit_api.pages.work import router as work_router
from audit_api.pages.work_forms import router as work_forms_router
from audit_api.programmes import records as programmes
from audit_api.programmes.routes import require_programme
from audit_api.programmes.routes import router as programmes_router
from audit_api.sampling import draws
from audit_api.sampling import items as sample_items
from audit_api.sampling.draw_routes import router as draws_router
from audit_api.sampling.forgetting import forgetting
from audit_api.sampling.routes import router as plans_router
from audit_api.sampling.schedule import sampling
from audit_api.settings import AuditSettings
from audit_api.staffing.plan_routes import Arranging
from audit_api.staffing.plan_routes import router as staffing_plans_router
from audit_api.staffing.routes import router as staffing_router
from tallystick.service.app import create_service
from tallystick.service.clock import shifted
from tallystick.service.database import ReadSession
from tallystick.service.feed import Feed, Noun, feed_router
from tallystick.service.pages import page
from tallystick.service.webhooks.delivery import delivering
from tallystick.service.webhooks.routes import deliveries_router, endpoints_router

__all__ = ["create_app", "metadata"]  # metadata: with every noun's tables in it, which the migrations lead to


@asynccontextmanager
async def _beside_requests(app: FastAPI) -> AsyncIterator[None]:
    async with sweeping(app), sampling(app), forgetting(app), sweeping_items(app), thinning(app), delivering(app, webhooks):
        yield


def create_app(settings: AuditSettings) -> FastAPI:
    """Build audit-api."""

    async def appeal_changes(session: ReadSession, programme: str, after: int, limit: int) -> list[dict[str, Any]]:
        return await appeals.read_changes(session, programme, after, limit, now=app.state.clock())

    nouns = [
        Noun("programme", programmes.read_changes),
        Noun("audit", audits.read_changes, by_field=True),
        Noun("appeal", appeal_changes),
        Noun("calibration_session", sessions.read_changes),
        Noun("calibration_item", items.read_changes),
        Noun("golden_result", golden.read_changes),
        Noun("draw", draws.read_changes),
        Noun("sample_item", sample_items.read_changes),
    ]
    feed = Feed(streams, nouns)
    app = create_service(
        settings,
        name="audit-api",
        package="audit_api",
        description="The facts of Tallystick: programmes, audits, appeals, calibration, their changes, and webhooks.",
        routers=[
            programmes_router,
            batches_router,
            audits_router,
            decisions_router,
            appeals_router,
            deciding_router,
            calibration.router,
            rating_routes.router,
            library_routes.router,
            plans_router,
            draws_router,
            lots_router,
            exposure_router,
            items_router,
            staffing_router,
            staffing_plans_router,
            feed_router(feed, *READERS),
            sampling_pages_router,
            sampling_forms_router,
            auditors_router,
            auditors_forms_router,
            work_router,
            work_forms_router,
            endpoints_router(webhooks, idempotency_keys, require_programme),
            deliveries_router(webhooks, idempotency_keys),
        ],
        body_limits={
            BATCHES_PATH: MAX_BODY,
            APPEAL_BATCHES_PATH: MAX_APPEALS,
            DECISION_BATCHES_PATH: MAX_DECISIONS,
            calibration.ITEMS_PATH: calibration.MAX_BODY,
            rating_routes.BATCHES_PATH: calibration.MAX_BODY,
        },
        background=_beside_requests,
    )
    if settings.audit_clock_shift is not None:
        app.state.clock = shifted(settings.audit_clock_shift)
    app.state.arranging = Arranging(settings.plans_at_once, settings.plan_seconds)
    app.state.intake = Intake(settings.batches_at_once, settings.batch_queue_seconds)
    app.state.decision_intake = Intake(settings.decision_batches_at_once, settings.batch_queue_seconds)
    page.install(app, "audit_api.pages")
    return app
