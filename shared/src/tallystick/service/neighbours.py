"""A service's client of the other services: at their own addresses, with short-lived tokens of its own.

A caller's token is never passed on: what the caller may see is decided here, before a neighbour is asked.
"""

from collections.abc import Callable

from tallystick.client import Outage, Tallystick, renewed
from tallystick.identity import SERVICE_TOKEN_LIFE, sign_service_token
from tallystick.service.settings import Settings


def neighbours(
    settings: Settings, service: str, *, patience_s: float = 30, on_outage: Callable[[Outage], None] | None = None
) -> Tallystick:
    """The client with which `service` (such as `rca-api`) calls the others."""
    key = settings.service_key or {}
    token = renewed(lambda: sign_service_token(key, service), SERVICE_TOKEN_LIFE.total_seconds() / 2)
    return Tallystick(
        token=token,
        audit=settings.audit_url,
        rca=settings.rca_url,
        reporting=settings.reporting_url,
        patience_s=patience_s,
        on_outage=on_outage,
    )
