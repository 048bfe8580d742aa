"""Alembic's entry into the migrations of audit-api."""

from audit_api.app import metadata
from tallystick.service.migrate import run_migrations

run_migrations(metadata)
