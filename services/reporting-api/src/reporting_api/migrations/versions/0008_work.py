"""Cases with their causes, actions and plans, as rca-api's feed shows them, and where that was read up to."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from tallystick.service.isolation import isolate

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

NAME = sa.Text(collation="C")
RUNTIME = "reporting_runtime"
GRANTS = "select, insert, update, delete"
NAMED = "((select current_setting('app.vendor', true)) = '*' or programme in (select named.programme from cursors named))"
"""A further rule: the programme's document, which another table holds, names the vendor."""
OF_CASE = (
    "((select current_setting('app.vendor', true)) = '*'"
    " or audience = 'vendor' and (programme, case_id) in (select c.programme, c.case_id from cases c))"
)
"""A further rule: a cause is there for the vendor of its case, unless it is an internal one."""


def upgrade() -> None:
    """Create the tables. What is internal has no vendor, so that no vendor finds it."""
    op.create_table(
        "work_cursors",
        sa.Column("programme", NAME, primary_key=True),
        sa.Column("epoch", sa.Uuid),
        sa.Column("cursor", sa.Text),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), comment="when a page last changed something"),
        sa.Column("caught_up_at", sa.DateTime(timezone=True), comment="when the feed last had nothing more"),
        sa.Column("checked_at", sa.DateTime(timezone=True), comment="when the feed last answered"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
    )
    op.create_table(
        "cases",
        sa.Column("programme", NAME, nullable=False),
        sa.Column("case_id", sa.Uuid, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False, comment="of the change that this row shows"),
        sa.Column("vendor", NAME, comment="with whom the case is shared; null for an internal one"),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("state", NAME, nullable=False),
        sa.Column("measure", NAME, nullable=False),
        sa.Column("priority", NAME, nullable=False),
        sa.Column("owner", NAME),
        sa.Column("scope", JSONB, nullable=False),
        sa.Column("baseline_from", sa.Date, nullable=False, comment="with what its errors are compared"),
        sa.Column("baseline_to", sa.Date, nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True)),
        sa.Column("overridden", sa.Boolean, nullable=False, comment="closed although something was missing"),
        sa.Column("watch_until", sa.DateTime(timezone=True)),
        sa.Column("moves", JSONB, nullable=False, comment="the steps that it took, oldest first: step, state, at, due_at"),
        sa.PrimaryKeyConstraint("programme", "case_id"),
    )
    op.create_table(
        "causes",
        sa.Column("programme", NAME, nullable=False),
        sa.Column("cause_id", sa.Uuid, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False, comment="of the change that this row shows"),
        sa.Column("case_id", sa.Uuid, nullable=False),
        sa.Column("audience", NAME, nullable=False, comment="whether the vendor of its case may read of it"),
        sa.Column("state", NAME, nullable=False),
        sa.Column("code", NAME, nullable=False),
        sa.Column("category", NAME, nullable=False),
        sa.Column("share", sa.Double),
        sa.PrimaryKeyConstraint("programme", "cause_id"),
    )
    op.create_index("causes_case", "causes", ["programme", "case_id"])
    op.create_table(
        "actions",
        sa.Column("programme", NAME, nullable=False),
        sa.Column("action_id", sa.Uuid, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False, comment="of the change that this row shows"),
        sa.Column("case_id", sa.Uuid, nullable=False),
        sa.Column("vendor", NAME, comment="with whom its case is shared; null for an internal one"),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("owner", NAME, nullable=False),
        sa.Column("owner_vendor", NAME, comment="null: one of the client's people"),
        sa.Column("state", NAME, nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("programme", "action_id"),
    )
    op.create_index("actions_case", "actions", ["programme", "case_id"])
    op.create_table(
        "plans",
        sa.Column("programme", NAME, nullable=False),
        sa.Column("case_id", sa.Uuid, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False, comment="of the change that this row shows"),
        sa.Column("vendor", NAME, comment="with whom its case is shared; null for an internal one"),
        sa.Column("judge_on", sa.Date, nullable=False),
        sa.Column("verdict", NAME, comment="null until it was judged"),
        sa.Column("judged_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("programme", "case_id"),
    )
    isolate("work_cursors", RUNTIME, by_vendor=False, grants=GRANTS, rules=[NAMED])
    for table in ("cases", "actions", "plans"):
        isolate(table, RUNTIME, by_vendor=True, grants=GRANTS)
    isolate("causes", RUNTIME, by_vendor=False, grants=GRANTS, rules=[OF_CASE])
