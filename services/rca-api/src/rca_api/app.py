"""The composition root of rca-api."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from rca_api.cases import records as cases
from rca_api.cases.routes import READERS
from rca_api.cases.routes import router as cases_router
from rca_api.messages import records as messages
from rca_api.messages.routes import router as messages_router
from rca_api.metadata import metadata, streams
from rca_api.settings import RcaSettings
from tallystick.service.app import create_service
from tallystick.service.feed import Feed, Noun, feed_router
from tallystick.service.neighbours import neighbours

__all__ = ["create_app", "metadata"]  # metadata: with every noun's tables in it, for the migrations

NAME = "rca-api"


@asynccontextmanager
async def _with_neighbours(app: FastAPI) -> AsyncIterator[None]:
    async with neighbours(app.state.settings, NAME, patience_s=2) as client:
        app.state.neighbours = client
        yield


def create_app(settings: RcaSettings) -> FastAPI:
    """Build rca-api."""
    feed = Feed(streams, [Noun("case", cases.read_changes), Noun("message", messages.read_changes)])
    return create_service(
        settings,
        name=NAME,
        package="rca_api",
        description="The work of Tallystick: root-cause cases, their conversation, and the feed of their changes.",
        routers=[cases_router, messages_router, feed_router(feed, *READERS)],
        background=_with_neighbours,
    )
