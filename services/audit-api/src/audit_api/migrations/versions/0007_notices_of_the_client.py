"""What is announced may be the client's alone."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let an announcement have no vendor: then no vendor's endpoint hears of it."""
    op.execute("alter table webhook_announcements alter column vendor drop not null")
    for table, column in (("webhook_announcements", "vendor"), ("webhook_deliveries", "subject_vendor")):
        op.execute(f"comment on column {table}.{column} is 'whose thing it is about; null where that is the client''s alone'")
