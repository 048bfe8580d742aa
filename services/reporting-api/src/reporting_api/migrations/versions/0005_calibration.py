"""Calibration: sessions, their raters, items and ratings, and what became of golden items."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from tallystick.service.isolation import TAKING_PART, WITH_CLIENT, isolate

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

NAME = sa.Text(collation="C")
RUNTIME = "reporting_runtime"
GRANTS = "select, insert, update, delete"
CLIENT = "(select current_setting('app.vendor', true)) = '*'"
OF_SESSION = (
    "((select current_setting('app.vendor', true)) = '*'"
    " or (programme, session_id) in (select s.programme, s.session_id from calibration_sessions s))"
)


def upgrade() -> None:
    """Create the tables. A session is there for the vendors that take part; golden items are for the client alone."""
    op.create_table(
        "calibration_sessions",
        sa.Column("programme", NAME, nullable=False),
        sa.Column("session_id", sa.Uuid, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False, comment="of the change that this row shows"),
        sa.Column("state", NAME, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("level", NAME, nullable=False),
        sa.Column("categories", ARRAY(NAME), nullable=False),
        sa.Column("target", sa.Double, comment="null: the programme's"),
        sa.Column("items", sa.Integer, nullable=False),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reviewed_at", sa.DateTime(timezone=True)),
        sa.Column("concluded_at", sa.DateTime(timezone=True)),
        sa.Column("conclusion", sa.Text),
        sa.Column("vendors", ARRAY(NAME), nullable=False, comment="that take part"),
        sa.PrimaryKeyConstraint("programme", "session_id"),
    )
    op.create_table(
        "calibration_raters",
        sa.Column("programme", NAME, nullable=False),
        sa.Column("session_id", sa.Uuid, nullable=False),
        sa.Column("rater", NAME, nullable=False),
        sa.Column("vendor", NAME, comment="null: of the client's people"),
        sa.PrimaryKeyConstraint("programme", "session_id", "rater"),
    )
    op.create_table(
        "calibration_items",
        sa.Column("programme", NAME, nullable=False),
        sa.Column("session_id", sa.Uuid, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("item_id", sa.Uuid, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False, comment="of the change that this row shows"),
        sa.Column("content_ref", NAME),
        sa.Column("policy", NAME),
        sa.Column("repeat_of", sa.Integer),
        sa.Column("benchmark", NAME),
        sa.PrimaryKeyConstraint("programme", "session_id", "number"),
    )
    op.create_table(
        "calibration_ratings",
        sa.Column("programme", NAME, nullable=False),
        sa.Column("session_id", sa.Uuid, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("rater", NAME, nullable=False),
        sa.Column("vendor", NAME, comment="null: of the client's people"),
        sa.Column("value", NAME, nullable=False),
        sa.Column("policy", NAME, comment="the clause that it rests on"),
        sa.PrimaryKeyConstraint("programme", "session_id", "number", "rater"),
    )
    op.create_table(
        "golden_results",
        sa.Column("programme", NAME, nullable=False),
        sa.Column("result_id", sa.Uuid, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False, comment="of the change that this row shows"),
        sa.Column("item_id", sa.Uuid, nullable=False),
        sa.Column("auditor", NAME, comment="null once erased"),
        sa.Column("value", NAME, nullable=False),
        sa.Column("benchmark", NAME, nullable=False),
        sa.Column("audited_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("programme", "result_id"),
    )
    isolate("calibration_sessions", RUNTIME, by_vendor=False, grants=GRANTS, rules=[TAKING_PART])
    for table in ("calibration_raters", "calibration_ratings"):
        isolate(table, RUNTIME, by_vendor=False, grants=GRANTS, rules=[WITH_CLIENT, OF_SESSION])
    isolate("calibration_items", RUNTIME, by_vendor=False, grants=GRANTS, rules=[OF_SESSION])
    isolate("golden_results", RUNTIME, by_vendor=False, grants=GRANTS, rules=[CLIENT])
