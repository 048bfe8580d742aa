"""The table of cases, each as it stands now."""

from sqlalchemy import BigInteger, Column, DateTime, Index, Integer, PrimaryKeyConstraint, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from rca_api.metadata import metadata

cases = Table(
    "cases",
    metadata,
    Column("programme", Text, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("vendor", Text, comment="with whom the case is shared; null for an internal one"),
    Column("title", Text, nullable=False),
    Column("description", Text),
    Column("scope", JSONB, nullable=False),
    Column("state", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("opened_by", Text, nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("closed_by", Text),
    Column("closed_at", DateTime(timezone=True)),
    Column("conclusion", Text),
    PrimaryKeyConstraint("programme", "id"),
    Index(None, "programme", "position"),
)
