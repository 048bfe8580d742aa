"""Webhooks: what was announced, the endpoints, and the deliveries to them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from tallystick.service.isolation import isolate

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

RUNTIME = "audit_runtime"


def upgrade() -> None:
    """Create the tables and put each under row-level security."""
    op.create_table(
        "webhook_announcements",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=False, comment="whose thing it is about"),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("announced_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("programme", "id", name=op.f("webhook_announcements_pkey")),
        comment="what is not yet handed out to the endpoints that want it",
    )
    op.create_table(
        "webhook_endpoints",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("vendor", sa.Text(), comment="whose notices it gets; null for the client's, which gets those of all"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("events", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column(
            "secrets",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="the newest first; sealed, each with the time until which it signs",
        ),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("programme", "id", name=op.f("webhook_endpoints_pkey")),
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("vendor", sa.Text(), comment="whose endpoint it goes to; null for the client's"),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("subject_vendor", sa.Text(), comment="whose thing it is about"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, comment="when it was announced"),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer()),
        sa.Column("reason", sa.Text()),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), comment="while one is made: when it is taken for lost"),
        sa.Column("delivered_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(
            ["programme", "endpoint_id"],
            ["webhook_endpoints.programme", "webhook_endpoints.id"],
            name=op.f("webhook_deliveries_programme_endpoint_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("programme", "id", name=op.f("webhook_deliveries_pkey")),
    )
    op.create_index(
        op.f("webhook_deliveries_programme_endpoint_id_id_idx"), "webhook_deliveries", ["programme", "endpoint_id", "id"]
    )
    op.create_index(
        "webhook_deliveries_due_idx",
        "webhook_deliveries",
        ["programme", "endpoint_id", "next_attempt_at"],
        postgresql_where=sa.text("state = 'pending'"),
    )
    for table in ("webhook_announcements", "webhook_endpoints", "webhook_deliveries"):
        isolate(table, RUNTIME, by_vendor=True, grants="select, insert, update, delete")
