"""The command of a service: `serve`, `migrate`, and what the service adds to them."""

import asyncio
import gc
import signal
from collections.abc import Callable
from importlib import import_module
from types import FrameType

import typer
import uvicorn
from fastapi import FastAPI
from sqlalchemy import NullPool, Table, func, make_url, text, update
from sqlalchemy.ext.asyncio import create_async_engine

from tallystick.service.migrate import migrate
from tallystick.service.settings import Settings
from tallystick.service.telemetry import configure_logging


class _Server(uvicorn.Server):
    """Stops in the right order: not ready any more, long polls end, then the listener closes and requests under way end."""

    def __init__(self, config: uvicorn.Config, app: FastAPI, drain_seconds: float) -> None:
        super().__init__(config)
        self._app = app
        self._drain_seconds = drain_seconds

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        first = not self._app.state.draining.is_set()
        self._app.state.draining.set()
        if first and self._drain_seconds and sig == signal.SIGTERM:
            asyncio.get_running_loop().call_later(self._drain_seconds, super().handle_exit, sig, frame)
        else:
            super().handle_exit(sig, frame)


def command(package: str, settings_type: Callable[[], Settings]) -> typer.Typer:
    """A service's command with `serve` and `migrate`.

    Only what serves imports the package's `app`, which takes longer than to migrate.
    """
    cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

    @cli.command()
    def serve() -> None:
        """Answer requests until told to stop."""
        settings = settings_type()
        configure_logging(settings.log_level)
        app: FastAPI = import_module(f"{package}.app").create_app(settings)
        config = uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            root_path=settings.root_path,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=settings.shutdown_seconds,
            timeout_keep_alive=75,
        )
        server = _Server(config, app, settings.drain_seconds)
        gc.freeze()  # what is there now stays; and batches of rows are no reason to look for cycles all the time
        gc.set_threshold(100_000, 20, 50)
        server.run()
        if not server.started:
            raise typer.Exit(3)

    @cli.command("migrate")
    def run_migrate() -> None:
        """Bring the database to the schema of this version, as its owner."""
        settings = settings_type()
        migrate(package, settings.owner_database_url.get_secret_value())

    return cli


async def new_epoch(settings: Settings, streams: Table) -> None:
    """Begin a new life of every stream, as the owner: readers of the old one are told to start anew."""
    url = make_url(settings.owner_database_url.get_secret_value()).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.execute(text("select set_config('app.programmes', '*', true), set_config('app.vendor', '*', true)"))
        await connection.execute(update(streams).values(epoch=func.gen_random_uuid()))
    await engine.dispose()
