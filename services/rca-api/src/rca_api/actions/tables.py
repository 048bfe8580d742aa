"""The tables of actions: each as it stands, and what is to be said of it when."""

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
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from rca_api.metadata import metadata
from tallystick.service.database import SOUGHT

actions = Table(
    "actions",
    metadata,
    Column("programme", Text, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("case_id", Uuid, nullable=False),
    Column("vendor", Text, comment="with whom the case is shared; null for an internal one"),
    Column("revision", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text),
    Column("owner", Text, nullable=False),
    Column("owner_vendor", Text),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("depends_on", ARRAY(Uuid), nullable=False),
    Column("state", Text, nullable=False),
    Column("escalated_to", Text),
    Column("evidence", JSONB, nullable=False),
    Column("note", Text),
    Column("opened_by", Text, nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("done_by", Text),
    Column("done_at", DateTime(timezone=True)),
    Column("verified_by", Text),
    Column("verified_at", DateTime(timezone=True)),
    Column("on_time", Boolean),
    PrimaryKeyConstraint("programme", "id"),
    ForeignKeyConstraint(["programme", "case_id"], ["cases.programme", "cases.id"]),
    Index(None, "programme", "position"),
    Index(None, "programme", "case_id", "id"),
    Index(None, "programme", "owner", "id"),
    Index("actions_unsettled_idx", "programme", "state", "id", postgresql_where=text("state in ('open', 'in_progress', 'done')")),
    info=SOUGHT,
)

action_reminders = Table(
    "action_reminders",
    metadata,
    Column("programme", Text, nullable=False),
    Column("action_id", Uuid, nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False, comment="of the action: another due date has other reminders"),
    Column("kind", Text, nullable=False),
    Column("station", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("recipient", Text),
    Column("told_at", DateTime(timezone=True)),
    PrimaryKeyConstraint("programme", "action_id", "due_at", "kind", "station"),
    ForeignKeyConstraint(["programme", "action_id"], ["actions.programme", "actions.id"]),
    Index("action_reminders_waiting_idx", "at", postgresql_where=text("told_at is null")),
    comment="what is to be told about an action, and when: the client's own book",
    info=SOUGHT,
)
