"""Evidence that could not be gathered is tried again later and later."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column: what is wanted by now is tried at once."""
    comment = "when that is tried again; null unless it has failed"
    op.add_column("cases", sa.Column("evidence_try_at", sa.DateTime(timezone=True), comment=comment))
