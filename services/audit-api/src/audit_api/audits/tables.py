"""The tables of audits: each as it stands now, and the judgements that revisions have superseded."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from audit_api.metadata import metadata
from tallystick.service.database import SOUGHT


def _judgement() -> list[Column[object]]:
    return [
        Column("benchmark_action", Text, nullable=False),
        Column("benchmark_policy", Text, nullable=False),
        Column("verdict", Text, nullable=False),
        Column("error_class", Text),
        Column("error_code", Text),
        Column("severity", Text),
        Column("attributable_to", Text),
        Column("scorecard", JSONB),
        Column("comment", Text),
        Column("quality_score", Double),
    ]


audits = Table(
    "audits",
    metadata,
    Column("programme", Text, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("vendor", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("content_ref", Text),
    Column("site", Text, nullable=False),
    Column("queue", Text, nullable=False),
    Column("market", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("moderator", Text),
    Column("decided_at", DateTime(timezone=True), nullable=False),
    Column("action", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("automated_detection", Boolean, nullable=False),
    Column("automated_decision", Boolean, nullable=False),
    Column("render_hints", ARRAY(Text), nullable=False),
    Column("auditor", Text),
    Column("audit_party", Text, nullable=False),
    Column("claimed_at", DateTime(timezone=True)),
    Column("audited_at", DateTime(timezone=True), nullable=False),
    Column("handling_time_s", Integer),
    Column("stratum", Text),
    Column("inclusion_probability", Double),
    *_judgement(),
    Column("policy_set_version", Text, nullable=False),
    Column("error_taxonomy_version", Text, nullable=False),
    Column("content_hash", LargeBinary, nullable=False, comment="SHA-256 of the row as it was sent, in canonical form"),
    Column("batch_id", Uuid),
    Column("batch_row", Integer),
    Column("revision", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("first_scored", JSONB, comment="the first judgement, once a revision has changed it"),
    Column("recorded_by", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("erased", Boolean, nullable=False),
    Column(
        "checking",
        Boolean,
        nullable=False,
        server_default="false",
        comment="of a golden item or a repeat: it checks auditors, and counts for no vendor",
    ),
    PrimaryKeyConstraint("programme", "id"),
    UniqueConstraint("programme", "vendor", "external_id"),
    Index(None, "programme", "position"),
    Index(None, "programme", "batch_id", "batch_row"),
    Index(None, "programme", "audited_at", "id"),
    info=SOUGHT,
)

audit_revisions = Table(
    "audit_revisions",
    metadata,
    Column("programme", Text, nullable=False),
    Column("audit_id", Uuid, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("vendor", Text, nullable=False),
    *_judgement(),
    Column("reason", Text, comment="null for the first judgement"),
    Column("recorded_by", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("content_hash", LargeBinary, comment="of the row that brought this version; null where no row did"),
    Column("appeal_id", Uuid, comment="the appeal whose decision this version is; null where it is none"),
    PrimaryKeyConstraint("programme", "audit_id", "revision"),
    ForeignKeyConstraint(["programme", "audit_id"], ["audits.programme", "audits.id"]),
    comment="every version of a revised audit's judgement, the current one included; none for an audit never revised",
)
