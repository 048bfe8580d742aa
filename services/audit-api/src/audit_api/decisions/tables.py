"""The tables of decisions: where they come from, how many there are, and those that a draw may take.

The candidates of a stratum are all of its decisions with a rank below its cut, so that the first of them by rank are the first
of all. An id that two sources have sent, or one of them twice in different words, stands there more than once, with one rank.

A source belongs to the vendor whose system sends it, or to the client (`owner` is `*`, `vendor` null). What it counted is kept
by source, so that a corrected file can take the place of the one before.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from audit_api.metadata import metadata
from tallystick.service.database import SOUGHT

decision_sources = Table(
    "decision_sources",
    metadata,
    Column("programme", Text, nullable=False),
    Column("owner", Text, nullable=False, comment="the vendor, or * for the client"),
    Column("source", Text, nullable=False),
    Column("vendor", Text, comment="null for the client's own"),
    Column("edition", Integer, nullable=False),
    Column("next_row", BigInteger, nullable=False),
    Column("decisions", BigInteger, nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("programme", "owner", "source"),
)

decision_batches = Table(
    "decision_batches",
    metadata,
    Column("programme", Text, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("vendor", Text, comment="whose system sent it; null for the client's own"),
    Column("source", Text, nullable=False),
    Column("edition", Integer, nullable=False),
    Column("first_row", BigInteger, nullable=False),
    *(Column(name, Integer, nullable=False) for name in ("rows", "repeated", "rejected_rows", "counted", "late", "candidates")),
    Column(
        "rejected", JSONB, nullable=False, comment="the first thousand rejected lines: row, pointer, code and detail; no value"
    ),
    Column("recorded_by", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("programme", "id"),
)

DIMENSIONS = (
    "vendor", "site", "queue", "market", "language", "moderator", "policy", "action", "automated_detection",
    "automated_decision", "risk",
)  # fmt: skip
"""What decisions are counted by, in the order of `StratumDimension`; flags are `true` or `false`, no risk band is empty."""

decision_counts = Table(
    "decision_counts",
    metadata,
    Column("programme", Text, nullable=False),
    Column("day", Date, nullable=False, comment="of the decision, in the programme's time zone"),
    Column("owner", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("cell", LargeBinary, nullable=False, comment="the first 16 bytes of the SHA-256 of the dimensions"),
    *(Column(name, Text, nullable=False) for name in DIMENSIONS),
    Column("decisions", BigInteger, nullable=False),
    PrimaryKeyConstraint("programme", "day", "owner", "source", "cell"),
)

decision_frames = Table(
    "decision_frames",
    metadata,
    Column("programme", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("owner", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("vendor", Text, nullable=False),
    Column("decisions", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False, comment="of these decisions, whatever their order: digests add up"),
    PrimaryKeyConstraint("programme", "day", "owner", "source", "vendor"),
    Index(None, "programme", "owner", "source"),
    info=SOUGHT,
)


def decision_columns() -> list[Column[object]]:
    """A decision, as candidates and items keep it."""
    return [
        Column("vendor", Text, nullable=False),
        Column("decision_id", Text, nullable=False),
        Column("site", Text, nullable=False),
        Column("queue", Text, nullable=False),
        Column("market", Text, nullable=False),
        Column("language", Text, nullable=False),
        Column("moderator", Text, nullable=False),
        Column("decided_at", DateTime(timezone=True), nullable=False),
        Column("action", Text, nullable=False),
        Column("policy", Text, nullable=False),
        Column("content_ref", Text, nullable=False),
        Column("automated_detection", Boolean, nullable=False),
        Column("automated_decision", Boolean, nullable=False),
        Column("risk", Text),
        Column("modality", Text, nullable=False),
        Column("render_hints", ARRAY(Text), nullable=False),
    ]


decision_candidates = Table(
    "decision_candidates",
    metadata,
    Column("programme", Text, nullable=False),
    Column("draw_id", Uuid, nullable=False),
    Column("stratum", Text, nullable=False),
    Column("rank", LargeBinary, nullable=False, comment="HMAC-SHA-256 of the decision's id under the draw's key"),
    Column("owner", Text, nullable=False),
    Column("source", Text, nullable=False),
    *decision_columns(),
    PrimaryKeyConstraint("programme", "draw_id", "stratum", "rank", "owner", "source"),
)

decision_cuts = Table(
    "decision_cuts",
    metadata,
    Column("programme", Text, nullable=False),
    Column("draw_id", Uuid, nullable=False),
    Column("stratum", Text, nullable=False),
    Column("vendor", Text, nullable=False),
    Column("cut", LargeBinary, nullable=False, comment="every decision of the stratum with a rank below it is a candidate"),
    PrimaryKeyConstraint("programme", "draw_id", "stratum"),
    comment="of strata that had more candidates than their reserve; without a row all of their decisions are candidates",
)
