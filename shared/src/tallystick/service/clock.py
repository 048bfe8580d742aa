"""What time it is, for requests and for what runs beside them: one clock of the service, `app.state.clock`."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fastapi import Request

Clock = Callable[[], datetime]
"""Answers what time it is, in UTC."""


def utc_now() -> datetime:
    """What time it is for the machine."""
    return datetime.now(UTC)


def shifted(shift: Path) -> Clock:
    """A clock that goes before or after the machine's, by as many seconds as a file says each time; right where there is none."""

    def time() -> datetime:
        by = float(shift.read_text()) if shift.exists() else 0.0
        return utc_now() + timedelta(seconds=by)

    return time


def now(request: Request) -> datetime:
    """What time it is for the service that answers a request."""
    clock: Clock = request.app.state.clock
    return clock()
