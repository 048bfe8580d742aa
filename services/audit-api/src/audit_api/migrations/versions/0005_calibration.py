"""Calibration: sessions, raters, items, ratings, and the golden items with their results."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from tallystick.service.isolation import TAKING_PART, WITH_CLIENT, isolate

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

RUNTIME = "audit_runtime"
_OWN_OR_REVEALED = (
    "((rater = (select current_setting('app.subject', true))"
    " and coalesce(vendor, '*') = (select current_setting('app.vendor', true)))"
    " or exists (select from calibration_sessions s"
    " where s.programme = {table}.programme and s.id = {table}.session_id and s.reviewed_at is not null))"
)


def _searched(prose: str) -> sa.Computed:
    return sa.Computed(f"to_tsvector('simple'::regconfig, {prose}) || to_tsvector('english'::regconfig, {prose})", persisted=True)


def upgrade() -> None:
    """Create the tables and put each under row-level security: a rating is its rater's alone until its session is in review."""
    op.create_table(
        "calibration_sessions",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("vendors", postgresql.ARRAY(sa.Text()), nullable=False, comment="whose people rate; none while it is a draft"),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("scale", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=False),
        sa.Column("target", sa.Double(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("facilitator", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True, comment="from then on ratings are laid open"),
        sa.Column("concluded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("conclusion", sa.Text(), nullable=True),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column(
            "search",
            postgresql.TSVECTOR(),
            _searched("title || ' ' || question || ' ' || coalesce(conclusion, '')"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("programme", "id", name=op.f("calibration_sessions_pkey")),
    )
    op.create_index(
        op.f("calibration_sessions_programme_position_idx"), "calibration_sessions", ["programme", "position"], unique=False
    )
    op.create_table(
        "calibration_items",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("vendors", postgresql.ARRAY(sa.Text()), nullable=False, comment="of the session"),
        sa.Column("audit_id", sa.Uuid(), nullable=True),
        sa.Column("audit_vendor", sa.Text(), nullable=True, comment="whose audit it is: other vendors do not learn of it"),
        sa.Column("content_ref", sa.Text(), nullable=True),
        sa.Column("render_hints", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("policy", sa.Text(), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("repeat_of", sa.Integer(), nullable=True),
        sa.Column("benchmark", sa.Text(), nullable=True),
        sa.Column("benchmark_by", sa.Text(), nullable=True),
        sa.Column("discussion", sa.Text(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column(
            "search",
            postgresql.TSVECTOR(),
            _searched("coalesce(discussion, '')"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["programme", "session_id"],
            ["calibration_sessions.programme", "calibration_sessions.id"],
            name=op.f("calibration_items_programme_session_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("programme", "id", name=op.f("calibration_items_pkey")),
        sa.UniqueConstraint("programme", "session_id", "number", name=op.f("calibration_items_programme_session_id_number_key")),
    )
    op.create_index(
        op.f("calibration_items_programme_audit_id_idx"),
        "calibration_items",
        ["programme", "audit_id"],
        unique=False,
        postgresql_where=sa.text("audit_id is not null"),
    )
    op.create_index(
        op.f("calibration_items_programme_position_idx"), "calibration_items", ["programme", "position"], unique=False
    )
    op.create_table(
        "calibration_raters",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("rater", sa.Text(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=True, comment="null for the client's people"),
        sa.Column(
            "rated", sa.Integer(), nullable=False, comment="how many items; the row is the lock of all that its rater does here"
        ),
        sa.ForeignKeyConstraint(
            ["programme", "session_id"],
            ["calibration_sessions.programme", "calibration_sessions.id"],
            name=op.f("calibration_raters_programme_session_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("programme", "session_id", "rater", name=op.f("calibration_raters_pkey")),
    )
    op.create_table(
        "calibration_ratings",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("rater", sa.Text(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=True, comment="null for the client's people"),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("rated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme", "session_id", "number"],
            ["calibration_items.programme", "calibration_items.session_id", "calibration_items.number"],
            name=op.f("calibration_ratings_programme_session_id_number_fkey"),
        ),
        sa.PrimaryKeyConstraint("programme", "session_id", "number", "rater", name=op.f("calibration_ratings_pkey")),
        comment="those that stand",
    )
    op.create_table(
        "golden_items",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("content_ref", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False, comment="which judgement of an audit the benchmark is a value of"),
        sa.Column("benchmark", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme", "item_id"],
            ["calibration_items.programme", "calibration_items.id"],
            name=op.f("golden_items_programme_item_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("programme", "item_id", name=op.f("golden_items_pkey")),
        sa.UniqueConstraint("programme", "content_ref", name=op.f("golden_items_programme_content_ref_key")),
        comment="the items that are hidden in everyday work, as ingest looks for them whoever pushes",
    )
    op.create_table(
        "golden_results",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("audit_id", sa.Uuid(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=False, comment="of the audit"),
        sa.Column("auditor", sa.Text(), nullable=True),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("benchmark", sa.Text(), nullable=False),
        sa.Column("agreed", sa.Boolean(), nullable=False),
        sa.Column("audited_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme", "audit_id"], ["audits.programme", "audits.id"], name=op.f("golden_results_programme_audit_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["programme", "item_id"],
            ["calibration_items.programme", "calibration_items.id"],
            name=op.f("golden_results_programme_item_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("programme", "id", name=op.f("golden_results_pkey")),
        sa.UniqueConstraint("programme", "audit_id", name=op.f("golden_results_programme_audit_id_key")),
    )
    op.create_index(op.f("golden_results_programme_position_idx"), "golden_results", ["programme", "position"], unique=False)
    op.create_table(
        "past_calibration_ratings",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("rater", sa.Text(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=True, comment="null for the client's people"),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("rated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme", "session_id", "number"],
            ["calibration_items.programme", "calibration_items.session_id", "calibration_items.number"],
            name=op.f("past_calibration_ratings_programme_session_id_number_fkey"),
        ),
        sa.PrimaryKeyConstraint("programme", "id", name=op.f("past_calibration_ratings_pkey")),
        comment="those that another took the place of, or that were withdrawn",
    )
    op.create_index(
        op.f("past_calibration_ratings_programme_session_id_number_idx"),
        "past_calibration_ratings",
        ["programme", "session_id", "number"],
        unique=False,
    )
    for table, rules, grants in (
        ("calibration_sessions", [TAKING_PART], "select, insert, update"),
        ("calibration_items", [TAKING_PART], "select, insert, update"),
        ("calibration_raters", [WITH_CLIENT], "select, insert, update, delete"),
        ("calibration_ratings", [WITH_CLIENT, _OWN_OR_REVEALED], "select, insert, update, delete"),
        ("past_calibration_ratings", [WITH_CLIENT, _OWN_OR_REVEALED], "select, insert"),
        ("golden_items", [], "select, insert, delete"),
    ):
        isolate(table, RUNTIME, by_vendor=False, grants=grants, rules=[rule.format(table=table) for rule in rules])
    isolate("golden_results", RUNTIME, by_vendor=True, grants="select, insert, update")
