"""Appeals, their steps, and what became of batches of them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from tallystick.service.isolation import isolate

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

RUNTIME = "audit_runtime"
OPEN = "state in ('submitted', 'in_review')"


def upgrade() -> None:
    """Create the tables and put each under row-level security."""
    op.create_table(
        "appeals",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=False),
        sa.Column("audit_id", sa.Uuid(), nullable=False),
        sa.Column("audit_revision", sa.Integer(), nullable=False, comment="which revision of the audit is appealed"),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("market", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("error_class", sa.Text(), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("severity", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=True, comment="null once the audit is erased"),
        sa.Column("evidence", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "proposed",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="the whole judgement that the proposal amounts to",
        ),
        sa.Column("contested", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False, comment="SHA-256 of what was raised, in canonical form"),
        sa.Column("submitted_by", sa.Text(), nullable=True),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claimed_by", sa.Text(), nullable=True),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_revision", sa.Integer(), nullable=True, comment="of the audit, once the last decision had its effect"),
        sa.Column("on_time", sa.Boolean(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("escalated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("escalate_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by", sa.Text(), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme", "audit_id"], ["audits.programme", "audits.id"], name=op.f("appeals_programme_audit_id_fkey")
        ),
        sa.PrimaryKeyConstraint("programme", "id", name=op.f("appeals_pkey")),
    )
    op.create_index(op.f("appeals_programme_audit_id_idx"), "appeals", ["programme", "audit_id"], unique=False)
    op.create_index(op.f("appeals_programme_position_idx"), "appeals", ["programme", "position"], unique=False)
    op.create_index(op.f("appeals_programme_submitted_at_id_idx"), "appeals", ["programme", "submitted_at", "id"], unique=False)
    op.create_index("appeals_one_open_key", "appeals", ["programme", "audit_id"], unique=True, postgresql_where=sa.text(OPEN))
    op.create_index(
        "appeals_to_claim_idx",
        "appeals",
        ["programme", "due_at", "submitted_at", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'submitted'"),
    )
    op.create_index("appeals_held_idx", "appeals", ["claimed_by"], unique=False, postgresql_where=sa.text("state = 'in_review'"))
    op.create_index(
        "appeals_to_lapse_idx", "appeals", ["claimed_until"], unique=False, postgresql_where=sa.text("state = 'in_review'")
    )
    op.create_index("appeals_to_expire_idx", "appeals", ["expires_at"], unique=False, postgresql_where=sa.text(OPEN))
    op.create_table(
        "appeal_events",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("appeal_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=True, comment="null where time did it, and once the audit is erased"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["programme", "appeal_id"], ["appeals.programme", "appeals.id"], name=op.f("appeal_events_programme_appeal_id_fkey")
        ),
        sa.PrimaryKeyConstraint("programme", "appeal_id", "revision", name=op.f("appeal_events_pkey")),
    )
    op.create_table(
        "appeal_batches",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=False),
        sa.Column(
            "answer",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="verdicts, ids and errors by row: never a value that was sent",
        ),
        sa.PrimaryKeyConstraint("programme", "id", name=op.f("appeal_batches_pkey")),
        comment="what was answered to batches that came under an idempotency key",
    )
    op.add_column(
        "audit_revisions",
        sa.Column(
            "appeal_id", sa.Uuid(), nullable=True, comment="the appeal whose decision this version is; null where it is none"
        ),
    )
    for table, grants in (
        ("appeals", "select, insert, update"),
        ("appeal_events", "select, insert, update"),
        ("appeal_batches", "select, insert"),
    ):
        isolate(table, RUNTIME, by_vendor=True, grants=grants)
