"""The tables of signals: those that were heard, with what became of each, and where each programme's feed was read up to."""

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
)
from sqlalchemy.dialects.postgresql import JSONB

from rca_api.metadata import metadata
from tallystick.service.database import SOUGHT

case_signals = Table(
    "case_signals",
    metadata,
    Column("programme", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("vendor", Text, comment="that of its case; null where the client keeps it to itself"),
    Column("case_id", Uuid, comment="null where it led to none"),
    Column("outcome", Text, nullable=False, comment="opened, attached, reopened or passed_over"),
    Column("document", JSONB, nullable=False, comment="the signal, as it was heard last"),
    Column("revision", Integer, nullable=False, comment="of the signal, as it was heard last"),
    Column("heard_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("programme", "key"),
    ForeignKeyConstraint(["programme", "case_id"], ["cases.programme", "cases.id"]),
    Index(None, "programme", "case_id"),
    info=SOUGHT,
)

signal_cursors = Table(
    "signal_cursors",
    metadata,
    Column("programme", Text, primary_key=True),
    Column("cursor", Text, comment="null until a page was applied"),
    Column("position", BigInteger, nullable=False),
    Column("moves", BigInteger, nullable=False, comment="how often it has moved"),
    Column("checked_at", DateTime(timezone=True)),
)
