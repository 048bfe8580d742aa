"""The tables of calibration.

A session, and its items with it, is there for the vendors in `vendors`: nobody while it is a draft, then those whose people rate.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Computed,
    DateTime,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR

from audit_api.metadata import metadata
from tallystick.service.database import SOUGHT


def _searched(prose: str) -> Computed:
    """The words of a text as they stand, in any language, and their English stems."""
    return Computed(f"to_tsvector('simple'::regconfig, {prose}) || to_tsvector('english'::regconfig, {prose})", persisted=True)


calibration_sessions = Table(
    "calibration_sessions",
    metadata,
    Column("programme", Text, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("vendors", ARRAY(Text), nullable=False, comment="whose people rate; none while it is a draft"),
    Column("title", Text, nullable=False),
    Column("question", Text, nullable=False),
    Column("scale", JSONB, nullable=False),
    Column("deadline", DateTime(timezone=True), nullable=False),
    Column("target", Double),
    Column("state", Text, nullable=False),
    Column("facilitator", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("opened_at", DateTime(timezone=True)),
    Column("reviewed_at", DateTime(timezone=True), comment="from then on ratings are laid open"),
    Column("concluded_at", DateTime(timezone=True)),
    Column("conclusion", Text),
    Column("items", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("search", TSVECTOR, _searched("title || ' ' || question || ' ' || coalesce(conclusion, '')"), nullable=False),
    PrimaryKeyConstraint("programme", "id"),
    Index(None, "programme", "position"),
)

calibration_raters = Table(
    "calibration_raters",
    metadata,
    Column("programme", Text, nullable=False),
    Column("session_id", Uuid, nullable=False),
    Column("rater", Text, nullable=False),
    Column("vendor", Text, comment="null for the client's people"),
    Column("rated", Integer, nullable=False, comment="how many items; the row is the lock of all that its rater does here"),
    PrimaryKeyConstraint("programme", "session_id", "rater"),
    ForeignKeyConstraint(["programme", "session_id"], ["calibration_sessions.programme", "calibration_sessions.id"]),
)

calibration_items = Table(
    "calibration_items",
    metadata,
    Column("programme", Text, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("session_id", Uuid, nullable=False),
    Column("number", Integer, nullable=False),
    Column("vendors", ARRAY(Text), nullable=False, comment="of the session"),
    Column("audit_id", Uuid),
    Column("audit_vendor", Text, comment="whose audit it is: other vendors do not learn of it"),
    Column("content_ref", Text),
    Column("render_hints", ARRAY(Text), nullable=False),
    Column("policy", Text),
    Column("error_code", Text),
    Column("repeat_of", Integer),
    Column("benchmark", Text),
    Column("benchmark_by", Text),
    Column("discussion", Text),
    Column("revision", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("search", TSVECTOR, _searched("coalesce(discussion, '')"), nullable=False),
    PrimaryKeyConstraint("programme", "id"),
    UniqueConstraint("programme", "session_id", "number"),
    ForeignKeyConstraint(["programme", "session_id"], ["calibration_sessions.programme", "calibration_sessions.id"]),
    Index(None, "programme", "position"),
    Index(None, "programme", "audit_id", postgresql_where=text("audit_id is not null")),
    info=SOUGHT,
)


def _rating() -> list[Column[object]]:
    return [
        Column("programme", Text, nullable=False),
        Column("session_id", Uuid, nullable=False),
        Column("number", Integer, nullable=False),
        Column("rater", Text, nullable=False),
        Column("vendor", Text, comment="null for the client's people"),
        Column("value", Text, nullable=False),
        Column("policy", Text),
        Column("comment", Text),
        Column("rated_at", DateTime(timezone=True), nullable=False),
    ]


_OF_ITEM = ("programme", "session_id", "number")
_ITEM = [f"calibration_items.{name}" for name in _OF_ITEM]

calibration_ratings = Table(
    "calibration_ratings",
    metadata,
    *_rating(),
    PrimaryKeyConstraint(*_OF_ITEM, "rater"),
    ForeignKeyConstraint(_OF_ITEM, _ITEM),
    comment="those that stand",
)

past_calibration_ratings = Table(
    "past_calibration_ratings",
    metadata,
    Column("id", Uuid, nullable=False, server_default=text("uuidv7()")),
    *_rating(),
    Column("ended_at", DateTime(timezone=True), nullable=False),
    Column("withdrawn", Boolean, nullable=False),
    PrimaryKeyConstraint("programme", "id"),
    ForeignKeyConstraint(_OF_ITEM, _ITEM),
    Index(None, *_OF_ITEM),
    comment="those that another took the place of, or that were withdrawn",
)

golden_items = Table(
    "golden_items",
    metadata,
    Column("programme", Text, nullable=False),
    Column("item_id", Uuid, nullable=False),
    Column("content_ref", Text, nullable=False),
    Column("about", Text, nullable=False, comment="which judgement of an audit the benchmark is a value of"),
    Column("benchmark", Text, nullable=False),
    PrimaryKeyConstraint("programme", "item_id"),
    UniqueConstraint("programme", "content_ref"),
    ForeignKeyConstraint(["programme", "item_id"], ["calibration_items.programme", "calibration_items.id"]),
    comment="the items that are hidden in everyday work, as ingest looks for them whoever pushes",
    info=SOUGHT,
)

golden_results = Table(
    "golden_results",
    metadata,
    Column("programme", Text, nullable=False),
    Column("id", Uuid, nullable=False, server_default=text("uuidv7()")),
    Column("position", BigInteger, nullable=False),
    Column("item_id", Uuid, nullable=False),
    Column("audit_id", Uuid, nullable=False),
    Column("vendor", Text, nullable=False, comment="of the audit"),
    Column("auditor", Text),
    Column("value", Text, nullable=False),
    Column("benchmark", Text, nullable=False),
    Column("agreed", Boolean, nullable=False),
    Column("audited_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("programme", "id"),
    UniqueConstraint("programme", "audit_id"),
    ForeignKeyConstraint(["programme", "audit_id"], ["audits.programme", "audits.id"]),
    ForeignKeyConstraint(["programme", "item_id"], ["calibration_items.programme", "calibration_items.id"]),
    Index(None, "programme", "position"),
    Index(None, "programme", "auditor", "id"),
    info=SOUGHT,
)
