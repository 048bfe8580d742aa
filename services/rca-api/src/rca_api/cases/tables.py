"""The tables of cases: each as it stands now, and everything that happened on it."""

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
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

UNFINISHED = "state not in ('closed', 'cancelled')"
"""The condition of the partial index over cases that go on, as SQL has to say it for it to be used."""

cases = Table(
    "cases",
    metadata,
    Column("programme", Text, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("vendor", Text, comment="with whom the case is shared; null for an internal one"),
    Column("title", Text, nullable=False),
    Column("description", Text),
    Column("scope", JSONB, nullable=False),
    Column("state", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("opened_by", Text, nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("closed_by", Text),
    Column("closed_at", DateTime(timezone=True)),
    Column("conclusion", Text),
    Column("measure", Text, nullable=False, server_default="error_rate"),
    Column("priority", Text, nullable=False, server_default="normal"),
    Column("owner", Text),
    Column("participants", JSONB, nullable=False, server_default="[]"),
    Column("origin", Text, nullable=False, server_default="person"),
    Column("signals", ARRAY(Text), nullable=False, server_default="{}", comment="keys, in the order in which they joined"),
    Column("period_from", Date, nullable=False, server_default=text("current_date - 28")),
    Column("period_to", Date, nullable=False, server_default=text("current_date")),
    Column("due_at", DateTime(timezone=True)),
    Column("evidence_wanted_at", DateTime(timezone=True), comment="since when evidence is to be gathered; null while it is not"),
    Column("evidence_try_at", DateTime(timezone=True), comment="when that is tried again; null unless it has failed"),
    Column("evidence_at", DateTime(timezone=True)),
    Column("override", Text),
    Column("watch_until", DateTime(timezone=True), comment="until when a signal opens it again; null unless it is closed"),
    Column("reopened", Integer, nullable=False, server_default="0"),
    Column("moves", JSONB, nullable=False, server_default="[]", comment="the steps that it took, as the API shows them"),
    PrimaryKeyConstraint("programme", "id"),
    Index(None, "programme", "position"),
    Index("cases_unfinished_idx", "programme", "vendor", postgresql_where=text(UNFINISHED)),
    Index("cases_watched_idx", "programme", "watch_until", postgresql_where=text("watch_until is not null")),
    Index("cases_evidence_wanted_idx", "programme", "id", postgresql_where=text("evidence_wanted_at is not null")),
    info=SOUGHT,
)

case_events = Table(
    "case_events",
    metadata,
    Column("programme", Text, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("case_id", Uuid, nullable=False),
    Column("vendor", Text, comment="whose people may read it besides the client's; null for nobody's"),
    Column("position", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("step", Text),
    Column("state", Text, nullable=False, comment="of the case, after it"),
    Column("by", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("note", Text),
    Column("about", Text),
    Column("changed", JSONB, nullable=False, comment="the new values by field"),
    PrimaryKeyConstraint("programme", "id"),
    ForeignKeyConstraint(["programme", "case_id"], ["cases.programme", "cases.id"]),
    Index(None, "programme", "case_id", "position", "id"),
    info=SOUGHT,
)
