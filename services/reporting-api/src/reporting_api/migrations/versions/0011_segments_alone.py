"""The index by queue and market holds the sums that know a queue, and no others."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create it anew."""
    op.execute("drop index rollups_segment")
    op.execute("create index rollups_segment on rollups (programme, cuboid, queue, market, day) where queue <> ''")
