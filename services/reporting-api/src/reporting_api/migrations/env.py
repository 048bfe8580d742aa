"""What Alembic runs for reporting-api's migrations."""

from reporting_api.tables import metadata
from tallystick.service.migrate import run_migrations

run_migrations(metadata)
