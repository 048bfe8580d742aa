"""Decisions, sampling and its draws, who audits them, and what that exposes people to."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from tallystick.service.isolation import CLIENT_ALONE, isolate

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

RUNTIME = "audit_runtime"
_OWN = (
    "((select current_setting('app.vendor', true)) = '*' and ((select current_setting('app.subject', true)) = E'\\x1fwellbeing'"
    " or auditor = (select current_setting('app.subject', true))))"
)
"""A person's own rows, and all of them for what the service does by itself: no token's subject holds a control character."""
_CLIENT = "(select current_setting('app.vendor', true)) = '*'"
_OF_ALL = "vendors = '{}' and exists (select from programmes where programmes.programme = draws.programme)"
_ABOUT = f"({_CLIENT} or ({_OF_ALL}) or (select nullif(current_setting('app.vendor', true), '')) = any (vendors))"
_DRAWN = f"({_CLIENT} or kind = 'sampled')"
_COUNTING = f"({_CLIENT} or not checking)"
_THEIRS = "select from audits where audits.programme = audit_revisions.programme and audits.id = audit_revisions.audit_id"
_REVISED = f"({_CLIENT} or exists ({_THEIRS}))"


def upgrade() -> None:
    """Create the tables and put each under row-level security; keep audits that check auditors from vendors."""
    op.create_table(
        "auditors",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column(
            "auditor",
            sa.Text(),
            nullable=False,
            comment="the subject of their token; the row is the lock of all that is handed to them",
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("programme", "auditor", name=op.f("auditors_pkey")),
    )
    op.create_index(op.f("auditors_programme_name_auditor_idx"), "auditors", ["programme", "name", "auditor"], unique=False)
    op.create_table(
        "breaks",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("auditor", sa.Text(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("programme", "auditor", "began_at", name=op.f("breaks_pkey")),
    )
    op.create_table(
        "decision_batches",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=True, comment="whose system sent it; null for the client's own"),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("first_row", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("repeated", sa.Integer(), nullable=False),
        sa.Column("rejected_rows", sa.Integer(), nullable=False),
        sa.Column("counted", sa.Integer(), nullable=False),
        sa.Column("late", sa.Integer(), nullable=False),
        sa.Column("candidates", sa.Integer(), nullable=False),
        sa.Column(
            "rejected",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="the first thousand rejected lines: row, pointer, code and detail; no value",
        ),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("programme", "id", name=op.f("decision_batches_pkey")),
    )
    op.create_table(
        "decision_candidates",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("draw_id", sa.Uuid(), nullable=False),
        sa.Column("stratum", sa.Text(), nullable=False),
        sa.Column("rank", sa.LargeBinary(), nullable=False, comment="HMAC-SHA-256 of the decision's id under the draw's key"),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=False),
        sa.Column("decision_id", sa.Text(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("market", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("moderator", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("content_ref", sa.Text(), nullable=False),
        sa.Column("automated_detection", sa.Boolean(), nullable=False),
        sa.Column("automated_decision", sa.Boolean(), nullable=False),
        sa.Column("risk", sa.Text(), nullable=True),
        sa.Column("modality", sa.Text(), nullable=False),
        sa.Column("render_hints", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint(
            "programme", "draw_id", "stratum", "rank", "owner", "source", name=op.f("decision_candidates_pkey")
        ),
    )
    op.create_table(
        "decision_cuts",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("draw_id", sa.Uuid(), nullable=False),
        sa.Column("stratum", sa.Text(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=False),
        sa.Column(
            "cut", sa.LargeBinary(), nullable=False, comment="every decision of the stratum with a rank below it is a candidate"
        ),
        sa.PrimaryKeyConstraint("programme", "draw_id", "stratum", name=op.f("decision_cuts_pkey")),
        comment="of strata that had more candidates than their reserve; without a row all of their decisions are candidates",
    )
    op.create_table(
        "decision_counts",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False, comment="of the decision, in the programme's time zone"),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("cell", sa.LargeBinary(), nullable=False, comment="the first 16 bytes of the SHA-256 of the dimensions"),
        sa.Column("vendor", sa.Text(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("market", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("moderator", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("automated_detection", sa.Text(), nullable=False),
        sa.Column("automated_decision", sa.Text(), nullable=False),
        sa.Column("risk", sa.Text(), nullable=False),
        sa.Column("decisions", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("programme", "day", "owner", "source", "cell", name=op.f("decision_counts_pkey")),
    )
    op.create_table(
        "decision_frames",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=False),
        sa.Column("decisions", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="of these decisions, whatever their order: digests add up"),
        sa.PrimaryKeyConstraint("programme", "day", "owner", "source", "vendor", name=op.f("decision_frames_pkey")),
    )
    op.create_index(
        op.f("decision_frames_programme_owner_source_idx"), "decision_frames", ["programme", "owner", "source"], unique=False
    )
    op.create_table(
        "decision_sources",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False, comment="the vendor, or * for the client"),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=True, comment="null for the client's own"),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("next_row", sa.BigInteger(), nullable=False),
        sa.Column("decisions", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("programme", "owner", "source", name=op.f("decision_sources_pkey")),
    )
    op.create_table(
        "draws",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("plan_version", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False, comment="of the programme, when the commitment was published"),
        sa.Column(
            "design",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="the document of the plan's version",
        ),
        sa.Column("vendors", postgresql.ARRAY(sa.Text()), nullable=False, comment="whom it is about; all where there is none"),
        sa.Column("commitment", sa.Text(), nullable=False),
        sa.Column("told_key", sa.Text(), nullable=True, comment="in hexadecimal digits, once it is told"),
        sa.Column("committed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("draw_after", sa.DateTime(timezone=True), nullable=False),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reserve", sa.Integer(), nullable=False, comment="candidates kept of a stratum that was not expected"),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("programme", "id", name=op.f("draws_pkey")),
    )
    op.create_index(
        op.f("draws_programme_draw_after_idx"),
        "draws",
        ["programme", "draw_after"],
        unique=False,
        postgresql_where=sa.text("state = 'committed'"),
    )
    op.create_index(op.f("draws_programme_position_idx"), "draws", ["programme", "position"], unique=False)
    op.create_index(
        "draws_one_a_period",
        "draws",
        ["programme", "plan_id", "first_day"],
        unique=True,
        postgresql_where=sa.text("state <> 'withdrawn'"),
    )
    op.create_table(
        "exposure_weeks",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("auditor", sa.Text(), nullable=False),
        sa.Column("week", sa.Date(), nullable=False, comment="its Monday"),
        sa.Column("team", sa.Text(), nullable=False, comment="as in exposures"),
        sa.Column("dose", sa.Double(), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("programme", "auditor", "week", "team", name=op.f("exposure_weeks_pkey")),
    )
    op.create_table(
        "exposures",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("auditor", sa.Text(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False, comment="in the programme's time zone"),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True, comment="null while it is in hand"),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("harm", sa.Double(), nullable=False),
        sa.Column("team", sa.Text(), nullable=False, comment="of the person when it was handed out; empty for none"),
        sa.Column("seconds", sa.Integer(), nullable=False, comment="those that are expected, while it is in hand"),
        sa.Column("dose", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("programme", "auditor", "item_id", "began_at", name=op.f("exposures_pkey")),
    )
    op.create_index(op.f("exposures_programme_auditor_day_idx"), "exposures", ["programme", "auditor", "day"], unique=False)
    op.create_table(
        "opt_outs",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("auditor", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("programme", "auditor", "policy", name=op.f("opt_outs_pkey")),
    )
    op.create_table(
        "sample_items",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("draw_id", sa.Uuid(), nullable=True, comment="null for golden items and repeats"),
        sa.Column("kind", sa.Text(), nullable=False, comment="sampled, golden or repeat: nobody who audits may tell them apart"),
        sa.Column("origin_id", sa.Uuid(), nullable=True, comment="the golden item, or the item that is repeated"),
        sa.Column("stratum", sa.Text(), nullable=True),
        sa.Column("rank", sa.LargeBinary(), nullable=True),
        sa.Column("vendor", sa.Text(), nullable=False),
        sa.Column("decision_id", sa.Text(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("market", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("moderator", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("content_ref", sa.Text(), nullable=False),
        sa.Column("automated_detection", sa.Boolean(), nullable=False),
        sa.Column("automated_decision", sa.Boolean(), nullable=False),
        sa.Column("risk", sa.Text(), nullable=True),
        sa.Column("modality", sa.Text(), nullable=False),
        sa.Column("render_hints", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("inclusion_probability", sa.Double(), nullable=True),
        sa.Column("harm", sa.Double(), nullable=False, comment="of its policy"),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "turn",
            sa.Integer(),
            nullable=False,
            comment="the how manieth item of its moderator in the draw: all have their first, first",
        ),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("claimed_by", sa.Text(), nullable=True),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "passed_by",
            postgresql.ARRAY(sa.Text()),
            server_default="{}",
            nullable=False,
            comment="who gave it back: it does not come to them again",
        ),
        sa.Column(
            "handed_back",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
            comment="reason, comment, by and at of each time",
        ),
        sa.Column("audit_id", sa.Uuid(), nullable=True, comment="the audit that came of it; null for golden items and repeats"),
        sa.Column("audited_by", sa.Text(), nullable=True),
        sa.Column("audited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("handling_time_s", sa.Integer(), nullable=True),
        sa.Column(
            "told", sa.Boolean(), nullable=False, comment="whether the feed shows it as it stands: claims are told a little later"
        ),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("programme", "id", name=op.f("sample_items_pkey")),
    )
    op.create_index(
        "sample_items_claimed",
        "sample_items",
        ["programme", "claimed_by"],
        unique=False,
        postgresql_where=sa.text("state = 'claimed'"),
    )
    op.create_index(
        "sample_items_leased", "sample_items", ["lease_until"], unique=False, postgresql_where=sa.text("state = 'claimed'")
    )
    op.create_index(
        op.f("sample_items_programme_draw_id_stratum_rank_idx"),
        "sample_items",
        ["programme", "draw_id", "stratum", "rank"],
        unique=False,
    )
    op.create_index(op.f("sample_items_programme_position_idx"), "sample_items", ["programme", "position"], unique=False)
    op.create_index(
        "sample_items_of_origin",
        "sample_items",
        ["programme", "origin_id"],
        unique=False,
        postgresql_where=sa.text("origin_id is not null"),
    )
    op.create_index(
        "sample_items_repeated_once",
        "sample_items",
        ["programme", "origin_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'repeat'"),
    )
    op.create_index(
        "sample_items_to_repeat",
        "sample_items",
        ["programme", "rank"],
        unique=False,
        postgresql_where=sa.text("state = 'audited' and kind = 'sampled'"),
    )
    op.create_index(
        "sample_items_untold", "sample_items", ["programme", "id"], unique=False, postgresql_where=sa.text("not told")
    )
    op.create_index(
        "sample_items_waiting",
        "sample_items",
        ["programme", "priority", "due_at", "turn", "rank", "language", "policy", "harm"],
        unique=False,
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index(
        "sample_items_waiting_by_skill",
        "sample_items",
        ["programme", "language", "policy", "harm"],
        unique=False,
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "sampling_plans",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment="as it stands, published or not"),
        sa.Column("published_version", sa.Integer(), nullable=True),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("programme", "id", name=op.f("sampling_plans_pkey")),
    )
    op.create_table(
        "staffing_plans",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("asked", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "answer", postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment="all of the plan but its assignments"
        ),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("covered", sa.Integer(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("programme", "id", name=op.f("staffing_plans_pkey")),
    )
    op.create_table(
        "draw_frames",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("draw_id", sa.Uuid(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=False),
        sa.Column("decisions", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme", "draw_id"], ["draws.programme", "draws.id"], name=op.f("draw_frames_programme_draw_id_fkey")
        ),
        sa.PrimaryKeyConstraint("programme", "draw_id", "vendor", name=op.f("draw_frames_pkey")),
        comment="what was in the frame of a draw when it was made",
    )
    op.create_table(
        "draw_sources",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("draw_id", sa.Uuid(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False, comment="the vendor whose decisions these are"),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=True, comment="null for the client's own"),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column(
            "lines",
            sa.BigInteger(),
            nullable=False,
            comment="of the source, faulty ones and those of other vendors and days too",
        ),
        sa.Column("decisions", sa.BigInteger(), nullable=False, comment="of the vendor in the period"),
        sa.ForeignKeyConstraint(
            ["programme", "draw_id"], ["draws.programme", "draws.id"], name=op.f("draw_sources_programme_draw_id_fkey")
        ),
        sa.PrimaryKeyConstraint("programme", "draw_id", "about", "owner", "source", name=op.f("draw_sources_pkey")),
        comment="where the frame of a draw came from, and how far each source was then: what is behind that is late",
    )
    op.create_table(
        "draw_keys",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("draw_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False, comment="32 random bytes; told when the draw is made"),
        sa.ForeignKeyConstraint(
            ["programme", "draw_id"], ["draws.programme", "draws.id"], name=op.f("draw_keys_programme_draw_id_fkey")
        ),
        sa.PrimaryKeyConstraint("programme", "draw_id", name=op.f("draw_keys_pkey")),
        comment="apart from the draws and from all vendors, so that no document of one can hold its key by mistake",
    )
    op.create_table(
        "draw_strata",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("draw_id", sa.Uuid(), nullable=False),
        sa.Column("stratum", sa.Text(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=False),
        sa.Column("values", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("reserve", sa.Integer(), nullable=False, comment="candidates kept for it"),
        sa.Column("decisions", sa.BigInteger(), nullable=False, comment="in the period; 0 until it is drawn"),
        sa.Column("planned", sa.Integer(), nullable=False),
        sa.Column("drawn", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme", "draw_id"], ["draws.programme", "draws.id"], name=op.f("draw_strata_programme_draw_id_fkey")
        ),
        sa.PrimaryKeyConstraint("programme", "draw_id", "stratum", name=op.f("draw_strata_pkey")),
    )
    op.create_table(
        "sampling_plan_versions",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("published_by", sa.Text(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme", "plan_id"],
            ["sampling_plans.programme", "sampling_plans.id"],
            name=op.f("sampling_plan_versions_programme_plan_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("programme", "plan_id", "version", name=op.f("sampling_plan_versions_pkey")),
    )
    op.create_table(
        "staffing_assignments",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("auditor", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("draw_id", sa.Uuid(), nullable=False),
        sa.Column("stratum", sa.Text(), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme", "plan_id"],
            ["staffing_plans.programme", "staffing_plans.id"],
            name=op.f("staffing_assignments_programme_plan_id_fkey"),
        ),
        sa.PrimaryKeyConstraint(
            "programme", "plan_id", "auditor", "day", "draw_id", "stratum", name=op.f("staffing_assignments_pkey")
        ),
    )
    op.create_index(
        op.f("staffing_assignments_programme_auditor_day_idx"),
        "staffing_assignments",
        ["programme", "auditor", "day"],
        unique=False,
    )
    op.create_table(
        "lots",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("draw_id", sa.Uuid(), nullable=False),
        sa.Column("stratum", sa.Text(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False, comment="by the lots before, when it was drawn"),
        sa.Column("code_letter", sa.Text(), nullable=False),
        sa.Column("sample", sa.Integer(), nullable=False),
        sa.Column("accept", sa.Integer(), nullable=False),
        sa.Column("reject", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme", "draw_id", "stratum"],
            ["draw_strata.programme", "draw_strata.draw_id", "draw_strata.stratum"],
            name=op.f("lots_programme_draw_id_stratum_fkey"),
        ),
        sa.PrimaryKeyConstraint("programme", "draw_id", "stratum", name=op.f("lots_pkey")),
        comment="how each lot was inspected; its verdict follows from the audits",
    )
    op.add_column(
        "audits",
        sa.Column(
            "checking",
            sa.Boolean(),
            server_default="false",
            nullable=False,
            comment="of a golden item or a repeat: it checks auditors, and counts for no vendor",
        ),
    )

    for table, grants in (
        ("decision_sources", "select, insert, update"),
        ("decision_batches", "select, insert"),
        ("decision_counts", "select, insert, update, delete"),
        ("decision_frames", "select, insert, update, delete"),
        ("decision_candidates", "select, insert, update, delete"),
        ("decision_cuts", "select, insert, update"),
        ("draw_strata", "select, insert, update, delete"),
        ("draw_frames", "select, insert"),
        ("draw_sources", "select, insert"),
        ("lots", "select, insert"),
    ):
        isolate(table, RUNTIME, by_vendor=True, grants=grants)
    isolate("sample_items", RUNTIME, by_vendor=True, grants="select, insert, update", rules=[_DRAWN])
    isolate("draws", RUNTIME, by_vendor=False, grants="select, insert, update", rules=[_ABOUT])
    for table, grants in (
        ("sampling_plans", "select, insert, update"),
        ("sampling_plan_versions", "select, insert"),
        ("draw_keys", "select, insert"),
        ("auditors", "select, insert, update"),
        ("staffing_plans", "select, insert"),
        ("staffing_assignments", "select, insert"),
    ):
        isolate(table, RUNTIME, by_vendor=False, grants=grants, rules=[CLIENT_ALONE])
    for table in ("exposures", "exposure_weeks", "opt_outs", "breaks"):
        isolate(table, RUNTIME, by_vendor=False, grants="select, insert, update, delete", rules=[_OWN])
    isolate("audits", RUNTIME, by_vendor=True, grants="select, insert, update", rules=[_COUNTING])
    isolate("audit_revisions", RUNTIME, by_vendor=True, grants="select, insert, update", rules=[_REVISED])
