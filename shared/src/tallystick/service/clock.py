"""What time it is, for requests and for what runs beside them: one clock of the service, `app.state.clock`."""

from collections.abc import Callable
from datetime import UTC, datetime

from fastapi import Request

Clock = Callable[[], datetime]
"""Answers what time it is, in UTC."""


def utc_now() -> datetime:
    """What time it is for the machine."""
    return datetime.now(UTC)


def now(request: Request) -> datetime:
    """What time it is for the service that answers a request."""
    clock: Clock = request.app.state.clock
    return clock()
