"""The settings of reporting-api."""

from typing import Annotated

from pydantic import Field

from tallystick.service.settings import Settings


class ReportingSettings(Settings):
    """What reporting-api needs to know beyond what every service needs."""

    port: Annotated[int, Field(ge=1, le=65535)] = 8003
    project: bool = True
    """Whether this process follows the feeds. Any number may: each programme is followed by one of them at a time."""
    projection_page: Annotated[int, Field(ge=1, le=20_000)] = 10_000
    """Changes that are applied in one transaction at most."""
    detect_after_seconds: Annotated[float, Field(ge=0, le=86_400)] = 30
    """How long the facts of a programme have to stand still before they are searched for signals. While they never do, they are
    searched after ten times as long."""
