"""What is done about root causes: actions, plans and their verdicts, notices, coaching, objectives, and webhooks."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from tallystick.service.isolation import CLIENT_ALONE, isolate

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

RUNTIME = "rca_runtime"


def upgrade() -> None:
    """Create the tables and put each under row-level security."""
    op.create_table(
        "actions",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=True, comment="with whom the case is shared; null for an internal one"),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("owner_vendor", sa.Text(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("depends_on", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("escalated_to", sa.Text(), nullable=True),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_by", sa.Text(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verified_by", sa.Text(), nullable=True),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("on_time", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(
            ["programme", "case_id"], ["cases.programme", "cases.id"], name=op.f("actions_programme_case_id_fkey")
        ),
        sa.PrimaryKeyConstraint("programme", "id", name=op.f("actions_pkey")),
    )
    op.create_index(op.f("actions_programme_case_id_id_idx"), "actions", ["programme", "case_id", "id"], unique=False)
    op.create_index(op.f("actions_programme_owner_id_idx"), "actions", ["programme", "owner", "id"], unique=False)
    op.create_index(op.f("actions_programme_position_idx"), "actions", ["programme", "position"], unique=False)
    op.create_table(
        "action_reminders",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("action_id", sa.Uuid(), nullable=False),
        sa.Column(
            "due_at", sa.DateTime(timezone=True), nullable=False, comment="of the action: another due date has other reminders"
        ),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("station", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["programme", "action_id"],
            ["actions.programme", "actions.id"],
            name=op.f("action_reminders_programme_action_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("programme", "action_id", "due_at", "kind", "station", name=op.f("action_reminders_pkey")),
        comment="what is to be told about an action, and when: the client's own book",
    )
    op.create_index(
        "action_reminders_waiting_idx", "action_reminders", ["at"], unique=False, postgresql_where=sa.text("told_at is null")
    )
    op.create_table(
        "plans",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=True, comment="with whom the case is shared; null for an internal one"),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("effect", postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment="how it will be judged"),
        sa.Column("registered_by", sa.Text(), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("frozen", sa.Boolean(), nullable=False, comment="whether the work has started"),
        sa.Column("over_at", sa.DateTime(timezone=True), nullable=False, comment="when the verification window is over"),
        sa.Column(
            "judge_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when it is judged next; null once that is decided, or before the work",
        ),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("judged", postgresql.JSONB(astext_type=sa.Text()), nullable=True, comment="the last judgement"),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("extensions", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme", "case_id"], ["cases.programme", "cases.id"], name=op.f("plans_programme_case_id_fkey")
        ),
        sa.PrimaryKeyConstraint("programme", "case_id", name=op.f("plans_pkey")),
    )
    op.create_index(op.f("plans_programme_position_idx"), "plans", ["programme", "position"], unique=False)
    op.create_index("plans_to_judge_idx", "plans", ["judge_at"], unique=False, postgresql_where=sa.text("judge_at is not null"))
    op.create_table(
        "plan_versions",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=True, comment="with whom the case is shared; null for an internal one"),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment="the plan as its GET showed it"),
        sa.ForeignKeyConstraint(
            ["programme", "case_id"], ["plans.programme", "plans.case_id"], name=op.f("plan_versions_programme_case_id_fkey")
        ),
        sa.PrimaryKeyConstraint("programme", "case_id", "revision", name=op.f("plan_versions_pkey")),
        comment="superseded versions of plans",
    )
    op.create_table(
        "notices",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=True, comment="whose people may read it besides the client's; null for nobody's"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("station", sa.Text(), nullable=True, comment="of the chain along which overdue actions are escalated"),
        sa.Column("recipient", sa.Text(), nullable=True, comment="null: everybody who may read it"),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("programme", "id", name=op.f("notices_pkey")),
    )
    op.create_index(op.f("notices_programme_position_idx"), "notices", ["programme", "position"], unique=False)
    op.create_index(op.f("notices_programme_recipient_id_idx"), "notices", ["programme", "recipient", "id"], unique=False)
    op.create_table(
        "coaching_sessions",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=True, comment="the person's; null for the client's own people"),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("coach", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("audits", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("planned_for", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("commitments", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("arranged_by", sa.Text(), nullable=False),
        sa.Column("arranged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.Text(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True, comment="why it was cancelled"),
        sa.ForeignKeyConstraint(
            ["programme", "case_id"], ["cases.programme", "cases.id"], name=op.f("coaching_sessions_programme_case_id_fkey")
        ),
        sa.PrimaryKeyConstraint("programme", "id", name=op.f("coaching_sessions_pkey")),
    )
    op.create_index(
        op.f("coaching_sessions_programme_person_id_idx"), "coaching_sessions", ["programme", "person", "id"], unique=False
    )
    op.create_index(
        op.f("coaching_sessions_programme_position_idx"), "coaching_sessions", ["programme", "position"], unique=False
    )
    op.create_table(
        "objectives",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=True, comment="whose people may read it besides the client's; null for nobody's"),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("of", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("scope", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("target", sa.Double(), nullable=False),
        sa.Column("period", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["programme", "case_id"], ["cases.programme", "cases.id"], name=op.f("objectives_programme_case_id_fkey")
        ),
        sa.PrimaryKeyConstraint("programme", "id", name=op.f("objectives_pkey")),
    )
    op.create_index(op.f("objectives_programme_position_idx"), "objectives", ["programme", "position"], unique=False)
    op.create_table(
        "webhook_announcements",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=True, comment="whose thing it is about; null where that is the client's alone"),
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
        sa.Column(
            "vendor", sa.Text(), nullable=True, comment="whose notices it gets; null for the client's, which gets those of all"
        ),
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
        sa.Column("vendor", sa.Text(), nullable=True, comment="whose endpoint it goes to; null for the client's"),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column(
            "subject_vendor", sa.Text(), nullable=True, comment="whose thing it is about; null where that is the client's alone"
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, comment="when it was announced"),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column(
            "next_attempt_at", sa.DateTime(timezone=True), nullable=True, comment="while one is made: when it is taken for lost"
        ),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["programme", "endpoint_id"],
            ["webhook_endpoints.programme", "webhook_endpoints.id"],
            name=op.f("webhook_deliveries_programme_endpoint_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("programme", "id", name=op.f("webhook_deliveries_pkey")),
    )
    op.create_index(
        "webhook_deliveries_due_idx",
        "webhook_deliveries",
        ["programme", "endpoint_id", "next_attempt_at"],
        unique=False,
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        op.f("webhook_deliveries_programme_endpoint_id_id_idx"),
        "webhook_deliveries",
        ["programme", "endpoint_id", "id"],
        unique=False,
    )
    for table, grants in (
        ("actions", "select, insert, update"),
        ("plans", "select, insert, update"),
        ("plan_versions", "select, insert"),
        ("notices", "select, insert"),
        ("coaching_sessions", "select, insert, update"),
        ("objectives", "select, insert, update"),
        ("webhook_announcements", "select, insert, update, delete"),
        ("webhook_endpoints", "select, insert, update, delete"),
        ("webhook_deliveries", "select, insert, update, delete"),
    ):
        isolate(table, RUNTIME, by_vendor=True, grants=grants)
    isolate("action_reminders", RUNTIME, by_vendor=False, grants="select, insert, update, delete", rules=[CLIENT_ALONE])
