"""The first schema: programmes, batches, audits, and the walls around them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from tallystick.service.isolation import isolate

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

RUNTIME = "audit_runtime"


def upgrade() -> None:
    """Create all tables and put each under row-level security."""
    op.create_table(
        "audit_batches",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=True, comment="whose system pushed it; null for the client's own"),
        sa.Column("profile", sa.Text(), nullable=True),
        sa.Column("atomicity", sa.Text(), nullable=False),
        sa.Column("on_conflict", sa.Text(), nullable=False),
        sa.Column("created", sa.Integer(), nullable=False),
        sa.Column("duplicate", sa.Integer(), nullable=False),
        sa.Column("conflict", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.Column("revised", sa.Integer(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("programme", "id", name=op.f("audit_batches_pkey")),
    )
    op.create_table(
        "audits",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("content_ref", sa.Text(), nullable=True),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("market", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("moderator", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("automated_detection", sa.Boolean(), nullable=False),
        sa.Column("automated_decision", sa.Boolean(), nullable=False),
        sa.Column("render_hints", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("auditor", sa.Text(), nullable=True),
        sa.Column("audit_party", sa.Text(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("audited_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("handling_time_s", sa.Integer(), nullable=True),
        sa.Column("stratum", sa.Text(), nullable=True),
        sa.Column("inclusion_probability", sa.Double(), nullable=True),
        sa.Column("benchmark_action", sa.Text(), nullable=False),
        sa.Column("benchmark_policy", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("error_class", sa.Text(), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("severity", sa.Text(), nullable=True),
        sa.Column("attributable_to", sa.Text(), nullable=True),
        sa.Column("scorecard", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("quality_score", sa.Double(), nullable=True),
        sa.Column("policy_set_version", sa.Text(), nullable=False),
        sa.Column("error_taxonomy_version", sa.Text(), nullable=False),
        sa.Column(
            "content_hash", sa.LargeBinary(), nullable=False, comment="SHA-256 of the row as it was sent, in canonical form"
        ),
        sa.Column("batch_id", sa.Uuid(), nullable=True),
        sa.Column("batch_row", sa.Integer(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column(
            "first_scored",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="the first judgement, once a revision has changed it",
        ),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("erased", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("programme", "id", name=op.f("audits_pkey")),
        sa.UniqueConstraint("programme", "vendor", "external_id", name=op.f("audits_programme_vendor_external_id_key")),
    )
    op.create_index(op.f("audits_programme_audited_at_id_idx"), "audits", ["programme", "audited_at", "id"], unique=False)
    op.create_index(
        op.f("audits_programme_batch_id_batch_row_idx"), "audits", ["programme", "batch_id", "batch_row"], unique=False
    )
    op.create_index(op.f("audits_programme_position_idx"), "audits", ["programme", "position"], unique=False)
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
        "programmes",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("programme", name=op.f("programmes_pkey")),
    )
    op.create_table(
        "streams",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("programme", name=op.f("streams_pkey")),
    )
    op.create_table(
        "audit_batch_rows",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("audit_id", sa.Uuid(), nullable=True),
        sa.Column(
            "errors",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="pointer, code and detail of each fault; never a value",
        ),
        sa.ForeignKeyConstraint(
            ["programme", "batch_id"],
            ["audit_batches.programme", "audit_batches.id"],
            name=op.f("audit_batch_rows_programme_batch_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("programme", "batch_id", "row", name=op.f("audit_batch_rows_pkey")),
    )
    op.create_table(
        "audit_revisions",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("audit_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=False),
        sa.Column("benchmark_action", sa.Text(), nullable=False),
        sa.Column("benchmark_policy", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("error_class", sa.Text(), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("severity", sa.Text(), nullable=True),
        sa.Column("attributable_to", sa.Text(), nullable=True),
        sa.Column("scorecard", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("quality_score", sa.Double(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True, comment="null for the first judgement"),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme", "audit_id"], ["audits.programme", "audits.id"], name=op.f("audit_revisions_programme_audit_id_fkey")
        ),
        sa.PrimaryKeyConstraint("programme", "audit_id", "revision", name=op.f("audit_revisions_pkey")),
        comment="every version of a revised audit's judgement, the current one included; none for an audit never revised",
    )
    op.create_table(
        "programme_versions",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["programme"], ["programmes.programme"], name=op.f("programme_versions_programme_fkey")),
        sa.PrimaryKeyConstraint("programme", "revision", name=op.f("programme_versions_pkey")),
        comment="superseded versions; the current one is in programmes",
    )
    for table, by_vendor, grants in (
        ("streams", False, "select, insert, update"),
        ("idempotency_keys", False, "select, insert"),
        ("programmes", False, "select, insert, update"),
        ("programme_versions", False, "select, insert"),
        ("audit_batches", True, "select, insert"),
        ("audit_batch_rows", True, "select, insert"),
        ("audits", True, "select, insert, update"),
        ("audit_revisions", True, "select, insert, update"),
    ):
        isolate(table, RUNTIME, by_vendor=by_vendor, grants=grants)
    op.execute(f"grant select on alembic_version to {RUNTIME}")
