"""Notices by case and by kind, actions with which something is to be done, and coaching to answer are found without a search."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the indexes. They take less than a second for a hundred thousand rows; who writes meanwhile waits for it."""
    op.create_index("notices_programme_kind_id_idx", "notices", ["programme", "kind", "id"])
    of_case = sa.text("case_id is not null")
    op.create_index("notices_of_case_idx", "notices", ["programme", "case_id", "id"], postgresql_where=of_case)
    unsettled = sa.text("state in ('open', 'in_progress', 'done')")
    op.create_index("actions_unsettled_idx", "actions", ["programme", "state", "id"], postgresql_where=unsettled)
    held = sa.text("state = 'held'")
    op.create_index("coaching_sessions_held_idx", "coaching_sessions", ["programme", "id"], postgresql_where=held)
