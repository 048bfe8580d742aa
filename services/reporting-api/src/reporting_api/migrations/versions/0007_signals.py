"""Signals, the stream that they change in, and what was last searched for them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from tallystick.service.isolation import isolate

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

RUNTIME = "reporting_runtime"


def upgrade() -> None:
    """Create the tables. A signal about several vendors, or about none, is for the client's people alone."""
    op.create_table(
        "streams",
        sa.Column("programme", sa.Text, primary_key=True),
        sa.Column("epoch", sa.Uuid, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "signals",
        sa.Column("programme", sa.Text, nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("vendor", sa.Text, comment="whose audits alone it is about; null: for the client's people only"),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("detector", sa.Text, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("measure", sa.Text),
        sa.Column("scope", JSONB, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("direction", sa.Text),
        sa.Column("since", sa.Date, nullable=False),
        sa.Column("raised_on", sa.Date, nullable=False),
        sa.Column("until", sa.Date, nullable=False, comment="the day after the last period that showed it"),
        sa.Column("time_zone", sa.Text, nullable=False),
        sa.Column("strength", sa.Double, nullable=False),
        sa.Column("observed", JSONB, nullable=False),
        sa.Column("expected", JSONB),
        sa.Column("summary", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("programme", "id"),
    )
    op.create_index("signals_position", "signals", ["programme", "position"])
    op.create_index("signals_raised_on", "signals", ["programme", "raised_on", "id"])
    op.create_table(
        "detections",
        sa.Column("programme", sa.Text, primary_key=True),
        sa.Column(
            "begun_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when the projection was begun that was searched",
        ),
        sa.Column("position", sa.BigInteger, nullable=False, comment="up to which it was counted"),
        sa.Column("day", sa.Date, nullable=False, comment="on which it was searched, in the programme's time zone"),
        sa.Column("version", sa.Text, nullable=False, comment="of the service that did"),
    )
    isolate("streams", RUNTIME, by_vendor=False, grants="select, insert, update")
    isolate("signals", RUNTIME, by_vendor=True, grants="select, insert, update")
    isolate("detections", RUNTIME, by_vendor=False, grants="select, insert, update")
