"""The composition of a service out of the kit."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.middleware import Middleware

from tallystick.service.auth import Authenticator
from tallystick.service.bodies import Bodies, BodyLimit
from tallystick.service.clock import utc_now
from tallystick.service.database import Database
from tallystick.service.health import health_router, schema_revision
from tallystick.service.migrate import head_revision
from tallystick.service.parameters import declared, only_known_parameters
from tallystick.service.problems import add_problem_handlers, add_problems
from tallystick.service.routing import Shortcut
from tallystick.service.settings import Settings
from tallystick.service.tags import ContentTags, add_tags
from tallystick.service.telemetry import Metrics, Telemetry

_SHORTEST_SECRET = 32


class WeakSecretError(RuntimeError):
    """What signs cursors and forms is missing, or can be guessed."""


class StaleSchemaError(RuntimeError):
    """The database is not at the migration that this version of the service needs."""


def create_service(
    settings: Settings,
    *,
    name: str,
    package: str,
    description: str,
    routers: Sequence[APIRouter],
    body_limits: Mapping[str, int | BodyLimit] | None = None,
    background: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None,
) -> FastAPI:
    """Build a service's application.

    Args:
        settings: what it needs to know.
        name: of the distribution, such as `audit-api`.
        package: where its migrations are, such as `audit_api`.
        description: what OpenAPI says of it.
        routers: its nouns.
        body_limits: the largest body in bytes by path or template of paths, where it is not 1 MB.
        background: work that runs beside the requests, started when the schema is known to be right.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if len(settings.secret.get_secret_value()) < _SHORTEST_SECRET:
            raise WeakSecretError(f"TALLYSTICK_SECRET needs at least {_SHORTEST_SECRET} characters: it signs cursors and forms.")
        found, needed = await schema_revision(app.state.database), head_revision(package)
        if found != needed:
            raise StaleSchemaError(f"{name} needs schema {needed}, the database is at {found}: run `{name} migrate` first.")
        try:
            if background is None:
                yield
            else:
                async with background(app):
                    yield
        finally:
            await app.state.database.close()

    metrics = Metrics()
    app = FastAPI(
        title=f"Tallystick {name}",
        version=version(name),
        description=description,
        lifespan=lifespan,
        generate_unique_id_function=lambda route: route.name,
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(only_known_parameters)],
        redirect_slashes=False,  # what is not there is told so, not sent to an address that leaves the gateway out
        middleware=[
            Middleware(Telemetry, metrics=metrics),
            Middleware(Bodies, limits=body_limits or {}),
            Middleware(ContentTags),
        ],
    )
    app.state.settings = settings
    app.state.clock = utc_now
    app.state.database = Database(settings.database_url.get_secret_value(), settings.database_pool)
    app.state.authenticator = Authenticator(settings.trusted_issuers(), settings.revoked)
    app.state.draining = asyncio.Event()
    app.state.metrics = metrics
    add_problem_handlers(app, settings.public_url)
    own = len(app.router.routes)
    for router in (*routers, health_router(name, package)):
        app.include_router(router)
    app.router.routes.insert(own, Shortcut(app.router.routes[own:]))

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            with declared(app.routes):
                app.openapi_schema = get_openapi(
                    title=app.title, version=app.version, description=app.description, routes=app.routes
                )
            add_problems(app.openapi_schema)
            add_tags(app.openapi_schema)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way to extend its document
    return app
