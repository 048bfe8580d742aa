"""Cursors hold the programmes' documents: they are there for the vendors that a document names and for no others."""

from tallystick.service.isolation import isolate

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

RUNTIME = "reporting_runtime"


def upgrade() -> None:
    """Narrow the policy of the cursors."""
    isolate("cursors", RUNTIME, by_vendor=False, grants="select, insert, update, delete", named_in="document")
