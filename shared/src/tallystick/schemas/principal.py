"""Who may do what."""

from enum import StrEnum


class Role(StrEnum):
    """The parts that people and systems play."""

    ADMIN = "admin"
    QUALITY_MANAGER = "quality_manager"
    AUDITOR = "auditor"
    ANALYST = "analyst"
    VENDOR_POC = "vendor_poc"
    VENDOR_SYSTEM = "vendor_system"
    SERVICE = "service"
    """One of Tallystick's own services."""


MANAGERS = frozenset({Role.ADMIN, Role.QUALITY_MANAGER})
"""Who manages a programme and its people."""
VENDOR_ROLES = frozenset({Role.VENDOR_POC, Role.VENDOR_SYSTEM})
