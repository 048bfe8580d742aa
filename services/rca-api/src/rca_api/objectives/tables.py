"""The table of objectives."""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Double,
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

objectives = Table(
    "objectives",
    metadata,
    Column("programme", Text, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("vendor", Text, comment="whose people may read it besides the client's; null for nobody's"),
    Column("revision", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("title", Text, nullable=False),
    Column("of", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("measure", Text, nullable=False),
    Column("scope", JSONB, nullable=False),
    Column("target", Double, nullable=False),
    Column("period", JSONB, nullable=False),
    Column("case_id", Uuid),
    Column("set_by", Text, nullable=False),
    Column("set_at", DateTime(timezone=True), nullable=False),
    Column("ended_by", Text),
    Column("ended_at", DateTime(timezone=True)),
    PrimaryKeyConstraint("programme", "id"),
    ForeignKeyConstraint(["programme", "case_id"], ["cases.programme", "cases.id"]),
    Index(None, "programme", "position"),
    info=SOUGHT,
)
