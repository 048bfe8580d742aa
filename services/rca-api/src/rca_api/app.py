"""The composition root of rca-api."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import Any

from fastapi import FastAPI

from rca_api.actions import records as actions
from rca_api.actions.routes import router as actions_router
from rca_api.cases import records as cases
from rca_api.cases.routes import READERS
from rca_api.cases.routes import router as cases_router
from rca_api.cases.step_routes import router as steps_router
from rca_api.causes import records as causes
from rca_api.causes import whys
from rca_api.causes.routes import router as causes_router
from rca_api.causes.why_routes import router as whys_router
from rca_api.coaching import records as coaching
from rca_api.coaching.routes import router as coaching_router
from rca_api.evidence.routes import router as evidence_router
from rca_api.links import records as links
from rca_api.links.routes import router as links_router
from rca_api.messages import records as messages
from rca_api.messages.routes import router as messages_router
from rca_api.metadata import idempotency_keys, metadata, streams, webhooks
from rca_api.notices import records as notices
from rca_api.notices.routes import router as notices_router
from rca_api.objectives import records as objectives
from rca_api.objectives.routes import router as objectives_router
from rca_api.pages.action_forms import router as action_forms_router
from rca_api.pages.actions import router as actions_page_router
from rca_api.pages.board import router as board_router
from rca_api.pages.case import router as case_router
from rca_api.pages.case_forms import router as case_forms_router
from rca_api.pages.documents import Documents
from rca_api.pages.people import router as people_router
from rca_api.pages.people_forms import router as people_forms_router
from rca_api.plans import records as plans
from rca_api.plans.routes import router as plans_router
from rca_api.programmes import require_programme
from rca_api.service import NAME
from rca_api.settings import RcaSettings
from rca_api.sweeping import sweeping
from rca_api.working import working
from tallystick.service.app import create_service
from tallystick.service.clock import shifted
from tallystick.service.database import ReadSession
from tallystick.service.feed import Feed, Noun, feed_router
from tallystick.service.neighbours import neighbours
from tallystick.service.pages import page
from tallystick.service.webhooks.delivery import delivering
from tallystick.service.webhooks.routes import deliveries_router, endpoints_router

__all__ = ["create_app", "metadata"]  # metadata: with every noun's tables in it, which the migrations lead to


@asynccontextmanager
async def _beside_requests(app: FastAPI) -> AsyncIterator[None]:
    async with neighbours(app.state.settings, NAME, patience_s=2) as client:
        app.state.neighbours = client
        follows = working(app) if app.state.settings.follow else nullcontext()
        async with follows, sweeping(app), delivering(app, webhooks):
            yield


def create_app(settings: RcaSettings) -> FastAPI:
    """Build rca-api."""

    async def case_changes(session: ReadSession, programme: str, after: int, limit: int) -> list[dict[str, Any]]:
        return await cases.read_changes(session, programme, after, limit, now=app.state.clock())

    async def action_changes(session: ReadSession, programme: str, after: int, limit: int) -> list[dict[str, Any]]:
        return await actions.read_changes(session, programme, after, limit, now=app.state.clock())

    nouns = [
        Noun("case", case_changes),
        Noun("message", messages.read_changes),
        Noun("why", whys.read_changes),
        Noun("cause", causes.read_changes),
        Noun("case_link", links.read_changes),
        Noun("action", action_changes),
        Noun("plan", plans.read_changes),
        Noun("notice", notices.read_changes),
        Noun("coaching_session", coaching.read_changes),
        Noun("objective", objectives.read_changes),
    ]
    feed = Feed(streams, nouns)
    app = create_service(
        settings,
        name=NAME,
        package="rca_api",
        description="The work of Tallystick: root-cause cases, actions, plans, coaching, objectives, their feed, and webhooks.",
        routers=[
            cases_router,
            steps_router,
            links_router,
            whys_router,
            causes_router,
            evidence_router,
            messages_router,
            plans_router,
            actions_router,
            notices_router,
            coaching_router,
            objectives_router,
            feed_router(feed, *READERS),
            board_router,
            case_router,
            case_forms_router,
            actions_page_router,
            action_forms_router,
            people_router,
            people_forms_router,
            endpoints_router(webhooks, idempotency_keys, require_programme),
            deliveries_router(webhooks, idempotency_keys),
        ],
        background=_beside_requests,
    )
    if settings.clock_shift is not None:
        app.state.clock = shifted(settings.clock_shift)
    app.state.documents = Documents()
    page.install(app, "rca_api.pages")
    return app
