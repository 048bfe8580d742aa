"""Cases that move step by step: their history, links, causes and evidence, and the signals that they come from."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from tallystick.service.isolation import isolate

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

RUNTIME = "rca_runtime"


def upgrade() -> None:
    """Add columns and tables, and put each table under row-level security; cases that are there get the history that they had."""
    op.add_column("cases", sa.Column("measure", sa.Text(), server_default="error_rate", nullable=False))
    op.add_column("cases", sa.Column("priority", sa.Text(), server_default="normal", nullable=False))
    op.add_column("cases", sa.Column("owner", sa.Text(), nullable=True))
    op.add_column(
        "cases", sa.Column("participants", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False)
    )
    op.add_column("cases", sa.Column("origin", sa.Text(), server_default="person", nullable=False))
    op.add_column(
        "cases",
        sa.Column(
            "signals",
            postgresql.ARRAY(sa.Text()),
            server_default="{}",
            nullable=False,
            comment="keys, in the order in which they joined",
        ),
    )
    op.add_column("cases", sa.Column("period_from", sa.Date(), server_default=sa.text("current_date - 28"), nullable=False))
    op.add_column("cases", sa.Column("period_to", sa.Date(), server_default=sa.text("current_date"), nullable=False))
    op.add_column("cases", sa.Column("due_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "cases",
        sa.Column(
            "evidence_wanted_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="since when evidence is to be gathered; null while it is not",
        ),
    )
    op.add_column("cases", sa.Column("evidence_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("cases", sa.Column("override", sa.Text(), nullable=True))
    op.add_column(
        "cases",
        sa.Column(
            "watch_until",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="until when a signal opens it again; null unless it is closed",
        ),
    )
    op.add_column("cases", sa.Column("reopened", sa.Integer(), server_default="0", nullable=False))
    op.add_column("case_messages", sa.Column("mentions", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False))
    op.add_column(
        "case_messages", sa.Column("attachments", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False)
    )
    op.create_index(
        "cases_evidence_wanted_idx",
        "cases",
        ["programme", "id"],
        unique=False,
        postgresql_where=sa.text("evidence_wanted_at is not null"),
    )
    op.create_index(
        "cases_unfinished_idx",
        "cases",
        ["programme", "vendor"],
        unique=False,
        postgresql_where=sa.text("state not in ('closed', 'cancelled')"),
    )
    op.create_index(
        "cases_watched_idx",
        "cases",
        ["programme", "watch_until"],
        unique=False,
        postgresql_where=sa.text("watch_until is not null"),
    )
    op.create_table(
        "case_events",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=True, comment="whose people may read it besides the client's; null for nobody's"),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False, comment="of the case, after it"),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("about", sa.Text(), nullable=True),
        sa.Column("changed", postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment="the new values by field"),
        sa.ForeignKeyConstraint(
            ["programme", "case_id"], ["cases.programme", "cases.id"], name=op.f("case_events_programme_case_id_fkey")
        ),
        sa.PrimaryKeyConstraint("programme", "id", name=op.f("case_events_pkey")),
    )
    op.create_index(
        op.f("case_events_programme_case_id_position_id_idx"),
        "case_events",
        ["programme", "case_id", "position", "id"],
        unique=False,
    )
    op.create_table(
        "case_links",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=True, comment="with whom both cases are shared; null where they are not"),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("to", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("removed", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("linked_by", sa.Text(), nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme", "case_id"], ["cases.programme", "cases.id"], name=op.f("case_links_programme_case_id_fkey")
        ),
        sa.ForeignKeyConstraint(["programme", "to"], ["cases.programme", "cases.id"], name=op.f("case_links_programme_to_fkey")),
        sa.PrimaryKeyConstraint("programme", "id", name=op.f("case_links_pkey")),
    )
    op.create_index(
        "case_links_one_key",
        "case_links",
        ["programme", "case_id", "to", "kind"],
        unique=True,
        postgresql_where=sa.text("not removed"),
    )
    op.create_index(op.f("case_links_programme_position_idx"), "case_links", ["programme", "position"], unique=False)
    op.create_index(op.f("case_links_programme_to_idx"), "case_links", ["programme", "to"], unique=False)
    op.create_table(
        "whys",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=True, comment="whose people may read it besides the client's; null for nobody's"),
        sa.Column("parent", sa.Uuid(), nullable=True),
        sa.Column("depth", sa.Integer(), nullable=False, comment="1 at the root of a branch"),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("struck", sa.Boolean(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("by_vendor", sa.Text(), nullable=True, comment="the vendor of who wrote it; null for the client"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme", "case_id"], ["cases.programme", "cases.id"], name=op.f("whys_programme_case_id_fkey")
        ),
        sa.ForeignKeyConstraint(["programme", "parent"], ["whys.programme", "whys.id"], name=op.f("whys_programme_parent_fkey")),
        sa.PrimaryKeyConstraint("programme", "id", name=op.f("whys_pkey")),
    )
    op.create_index(op.f("whys_programme_case_id_idx"), "whys", ["programme", "case_id"], unique=False)
    op.create_index(op.f("whys_programme_position_idx"), "whys", ["programme", "position"], unique=False)
    op.create_table(
        "causes",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=True, comment="whose people may read it besides the client's; null for nobody's"),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("share", sa.Double(), nullable=True),
        sa.Column("why", sa.Uuid(), nullable=True),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("by_vendor", sa.Text(), nullable=True, comment="the vendor of who proposed it; null for the client"),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme", "case_id"], ["cases.programme", "cases.id"], name=op.f("causes_programme_case_id_fkey")
        ),
        sa.ForeignKeyConstraint(["programme", "why"], ["whys.programme", "whys.id"], name=op.f("causes_programme_why_fkey")),
        sa.PrimaryKeyConstraint("programme", "id", name=op.f("causes_pkey")),
    )
    op.create_index(op.f("causes_programme_case_id_idx"), "causes", ["programme", "case_id"], unique=False)
    op.create_index(op.f("causes_programme_position_idx"), "causes", ["programme", "position"], unique=False)
    op.create_table(
        "case_evidence",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=True, comment="whose people may read it besides the client's; null for nobody's"),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=True, comment="null where there is none"),
        sa.Column("reason", sa.Text(), nullable=True, comment="why there is no content"),
        sa.Column("gathered_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme", "case_id"], ["cases.programme", "cases.id"], name=op.f("case_evidence_programme_case_id_fkey")
        ),
        sa.PrimaryKeyConstraint("programme", "case_id", "audience", "kind", name=op.f("case_evidence_pkey")),
    )
    op.create_table(
        "case_signals",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=True, comment="that of its case; null where the client keeps it to itself"),
        sa.Column("case_id", sa.Uuid(), nullable=True, comment="null where it led to none"),
        sa.Column("outcome", sa.Text(), nullable=False, comment="opened, attached, reopened or passed_over"),
        sa.Column(
            "document", postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment="the signal, as it was heard last"
        ),
        sa.Column("revision", sa.Integer(), nullable=False, comment="of the signal, as it was heard last"),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme", "case_id"], ["cases.programme", "cases.id"], name=op.f("case_signals_programme_case_id_fkey")
        ),
        sa.PrimaryKeyConstraint("programme", "key", name=op.f("case_signals_pkey")),
    )
    op.create_index(op.f("case_signals_programme_case_id_idx"), "case_signals", ["programme", "case_id"], unique=False)
    op.create_table(
        "signal_cursors",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=True, comment="null until a page was applied"),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("moves", sa.BigInteger(), nullable=False, comment="how often it has moved"),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("programme", name=op.f("signal_cursors_pkey")),
    )
    for table, by_vendor, grants in (
        ("case_events", True, "select, insert"),
        ("case_links", True, "select, insert, update"),
        ("whys", True, "select, insert, update"),
        ("causes", True, "select, insert, update"),
        ("case_evidence", True, "select, insert, update"),
        ("case_signals", True, "select, insert, update"),
        ("signal_cursors", False, "select, insert, update"),
    ):
        isolate(table, RUNTIME, by_vendor=by_vendor, grants=grants)
    op.execute("select set_config('app.programmes', '*', true), set_config('app.vendor', '*', true)")
    op.execute("""
        update cases set
            scope = jsonb_build_object('vendor', case when vendor is null then '[]'::jsonb else jsonb_build_array(vendor) end,
                                       'error_class', '[]'::jsonb) || scope,
            period_from = (opened_at at time zone 'UTC')::date - 28,
            period_to = (opened_at at time zone 'UTC')::date,
            owner = opened_by,
            evidence_wanted_at = case when state = 'open' then opened_at end
    """)
    op.execute("""
        insert into case_events (programme, id, case_id, vendor, position, kind, step, state, by, at, note, changed)
        select programme, id, id, vendor, position - (state = 'closed')::int, 'step', 'open', 'open', opened_by, opened_at,
            null, '{}'
        from cases
    """)
    op.execute("""
        insert into case_events (programme, id, case_id, vendor, position, kind, step, state, by, at, note, changed)
        select programme, gen_random_uuid(), id, vendor, position, 'step', 'close', 'closed', closed_by, closed_at, null,
            jsonb_build_object('conclusion', conclusion)
        from cases where state = 'closed'
    """)
