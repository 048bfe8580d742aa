"""The tables of programmes: the document as it stands, and the versions before it."""

from sqlalchemy import BigInteger, Column, DateTime, ForeignKeyConstraint, Integer, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from audit_api.metadata import metadata

programmes = Table(
    "programmes",
    metadata,
    Column("programme", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("document", JSONB, nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    Column("changed_by", Text, nullable=False),
    PrimaryKeyConstraint("programme"),
)

programme_versions = Table(
    "programme_versions",
    metadata,
    Column("programme", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("document", JSONB, nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    Column("changed_by", Text, nullable=False),
    PrimaryKeyConstraint("programme", "revision"),
    ForeignKeyConstraint(["programme"], ["programmes.programme"]),
    comment="superseded versions; the current one is in programmes",
)
