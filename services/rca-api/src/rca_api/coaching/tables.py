"""The table of coaching sessions."""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from rca_api.metadata import metadata
from tallystick.service.database import SOUGHT

coaching_sessions = Table(
    "coaching_sessions",
    metadata,
    Column("programme", Text, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("vendor", Text, comment="the person's; null for the client's own people"),
    Column("revision", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("subject", Text),
    Column("coach", Text, nullable=False),
    Column("case_id", Uuid),
    Column("audits", ARRAY(Uuid), nullable=False),
    Column("planned_for", DateTime(timezone=True), nullable=False),
    Column("state", Text, nullable=False),
    Column("notes", Text),
    Column("commitments", ARRAY(Text), nullable=False),
    Column("arranged_by", Text, nullable=False),
    Column("arranged_at", DateTime(timezone=True), nullable=False),
    Column("held_at", DateTime(timezone=True)),
    Column("answered_by", Text),
    Column("answered_at", DateTime(timezone=True)),
    Column("answer", Text),
    Column("reason", Text, comment="why it was cancelled"),
    PrimaryKeyConstraint("programme", "id"),
    ForeignKeyConstraint(["programme", "case_id"], ["cases.programme", "cases.id"]),
    Index(None, "programme", "position"),
    Index(None, "programme", "person", "id"),
    Index("coaching_sessions_held_idx", "programme", "id", postgresql_where=text("state = 'held'")),
    info=SOUGHT,
)
