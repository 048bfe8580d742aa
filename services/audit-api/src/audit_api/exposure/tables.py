"""The tables of exposure. What is in them is each person's own: row-level security shows nobody anybody else's rows."""

from sqlalchemy import Column, Date, DateTime, Double, Index, Integer, PrimaryKeyConstraint, Table, Text, Uuid

from audit_api.metadata import metadata

exposures = Table(
    "exposures",
    metadata,
    Column("programme", Text, nullable=False),
    Column("auditor", Text, nullable=False),
    Column("item_id", Uuid, nullable=False),
    Column("day", Date, nullable=False, comment="in the programme's time zone"),
    Column("began_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True), comment="null while it is in hand"),
    Column("policy", Text, nullable=False),
    Column("harm", Double, nullable=False),
    Column("team", Text, nullable=False, comment="of the person when it was handed out; empty for none"),
    Column("seconds", Integer, nullable=False, comment="those that are expected, while it is in hand"),
    Column("dose", Double, nullable=False),
    PrimaryKeyConstraint("programme", "auditor", "item_id", "began_at"),
    Index(None, "programme", "auditor", "day"),
)

exposure_weeks = Table(
    "exposure_weeks",
    metadata,
    Column("programme", Text, nullable=False),
    Column("auditor", Text, nullable=False),
    Column("week", Date, nullable=False, comment="its Monday"),
    Column("team", Text, nullable=False, comment="as in exposures"),
    Column("dose", Double, nullable=False),
    Column("seconds", Integer, nullable=False),
    Column("items", Integer, nullable=False),
    PrimaryKeyConstraint("programme", "auditor", "week", "team"),
)

opt_outs = Table(
    "opt_outs",
    metadata,
    Column("programme", Text, nullable=False),
    Column("auditor", Text, nullable=False),
    Column("policy", Text, nullable=False),
    PrimaryKeyConstraint("programme", "auditor", "policy"),
)

breaks = Table(
    "breaks",
    metadata,
    Column("programme", Text, nullable=False),
    Column("auditor", Text, nullable=False),
    Column("began_at", DateTime(timezone=True), nullable=False),
    Column("until", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("programme", "auditor", "began_at"),
)
