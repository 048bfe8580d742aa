"""By which sample an audit was drawn: its stratum, and the probability that it was included."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns. They are filled as audits change, and all of them by `reporting-api rebuild`."""
    op.add_column(
        "facts",
        sa.Column(
            "stratum", sa.Text(collation="C"), nullable=False, server_default="", comment="empty where it was drawn by none"
        ),
    )
    op.add_column("facts", sa.Column("inclusion_probability", sa.Double, comment="null where it is not known"))
