"""The tables of sampling: plans, the draws of their periods, and the items drawn."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from audit_api.decisions.tables import decision_columns
from audit_api.metadata import metadata
from tallystick.service.database import SOUGHT

sampling_plans = Table(
    "sampling_plans",
    metadata,
    Column("programme", Text, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("document", JSONB, nullable=False, comment="as it stands, published or not"),
    Column("published_version", Integer),
    Column("changed_by", Text, nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    Column("published_at", DateTime(timezone=True)),
    Column("revision", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("programme", "id"),
)

sampling_plan_versions = Table(
    "sampling_plan_versions",
    metadata,
    Column("programme", Text, nullable=False),
    Column("plan_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("document", JSONB, nullable=False),
    Column("published_by", Text, nullable=False),
    Column("published_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("programme", "plan_id", "version"),
    ForeignKeyConstraint(["programme", "plan_id"], ["sampling_plans.programme", "sampling_plans.id"]),
)

draws = Table(
    "draws",
    metadata,
    Column("programme", Text, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("plan_id", Uuid, nullable=False),
    Column("plan_version", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("first_day", Date, nullable=False),
    Column("last_day", Date, nullable=False),
    Column("time_zone", Text, nullable=False, comment="of the programme, when the commitment was published"),
    Column("design", JSONB, nullable=False, comment="the document of the plan's version"),
    Column("vendors", ARRAY(Text), nullable=False, comment="whom it is about; all where there is none"),
    Column("commitment", Text, nullable=False),
    Column("told_key", Text, comment="in hexadecimal digits, once it is told"),
    Column("committed_at", DateTime(timezone=True), nullable=False),
    Column("draw_after", DateTime(timezone=True), nullable=False),
    Column("drawn_at", DateTime(timezone=True)),
    Column("due_at", DateTime(timezone=True)),
    Column("reserve", Integer, nullable=False, comment="candidates kept of a stratum that was not expected"),
    Column("revision", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("programme", "id"),
    Index(
        "draws_one_a_period",
        "programme",
        "plan_id",
        "first_day",
        unique=True,
        postgresql_where=text("state <> 'withdrawn'"),
    ),
    Index(None, "programme", "position"),
    Index(None, "programme", "draw_after", postgresql_where=text("state = 'committed'")),
)

draw_keys = Table(
    "draw_keys",
    metadata,
    Column("programme", Text, nullable=False),
    Column("draw_id", Uuid, nullable=False),
    Column("key", LargeBinary, nullable=False, comment="32 random bytes; told when the draw is made"),
    PrimaryKeyConstraint("programme", "draw_id"),
    ForeignKeyConstraint(["programme", "draw_id"], ["draws.programme", "draws.id"]),
    comment="apart from the draws and from all vendors, so that no document of one can hold its key by mistake",
)

draw_strata = Table(
    "draw_strata",
    metadata,
    Column("programme", Text, nullable=False),
    Column("draw_id", Uuid, nullable=False),
    Column("stratum", Text, nullable=False),
    Column("vendor", Text, nullable=False),
    Column("values", JSONB, nullable=False),
    Column("reserve", Integer, nullable=False, comment="candidates kept for it"),
    Column("decisions", BigInteger, nullable=False, comment="in the period; 0 until it is drawn"),
    Column("planned", Integer, nullable=False),
    Column("drawn", Integer, nullable=False),
    PrimaryKeyConstraint("programme", "draw_id", "stratum"),
    ForeignKeyConstraint(["programme", "draw_id"], ["draws.programme", "draws.id"]),
)

draw_frames = Table(
    "draw_frames",
    metadata,
    Column("programme", Text, nullable=False),
    Column("draw_id", Uuid, nullable=False),
    Column("vendor", Text, nullable=False),
    Column("decisions", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    PrimaryKeyConstraint("programme", "draw_id", "vendor"),
    ForeignKeyConstraint(["programme", "draw_id"], ["draws.programme", "draws.id"]),
    comment="what was in the frame of a draw when it was made",
)

draw_sources = Table(
    "draw_sources",
    metadata,
    Column("programme", Text, nullable=False),
    Column("draw_id", Uuid, nullable=False),
    Column("about", Text, nullable=False, comment="the vendor whose decisions these are"),
    Column("owner", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("vendor", Text, comment="null for the client's own"),
    Column("edition", Integer, nullable=False),
    Column("lines", BigInteger, nullable=False, comment="of the source, faulty ones and those of other vendors and days too"),
    Column("decisions", BigInteger, nullable=False, comment="of the vendor in the period"),
    PrimaryKeyConstraint("programme", "draw_id", "about", "owner", "source"),
    ForeignKeyConstraint(["programme", "draw_id"], ["draws.programme", "draws.id"]),
    comment="where the frame of a draw came from, and how far each source was then: what is behind that is late",
)

sample_items = Table(
    "sample_items",
    metadata,
    Column("programme", Text, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("draw_id", Uuid, comment="null for golden items and repeats"),
    Column("kind", Text, nullable=False, comment="sampled, golden or repeat: nobody who audits may tell them apart"),
    Column("origin_id", Uuid, comment="the golden item, or the item that is repeated"),
    Column("stratum", Text),
    Column("rank", LargeBinary),
    *decision_columns(),
    Column("inclusion_probability", Double),
    Column("harm", Double, nullable=False, comment="of its policy"),
    Column("priority", Integer, nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column(
        "turn", Integer, nullable=False, comment="the how manieth item of its moderator in the draw: all have their first, first"
    ),
    Column("state", Text, nullable=False),
    Column("claimed_by", Text),
    Column("claimed_at", DateTime(timezone=True)),
    Column("lease_until", DateTime(timezone=True)),
    Column(
        "passed_by", ARRAY(Text), nullable=False, server_default="{}", comment="who gave it back: it does not come to them again"
    ),
    Column("handed_back", JSONB, nullable=False, server_default="[]", comment="reason, comment, by and at of each time"),
    Column("audit_id", Uuid, comment="the audit that came of it; null for golden items and repeats"),
    Column("audited_by", Text),
    Column("audited_at", DateTime(timezone=True)),
    Column("handling_time_s", Integer),
    Column("told", Boolean, nullable=False, comment="whether the feed shows it as it stands: claims are told a little later"),
    Column("revision", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("programme", "id"),
    Index(None, "programme", "position"),
    Index(None, "programme", "draw_id", "stratum", "rank"),
    Index(
        "sample_items_waiting",
        "programme",
        "priority",
        "due_at",
        "turn",
        "rank",
        "language",
        "policy",
        "harm",
        postgresql_where=text("state = 'waiting'"),
    ),
    Index(
        "sample_items_waiting_by_skill",
        "programme",
        "language",
        "policy",
        "harm",
        postgresql_where=text("state = 'waiting'"),
    ),
    Index("sample_items_claimed", "programme", "claimed_by", postgresql_where=text("state = 'claimed'")),
    Index("sample_items_leased", "lease_until", postgresql_where=text("state = 'claimed'")),
    Index("sample_items_of_origin", "programme", "origin_id", postgresql_where=text("origin_id is not null")),
    Index("sample_items_repeated_once", "programme", "origin_id", unique=True, postgresql_where=text("kind = 'repeat'")),
    Index("sample_items_to_repeat", "programme", "rank", postgresql_where=text("state = 'audited' and kind = 'sampled'")),
    Index("sample_items_untold", "programme", "id", postgresql_where=text("not told")),
    info=SOUGHT,
)

lots = Table(
    "lots",
    metadata,
    Column("programme", Text, nullable=False),
    Column("draw_id", Uuid, nullable=False),
    Column("stratum", Text, nullable=False),
    Column("vendor", Text, nullable=False),
    Column("severity", Text, nullable=False, comment="by the lots before, when it was drawn"),
    Column("code_letter", Text, nullable=False),
    Column("sample", Integer, nullable=False),
    Column("accept", Integer, nullable=False),
    Column("reject", Integer, nullable=False),
    PrimaryKeyConstraint("programme", "draw_id", "stratum"),
    ForeignKeyConstraint(
        ["programme", "draw_id", "stratum"], ["draw_strata.programme", "draw_strata.draw_id", "draw_strata.stratum"]
    ),
    comment="how each lot was inspected; its verdict follows from the audits",
)
