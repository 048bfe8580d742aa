"""Alembic's entry into the migrations of rca-api."""

from tallystick.service.migrate import run_migrations

run_migrations()
