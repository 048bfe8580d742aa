"""Draws by period, items by draw and by auditor, and golden results by auditor are found in the order of their lists."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the indexes. Those of items take less than a second for some hundred thousand; claims wait for it."""
    op.create_index("draws_programme_first_day_id_idx", "draws", ["programme", "first_day", "id"])
    op.create_index("golden_results_programme_auditor_id_idx", "golden_results", ["programme", "auditor", "id"])
    op.create_index("sample_items_programme_draw_id_id_idx", "sample_items", ["programme", "draw_id", "id"])
    held = sa.text("claimed_by is not null")
    op.create_index("sample_items_of_auditor", "sample_items", ["programme", "claimed_by", "id"], postgresql_where=held)
