"""Programmes, for the database too, are there for the vendors that they name and for no others."""

from tallystick.service.isolation import isolate

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

RUNTIME = "audit_runtime"


def upgrade() -> None:
    """Narrow the policies of the two tables that hold documents."""
    for table, grants in (("programmes", "select, insert, update"), ("programme_versions", "select, insert")):
        isolate(table, RUNTIME, by_vendor=False, grants=grants, named_in="document")
