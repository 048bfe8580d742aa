"""Remember which row brought a version of an audit, so that the same row is recognised at any later time."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the hash of the row; versions that are there already have none."""
    op.add_column(
        "audit_revisions",
        sa.Column(
            "content_hash", sa.LargeBinary(), nullable=True, comment="of the row that brought this version; null where no row did"
        ),
    )
