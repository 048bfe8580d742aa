"""Whom rca-api acts as beside requests: time, and signals."""

from tallystick.schemas.principal import Role
from tallystick.service.auth import ALL, Principal

NAME = "rca-api"
SERVICE = Principal(NAME, frozenset({Role.SERVICE}), frozenset({ALL}), None, "")
