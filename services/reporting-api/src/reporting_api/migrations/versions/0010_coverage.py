"""Draws with their strata, and the items drawn, as audit-api's feed shows them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from tallystick.service.isolation import isolate

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

NAME = sa.Text(collation="C")
RUNTIME = "reporting_runtime"
GRANTS = "select, insert, update, delete"
OWN_STRATA = (
    "((select current_setting('app.vendor', true)) = '*'"
    " or (programme, draw_id) in (select s.programme, s.draw_id from sample_strata s))"
)
"""A further rule: a draw is there for the vendors that have a stratum in it."""


def upgrade() -> None:
    """Create the tables. `reporting-api rebuild` fills them with what was drawn before."""
    op.create_table(
        "sample_draws",
        sa.Column("programme", NAME, nullable=False),
        sa.Column("draw_id", sa.Uuid, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False, comment="of the change that this row shows"),
        sa.Column("plan_id", sa.Uuid, nullable=False),
        sa.Column("plan_version", sa.Integer, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("state", NAME, nullable=False),
        sa.Column("first_day", sa.Date, nullable=False),
        sa.Column("last_day", sa.Date, nullable=False),
        sa.Column("drawn_at", sa.DateTime(timezone=True)),
        sa.Column("due_at", sa.DateTime(timezone=True)),
        sa.Column("wanted", sa.Double, comment="the half width that the plan wants of every stratum's interval; null: none"),
        sa.PrimaryKeyConstraint("programme", "draw_id"),
    )
    op.create_table(
        "sample_strata",
        sa.Column("programme", NAME, nullable=False),
        sa.Column("draw_id", sa.Uuid, nullable=False),
        sa.Column("stratum", NAME, nullable=False),
        sa.Column("vendor", NAME, nullable=False),
        sa.Column("values", JSONB, nullable=False),
        sa.Column("decisions", sa.BigInteger, nullable=False),
        sa.Column("planned", sa.Integer, nullable=False),
        sa.Column("drawn", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("programme", "draw_id", "stratum"),
    )
    op.create_table(
        "sample_items",
        sa.Column("programme", NAME, nullable=False),
        sa.Column("item_id", sa.Uuid, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False, comment="of the change that this row shows"),
        sa.Column("draw_id", sa.Uuid, nullable=False),
        sa.Column("stratum", NAME, nullable=False),
        sa.Column("vendor", NAME, nullable=False),
        sa.Column("state", NAME, nullable=False),
        sa.Column("audited_at", sa.DateTime(timezone=True)),
        sa.Column("audit_id", sa.Uuid, comment="whose facts say whether the decision was right"),
        sa.PrimaryKeyConstraint("programme", "item_id"),
    )
    op.create_index("sample_items_stratum", "sample_items", ["programme", "draw_id", "stratum"])
    isolate("sample_strata", RUNTIME, by_vendor=True, grants=GRANTS)
    isolate("sample_items", RUNTIME, by_vendor=True, grants=GRANTS)
    isolate("sample_draws", RUNTIME, by_vendor=False, grants=GRANTS, rules=[OWN_STRATA])
