"""The first schema: cases, their conversation, and the walls around them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from tallystick.service.isolation import isolate

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

RUNTIME = "rca_runtime"


def upgrade() -> None:
    """Create all tables and put each under row-level security."""
    op.create_table(
        "cases",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=True, comment="with whom the case is shared; null for an internal one"),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("scope", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("conclusion", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("programme", "id", name=op.f("cases_pkey")),
    )
    op.create_index(op.f("cases_programme_position_idx"), "cases", ["programme", "position"], unique=False)
    op.create_table(
        "idempotency_keys",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("owner", sa.LargeBinary(), nullable=False, comment="hash of subject and vendor"),
        sa.Column("key", sa.LargeBinary(), nullable=False, comment="hash of operation and key"),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("outcome_id", sa.Uuid(), nullable=False),
        sa.Column("outcome_position", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("programme", "owner", "key", name=op.f("idempotency_keys_pkey")),
    )
    op.create_table(
        "streams",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("programme", name=op.f("streams_pkey")),
    )
    op.create_table(
        "case_messages",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=True, comment="whose people may read it besides the client's; null for nobody's"),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme", "case_id"], ["cases.programme", "cases.id"], name=op.f("case_messages_programme_case_id_fkey")
        ),
        sa.PrimaryKeyConstraint("programme", "id", name=op.f("case_messages_pkey")),
    )
    op.create_index(
        op.f("case_messages_programme_case_id_position_idx"), "case_messages", ["programme", "case_id", "position"], unique=False
    )
    op.create_index(op.f("case_messages_programme_position_idx"), "case_messages", ["programme", "position"], unique=False)
    for table, by_vendor, grants in (
        ("streams", False, "select, insert, update"),
        ("idempotency_keys", False, "select, insert"),
        ("cases", True, "select, insert, update"),
        ("case_messages", True, "select, insert"),
    ):
        isolate(table, RUNTIME, by_vendor=by_vendor, grants=grants)
    op.execute(f"grant select on alembic_version to {RUNTIME}")
