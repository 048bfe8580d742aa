"""The settings of rca-api."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from tallystick.service.webhooks import WebhookSettings


class RcaSettings(WebhookSettings):
    """What rca-api needs to know beyond what every service needs."""

    port: Annotated[int, Field(ge=1, le=65535)] = 8002
    follow: bool = True
    """Whether this process follows signals and gathers evidence. Any number may: one of them does at a time."""
    follow_seconds: Annotated[float, Field(gt=0, le=3600)] = 5
    """How long after one look for signals and for cases that want evidence the next one follows."""
    sweep_seconds: Annotated[float, Field(gt=0, le=3600)] = 5
    """How long after one look for actions to follow up and effects to judge the next one follows."""
    clock_shift: Path | None = None
    """For demonstrations: a file that says by how many seconds the time of cases goes before or after the machine's."""
