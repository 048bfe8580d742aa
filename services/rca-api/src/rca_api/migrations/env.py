"""Alembic's entry into the migrations of rca-api."""

from rca_api.app import metadata
from tallystick.service.migrate import run_migrations

run_migrations(metadata)
