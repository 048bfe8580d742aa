"""The tables of audit batches: the batch, and its rows that created nothing (those that did are the audits themselves)."""

from sqlalchemy import Column, DateTime, ForeignKeyConstraint, Integer, PrimaryKeyConstraint, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from audit_api.metadata import metadata

audit_batches = Table(
    "audit_batches",
    metadata,
    Column("programme", Text, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("vendor", Text, comment="whose system pushed it; null for the client's own"),
    Column("profile", Text),
    Column("atomicity", Text, nullable=False),
    Column("on_conflict", Text, nullable=False),
    *(Column(verdict, Integer, nullable=False) for verdict in ("created", "duplicate", "conflict", "rejected", "revised")),
    Column("recorded_by", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("programme", "id"),
)

audit_batch_rows = Table(
    "audit_batch_rows",
    metadata,
    Column("programme", Text, nullable=False),
    Column("batch_id", Uuid, nullable=False),
    Column("row", Integer, nullable=False),
    Column("vendor", Text),
    Column("verdict", Text, nullable=False),
    Column("external_id", Text),
    Column("audit_id", Uuid),
    Column("errors", JSONB, comment="pointer, code and detail of each fault; never a value"),
    PrimaryKeyConstraint("programme", "batch_id", "row"),
    ForeignKeyConstraint(["programme", "batch_id"], ["audit_batches.programme", "audit_batches.id"]),
)
