"""The tables of webhooks: what was announced, who wants to hear of it, and how far each notice has come."""

from collections.abc import Mapping

from sqlalchemy import (
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB


class Webhooks:
    """The webhooks of one service.

    Args:
        metadata: of the service, to which the tables are added.
        events: the types of its notices, and the path at which what they are about is read, such as `/v1/appeals/{id}`.
    """

    def __init__(self, metadata: MetaData, events: Mapping[str, str]) -> None:
        self.events = events
        self.announcements = Table(
            "webhook_announcements",
            metadata,
            Column("programme", Text, nullable=False),
            Column("id", Uuid, nullable=False),
            Column("vendor", Text, comment="whose thing it is about; null where that is the client's alone"),
            Column("type", Text, nullable=False),
            Column("subject_id", Uuid, nullable=False),
            Column("announced_at", DateTime(timezone=True), nullable=False),
            PrimaryKeyConstraint("programme", "id"),
            comment="what is not yet handed out to the endpoints that want it",
        )
        self.endpoints = Table(
            "webhook_endpoints",
            metadata,
            Column("programme", Text, nullable=False),
            Column("id", Uuid, nullable=False),
            Column("revision", Integer, nullable=False),
            Column("vendor", Text, comment="whose notices it gets; null for the client's, which gets those of all"),
            Column("name", Text, nullable=False),
            Column("url", Text, nullable=False),
            Column("events", ARRAY(Text), nullable=False),
            Column("state", Text, nullable=False),
            Column("secrets", JSONB, nullable=False, comment="the newest first; sealed, each with the time until which it signs"),
            Column("created_by", Text, nullable=False),
            Column("created_at", DateTime(timezone=True), nullable=False),
            PrimaryKeyConstraint("programme", "id"),
        )
        self.deliveries = Table(
            "webhook_deliveries",
            metadata,
            Column("programme", Text, nullable=False),
            Column("id", Uuid, nullable=False),
            Column("vendor", Text, comment="whose endpoint it goes to; null for the client's"),
            Column("endpoint_id", Uuid, nullable=False),
            Column("type", Text, nullable=False),
            Column("subject_id", Uuid, nullable=False),
            Column("subject_vendor", Text, comment="whose thing it is about; null where that is the client's alone"),
            Column("created_at", DateTime(timezone=True), nullable=False, comment="when it was announced"),
            Column("state", Text, nullable=False),
            Column("attempts", Integer, nullable=False),
            Column("status", Integer),
            Column("reason", Text),
            Column("next_attempt_at", DateTime(timezone=True), comment="while one is made: when it is taken for lost"),
            Column("delivered_at", DateTime(timezone=True)),
            PrimaryKeyConstraint("programme", "id"),
            ForeignKeyConstraint(["programme", "endpoint_id"], ["webhook_endpoints.programme", "webhook_endpoints.id"]),
            Index(None, "programme", "endpoint_id", "id"),
            Index(
                "webhook_deliveries_due_idx",
                "programme",
                "endpoint_id",
                "next_attempt_at",
                postgresql_where=text("state = 'pending'"),
            ),
        )
