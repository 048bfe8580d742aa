"""The read model: facts, rollups and cursors, under row-level security from the start."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from tallystick.service.isolation import isolate

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NAME = sa.Text(collation="C")
RUNTIME = "reporting_runtime"
DIMENSIONS = (
    "vendor",
    "site",
    "queue",
    "market",
    "language",
    "policy",
    "audit_party",
    "automated_detection",
    "error_class",
    "error_code",
    "severity",
    "moderator",
    "auditor",
)
ROLLED_UP = tuple(name for name in DIMENSIONS if name not in {"language", "automated_detection", "moderator"})
MEASURES = (
    "audits",
    "errors",
    "critical_errors",
    "false_positives",
    "false_negatives",
    "handling_time_s",
    "timed",
    "score",
    "scored",
)


def upgrade() -> None:
    """Create the tables and close them to everybody but the runtime role."""
    op.create_table(
        "facts",
        sa.Column("programme", NAME, nullable=False),
        sa.Column("audit_id", sa.Uuid, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False, comment="of the change that this row shows"),
        sa.Column("day", sa.Date, nullable=False, comment="of the audit, in the programme's time zone"),
        *(sa.Column(name, NAME, nullable=False) for name in DIMENSIONS),
        sa.Column("incorrect", sa.Boolean, nullable=False),
        sa.Column("score", sa.Integer, comment="quality score in ten-thousandths"),
        sa.Column("handling_time_s", sa.Integer),
        sa.Column("first_incorrect", sa.Boolean, nullable=False),
        sa.Column("first_error_class", NAME, nullable=False),
        sa.Column("first_error_code", NAME, nullable=False),
        sa.Column("first_severity", NAME, nullable=False),
        sa.Column("first_score", sa.Integer),
        sa.PrimaryKeyConstraint("programme", "audit_id"),
    )
    op.create_index("facts_day", "facts", ["day"], postgresql_using="brin")
    op.create_table(
        "rollups",
        sa.Column("programme", NAME, nullable=False),
        sa.Column("cuboid", sa.SmallInteger, nullable=False, comment="the set of dimensions, as grouping() numbers it"),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("view", sa.SmallInteger, nullable=False, comment="0: as first scored; 1: what adjudication changed"),
        sa.Column("cell", NAME, nullable=False, comment="the dimensions' values in one, joined by U+001F"),
        *(sa.Column(name, NAME, nullable=False, comment="empty where the cuboid leaves it out") for name in ROLLED_UP),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in MEASURES),
        sa.PrimaryKeyConstraint("programme", "cuboid", "day", "view", "cell"),
    )
    op.create_table(
        "cursors",
        sa.Column("programme", NAME, primary_key=True),
        sa.Column("epoch", sa.Uuid),
        sa.Column("cursor", sa.Text),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("time_zone", sa.Text, nullable=False),
        sa.Column("document", JSONB, nullable=False, comment="the programme, as the feed last showed it"),
        sa.Column("applied_at", sa.DateTime(timezone=True), comment="when a page last changed something"),
        sa.Column("caught_up_at", sa.DateTime(timezone=True), comment="when the feed last had nothing more"),
        sa.Column("checked_at", sa.DateTime(timezone=True), comment="when the feed last answered"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
    )
    for table, by_vendor in (("facts", True), ("rollups", True), ("cursors", False)):
        isolate(table, RUNTIME, by_vendor=by_vendor, grants="select, insert, update, delete")
    op.execute(f"grant select on alembic_version to {RUNTIME}")
