"""Who acts in the demonstration: invented people, each with a token of their own."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from tallystick.cli.console import report_outage
from tallystick.client import Tallystick
from tallystick.schemas.principal import Role

MANAGER = "demo-manager"
LEADS = ("lead-1", "lead-2")
"""Adjudicators."""
AUDITORS = ("qa-ada", "qa-bo")
"""Who is handed the items of the draw."""
_PATIENCE_S = 60.0


@dataclass(frozen=True)
class Cast:
    """The people of one programme, at one gateway."""

    url: str
    programme: str
    sign: Callable[..., str]
    """Makes a token: `sign(*roles, subject=…, programmes=…, vendor=…, ttl=…)`."""

    def token(self, role: Role, subject: str, vendor: str | None = None, *, hours: int = 1) -> str:
        """A token of one of them."""
        return self.sign(role, subject=subject, programmes=(self.programme,), vendor=vendor, ttl=timedelta(hours=hours))

    def client(self, role: Role, subject: str, vendor: str | None = None) -> Tallystick:
        """A client that speaks for one of them."""
        return Tallystick(self.url, self.token(role, subject, vendor), patience_s=_PATIENCE_S, on_outage=report_outage)

    def manager(self) -> Tallystick:
        """The quality manager's client."""
        return self.client(Role.QUALITY_MANAGER, MANAGER)

    def poc(self, vendor: str) -> Tallystick:
        """The client of a vendor's point of contact."""
        return self.client(Role.VENDOR_POC, f"{vendor}-poc", vendor)
