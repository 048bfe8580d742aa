"""The composition root of rca-api."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

from rca_api.cases import records as cases
from rca_api.cases.routes import READERS
from rca_api.cases.routes import router as cases_router
from rca_api.cases.step_routes import router as steps_router
from rca_api.causes import records as causes
from rca_api.causes import whys
from rca_api.causes.routes import router as causes_router
from rca_api.causes.why_routes import router as whys_router
from rca_api.evidence.routes import router as evidence_router
from rca_api.links import records as links
from rca_api.links.routes import router as links_router
from rca_api.messages import records as messages
from rca_api.messages.routes import router as messages_router
from rca_api.metadata import metadata, streams
from rca_api.pages.board import router as board_router
from rca_api.pages.case import router as case_router
from rca_api.pages.case_forms import router as case_forms_router
from rca_api.pages.documents import Documents
from rca_api.service import NAME
from rca_api.settings import RcaSettings
from rca_api.working import working
from tallystick.service.app import create_service
from tallystick.service.database import ReadSession
from tallystick.service.feed import Feed, Noun, feed_router
from tallystick.service.neighbours import neighbours
from tallystick.service.pages import page

__all__ = ["create_app", "metadata"]  # metadata: with every noun's tables in it, for the migrations


@asynccontextmanager
async def _with_neighbours(app: FastAPI) -> AsyncIterator[None]:
    async with neighbours(app.state.settings, NAME, patience_s=2) as client:
        app.state.neighbours = client
        if not app.state.settings.follow:
            yield
            return
        async with working(app):
            yield


def create_app(settings: RcaSettings) -> FastAPI:
    """Build rca-api."""

    async def case_changes(session: ReadSession, programme: str, after: int, limit: int) -> list[dict[str, Any]]:
        return await cases.read_changes(session, programme, after, limit, now=app.state.clock())

    nouns = [
        Noun("case", case_changes),
        Noun("message", messages.read_changes),
        Noun("why", whys.read_changes),
        Noun("cause", causes.read_changes),
        Noun("case_link", links.read_changes),
    ]
    feed = Feed(streams, nouns)
    app = create_service(
        settings,
        name=NAME,
        package="rca_api",
        description="The work of Tallystick: root-cause cases, their conversation, and the feed of their changes.",
        routers=[
            cases_router,
            steps_router,
            links_router,
            whys_router,
            causes_router,
            evidence_router,
            messages_router,
            feed_router(feed, *READERS),
            board_router,
            case_router,
            case_forms_router,
        ],
        background=_with_neighbours,
    )
    app.state.documents = Documents()
    page.install(app, "rca_api.pages")
    return app
