"""The table of links between cases. One that is taken away stays, marked."""

from sqlalchemy import (
    BigInteger,
    Boolean,
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

from rca_api.metadata import metadata
from tallystick.service.database import SOUGHT

case_links = Table(
    "case_links",
    metadata,
    Column("programme", Text, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("vendor", Text, comment="with whom both cases are shared; null where they are not"),
    Column("case_id", Uuid, nullable=False),
    Column("to", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("removed", Boolean, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("linked_by", Text, nullable=False),
    Column("linked_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("programme", "id"),
    ForeignKeyConstraint(["programme", "case_id"], ["cases.programme", "cases.id"]),
    ForeignKeyConstraint(["programme", "to"], ["cases.programme", "cases.id"]),
    Index(None, "programme", "position"),
    Index("case_links_one_key", "programme", "case_id", "to", "kind", unique=True, postgresql_where=text("not removed")),
    Index(None, "programme", "to"),
    info=SOUGHT,
)
