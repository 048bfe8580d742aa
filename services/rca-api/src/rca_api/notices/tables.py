"""The table of notices. They are written once and never change."""

from sqlalchemy import BigInteger, Column, DateTime, Index, PrimaryKeyConstraint, Table, Text, Uuid, text

from rca_api.metadata import metadata
from tallystick.service.database import SOUGHT

notices = Table(
    "notices",
    metadata,
    Column("programme", Text, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("vendor", Text, comment="whose people may read it besides the client's; null for nobody's"),
    Column("kind", Text, nullable=False),
    Column("station", Text, comment="of the chain along which overdue actions are escalated"),
    Column("recipient", Text, comment="null: everybody who may read it"),
    Column("case_id", Uuid),
    Column("subject_id", Uuid, nullable=False),
    Column("text", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("programme", "id"),
    Index(None, "programme", "position"),
    Index(None, "programme", "recipient", "id"),
    Index(None, "programme", "kind", "id"),
    Index("notices_of_case_idx", "programme", "case_id", "id", postgresql_where=text("case_id is not null")),
    info=SOUGHT,
)
