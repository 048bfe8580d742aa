"""The table of evidence: one row by case, audience and kind. A vendor's rows hold nothing of others."""

from sqlalchemy import Column, DateTime, ForeignKeyConstraint, PrimaryKeyConstraint, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from rca_api.metadata import metadata
from tallystick.service.database import SOUGHT

case_evidence = Table(
    "case_evidence",
    metadata,
    Column("programme", Text, nullable=False),
    Column("case_id", Uuid, nullable=False),
    Column("audience", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("vendor", Text, comment="whose people may read it besides the client's; null for nobody's"),
    Column("content", JSONB, comment="null where there is none"),
    Column("reason", Text, comment="why there is no content"),
    Column("gathered_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("programme", "case_id", "audience", "kind"),
    ForeignKeyConstraint(["programme", "case_id"], ["cases.programme", "cases.id"]),
    info=SOUGHT,
)
