"""Appeals, as audit-api's feed shows them."""

import sqlalchemy as sa
from alembic import op

from tallystick.service.isolation import isolate

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

NAME = sa.Text(collation="C")
RUNTIME = "reporting_runtime"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "appeals",
        sa.Column("programme", NAME, nullable=False),
        sa.Column("appeal_id", sa.Uuid, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False, comment="of the change that this row shows"),
        sa.Column("audit_id", sa.Uuid, nullable=False, comment="whose facts say by what the appeal is counted"),
        sa.Column("vendor", NAME, nullable=False),
        sa.Column("state", NAME, nullable=False),
        sa.Column("stage", NAME, nullable=False),
        sa.Column("ground", NAME, nullable=False),
        sa.Column("error_class", NAME, nullable=False, comment="as it was appealed, as are code and severity"),
        sa.Column("error_code", NAME, nullable=False),
        sa.Column("severity", NAME, nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("escalated_at", sa.DateTime(timezone=True)),
        sa.Column("due_at", sa.DateTime(timezone=True), comment="of the present stage"),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.Column("on_time", sa.Boolean),
        sa.PrimaryKeyConstraint("programme", "appeal_id"),
    )
    isolate("appeals", RUNTIME, by_vendor=True, grants="select, insert, update, delete")
