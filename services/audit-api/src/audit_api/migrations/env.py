"""Alembic's entry into the migrations of audit-api."""

import audit_api.audits.tables
import audit_api.batches.tables
import audit_api.programmes.tables
from audit_api.metadata import metadata
from tallystick.service.migrate import run_migrations

run_migrations(metadata)
