"""The table of messages. They are written once and never change."""

from sqlalchemy import BigInteger, Column, DateTime, ForeignKeyConstraint, Index, PrimaryKeyConstraint, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from rca_api.metadata import metadata
from tallystick.service.database import SOUGHT

case_messages = Table(
    "case_messages",
    metadata,
    Column("programme", Text, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("case_id", Uuid, nullable=False),
    Column("vendor", Text, comment="whose people may read it besides the client's; null for nobody's"),
    Column("audience", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("mentions", ARRAY(Text), nullable=False, server_default="{}"),
    Column("attachments", JSONB, nullable=False, server_default="[]"),
    Column("position", BigInteger, nullable=False),
    Column("author", Text, nullable=False),
    Column("written_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("programme", "id"),
    ForeignKeyConstraint(["programme", "case_id"], ["cases.programme", "cases.id"]),
    Index(None, "programme", "case_id", "position"),
    Index(None, "programme", "position"),
    info=SOUGHT,
)
