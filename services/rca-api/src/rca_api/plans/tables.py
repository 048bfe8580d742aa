"""The tables of plans: one for each case that has one, and each version that it has had."""

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
from sqlalchemy.dialects.postgresql import JSONB

from rca_api.metadata import metadata
from tallystick.service.database import SOUGHT

plans = Table(
    "plans",
    metadata,
    Column("programme", Text, nullable=False),
    Column("case_id", Uuid, nullable=False),
    Column("vendor", Text, comment="with whom the case is shared; null for an internal one"),
    Column("revision", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("effect", JSONB, nullable=False, comment="how it will be judged"),
    Column("registered_by", Text, nullable=False),
    Column("registered_at", DateTime(timezone=True), nullable=False),
    Column("frozen", Boolean, nullable=False, comment="whether the work has started"),
    Column("over_at", DateTime(timezone=True), nullable=False, comment="when the verification window is over"),
    Column("judge_at", DateTime(timezone=True), comment="when it is judged next; null once that is decided, or before the work"),
    Column("verdict", Text),
    Column("judged", JSONB, comment="the last judgement"),
    Column("judged_at", DateTime(timezone=True)),
    Column("extensions", JSONB, nullable=False),
    PrimaryKeyConstraint("programme", "case_id"),
    ForeignKeyConstraint(["programme", "case_id"], ["cases.programme", "cases.id"]),
    Index(None, "programme", "position"),
    Index("plans_to_judge_idx", "judge_at", postgresql_where=text("judge_at is not null")),
    info=SOUGHT,
)

plan_versions = Table(
    "plan_versions",
    metadata,
    Column("programme", Text, nullable=False),
    Column("case_id", Uuid, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("vendor", Text, comment="with whom the case is shared; null for an internal one"),
    Column("document", JSONB, nullable=False, comment="the plan as its GET showed it"),
    PrimaryKeyConstraint("programme", "case_id", "revision"),
    ForeignKeyConstraint(["programme", "case_id"], ["plans.programme", "plans.case_id"]),
    comment="superseded versions of plans",
    info=SOUGHT,
)
