"""Alembic's entry into the migrations of reporting-api."""

from tallystick.service.migrate import run_migrations

run_migrations()
