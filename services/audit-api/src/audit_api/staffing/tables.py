"""The tables of staffing: auditors, and plans of who is to audit what."""

from sqlalchemy import Column, Date, DateTime, ForeignKeyConstraint, Index, Integer, PrimaryKeyConstraint, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from audit_api.metadata import metadata
from tallystick.service.database import SOUGHT

auditors = Table(
    "auditors",
    metadata,
    Column("programme", Text, nullable=False),
    Column(
        "auditor", Text, nullable=False, comment="the subject of their token; the row is the lock of all that is handed to them"
    ),
    Column("name", Text, nullable=False),
    Column("document", JSONB, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("programme", "auditor"),
    Index(None, "programme", "name", "auditor"),
)

staffing_plans = Table(
    "staffing_plans",
    metadata,
    Column("programme", Text, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("first_day", Date, nullable=False),
    Column("last_day", Date, nullable=False),
    Column("asked", JSONB, nullable=False),
    Column("answer", JSONB, nullable=False, comment="all of the plan but its assignments"),
    Column("items", Integer, nullable=False),
    Column("covered", Integer, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("programme", "id"),
)

staffing_assignments = Table(
    "staffing_assignments",
    metadata,
    Column("programme", Text, nullable=False),
    Column("plan_id", Uuid, nullable=False),
    Column("auditor", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("draw_id", Uuid, nullable=False),
    Column("stratum", Text, nullable=False),
    Column("items", Integer, nullable=False),
    PrimaryKeyConstraint("programme", "plan_id", "auditor", "day", "draw_id", "stratum"),
    ForeignKeyConstraint(["programme", "plan_id"], ["staffing_plans.programme", "staffing_plans.id"]),
    Index(None, "programme", "auditor", "day"),
    info=SOUGHT,
)
