"""Sums of errors stand apart from sums of all audits, and are found by queue and market. All is projected anew."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forget what was projected: the workers begin at the start of each feed. Create the index on what is empty then."""
    op.execute("select set_config('app.programmes', '*', true), set_config('app.vendor', '*', true)")
    op.execute("""
        update cursors set
            position = 0, created_at = now(), epoch = null, cursor = null,
            applied_at = null, caught_up_at = null, checked_at = null
    """)
    op.execute("delete from facts")
    op.execute("delete from rollups")
    op.execute("delete from appeals")
    op.execute("delete from calibration_sessions")
    op.execute("delete from calibration_raters")
    op.execute("delete from calibration_items")
    op.execute("delete from calibration_ratings")
    op.execute("delete from golden_results")
    op.execute("create index rollups_segment on rollups (programme, cuboid, queue, market, day)")
