"""Alembic's entry into the migrations of audit-api."""

from tallystick.service.migrate import run_migrations

run_migrations()
