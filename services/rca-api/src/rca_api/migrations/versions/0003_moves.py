"""Cases tell which steps they took, and when they had been due."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column. Of cases that are there the history says it, but for when they had been due."""
    comment = "the steps that it took, as the API shows them"
    op.add_column("cases", sa.Column("moves", JSONB(), server_default="[]", nullable=False, comment=comment))
    op.execute("select set_config('app.programmes', '*', true), set_config('app.vendor', '*', true)")
    op.execute("""
        update cases set moves = taken.moves
        from (
            select programme, case_id, jsonb_agg(
                jsonb_build_object(
                    'step', step, 'state', state, 'due_at', null,
                    'at', to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
                )
                order by position, id
            ) as moves
            from case_events where kind = 'step' group by programme, case_id
        ) as taken
        where cases.programme = taken.programme and cases.id = taken.case_id
    """)
