"""The settings of audit-api."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from tallystick.service.webhooks import WebhookSettings


class AuditSettings(WebhookSettings):
    """What audit-api needs to know beyond what every service needs."""

    port: Annotated[int, Field(ge=1, le=65535)] = 8001
    batches_at_once: Annotated[int, Field(ge=1, le=64)] = 2
    """Batches that one process takes in at a time; their bodies are what its memory is sized by."""
    decision_batches_at_once: Annotated[int, Field(ge=1, le=64)] = 2
    """Batches of decisions that one process takes in at a time, each in up to 300 MB."""
    batch_queue_seconds: Annotated[float, Field(ge=0, le=300)] = 30
    """How long a further batch waits for its turn before it is told to come back later."""
    plans_at_once: Annotated[int, Field(ge=1, le=16)] = 1
    """Staffing plans that one process makes at a time, each in a thread."""
    plan_seconds: Annotated[float, Field(gt=0, le=100)] = 30
    """How long the solver may take for a staffing plan."""
    sweep_seconds: Annotated[float, Field(gt=0, le=3600)] = 5
    """How long after one look for what time has brought the next one follows: claims, leases and appeals that have run out."""
    audit_clock_shift: Path | None = None
    """For demonstrations: a file that says by how many seconds the time of plans, draws and appeals is off the machine's."""
